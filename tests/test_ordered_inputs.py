"Answers in order as inputs: typed, in a file of columns, told by the type of a Parquet file, and in Python."

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from adaroute import AdaRoute
from adaroute.command.file import PLANNED
from adaroute.command.main import main
from adaroute.files.codebook import read_codebook, read_order
from adaroute.files.intake import Typed, take_in
from adaroute.levels import level_names
from adaroute.policy.cards import _word_flip
from adaroute.policy.rules import NamedInput, _say_condition
from adaroute.provenance.transcript import Recorder
from adaroute.report import write_report
from adaroute.saving import load_model
from adaroute.schema import Schema

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


# in Python: an ordered Categorical says its order by itself

KIND = pd.CategoricalDtype(PAINS, ordered=True)
ASKED = dict(tasks={"score": "regression"}, learner="closed_form")
FOUR = pd.DataFrame({"pain": PAINS, "age": 50})


@pytest.fixture(scope="module")
def ranked():
    return AdaRoute(**ASKED).fit(make_people().astype({"pain": KIND}))


@pytest.mark.parametrize("roles", [{}, {"categorical": ["pain"]}, {"numeric": ["pain", "age"]}])
def test_an_ordered_categorical_is_read_as_its_steps(roles, ranked):
    model = AdaRoute(**ASKED, **roles).fit(make_people().astype({"pain": KIND}))
    assert model.schema_.ordinal == {"pain": PAINS} and not model.schema_.categorical
    assert set(model.schema_.numeric) == {"pain", "age"}
    steps = model.predict(FOUR).score.to_numpy()
    assert np.allclose(np.diff(steps), 4, atol=0.5)
    codes = make_people().assign(pain=make_people()["pain"].astype(KIND).cat.codes.astype(float))
    plain = AdaRoute(**ASKED, numeric=list(model.schema_.numeric)).fit(codes)
    assert np.array_equal(plain.predict(FOUR.assign(pain=range(4))).score, steps)


def test_an_order_without_words_and_words_without_an_order(ranked):
    people = make_people()
    unordered = AdaRoute(**ASKED).fit(people.astype({"pain": "category"}))
    assert unordered.schema_.categorical == ("pain",) and not unordered.schema_.ordinal
    numbers = people.assign(pain=people["pain"].astype(KIND).cat.codes * 10)
    dtype = pd.CategoricalDtype([0, 10, 20, 30], ordered=True)
    typed = numbers.astype({"pain": dtype})
    assert AdaRoute(**ASKED).fit(typed).schema_.ordinal == {"pain": ("0", "10", "20", "30")}
    said = AdaRoute(**ASKED, numeric=["pain", "age"]).fit(typed)
    assert not said.schema_.ordinal and said.schema_.numeric == ("pain", "age")
    ages = people.assign(age=pd.cut(people["age"], [0, 40, 60, 100]))
    assert AdaRoute(**ASKED).fit(ages.drop(columns="pain")).schema_.ordinal == {
        "age": ("(0, 40]", "(40, 60]", "(60, 100]")
    }


def test_new_rows_may_hold_words_in_any_type(ranked):
    steps = ranked.predict(FOUR)
    other = pd.CategoricalDtype(sorted(PAINS), ordered=True)
    for cells in (
        pd.Categorical(PAINS, dtype=KIND),
        pd.Categorical(PAINS, dtype=other),
        pd.array(PAINS, dtype="string"),
        [" None", "SOME", "strong ", "Unbearable"],
    ):
        assert ranked.predict(FOUR.assign(pain=cells)).equals(steps)


def test_an_unknown_level_is_missing_and_counted_without_its_cell(ranked, tmp_path):
    odd = pd.DataFrame({"pain": ["none", "quaggamire", "quaggamire", None], "age": 50})
    line = "'pain': 2 cells with none of its 4 levels, read as missing"
    with pytest.warns(UserWarning, match=line) as caught:
        found = ranked.predict(odd).score
    assert "quaggamire" not in "".join(str(w.message) for w in caught)
    assert found[1] == found[2] == found[3] != found[0]
    odd.to_csv(tmp_path / "odd.csv", index=False)
    ranked.save(tmp_path / "m")
    words = "predict", tmp_path / "m", tmp_path / "odd.csv", "--out", tmp_path / "out.csv"
    assert line in run(*words)
    assert np.allclose(pd.read_csv(tmp_path / "out.csv").score_predicted, found, atol=1e-4)


