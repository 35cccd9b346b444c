"Missing data of every pattern, outcomes of every kind, routes for each outcome, bounds and weights."

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaroute import AdaRoute
from adaroute.schema import ROUTES
from adaroute.checks import SchemaError

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")
MIXED = {"phq9": "regression", "relapse": "binary", "stage": "ordinal", "visits": "count"}
ROLES = dict(text=["note", "letter"], numeric=["age", "items"], categorical=["site"])
QUICK = dict(members=1, starts=1, steps=80, encoder=dict(min_df=1, text_dim=6))


def table(n=120, seed=0):
    "Two texts, two numbers, a category, four kinds of outcome."
    rng = np.random.default_rng(seed)
    strain, low = rng.normal(size=n), rng.integers(0, 2, n)
    say = np.array(["calm and well", "low and hopeless"])
    burden = strain + low
    return pd.DataFrame(
        dict(
            note=say[low],
            letter=np.where(rng.random(n) < 0.5, "sleeps badly", "sleeps well"),
            age=rng.integers(18, 80, n).astype(float),
            items=strain,
            site=rng.choice(["a", "b"], n).astype(object),
            phq9=(10 + 4 * burden + rng.normal(size=n)).clip(0, 27),
            relapse=(burden + rng.normal(size=n) > 1.5).astype(float),
            stage=np.digitize(burden, [-1, 0, 1]) + 1.0,
            visits=rng.poisson(np.exp(0.5 * burden)).astype(float),
        )
    )


def hide(frame, cells):
    "The table without some cells: (n, 5) bool in the order of the columns."
    frame = frame.copy()
    for j, column in enumerate(("note", "letter", "age", "items", "site")):
        frame[column] = frame[column].astype(object).where(~np.asarray(cells)[:, j], None)
    frame[["age", "items"]] = frame[["age", "items"]].astype(float)
    return frame


PATTERNS = np.array(list(itertools.product([False, True], repeat=5)))


@pytest.fixture(scope="module", params=["sample", "sample_task"])
def trained(request):
    "A model that met every pattern of missing cells and of missing outcomes."
    rng, frame = np.random.default_rng(3), table(320)
    frame = hide(frame, np.tile(PATTERNS, (10, 1)))
    for task in MIXED:
        frame[task] = frame[task].where(rng.random(320) > 0.2)
    return AdaRoute(
        **ROLES, tasks=MIXED, bounds={"phq9": (0, 27)}, route_per=request.param, **QUICK
    ).fit(frame)


def quietly(f, *args, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return f(*args, **how)


def check(model, frame, presence):
    "What must hold of any table: closed routes at zero, the identity, ranges."
    numbers, text = presence.T
    open = np.stack(
        [{"N1": numbers, "T1": text}.get(r[:2], numbers & text) for r in ROUTES], axis=1
    )
    answer, said = quietly(model.predict, frame), quietly(model.predict_experts, frame)
    for k, task in enumerate(MIXED):
        routes = quietly(model.predict_routes, frame, outcome=task).to_numpy()
        assert (routes[~open] == 0).all() and np.allclose(
            routes.sum(axis=1), presence.any(axis=1), atol=1e-5
        )
        known = presence.any(axis=1)
        assert np.allclose(
            (routes * said[..., k]).sum(axis=1)[known], answer[task][known], atol=1e-3
        )
    ranges = dict(phq9=(0, 27), relapse=(0, 1), stage=(1, 4), visits=(0, np.inf))
    assert all(answer[task].between(*ends).all() for task, ends in ranges.items())
    ends = quietly(model.predict_interval, frame)
    assert (
        ends["phq9"].stack().between(0, 27).all()
        and (ends["visits"] >= 0).all(axis=None)
        and (ends["phq9"]["lower"] <= ends["phq9"]["upper"]).all()
    )


def test_every_pattern_of_missing_cells(trained):
    frame = hide(table(32, seed=1), PATTERNS)
    check(
        trained,
        frame,
        np.stack([~PATTERNS[:, 2:].all(axis=1), ~PATTERNS[:, :2].all(axis=1)], axis=1),
    )


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(*[st.booleans()] * 5), min_size=1, max_size=9), st.integers(0, 99))
def test_any_table_of_patterns(trained, cells, seed):
    cells = np.array(cells)
    check(
        trained,
        hide(table(len(cells), seed), cells),
        np.stack([~cells[:, 2:].all(axis=1), ~cells[:, :2].all(axis=1)], axis=1),
    )


