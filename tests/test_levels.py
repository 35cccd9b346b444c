"Outcomes in words: levels with an order, and without one."

import json
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.metrics import cohen_kappa_score

from adaroute import AdaRoute
from adaroute.checks import SchemaError
from adaroute.command.main import main
from adaroute.model_card import CARD
from adaroute.files.codebook import Codebook, Column
from adaroute.levels import parse_task, settle_tasks, spell_task
from adaroute.provenance.commitment import canonical_record
from adaroute.report.opening import gather_subject, tell_quality
from adaroute.schema import Schema, read
from adaroute.serving import export_graph, load_plain
from adaroute.uncertainty import calibrate

LEVELS = ("none", "mild", "moderate", "severe")
ORDINAL = f"ordinal={','.join(LEVELS)}"
SECRET = "the canary sang"


def make_people(n=240, seed=0):
    "Numbers that tell of a severity, in words and as a place; and of a diagnosis."
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"strain": rng.normal(size=n), "sleep": rng.normal(size=n)})
    lean = 1.5 * frame.strain + rng.logistic(size=n)
    place = np.digitize(lean, [-1.5, 0, 1.5])
    frame["place"], frame["severity"] = place.astype(float), np.array(LEVELS, object)[place]
    pull = np.c_[2 * frame.strain, 2 * frame.sleep, np.zeros(n)]
    drawn = (pull + rng.gumbel(size=pull.shape)).argmax(axis=1)
    frame["dx"] = np.array(["depression", "anxiety", "none"], object)[drawn]
    frame["score"] = frame.strain + rng.normal(size=n)
    return frame


PEOPLE = make_people()
INPUTS = dict(text=[], numeric=["strain", "sleep"], categorical=[])


def quick(tasks, learner="gradient", **more):
    "An estimator that learns in a moment."
    short = dict(members=1, starts=1, steps=60) if learner == "gradient" else {}
    return AdaRoute(**INPUTS, tasks=tasks, learner=learner, **short | more)


FITTED = {}


def fitted(learner):
    "One fit of each learner to an ordinal outcome in words beside a number, for all tests."
    if learner not in FITTED:
        est = quick({"severity": ORDINAL, "score": "regression"}, learner)
        FITTED[learner] = est.fit(PEOPLE)
    return FITTED[learner]


@pytest.fixture(params=["gradient", "closed_form"])
def learner(request):
    return request.param


def refusal(f, *args, **kwargs):
    "The one line of a refusal, which holds nothing of a cell."
    with pytest.raises(ValueError) as caught:
        f(*args, **kwargs)
    assert "\n" not in str(caught.value) and SECRET not in str(caught.value)
    return str(caught.value)


# The definition


@pytest.mark.parametrize("words", [LEVELS, ("a,b", 'c"d', " e f"), ("1", "2", "10")])
def test_a_type_survives_being_spelled(words):
    names = tuple(word.strip() for word in words)
    assert parse_task("y", spell_task("ordinal", names)) == ("ordinal", names)


@pytest.mark.parametrize(
    "task, line",
    [
        ("ordinal=", "got 0"),
        ("ordinal=a,,b", "got an empty one"),
        ("ordinal=a", "got 1; two levels are a binary outcome"),
        ("nominal=a,b", "got 2; two levels are a binary outcome"),
        ("ordinal=1,1.0,2", "each level once, got 1 more than once"),
        ("count=a,b,c", "with ordinal or nominal only, got count"),
        (f"nominal={','.join(map(str, range(21)))}", "expected 3 to 20 levels, got 21"),
        (f"ordinal={','.join(map(str, range(101)))}", "expected 3 to 100 levels, got 101"),
        ("ordered=a,b,c", "expected one of regression"),
    ],
)
def test_a_wrong_type_is_one_line(task, line):
    assert line in refusal(Schema, numeric="x", tasks={"y": task})


def test_words_without_an_order_are_refused():
    line = refusal(quick({"severity": "ordinal"}).fit, PEOPLE)
    assert "ordinal=lowest,next,highest" in line and "240 cells" in line
    loose = PEOPLE.assign(severity=PEOPLE.severity.astype("category"))
    assert "ordinal=lowest" in refusal(quick({"severity": "ordinal"}).fit, loose)


def test_an_ordered_categorical_brings_its_order():
    order = pd.CategoricalDtype(list(LEVELS), ordered=True)
    graded = PEOPLE.assign(severity=PEOPLE.severity.astype(order))
    typed = settle_tasks(graded, {"severity": "ordinal"})
    assert typed == {"severity": ORDINAL}
    told = quick({"severity": "ordinal"}).fit(graded).predict_proba(graded)
    pd.testing.assert_frame_equal(
        told, quick({"severity": ORDINAL}).fit(PEOPLE).predict_proba(PEOPLE)
    )


