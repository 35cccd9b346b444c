"""What keeps the house easy to live in, in figures: `make lint` prints them, `tests/test_house.py` holds them.

python tests/house.py            all figures, against their limits
python tests/house.py NAME ...   where each of the named ones is exceeded
"""

import ast
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, NBS = ROOT / "adaroute", ROOT / "nbs"

# One direction: a wing may import from the rows above its own, and from itself; the spine is everything flat.
FLOORS = (
    {"spine", "features"},
    {"files", "worlds", "learners", "serving"},
    {"rivals"},
    {"evaluation"},
    {"policy", "uncertainty", "provenance"},
    {"report"},
    {"lab", "studies"},
    {"command"},
)
ENTRY = {"__init__", "_moved", "_modidx", "surrogate", "coverage", "comparison", "policy_plots"}

LIMITS = {
    "circles": 0,
    "arrows up": 0,
    "private names across a border": 0,
    "names in two modules": 14,
    "lines over 120 columns": 0,
    "lines over 100 columns": 0,
    "modules with over 24 nodes a line": 0,
    "functions over 25 lines": 0,
    "classes over 60 lines": 0,
    "functions with over 6 parameters": 0,
    "chapters over 60 cells": 0,
    "lambdas in nested comprehensions": 0,
    "statements joined by a semicolon": 0,
    "public names without an example": 0,
}


def modules() -> dict[str, ast.Module]:
    "Dotted name -> syntax tree of every module that does something."
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if path.stem != "__init__" and name not in ENTRY:
            found[name] = ast.parse(path.read_text())
    return found


def imports(name: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    "Module and name of everything that a module takes from the package, inside functions too."
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            package = f"adaroute.{name}".rpartition(".")[0]
            base = node.module or ""
            if node.level:
                base = resolve_name("." * node.level + base, package)
            if base.split(".")[0] == "adaroute":
                for alias in node.names:
                    yield base.removeprefix("adaroute").lstrip("."), alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("adaroute."):
                    yield alias.name.removeprefix("adaroute."), ""


def arrows(trees: dict[str, ast.Module]) -> dict[str, set[str]]:
    "Module -> the modules that it imports."
    out = {name: set() for name in trees}
    for name, tree in trees.items():
        for base, what in imports(name, tree):
            inner = f"{base}.{what}" if base else what
            out[name] |= {m for m in (base, inner) if m in trees and m != name}
    return out


def circles(trees) -> list[str]:
    "Groups of modules that import each other."
    graph, reach = arrows(trees), {}
    for start in graph:
        seen, todo = set(), [start]
        while todo:
            for other in graph[todo.pop()] - seen:
                seen.add(other)
                todo.append(other)
        reach[start] = seen
    return sorted({" ".join(sorted(b for b in reach[a] if a in reach[b])) for a in reach} - {""})


def wing(name: str) -> str:
    return name.partition(".")[0] if "." in name else "spine"


def arrows_up(trees) -> list[str]:
    "Imports against the direction."
    floor = {w: k for k, row in enumerate(FLOORS) for w in row}
    bad = []
    for name, others in arrows(trees).items():
        for other in sorted(others):
            a, b = wing(name), wing(other)
            if a != b and not floor[b] < floor[a] and {a, b} != {"spine", "features"}:
                bad.append(f"{name} -> {other}")
    return bad


def private_crossings(trees) -> list[str]:
    "Private names that one module takes from another."
    found = []
    for name, tree in trees.items():
        for base, what in imports(name, tree):
            if re.match("_[^_]", what):
                found.append(f"{name} <- {base}.{what}")
    return found


def top_names(tree: ast.Module) -> set[str]:
    "Names that a module defines at its top."
    found = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            targets = [t for target in node.targets for t in ast.walk(target)]
            found |= {t.id for t in targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if not name.startswith("__")}


def doubled_names(trees) -> list[str]:
    "Top-level names with a home in more than one module."
    homes = defaultdict(list)
    for name, tree in trees.items():
        for top in top_names(tree):
            homes[top].append(name)
    return [f"{top}: {', '.join(where)}" for top, where in sorted(homes.items()) if len(where) > 1]


def nodes_a_line(tree: ast.Module) -> int:
    "90th percentile of syntax nodes a line; context nodes and the like count where their parent starts."
    count = Counter()
    todo = [(tree, 0)]
    while todo:
        node, line = todo.pop()
        line = getattr(node, "lineno", line)
        count[line] += bool(line)
        todo += [(child, line) for child in ast.iter_child_nodes(node)]
    sizes = sorted(n for n in count.values() if n)
    return sizes[int(0.9 * len(sizes))] if sizes else 0


def dense_modules(trees) -> list[str]:
    sizes = {name: nodes_a_line(tree) for name, tree in trees.items()}
    return [f"{name}: {size}" for name, size in sizes.items() if size > 24]


def is_docstring(node) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def length(node) -> int:
    "Lines of a body that hold code: no docstrings, blank lines, comments or lists of parameters."
    lines, todo = set(), list(node.body)
    while todo:
        part = todo.pop()
        if not is_docstring(part) and not isinstance(part, ast.arguments):
            lines |= {getattr(part, "lineno", 0), getattr(part, "end_lineno", 0)}
            todo += ast.iter_child_nodes(part)
    return len(lines - {0})


def defined(trees, kind) -> Iterator[tuple[str, ast.AST]]:
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield f"{name}.{node.name}", node


def long_functions(trees) -> list[str]:
    sizes = [(where, length(node)) for where, node in defined(trees, ast.FunctionDef)]
    return [f"{where}: {size}" for where, size in sizes if size > 25]


def long_classes(trees) -> list[str]:
    sizes = [(where, length(node)) for where, node in defined(trees, ast.ClassDef)]
    return [f"{where}: {size}" for where, size in sizes if size > 60]


def is_command(node: ast.FunctionDef) -> bool:
    return any(
        "command" in ast.unparse(d) or "click." in ast.unparse(d) for d in node.decorator_list
    )


def many_parameters(trees) -> list[str]:
    found = []
    for where, node in defined(trees, ast.FunctionDef):
        a = node.args
        named = [
            p for p in [*a.posonlyargs, *a.args, *a.kwonlyargs] if p.arg not in ("self", "cls")
        ]
        if len(named) > 6 and node.name != "__init__" and not is_command(node):
            found.append(f"{where}: {len(named)}")
    return found


COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def nested_lambdas(trees) -> list[str]:
    "A comprehension inside a comprehension with a lambda in it."
    found = []
    for name, tree in trees.items():
        for outer in (n for n in ast.walk(tree) if isinstance(n, COMPREHENSIONS)):
            inner = list(ast.walk(outer))[1:]
            nested = any(isinstance(n, COMPREHENSIONS) for n in inner)
            if nested and any(isinstance(n, ast.Lambda) for n in inner):
                found.append(f"{name}, line {outer.lineno}")
    return found


def notebooks() -> list[Path]:
    return sorted(p for p in NBS.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def read_cells(path: Path) -> list[tuple[str, str]]:
    "Kind and text of each cell."
    return [(c["cell_type"], "".join(c["source"])) for c in json.loads(path.read_text())["cells"]]


def code_cells() -> Iterator[tuple[str, str]]:
    for path in notebooks():
        for number, (kind, text) in enumerate(read_cells(path)):
            if kind == "code":
                yield f"{path.relative_to(NBS)}, cell {number}", text


def wide_lines(limit: int) -> list[str]:
    found = []
    for where, text in code_cells():
        found += [
            f"{where}: {line.strip()[:60]}" for line in text.splitlines() if len(line) > limit
        ]
    return found


def joined_statements() -> list[str]:
    "Statements that share a line with another one."
    found = []
    for where, text in code_cells():
        if not text.lstrip().startswith("%"):
            nodes = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.stmt)]
            starts = Counter(n.lineno for n in nodes if not hasattr(n, "body"))
            found += [f"{where}, line {line}" for line, count in starts.items() if count > 1]
    return found


