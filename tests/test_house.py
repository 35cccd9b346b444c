"The figures of `make lint`, each held at its limit."

import ast

import house
import pytest

FOUND = house.measure()


@pytest.mark.parametrize("name", house.LIMITS)
def test_figure(name):
    assert len(FOUND[name]) <= house.LIMITS[name], "\n".join([f"{name}:", *sorted(FOUND[name])])


def test_the_measures_can_fail():
    "Each on code that has the fault."
    trees = {
        "schema": ast.parse(
            "from adaroute.report.html import _esc\ndef f(a, b, c, d, e, g, h): pass"
        ),
        "report.html": ast.parse(
            "def g():\n    from ..schema import f\ndef f():\n" + "    x = 1\n" * 26
        ),
    }
    assert house.circles(trees) == ["report.html schema"]
    assert house.arrows_up(trees) == ["schema -> report.html"]
    assert house.private_crossings(trees) == ["schema <- report.html._esc"]
    assert house.doubled_names(trees) == ["f: schema, report.html"]
    assert house.long_functions(trees) == ["report.html.f: 26"]
    assert house.many_parameters(trees) == ["schema.f: 7"]
    dense = ast.parse("x = [[(lambda: a + b)() for a in c] for b in d]")
    assert house.nodes_a_line(dense) > 15 and house.nested_lambdas({"dense": dense})


def test_every_wing_has_a_face():
    "Five lines or more that say what the wing is and hand on its names."
    for folder in sorted(
        p for p in house.PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"
    ):
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), folder.name