def test_a_number_is_a_level_by_its_one_name():
    schema = Schema(numeric="x", tasks={"stage": "ordinal=1.0,2,3"})
    for cells in (
        [1, 2, 3],
        ["1", " 2.0", "3"],
        [1.0, 2.0, np.nan],
        pd.array([1, 2, None], "Int64"),
    ):
        frame = pd.DataFrame({"x": [0.0, 1, 2], "stage": cells})
        got = read(frame, schema).outcome[:, 0]
        np.testing.assert_equal(got, [0, 1, np.nan if pd.isna(frame.stage[2]) else 2])


def test_an_unknown_level_is_one_line_without_the_cell():
    schema = Schema(numeric="strain", tasks={"severity": ORDINAL})
    frame = PEOPLE.assign(severity=PEOPLE.severity.where(PEOPLE.index > 2, SECRET))
    line = refusal(read, frame, schema)
    assert "'severity': expected one of the 4 levels" in line and "row 0" in line
    assert "2 more such cells" in line and "capital" not in line
    upper = PEOPLE.assign(severity=PEOPLE.severity.str.title())
    assert "capital letters count" in refusal(read, upper, schema)
    assert "levels" in refusal(read, PEOPLE.assign(severity=[[1]] * len(PEOPLE)), schema)


# The model


def test_words_are_the_same_model_as_their_places(learner):
    own = quick({"place": "ordinal", "score": "regression"}, learner).fit(PEOPLE)
    est = fitted(learner)
    same = est.expect(PEOPLE).to_numpy(), own.predict(PEOPLE).to_numpy()
    np.testing.assert_array_equal(*same)
    chances = est.predict_proba(PEOPLE)
    np.testing.assert_array_equal(chances, own.predict_proba(PEOPLE))
    assert list(chances) == list(LEVELS)
    said = est.predict(PEOPLE)
    assert list(said) == ["severity", "score"] and set(said.severity) <= set(LEVELS)
    assert (said.severity == chances.idxmax(axis=1)).all()
    assert (said.severity == PEOPLE.severity).mean() > 0.4
    assert (est.describe(PEOPLE).severity == said.severity).all()


def test_a_saved_model_speaks_the_same_words(learner, tmp_path):
    est = fitted(learner)
    est.save(tmp_path / "m")
    again, plain = AdaRoute.load(tmp_path / "m"), load_plain(tmp_path / "m")
    assert again.schema_ == est.schema_ and again.schema_.levels["severity"] == LEVELS
    for other in (again, plain):
        assert (other.predict(PEOPLE).severity == est.predict(PEOPLE).severity).all()
    np.testing.assert_array_equal(again.expect(PEOPLE), est.expect(PEOPLE))
    np.testing.assert_allclose(plain.expect(PEOPLE), est.expect(PEOPLE), atol=1e-9)
    pd.testing.assert_frame_equal(again.predict_proba(PEOPLE), est.predict_proba(PEOPLE))
    assert "severity (ordinal: none, mild, moderate, severe)" in (tmp_path / "m" / CARD).read_text()


def test_the_graph_names_the_levels(tmp_path):
    pytest.importorskip("onnx")
    fitted("gradient").save(tmp_path / "m")
    beside = export_graph(tmp_path / "m", tmp_path / "m.onnx")
    column = json.loads(beside.read_text())["outputs"][0]["columns"][0]
    assert column["levels"] == list(LEVELS) and column["kind"] == "ordinal"


def test_sets_are_levels():
    est, kept = fitted("gradient"), make_people(120, seed=1)
    ends = calibrate(est, kept).sets(est, PEOPLE)["severity"]
    assert set(ends.stack()) <= set(LEVELS)
    place = {level: k for k, level in enumerate(LEVELS)}
    low, high, true = (c.map(place) for c in (ends.lower, ends.upper, PEOPLE.severity))
    assert (low <= high).all() and 0.8 < ((low <= true) & (true <= high)).mean() <= 1


def test_a_level_without_a_row_keeps_its_place(learner):
    some = PEOPLE[PEOPLE.severity != "mild"]
    with pytest.warns(UserWarning, match="no training row has 1 of its 4 levels"):
        est = quick({"severity": ORDINAL}, learner).fit(some)
    chances = est.predict_proba(PEOPLE)
    assert list(chances) == list(LEVELS) and chances.mild.max() < chances.none.max()
    assert np.allclose(chances.sum(axis=1), 1)


