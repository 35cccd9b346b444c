#!/usr/bin/env bash
# papermill's "-p calibrated false" is true in the notebook, and a table of codes has text for keys there.
#
# The command line knows True and False; "false", "true" and "no" arrive as text, and text counts as
# true: the run with the switch off is the run with it on. Person 007 becomes 7, and 1_000 a thousand.
# From Python, execute_notebook writes parameters into a cell as source: the keys of a dictionary become
# text, so that {-99: "refused"} finds no cell of -99 any more, and a tuple becomes one text, "(0, 27)".
# Both run through without a word (numpy's whole numbers at least stop it). With "-y" or "-f" YAML's
# rules hold instead, under which false is false. Guess before the run: false, and the dictionary as it
# was. adaroute takes the parameters of the paper's notebooks from YAML files.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  papermill==2.7.0 nbformat==5.11.1 nbclient==0.11.0 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version

import nbformat
import papermill

book = nbformat.v4.new_notebook()
cell = nbformat.v4.new_code_cell("missing = None\nbounds = None\ncalibrated = None\nperson = None")
cell.metadata["tags"] = ["parameters"]
book.cells = [cell]
book.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python"}
nbformat.write(book, "book.ipynb")


def read(path):
    given = {}
    exec(nbformat.read(path, 4).cells[1].source, given)  # the cell that papermill put in
    return {name: value for name, value in given.items() if name != "__builtins__"}


def run(*options):
    line = ["book.ipynb", "out.ipynb", "--prepare-only", *options]
    subprocess.run([sys.executable, "-m", "papermill", *line], check=True, capture_output=True)
    return read("out.ipynb")


passed = {"missing": {-99: "refused"}, "bounds": (0, 27)}
papermill.execute_notebook("book.ipynb", "out.ipynb", passed, prepare_only=True, progress_bar=False)
from_python = read("out.ipynb")
from_line = run("-p", "calibrated", "false", "-p", "person", "007")
from_yaml = run("-y", "calibrated: false")
print(*(f"{n} {version(n)}" for n in ("papermill", "nbformat")))
print("passed from Python:", passed, "\nin the notebook:   ", from_python)
print("-p calibrated false -p person 007:", from_line, "which counts as", bool(from_line["calibrated"]))
print("-y 'calibrated: false':", from_yaml)
assert from_python == {"missing": {"-99": "refused"}, "bounds": "(0, 27)"}, "papermill has changed"
assert from_line == {"calibrated": "false", "person": 7}, "papermill has changed"
assert from_yaml == {"calibrated": False}
PYTHON
