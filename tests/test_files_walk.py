"From an SPSS file with notes to a report in four commands, and what each of them remembers."

import json
import os
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from clinic_files import MAKERS

from adaroute import AdaRoute
from adaroute.command.main import main
from adaroute.files.codebook import read_codebook, write_codebook
from adaroute.files.exports import read_export
from adaroute.files.files_command import run_commands
from adaroute.files.intake import Typed, take_again, take_in
from adaroute.synthetic import make_cohort

pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat is not installed")
LEVELS = {0.0: "Not at all", 1.0: "Several days", 2.0: "More than half", 3.0: "Nearly every day"}
SLEEP = "Trouble falling or staying asleep"
CANARY = "xylophone-7f3a"
QUICK = ("--steps", "60", "--members", "1", "--no-spares")


def make_people(n, draw=0):
    "Rows of a simulated clinic: two a person, an item with labels, refusals, a date and a note."
    cohort = make_cohort(n, "planted", seed=5, draw=draw).frame
    rng = np.random.default_rng(draw)
    people = pd.DataFrame({"record_id": np.arange(n) // 2 + 1.0})
    people["sleep"] = rng.integers(0, 4, n).astype(float)
    people.loc[rng.permutation(n)[: n // 8], "sleep"] = -99
    people["site"] = rng.choice([1.0, 2.0, 5.0], n)  # in no row, so in no order
    people["age"] = cohort["age"].fillna(40).round()
    people["seen"] = 13802745600.0 + 86400 * rng.integers(0, 300, n)
    people["note"] = cohort["note"].fillna("")
    people["phq9"] = cohort["phq9"].round().clip(0, 27)
    return people


def write_sav(people, path, **changed):
    how = dict(
        column_labels={"sleep": SLEEP, "age": "Age at intake", "phq9": "PHQ-9 total"},
        variable_value_labels={
            "sleep": LEVELS | {-99.0: "refused"},
            "site": {1.0: "Vienna", 2.0: "Graz", 5.0: "Linz"},
        },
        missing_ranges={"sleep": [-99.0]},
        variable_measure={"sleep": "ordinal", "site": "nominal"},
        variable_format={"seen": "DATE11"},
    )
    pyreadstat.write_sav(people, str(path), **(how | changed))


def call(folder, *words):
    before = os.getcwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(main, [str(w) for w in words])
    finally:
        os.chdir(before)


def fine(folder, *words, status=0):
    done = call(folder, *words)
    assert done.exit_code == status, done.output
    assert "Traceback" not in done.output and CANARY not in done.output
    return done


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    "The four commands, none with more than four options but for those that make it quick."
    folder = tmp_path_factory.mktemp("clinic")
    people, new = make_people(220), make_people(40, draw=1)
    people.loc[3, "note"] = CANARY
    write_sav(people, folder / "cohort.sav")
    write_sav(new.drop(columns="phq9"), folder / "new.sav", column_labels={})
    walk = {
        "columns": "cohort.sav --outcome phq9:regression:0..27 --group record_id --out columns.yaml",
        "fit": "cohort.sav --columns columns.yaml --out model",
        "predict": "model new.sav --out pred.csv --keep record_id",
        "explain": "model cohort.sav --out report.html",
    }
    for verb, line in walk.items():
        assert line.count("--") <= 4
        more = QUICK if verb == "fit" else ()
        (folder / f"{verb}.txt").write_text(fine(folder, verb, *line.split(), *more).output)
    return folder


def test_the_walk_ends_in_a_report(clinic):
    page = (clinic / "report.html").read_text()
    assert page.startswith("<!") and CANARY not in page
    assert SLEEP in page and "Age at intake" in page
    assert not re.search(r">\s*sleep\s*<", page)


def test_fit_says_what_it_took(clinic):
    said = (clinic / "fit.txt").read_text()
    assert re.search(r"numeric: +sleep, sleep is refused, age", said)
    assert re.search(r"ordered: +sleep", said) and re.search(r"categorical: site", said)
    assert "220 rows of 110 groups" in said and "record_id" not in said.split("left out:")[1]


def test_the_model_remembers_the_codebook(clinic):
    model = AdaRoute.load(clinic / "model")
    book = model.extras_["reading"]["columns"]
    sleep = next(column for column in book["columns"] if column["name"] == "sleep")
    assert sleep["label"] == SLEEP and sleep["indicators"] == ["refused"]
    assert book["outcomes"] == {"phq9": "regression:0..27"} and book["group"] == "record_id"
    site = model.schema_.categorical.index("site")
    assert model.encoder_.parts["levels"]["levels"][site] == ["Graz", "Linz", "Vienna"]


def test_predictions_are_those_of_the_model(clinic):
    pred = pd.read_csv(clinic / "pred.csv")
    new = make_people(40, draw=1)
    table = pd.DataFrame(
        {
            "sleep": new["sleep"].replace(-99, np.nan),
            "sleep is refused": (new["sleep"] == -99).astype(float),
            "age": new["age"],
            "note": new["note"],
            "site": new["site"].map({1: "Vienna", 2: "Graz", 5: "Linz"}),
        }
    )
    direct = AdaRoute.load(clinic / "model").predict(table)
    np.testing.assert_allclose(pred["phq9_predicted"], direct["phq9"], rtol=1e-5)
    assert list(pred["record_id"]) == list(new["record_id"])


def test_the_report_is_about_rows_kept_back(clinic):
    assert "kept back from the fit" in (clinic / "explain.txt").read_text()


def test_evaluate_reads_the_same(clinic):
    typed = (
        "--columns columns.yaml --folds 2 --rival ridge --draws 30 --steps 30 --members 1 --json"
    )
    done = fine(clinic, "evaluate", "cohort.sav", *typed.split())
    said = json.loads(done.stdout)
    assert said["numeric"] == ["sleep", "sleep is refused", "age"] and said["groups"] == 110


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "rtf"])  # notes alone
def test_every_format_is_read_again_by_its_file_of_columns(kind, tmp_path):
    made = MAKERS[kind](tmp_path)
    more = [word for name, value in made.more.items() for word in (f"--{name}", str(value))]
    frame = read_export(made.path, **made.more).frame
    age = next(name for name in frame if "age" in name.lower() and frame[name].dtype == float)
    typed = ["columns", str(made.path), *more, "--outcome", f"{age}:regression"]
    assert run_commands([*typed, "--out", str(tmp_path / "c.yaml")]) == 0
    book = read_codebook(tmp_path / "c.yaml")
    export = read_export(made.path, **made.more)
    wanted = book.apply(export.frame, export.reasons)
    taken = take_in(made.path, Typed(), tmp_path / "c.yaml")
    again = take_again(made.path, taken.book, outcomes=True)
    for found in (taken.inputs, again.inputs):
        assert found.tasks == {age: "regression"}
        pd.testing.assert_frame_equal(found.frame, wanted.frame, check_index_type=False)


# what was typed, what the file of columns says, what the table has


def test_what_was_typed_wins_and_is_said(clinic):
    more = "--outcome age:regression --text note --categorical site --numeric sleep --json"
    done = fine(clinic, "fit", "cohort.sav", "--columns", "columns.yaml", "--out", "other", *QUICK,
                *more.split())  # fmt: skip
    said = json.loads(done.stdout)
    assert said["tasks"] == {"age": "regression"} and said["numeric"][:1] == ["sleep"]
    assert "columns.yaml names another --outcome; what was typed holds" in done.stderr


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda people: people.drop(columns="sleep"),
            "expected the columns 'sleep', which the file",
        ),
        (lambda people: people.drop(columns="phq9"), "expected the outcome 'phq9', got none"),
        (lambda people: people.drop(columns="record_id"), "expected the group 'record_id'"),
    ],
)
def test_a_table_that_lacks_a_column_is_refused_in_one_line(clinic, tmp_path, change, message):
    write_sav(change(make_people(40)), tmp_path / "less.sav", column_labels=None,
              variable_value_labels={}, missing_ranges={}, variable_measure={},
              variable_format={})  # fmt: skip
    done = fine(tmp_path, "fit", "less.sav", "--columns", clinic / "columns.yaml", "--out", "m",
                status=3)  # fmt: skip
    assert message in done.stderr and done.stderr.count("error: ") == 1


