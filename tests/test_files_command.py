"The commands columns and score, and what stands in a table in silence."

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from clinic_files import CANARY, MAKERS, make_sav
from click.testing import CliRunner

from adaroute.command.main import main
from adaroute.files.codebook import read_codebook
from adaroute.files.exports import read_export
from adaroute.files.files_command import run_commands, settle_columns
from adaroute.files.guess import guess_column, join_columns
from adaroute.files.suspects import find_calendar, find_codes, find_suspects


def make_export(**columns):
    guesses = {name: guess_column(name, list(map(str, cells))) for name, cells in columns.items()}
    return join_columns(guesses, "a CSV")


def name_kinds(export, *outcomes, group=None):
    return [(s.column, s.kind) for s in find_suspects(export, outcomes, group)]


# what is said beside the answer, and what is not written over


@pytest.mark.parametrize("verb", [["columns"], ["score", "--scale", "phq2"]])
def test_what_a_reader_warns_of_is_a_note_and_quiet_is_quiet(verb, tmp_path, capsys):
    "It was a warning of Python's, with the folder of the package and a line of its code."
    path = tmp_path / "a.csv"
    rows = "\n".join(f"{i},{i % 4},{i % 3},müde" for i in range(30))
    path.write_bytes(f"n,phq2_1,phq2_2,note\n{rows}\n".encode("cp1252"))
    assert run_commands([*verb, str(path)]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("note: a.csv: line 2 is not UTF-8") and said.err.count("\n") == 1
    assert run_commands([*verb, str(path), "--quiet"]) == 0
    quiet = capsys.readouterr()
    assert quiet.err == "" and quiet.out == said.out


@pytest.mark.parametrize(
    "typed",
    [
        ["columns", "a.csv", "--out", "a.csv"],
        ["score", "a.csv", "--scale", "phq2", "--out", "link.csv"],
        ["predict", "model", "a.csv", "--out", "a.csv"],
    ],
)
def test_no_command_writes_over_the_table_that_it_reads(typed, tmp_path, monkeypatch):
    "`predict model cohort.csv --out cohort.csv` left nothing but predictions."
    monkeypatch.chdir(tmp_path)
    text = "n,phq2_1,phq2_2\n" + "".join(f"{i},{i % 4},{i % 3}\n" for i in range(30))
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "link.csv").symlink_to("a.csv")
    done = CliRunner().invoke(main, typed)
    assert done.exit_code == 3 and "expected another file than the one that is read" in done.output
    assert (tmp_path / "a.csv").read_text() == text


# in silence


@pytest.mark.parametrize("code", [-9, -99, 99, 999, -1])
def test_customary_codes_are_told(code):
    items = np.array([0, 1, 2, 3, 1, 2, code, code], float)
    assert find_codes(items) == {code: 2}


@pytest.mark.parametrize(
    "values", [[18, 45, 80, 88, 88, 99, 99], [-4, 0, 4, -9, -9, 7], [0, 1, 2, 99], [0.5, 2.5]]
)
def test_values_that_may_be_real_are_not(values):
    assert find_codes(np.array(values, float)) == {}


@pytest.mark.parametrize(
    "values",
    [[21916, 21920, 21990], [43895, 43900, 44000], [13802745600, 13802832000, 13810000000]],
)
def test_dates_as_numbers_are_told(values):
    assert find_calendar("x", np.array(values, float))


@pytest.mark.parametrize(
    "values", [[1, 2, 3], [500, 600, 700], [21916.5, 21920.2, 21990.1], [43895] * 10]
)
def test_other_numbers_are_no_dates(values):
    assert find_calendar("x", np.array(values, float)) is None


def test_an_id_that_repeats_is_told_unless_there_is_a_group():
    export = make_export(pid=[1, 1, 2, 2], age=[1, 2, 3, 4])
    assert name_kinds(export) == [("pid", "repeats")]
    assert name_kinds(export, group="pid") == []


def test_leaks_are_told():
    rng = np.random.default_rng(0)
    items = {f"phq{i}": rng.integers(0, 4, 80) for i in range(1, 10)}
    total = sum(items.values())
    age = rng.integers(18, 80, 80)
    export = make_export(**items, age=age, phq9_sum=total, case=(total > 13).astype(int))
    assert name_kinds(export, "phq9_sum") == [("phq9_sum", "leak")]
    alone = make_export(**items, age=age, total=total)
    assert name_kinds(alone, "total") == [("total", "leak")]
    honest = make_export(**items, age=age, total=total + rng.normal(0, 1, 80).round(2))
    assert name_kinds(honest, "total") == []


def test_a_category_that_is_the_outcome_is_told():
    y = np.arange(40) % 2
    export = make_export(band=["high" if v else "low" for v in y], y=y, age=np.arange(40))
    assert name_kinds(export, "y") == [("band", "leak")]


