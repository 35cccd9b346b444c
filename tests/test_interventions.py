"""Interventions on the policy: what must hold for any routes, and what a fitted model must do."""

import numpy as np
import pytest
from dataclasses import replace
from hypothesis import given, settings
from hypothesis import strategies as st

from adaroute.evaluation import interventions as ca
from adaroute.estimator import AdaRoute
from adaroute.evaluation.metrics import route_kappa
from adaroute.evaluation.headroom import Statements, statements
from adaroute.schema import open_routes
from adaroute.schema import ROUTES
from adaroute.synthetic import make_cohort

steady = settings(deadline=None, derandomize=True, max_examples=60, database=None)
seeds = st.integers(0, 2**32 - 1)
pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed", "ignore:.*rows have nothing")


def some_statements(rng, n=100, K=2, gaps=True):
    presence = rng.random((n, 2)) > (0.3 if gaps else 0)
    opened = open_routes(presence)
    routes = np.where(opened, rng.dirichlet(np.full(8, 0.3), n), 0)
    total = routes.sum(1, keepdims=True)
    routes = np.where(total > 0, routes / np.where(total > 0, total, 1), 0)
    return Statements(
        routes, opened, rng.normal(size=(n, 8, K)), rng.normal(size=(n, K)), presence, np.zeros(K)
    )


@pytest.fixture(scope="module")
def fitted():
    train, fresh = (make_cohort(200, "missing", seed=100, draw=d) for d in (0, 1))
    s = train.schema
    model = AdaRoute(
        **s.roles,
        members=2,
        starts=1,
        steps=60,
    )
    return model.fit(train.frame), train, fresh


# closing


@steady
@given(seeds)
def test_what_is_left_sums_to_one(seed):
    rng = np.random.default_rng(seed)
    s = some_statements(rng)
    shut = rng.random(s.open.shape) < rng.random()
    p = ca.close_routes(s.routes, s.open, shut)
    some, left = s.open.any(1), (s.open & ~shut).any(1)
    assert np.allclose(p[some].sum(1), 1) and (p[~some] == 0).all()
    assert (p[left][shut[left]] == 0).all() and (p[~s.open] == 0).all() and np.isfinite(p).all()
    assert np.allclose(p[some & ~left], s.routes[some & ~left])


@steady
@given(seeds, st.integers(0, 7))
def test_the_rest_keeps_its_proportions(seed, out):
    routes = np.random.default_rng(seed).dirichlet(np.ones(8), 5)
    p = ca.close_routes(routes, np.ones((5, 8), bool), np.broadcast_to(np.arange(8) == out, (5, 8)))
    rest = np.delete(np.arange(8), out)
    assert np.allclose(p[:, rest] * (1 - routes[:, [out]]), routes[:, rest])


def test_an_unused_route_costs_nothing():
    rng = np.random.default_rng(0)
    s = some_statements(rng, gaps=False)
    unused = replace(
        s,
        routes=ca.close_routes(s.routes, s.open, np.broadcast_to(np.arange(8) == 5, s.open.shape)),
    )
    table = ca.knock_out_routes(unused, draws=20)
    assert np.allclose(table.loc[ROUTES[5]], 0, atol=1e-12) and list(table.index) == list(ROUTES)


def test_a_policy_that_knows_is_missed():
    """Each row's own expert is right and has nearly all probability: closing it hurts, closing another does not."""
    rng = np.random.default_rng(1)
    s, own = some_statements(rng, 300, gaps=False), rng.integers(8, size=300)
    s.experts[np.arange(300), own] = s.outcome
    knows = replace(s, routes=0.93 * np.eye(8)[own] + 0.01 * (1 - np.eye(8)[own]))
    cut = ca.knock_out(knows, draws=100)
    assert cut.preferred.low > 0.5 and abs(cut.random.estimate) < 0.01 and cut.excess.low > 0.5
    assert cut.moved[0] == pytest.approx(0.93) and cut.moved[1] == pytest.approx(0.01)
    said = ca.controls(knows)
    error = {k: ca.bootstrap_errors(s.outcome, {k: p}, draws=0)[0].iloc[0] for k, p in said.items()}
    assert error["routed"] < 0.1 < min(error[k] for k in ("uniform", "shuffled", "random"))


def test_closing_takes_arrays_of_one_shape():
    with pytest.raises(ValueError, match=r"open: expected shape \(3, 8\)"):
        ca.close_routes(np.ones((3, 8)) / 8, np.ones((2, 8), bool), np.ones((3, 8), bool))


# replacing


@steady
@given(seeds)
def test_random_routes_are_open(seed):
    rng = np.random.default_rng(seed)
    s = some_statements(rng)
    one = ca.random_open(s.open, rng)
    assert (one.sum(1) == s.open.any(1)).all() and not (one & ~s.open).any()


def test_random_routes_are_drawn_evenly():
    one = ca.random_open(np.arange(8) < np.full((8000, 1), 4), np.random.default_rng(0))
    assert np.allclose(one.mean(0)[:4], 1 / 4, atol=0.02)