def test_a_column_that_is_new_is_named(clinic, tmp_path):
    book = read_codebook(clinic / "columns.yaml")
    write_codebook(type(book)(**(vars(book) | dict(columns=book.columns[:-2] + book.columns[-1:]))),
                   tmp_path / "few.yaml")  # fmt: skip
    done = fine(clinic, "fit", "cohort.sav", "--columns", tmp_path / "few.yaml", "--out", "m2",
                *QUICK)  # fmt: skip
    assert "1 column left out: not in the file of columns ('note')" in done.stderr


def test_outcomes_are_needed_somewhere(clinic, tmp_path):
    book = read_codebook(clinic / "columns.yaml")
    write_codebook(type(book)(**(vars(book) | dict(outcomes={}))), tmp_path / "none.yaml")
    done = fine(clinic, "fit", "cohort.sav", "--columns", tmp_path / "none.yaml", "--out", "m",
                status=3)  # fmt: skip
    assert "expected one, typed or in the file of columns" in done.stderr
    assert fine(clinic, "fit", "cohort.sav", "--out", "m", status=2)


def test_ids_that_repeat_are_asked_about(clinic):
    typed = "--outcome phq9:regression --out m3"
    done = fine(clinic, "fit", "cohort.sav", *typed.split(), *QUICK)
    assert "--group 'record_id' counts people" in done.stderr
    typed = "--outcome phq9:regression --out m4 --ignore record_id"
    done = fine(clinic, "fit", "cohort.sav", *typed.split(), *QUICK)
    assert "counts people" not in done.stderr