def test_a_blank_is_a_missing_outcome():
    gone = PEOPLE.assign(severity=PEOPLE.severity.where(PEOPLE.index % 3 > 0, " "))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        est = quick({"severity": ORDINAL}).fit(gone)
    few = quick({"severity": ORDINAL}).fit(PEOPLE[PEOPLE.index % 3 > 0])
    np.testing.assert_array_equal(est.expect(PEOPLE), few.expect(PEOPLE))


def test_what_is_said_of_levels_is_said_by_name():
    heavy = quick({"severity": ORDINAL}, class_weights={"severity": {"severe": 20}}).fit(PEOPLE)
    assert heavy.scale_.weights == ((1, 1, 1, 20),)
    line = refusal(quick({"severity": ORDINAL}, class_weights={"severity": {"x": 2}}).fit, PEOPLE)
    assert "some of its 4 levels" in line
    assert "expected none" in refusal(
        quick({"severity": ORDINAL}, bounds={"severity": (0, 2)}).fit, PEOPLE
    )


# The command line


def run(*words, status=0):
    "What a command prints; it ends with the status that is expected."
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == status, done.output
    return done.output


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    PEOPLE.drop(columns="place").to_csv(path, index=False)
    return path


SHORT = ("--steps", 40, "--members", 1, "--quiet")
ASKED = ("--outcome", f"severity:{ORDINAL}", "--outcome", "score:regression", "--ignore", "dx")


def test_from_words_to_words(table, tmp_path):
    run("fit", table, *ASKED, *SHORT, "--out", tmp_path / "m")
    run("predict", tmp_path / "m", table, "--out", tmp_path / "p.csv", "--quiet")
    said = pd.read_csv(tmp_path / "p.csv", keep_default_na=False)
    for name in ("severity_predicted", "severity_lower", "severity_upper"):
        assert set(said[name]) <= set(LEVELS)
    chances = said[[f"severity_p_{level}" for level in LEVELS]]
    assert np.allclose(chances.sum(axis=1), 1) and "score_lower" in said
    likeliest = chances.idxmax(axis=1).str.removeprefix("severity_p_")
    assert (likeliest == said.severity_predicted).all()
    line = run(
        "predict", tmp_path / "m", table, "--out", tmp_path / "q.csv", "--price", 1, status=2
    )
    assert "outcomes in words" in line


@pytest.mark.parametrize(
    "outcome, status, line",
    [
        ("severity:ordinal", 3, "levels with their order (ordinal=low,middle,high)"),
        ("severity:ordinal=none,mild,moderate", 3, "one of the 3 levels"),
        ("severity:ordinal=None,mild,moderate,severe", 3, "capital letters count"),
        ("severity:ordinal=no,yes", 2, "two levels are a binary outcome"),
        ("severity:ordinal=none,mild,NA", 3, "one that means missing"),
        ("severity:nominal:0..3", 2, "expected NAME:TYPE"),
        ("score:nominal", 3, "expected 3 to 20 levels, got 240"),
    ],
)
def test_a_wrong_outcome_is_one_line(table, tmp_path, outcome, status, line):
    said = run("fit", table, "--outcome", outcome, *SHORT, "--out", tmp_path / "m", status=status)
    assert line in said and len(said.strip().splitlines()) == 1 and "moderate'" not in said


def test_a_plan_fixes_the_levels(tmp_path):
    table, out, key = tmp_path / "t.csv", tmp_path / "plan", tmp_path / "key"
    PEOPLE[["strain", "severity"]][:80].to_csv(table, index=False)
    few = ("--outcome", f"severity:{ORDINAL}", "--no-spares", "--steps", 4, "--members", 1)
    run("commit", table, *few, "--key", key, "--out", out, "--quiet")
    filed = json.loads((out / "plan.json").read_text())
    assert filed["config"]["tasks"] == {"severity": ORDINAL}
    told = ("--nonce", "n", "--nonce-from", "nobody", "--transcript", tmp_path / "run")
    run("fit", table, "--plan", out, *told, "--out", tmp_path / "m", "--quiet")
    page = run("verify", tmp_path / "run", "--data", table, "--key", key, "--quiet")
    assert "FAILED" not in page and "label edit | excluded" in page


def test_a_record_holds_words_and_can_be_written_down_again():
    schema = Schema(
        numeric="strain", tasks={"severity": ORDINAL, "dx": "nominal=anxiety,depression,none"}
    )
    row = PEOPLE.loc[0]
    record = canonical_record(row, schema)
    held = json.loads(record)
    assert set(held) == {"strain", "severity", "dx"} and held["dx"] == row.dx
    assert canonical_record(held, schema) == record
    assert json.loads(canonical_record(held | {"severity": None}, schema))["severity"] is None