def test_the_levels_are_saved_and_read_without_torch(ranked, tmp_path):
    from adaroute.serving.plain import load_plain

    ranked.save(tmp_path / "m")
    again = load_model(tmp_path / "m", AdaRoute)
    assert again.schema_ == ranked.schema_ and again.predict(FOUR).equals(ranked.predict(FOUR))
    assert load_plain(tmp_path / "m").predict(FOUR).equals(ranked.predict(FOUR))


def test_rivals_read_the_same_steps():
    from adaroute.rivals.baselines import RidgeBaseline

    people = make_people().astype({"pain": KIND})
    ridge = RidgeBaseline(
        text=[], numeric=["pain", "age"], categorical=[], **{"tasks": ASKED["tasks"]}
    )
    steps = ridge.fit(people).predict(people[:0:-1]).score
    assert np.corrcoef(steps, people["pain"].cat.codes[:0:-1])[0, 1] > 0.99


@pytest.mark.parametrize(
    "orders",
    [
        {"pain": ["none"]},
        {"pain": ["none", "none"]},
        {"pain": ["none", 1]},
        {"pain": "none"},
        {"pain": ["none", ""]},
        {"cost": ["low", "high"]},
        ["pain"],
    ],
)
def test_a_schema_with_a_wrong_order_is_refused(orders, ranked):
    about = ranked.schema_.to_dict()
    assert about["ordinal"] == {"pain": list(PAINS)}
    with pytest.raises(ValueError, match="ordinal: expected columns of numbers, each with two"):
        Schema.from_dict(about | {"ordinal": orders})


def test_a_proof_wants_numbers(tmp_path):
    model = AdaRoute(**ASKED | {"learner": "gradient"}, members=1, starts=1, steps=4)
    model.watch = Recorder(tmp_path / "run")
    with pytest.raises(ValueError, match="ordinal: expected numbers beside a plan"):
        model.fit(make_people(60).astype({"pain": KIND}))


def test_the_report_names_levels(folder, ranked, tmp_path):
    people = make_people(seed=1)
    run("explain", folder / "csv", folder / "people.csv", "--out", tmp_path / "csv.html")
    write_report(ranked, people, tmp_path / "words.html")
    write_report(ranked, people.astype({"pain": KIND}), tmp_path / "typed.html")
    for page in ("csv", "words", "typed"):
        text = (tmp_path / f"{page}.html").read_text()
        assert "pain<small>from none to unbearable raises it" in text


def test_codes_of_a_codebook_are_named_in_the_report(tmp_path):
    people = make_people()
    codes = {word: 3 * place + 1 for place, word in enumerate(PAINS)}
    people["pain"] = people["pain"].map(codes)
    labels = {"pain": {code: word for word, code in codes.items()}}
    pyreadstat = pytest.importorskip("pyreadstat")
    pyreadstat.write_sav(
        people,
        tmp_path / "t.sav",
        column_labels=["Pain today", "Age", "Score"],
        variable_value_labels=labels,
        variable_measure={"pain": "ordinal"},
    )
    run("fit", tmp_path / "t.sav", *OUTCOME, "--out", tmp_path / "m")
    run("explain", tmp_path / "m", tmp_path / "t.sav", "--out", tmp_path / "m.html")
    text = (tmp_path / "m.html").read_text()
    assert "Pain today" in text and "from none to unbearable raises it" in text


def test_a_card_names_levels(ranked):
    flips = [("pain", 0.0, 2.0, "N1/STL"), ("age", 40.0, 50.0, "N1/STL"), ("pain", None, 9.0, "x")]
    said = [_word_flip(flip, level_names(ranked)) for flip in flips]
    assert said[0] == ("pain", "none", "strong", "N1/STL") and said[1] == flips[1]
    assert said[2] == ("pain", None, 9.0, "x")


def test_rules_name_levels():
    number = NamedInput("number", "pain", np.arange(4.0), names=dict(enumerate(PAINS)))
    said = [
        _say_condition(number, low, high)
        for low, high in ((1.5, np.inf), (-np.inf, 1.5), (0.5, 1.5), (0.5, 2.5), (1.2, 1.4))
    ]
    assert said == [
        "pain at least strong",
        "pain at most some",
        "pain is some",
        "pain from some to strong",
        "pain from 1.2 to 1.4",
    ]