def test_saved_and_loaded(trained, tmp_path):
    back, frame = AdaRoute.load(trained.save(tmp_path / "model")), table(20, seed=2)
    assert back.predict(frame).equals(trained.predict(frame)) and back.predict_interval(
        frame
    ).equals(trained.predict_interval(frame))
    assert back.predict_routes(frame, outcome="visits").equals(
        trained.predict_routes(frame, outcome="visits")
    )


@pytest.mark.parametrize(
    "seen, asked",
    [
        ("complete", "text"),
        ("complete", "numbers"),
        ("text", "complete"),
        ("numbers", "complete"),
        ("text", "numbers"),
    ],
)
def test_trained_on_one_pattern_asked_about_another(seen, asked):
    lost = {"complete": [0] * 5, "text": [0, 0, 1, 1, 1], "numbers": [1, 1, 0, 0, 0]}
    pattern = lambda kind, n: np.tile(np.array(lost[kind], bool), (n, 1))
    model = quietly(AdaRoute(**ROLES, tasks=MIXED, **QUICK).fit, hide(table(), pattern(seen, 120)))
    routes = quietly(model.predict_routes, hide(table(9), pattern(asked, 9)))
    answer = quietly(model.predict, hide(table(9), pattern(asked, 9)))
    assert np.isfinite(answer).all(axis=None) and np.allclose(routes.sum(axis=1), 1)
    if asked != "complete":
        assert (
            routes.drop(
                columns=[f"{'T1' if asked == 'text' else 'N1'}/{s}" for s in ("STL", "MTL")]
            )
            .eq(0)
            .all(axis=None)
        )


@pytest.mark.parametrize("column", ["note", "letter", "age", "site"])
def test_what_a_gap_says_is_learned(column):
    "Where being missing is all that matters, the token of the missing has to carry the outcome."
    rng, frame = np.random.default_rng(0), table(400)
    gone = rng.random(400) < 0.4
    frame[column] = frame[column].astype(object).where(~gone, None)
    if column == "age":
        frame["age"] = frame["age"].astype(float)
    frame["phq9"] = 10.0 + 5 * gone + 0.5 * rng.normal(size=400)
    model = AdaRoute(**ROLES, tasks={"phq9": "regression"}, **{**QUICK, "steps": 400}).fit(
        frame[:300]
    )
    left = frame["phq9"][300:] - model.predict(frame[300:])["phq9"]
    assert left.var() < 0.25 * frame["phq9"][300:].var()


def test_a_lone_modality_costs_little_where_training_was_complete():
    "The trust in a lone path is learned: asked without text, the model is about as good as one that never had any."
    from adaroute.synthetic import make_cohort

    cohort, fresh = (make_cohort(700, "planted", seed=100, draw=d) for d in (0, 1))
    s, how = cohort.schema, dict(members=2, starts=1, steps=1000)
    whole = AdaRoute(**s.roles, **how).fit(cohort.frame)
    never = AdaRoute(
        text=(), numeric=s.numeric, categorical=s.categorical, tasks=s.tasks, **how
    ).fit(cohort.frame)
    assert (whole.model_.trust[:, 0] < 1).any()
    error = lambda model, frame: (
        ((model.predict(frame).to_numpy() - fresh.mean) ** 2).mean() / fresh.mean.var()
    )
    blind = fresh.frame.assign(**{column: None for column in s.text})
    assert error(whole, blind) < error(never, fresh.frame) + 0.05


