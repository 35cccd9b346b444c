"The README's Python and its commands run. A block after the line `<!-- test -->` is run; Python in one namespace, in order."

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCK = re.compile(r"<!-- test -->\s*```python\n(.*?)```", re.S)


def test_python_blocks_run(tmp_path):
    blocks = BLOCK.findall(README.read_text())
    assert blocks, "expected at least one python block marked <!-- test -->"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_commands_run(tmp_path):
    commands = re.findall(r"<!-- test -->\s*```sh\n(.*?)```", README.read_text(), re.S)
    assert commands and all(
        line.startswith("adaroute ") for block in commands for line in block.splitlines()
    )
    commands = [
        block.replace("adaroute commit ", "adaroute commit --steps 100 --members 1 ")
        for block in commands
    ]  # a plan that is quick to train twice
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(commands)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert {"cohort.csv", "model", "predictions.csv", "report.html", "page.md", "proof.json"} <= {
        p.name for p in tmp_path.iterdir()
    }
    assert "routing" in done.stdout.lower()


def test_every_python_block_is_marked():
    text = README.read_text()
    assert len(BLOCK.findall(text)) == text.count("```python")


def test_targets_named_exist():
    named = set(re.findall(r"(?m)(?:`|^)make ([a-z]+)", README.read_text()))
    known = set(re.findall(r"(?m)^([a-z]+):", (README.parent / "Makefile").read_text()))
    assert named <= known, named - known


def test_results_are_those_of_the_results_files():
    "No number is typed by hand: the block is what the figure notebook wrote."
    made = README.parent / "paper" / "tables" / "headline.md"
    block = re.search(r"<!-- results -->\n(.*?)<!-- /results -->", README.read_text(), re.S)
    assert block, "expected the markers <!-- results --> and <!-- /results -->"
    assert block[1].strip() == made.read_text().strip(), (
        "copy paper/tables/headline.md between the markers of the README"
    )
