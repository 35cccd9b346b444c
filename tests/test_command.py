"The command as a user's shell sees it: files, lines and exit status, and never a cell on the screen."

import io
import json
import os
import shlex
import subprocess
import sys
import warnings
from types import SimpleNamespace

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from adaroute import AdaRoute
from adaroute.checks import AdaRouteWarning
from adaroute.command.common import OneLineGroup, wants_bar
from adaroute.command.fit import _describe_fit, _read_share, summarise_fit
from adaroute.command.main import VERBS, LazyCommands, main
from adaroute.command.make import spell_options
from adaroute.schema import Schema
from adaroute.tables import read_table

MARK = "xylophone-7f3a"
COLUMNS = (
    "--text",
    "note",
    "--categorical",
    "sex",
    "--categorical",
    "site",
    "--outcome",
    "phq9:regression:-40..60",
    "--outcome",
    "gad7:regression",
    "--outcome",
    "low:binary",
    "--outcome",
    "visits:count",
    "--group",
    "patient",
    "--ignore",
    "patient",
)
QUICK = ("--steps", "60", "--members", "1")


def run(folder, *words, **more):
    "In a process of its own."
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [sys.executable, "-m", "adaroute.command.main", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        env=env,
        **more,
    )


def call(folder, *words):
    "In this process, which is quicker."
    before = os.getcwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(main, [str(w) for w in words])
    finally:
        os.chdir(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    "A folder with a table, a model and predictions, made by the command."
    folder = tmp_path_factory.mktemp("cli")
    done = call(folder, "simulate", "c.csv", "--rows", 300, "--scenario", "missing", "--seed", 101)
    assert done.exit_code == 0, done.stderr
    frame = read_table(folder / "c.csv", text="note", ignore="id")
    frame["low"] = np.where(frame.phq9 < 11, "yes", "no")
    frame["patient"] = [f"p{i // 2}" for i in range(len(frame))]
    frame["seen"] = "2021-03-04"
    frame.loc[:4, "note"] = MARK
    frame.to_csv(folder / "c.csv", index=False)
    done = run(folder, "fit", "c.csv", *COLUMNS, "--out", "model", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    (folder / "fit.json").write_text(done.stdout)
    return folder


# From a table to predictions


def test_fit_says_what_it_took_the_table_for(place):
    said = json.loads((place / "fit.json").read_text())
    assert (
        said["left_out"] == ["id", "seen"]
        and said["text"] == ["note"]
        and said["rows"] == 300
        and said["groups"] == 150
    )
    assert (
        said["tasks"] == dict(phq9="regression", gad7="regression", low="binary", visits="count")
        and "visits" not in said["numeric"]
    )
    assert said["calibration"] == "split" and said["bounds"] == {"phq9": [-40, 60]}
    held = AdaRoute.load(place / "model").extras_["table"]["held"]
    patients = pd.read_csv(place / "c.csv").patient
    assert len(held) == said["calibration_rows"] and not set(patients[held]) & set(
        patients.drop(index=held)
    )


def test_the_model_is_private(place):
    assert (place / "model").stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in (place / "model").iterdir()} == {0o600}
    assert not [p for p in (place / "model").iterdir() if MARK.encode() in p.read_bytes()]


def test_predict(place):
    done = run(
        place,
        "predict",
        "model",
        "c.csv",
        "--out",
        "pred.csv",
        "--keep",
        "id",
        "--keep",
        "phq9",
        "--json",
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    said, pred = json.loads(done.stdout), read_table(place / "pred.csv", ignore=["row", "id"])
    assert (
        said["rows"] == len(pred) == 300
        and sum(said["routes"].values()) == 300
        and said["calibrated"]
    )
    assert list(pred)[:6] == ["row", "id", "phq9", "phq9_predicted", "phq9_lower", "phq9_upper"]
    assert {
        "low_calibrated",
        "route",
        "route_probability",
        "runner_up",
        "presence",
        "similarity",
        "visits_upper",
    } <= set(pred) and "note" not in pred
    assert (
        pred.low_predicted.between(0, 1).all()
        and pred.low_calibrated.between(0, 1).all()
        and (pred.visits_lower >= 0).all()
    )
    for task in ("phq9", "gad7", "visits"):
        assert (pred[f"{task}_lower"] <= pred[f"{task}_upper"]).all()
    model = AdaRoute.load(place / "model")
    with pytest.warns(UserWarning, match="nothing that an allowed route reads"):
        direct = model.predict(read_table(place / "c.csv", like=model.schema_))
    for task in direct:
        np.testing.assert_allclose(pred[f"{task}_predicted"], direct[task], atol=1e-4)
    assert MARK not in (place / "pred.csv").read_text()


def test_predict_in_parts_and_formats(place):
    for name, rows in (("a.parquet", 37), ("b.tsv", 300)):
        assert (
            call(place, "predict", "model", "c.csv", "--out", name, "--rows", rows).exit_code == 0
        )
    a, b = read_table(place / "a.parquet", ignore="row"), read_table(place / "b.tsv", ignore="row")
    assert (
        list(a) == list(b)
        and a.route.tolist() == b.route.tolist()
        and np.allclose(a.phq9_upper, b.phq9_upper, atol=1e-4)
    )


def test_a_table_without_outcomes_and_with_nothing(place):
    frame = read_table(place / "c.csv", like=AdaRoute.load(place / "model").schema_).head(5)
    pd.DataFrame(None, frame.index, frame.columns).to_csv(place / "empty.csv", index=False)
    done = call(place, "predict", "model", "empty.csv", "--out", "e.csv")
    assert done.exit_code == 0 and "5 rows have neither numbers nor text" in done.output


@pytest.mark.parametrize("calibration, n", [("none", 300), (".2", 60)])
def test_without_calibration(place, calibration, n):
    frame = pd.read_csv(place / "c.csv").head(n)
    frame.to_csv(place / "small.csv", index=False)
    done = call(
        place, "fit", "small.csv", *COLUMNS, "--out", "plain", *QUICK, "--calibration", calibration
    )
    assert (
        done.exit_code == 0
        and "intervals are the model's own" in done.output
        and ("note: too few" in done.stderr) == (n == 60)
    )
    assert call(place, "predict", "plain", "c.csv", "--out", "plain.csv").exit_code == 0
    pred = read_table(place / "plain.csv", ignore="row")
    assert (
        pred.similarity.isna().all()
        and pred.low_lower.isna().all()
        and (pred.phq9_lower <= pred.phq9_upper).all()
    )


def test_cross_calibration_and_a_gate(place):
    done = call(
        place,
        "fit",
        "c.csv",
        "--text",
        "note",
        "--outcome",
        "phq9:regression",
        "--out",
        "crossed",
        *QUICK,
        "--calibration",
        "cross",
        "--gate",
        "--json",
    )
    assert done.exit_code == 0 and json.loads(done.stdout)["calibration"] == "cross"
    model = AdaRoute.load(place / "crossed")
    assert model.extras_["calibration"]["how"] == "cross" and model.extras_["table"]["held"] == []
    done = call(
        place, "predict", "crossed", "c.csv", "--out", "cheap.csv", "--price", 1e6, "--json"
    )
    pred = read_table(place / "cheap.csv", ignore="row")
    assert (
        done.exit_code == 0
        and set(pred) == {"row", "phq9_predicted", "note_read"}
        and pred.phq9_predicted.notna().all()
    )
    assert json.loads(done.stdout)["note_read"]["False"] > 150


def test_evaluate(place):
    done = call(
        place,
        "evaluate",
        "c.csv",
        *COLUMNS,
        *QUICK,
        "--folds",
        2,
        "--rival",
        "mean",
        "--rival",
        "ridge",
        "--draws",
        60,
        "--json",
    )
    assert done.exit_code == 0 and "Traceback" not in done.stderr, done.stderr
    said = json.loads(done.stdout)
    assert (
        said["sentence"].startswith("Routing")
        and said["folds"] == 2
        and {"best fixed", "routed", "learned"} <= set(said["rules"])
    )
    assert {(s["outcome"], s["score"]) for s in said["scores"]} == {
        (o, m)
        for o, ms in dict(phq9="r2 mae", gad7="r2 mae", low="auroc brier", visits="r2 mae").items()
        for m in ms.split()
    }
    for s in said["scores"]:
        assert s["estimate"] is None or s["low"] <= s["estimate"] <= s["high"]
    done = call(
        place,
        "evaluate",
        "c.csv",
        "--text",
        "note",
        "--outcome",
        "phq9:regression",
        *QUICK,
        "--folds",
        2,
        "--rival",
        "ridge",
        "--draws",
        60,
        "--check",
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Routing") and "claim" in lines[1] or "beats" in lines[1]
    assert done.exit_code == (0 if "The routed model beats" in lines[1] else 1)


def test_explain(place):
    pytest.importorskip("matplotlib")
    done = call(place, "explain", "model", "c.csv", "--out", "report.html", "--json")
    assert done.exit_code == 0 and "Traceback" not in done.stderr, done.stderr
    said, model = json.loads(done.stdout), AdaRoute.load(place / "model")
    assert said["kept_back"] and said["rows"] == len(model.extras_["table"]["held"])
    assert MARK not in (place / "report.html").read_text() and MARK not in done.stdout + done.stderr
    new = pd.read_csv(place / "c.csv").drop(columns=["phq9", "gad7", "low", "visits"]).head(40)
    new.to_csv(place / "new.csv", index=False)
    done = call(place, "explain", "model", "new.csv", "--out", "new.html")
    assert done.exit_code == 0 and "outcomes unknown" in done.output


# What is wrong


def wrong_inputs(place):
    frame = pd.read_csv(place / "c.csv", dtype=str, keep_default_na=False)
    frame.assign(age=[MARK] + frame.age.tolist()[1:]).to_csv(place / "age.csv", index=False)
    frame.assign(low=frame.low.where(frame.index != 7, MARK)).to_csv(place / "low.csv", index=False)
    frame.assign(patient=frame.patient.where(frame.index != 9, "")).to_csv(
        place / "patient.csv", index=False
    )
    text = (place / "c.csv").read_text().splitlines()
    (place / "ragged.csv").write_text("\n".join([*text[:3], text[3] + "," + MARK, *text[4:]]))
    (place / "quote.csv").write_text("\n".join([*text[:2], f'"{MARK}', *text[3:]]))
    (place / "header.csv").write_text(text[0])
    (place / "forged").mkdir(exist_ok=True)
    for p in (place / "model").iterdir():
        (place / "forged" / p.name).write_bytes(p.read_bytes().replace(b"phq9", b"phq8"))


FIT = ("--out", "x", *QUICK)


@pytest.mark.parametrize(
    "words, status, message",
    [
        (
            ("fit", "age.csv", *COLUMNS, *FIT),
            3,
            "column 'age', data row 1 (line 2): expected a number",
        ),
        (
            ("fit", "low.csv", *COLUMNS, *FIT),
            3,
            "column 'low', data row 8 (line 9): expected 0 or 1",
        ),
        (
            ("fit", "patient.csv", *COLUMNS, *FIT),
            3,
            "column 'patient', data row 10: expected whose row it is",
        ),
        (("fit", "ragged.csv", *COLUMNS, *FIT), 3, "data row 3 (line 4)"),
        (("fit", "quote.csv", *COLUMNS, *FIT), 3, "quote"),
        (("fit", "header.csv", *COLUMNS, *FIT), 3, "at least one row of data"),
        (("fit", "none.csv", *COLUMNS, *FIT), 3, "No such file"),
        (
            ("fit", "c.csv", "--text", "Note", "--outcome", "phq9:regression", *FIT),
            3,
            "did you mean 'note'?",
        ),
        (
            ("fit", "c.csv", "--text", "note", "--outcome", "phq9:regression:0..1", *FIT),
            3,
            "expected values of at least 0 and at most 1",
        ),
        (("fit", "c.csv", "--text", "note", "--outcome", "phq9", *FIT), 2, "expected NAME:TYPE"),
        (("fit", "c.csv", "--text", "note", *FIT), 2, "Missing option '--outcome'"),
        (
            (
                "fit",
                "c.csv",
                "--text",
                "note",
                "--outcome",
                "phq9:regression",
                "--outcome",
                "phq9:count",
                *FIT,
            ),
            2,
            "each outcome once",
        ),
        (
            (
                "fit",
                "c.csv",
                "--text",
                "note",
                "--numeric",
                "auto",
                "--numeric",
                "age",
                "--outcome",
                "phq9:regression",
                *FIT,
            ),
            2,
            "'auto' alone",
        ),
        (("fit", "c.csv", *COLUMNS, *FIT, "--calibration", "2"), 2, "expected a share"),
        (("fit", "c.csv", *COLUMNS, "--out", ".", *QUICK), 3, "which holds something else"),
        (("predict", "nothing", "c.csv", "--out", "x.csv"), 3, "got no such folder"),
        (("predict", "forged", "c.csv", "--out", "x.csv"), 3, "altered or damaged"),
        (("predict", "model", "c.csv", "--out", "x.xlsx"), 2, "expected a name that ends in"),
        (("predict", "model", "c.csv", "--out", "no/x.csv"), 3, "expected a folder that is there"),
        (
            ("predict", "model", "c.csv", "--out", "x.csv", "--keep", "note"),
            2,
            "got a column of notes",
        ),
        (
            ("predict", "model", "c.csv", "--out", "x.csv", "--keep", "who"),
            3,
            "expected the column 'who'",
        ),
        (("predict", "model", "age.csv", "--out", "x.csv"), 3, "column 'age', data row 1 (line 2)"),
        (("predict", "model", "c.csv", "--out", "x.csv", "--price", "1"), 3, "gate: expected one"),
        (("explain", "model", "c.csv", "--out", "x.pdf"), 2, "expected a name that ends in .html"),
        (("evaluate", "c.csv", *COLUMNS, "--folds", "1"), 2, "--folds"),
        (("evaluate", "c.csv", *COLUMNS, "--folds", "999"), 3, "folds: expected 2 to"),
        (("simulate", "x.csv", "--scenario", "simple"), 2, "--scenario"),
        (("data", "fetch", "titanic"), 2, "expected one of"),
        (("dance",), 2, "No such command"),
        (("explian",), 2, "mean 'explain'"),
        (("verfy",), 2, "mean 'verify'"),
    ],
)
def test_wrong_inputs(place, words, status, message):
    if not (place / "forged").exists():
        wrong_inputs(place)
    done = call(place, *words)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert (
        done.exit_code == status
        and len(lines) == 1
        and lines[0].startswith("error: ")
        and message in lines[0]
    ), done.output
    assert MARK not in done.output and not done.stdout
    assert not [p for p in place.iterdir() if p.name.startswith(("x", ".x"))], (
        "nothing half written"
    )


def test_wrong_inputs_in_a_shell(place):
    if not (place / "forged").exists():
        wrong_inputs(place)
    done = run(place, "fit", "age.csv", *COLUMNS, *FIT)
    assert (
        done.returncode == 3
        and done.stderr.count("\n") == 1
        and MARK not in done.stderr
        and "Traceback" not in done.stderr
    )
    assert run(place, "fit", "c.csv").returncode == 2


def test_an_error_of_another_package_is_not_quoted(place, monkeypatch):
    import adaroute.tables

    def broken(*args, **kwargs):
        float(MARK)

    monkeypatch.setattr(adaroute.tables, "read_table", broken)
    done = call(place, "fit", "c.csv", *COLUMNS, *FIT)
    assert done.exit_code == 4 and MARK not in done.output and "ValueError in " in done.stderr


# Manners


def test_help_teaches_and_is_quick(place):
    assert run(place, "--help").returncode == 0
    for verb in ("simulate", "fit", "predict", "explain", "evaluate"):
        done = call(place, verb, "--help")
        assert (
            done.exit_code == 0 and "Example:" in done.output and f"adaroute {verb}" in done.output
        )
    assert call(place).exit_code == 0 and "adaroute simulate cohort.csv" in call(place).output


@pytest.mark.parametrize("words", [["--help"], ["fit", "--help"], ["ledger", "show", "--help"]])
def test_help_loads_nothing_heavy(words):
    code = f"""
import sys
from adaroute.command.main import main
main({words}, standalone_mode=False)
heavy = {{"torch", "pandas", "numpy", "sklearn", "matplotlib"}} & set(sys.modules)
print(sorted(heavy), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("Usage: ") and done.stderr == "[]\n"


def test_words_are_those_of_the_package():
    from adaroute.command.ask import RIVAL_NAMES
    from adaroute.command.make import SCENES
    from adaroute.evaluation.comparison import COMPARED
    from adaroute.synthetic import SCENARIOS

    assert set(SCENES) == {"clinic", *SCENARIOS}
    assert RIVAL_NAMES == tuple(COMPARED)


def test_quiet_is_quiet(place):
    pd.read_csv(place / "c.csv").to_csv(place / "latin.csv", index=False, encoding="latin-1")
    (place / "latin.csv").write_bytes(
        (place / "latin.csv").read_bytes().replace(b"Has two cats", b"Has two ch\xe2ts")
    )
    loud, quiet = (
        call(place, "predict", "model", "latin.csv", "--out", "l.csv", *more)
        for more in ((), ("--quiet",))
    )
    assert (
        "note: latin.csv: line" in loud.stderr
        and quiet.stderr == ""
        and loud.exit_code == quiet.exit_code == 0
    )


def test_data_list_and_paper(place):
    done = call(place, "data", "list", "--json")
    assert done.exit_code == 0 and set(json.loads(done.stdout)["tables"]) == {
        "dep_wor",
        "rwwd",
        "clothing",
    }
    assert call(place, "paper", "--scale", "huge").exit_code == 2


# What the commands are made of


def test_every_verb_is_found_and_documented():
    assert list(VERBS) == sorted(VERBS) and main.commands.get("fitt") is None
    for verb, command in main.commands.items():
        assert command.name == verb and command.get_short_help_str()


def test_a_further_verb_is_one_line():
    commands = LazyCommands({"draw": "adaroute.command.make:simulate_command"})
    group = OneLineGroup("toy", commands=commands)
    done = CliRunner().invoke(group, ["draw", "--rows", "0", "x.csv"])
    assert done.exit_code == 2 and "--rows" in done.output
    assert "mean 'draw'" in CliRunner().invoke(group, ["darw"]).output


def test_a_bar_needs_a_terminal_and_no_quiet(monkeypatch):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Screen())
    assert wants_bar(quiet=False) and not wants_bar(quiet=True)


@pytest.mark.parametrize("text, share", [(".2", 0.2), ("cross", "cross"), ("none", "none")])
def test_shares(text, share):
    assert _read_share(None, None, text) == share


@pytest.mark.parametrize("text", ["1.5", "0", "-1", "nan", "some", ""])
def test_shares_that_are_none(text):
    with pytest.raises(click.BadParameter) as caught:
        _read_share(None, None, text)
    assert str(caught.value) == "expected a share such as .2, 'cross' or 'none'"


def test_what_fit_prints():
    about = dict(rows=12, groups=6, text=["note"], numeric=["age"], categorical=["site"])
    about |= dict(tasks={"phq9": "regression"}, left_out=["seen"], calibration_rows=3)
    about |= dict(model="model", seconds=61.3)
    lines = {
        how: _describe_fit(about | dict(calibration=how)) for how in ("split", "cross", "none")
    }
    assert lines["split"][0] == "12 rows of 6 groups"
    assert lines["split"][-4:-2] == ["  calibration: 3 rows kept back", "model: saved after 61 s"]
    assert lines["cross"][-4] == "  calibration: five further fits"
    assert lines["none"][-4] == "  calibration: none; intervals are the model's own"
    assert all("adaroute evaluate measures it" in some[-1] for some in lines.values())
    quality = dict(rows=3, sentences=["phq9: off by 2"], useless=["phq9"], ridge_is_as_good=True)
    told = _describe_fit(about | dict(calibration="split", quality=quality))[-4:]
    assert told[0].startswith("On the 3 rows kept back") and told[1] == "  phq9: off by 2"
    assert told[2] == "  phq9: not shown to be better than the mean." and "ridge" in told[3]


def test_fit_says_how_good_it_is_on_rows_that_it_has_not_seen(place):
    said = json.loads((place / "fit.json").read_text())
    quality = said["quality"]
    assert quality["rows"] == said["calibration_rows"] and len(quality["sentences"]) == 4
    assert {score["model"] for score in said["scores"]} == {"adaroute", "ridge", "mean"}
    assert "AUC" in quality["sentences"][2] and MARK not in str(quality)
    model = AdaRoute.load(place / "model")
    assert model.extras_["quality"] == quality
    held = model.extras_["table"]["held"]
    frame = read_table(place / "c.csv", like=model.schema_, outcomes={"phq9": "regression"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        off = (frame.phq9 - model.predict(frame).phq9)[held].abs().mean()
    found = [s for s in said["scores"] if (s["outcome"], s["score"]) == ("phq9", "mae")]
    assert found[0]["estimate"] == pytest.approx(off, abs=1e-4)


def test_predict_says_in_a_line_that_a_model_is_no_better_than_the_mean(place):
    frame = pd.read_csv(place / "c.csv").drop(columns=["gad7", "low", "visits"])
    frame["phq9"] = np.random.default_rng(0).permutation(frame.phq9)
    frame.to_csv(place / "noise.csv", index=False)
    columns = ("--text", "note", "--outcome", "phq9:regression", "--ignore", "patient")
    done = call(place, "fit", "noise.csv", *columns, "--out", "noise", *QUICK)
    assert done.exit_code == 0 and "phq9: not shown to be better than the mean" in done.output
    done = call(place, "predict", "noise", "noise.csv", "--out", "noise-pred.csv")
    notes = [line for line in done.stderr.splitlines() if "better than the mean" in line]
    assert done.exit_code == 0 and len(notes) == 1 and notes[0].startswith("note: 'phq9': on the")
    model = AdaRoute.load(place / "noise")
    with pytest.warns(AdaRouteWarning, match="not shown to be better than the mean"):
        model.predict(read_table(place / "noise.csv", like=model.schema_))
    quiet = call(place, "predict", "noise", "noise.csv", "--out", "noise-pred.csv", "--quiet")
    assert "better than" not in quiet.stderr


def test_whole_scores_inside_their_scales(tmp_path):
    for scenario in ("clinic", "planted"):
        done = call(tmp_path, "simulate", "s.csv", "--rows", 200, "--scenario", scenario)
        frame = pd.read_csv(tmp_path / "s.csv")
        assert frame.phq9.isin(range(28)).all() and frame.gad7.isin(range(22)).all()
        assert frame.phq9.dtype == frame.age.dtype == int and "phq9:regression:0..27" in done.output


def test_what_fit_answers():
    model = SimpleNamespace(
        extras_={"calibration": {"how": "split"}}, validation_error_=np.array([0.5, 0.7])
    )
    table = SimpleNamespace(summarise=lambda: dict(rows=12), bounds={})
    answer = summarise_fit(table, model, np.arange(12) < 3)
    assert answer["validation_error"] == 0.6
    assert answer["calibration_rows"] == 3 and answer["calibration"] == "split"
    model.extras_ = {}
    assert summarise_fit(table, model, np.zeros(12, bool))["calibration"] == "none"


def test_names_of_columns_can_be_pasted_into_a_shell():
    schema = Schema(text=["patient's note"], categorical=["a b"], tasks={"x": "binary"})
    words = shlex.split(spell_options(schema))
    assert words == [
        "--text",
        "patient's note",
        "--numeric",
        "none",
        "--categorical",
        "a b",
        "--outcome",
        "x:binary",
    ]