@steady
@given(seeds)
def test_shuffling_deals_the_same_routes_within_a_presence(seed):
    rng = np.random.default_rng(seed)
    s = some_statements(rng)
    out, code = ca.shuffled_routes(s.routes, s.presence, rng), s.presence @ [2, 1]
    for c in set(code):
        at = code == c
        assert sorted(map(tuple, out[at])) == sorted(map(tuple, s.routes[at]))
        if at.sum() > 1 and c:
            assert not (out[at] == s.routes[at]).all(1).any()  # nobody keeps their own


def test_controls_of_a_constant_policy():
    s = some_statements(np.random.default_rng(2), gaps=False)
    said = ca.controls(replace(s, routes=np.tile(s.routes[:1], (100, 1))))
    assert np.allclose(said["shuffled"], said["routed"]) and np.allclose(
        said["uniform"], said["averaged"]
    )


def test_same_generator_same_controls():
    s = some_statements(np.random.default_rng(3))
    a, b = (ca.controls(s, rng=np.random.default_rng(4)) for _ in range(2))
    assert all((a[k] == b[k]).all() for k in a)


# a fitted model


def test_statements_are_what_the_model_says(fitted):
    model, _, fresh = fitted
    s = statements(model, fresh.frame)
    assert np.allclose(s.mix(s.routes), model.predict(fresh.frame), atol=1e-4)
    assert ((s.routes > 0) <= s.open).all() and (~s.presence.all(1)).any()
    assert np.isfinite(list(ca.controls(s).values())).all()


def test_refitted_without_a_route(fitted):
    model, train, fresh = fitted
    table = ca.knock_out_refitted(
        model, ca.refit_without(model, train.frame, ["N1/STL"]), fresh.frame, draws=20
    )
    assert table.frozen["N1/STL"] == pytest.approx(
        ca.knock_out_routes(model, fresh.frame, draws=20).rise["N1/STL"]
    ) and np.isfinite(table).all(axis=None)
    assert model.design_.routes == ROUTES  # the model itself is left alone
    with pytest.raises(ValueError, match="routes: expected some of the 8"):
        ca.refit_without(model, train.frame, ["X"])


def test_a_route_the_model_has_not_is_closed(fitted):
    """Seven routes: the grid of paths and sharings has an expert for the eighth, which must not be heard."""
    model, train, fresh = fitted
    seven = AdaRoute(**{**model.get_params(), "routes": ROUTES[1:], "members": 1, "steps": 20}).fit(
        train.frame
    )
    s = statements(seven, fresh.frame)
    assert not s.open[:, 0].any() and "N1/STL" not in ca.knock_out_routes(s, draws=5).index
    assert np.isfinite(list(ca.controls(s).values())).all()


# stability


@steady
@given(seeds, st.sampled_from(["route", "path", "sharing"]))
def test_agreement_with_oneself(seed, by):
    r = np.random.default_rng(seed).dirichlet(np.full(8, 0.5), 40)
    found = ca.route_stability([r, r, r], by=by)
    assert found.agreement == 1 and (found.instability == 0).all() and found.ari == pytest.approx(1)


def test_kappa_is_that_of_the_evaluation():
    a, b = (np.random.default_rng(i).dirichlet(np.full(8, 0.5), 200) for i in (0, 1))
    assert ca.route_stability([a, b]).kappa == pytest.approx(route_kappa(a, b.argmax(1)))


def test_instability_by_hand():
    tables = [
        np.eye(8)[[0, 0, 0]],
        np.eye(8)[[0, 0, 1]],
        np.eye(8)[[0, 1, 2]],
        np.eye(8)[[0, 1, 3]],
    ]
    assert ca.route_stability(tables).instability.tolist() == [0, 0.5, 0.75]
    none = [np.vstack([t, np.zeros((1, 8))]) for t in tables]
    assert np.isnan(ca.route_stability(none).instability[-1])
    assert np.isnan(ca.route_stability([np.eye(8)[[0, 0]]] * 2).kappa)


def test_stability_wants_two_of_one_shape():
    for several in ([np.eye(8)], [np.eye(8), np.eye(8)[:3]]):
        with pytest.raises(ValueError, match="several: expected at least 2"):
            ca.route_stability(several)


class Echo:
    "A model that remembers what it was fitted to."

    def fit(self, X, groups):
        self.rows, self.groups = X, groups
        return self

    def predict_routes(self, X):
        import pandas as pd

        return pd.DataFrame(np.eye(8)[[len(self.rows) % 8] * len(X)])


def test_bootstraps_draw_whole_patients():
    import pandas as pd

    frame, who, made = pd.DataFrame({"row": np.arange(30)}), np.repeat(np.arange(10), 3), []
    make = lambda seed: made.append(Echo()) or made[-1]
    out = ca.bootstrap_routes(make, frame, 4, np.random.default_rng(0), at=frame[:7], groups=who)
    assert [o.shape for o in out] == [(7, 8)] * 4
    for m in made:
        assert (who[m.rows.row] == m.groups).all() and (
            np.bincount(m.rows.row, minlength=30).reshape(10, 3).std(1) == 0
        ).all()
