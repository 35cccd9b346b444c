"The learner in closed form through everything that a fitted model is asked, and at its edges."

import json

import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_limits

from adaroute import AdaRoute
from adaroute.synthetic import make_cohort

GAPS = dict(missing_numbers=0.1, missing_text=0.1, missing_outcomes=0.05)


def fit_cohort(cohort, **how):
    small = dict(text_dim=12, max_terms=200)  # columns are what costs
    about = dict(learner="closed_form", encoder=small, **how)
    return AdaRoute(**cohort.schema.roles, **about).fit(cohort.frame)


@pytest.fixture(scope="module")
def cohort():
    "A world for tuning."
    return make_cohort(120, "planted", seed=101, cue=2, noise=0.2, **GAPS)


@pytest.fixture(scope="module")
def model(cohort):
    return fit_cohort(cohort)


def weights_of(model) -> dict:
    return {name: p.detach().clone() for name, p in model.model_.named_parameters()}


def test_threads_and_repeats_do_not_change_a_bit(cohort, model):
    with threadpool_limits(2):
        torch.set_num_threads(2)
        try:
            again = weights_of(fit_cohort(cohort))
        finally:
            torch.set_num_threads(1)
    for name, values in weights_of(model).items():
        assert torch.equal(values, again[name]), name


def test_a_saved_model_says_the_same(cohort, model, tmp_path):
    model.save(tmp_path / "model")
    about = json.loads((tmp_path / "model" / "model.json").read_text())
    assert about["format"] == 4 and about["params"]["learner"] == "closed_form"
    back = AdaRoute.load(tmp_path / "model")
    assert back.predict(cohort.frame).equals(model.predict(cohort.frame))
    assert back.predict_routes(cohort.frame).equals(model.predict_routes(cohort.frame))
    assert back.shares_ == model.shares_


def test_distribution_and_intervals_agree_with_the_prediction(cohort, model):
    from adaroute.uncertainty.distribution import predict_distribution

    said = predict_distribution(model, cohort.frame)
    assert np.allclose(said.mean, model.predict(cohort.frame), atol=1e-6)
    ends = model.predict_interval(cohort.frame, 0.8)
    task = list(cohort.schema.tasks)[0]
    assert (ends[task, "lower"] < ends[task, "upper"]).all()
    inside = cohort.frame[task].between(ends[task, "lower"], ends[task, "upper"])
    assert inside[cohort.frame[task].notna()].mean() > 0.6


def test_calibration(cohort, model):
    from adaroute.uncertainty import calibrate

    assert calibrate(model, cohort.frame) is not None


def test_policy(cohort, model):
    from adaroute.policy import route_card
    from adaroute.policy.attribution import moved_by
    from adaroute.policy.page_model import export_page_model

    complete = cohort.frame.dropna().index[0]
    at = cohort.frame.index.get_loc(complete)
    assert route_card(model, cohort.frame, row=at) is not None
    assert moved_by(model, cohort.frame, rows=[at]).missed < 1e-2
    assert export_page_model(model, cohort.frame, rows=[at])["rows"]


