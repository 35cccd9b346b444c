"""The Python and the commands of the README and of the pages it links to run.

A block after the line `<!-- test -->` is run: Python in one namespace, commands in one folder, in order."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "docs/use.md", ROOT / "docs/proof.md"]
TEXT = "\n".join(page.read_text() for page in PAGES)
BLOCK = re.compile(r"<!-- test -->\s*```python\n(.*?)```", re.S)


def test_python_blocks_run(tmp_path):
    blocks = BLOCK.findall(TEXT)
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
    commands = re.findall(r"<!-- test -->\s*```sh\n(.*?)```", TEXT, re.S)
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
    assert len(BLOCK.findall(TEXT)) == TEXT.count("```python")


def test_targets_named_exist():
    named = set(
        re.findall(r"(?m)(?:`|^)make ([a-z]+)", TEXT + (ROOT / "docs/reproduce.md").read_text())
    )
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


def test_the_table_of_vectors_is_that_of_the_results_files():
    made = README.parent / "paper" / "tables" / "vectors.md"
    text = (README.parent / "docs/use.md").read_text()
    block = re.search(r"<!-- vectors -->\n(.*?)<!-- /vectors -->", text, re.S)
    assert block, "expected the markers <!-- vectors --> and <!-- /vectors -->"
    assert block[1].strip() == made.read_text().strip(), (
        "copy paper/tables/vectors.md between the markers of docs/use.md"
    )


def test_the_readme_is_short_and_begins_with_a_picture():
    "First the sentence, the picture and five lines of use; the rest is on pages it links to."
    text = README.read_text()
    assert len(re.findall(r"\w+", text)) < 1000
    assert text.index("![") < text.index("```python") < text.index("pip install")


def test_links_lead_somewhere():
    pages = [*PAGES, ROOT / "docs/reproduce.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_five_questions_are_answered_from_the_index():
    "The index leads to each part, the part to the chapter, and the chapter speaks of what was asked."
    text = (ROOT / "CONTRIBUTING.md").read_text()
    asked = re.findall(r"(?m)^\d\. .*\[\d\.\d+ (\w+)\]\((nbs/[^)]+)\)", text)
    assert len(asked) == 5
    index = (ROOT / "nbs/index.ipynb").read_text()
    for name, path in asked:
        chapter = ROOT / path
        assert chapter.is_file() and name in path
        assert path.removeprefix("nbs/") in index, f"the index does not lead to {path}"


def test_nothing_is_judged_on_the_rows_that_calibrated_it():
    for page in PAGES:
        for block in BLOCK.findall(page.read_text()):
            rows = re.findall(r"(?:calibrate|write_report)\(model, ([\w.]+)", block)
            assert len(rows) == len(set(rows)), page.name
