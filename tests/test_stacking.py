"Experts trained alone and combined afterwards."

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from adaroute.rivals import stacking as sk
from adaroute.rivals.stacking import (
    HOWS,
    ROUTING,
    Average,
    BestCorner,
    Combined,
    CornerPool,
    FeatureWeighted,
    LateRouter,
    Neighbours,
    Stacked,
    TaskRoute,
    fill_closed,
    relative_loss,
)
from adaroute.estimator import AdaRoute
from adaroute.fitting import validation_rows
from adaroute.schema import ROUTES
from adaroute.checks import SchemaError
from adaroute.synthetic import make_cohort
from adaroute.training import prediction_error

QUICK = dict(steps=200, encoder=dict(text_dim=24))


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(300, "planted", seed=100)


@pytest.fixture(scope="module")
def pool(cohort):
    return CornerPool(**cohort.schema.roles, **QUICK).fit(cohort.frame)


@pytest.fixture(scope="module")
def gaps():
    return make_cohort(300, "missing", seed=100)


@pytest.fixture(scope="module")
def poor(gaps):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return CornerPool(**gaps.schema.roles, **QUICK).fit(gaps.frame, groups=np.arange(300) // 2)


def halves(n, seed):
    rng = np.random.default_rng(seed)
    Z, Y, noise = rng.uniform(-1, 1, (n, 2)), rng.normal(size=(n, 2)), rng.normal(size=(n, 2, 2))
    right = np.column_stack([Z[:, 0] > 0, Z[:, 0] < 0])
    return np.where(right[..., None], Y[:, None], noise), Y, Z, right


# the pool


def test_held_out_statements_have_the_error_that_each_member_stopped_at(pool):
    masks = validation_rows(np.arange(300), 5, 0.2, np.random.default_rng(0))
    for r, corner in enumerate(pool.corners_.values()):
        errors = [
            prediction_error(*map(torch.from_numpy, (pool.held_[m, r], pool.outcome_[m]))).item()
            for m in masks
        ]
        assert np.allclose(errors, corner.validation_error_, atol=1e-4)


def test_held_out_statements_do_not_hang_on_the_own_outcome(cohort, pool):
    "Replace the outcomes of one member's validation rows: its statements move by the scale alone, and by when it stops."
    shuffled = cohort.frame.assign(
        **{t: np.random.default_rng(0).permutation(cohort.frame[t]) for t in cohort.schema.tasks}
    )
    blind = CornerPool(**cohort.schema.roles, **QUICK, routes=("T2/STL",)).fit(shuffled)
    r = ROUTES.index("T2/STL")
    assert (1 - ((blind.held_[:, r] - blind.outcome_) ** 2).mean(axis=0)).max() < 0.05


def test_the_pool_says_what_adaroute_says(cohort, pool):
    for r in (0, 7):
        alone = AdaRoute(**cohort.schema.roles, **QUICK, routes=(ROUTES[r],), members=5).fit(
            cohort.frame
        )
        assert np.allclose(
            pool.scale_.decode(pool.say(cohort.frame)[:, r]), alone.predict(cohort.frame), atol=1e-5
        )


def test_missing_evidence(gaps, poor):
    told = poor.trained_
    closed = ~told.open
    assert closed.any() and np.isnan(told.said[closed]).all()
    usable = gaps.frame[list(gaps.schema.tasks)].notna().any(axis=1).to_numpy()
    heard = told.open & usable[:, None]
    assert (
        np.isfinite(told.said[heard]).all(axis=1).mean() > 0.97
        and np.isnan(told.said[told.open & ~usable[:, None]]).all()
    )
    fresh = poor.statements(gaps.frame)
    assert np.isfinite(fresh.said[fresh.open]).all() and np.isnan(fresh.said[~fresh.open]).all()


def test_corners_of_unequal_rows_agree_with_adaroute(gaps, poor):
    alone = AdaRoute(**gaps.schema.roles, **QUICK, routes=("N1/STL",), members=5).fit(
        gaps.frame, groups=np.arange(300) // 2
    )
    told = poor.statements(gaps.frame)
    have = told.open[:, 0]
    assert np.allclose(
        poor.scale_.decode(told.said[:, 0])[have], alone.predict(gaps.frame[have]), atol=1e-4
    )


def test_a_table_without_text(cohort):
    few = CornerPool(numeric=cohort.schema.numeric, tasks=cohort.schema.tasks, **QUICK).fit(
        cohort.frame[[*cohort.schema.numeric, *cohort.schema.tasks]]
    )
    assert list(few.corners_) == ["N1/STL", "N1/MTL"] and few.trained_.open.sum() == 600
    for how in HOWS:
        assert np.isfinite(Combined(how).fit(None, pool=few).predict(cohort.frame)).all(axis=None)


# the ways


@pytest.mark.parametrize("how", HOWS)
def test_each_way_predicts_and_repeats_itself(how, cohort, pool):
    told = pool.statements(cohort.frame)
    models = [Combined(how).fit(None, pool=pool) for _ in range(2)]
    one, two = (m.predict(told) for m in models)
    assert (
        one.equals(two)
        and one.equals(models[0].predict(cohort.frame))
        and list(one) == list(cohort.schema.tasks)
        and np.isfinite(one).all(axis=None)
    )


@pytest.mark.parametrize("how", HOWS)
def test_each_way_copes_with_gaps(how, gaps, poor):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model = Combined(how).fit(None, pool=poor)
        empty = gaps.frame.head(20).assign(**{c: None for c in gaps.schema.inputs})
        assert np.isfinite(model.predict(gaps.frame)).all(axis=None)
        assert np.allclose(model.predict(empty), poor.scale_.decode(model.combiner_.centre_))
    if how in ROUTING:
        routes, told = model.predict_routes(gaps.frame).to_numpy(), poor.statements(gaps.frame)
        assert (routes[~told.open] == 0).all() and np.allclose(
            routes.sum(axis=1), told.open.any(axis=1)
        )


@pytest.mark.parametrize("how", HOWS)
def test_mixed_outcomes_stay_in_range(how, mixed):
    frame, pool = mixed
    out = Combined(how).fit(None, pool=pool).predict(frame)
    assert out.phq9.between(0, 1).all() and out.gad7.between(2, 5).all()


@pytest.fixture(scope="module")
def mixed(cohort):
    frame = cohort.frame.assign(
        phq9=(cohort.frame.phq9 > 11) * 1.0, gad7=(cohort.frame.gad7 // 5).clip(2, 5)
    )
    return frame, CornerPool(
        **{**cohort.schema.roles, "tasks": dict(phq9="binary", gad7="ordinal")}, **QUICK
    ).fit(frame)


def test_gates_find_who_is_right():
    held, Y, Z, _ = halves(1500, 1)
    said, truth, where, right = halves(500, 2)
    for kind in (Neighbours, LateRouter):
        w = kind().fit(held, Y, Z).weights(where, np.ones((500, 2), bool))
        assert (w.argmax(axis=1) == right.argmax(axis=1)).mean() > 0.93 and np.allclose(
            w.sum(axis=1), 1
        )


@pytest.mark.parametrize("criterion", LateRouter.criteria)
def test_each_criterion_of_the_late_router_works_alone(criterion):
    held, Y, Z, _ = halves(1500, 1)
    said, truth, where, right = halves(500, 2)
    m = LateRouter(criteria=(criterion,), precisions=(8.0,)).fit(held, Y, Z)
    assert (
        m.weights(where, np.ones((500, 2), bool)).argmax(axis=1) == right.argmax(axis=1)
    ).mean() > 0.93


def test_binary_experts_are_told_apart():
    rng = np.random.default_rng(0)
    Z, y = rng.choice([-1.0, 1.0], (1500, 1)), rng.integers(0, 2, (1500, 1)) * 1.0
    good, bad = np.where(y > 0.5, 0.8, 0.2), rng.uniform(0.2, 0.8, y.shape)
    held = np.stack([np.where(Z > 0, good, bad), np.where(Z > 0, bad, good)], axis=1)
    for kind in (Neighbours, LateRouter):
        w = kind(("binary",)).fit(held, y, Z).weights(Z, np.ones((1500, 2), bool))
        assert ((w.argmax(axis=1) == 0) == (Z[:, 0] > 0)).mean() > 0.97
    assert np.allclose(
        FeatureWeighted(("binary",)).fit(held, y, Z).combine(held, Z),
        np.where(y > 0.5, 1, 0),
        atol=0.1,
    )


def test_neighbours_of_the_same_group_do_not_tune():
    "Each row has a twin in its group that knows the answer; without groups it would be found."
    rng = np.random.default_rng(0)
    z, y, lucky = (
        np.repeat(rng.normal(size=(300, 2)), 2, axis=0),
        rng.normal(size=(600, 1)),
        np.repeat(rng.random(300) < 0.5, 2)[:, None],
    )
    held = np.stack(
        [
            np.where(lucky, y, y + rng.normal(size=y.shape)),
            np.where(lucky, y + rng.normal(size=y.shape), y),
        ],
        axis=1,
    )
    alone, grouped = (
        Neighbours(ks=(1,)).fit(held, y, z, groups=g).errors_[None, 1]
        for g in (None, np.repeat(np.arange(300), 2))
    )
    assert alone < 0.8 * grouped


def test_task_route_is_on_the_simplex_and_best_is_a_column(pool):
    task = Combined("task_route").fit(None, pool=pool).combiner_
    assert (
        np.allclose(task.weights_.sum(axis=1), 1)
        and (task.weights_ >= 0).all()
        and task.weights_.shape == (2, 8)
    )
    best = Combined("best").fit(None, pool=pool)
    assert np.allclose(best.combiner_.combine(pool.held_), pool.held_[:, best.combiner_.best_])


def test_identical_experts_leave_nothing_to_combine():
    _, Y, Z, _ = halves(400, 3)
    same = np.repeat(Y[:, None], 3, axis=1)
    for kind in HOWS.values():
        assert np.allclose(kind().fit(same, Y, Z).combine(same, Z), Y, atol=0.02), kind.__name__


def test_constant_experts():
    "Nobody has anything to say: all ways predict without a word of warning."
    _, Y, Z, _ = halves(200, 4)
    flat = np.zeros((200, 3, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in HOWS.values():
            assert np.abs(kind().fit(flat, Y, Z).combine(flat, Z)).max() < 0.3


def test_closed_routes_are_filled_and_losses_are_relative():
    said, open = (
        np.arange(12.0).reshape(2, 3, 2),
        np.array([[True, False, True], [False, False, False]]),
    )
    filled = fill_closed(said, open, np.array([7.0, 8.0]))
    assert np.array_equal(filled[0, 1], said[0, [0, 2]].mean(axis=0)) and np.array_equal(
        filled[1], [[7.0, 8.0]] * 3
    )
    y = np.array([[0.0], [1.0], [np.nan], [3.0]])
    loss = relative_loss(np.full((4, 1, 1), 4 / 3), y, ("regression",))
    assert np.isnan(loss[2]) and np.isclose(np.nanmean(loss), 1)


# refusals


def test_refusals(cohort, pool):
    with pytest.raises(ValueError, match="how: expected one of average, .* got 'vote'"):
        Combined("vote").fit(None, pool=pool)
    with pytest.raises(ValueError, match="predict_routes: expected"):
        Combined("stacked").fit(None, pool=pool).predict_routes(cohort.frame)
    with pytest.raises(NotFittedError):
        Combined().predict(cohort.frame)
    with pytest.raises(NotFittedError):
        CornerPool().say(cohort.frame)
    with pytest.raises(NotFittedError):
        Combined().fit(None, pool=CornerPool())
    with pytest.raises(ValueError, match="groups: expected 300 labels"):
        CornerPool(**cohort.schema.roles, **QUICK).fit(cohort.frame, groups=[1, 2])
    with pytest.raises(ValueError, match=r"Y: expected \(n, K\)"):
        Average().fit(np.zeros((5, 3, 2)), np.zeros((5, 3)))
    with pytest.raises(ValueError, match="at least 3 rows"):
        BestCorner().fit(np.full((5, 3, 2), np.nan), np.zeros((5, 2)))
    with pytest.raises(SchemaError):
        CornerPool(**cohort.schema.roles, **QUICK).fit(cohort.frame.head(2))


def test_parameters_are_scikit_learns():
    model = Combined("weighted", text=["note"], seed=3)
    assert (
        clone(model).get_params() == model.get_params() and model.get_params()["how"] == "weighted"
    )
    assert "how" not in CornerPool().get_params()


def test_without_a_pool_it_makes_its_own(cohort, pool):
    own = Combined("task_route", **cohort.schema.roles, **QUICK).fit(cohort.frame)
    assert own.predict(cohort.frame).equals(
        Combined("task_route").fit(None, pool=pool).predict(cohort.frame)
    )
    assert isinstance(own.predict(cohort.frame.head(1)), pd.DataFrame)
    assert isinstance(own.combiner_, TaskRoute) and not isinstance(own.combiner_, Stacked)


# parts of the gates


def test_a_route_is_judged_by_the_neighbours_for_whom_it_was_open():
    "The first route lost 1 and 3 with two neighbours; the second was open for one, and lost 4."
    loss, open = np.array([[1.0, 9.0], [3.0, 4.0]]), np.array([[True, False], [True, True]])
    assert sk._local_loss(loss, open, np.array([[0, 1]])).tolist() == [[2, 4]]


def test_the_open_route_that_lost_least_is_picked():
    open = np.array([[True, True], [False, True], [False, False]])
    picked = sk._pick_least(np.array([[2.0, 4.0]] * 3), open)
    assert picked.tolist() == [[1, 0], [0, 1], [0, 0]]


def test_a_likelihood_by_hand():
    "A number missed by 1 where the noise is 1, and a probability of .8 for what came true."
    said = torch.tensor([[[[0.0, 0.8]]]])
    happened, noise, tie = torch.ones(1, 1, 2), torch.zeros(1, 2), torch.zeros(1, 1, 2)
    loglik = sk._statement_loglik(said, happened, noise, tie, ("regression", "binary"))
    assert np.isclose(loglik.item(), -0.5 - 0.5 * np.log(2 * np.pi) + np.log(0.8))


def test_a_mixture_loss_by_hand():
    "Two experts that said 0 and 2, half and half, where 4 was true."
    half = torch.full((1, 1, 2), 0.5).log()
    said, happened = torch.tensor([[[[0.0], [2.0]]]]), torch.full((1, 1, 1), 4.0)
    loss = sk._mixture_loss(half, said, happened, log_sd=torch.zeros(2, 1))
    assert np.isclose(loss.item(), 0.5 * (1 - 4) ** 2)


def test_people_are_not_split_between_training_and_validation():
    people = np.repeat(np.arange(10), 2)
    fit, held = sk._split_rows(people, 3, np.random.default_rng(0))
    assert fit.shape == (3, 16) and held.shape == (3, 4)
    for own_fit, own_held in zip(fit, held):
        assert not set(people[own_fit]) & set(people[own_held])


def test_closed_routes_get_no_weight_and_rows_without_evidence_the_mean():
    held, Y, Z, _ = halves(400, 1)
    closed = np.array([[True, False], [False, True], [False, False]])
    for name, kind in HOWS.items():
        model = kind().fit(held, Y, Z)
        if name in ROUTING:
            assert np.allclose(model.weights(Z[:3], closed), closed, atol=1e-6)
        assert np.allclose(model.combine(held[:3], Z[:3], closed)[2], model.centre_)


def test_limits_are_for_what_is_not_a_number():
    low, high = sk._outcome_limits(np.array([[1.0, 0.0], [5.0, 3.0]]), ("regression", "ordinal"))
    assert low.tolist() == [-np.inf, 0] and high.tolist() == [np.inf, 3]