# Codebooks

CODES = tuple(enumerate(LEVELS, start=1))


@pytest.mark.parametrize(
    "levels, typed, first",
    [
        (CODES, ORDINAL, "none"),
        ((*CODES[:2], *CODES[3:]), "ordinal", 1.0),  # a gap: perhaps only the ends are labelled
        (CODES[:2], "ordinal", 1.0),
        (((1, "1"), (2, "2"), (3, "3")), "ordinal", 1.0),
    ],
)
def test_a_codebook_knows_the_order(levels, typed, first):
    columns = (Column("strain", "number"), Column("severity", "ordered", levels=levels))
    book = Codebook(columns, outcomes={"severity": "ordinal"})
    coded = PEOPLE[["strain"]].assign(severity=PEOPLE.place + 1)
    inputs = book.apply(coded.sort_values("severity"))
    assert inputs.tasks == {"severity": typed} and inputs.frame.severity.iloc[0] == first
    worded = Codebook(columns[:1], outcomes={"severity": ORDINAL})
    assert worded.apply(PEOPLE).frame.severity.tolist() == PEOPLE.severity.tolist()
    ended = Codebook(columns, outcomes={"severity": "ordinal:1..4"})
    assert ended.apply(coded).tasks == {"severity": "ordinal"}


def test_a_file_of_columns_carries_the_levels(table, tmp_path):
    book, model = tmp_path / "columns.yaml", tmp_path / "m"
    run("columns", table, "--outcome", f"severity:{ORDINAL}", "--ignore", "dx", "--out", book)
    run("fit", table, "--columns", book, *SHORT, "--out", model)
    run("predict", model, table, "--out", tmp_path / "p.csv", "--quiet")
    said = pd.read_csv(tmp_path / "p.csv", keep_default_na=False)
    assert set(said.severity_predicted) <= set(LEVELS)
    assert AdaRoute.load(model).schema_.typed == {"severity": ORDINAL}


def test_levels_in_words_share_no_scale_with_numbers(tmp_path):
    "Items from 0 to 3 are on the scale of four levels only where these are numbers."
    item = np.arange(60) % 4
    words = np.array(["none", "mild", "moderate", "severe"])
    table = dict(item=np.roll(item, 1), age=np.arange(60), grade=words[item], place=item)
    table["item"][:30] = item[:30]
    pd.DataFrame(table).to_csv(tmp_path / "t.csv", index=False)
    for outcome, other, told in (
        ("place:ordinal", "grade", True),
        ("grade:ordinal=none,mild,moderate,severe", "place", False),
    ):
        typed = ["fit", f"{tmp_path}/t.csv", "--outcome", outcome, "--ignore", other]
        done = CliRunner().invoke(main, [*typed, "--out", f"{tmp_path}/{other}"])
        assert done.exit_code == 0 and ("on the same scale" in done.output) == told


def test_the_report_says_which_level_is_taken_for_which():
    fresh = make_people(90, seed=5)
    fresh.loc[3, "severity"] = None
    model, places = fitted("closed_form"), quick({"place": "ordinal"}, "closed_form").fit(PEOPLE)
    for est, name, levels in ((model, "severity", LEVELS), (places, "place", (0, 1, 2, 3))):
        page = tell_quality(gather_subject(est, fresh, None, None, None, False))
        told = est.predict_proba(fresh, name).idxmax(axis=1)
        known = fresh[name].notna()
        counts = pd.crosstab(fresh[name], told).reindex(index=levels, columns=levels, fill_value=0)
        rows = re.findall(rf"<tr><th[^>]*>({'|'.join(map(str, levels))})</th>(.*?)</tr>", page)
        found = [[int(n) for n in re.findall(r"<td[^>]*>(\d+)</td>", row)] for _, row in rows]
        assert found[: len(levels)] == counts.to_numpy().tolist() and counts.to_numpy().sum() > 80
        order = dict(zip(levels, range(4)))
        truth, said = (series[known].map(order) for series in (fresh[name], told))
        kappa = cohen_kappa_score(truth, said, weights="quadratic", labels=range(4))
        assert f"Kappa of this table, with quadratic weights: {kappa:.2f}." in page


def test_an_outcome_of_many_levels_has_no_table():
    people = PEOPLE.assign(many=(PEOPLE.score.rank() // 12))
    model = quick({"many": "ordinal"}, "closed_form").fit(people)
    page = tell_quality(
        gather_subject(model, people[:60].assign(strain=0.5), None, None, None, False)
    )
    assert people.many.nunique() > 12 and "quadratic weights" not in page
