"""Properties of the evaluation: what must hold for any numbers, and what bad input says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from adaroute.evaluation import metrics as ev
from adaroute.schema import PATHS, ROUTES, SHARINGS

steady = settings(deadline=None, derandomize=True, max_examples=50, database=None)

errors = st.floats(0.05, 2)
seeds = st.integers(0, 2**32 - 1)


def some_routes(rng, n):
    return rng.dirichlet(np.full(8, 0.5), size=n)


# metrics


@steady
@given(
    seeds,
    st.sampled_from(
        [
            "r2",
            "rmse",
            "mae",
            "auroc",
            "auprc",
            "balanced_accuracy",
            "brier",
            "f1",
            "calibration_slope",
            "ece",
            "kappa",
        ]
    ),
)
def test_unobserved_outcomes_change_nothing(seed, metric):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 2, 40).astype(float), rng.random(40)
    y[:2] = 0, 1
    lost = rng.random(40) < 0.3
    lost[:2] = False
    gaps = np.where(lost, np.nan, y)
    assert ev.score(metric, gaps, p) == pytest.approx(
        ev.score(metric, y[~lost], p[~lost]), nan_ok=True
    )
    assert ev.score(metric, gaps, np.where(lost, np.nan, p)) == pytest.approx(
        ev.score(metric, gaps, p), nan_ok=True
    )


@steady
@given(seeds)
def test_tasks_do_not_see_each_other(seed):
    rng = np.random.default_rng(seed)
    tasks = {"a": "regression", "b": "binary", "c": "ordinal"}
    y = np.stack([rng.normal(size=60), rng.integers(0, 2, 60), rng.integers(0, 4, 60)], 1)
    p = np.stack([rng.normal(size=60), rng.random(60), rng.uniform(-1, 5, 60)], 1)
    whole = ev.metrics(y, p, tasks)
    y[rng.random(60) < 0.5, 0] = np.nan
    again = ev.metrics(y, p, tasks)
    assert again.loc[["b", "c"]].equals(whole.loc[["b", "c"]])
    assert again.loc["a", "n"] == np.isfinite(y[:, 0]).sum()


@pytest.mark.parametrize("metric", [m for fs in ev.METRICS.values() for m in fs])
def test_nothing_observed_has_no_score(metric):
    assert np.isnan(ev.score(metric, np.full(5, np.nan), np.full(5, 0.5)))


def test_a_missing_level_does_not_shrink_the_scale():
    """Levels 0 and 3, nobody in between: a prediction of 2 is off by one, not by nothing."""
    y = np.array([0.0, 0, 3, 3])
    near, far = (
        ev.score("kappa", y, np.array([0.0, 0, 2, 2])),
        ev.score("kappa", y, np.array([0.0, 0, 1, 1])),
    )
    assert far < near < 1
    assert ev.score("kappa", y, np.array([-9.0, 0.2, 2.8, 99])) == 1


def test_separated_classes_have_no_calibration_slope():
    assert np.isnan(
        ev.score("calibration_slope", np.array([0.0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9]))
    )
    assert np.isnan(ev.score("calibration_slope", np.array([0.0, 0, 1, 1]), np.full(4, 0.5)))


def test_same_generator_same_interval():
    y = np.random.default_rng(0).normal(size=50)
    one, two = (
        ev.bootstrap_interval(np.mean, [y], draws=100, rng=np.random.default_rng(9))
        for _ in range(2)
    )
    assert one == two and one.low <= one.estimate <= one.high


def test_groups_are_drawn_whole():
    group = np.repeat(np.arange(6), [1, 2, 3, 4, 5, 6])
    seen = []
    ev.bootstrap_interval(
        lambda g: seen.append(np.bincount(g, minlength=6)) or 0.0, [group], groups=group, draws=30
    )
    assert all((counts % np.arange(1, 7) == 0).all() for counts in seen)


# headroom


@steady
@given(errors, errors, st.floats(0, 1))
def test_headroom_closed_is_the_place_between_corner_and_bayes(best, gap, share):
    bayes = best - gap
    assert ev.headroom_closed(best, best - share * gap, bayes) == pytest.approx(share, abs=1e-9)


@steady
@given(errors, errors, st.floats(-1, 0.0099))
def test_without_headroom_there_is_no_share(best, routed, gap):
    assert np.isnan(ev.headroom_closed(best, routed, best - gap))
    assert "cannot help here" in ev.headroom_sentence(
        [best] * 4, [routed] * 4, [best + abs(gap)] * 4
    )


def test_one_seed_claims_nothing():
    assert "cannot help here" in ev.headroom_sentence([0.4], [0.2], [0.1])


@steady
@given(seeds)
def test_mean_error_does_not_depend_on_the_scale(seed):
    rng = np.random.default_rng(seed)
    mean, said = rng.normal(size=(2, 30, 3))
    scale, shift = rng.uniform(0.1, 10, 3), rng.normal(size=3)
    assert ev.mean_error(said * scale + shift, mean * scale + shift) == pytest.approx(
        ev.mean_error(said, mean)
    )
    assert ev.regret(said, said, mean) == 0


# routes


@steady
@given(seeds)
def test_marginals_sum_to_one_and_fit_the_names(seed):
    p = some_routes(np.random.default_rng(seed), 20)
    paths, sharings = ev.path_probabilities(p), ev.sharing_probabilities(p)
    assert np.allclose(paths.sum(1), 1) and np.allclose(sharings.sum(1), 1)
    for i, path in enumerate(PATHS):
        assert np.allclose(paths[:, i], p[:, [r.startswith(f"{path}/") for r in ROUTES]].sum(1))
    for i, sharing in enumerate(SHARINGS):
        assert np.allclose(sharings[:, i], p[:, [r.endswith(f"/{sharing}") for r in ROUTES]].sum(1))


@steady
@given(seeds, st.sampled_from(["route", "path", "sharing"]))
def test_confusion_accuracy_and_chance_agree(seed, by):
    rng = np.random.default_rng(seed)
    p, planted = some_routes(rng, 50), rng.integers(0, 8, 50)
    table = ev.route_confusion(p, planted, by).to_numpy()
    assert table.sum() == 50
    assert np.trace(table) / 50 == pytest.approx(ev.route_accuracy(p, planted, by))
    assert table.sum(1).max() / 50 == pytest.approx(ev.chance(planted, by))
    assert -1 <= ev.route_kappa(p, planted, by) <= 1


@steady
@given(seeds)
def test_entropies_lie_in_the_unit_interval(seed):
    """The entropy of a mean is at least the mean of the entropies."""
    p = some_routes(np.random.default_rng(seed), 20)
    width, decisiveness = ev.width(p), ev.decisiveness(p)
    assert 0 <= decisiveness <= 1 and 1 - decisiveness <= width + 1e-12 <= 1 + 1e-9


# combinators


@steady
@given(seeds, st.integers(0, 7))
def test_mixture_of_one_route_is_its_corner(seed, route):
    e = np.random.default_rng(seed).normal(size=(9, 8, 2))
    one_hot = np.eye(8)[[route] * 9]
    assert np.array_equal(ev.mixture(e, one_hot), ev.corner(e, route))
    assert np.array_equal(ev.corner(e, route), ev.corner(e, ROUTES[route]))
    assert np.array_equal(ev.oracle_pick(e, np.full(9, route)), ev.corner(e, route))


@steady
@given(arrays(float, (6, 8, 2), elements=st.floats(-9, 9)), seeds)
def test_a_mixture_lies_between_its_experts(e, seed):
    mixed = ev.mixture(e, some_routes(np.random.default_rng(seed), 6))
    assert (mixed >= e.min(1) - 1e-9).all() and (mixed <= e.max(1) + 1e-9).all()


def test_a_closed_route_cannot_leak():
    e = np.ones((3, 8, 2))
    e[:, 5] = np.nan
    p = np.full((3, 8), 1 / 7)
    p[:, 5] = 0
    assert np.allclose(ev.mixture(e, p), 1)


def test_best_corner():
    scores = np.array([3.0, 1, 2, 1, np.nan, 5, 6, 7])
    assert ev.best_corner(scores) == ROUTES[1] and ev.best_corner(scores, higher=True) == ROUTES[7]


# statistics


@steady
@given(seeds, st.floats(0.01, 0.5))
def test_the_correction_only_widens(seed, share):
    d = np.random.default_rng(seed).normal(0.2, 1, 25)
    plain, wide = ev.paired(d), ev.corrected_resampled(d, share)
    assert (
        wide.mean.estimate == plain.mean.estimate
        and wide.mean.low < plain.mean.low
        and wide.p > plain.p
    )
    ratio = (wide.mean.high - wide.mean.low) / (plain.mean.high - plain.mean.low)
    assert ratio == pytest.approx(np.sqrt(1 + 25 * share / (1 - share)))


def test_equal_differences_leave_no_doubt():
    assert (
        ev.paired([0.1] * 5).sign == 1
        and ev.paired([0.0] * 5).sign == 0
        and ev.paired([0.0] * 5).p == 1
    )


# bad input

eye = np.eye(8)


@pytest.mark.parametrize(
    "call, said",
    [
        (
            lambda: ev.score("r2", [1.0, 2, 3], [1.0, 2]),
            "prediction: expected 3 rows as in outcome, got 2",
        ),
        (lambda: ev.score("r3", [1.0], [1.0]), "metric: expected one of r2, rmse"),
        (
            lambda: ev.score("mae", [1.0, 2], [1.0, np.nan]),
            "expected a finite number, got nan in row 1",
        ),
        (
            lambda: ev.score("auroc", [0.0, 1], [0.5, 1.2]),
            "expected a probability for auroc, got 1.2 in row 1",
        ),
        (
            lambda: ev.score("brier", [0.0, 2], [0.5, 0.5]),
            "expected 0 or 1 for brier, got 2.0 in row 1",
        ),
        (
            lambda: ev.metrics(
                np.zeros((4, 2)), np.zeros((4, 1)), {"a": "regression", "b": "binary"}
            ),
            "prediction: expected shape (4, 2) for 4 rows and 2 tasks, got (4, 1)",
        ),
        (
            lambda: ev.metrics(np.zeros((4, 1)), np.zeros((4, 1)), {"a": "rate"}),
            "tasks['a']: expected one of regression, binary, ordinal, count, got 'rate'",
        ),
        (
            lambda: ev.bootstrap_interval(np.mean, [np.ones(3)], groups=[1, 2]),
            "groups: expected 3 rows as in arrays, got 2",
        ),
        (
            lambda: ev.bootstrap_interval(np.mean, [np.ones(2)], groups=["a", None]),
            "groups: expected a label on every row, got 1 missing",
        ),
        (
            lambda: ev.mean_error(np.ones((3, 2)), np.ones((4, 2))),
            "mean: expected 3 rows as in prediction, got 4",
        ),
        (
            lambda: ev.mean_error(np.ones((3, 2)), np.ones((3, 2))),
            "mean: expected every task to vary, got a constant in column 0",
        ),
        (
            lambda: ev.headroom_sentence([1.0, 2], [1.0, 2], [1.0]),
            "bayes: expected 2 rows as in best_corner, got 1",
        ),
        (
            lambda: ev.path_probabilities(np.ones((3, 4))),
            "routes: expected shape (n, 8), got (3, 4)",
        ),
        (lambda: ev.usage(np.vstack([eye, np.ones(8)])), "got 1 others, the first in row 8"),
        (
            lambda: ev.route_accuracy(eye, np.arange(7)),
            "planted: expected 8 rows as in routes, got 7",
        ),
        (lambda: ev.route_accuracy(eye, np.arange(1, 9)), "planted: expected 0 to 7, got 1 to 8"),
        (
            lambda: ev.route_accuracy(eye, np.zeros(8)),
            "planted: expected whole numbers of shape (n,), got float64",
        ),
        (
            lambda: ev.route_accuracy(eye, np.arange(8), by="head"),
            "by: expected one of route, path, sharing, got 'head'",
        ),
        (lambda: ev.mixture(np.zeros((3, 8, 2)), eye), "expected 3 rows as in experts, got 8"),
        (
            lambda: ev.mixture(np.zeros((8, 4, 2)), eye),
            "experts: expected shape (n, 8, tasks), got (8, 4, 2)",
        ),
        (lambda: ev.corner(np.zeros((3, 8, 2)), "N3/STL"), "route: expected one of N1/STL"),
        (lambda: ev.best_corner(np.ones(4)), "scores: expected shape (8,)"),
        (lambda: ev.paired([]), "differences: expected finite numbers, got 0 among 0"),
        (lambda: ev.paired([1.0, np.nan]), "differences: expected finite numbers, got 1 among 2"),
        (
            lambda: ev.corrected_resampled([1.0, 2.0], 5),
            "test_share: expected a share in (0, 1), got 5",
        ),
    ],
)
def test_bad_input_says_what_was_expected(call, said):
    with pytest.raises(ValueError) as caught:
        call()
    assert said in str(caught.value)
