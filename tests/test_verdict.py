"""Headroom and verdict: what must hold for any numbers, and what bad input says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaroute.evaluation import headroom as hr
from adaroute.evaluation import verdict as vd
from adaroute.lab.jobs import outcome_error
from adaroute.schema import Schema

steady = settings(deadline=None, derandomize=True, max_examples=50, database=None)
seeds = st.integers(0, 2**32 - 1)
p_values = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.floats(0, 1), min_size=1, max_size=12
)


def some_statements(rng, n=120, K=2, gaps=False):
    presence = rng.random((n, 2)) > (0.3 if gaps else 0)
    opened = hr.open_routes(presence)
    routes = np.where(opened, rng.dirichlet(np.ones(8), n), 0)
    routes /= np.where(routes.sum(1, keepdims=True) > 0, routes.sum(1, keepdims=True), 1)
    outcome = rng.normal(size=(n, K))
    if gaps:
        outcome[rng.random((n, K)) < 0.2] = np.nan
    return hr.Statements(routes, opened, rng.normal(size=(n, 8, K)), outcome, presence, np.zeros(K))


# errors


@steady
@given(seeds)
def test_error_is_one_minus_r2(seed):
    rng = np.random.default_rng(seed)
    y, p = rng.normal(3, 2, (40, 2)), rng.normal(3, 2, (40, 2))
    y[rng.random(y.shape) < 0.2] = np.nan
    assert hr.relative_error(y, p) == pytest.approx(outcome_error(p, y))
    assert hr.relative_error(7 - 3 * y, 7 - 3 * p) == pytest.approx(hr.relative_error(y, p))


def test_draws_are_paired():
    """Two predictions that are the same move together exactly."""
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(50, 1)), rng.normal(size=(50, 1))
    _, drawn = hr.bootstrap_errors(y, {"a": p, "b": p.copy()}, draws=30)
    assert (drawn.a == drawn.b).all() and drawn.a.std() > 0


def test_bootstrap_is_that_of_the_rows():
    rng = np.random.default_rng(1)
    y, p = rng.normal(size=(60, 1)), rng.normal(size=(60, 1))
    _, drawn = hr.bootstrap_errors(y, {"p": p}, draws=5, rng=np.random.default_rng(3))
    again = np.random.default_rng(3)
    for value in drawn["p"]:
        rows = again.integers(60, size=60)
        assert value == pytest.approx(hr.relative_error(y[rows], p[rows]))


@pytest.mark.parametrize(
    "call, expected",
    [
        (lambda y: hr.relative_error(y, y[:5]), "prediction: expected shape"),
        (
            lambda y: hr.relative_error(
                y, np.where(np.arange(20) == 3, np.nan, 0.0)[:, None].repeat(2, 1)
            ),
            "the first in row 3",
        ),
        (
            lambda y: hr.relative_error(np.ones_like(y), y),
            "expected every task to be observed and to vary",
        ),
        (lambda y: hr.bootstrap_errors(y, {"p": y}, groups=[1] * 3), "groups: expected 20 labels"),
        (
            lambda y: hr.headroom_report(
                some_statements(np.random.default_rng(0)), rivals={"routed": y}
            ),
            "rivals: expected other names",
        ),
        (
            lambda y: hr.headroom_report(
                some_statements(np.random.default_rng(0)), groups=[1, 2] * 60
            ),
            "at least 5 different labels",
        ),
    ],
)
def test_bad_input_is_named(call, expected):
    with pytest.raises(ValueError, match=expected):
        call(np.random.default_rng(0).normal(size=(20, 2)))


# rules


@steady
@given(seeds)
def test_a_mixture_lies_between_its_experts(seed):
    rng = np.random.default_rng(seed)
    s = some_statements(rng, 30, gaps=True)
    said, some = s.mix(rng.dirichlet(np.ones(8), 30)), s.open.any(1)
    low, high = (
        f(np.where(s.open[..., None], s.experts, w), axis=1)
        for f, w in ((np.min, np.inf), (np.max, -np.inf))
    )
    assert (said[some] >= low[some] - 1e-9).all() and (said[some] <= high[some] + 1e-9).all()
    assert (said[~some] == s.fallback).all()


def test_closed_experts_are_never_heard():
    s = some_statements(np.random.default_rng(2), gaps=True)
    s.experts[~s.open] = np.nan
    assert np.isfinite(s.mix(s.routes)).all() and np.isfinite(s.mix(np.ones(8))).all()
    assert np.isfinite(hr.headroom_report(s, draws=20).table.error).all()


def test_a_pick_does_not_see_its_own_fold():
    rng = np.random.default_rng(3)
    loss, fold, x = rng.random((60, 4)), np.arange(60) % 3, rng.normal(size=(60, 2))
    changed = np.where(fold[:, None] == 0, 9 - loss, loss)
    may = np.ones((60, 4), bool)
    for pick in (
        lambda l: hr.cross_fitted_pick(l, fold),
        lambda l: hr.learned_pick(x, l, may, fold, leaf=2),
    ):
        assert (pick(loss)[fold == 0] == pick(changed)[fold == 0]).all()
    y, rules = rng.normal(size=(60, 1)), rng.normal(size=(60, 3, 1))
    other = np.where(fold[:, None] == 0, 0, y)
    a, b = (hr.stacked_mix(v, rules, fold)[fold == 0] for v in (y, other))
    assert np.allclose(a, b)


def test_folds_keep_patients_together():
    who = np.repeat(np.arange(30), 4)
    fold = hr.deal_folds(who, 120, 5, np.random.default_rng(0))
    assert all(len(set(fold[who == w])) == 1 for w in range(30)) and set(fold) == set(range(5))


def test_noise_has_no_headroom_but_hindsight_sees_some():
    claims = []
    for seed in range(8):
        found = hr.headroom_report(some_statements(np.random.default_rng(seed), 150), draws=200)
        claims.append(found.can_help)
        assert found.table.gain_low["hindsight"] > 0
    assert sum(claims) <= 2


def test_a_rule_in_the_evidence_is_found():
    """Expert 0 is right where x > 0, expert 1 elsewhere: fixed rules and blind routes fail, the learned pick does not."""
    rng = np.random.default_rng(4)
    s = some_statements(rng, 400, K=1)
    x = rng.normal(size=(400, 1))
    s.experts[:, 0], s.experts[:, 1] = (
        np.where(x > 0, s.outcome, -s.outcome),
        np.where(x > 0, -s.outcome, s.outcome),
    )
    found = hr.headroom_report(hr.Statements(**{**vars(s), "evidence": x}), draws=100)
    assert (
        found.gap.low > 0.1
        and found.can_help
        and found.gain.high < 0
        and "does harm" in found.sentence
    )


# claims


def test_claims_at_the_level_of_the_test():
    rng = np.random.default_rng(5)
    share = np.mean([vd.claims_help(rng.normal(size=60), draws=200).helps for _ in range(400)])
    assert 0.02 < share < 0.09
    assert all(vd.claims_help(rng.normal(1, 1, 60), draws=200).helps for _ in range(20))


def test_patients_are_drawn_whole_in_claims():
    rng = np.random.default_rng(6)
    d = rng.normal(0.25, 1, 30)
    one, copied = (
        vd.claims_help(d),
        vd.claims_help(np.repeat(d, 9), groups=np.repeat(np.arange(30), 9)),
    )
    assert copied.p == pytest.approx(one.p, abs=0.03) and vd.claims_help(np.repeat(d, 9)).p < one.p


def test_every_rival_must_be_beaten():
    rng = np.random.default_rng(7)
    d = {name: rng.normal(m, 1, 100) for name, m in dict(weak=1, strong=0).items()}
    both, alone = vd.claims_help(d), {k: vd.claims_help(v) for k, v in d.items()}
    assert (
        alone["weak"].helps
        and both.rival == "strong"
        and not both.helps
        and both.each["weak"] < 0.05
    )
    assert not vd.claims_help(-np.abs(d["weak"])).helps


def test_folds_take_the_corrected_test():
    d = np.random.default_rng(8).normal(0.3, 1, 25)
    found = vd.claims_help(d, test_share=0.2)
    assert found.p == pytest.approx(vd.corrected_resampled(d, 0.2).p / 2) and vd.claims_help(
        -d, test_share=0.2
    ).p == pytest.approx(1 - found.p)


def test_too_few_to_claim():
    with pytest.raises(ValueError, match="at least 10 rows or groups"):
        vd.claims_help(np.ones(9))
    with pytest.raises(ValueError, match=r"differences\['a'\]: expected one number a row"):
        vd.claims_help({"a": np.ones((3, 2))})


# the null


@steady
@given(seeds, st.integers(1, 30), st.booleans())
def test_outcomes_travel_together(seed, n, grouped):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"x": rng.normal(size=n), "a": np.arange(n), "b": np.arange(n) * 10.0},
        index=rng.permutation(n),
    )
    schema = Schema(numeric="x", tasks={"a": "regression", "b": "regression"})
    groups = rng.integers(0, 4, n) if grouped else None
    before, out = frame.copy(), vd.permuted_outcomes(frame, schema, rng, groups)
    assert frame.equals(before) and (out.index == frame.index).all() and (out.x == frame.x).all()
    assert (out.b == 10 * out.a).all() and sorted(out.a) == sorted(frame.a)


def test_persons_of_equal_size_change_places_whole():
    who = np.tile(np.arange(6), 3)
    frame = pd.DataFrame({"x": 0.0, "a": who * 100.0 + np.arange(18)})
    out = vd.permuted_outcomes(
        frame, Schema(numeric="x", tasks={"a": "regression"}), np.random.default_rng(0), who
    )
    assert all(len(set(out.a[who == w] // 100)) == 1 for w in range(6)) and (out.a != frame.a).any()


# many comparisons


@steady
@given(p_values)
def test_holm_never_lowers_and_keeps_the_order(p):
    adjusted = vd.holm(p)
    names = sorted(p, key=p.get)
    assert list(adjusted) == list(p) and all(
        p[k] <= adjusted[k] <= min(1, p[k] * len(p)) + 1e-12 for k in p
    )
    assert all(adjusted[a] <= adjusted[b] for a, b in zip(names, names[1:]))


def test_holm_by_hand():
    assert vd.holm({"a": 0.03, "b": 0.01, "c": 0.02}) == pytest.approx(
        {"a": 0.04, "b": 0.03, "c": 0.04}
    )
    s = vd.holm(pd.Series([0.01, np.nan, 0.04], list("abc")))
    assert isinstance(s, pd.Series) and s["a"] == 0.02 and np.isnan(s["b"]) and s["c"] == 0.04
    for bad in ({"a": 1.2}, pd.Series([0.1, 0.2], ["a", "a"])):
        with pytest.raises(ValueError, match="p_values"):
            vd.holm(bad)


@steady
@given(seeds, st.floats(0.01, 100))
def test_effect_has_no_unit(seed, unit):
    d = np.random.default_rng(seed).normal(0.3, 1, 8)
    assert (
        vd.paired_effect(d * unit)
        == pytest.approx(vd.paired_effect(d))
        == pytest.approx(-vd.paired_effect(-d))
    )
    assert abs(vd.paired_effect(d)) < abs(d.mean() / d.std(ddof=1))


def test_verdicts():
    rng = np.random.default_rng(9)
    e = rng.normal(0.5, 0.05, 10)
    table = vd.compare_all(
        {
            "routed": e,
            "bad": e + 0.1 + rng.normal(0, 0.01, 10),
            "good": e - 0.1 + rng.normal(0, 0.01, 10),
            "same": e,
        }
    )
    assert table.verdict.to_dict() == {"bad": "better", "good": "worse", "same": "tied"}
    assert (table.p_holm >= table.p).all() and table.wins["bad"] == 10
    wide = vd.compare_all({"routed": e, "bad": e + rng.normal(0.1, 0.01, 10)}, test_share=0.2)
    assert wide.high["bad"] - wide.low["bad"] > 0
    with pytest.raises(ValueError, match="reference"):
        vd.compare_all({"a": e})
    with pytest.raises(ValueError, match="expected shape"):
        vd.compare_all({"routed": e, "b": e[:3]})


# groups


@steady
@given(seeds, st.integers(1, 30))
def test_suppression_is_exact(seed, least):
    rng = np.random.default_rng(seed)
    n = 60
    y, p, label = (
        rng.normal(size=(n, 2)),
        rng.normal(size=(n, 2)),
        rng.choice(list("abc"), n, p=[0.6, 0.3, 0.1]),
    )
    y[rng.random(y.shape) < 0.3] = np.nan
    table = vd.by_group(y, p, {"u": "regression", "v": "regression"}, label, least)
    for (group, task), row in table.iterrows():
        at = label == group
        count = np.isfinite(y[at, "uv".index(task)]).sum()
        if count < least:
            assert row["n"] == f"<{least}" and row[["r2", "rmse", "mae"]].isna().all()
        else:
            assert row["n"] == count and np.isfinite(row["rmse"])


def test_rows_of_one_patient_are_one():
    y = np.random.default_rng(0).normal(size=(40, 1))
    table = vd.by_group(y, y, {"u": "regression"}, ["a"] * 40, least=20, groups=np.arange(40) // 4)
    assert table.loc[("a", "u"), "n"] == "<20"
    with pytest.raises(ValueError, match="labels: expected 40 rows"):
        vd.by_group(y, y, {"u": "regression"}, ["a"])
    assert vd.by_group(y, y, {"u": "regression"}, [None] * 40).index[0] == ("missing", "u")


def test_missing_pattern():
    assert vd.missing_pattern([[1, 1], [1, 0], [0, 1], [0, 0]]).tolist() == [
        "both",
        "numbers",
        "text",
        "none",
    ]
    with pytest.raises(ValueError, match="presence"):
        vd.missing_pattern([1, 0])


# gain and regret


def test_multitask_gain_knows_the_direction():
    gain = vd.multitask_gain(
        {("a", "auroc"): 0.8, ("b", "brier"): 0.2}, {("a", "auroc"): 0.88, ("b", "brier"): 0.16}
    )
    assert gain == pytest.approx((0.1 + 0.2) / 2)
    twice = vd.multitask_gain(
        {("a", "rmse"): 1, ("a", "mae"): 1, ("b", "r2"): 0.5},
        {("a", "rmse"): 0.9, ("a", "mae"): 0.7, ("b", "r2"): 0.5},
    )
    assert twice == pytest.approx(0.1)
    for single, multi, what in (
        ({("a", "r2"): -0.1}, {("a", "r2"): 0.1}, "above 0"),
        ({("a", "r2"): 0.1}, {("b", "r2"): 0.1}, "in common"),
        ({("a", "calibration_slope"): 1.0}, {("a", "calibration_slope"): 1.0}, "metric"),
    ):
        with pytest.raises(ValueError, match=what):
            vd.multitask_gain(single, multi)


def test_regret_cell_by_cell():
    rows = [
        dict(scenario=s, n=n, seed=i, routed=0.5 + d, rival=0.5)
        for s, n, d in (("a", 1, 0.02), ("a", 2, -0.2), ("b", 1, 0.005))
        for i in (0, 1)
    ]
    found = vd.no_regret(pd.DataFrame(rows))
    assert (
        found.worse == pytest.approx(1 / 3)
        and found.far_worse == 0
        and found.cells.index[0] == ("a", 1)
    )
    assert (
        found.cells.regret.iloc[0] == pytest.approx(0.02)
        and vd.no_regret(pd.DataFrame(rows).assign(share=0.25)).worse == 0
    )
    assert "a at n = 1" in found.sentence and found.quantiles.loc[1] == pytest.approx(0.02)
    for bad in (pd.DataFrame(rows).drop(columns="seed"), pd.DataFrame(rows).iloc[:0]):
        with pytest.raises(ValueError, match="table: expected rows"):
            vd.no_regret(bad)


def test_null_run_says_the_same_twice():
    a, b = (vd.null_run(103, n=80, test=60, steps=20) for _ in range(2))
    assert (
        a == b
        and 0 < a.p <= 1
        and a.rival in ("corner", "ridge", "uniform")
        and a.helps == (a.p < 0.05)
    )
