"Where experts start, and numbers that come as ramps: gaps, small tables, mixed outcomes, saving."

import warnings
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from adaroute import AdaRoute
from adaroute.rivals.baselines import RidgeBaseline
from adaroute.features.bends import fit_curves, fit_pieces, ramps
from adaroute.features.encoder import Encoder
from adaroute.evaluation.metrics import mean_error
from adaroute.schema import ROUTES, read
from adaroute.synthetic import make_cohort

PLAIN = dict(members=1, starts=1, steps=1)


def fitted(c, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AdaRoute(**c.schema.roles, **{**PLAIN, **how}).fit(c.frame)


def test_a_corner_begins_as_good_as_ridge():
    c, fresh = (
        make_cohort(1500, "homogeneous", seed=3),
        make_cohort(2000, "homogeneous", seed=3, draw=1),
    )
    ridge = mean_error(
        RidgeBaseline(**c.schema.roles).fit(c.frame).predict(fresh.frame), fresh.mean
    )
    begun = mean_error(fitted(c, routes=("T2/STL",)).predict(fresh.frame), fresh.mean)
    random = mean_error(
        fitted(c, routes=("T2/STL",), design=dict(start="random")).predict(fresh.frame), fresh.mean
    )
    assert begun < ridge + 0.1 and random > 0.5  # one step adds the noise of the first weights


def test_a_start_reads_what_its_path_reads():
    c = make_cohort(600, seed=1)
    model = fitted(c)
    other = c.frame.assign(note=c.frame.note.sample(frac=1, random_state=0).to_numpy())
    a, b = (model.predict_experts(f) for f in (c.frame, other))
    n1 = [r.startswith("N1") for r in ROUTES]
    assert np.array_equal(a[:, n1], b[:, n1]) and not np.allclose(
        a[:, ROUTES.index("T1/STL")], b[:, ROUTES.index("T1/STL")]
    )


@pytest.mark.parametrize("absent", [["note"], ["age", "item_1"]])
def test_gaps_leave_the_start_finite(absent):
    c = make_cohort(300, "missing", seed=2)
    frame = c.frame.copy()
    frame.loc[frame.index[:290], absent] = np.nan if absent != ["note"] else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AdaRoute(**c.schema.roles, **PLAIN).fit(frame)
        assert np.isfinite(model.predict(frame).to_numpy()).all()


def test_mixed_outcomes_start_on_their_own_scale():
    c = make_cohort(900, "homogeneous", seed=4)
    y = c.frame.phq9
    frame = c.frame.assign(
        high=(y > y.median()).astype(float), level=pd.qcut(y, 4, labels=False).astype(float)
    )
    model = AdaRoute(
        text=["note"],
        numeric=c.schema.numeric,
        categorical=c.schema.categorical,
        tasks={"high": "binary", "level": "ordinal"},
        **PLAIN,
    ).fit(frame)
    p = model.predict(frame)
    assert ((p.high >= 0) & (p.high <= 1)).all() and ((p.level >= 0) & (p.level <= 3)).all()
    assert ((p.high > 0.5) == (frame.high > 0.5)).mean() > 0.75 and np.corrcoef(
        p.level, frame.level
    )[0, 1] > 0.6


def test_a_handful_of_rows_starts_from_zero():
    c = make_cohort(12, seed=0)
    assert not fitted(c).model_.start.any()


def test_wrong_start_is_named():
    with pytest.raises(ValueError, match="start: expected one of .*, got 'warm'"):
        fitted(make_cohort(60, seed=0), design=dict(start="warm"))


@pytest.mark.parametrize(
    "cautions, got", [((), "got none"), ((-1.0,), "got -1"), (("a",), "got str")]
)
def test_wrong_cautions_are_named(cautions, got):
    with pytest.raises(ValueError, match=f"cautions: expected .*{got}"):
        fitted(make_cohort(60, seed=0), prior=dict(cautions=cautions))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40), st.integers(1, 8))
def test_ramps_rise_and_stay_within_bounds(values, pieces):
    x = np.sort(np.array(values))[:, None]
    R = ramps(x, **fit_pieces(x, pieces))
    assert R.shape[1] <= pieces and (R >= 0).all() and (R <= 2).all()
    assert (np.diff(R, axis=0) >= -1e-6).all()


def test_nothing_to_bend():
    assert fit_curves(np.full((50, 1), np.nan), np.zeros((50, 1)), np.zeros((50, 1)), True) is None
    assert fit_curves(np.ones((50, 1)), np.zeros((50, 1)), np.zeros((50, 1)), "auto") is None
    assert fit_curves(np.zeros((50, 0)), np.zeros((50, 0)), np.zeros((50, 1)), "auto") is None


def test_a_table_that_wants_curves_gets_them_and_keeps_them(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=400), "z": rng.normal(size=400)})
    frame["y"] = np.abs(frame.x) + 0.2 * rng.normal(size=400)
    frame.loc[:4, "x"] = np.nan
    model = AdaRoute(
        numeric=["x", "z"],
        text=[],
        categorical=[],
        tasks={"y": "regression"},
        members=1,
        starts=1,
        steps=300,
    ).fit(frame)
    assert (
        model.encoder_.parts["curves"]
        and np.corrcoef(model.predict(frame).y[5:], frame.y[5:])[0, 1] > 0.9
    )
    again = AdaRoute.load(model.save(tmp_path / "model"))
    assert again.predict(frame).equals(model.predict(frame))


def test_wrong_curves_are_named():
    with pytest.raises(ValueError, match="curves: expected auto or True or False, got 'yes'"):
        Encoder(curves="yes")


def test_the_encoder_learns_curves_from_its_rows_only():
    c = make_cohort(200, seed=0)
    encoder = Encoder(curves=True).fit(read(c.frame, c.schema))
    wild = c.frame.assign(age=1e9)
    assert np.isfinite(encoder.transform(read(wild, c.schema)).numbers).all()