# plans


@pytest.fixture(scope="module")
def planned(clinic):
    typed = "cohort.sav --columns columns.yaml --key key.hex --out plan --steps 60 --members 1"
    fine(clinic, "commit", *typed.split())
    nonce = ("--nonce", "5 3 1 6", "--nonce-from", "dice")
    fine(clinic, "fit", "cohort.sav", "--plan", "plan", *nonce, "--transcript", "run")
    return clinic


def test_a_plan_carries_the_codebook_by_its_digest(planned):
    from adaroute.provenance.commitment import json_digest

    plan = json.loads((planned / "plan/plan.json").read_text())
    for folder in ("plan", "run"):
        reading = json.loads((planned / folder / "reading.json").read_text())
        assert reading["format"] == "adaroute-reading-2" and reading["group"] == "record_id"
        assert json_digest(reading["how"]["columns"]) == plan["columns"]
    assert plan["format"] == "adaroute-plan-3"
    done = call(planned, "fit", "cohort.sav", "--plan", "plan", "--columns", "columns.yaml",
                "--transcript", "run2")  # fmt: skip
    assert done.exit_code == 2 and "--columns: expected none beside --plan" in done.stderr


def test_a_run_on_an_export_verifies_and_proves(planned):
    check = "verify run --data cohort.sav --key key.hex --plan plan --json"
    found = json.loads(fine(planned, *check.split()).stdout)
    assert found["status"] == 0
    assert any(c["name"] == "columns" and c["passed"] for c in found["checks"])
    fine(
        planned,
        *"prove cohort.sav 5 --key key.hex --plan plan --out p.json --record r.json".split(),
    )
    fine(planned, *"check-proof plan p.json r.json".split())


def test_another_codebook_than_the_plans_is_found(planned, tmp_path):
    import shutil

    from adaroute.provenance.commitment import canonical_json

    shutil.copytree(planned / "run", tmp_path / "run")
    shutil.copy(planned / "cohort.sav", tmp_path)
    shutil.copy(planned / "key.hex", tmp_path)
    file = tmp_path / "run/reading.json"
    reading = json.loads(file.read_text())
    reading["how"]["columns"]["columns"][0]["label"] = "another"
    file.write_text(canonical_json(reading))
    done = call(tmp_path, *"verify run --data cohort.sav --key key.hex --json".split())
    assert json.loads(done.stdout)["status"] == 1
    assert "The codebook in reading.json is not the plan's" in done.stdout


# silence ends


def write_csv(folder, name, n=60, **columns):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"age": rng.integers(18, 80, n), "site": rng.choice(["a", "b"], n)})
    table["phq9"] = rng.integers(0, 28, n)
    table = table.assign(**columns)
    table.to_csv(folder / name, index=False)
    return table


FIT = ("--categorical", "site", "--outcome", "phq9:regression", "--out", "model", *QUICK,
       "--calibration", "none")  # fmt: skip


