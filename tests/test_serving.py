"A saved model says in numpy what it says in torch, whatever it is made of."

import warnings

import numpy as np
import pandas as pd
import pytest

from adaroute import AdaRoute
from adaroute.serving import load_plain
from adaroute.synthetic import make_cohort

SHORT = dict(steps=20, members=2, starts=1, seed=0)
DESIGNS = {
    "joint router": dict(router="joint"),
    "a route for each outcome": dict(route_per="sample_task"),
    "a single corner": dict(routes=("T2/MTL",)),
    "no text routes": dict(routes=("N1/STL", "N1/MTL")),
    "three routes": dict(routes=("N1/STL", "T1/STL", "N2/STL"), spares=True),
    "closed form, guarded": dict(learner="closed_form"),
}


@pytest.fixture(scope="module")
def tables():
    "A training table with gaps, and fresh rows, the last two of which hold nothing."
    cohort = make_cohort(220, "missing", seed=101)
    fresh = make_cohort(120, "missing", seed=101, draw=1).frame
    roles = cohort.schema.roles
    empty = [name for kind in ("text", "numeric", "categorical") for name in roles[kind]]
    fresh.loc[fresh.index[-2:], empty] = None
    return cohort.frame, roles, fresh


def compare(model, fresh, folder) -> float:
    "The largest difference between both readers, in outcomes and in routes."
    model.save(folder)
    plain = load_plain(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = [(plain.predict(fresh), model.predict(fresh))]
        pairs += [(plain.predict_routes(fresh), model.predict_routes(fresh))]
    for mine, theirs in pairs:
        assert mine.index.equals(theirs.index) and list(mine) == list(theirs)
    return max(float(np.abs(mine - theirs).max().max()) for mine, theirs in pairs)


@pytest.mark.parametrize("name", DESIGNS)
def test_both_readers_agree(name, tables, tmp_path):
    frame, roles, fresh = tables
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AdaRoute(**roles, **SHORT, **DESIGNS[name]).fit(frame)
    assert compare(model, fresh, tmp_path / "model") < 1e-10


def test_other_kinds_of_outcome(tables, tmp_path):
    frame, roles, fresh = tables
    frame = frame.assign(
        ill=(frame.phq9 > frame.phq9.median()).astype(float),
        level=pd.qcut(frame.gad7, 4, labels=False).astype(float),
        days=frame.phq9.clip(0).round(),
    )
    tasks = dict(ill="binary", level="ordinal", days="count")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AdaRoute(**{**roles, "tasks": tasks}, **SHORT).fit(frame)
    assert compare(model, fresh, tmp_path / "model") < 1e-10


def test_rows_without_evidence_are_told(tables, tmp_path):
    frame, roles, fresh = tables
    AdaRoute(**roles, **SHORT).fit(frame).save(tmp_path / "model")
    with pytest.warns(UserWarning, match="nothing that an allowed route reads") as told:
        load_plain(tmp_path / "model").predict(fresh)
    assert told[0].filename == __file__