def long_chapters() -> list[str]:
    sizes = [(path, len(read_cells(path))) for path in notebooks()]
    return [f"{path.relative_to(NBS)}: {size}" for path, size in sizes if size > 60]


def names_in_use(text: str) -> set[str]:
    tree = ast.parse(text)
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return names | {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}


def without_example() -> list[str]:
    "Public functions and classes that no example of their own chapter uses."
    found = []
    for path in notebooks():
        code = [
            text
            for kind, text in read_cells(path)
            if kind == "code" and not text.lstrip().startswith("%")
        ]
        exported = [text for text in code if re.match(r"#\|\s*export", text)]
        used = set()
        for text in code:
            if not re.match(r"#\|\s*(export|default_exp|hide)", text):
                used |= names_in_use(text)
        for node in ast.parse("\n".join(exported)).body:
            public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_"
            if (
                public
                and node.name not in used
                and not (isinstance(node, ast.FunctionDef) and is_command(node))
            ):
                found.append(f"{path.relative_to(NBS)}: {node.name}")
    return found


def measure() -> dict[str, list[str]]:
    "Figure -> what counts for it."
    trees = modules()
    return {
        "circles": circles(trees),
        "arrows up": arrows_up(trees),
        "private names across a border": private_crossings(trees),
        "names in two modules": doubled_names(trees),
        "lines over 120 columns": wide_lines(120),
        "lines over 100 columns": wide_lines(100),
        "modules with over 24 nodes a line": dense_modules(trees),
        "functions over 25 lines": long_functions(trees),
        "classes over 60 lines": long_classes(trees),
        "functions with over 6 parameters": many_parameters(trees),
        "chapters over 60 cells": long_chapters(),
        "lambdas in nested comprehensions": nested_lambdas(trees),
        "statements joined by a semicolon": joined_statements(),
        "public names without an example": without_example(),
    }


def main(names: list[str]) -> int:
    found = measure()
    for name, where in found.items():
        if not names:
            print(f"{len(where):>5}  of at most {LIMITS[name]:>3}  {name}")
        elif any(n in name for n in names):
            print(f"{name}: {len(where)}", *sorted(where), sep="\n  ")
    return int(any(len(where) > LIMITS[name] for name, where in found.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
