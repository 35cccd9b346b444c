"Outcomes of three classes and more: one question for each, and probabilities that sum to one."

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

from adaroute import AdaRoute
from adaroute.command.main import main
from adaroute.evaluation.comparison import compare_out_of_fold
from adaroute.model_card import CARD
from adaroute.report.opening import gather_subject, tell_quality
from adaroute.schema import Schema, check_trainable, read
from adaroute.serving import load_plain

DX = ("anxiety", "depression", "none")
TYPED = f"nominal={','.join(DX)}"


def make_people(n=300, seed=0):
    "Diagnoses by a softmax of two numbers, and outcomes of other kinds."
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"strain": rng.normal(size=n), "sleep": rng.normal(size=n)})
    pull = np.c_[1.5 * frame.sleep, 1.5 * frame.strain, np.full(n, 0.3)]
    drawn = (pull + rng.gumbel(size=pull.shape)).argmax(axis=1)
    frame["dx"] = np.array(DX, object)[drawn]
    frame["score"] = frame.strain + rng.normal(size=n)
    frame["grade"] = np.array(["low", "mid", "high"], object)[np.digitize(frame.score, [-1, 1])]
    frame["visits"] = rng.poisson(np.exp(0.3 * frame.sleep)).astype(float)
    return frame


PEOPLE, LATER = make_people(), make_people(400, seed=1)
INPUTS = dict(text=[], numeric=["strain", "sleep"], categorical=[])
MIXED = dict(score="regression", dx="nominal", grade="ordinal=low,mid,high", visits="count")
FITTED = {}


@pytest.fixture(params=["gradient", "closed_form"])
def learner(request):
    return request.param


def make(tasks, learner, **more):
    short = dict(members=1, starts=1, steps=60) if learner == "gradient" else {}
    return AdaRoute(**INPUTS, tasks=tasks, learner=learner, **short | more)


def mixed(learner):
    "One fit of each learner to outcomes of four kinds."
    if learner not in FITTED:
        FITTED[learner] = make(MIXED, learner).fit(PEOPLE)
    return FITTED[learner]


# Known answers


@pytest.mark.parametrize("learner, steps", [("gradient", 300), ("closed_form", None)])
def test_one_route_is_close_to_a_multinomial_regression(learner, steps):
    more = dict(steps=steps) if steps else dict(guard=False)
    est = make({"dx": "nominal"}, learner, routes=("N1/STL",), **more).fit(PEOPLE)
    X = ["strain", "sleep"]
    usual = LogisticRegression(C=10).fit(PEOPLE[X], PEOPLE.dx)
    said, wanted = est.predict_proba(LATER), usual.predict_proba(LATER[X])
    assert list(said) == list(usual.classes_) == list(DX)
    assert np.abs(said - wanted).to_numpy().mean() < 0.04
    assert (est.predict(LATER).dx == usual.predict(LATER[X])).mean() > 0.9


def test_a_class_that_nobody_has_leaves_a_binary_outcome():
    two = PEOPLE[PEOPLE.dx != "none"].reset_index(drop=True)
    with pytest.warns(UserWarning, match="no training row has 1 of its 3 levels"):
        three = make({"dx": TYPED}, "closed_form", guard=False).fit(two)
    ill = two.assign(dx=(two.dx == "depression").astype(float))
    one = make({"dx": "binary"}, "closed_form", guard=False).fit(ill)
    said = three.predict_proba(LATER)
    assert said["none"].max() < 0.02
    assert np.abs(said["depression"] - one.predict(LATER).dx).max() < 0.03


def test_the_order_in_which_levels_are_listed_changes_no_bit(learner):
    other = make(MIXED | {"dx": "nominal=none,depression,anxiety"}, learner).fit(PEOPLE)
    np.testing.assert_array_equal(other.expect(LATER), mixed(learner).expect(LATER))
    pd.testing.assert_frame_equal(other.predict_proba(LATER), mixed(learner).predict_proba(LATER))


# Beside other outcomes


def test_outcomes_of_four_kinds_at_once(learner, tmp_path):
    est = mixed(learner)
    said, chances = est.predict(LATER), est.predict_proba(LATER, "dx")
    assert list(said) == ["score", "dx", "grade", "visits"]
    assert np.allclose(chances.sum(axis=1), 1) and (chances.idxmax(axis=1) == said.dx).all()
    assert (said.dx == LATER.dx).mean() > (LATER.dx == "depression").mean() + 0.05
    asked = est.expect(LATER)[[f"dx is {level}" for level in DX]]
    shares = asked.div(asked.sum(axis=1), axis=0)
    assert np.allclose(shares, chances, atol=1e-6)
    est.save(tmp_path / "m")
    again, plain = AdaRoute.load(tmp_path / "m"), load_plain(tmp_path / "m")
    np.testing.assert_array_equal(again.expect(LATER), est.expect(LATER))
    assert plain.predict(LATER).dx.equals(said.dx) and again.predict(LATER).equals(said)
    assert again.schema_.typed["dx"] == TYPED
    assert "dx (nominal: anxiety, depression, none)" in (tmp_path / "m" / CARD).read_text()


