"Hygiene of the repository: what nobody wants to check by hand."

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import papermill
import pytest
import yaml
from packaging.specifiers import SpecifierSet

from adaroute.lab import paper

ROOT = Path(__file__).resolve().parents[1]
NBS, PACKAGE = ROOT / "nbs", ROOT / "adaroute"
NOTEBOOKS = sorted(p for p in NBS.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
PAPER = sorted((NBS / "paper").glob("[56]*.ipynb"))
MODULES = sorted(PACKAGE.rglob("*.py"))
MOVED = {"surrogate", "coverage", "comparison", "policy_plots", "_moved"}  # old names, which warn


def stem(path):
    return path.relative_to(NBS if path.suffix == ".ipynb" else PACKAGE).with_suffix("").as_posix()


def dotted(path):
    "The name of a module within the package."
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def cells(path, kind="code"):
    return [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def tracked():
    "Files that git has or would take; all files where there is no git."
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip("not a git clone")
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


def pins(text):
    "name -> version of every 'name==version'."
    return {
        name.lower().replace("_", "-"): version
        for name, version in re.findall(r"([A-Za-z0-9_.-]+)==([^\s,;\"]+)", text)
    }


def default_exp(path):
    found = [m[1] for c in cells(path) if (m := re.match(r"#\|\s*default_exp (\S+)", source(c)))]
    return found[0] if found else None


# notebooks


def test_modules_and_chapters_match():
    named = {default_exp(p) for p in NOTEBOOKS} - {None}
    written = {dotted(p) for p in MODULES if p.stem not in ("__init__", "_modidx")}
    assert named == written - MOVED


def test_there_are_as_many_as_there_should_be():
    "A glob that finds nothing would let every loop here pass."
    assert len(NOTEBOOKS) >= 80 and len(PAPER) == 18 and len(MODULES) >= 70


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_chapter_is_named_after_its_module(path):
    name = default_exp(path)
    assert name is None or re.fullmatch(rf"\d\d_{name.rpartition('.')[2]}", path.stem)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_notebook_form(path):
    notebook = json.loads(path.read_text())
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    ids = [c.get("id") for c in notebook["cells"]]
    assert all(ids) and len(set(ids)) == len(ids), "every cell needs an id of its own"
    code = [source(c) for c in cells(path)]
    assert not [s for s in code if re.search(r"#\|\s*eval:\s*false", s)], (
        "papermill would run it anyway: use `if`"
    )
    assert not [s for s in code if "nbdev_export(" in s]
    assert not [s for s in code if re.search(r"(?m)^\s*from \S+ import \*", s)]
    errors = [o for c in cells(path) for o in c["outputs"] if o["output_type"] == "error"]
    assert not errors, "a stored output is an error"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_title_and_prose(path):
    first = next(source(c) for c in cells(path, "markdown"))
    assert re.match(r"# .+\n\n> .+", first), "expected '# title', a blank line and '> subtitle'"
    assert not [c for c in cells(path, "markdown") if re.search(r"(?m)^:::", source(c))], (
        "Quarto syntax shows raw"
    )


def test_hidden_cells_are_few():
    for path in NOTEBOOKS:
        assert sum("#| hide" in source(c) for c in cells(path)) <= 3, path.name


def test_export_and_clean_change_nothing(tmp_path):
    for name in ("nbs", "adaroute"):
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"),
        )
    for name in ("settings.ini", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    before = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    for tool in ("nbdev_export", "nbdev_clean"):
        done = subprocess.run(
            [Path(sys.executable).parent / tool], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
    after = {
        p.relative_to(tmp_path): p.read_bytes()
        for p in tmp_path.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    changed = sorted(str(p) for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    assert not changed, f"run `make export clean` (or `make refresh`): {changed}"


# the paper


@pytest.mark.parametrize("path", PAPER, ids=stem)
def test_paper_notebook_has_its_parameters(path):
    known = papermill.inspect_notebook(str(path))
    assert {"results", "figs"} <= set(known), "the tagged parameters cell sets results and figs"
    assert default_exp(path) is None
    literal = {k: ast.literal_eval(known[k]["default"]) for k in ("results", "figs")}
    assert all(v.startswith("../../paper/runs/smoke/") for v in literal.values()), (
        "by hand, a paper notebook must not touch committed files"
    )
    assert paper.reads(path) is not None, (
        "read_result with computed names: add a parameter reads = [...]"
    )


@pytest.mark.parametrize("scale", paper.SCALES)
def test_parameters_fit_at_every_scale(scale):
    folders = paper.scale_folders(scale, ROOT)
    for path in PAPER:
        paper.read_parameters(
            path, folders
        )  # raises PaperError on a key or a type that does not fit
    assert {p.stem for p in folders.params.glob("*.yaml")} <= {p.stem for p in PAPER}


def test_results_carry_their_origin():
    for path in (ROOT / "paper/results").glob("*.json"):
        record = json.loads(path.read_text())
        assert {"value", "made_by", "seeds", "versions", "commit"} <= set(record), path.name
        name = record["made_by"] if "/" in record["made_by"] else f"paper/{record['made_by']}"
        assert (NBS / f"{name}.ipynb").is_file(), f"{path.name}: no notebook {name}"


# the package


@pytest.mark.parametrize("path", MODULES, ids=stem)
def test_exported_code_is_independent_of_nbdev(path):
    names = {
        a.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import)
        for a in node.names
    }
    names |= {
        node.module or ""
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
    }
    assert not {
        n for n in names if n.split(".")[0] in ("nbdev", "fastcore", "execnb", "torchvision")
    }
    assert "import *" not in path.read_text()


def test_module_length():
    long = {
        p.name: n
        for p in MODULES
        if p.name != "_modidx.py" and (n := len(p.read_text().splitlines())) > 950
    }
    assert not long, (
        f"modules over 950 lines, comments included (aim at 500): split along a seam a reader would name: {long}"
    )


# pins


def test_environment_yml_has_the_pins_of_the_lock():
    lock = pins((ROOT / "requirements.lock").read_text())
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = pins("\n".join(next(d["pip"] for d in listed if isinstance(d, dict))))
    assert conda and {k: lock.get(k) for k in conda} == conda
    assert "python=3.11" in listed


def test_lock_is_exact_and_portable():
    lines = [
        line
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert [
        line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+", line)
    ] == []


def test_every_locked_package_takes_the_first_python_3_11():
    "Debian 12 has 3.11.2; soupsieve 4 and pymdown-extensions 13 want 3.11.5, soupsieve 3 fails there."
    locked = pins((ROOT / "requirements.lock").read_text())
    asks = {name: metadata.metadata(name)["Requires-Python"] for name in locked}
    late = [
        name for name, wanted in asks.items() if wanted and "3.11.0" not in SpecifierSet(wanted)
    ]
    assert len(asks) > 200 and late == []


def test_lock_covers_what_we_name():
    lock, project = (
        pins((ROOT / "requirements.lock").read_text()),
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"],
    )
    named = project["dependencies"] + [
        d
        for extra in ("cluster", "data", "onnx", "paper", "docs", "dev")
        for d in project["optional-dependencies"][extra]
    ]
    names = {re.match(r"[A-Za-z0-9-]+", d)[0].lower() for d in named} - {"adaroute"}
    assert names <= set(lock), names - set(lock)


def test_nbdev_and_companions_are_pinned_everywhere():
    lock, project = (
        pins((ROOT / "requirements.lock").read_text()),
        pins((ROOT / "pyproject.toml").read_text()),
    )
    for name in ("nbdev", "fastcore", "execnb", "ghapi", "fastgit"):
        assert lock[name] == project[name] == metadata.version(name), name


# files

MACHINE = re.compile(r"(?<![\w.~/:$}-])/(?:work|tmp|root|home|Users)/[\w.]")


def test_no_machine_paths():
    text = [
        p
        for p in tracked()
        if p.suffix
        in (".py", ".ipynb", ".md", ".toml", ".ini", ".yml", ".yaml", ".json", ".lock", ".typ")
        or p.name in ("Makefile", "run")
    ]
    found = [
        f"{p.relative_to(ROOT)}: {m[0]}"
        for p in text
        if p != Path(__file__)
        for m in MACHINE.finditer(p.read_text())
    ]
    assert not found, found


def test_no_large_files():
    large = {
        str(p.relative_to(ROOT)): p.stat().st_size
        for p in tracked()
        if p.stat().st_size > 1_500_000
    }
    assert not large, large


def test_nothing_generated_is_tracked():
    bad = ("__pycache__", ".ipynb_checkpoints", ".venv", ".egg-info", "paper/runs/", "site/")
    assert not [p for p in tracked() if any(b in p.relative_to(ROOT).as_posix() for b in bad)]


def test_every_target_is_in_the_help():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"(?m)^\.PHONY: (.*)$", text)[1].split())
    assert targets == set(re.findall(r"(?m)^([a-z]+):.*## ", text))


def test_indexes_and_links_are_up_to_date():
    "Tables of chapters are made from titles; every link between pages leads somewhere."
    there = {**os.environ, "PYTHONPATH": str(ROOT / "docs")}
    for tool in ("make_index.py", "mend_links.py"):
        command = [sys.executable, str(ROOT / "docs" / tool), "--check"]
        done = subprocess.run(command, cwd=ROOT, env=there, capture_output=True, text=True)
        assert done.returncode == 0, f"run: PYTHONPATH=docs python docs/{tool}\n{done.stdout}"