def test_missing_is_added_remembered_and_a_number(tmp_path):
    table = write_csv(tmp_path, "a.csv")
    table.loc[:9, "age"] = -99
    table["age"] = table["age"].astype(float)  # written as -99.0
    table["word"] = np.where(np.arange(60) % 7 == 0, "NA", table["phq9"].astype(str))
    table.to_csv(tmp_path / "a.csv", index=False)
    table.assign(word=None).to_parquet(tmp_path / "a.parquet")
    told = fine(tmp_path, "fit", "a.csv", *FIT, "--ignore", "word")
    assert "'age': 10 cells with -99, far from the rest" in told.stderr
    assert "--missing -99" in told.stderr
    fine(tmp_path, "fit", "a.csv", *FIT, "--missing", "-99", "--ignore", "word")
    model = AdaRoute.load(tmp_path / "model")
    assert model.extras_["reading"]["missing"] == ["", "NA", "N/A", "NaN", "null", "-99"]
    assert model.encoder_.parts["numbers"]["mean"][0] > 18
    answers = {}
    for name in ("a.csv", "a.parquet"):
        done = fine(tmp_path, "predict", "model", name, "--out", "p.csv")
        assert "-99" not in done.output
        answers[name] = pd.read_csv(tmp_path / "p.csv")["phq9_predicted"]
    gone = table.assign(age=table["age"].replace(-99, np.nan))
    direct = model.predict(gone[["age", "site"]])["phq9"]
    for found in answers.values():
        np.testing.assert_allclose(found, direct, rtol=1e-5)


def test_what_training_never_saw_is_told(tmp_path):
    write_csv(tmp_path, "a.csv")
    fine(tmp_path, "fit", "a.csv", *FIT)
    new = write_csv(tmp_path, "new.csv", n=30)
    new.loc[:2, "site"] = "quagga"
    new.loc[5:9, "age"] = -9
    new.to_csv(tmp_path / "new.csv", index=False)
    done = fine(tmp_path, "predict", "model", "new.csv", "--out", "p.csv", "--json")
    said = json.loads(done.stdout)
    assert said["unseen"] == {"site": 3} and "quagga" not in done.output
    assert any("'age': 5 cells with -9" in line for line in said["look"])
    with pytest.warns(UserWarning, match="'site': 3 cells with a level that training never saw"):
        AdaRoute.load(tmp_path / "model").predict(new)
    report = fine(tmp_path, "explain", "model", "new.csv", "--out", "r.html")
    assert "'site': 3 cells" in report.stdout
    page = (tmp_path / "r.html").read_text()
    assert "3 cells with a level that training never saw" in page and "quagga" not in page


def test_what_stands_in_a_plain_table_is_told(tmp_path):
    n = 60
    columns = dict(
        visit=21900 + 3 * np.arange(n),
        item=np.where(np.arange(n) % 5 == 0, ".", "2"),
    )
    table = write_csv(tmp_path, "a.csv", **columns)
    table.assign(phq9_sum=2 * table["phq9"]).to_csv(tmp_path / "a.csv", index=False)
    said = fine(tmp_path, "fit", "a.csv", *FIT).stderr
    assert "'visit': 60 cells that look like days as SAS and Stata count them" in said
    assert "--ignore visit" in said and "--ignore phq9_sum" in said
    assert "'item': no input, for 12 cells are '.'; --missing '.' reads it" in said
    done = fine(tmp_path, "fit", "a.csv", *FIT, "--numeric", "item", status=3)
    assert "a program's word for missing (--missing '.' reads it)" in done.stderr


def test_a_workbook_needs_its_sheet_once(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    table = write_csv(tmp_path, "a.csv")
    with pd.ExcelWriter(tmp_path / "a.xlsx", engine=openpyxl.__name__) as writer:
        table.to_excel(writer, sheet_name="People", index=False)
        table.head(3).to_excel(writer, sheet_name="Notes", index=False)
    typed = "columns a.xlsx --sheet People --outcome phq9:regression --out c.yaml"
    fine(tmp_path, *typed.split())
    assert read_codebook(tmp_path / "c.yaml").sheet == "People"
    fine(tmp_path, "fit", "a.xlsx", "--columns", "c.yaml", "--out", "model", *QUICK)
    fine(tmp_path, "predict", "model", "a.xlsx", "--out", "p.csv")
    assert len(pd.read_csv(tmp_path / "p.csv")) == 60
