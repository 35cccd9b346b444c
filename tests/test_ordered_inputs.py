"Answers in order as inputs: typed, in a file of columns, and told by the type of a Parquet file."

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from adaroute import AdaRoute
from adaroute.command.file import PLANNED
from adaroute.command.main import main
from adaroute.files.codebook import read_codebook, read_order
from adaroute.files.intake import Typed, take_in
from adaroute.saving import load_model

PAINS = ("none", "some", "strong", "unbearable")
ORDER = ("--ordinal", f"pain={','.join(PAINS)}")
OUTCOME = ("--outcome", "score:regression")


def make_people(n=160, seed=0):
    "A score that rises with the pain, step by step, and hardly with age."
    rng = np.random.default_rng(seed)
    pain = rng.integers(0, 4, n)
    frame = pd.DataFrame({"pain": np.array(PAINS, object)[pain], "age": rng.integers(18, 90, n)})
    frame["score"] = (4 * pain + rng.normal(size=n)).round(2)
    return frame


def run(*words, status=0):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == status and "Traceback" not in done.output, done.output
    return done.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "One table as CSV and as Parquet, and the models of both."
    folder, people = tmp_path_factory.mktemp("pain"), make_people()
    people.to_csv(folder / "people.csv", index=False)
    kind = pd.CategoricalDtype(PAINS, ordered=True)
    people.astype({"pain": kind}).to_parquet(folder / "people.parquet")
    for ending, typed in (("csv", ORDER), ("parquet", ())):
        words = folder / f"people.{ending}", *OUTCOME, *typed, "--out", folder / ending
        (folder / f"{ending}.txt").write_text(run("fit", *words))
    return folder


def predict(folder, frame, model="csv"):
    frame.to_csv(folder / "new.csv", index=False)
    said = run("predict", folder / model, folder / "new.csv", "--out", folder / "out.csv")
    return pd.read_csv(folder / "out.csv").score_predicted.to_numpy(), said


def test_steps_are_steps_and_the_order_comes_from_whoever_knows_it(folder):
    said = (folder / "csv.txt").read_text()
    assert "ordered:     pain (as numbers, by the order of their levels)" in said
    assert (folder / "parquet.txt").read_text().split("saved")[0].replace("parquet", "csv") == (
        said.split("saved")[0]
    )
    four = pd.DataFrame({"pain": PAINS, "age": 50})
    steps, _ = predict(folder, four)
    assert np.allclose(np.diff(steps), 4, atol=0.5)
    assert np.array_equal(predict(folder, four, "parquet")[0], steps)
    model = load_model(folder / "csv", AdaRoute)
    assert model.schema_.numeric == ("pain", "age") and not model.schema_.categorical


def test_capitals_and_blanks_are_the_same_level(folder):
    four = pd.DataFrame({"pain": PAINS, "age": 50})
    spelled = [" None", "SOME", "strong ", "Unbearable"]
    assert np.array_equal(predict(folder, four.assign(pain=spelled))[0], predict(folder, four)[0])


def test_numbers_can_be_levels_in_any_order(tmp_path):
    people = make_people()
    people["pain"] = people["pain"].map(dict(zip(PAINS, (4, 3, 2, 1)))).astype(float)
    people.to_csv(tmp_path / "t.csv", index=False)
    inputs = take_in(
        tmp_path / "t.csv",
        Typed({"score": "regression"}, ordinal=dict([read_order("pain=4,3,2,1")])),
    ).inputs
    assert inputs.frame["pain"].tolist() == (4 - people["pain"]).tolist()
    assert inputs.ordinal["pain"] == (("4", "4"), ("3", "3"), ("2", "2"), ("1", "1"))


def test_an_unknown_level_is_missing_and_named_without_its_cell(folder):
    odd = pd.DataFrame({"pain": ["none", "quaggamire", "quaggamire", None], "age": 50})
    found, said = predict(folder, odd)
    assert "pain: 2 cells with none of its 4 levels, read as missing" in said
    assert "quaggamire" not in said and found[1] == found[2] == found[3] != found[0]


def test_a_code_for_missing_is_no_unknown_level(folder, tmp_path):
    people = make_people()
    people.loc[::8, "pain"] = "refused"
    people.to_csv(tmp_path / "t.csv", index=False)
    words = tmp_path / "t.csv", *OUTCOME, *ORDER, "--missing", "refused", "--out", tmp_path / "m"
    assert "none of its" not in run("fit", *words)
    _, said = predict(tmp_path, people[:9], "m")
    assert "none of its" not in said


def test_a_file_of_columns_carries_the_order(folder):
    yaml = folder / "columns.yaml"
    said = run("columns", folder / "people.csv", *OUTCOME, *ORDER, "--out", yaml)
    assert "ordered" in said and "typed as --ordinal, 4 levels" in said
    assert read_codebook(yaml)["pain"].levels == tuple((pain, pain) for pain in PAINS)
    run("fit", folder / "people.csv", "--columns", yaml, "--out", folder / "again")
    four = pd.DataFrame({"pain": PAINS, "age": 50})
    assert np.array_equal(predict(folder, four, "again")[0], predict(folder, four)[0])


def test_a_plan_has_settled_every_option_about_columns():
    about = {param.name for param in _commands("commit")} & {p.name for p in _commands("fit")}
    apart = {"weight", "ledger", "out", "as_json", "quiet"}  # not planned
    assert "ordinal" in about and about - apart <= {*PLANNED, "table"}


def _commands(name):
    return main.get_command(None, name).params


def test_tables_that_say_no_order_are_read_as_before(tmp_path):
    people = make_people(60)
    people.astype({"pain": "category"}).to_parquet(tmp_path / "t.parquet")
    said = run("fit", tmp_path / "t.parquet", *OUTCOME, "--out", tmp_path / "m")
    assert "left out:    pain (words)" in said and "ordered" not in said


@pytest.mark.parametrize(
    "typed, line",
    [
        (["pain"], "expected NAME=LOWEST,NEXT,...,HIGHEST"),
        (["pain=none"], "with two levels at least"),
        (["pain=none,some,None"], "each named once"),
        (["pain=none,,some"], "each named once"),
        (["score=low,high"], "expected one role for 'score', got two"),
        (["pain=none,some", "--categorical", "pain"], "expected one role for 'pain', got two"),
        (["pain=none,some", "--rows-in-memory", "20000"], "without --columns and --ordinal"),
    ],
)
def test_a_wrong_order_is_one_line(folder, typed, line):
    words = folder / "people.csv", *OUTCOME, "--ordinal", *typed, "--out", folder / "no"
    said = run("fit", *words, status=2)
    assert line in " ".join(said.replace("│", " ").split()) and not (folder / "no").exists()
