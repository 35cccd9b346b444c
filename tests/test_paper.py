"The driver behind `make paper`: bad requests are one line and status 2, a failing notebook one line and status 1."

import json
import subprocess
import sys

import pytest
from conftest import write_notebook

from adaroute.lab import paper


def run(root, *words):
    return subprocess.run(
        [sys.executable, "-m", "adaroute.lab.paper", *words],
        cwd=root,
        capture_output=True,
        text=True,
    )


def refused(root, *words, status=2):
    "The one line that a refused command says."
    done = run(root, *words)
    assert done.returncode == status, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in done.stderr
    return lines[0]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("rows: 4", "unknown parameter 'rows', expected one of [n, rate]"),
        ("n: many", "n: expected the type of 3 (int), got 'many' (str)"),
        ("n: 2.5", "n: expected the type of 3 (int), got 2.5 (float)"),
        ("n: true", "n: expected the type of 3 (int), got True (bool)"),
        ("rate: 1e-3", "got '1e-3' (str)"),
        ("results: elsewhere", "'results' is set by the driver"),
        ("[1, 2]", "expected 'name: value' lines, got a list"),
        ("n: [", "expected YAML"),
    ],
)
def test_bad_yaml_is_refused_before_anything_runs(toy, text, expected):
    (toy / "paper/params/smoke/50_compute.yaml").write_text(text)
    line = refused(toy, "--scale", "smoke")
    assert "params/smoke/50_compute.yaml" in line and expected in line
    assert not (toy / "paper/runs").exists()


def test_unknown_scale(toy):
    assert (
        refused(toy, "--scale", "huge")
        == "error: scale: expected one of smoke, default, paper, got 'huge'"
    )


def test_unknown_notebook(toy):
    assert "[50_compute, 51_draw], got '7'" in refused(toy, "--only", "7")


def test_yaml_without_notebook(toy):
    (toy / "paper/params/smoke/59_gone.yaml").write_text("n: 3")
    assert "nbs/paper/59_gone.ipynb, found none" in refused(toy, "--scale", "smoke")


def test_missing_yaml(toy):
    (toy / "paper/params/paper/50_compute.yaml").unlink()
    assert "has parameters (n, rate), found none" in refused(toy, "--scale", "paper")


def test_lost_parameters_tag(toy):
    path = toy / "nbs/paper/51_draw.ipynb"
    path.write_text(path.read_text().replace('"parameters"', '"other"'))
    assert "51_draw.ipynb: expected a cell tagged 'parameters'" in refused(toy)


def test_results_folder_that_cannot_be_written(toy):
    (toy / "paper/runs").write_text(
        "a file where a folder should be"
    )  # root may write anywhere, but not inside a file
    line = refused(toy, "--scale", "smoke")
    assert "results folder" in line and "can be written" in line
    assert (toy / "paper/runs").read_text() == "a file where a folder should be"


def test_outside_a_clone(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "package_folder", lambda: tmp_path / "site-packages" / "adaroute")
    with pytest.raises(paper.PaperError, match="clone of the repository"):
        paper.find_root(tmp_path)


def test_runs_then_skips_then_wakes(toy):
    first = run(toy)
    assert first.returncode == 0, first.stderr
    assert (toy / "paper/figs/total.txt").read_text() == "*" * 6
    assert {p.name for p in (toy / "paper/runs/default").glob("5*.html")} == {
        "50_compute.html",
        "51_draw.html",
    }
    assert run(toy).stdout.count("skipped") == 2
    (toy / "paper/figs/total.txt").unlink()  # a deleted figure is drawn again
    assert run(toy).stdout.count("skipped") == 1
    (toy / "paper/params/default/50_compute.yaml").write_text("n: 5\n")
    assert run(toy).stdout.count("skipped") == 0  # the result changed, so the figure follows
    assert (toy / "paper/figs/total.txt").read_text() == "*" * 10
    assert run(toy, "--force", "--only", "51").stdout.count("running") == 1


def test_smoke_leaves_the_committed_files_alone(toy):
    assert run(toy, "--scale", "smoke").returncode == 0
    assert (toy / "paper/runs/smoke/figs/total.txt").exists()
    assert not (toy / "paper/results").exists() and not (toy / "paper/figs").exists()


def test_failing_notebook_keeps_what_was_there(toy):
    paper.make_paper(toy)
    kept = {
        p: p.read_bytes() for p in [toy / "paper/results/total.json", toy / "paper/figs/total.txt"]
    }
    path = toy / "nbs/paper/51_draw.ipynb"
    write_notebook(
        path,
        'results = "a"\nfigs = "b"',
        "from pathlib import Path",
        'Path(figs, "total.txt").write_text("half")\nPath(results, "total.json").write_text("half")',
        'raise KeyError("the text of a note")',
    )
    line = refused(toy, status=1)
    assert "51_draw: cell [5] raised KeyError; see paper/runs/default/51_draw.ipynb" in line
    assert "the text of a note" not in line
    assert {p: p.read_bytes() for p in kept} == kept
    assert not list((toy / "paper/runs/default").glob(".room-*"))
    assert "running" in run(toy, "--only", "51").stdout  # a failure is never taken for fresh


def test_result_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    paper.write_result(tmp_path, "a", 1, seeds=[0], notebook="50")
    monkeypatch.setattr(
        paper.os, "replace", lambda *a: (_ for _ in ()).throw(OSError("no space left"))
    )
    with pytest.raises(OSError):
        paper.write_result(tmp_path, "a", 2, seeds=[0], notebook="50")
    assert paper.read_result(tmp_path, "a") == 1 and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["../a", "a/b", "", "a.json"])
def test_result_names_stay_in_their_folder(tmp_path, name):
    with pytest.raises(ValueError, match="result name"):
        paper.write_result(tmp_path, name, 1, seeds=[], notebook="50")


def test_result_record(tmp_path):
    path = paper.write_result(tmp_path, "a", {"b": 1, "a": None}, seeds=[3], notebook="50_compute")
    record = json.loads(path.read_text())
    assert list(record) == ["commit", "made_by", "seeds", "value", "versions"] and list(
        record["value"]
    ) == ["a", "b"]
    assert record["commit"] is None or len(record["commit"]) == 40


def test_text_that_does_not_compile(toy):
    (toy / "paper/adaroute.typ").write_text("#nothing-of-the-kind")
    (toy / "paper/adaroute.pdf").write_text("earlier")
    assert "expected a text that compiles" in refused(toy, status=1)
    assert (toy / "paper/adaroute.pdf").read_text() == "earlier"