def test_report(cohort, model, tmp_path):
    from adaroute.report import write_report

    write_report(model, cohort.frame, tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 1000


def test_one_outcome_and_arrays():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    X[0, 1] = np.nan
    y = X[:, 0] * 2 + 0.1 * rng.normal(size=80)
    found = AdaRoute(learner="closed_form").fit(X, y)
    assert ((found.predict(X) - y) ** 2).mean() < 0.2 and found.shares_ == {"routed": 1.0}


def test_a_corner_reads_what_it_may(cohort):
    corner = fit_cohort(cohort, routes=("N1/STL",))
    changed = cohort.frame.assign(**{name: "other words" for name in cohort.schema.text})
    assert corner.predict(changed).equals(corner.predict(cohort.frame))


def test_few_complete_rows_are_not_routed(cohort):
    frame = cohort.frame.copy()
    text = list(cohort.schema.text)
    frame.loc[frame.index[5:], text] = None
    few = fit_cohort(cohort.__class__(**{**cohort.__dict__, "frame": frame}))
    assert np.isfinite(few.predict(frame)).all().all()


KINDS = dict(ill="binary", level="ordinal", days="count", phq9="regression")


@pytest.fixture(scope="module")
def mixed(cohort):
    "The same people with outcomes of all kinds, with gaps, and what they taught."
    frame, sick = cohort.frame.copy(), cohort.frame.phq9 > 10
    frame["ill"] = sick.astype(float).where(frame.phq9.notna())
    frame["level"] = pd.Series(np.digitize(frame.gad7, [4, 8, 12]), frame.index, float)
    frame["level"] = frame.level.where(frame.gad7.notna())
    frame["days"] = frame.phq9.clip(0).round()
    roles = cohort.schema.roles | {"tasks": KINDS}
    how = dict(learner="closed_form", encoder=dict(text_dim=12, max_terms=200))
    people = np.arange(len(frame)) // 2
    return frame, AdaRoute(**roles, **how).fit(frame, groups=people)


def test_outcomes_of_all_kinds(mixed):
    frame, model = mixed
    said = model.predict(frame)
    assert said.ill.between(0, 1).all() and said.level.between(0, 3).all() and (said.days > 0).all()
    missed = ((said - frame[list(KINDS)]) ** 2).mean() / frame[list(KINDS)].var()
    assert missed.max() < 0.9
    assert np.isclose(sum(model.shares_.values()), 1)
    routed = model.predict_routes(frame).sum(axis=1)
    assert np.allclose(routed, model.encode(frame).presence.any(axis=1))
    assert list(model.describe(frame))[:4] == list(KINDS)


def test_outcomes_of_all_kinds_are_saved(mixed, tmp_path):
    from adaroute.serving import load_plain

    frame, model = mixed
    model.save(tmp_path / "model")
    assert json.loads((tmp_path / "model" / "model.json").read_text())["format"] == 4
    said = model.predict(frame)
    assert AdaRoute.load(tmp_path / "model").predict(frame).equals(said)
    assert np.abs(load_plain(tmp_path / "model").predict(frame) - said).max().max() < 1e-10


def test_outcomes_of_all_kinds_have_intervals(mixed):
    from adaroute.uncertainty import calibrate
    from adaroute.uncertainty.distribution import predict_distribution

    frame, model = mixed
    ends = model.predict_interval(frame, 0.8)
    for task in ("days", "phq9"):
        known = frame[task].notna()
        inside = frame[task].between(ends[task, "lower"], ends[task, "upper"])
        assert inside[known].mean() > 0.6, task
    assert np.allclose(predict_distribution(model, frame).mean, model.predict(frame), atol=1e-6)
    assert calibrate(model, frame) is not None


def test_weights_are_one_a_row():
    X = np.random.default_rng(0).normal(size=(30, 2))
    for learner in ("gradient", "closed_form"):
        with pytest.raises(ValueError, match="weights: expected 30 numbers"):
            AdaRoute(learner=learner, steps=5).fit(X, X[:, 0], weights=np.ones(29))


@pytest.mark.parametrize(
    "how, why",
    [
        (dict(learner="magic"), "learner: expected one of"),
        (dict(guard=True, steps=9), "guard: expected learner='closed_form'"),
        (dict(learner="closed_form", selection="hard"), "learner='gradient' has it"),
        (dict(learner="closed_form", checkpoint="x.pt"), "learner='gradient' has it"),
    ],
)
def test_what_it_cannot_do_is_refused(how, why):
    frame = pd.DataFrame(dict(a=np.arange(20.0), note="a b", y=np.arange(20.0), ill=[0, 1] * 10))
    with pytest.raises(ValueError, match=why):
        how = dict(tasks={"y": "regression"}, text=["note"], numeric=["a"]) | how
        AdaRoute(**how).fit(frame)


def test_notes_without_a_single_term_are_learned_from():
    x = np.arange(40.0)
    frame = pd.DataFrame(dict(a=x, note="a b", y=x % 7))
    model = AdaRoute(text="note", numeric="a", tasks={"y": "regression"}).fit(frame)
    assert model.learner_ == "closed_form" and np.isfinite(model.predict(frame)).all(axis=None)


@pytest.mark.parametrize(
    "choice",
    [dict(steps=9), dict(members=1), dict(selection="hard"), dict(settings=dict(every=20))],
    ids=str,
)
def test_a_choice_of_gradient_descent_asks_for_it(choice):
    x = np.arange(40.0)
    frame = pd.DataFrame(dict(a=x, y=x % 7))
    how = dict(numeric="a", tasks={"y": "regression"}, steps=5) | choice
    model = AdaRoute(**how).fit(frame)
    assert (model.learner, model.learner_) == ("auto", "gradient")
    assert AdaRoute(**model.get_params()).learner == "auto", "what was asked for stays as it was"