# the commands


def test_columns_of_a_sav(tmp_path, capsys):
    made = make_sav(tmp_path)
    out = tmp_path / "columns.yaml"
    typed = [
        "columns",
        str(made.path),
        "--outcome",
        "age:regression:18..80",
        "--group",
        "record_id",
        "--out",
        str(out),
    ]
    assert run_commands(typed) == 0
    said = capsys.readouterr().out
    assert re.search(r"phq1 +ordered", said) and "Little interest" in said
    assert CANARY not in said and "Vienna" not in said
    book = read_codebook(out)
    assert book.outcomes == {"age": "regression:18..80"} and book.group == "record_id"
    assert run_commands(["columns", str(made.path), "--columns", str(out)]) == 0
    again = capsys.readouterr().out
    assert "outcome (1)" in again and "group (1)" in again


def test_columns_as_json(tmp_path, capsys):
    made = make_sav(tmp_path)
    assert run_commands(["columns", str(made.path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {c["name"]: c["role"] for c in said["columns"]}["record_id"] == "left out"
    assert said["rows"] == 24 and said["source"].startswith("an SPSS file")


def test_a_leak_is_left_out_and_said_so(tmp_path, capsys):
    rows = ["phq9,phq9_copy,age", *[f"{i % 27},{i % 27 * 2},{20 + i % 13}" for i in range(60)]]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    out = tmp_path / "columns.yaml"
    assert (
        run_commands(
            ["columns", str(tmp_path / "a.csv"), "--outcome", "phq9:regression", "--out", str(out)]
        )
        == 0
    )
    book = read_codebook(out)
    assert not book["phq9_copy"].use and "use: true takes it" in book["phq9_copy"].why
    assert book["age"].use


@pytest.mark.parametrize("kind", MAKERS)
def test_columns_of_every_format(kind, tmp_path, capsys):
    made = MAKERS[kind](tmp_path)
    more = [word for name, value in made.more.items() for word in (f"--{name}", str(value))]
    assert run_commands(["columns", str(made.path), *more, "--out", str(tmp_path / "c.yaml")]) == 0
    assert CANARY not in capsys.readouterr().out
    assert (
        run_commands(["columns", str(made.path), *more, "--columns", str(tmp_path / "c.yaml")]) == 0
    )
    assert CANARY not in (tmp_path / "c.yaml").read_text()


def save_scores(folder):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(0, 4, (20, 16)).astype(float))
    table.columns = [*(f"phq9_{i}" for i in range(1, 10)), *(f"gad7_{i}" for i in range(1, 8))]
    table.iloc[0] = np.nan
    table.iloc[1, 0] = -99
    table.to_csv(folder / "a.csv", index=False)
    return table


def test_score_writes_and_tells(tmp_path, capsys):
    table = save_scores(tmp_path)
    typed = ["score", str(tmp_path / "a.csv"), "--scale", "phq9", "--scale", "gad7"]
    assert run_commands(typed) == 3
    assert "--missing" not in capsys.readouterr().err
    typed += ["--missing", "-99", "--out", str(tmp_path / "out.csv")]
    assert run_commands(typed) == 0
    said = capsys.readouterr().out
    assert "PHQ-9 (depression), Kroenke et al. 2001" in said and "at least 7 of 9 items" in said
    out = pd.read_csv(tmp_path / "out.csv")
    assert np.isnan(out["phq9_total"][0]) and np.isnan(out["gad7_total"][0])
    assert out["phq9_answered"][1] == 8
    assert list(out["gad7_total"][1:]) == list(table.iloc[1:, 9:].sum(axis=1))


@pytest.mark.parametrize(
    "typed, status, message",
    [
        (["columns", "a.csv", "--outcome", "phq9"], 2, "expected NAME:TYPE"),
        (["columns", "a.csv", "--outcome", "phq9:guess"], 2, "expected one of regression"),
        (["columns", "a.csv", "--outcome", "none:binary"], 3, "expected a column 'none'"),
        (["columns", "none.csv"], 3, "expected a file that can be read"),
        (["columns", "a.csv", "--delimiter", "::"], 2, "expected one character"),
        (["score", "a.csv", "--scale", "bdi"], 3, "expected one of phq9"),
        (["score", "a.csv", "--scale", "phq9", "--items", "phq9"], 2, "got no '='"),
        (
            ["score", "a.csv", "--scale", "phq9", "--items", "gad7=a"],
            2,
            "expected a scale that is asked for",
        ),
        (["score", "a.csv", "--scale", "phq9", "--first", "phq9=x"], 2, "with a whole number"),
        (["score", "a.csv"], 2, "Missing option '--scale'"),
    ],
)
def test_what_is_wrongly_typed_is_one_line(typed, status, message, tmp_path, monkeypatch, capsys):
    save_scores(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run_commands(typed) == status
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and said.startswith("error: ")


def test_the_commands_run_by_themselves(tmp_path):
    save_scores(tmp_path)
    typed = [
        sys.executable,
        "-m",
        "adaroute.files.files_command",
        "columns",
        str(tmp_path / "a.csv"),
    ]
    done = subprocess.run(typed, capture_output=True, text=True)
    assert done.returncode == 0 and "20 rows, 16 columns" in done.stdout
    assert "Traceback" not in done.stderr
    done = subprocess.run(
        [*typed[:3], "score", str(tmp_path / "none.csv"), "--scale", "phq9"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3 and done.stderr.count("\n") == 1


def test_dates_become_days_since_something_named(tmp_path, capsys):
    rows = ["admitted,seen,phq9", "2024-03-01,2024-03-03,4", "2024-03-02,2024-03-12,9"]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    typed = ["columns", str(tmp_path / "a.csv"), "--since", "admitted"]
    assert run_commands([*typed, "--out", str(tmp_path / "c.yaml")]) == 0
    assert "as days since admitted" in capsys.readouterr().out
    export = read_export(tmp_path / "a.csv", codebook=read_codebook(tmp_path / "c.yaml"))
    inputs = export.codebook.apply(export.frame)
    assert inputs.numeric == ["seen", "phq9"] and list(inputs.frame["seen"]) == [2, 10]
    assert inputs.labels["seen"] == "seen (days since admitted)"
    assert run_commands([*typed[:2], "--since", "phq9"]) == 3
    assert run_commands([*typed[:2], "--since", "first", "--out", str(tmp_path / "f.yaml")]) == 0
    assert read_codebook(tmp_path / "f.yaml").since == "2024-01-01"


def make_diagnoses(rows=200):
    "A diagnosis, its code, the score whose stages are the severity, and honest inputs."
    rng = np.random.default_rng(4)
    dx, score = rng.choice(["anxiety", "depression", "none"], rows), rng.integers(0, 28, rows)
    severity = np.select([score < 5, score < 15], ["none", "mild"], "severe")
    exact = score + rng.uniform(0, 0.9, rows)
    codes = pd.Series(dx).map({"anxiety": 41, "depression": 32, "none": 0})
    near = np.where(rng.uniform(size=rows) < 0.7, codes, 0)
    age, words = rng.integers(18, 90, rows), rng.choice(["A", "B"], rows)
    inputs = dict(age=age, near=near, ward=words, icd=codes, icd_word="F" + codes.astype(str))
    scores = dict(sum=score, exact=exact, case=(score > 9).astype(int))
    return make_export(dx=dx, severity=severity, **inputs, **scores)


@pytest.mark.parametrize(
    "outcome, task, told",
    [
        ("dx", "nominal", ["icd", "icd_word"]),
        ("dx", "nominal=anxiety,depression,none", ["icd", "icd_word"]),
        ("severity", "ordinal=none,mild,severe", ["sum", "exact"]),
        ("case", "binary", ["sum", "exact"]),
        ("icd", "nominal", ["dx", "icd_word"]),
        ("age", "regression", []),
    ],
)
def test_what_tells_the_levels_of_an_outcome_is_told(outcome, task, told):
    export = make_diagnoses()
    found = find_suspects(export, {outcome: task})
    assert sorted((s.column, s.kind) for s in found) == sorted((name, "leak") for name in told)
    assert all(s.advice.startswith(f"tells {outcome} without error") for s in found)
    assert all(s.advice.endswith(f"--ignore {s.column}") for s in found)


def test_levels_of_a_few_rows_and_chance_tell_nothing():
    rng = np.random.default_rng(5)
    for _ in range(50):
        dx, codes = rng.choice(["a", "b", "c"], 60), rng.integers(0, 5, (8, 60))
        words = {f"x{j}": c for j, c in enumerate(codes)}
        export = make_export(dx=dx, **words, z=rng.normal(size=60))
        assert find_suspects(export, {"dx": "nominal"}) == []
    rare = np.repeat(["a", "b"], [51, 9])  # fewer than ten rows are not of the first level
    assert find_suspects(make_export(dx=rare, code=rare), {"dx": "nominal"}) == []


def test_a_column_that_tells_a_diagnosis_is_left_out_with_its_reason():
    book, suspects = settle_columns(make_diagnoses(), {"dx": "nominal"}, None, ())
    assert [name for name in ("icd", "icd_word", "age", "near") if not book[name].use] == [
        "icd",
        "icd_word",
    ]
    assert book["icd"].why == "tells dx without error; left out, use: true takes it"
    assert {s.column for s in suspects} == {"icd", "icd_word"}
