"Rows of JSON in, predictions of JSON out: what `predict` says of the same rows; and the same from R."

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from adaroute import AdaRoute
from adaroute.demo import make_clinic

R_FILE = Path(__file__).resolve().parents[1] / "docs" / "adaroute.R"
ROWS = 25


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    "A folder with a small model, and people with gaps whom it does not know."
    folder, cohort = tmp_path_factory.mktemp("answer"), make_clinic(160)
    columns = dict(text=["note"], numeric=cohort.schema.numeric, categorical=["sex", "site"])
    tasks = {"phq9": "regression", "gad7": "regression"}
    short = dict(steps=30, members=1, starts=1, learner="gradient", seed=0)
    AdaRoute(**columns, tasks=tasks, **short).fit(cohort.frame).save(folder / "model")
    people = make_clinic(ROWS, draw=1).frame.drop(columns=list(tasks))
    people.loc[3, "note"] = 'Schläft schlecht – "wie früher",\nsagt sie; 5 % besser = ja'
    people.loc[4, ["note", *cohort.schema.numeric]] = None
    return folder, people


def run(folder, *words, told=None):
    "What the program says."
    line = [sys.executable, "-m", "adaroute.command.main", *map(str, words)]
    return subprocess.run(line, cwd=folder, input=told, capture_output=True, text=True)


def ask(folder, told, *words):
    return run(folder, "answer", "model", *words, told=told)


def as_json(people):
    return people.to_json(orient="records", double_precision=15)


@pytest.fixture(scope="module")
def predicted(clinic):
    "What `predict` says of them."
    folder, people = clinic
    people.to_csv(folder / "people.csv", index=False)
    done = run(folder, "predict", "model", "people.csv", "--out", "said.parquet")
    assert done.returncode == 0, done.stderr
    return pd.read_parquet(folder / "said.parquet")


def agree(got, wanted):
    assert list(got) == list(wanted) and len(got) == len(wanted)
    for name in wanted:
        if pd.api.types.is_numeric_dtype(wanted[name]):
            apart = (got[name].astype(float) - wanted[name]).abs()
            assert apart.max() < 1e-9 or wanted[name].isna().all(), name
            assert got[name].isna().tolist() == wanted[name].isna().tolist()
        else:
            plain = lambda column: column.astype(object).where(column.notna(), None).tolist()
            assert plain(got[name]) == plain(wanted[name]), name


def test_the_answer_is_what_predict_writes(clinic, predicted):
    folder, people = clinic
    done = ask(folder, as_json(people))
    assert done.returncode == 0, done.stderr
    agree(pd.DataFrame(json.loads(done.stdout)), predicted)
    assert list(folder.glob("**/rows.csv")) == []


@pytest.mark.parametrize(
    "told, said",
    [
        ("[{}, {}]", "rows: expected at least one column, got none in 2"),
        ('[{"age": "7,5", "note": "a"}]', "rows: expected the columns"),
        (
            None,
            "rows: column 'age', data row 1: expected a number or missing, got a number with a ",
        ),
    ],
)
def test_an_error_speaks_of_rows_and_not_of_a_file_that_nobody_gave(clinic, told, said):
    folder, people = clinic
    told = told or as_json(people.head(1).assign(age="7,5"))
    done = ask(folder, told)
    assert done.returncode == 3 and done.stderr.startswith(f"error: {said}")
    assert "rows.csv" not in done.stderr and "line" not in done.stderr and "=" not in done.stderr


def test_a_level_that_is_not_known_gets_a_note(clinic):
    folder, people = clinic
    told = as_json(people.assign(site="Nowhere"))
    done = ask(folder, told)
    assert done.returncode == 0 and "never saw" in done.stderr and "Nowhere" not in done.stderr
    assert ask(folder, told, "--quiet").stderr == ""


@pytest.mark.parametrize(
    "told, line",
    [
        ("", "expected JSON, got something else at 0"),
        ('{"note": "secret"}', "expected a JSON list of objects"),
        ('[["secret"]]', "expected a JSON list of objects"),
        ('[{"note": {"secret": 1}}]', "row 1, 'note': expected a number, text"),
        ('[{"note": "a", "note": "secret"}]', "got one of them twice"),
        ('[{"note": Infinity}]', "got Infinity, which JSON lacks"),
        ('[{"other": "secret"}]', "expected"),
        ("[{}]", "expected"),
    ],
)
def test_wrong_rows_are_one_line(clinic, told, line):
    done = ask(clinic[0], told)
    assert (done.returncode, done.stdout) == (3, "") and line in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "secret" not in done.stderr


def test_no_rows_have_no_answers_but_need_a_model(clinic):
    assert ask(clinic[0], "[]").stdout == "[]\n"
    done = run(clinic[0], "answer", "nowhere", told="[]")
    assert done.returncode == 3 and len(done.stderr.strip().splitlines()) == 1


def run_r(folder, code):
    if not shutil.which("Rscript"):
        pytest.skip("R is not installed")
    known = subprocess.run(["Rscript", "-e", "library(jsonlite)"], capture_output=True)
    if known.returncode:
        pytest.skip("R has no package jsonlite")
    program = Path(sys.executable).with_name("adaroute")
    source = f'source("{R_FILE}"); program <- "{program}"\n'
    line = ["Rscript", "-e", source + code]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True)


def test_r_gets_the_same_numbers(clinic, predicted):
    folder, people = clinic
    people.to_json(folder / "people.json", orient="records", double_precision=15)
    done = run_r(
        folder,
        'people <- jsonlite::fromJSON("people.json"); people$sex <- factor(people$sex)\n'
        'said <- adaroute_predict("model", people, program = program)\n'
        'writeLines(jsonlite::toJSON(said, na = "null", digits = I(17)), "said.json")',
    )
    assert done.returncode == 0, done.stderr
    agree(pd.DataFrame(json.loads((folder / "said.json").read_text())), predicted)


@pytest.mark.parametrize(
    "code, line",
    [
        ('adaroute_predict("model", list(1), program = program)', "expected a data frame"),
        ('adaroute_predict("nowhere", data.frame(note = "a"), program = program)', "nowhere"),
        ('adaroute_predict("model", data.frame(other = "a"), program = program)', "expected"),
        ('adaroute_predict("model", data.frame(note = "a"), program = "no-such")', "found none"),
    ],
)
def test_r_is_told_what_is_wrong(clinic, code, line):
    done = run_r(clinic[0], code)
    assert done.returncode == 1 and line in done.stderr