def test_a_blank_is_missing_for_all_questions():
    gone = PEOPLE.assign(dx=PEOPLE.dx.where(PEOPLE.index % 3 > 0))
    outcome = read(gone, Schema(**INPUTS | {"tasks": {"dx": TYPED}})).outcome
    assert np.isnan(outcome[::3]).all() and (np.nansum(outcome, axis=1)[1::3] == 1).all()


def test_what_is_said_of_an_outcome_is_said_of_its_questions():
    est = make({"dx": TYPED}, "gradient", task_weights={"dx": 2}, class_weights={"dx": "balanced"})
    weights = est.fit(PEOPLE).scale_.weights
    assert len(weights) == 3 and np.allclose([w[1] / w[0] for w in weights], 1, atol=3)


@pytest.mark.parametrize(
    "change, line",
    [
        (dict(dx="none"), "'dx is none': expected at least 2 different values"),
        (dict(dx=[f"d{i}" for i in range(300)]), "expected 3 to 20 levels, got 300"),
        (dict(dx=["a", "b"] * 150), "expected 3 to 20 levels, got 2; two levels are a binary"),
    ],
)
def test_a_wrong_column_is_one_line(change, line):
    typed = "nominal" if "levels" in line else TYPED
    with pytest.raises(ValueError) as caught:
        make({"dx": typed}, "gradient").fit(PEOPLE.assign(**change))
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(ValueError, match="'dx is none': expected one role"):
        Schema(numeric=["dx is none"], tasks={"dx": TYPED})
    with pytest.raises(ValueError, match="'dx': expected one role"):
        Schema(numeric=["dx"], tasks={"dx": TYPED})
    check_trainable(read(PEOPLE, Schema(**INPUTS | {"tasks": {"dx": TYPED}})))


def test_folds_share_the_levels():
    rare = PEOPLE.assign(dx=PEOPLE.dx.where(PEOPLE.index > 0, "rare"))
    est = make({"dx": "nominal"}, "gradient", steps=5)
    with pytest.warns(UserWarning, match="1 of its 4 levels"):
        found = compare_out_of_fold(est, rare, rivals="mean", folds=2, draws=20)
    table = found.scores.query("outcome == 'dx'")
    assert set(table.score) == {"accuracy", "macro_auroc", "log_loss"}
    assert np.isfinite(table.estimate).all() and len(found.tasks) == 4


def test_the_report_says_what_is_taken_for_what():
    page = tell_quality(gather_subject(mixed("gradient"), LATER, None, None, None, False))
    assert "dx: rows of each level" in page and "dx: macro AUC" in page
    assert "grade counts its levels: 0 is low, 1 is mid, 2 is high." in page


# The command line


def run(*words, status=0):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == status, done.output
    return done.output


def test_from_classes_to_classes(tmp_path):
    table, model, out = tmp_path / "t.csv", tmp_path / "m", tmp_path / "p.csv"
    PEOPLE[["strain", "sleep", "dx", "score"]].to_csv(table, index=False)
    asked = ("--outcome", "dx:nominal", "--outcome", "score:regression")
    run("fit", table, *asked, "--steps", 60, "--members", 1, "--out", model, "--quiet")
    kept = json.loads((model / "model.json").read_text())["extras"]
    assert "dx: the most probable level is the true one" in " ".join(kept["quality"]["sentences"])
    run("predict", model, table, "--out", out, "--quiet")
    said = pd.read_csv(out, keep_default_na=False)
    assert set(said.dx_predicted) <= set(DX) and "dx_lower" not in said
    assert np.allclose(said[[f"dx_p_{level}" for level in DX]].sum(axis=1), 1)
    strange = PEOPLE.assign(dx=PEOPLE.dx.where(PEOPLE.index > 0, "canary"))
    strange[["strain", "sleep", "dx", "score"]].to_csv(table, index=False)
    line = run("explain", model, table, "--out", tmp_path / "r.html", "--quiet", status=3)
    assert "one of the 3 levels" in line and "canary" not in line