@pytest.mark.parametrize(
    "given, words",
    [
        (
            dict(bounds={"phq": (0, 27)}),
            "bounds: expected outcomes among phq9, relapse, stage, visits, got 'phq'",
        ),
        (
            dict(bounds={"phq9": (27, 0)}),
            "bounds of 'phq9': expected (lowest, highest), got (27, 0)",
        ),
        (dict(bounds={"phq9": 27}), "bounds of 'phq9': expected (lowest, highest), got int"),
        (
            dict(bounds={"phq9": (0, "27")}),
            "bounds of 'phq9': expected a number of at least -inf, got str",
        ),
        (dict(bounds=[0, 27]), "bounds: expected a dictionary outcome -> value, got list"),
        (
            dict(task_weights={"phq9": 0}),
            "task_weights: phq9: expected a number of at least 1e-06, got 0",
        ),
        (
            dict(class_weights={"visits": "balanced"}),
            "class_weights: expected a binary or ordinal outcome, got 'visits', a count",
        ),
        (
            dict(class_weights={"relapse": {2: 1.0}}),
            "class_weights of 'relapse': expected levels from 0 to 1, got 2",
        ),
        (
            dict(class_weights={"relapse": "even"}),
            "class_weights of 'relapse': expected 'balanced' or a dictionary level -> weight, got str",
        ),
        (
            dict(route_per="outcome"),
            "route_per: expected one of ('sample', 'sample_task'), got 'outcome'",
        ),
    ],
)
def test_wrong_wishes(given, words):
    with pytest.raises(ValueError) as error:
        AdaRoute(**ROLES, tasks=MIXED, **{**QUICK, **given}).fit(table())
    assert str(error.value) == words


def test_an_outcome_outside_of_its_bounds_is_named_by_row_not_value():
    frame = table()
    frame.loc[7, "phq9"] = 99.125
    with pytest.raises(SchemaError) as error:
        AdaRoute(**ROLES, tasks=MIXED, bounds={"phq9": (0, 27)}, **QUICK).fit(frame)
    assert "at index 7" in str(error.value) and "99" not in str(error.value)
    with pytest.raises(SchemaError) as error:
        AdaRoute(**ROLES, tasks=MIXED, bounds={"phq9": (0, 27)}, **QUICK).fit(
            frame.set_axis([f"the words of patient {i}" for i in range(len(frame))])
        )
    assert "at index <a label of 22 characters>" in str(error.value)


@pytest.mark.parametrize("wrong", [-1.0, 1.5])
def test_a_count_is_a_whole_number_from_zero_on(wrong):
    frame = table()
    frame.loc[5, "visits"] = wrong
    with pytest.raises(SchemaError, match="a whole number from 0 on or missing"):
        AdaRoute(**ROLES, tasks=MIXED, **QUICK).fit(frame)


def test_weights_of_one_change_nothing():
    frame, tasks = table(), {"relapse": "binary", "stage": "ordinal"}
    plain, ones = (
        AdaRoute(**ROLES, tasks=tasks, task_weights=w, **QUICK).fit(frame).predict(frame)
        for w in (None, {"relapse": 1.0})
    )
    assert np.allclose(plain, ones, atol=1e-5)


@pytest.mark.parametrize("selection", ["soft", "hard", "likelihood"])
@pytest.mark.parametrize("router", ["two_stage", "joint"])
def test_a_route_for_each_outcome_with_every_router(router, selection):
    model = AdaRoute(
        **ROLES, tasks=MIXED, router=router, selection=selection, route_per="sample_task", **QUICK
    ).fit(table())
    own = np.stack([model.predict_routes(table(), outcome=task) for task in MIXED], axis=2)
    assert np.allclose(own.sum(axis=1), 1, atol=1e-5) and np.allclose(
        own.mean(axis=2), model.predict_routes(table()), atol=1e-6
    )
    assert np.isfinite(model.predict(table())).all(axis=None)


def test_polars_frames_are_read():
    polars = pytest.importorskip("polars")
    model = AdaRoute(**ROLES, tasks=MIXED, **QUICK).fit(polars.from_pandas(table()))
    assert np.allclose(
        model.predict(polars.from_pandas(table())), model.predict(table()), atol=1e-6
    )
