"`AdaRoute` as scikit-learn and as a careless user would treat it."

import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import time
import warnings
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings, strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import adaroute
from adaroute import AdaRoute
from adaroute.fitting import make_split
from adaroute.frames import shape_answer
from adaroute.model_card import CARD
from adaroute.saving import FILES
from adaroute.schema import ROUTES
from adaroute.checks import SchemaError
from adaroute.synthetic import make_cohort

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")
QUICK = dict(members=1, starts=1, steps=60)
TASKS = {"phq9": "regression", "gad7": "regression"}
INPUTS = dict(text=["note"], numeric=["age", "items"], categorical=["site"])
CANARY = "quixotryzbelfgo"
WORDS = "sleep worry tired calm appetite work family anxious hopeless better".split()


def table(n=60, seed=0, tasks=TASKS):
    "Notes, numbers, a category and outcomes that hang on them."
    rng = np.random.default_rng(seed)
    counts = rng.poisson(1.0, (n, len(WORDS)))
    note = [
        " ".join(w for w, c in zip(WORDS, row) for _ in range(c)) or "nothing" for row in counts
    ]
    frame = pd.DataFrame(
        dict(
            note=note,
            age=rng.integers(18, 80, n).astype(float),
            items=rng.normal(size=n),
            site=rng.choice(["a", "b"], n),
        )
    )
    for k, (name, kind) in enumerate(tasks.items()):
        latent = frame["items"] + (counts[:, k] - 1) + 0.3 * rng.normal(size=n)
        frame[name] = {
            "regression": 8 + 3 * latent,
            "binary": (latent > 0).astype(float),
            "ordinal": np.digitize(latent, [-1, 0, 1]) + 1.0,
        }[kind]
    return frame


def estimator(**given):
    return AdaRoute(
        **{**INPUTS, "tasks": TASKS, "encoder": dict(min_df=1, text_dim=8), **QUICK, **given}
    )


@pytest.fixture(scope="module")
def fitted():
    return estimator(steps=120).fit(table())


@pytest.fixture(scope="module")
def another():
    return estimator(seed=3).fit(table())


@pytest.fixture
def saved(fitted, tmp_path):
    return fitted.save(tmp_path / "model")


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(Path(folder).rglob("*"))
        if p.is_file()
    }


def sign(folder):
    "Make the manifest agree with the files, as whoever tampers would; the card goes."
    (folder / CARD).unlink(missing_ok=True)
    (folder / "manifest.json").write_text(
        json.dumps({n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in FILES})
    )


def one_line(error):
    message = str(error.value)
    assert "\n" not in message and "expected" in message and "got" in message, message
    return message


# scikit-learn

EXPECTED_FAILURES = {}  # check -> reason: none. The only check that does not run is skipped by scikit-learn itself (array API)


@parametrize_with_checks([AdaRoute(**QUICK)], expected_failed_checks=lambda _: EXPECTED_FAILURES)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def arrays():
    X = np.random.default_rng(0).normal(size=(90, 3))
    return X, X @ [1.0, 2.0, -1.0]


def test_clone_keeps_parameters_and_nothing_else(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params() and not hasattr(copy, "model_")
    with pytest.raises(NotFittedError):
        copy.predict(table())
    with pytest.raises(NotFittedError):
        copy.save("never")


def test_pipeline(arrays):
    X, y = arrays
    X = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)
    assert (
        make_pipeline(SimpleImputer(), AdaRoute(**{**QUICK, "steps": 300})).fit(X, y).score(X, y)
        > 0.5
    )


def test_grid_search(arrays):
    search = GridSearchCV(AdaRoute(**QUICK), dict(router=["two_stage", "joint"]), cv=2).fit(*arrays)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all() and search.predict(
        arrays[0]
    ).shape == (90,)


def test_cross_val_predict(arrays):
    X, y = arrays
    assert cross_val_predict(AdaRoute(**QUICK), X, y, cv=3).shape == (90,)
    two = cross_val_predict(AdaRoute(**QUICK), X, np.column_stack([y, -y]), cv=3)
    assert two.shape == (90, 2) and np.isfinite(two).all()


def test_cross_val_predict_on_a_table():
    frame = table()
    out = cross_val_predict(estimator(), frame, frame[list(TASKS)], cv=2)
    assert out.shape == (60, 2) and np.isfinite(out).all()


def test_a_column_vector_stays_one(arrays):
    X, y = arrays
    assert AdaRoute(**QUICK).fit(X, y[:, None]).predict(X).shape == (90, 1)


def test_array_after_table_after_array(arrays):
    X, y = arrays
    model = estimator().fit(X, y)
    assert model.predict(X).shape == (90,)
    model.fit(table())
    assert list(model.predict(table())) == list(TASKS)
    assert model.n_features_in_ == 4 and list(model.feature_names_in_) == list(table())[:4]
    assert model.fit(X, y).predict(X).shape == (90,)


# names, frames and probabilities


@pytest.fixture(scope="module")
def degrees():
    "A model with every kind of outcome that has levels, and one that has none."
    kinds = dict(phq9="regression", low="binary", degree="ordinal")
    return estimator(tasks=kinds).fit(three_outcomes())


def three_outcomes():
    frame = table()
    frame["low"] = frame.phq9 < 8
    frame["degree"] = frame.pop("gad7").rank(pct=True).mul(3.999).astype(int) + 2
    return frame


def test_what_was_read_is_remembered_and_survives_a_save(fitted, saved):
    wanted = ["note", "age", "items", "site"]
    for model in (fitted, AdaRoute.load(saved)):
        assert model.feature_names_in_.tolist() == wanted and model.n_features_in_ == 4
    assert json.loads((saved / "model.json").read_text())["arrays"] == {}
    assert not hasattr(clone(fitted), "n_features_in_")


@pytest.mark.parametrize("package", ["polars", "pyarrow"])
def test_frames_of_other_packages_give_the_same_bits(fitted, package):
    other = pytest.importorskip(package)
    pytest.importorskip("pyarrow")
    frame = table()
    frame.loc[2, ["age", "note", "site"]] = None
    make = other.from_pandas if package == "polars" else other.Table.from_pandas
    learned = [estimator().fit(f) for f in (frame, make(frame))]
    assert learned[0].predict(frame).equals(learned[1].predict(make(frame)))
    assert learned[0].score(frame) == learned[1].score(make(frame))


def test_a_polars_frame_without_pyarrow_is_refused_in_a_line(fitted):
    def lost():
        raise ModuleNotFoundError("pyarrow is required")

    with pytest.raises(SchemaError) as error:
        fitted.predict(SimpleNamespace(columns=["note"], to_pandas=lost))
    assert "pip install pyarrow" in one_line(error)


def test_probabilities_of_levels(degrees):
    frame = three_outcomes()
    both = degrees.predict_proba(frame)
    assert list(both) == [("low", 0), ("low", 1)] + [("degree", j) for j in (2, 3, 4, 5)]
    low, degree = (degrees.predict_proba(frame, name) for name in ("low", "degree"))
    assert low.equals(both["low"]) and degree.equals(both["degree"])
    said = degrees.predict(frame)
    np.testing.assert_allclose(low[1], said.low, atol=1e-5)
    np.testing.assert_allclose(degree @ np.arange(2, 6), said.degree, atol=1e-5)
    np.testing.assert_allclose(degree.sum(axis=1), 1)


def test_probabilities_that_there_are_not(fitted, degrees, arrays):
    for model in (fitted, AdaRoute(), AdaRoute(**QUICK).fit(*arrays)):
        assert not hasattr(model, "predict_proba")
    with pytest.raises(ValueError) as error:
        degrees.predict_proba(three_outcomes(), "phq9")
    assert "low, degree" in one_line(error)
    with pytest.raises(NotFittedError):
        clone(degrees).predict_proba(three_outcomes())


def test_answers_in_the_frame_that_was_asked_for(degrees, arrays):
    polars = pytest.importorskip("polars")
    frame = three_outcomes()
    asked = ("predict", "predict_routes", "predict_interval", "predict_proba", "describe")
    before = {name: getattr(degrees, name)(frame) for name in asked}
    wished = clone(degrees).set_output(transform="polars")
    wished.__dict__.update(fitted_=degrees.fitted_, extras_={})
    for name in asked:
        answer = getattr(wished, name)(frame)
        assert isinstance(answer, polars.DataFrame)
        values = zip(answer.iter_columns(), before[name].to_numpy(object).T, strict=True)
        assert all(mine.to_list() == other.tolist() for mine, other in values)
    assert clone(wished).fit(frame).set_output().predict(frame).columns == list(degrees.tasks)
    X, y = arrays
    line = AdaRoute(**QUICK).fit(X, y)
    assert isinstance(line.predict(X), np.ndarray)
    assert list(line.set_output(transform="pandas").predict(X)) == ["y0"]
    with pytest.raises(ValueError) as error:
        line.set_output(transform="arrow")
    one_line(error)


def test_what_is_missing_is_no_case_in_polars(degrees):
    "Polars holds NaN for larger than any number, so a gap has to be a null."
    polars = pytest.importorskip("polars")
    wished = clone(degrees).set_output(transform="polars")
    frame = pd.DataFrame({"phq9": [12.0, np.nan, 3.0], "band": ["mild", None, "none"]})
    answer = shape_answer(wished, frame)
    assert isinstance(answer, polars.DataFrame)
    assert answer["phq9"].to_list() == [12, None, 3] and answer["band"].to_list()[1] is None
    assert answer.filter(polars.col("phq9") >= 10).height == 1


def test_numbers_as_names_of_columns():
    frame = table().rename(columns={"age": 0, "items": 1, "note": 2, "site": 3, "phq9": 4})
    named = dict(text=[2], numeric=[0, 1], categorical=[3], tasks={4: "regression"})
    model = estimator(**named, bounds={4: (-99, 99)}, task_weights={4: 2.0}).fit(frame)
    assert model.feature_names_in_.tolist() == ["2", "0", "1", "3"]
    assert list(model.predict(frame)) == ["4"]
    routes = model.predict_routes(frame, outcome=4)
    assert routes.equals(model.predict_routes(frame))


# tables


@pytest.mark.parametrize(
    "index",
    [np.zeros(60, int), [f"p{i % 7}" for i in range(60)], pd.date_range("2020", periods=60)[::-1]],
    ids=["same", "strings", "dates"],
)
def test_any_index_comes_back(fitted, index):
    frame = table()
    plain = fitted.predict(frame)
    frame.index = index
    for out in (
        fitted.predict(frame),
        fitted.predict_routes(frame),
        fitted.predict_interval(frame),
        fitted.describe(frame),
    ):
        assert out.index.equals(frame.index)
    assert np.array_equal(fitted.predict(frame), plain)
    assert np.array_equal(estimator(steps=120).fit(frame).predict(frame), plain)


def test_rows_do_not_depend_on_their_neighbours(fitted):
    frame = table()
    assert np.allclose(fitted.predict(frame.iloc[::-1])[::-1], fitted.predict(frame), atol=1e-4)
    assert np.allclose(fitted.predict(frame.iloc[[7]]), fitted.predict(frame).iloc[[7]], atol=1e-4)


def test_pieces_are_joined(fitted, monkeypatch):
    whole, frame = fitted.predict(table()), table()
    monkeypatch.setattr("adaroute.fitted.PIECE", 7)
    assert np.allclose(fitted.predict(frame), whole, atol=1e-4) and fitted.predict_interval(
        frame
    ).shape == (60, 4)


@pytest.fixture(scope="module")
def gaps():
    "A model trained on every pattern of presence."
    frame = table(80)
    frame.loc[::4, "note"] = None
    frame.loc[1::4, ["age", "items", "site"]] = np.nan
    return estimator().fit(frame)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_closed_routes_have_probability_zero(gaps, presence):
    frame, presence = table(len(presence)), np.array(presence)
    frame["site"] = frame["site"].astype(object)
    frame.loc[~presence[:, 0], ["age", "items", "site"]] = np.nan
    frame.loc[~presence[:, 1], "note"] = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        routes, answer, said = (
            gaps.predict_routes(frame).to_numpy(),
            gaps.predict(frame).to_numpy(),
            gaps.predict_experts(frame),
        )
        interval = gaps.predict_interval(frame)
    numbers, text = presence.T
    open = np.stack(
        [{"N1": numbers, "T1": text}.get(r[:2], numbers & text) for r in ROUTES], axis=1
    )
    assert (routes[~open] == 0).all() and (routes[open] > 0).all()
    assert np.allclose(routes.sum(axis=1), presence.any(axis=1), atol=1e-6)
    assert np.isfinite(answer).all() and np.isfinite(interval.to_numpy()).all()
    known = presence.any(axis=1)
    assert np.allclose((routes[..., None] * said).sum(axis=1)[known], answer[known], atol=1e-3)


@pytest.mark.parametrize("selection", ["soft", "hard", "likelihood"])
@pytest.mark.parametrize("router", ["two_stage", "joint"])
def test_every_router_and_selection(router, selection):
    model = estimator(router=router, selection=selection, members=2).fit(table())
    assert np.allclose(model.predict_routes(table()).sum(axis=1), 1, atol=1e-5) and np.isfinite(
        model.predict(table())
    ).all(axis=None)


@pytest.mark.parametrize("route", ROUTES)
def test_a_corner_also_where_its_evidence_is_missing(route):
    frame = table(80)
    frame.loc[::4, "note"] = None
    frame.loc[1::4, ["age", "items", "site"]] = np.nan
    model = estimator(routes=[route]).fit(frame)
    with pytest.warns(UserWarning, match="rows have nothing that an allowed route reads"):
        answer = model.predict(frame)
    routes = model.predict_routes(table())
    assert (routes[route] == 1).all() and (routes.drop(columns=route) == 0).all(axis=None)
    assert np.isfinite(answer).all(axis=None)


def test_a_few_routes_only():
    model = estimator(routes=["N1/STL", "T2/MTL"]).fit(table())
    routes = model.predict_routes(table())
    assert np.allclose(routes[["N1/STL", "T2/MTL"]].sum(axis=1), 1) and (
        routes.drop(columns=["N1/STL", "T2/MTL"]) == 0
    ).all(axis=None)


# outcomes

MIXED = {"score": "regression", "case": "binary", "level": "ordinal"}


def test_mixed_outcomes_stay_in_range(tmp_path):
    frame = table(tasks=MIXED)
    model = estimator(tasks=MIXED, members=2, steps=200).fit(frame)
    out = model.predict(frame)
    assert list(out) == list(MIXED) and np.isfinite(out).all(axis=None)
    assert out["case"].between(0, 1).all() and out["level"].between(1, 4).all()
    assert (
        np.corrcoef(out["level"], frame["level"])[0, 1] > 0.3
        and np.corrcoef(out["case"], frame["case"])[0, 1] > 0.3
    )
    assert list(model.predict_interval(frame)) == [("score", "lower"), ("score", "upper")]
    assert AdaRoute.load(model.save(tmp_path / "m")).predict(frame).equals(out)


@pytest.mark.parametrize("kind", ["binary", "ordinal"])
def test_outcomes_without_any_regression(kind):
    tasks = {"phq9": kind, "gad7": kind}
    model = estimator(tasks=tasks).fit(table(tasks=tasks))
    assert np.isfinite(model.predict(table())).all(axis=None)
    with pytest.raises(ValueError) as error:
        model.predict_interval(table())
    assert "regression" in one_line(error)


def test_outcomes_missing_per_task():
    frame = table(80)
    frame.loc[::3, "phq9"] = np.nan
    frame.loc[1::3, "gad7"] = None
    frame.loc[2::9, ["phq9", "gad7"]] = np.nan
    full = estimator(members=2).fit(frame)
    assert (
        np.isfinite(full.predict(frame)).all(axis=None)
        and np.isfinite(full.validation_error_).all()
    )
    kept = estimator(members=2).fit(frame[frame[["phq9", "gad7"]].notna().any(axis=1)])
    assert kept.predict(frame).equals(full.predict(frame)), (
        "rows without any outcome change nothing"
    )


def test_one_outcome():
    model = estimator(tasks={"phq9": "regression"}).fit(table())
    assert list(model.predict(table().drop(columns=["phq9", "gad7"]))) == ["phq9"]


def test_interval_widens_with_coverage(fitted):
    narrow, wide = (fitted.predict_interval(table(), coverage=c) for c in (0.5, 0.95))
    for task in TASKS:
        assert (wide[task, "lower"] < narrow[task, "lower"]).all() and (
            narrow[task, "lower"] < narrow[task, "upper"]
        ).all()
        assert (narrow[task, "upper"] < wide[task, "upper"]).all()
    for coverage in (0, 1, -1, "much", np.nan):
        with pytest.raises(ValueError) as error:
            fitted.predict_interval(table(), coverage=coverage)
        one_line(error)


# same seed, same bits


def state(model):
    return {n: p.detach().clone() for n, p in model.model_.named_parameters()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[n], b[n]) for n in a)


def test_same_seed_same_bits_whatever_the_threads():
    before = torch.get_num_threads()
    try:
        answers = []
        for threads in (1, 2, 1):
            torch.set_num_threads(threads)
            model = estimator(members=2).fit(table())
            assert torch.get_num_threads() == threads
            answers.append((state(model), model.predict(table()), model.predict_interval(table())))
    finally:
        torch.set_num_threads(before)
    for s, p, i in answers[1:]:
        assert same(s, answers[0][0]) and p.equals(answers[0][1]) and i.equals(answers[0][2])
    assert not same(state(estimator(members=2, seed=1).fit(table())), answers[0][0])


def test_global_random_state_is_left_alone():
    torch.manual_seed(5)
    np.random.seed(5)
    before, legacy = torch.get_rng_state(), np.random.get_state()
    frame = make_cohort(30, seed=1).frame
    first = estimator().fit(table()).predict(table())
    make_cohort(30, seed=1)
    assert torch.equal(torch.get_rng_state(), before) and all(
        np.array_equal(a, b) for a, b in zip(np.random.get_state(), legacy)
    )
    torch.manual_seed(6)
    np.random.seed(6)
    assert estimator().fit(table()).predict(table()).equals(first) and make_cohort(
        30, seed=1
    ).frame.equals(frame)


# groups


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 8), min_size=3, max_size=60).filter(lambda g: len(set(g)) > 1),
    st.integers(1, 4),
    st.integers(1, 2),
    st.floats(0.05, 0.5),
    st.integers(0, 99),
)
def test_groups_never_straddle(groups, members, starts, share, seed):
    groups = np.unique(groups, return_inverse=True)[1]
    split = make_split(groups, members, starts, share, np.random.default_rng(seed))
    assert (
        len(split.train) == len(split.valid) == members * starts
        and split.train.shape[1]
        and split.valid.shape[1]
    )
    for train, valid in zip(split.train.numpy(), split.valid.numpy()):
        assert not set(groups[train]) & set(groups[valid])
        assert len(set(train)) == len(train) and len(set(valid)) == len(valid)


def test_groups_are_checked():
    frame = table()
    nobody = pd.Series([None, "a", "b"] * 20, index=range(100, 160))
    for groups in (np.zeros(60), np.arange(59), np.zeros((60, 2)), "site", nobody):
        with pytest.raises(ValueError) as error:
            estimator().fit(frame, groups=groups)
        assert one_line(error).startswith("groups")
    estimator().fit(frame, groups=nobody.fillna("c"))


def test_a_hundred_thousand_rows_are_split_in_a_moment():
    begin = time.perf_counter()
    make_split(np.arange(100_000), 3, 1, 0.2, np.random.default_rng(0))
    assert time.perf_counter() - begin < 5


# bad tables: one clear line, and what was there stays

BAD = {
    "missing column": (lambda f: f.drop(columns="note"), ["note"]),
    "numbers in a text column": (lambda f: f.assign(note=1.5), ["note", "text", "row 0"]),
    "text in a numeric column": (
        lambda f: f.assign(age=f["age"].astype(object).where(f.index != 3, "old")),
        ["age", "row 3", "str of length 3"],
    ),
    "infinite": (
        lambda f: f.assign(items=f["items"].where(f.index != 4, np.inf)),
        ["items", "row 4", "infinite"],
    ),
    "infinite outcome": (
        lambda f: f.assign(phq9=f["phq9"].where(f.index != 4, -np.inf)),
        ["phq9", "row 4", "infinite"],
    ),
    "doubled names": (lambda f: pd.concat([f, f[["age"]]], axis=1), ["age", "more than once"]),
    "one value": (lambda f: f.assign(gad7=3.0), ["gad7", "2 different values"]),
    "no outcome known": (lambda f: f.assign(phq9=np.nan, gad7=np.nan), ["3 rows", "got 0"]),
    "one row": (lambda f: f.head(1), ["3 rows", "got 1"]),
    "two rows": (lambda f: f.head(2), ["3 rows", "got 2"]),
    "no row": (lambda f: f.head(0), ["one row", "got 0"]),
    "nothing to read": (
        lambda f: f.assign(note=None, age=np.nan, items=np.nan, site=None),
        ["neither"],
    ),
    "a list": (lambda f: f.values.tolist(), []),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_table(fitted, case):
    spoil, words = BAD[case]
    frame = table()
    frame.loc[0, "note"] = CANARY
    model = deepcopy(fitted)
    before = model.predict(table())
    with pytest.raises(ValueError) as error:
        model.fit(spoil(frame))
    if case != "a list":
        assert all(w in one_line(error) for w in words), str(error.value)
    assert CANARY not in str(error.value)
    assert model.predict(table()).equals(before), "a fit that fails leaves the earlier model"


@pytest.mark.parametrize(
    "case",
    [
        "missing column",
        "numbers in a text column",
        "text in a numeric column",
        "infinite",
        "doubled names",
        "no row",
    ],
)
def test_bad_table_to_predict(fitted, case):
    spoil, words = BAD[case]
    with pytest.raises(SchemaError) as error:
        fitted.predict(spoil(table()))
    assert all(w in one_line(error) for w in words if w != "3 rows")


def test_an_array_for_a_model_of_tables(fitted):
    with pytest.raises(SchemaError) as error:
        fitted.predict(np.zeros((3, 4)))
    assert "a frame of pandas" in one_line(error) and "ndarray" in str(error.value)


def test_a_table_without_tasks():
    with pytest.raises(SchemaError) as error:
        AdaRoute(**QUICK).fit(table())
    assert "tasks" in one_line(error)


def test_a_value_that_appears_only_where_nothing_can_be_learned():
    frame = table()
    frame["gad7"] = 2.0
    frame.loc[5, "gad7"] = 3.0
    frame.loc[5, ["note", "age", "items", "site"]] = [None, np.nan, np.nan, None]
    with pytest.raises(SchemaError) as error:
        estimator().fit(frame)
    assert "gad7" in one_line(error)


def test_an_ordinal_outcome_with_countless_levels():
    with pytest.raises(ValueError) as error:
        estimator(tasks={"phq9": "ordinal"}).fit(table().assign(phq9=np.arange(60) * 1000))
    assert "phq9" in one_line(error) and "59001" in str(error.value)


def test_no_evidence_for_the_route_asked_for():
    with pytest.raises(SchemaError) as error:
        estimator(routes=["T1/STL"]).fit(table().assign(note=None))
    assert "T1/STL" in one_line(error) and "got 0 of 60" in str(error.value)


@pytest.mark.parametrize("lost, left", [(["note"], "N1"), (["age", "items", "site"], "T1")])
def test_all_rows_lack_one_modality(lost, left, tmp_path):
    frame = table()
    frame[lost] = None
    model = estimator(members=2).fit(frame)
    assert np.isfinite(model.predict(frame)).all(axis=None)
    assert np.allclose(model.predict_routes(frame).filter(like=left).sum(axis=1), 1)
    assert AdaRoute.load(model.save(tmp_path / "m")).predict(frame).equals(model.predict(frame))
    assert np.isfinite(model.predict(table())).all(axis=None), "rows that have what training lacked"


@pytest.mark.parametrize(
    "kinds, left",
    [
        (dict(text=["note"], numeric=[], categorical=[]), "T1"),
        (dict(text=[], numeric=["items"], categorical=[]), "N1"),
        (dict(text=[], numeric=[], categorical=["site"]), "N1"),
    ],
    ids=["text", "numbers", "category"],
)
def test_a_schema_of_one_modality(kinds, left, tmp_path):
    model = estimator(**kinds).fit(table())
    assert np.allclose(
        model.predict_routes(table()).filter(like=left).sum(axis=1), 1
    ) and np.isfinite(model.predict(table())).all(axis=None)
    assert AdaRoute.load(model.save(tmp_path / "m")).predict(table()).equals(model.predict(table()))


def test_a_row_without_anything_is_flagged(fitted):
    frame = table(4)
    frame.loc[2, ["note", "age", "items", "site"]] = [" ", np.nan, np.nan, None]
    with pytest.warns(UserWarning, match="1 of 4 rows"):
        out = fitted.describe(frame)
    assert np.isfinite(out[list(TASKS)]).all(axis=None)
    assert out["presence"].tolist() == ["both", "both", "none", "both"] and out[
        "route"
    ].isna().tolist() == [False, False, True, False]
    assert np.allclose(
        out.loc[2, list(TASKS)].astype(float), table()[list(TASKS)].mean(), atol=1e-3
    )


@pytest.mark.filterwarnings("ignore:.*rows have nothing")
def test_long_and_strange_notes(fitted):
    frame = table(6)
    strange = [
        "worry sleep " * 50_000,
        "x" * 100_000,
        "\n\t",
        "🙂 ünï\u0000code \ud800",
        "0" * 5000,
        "",
    ]
    frame["note"] = pd.Series(strange, dtype=object)
    begin = time.perf_counter()
    assert np.isfinite(fitted.predict(frame)).all(axis=None)
    assert time.perf_counter() - begin < 20
    assert np.isfinite(
        estimator().fit(pd.concat([table(), frame], ignore_index=True)).predict(frame)
    ).all(axis=None)


def test_huge_numbers(fitted):
    frame = table(4)
    frame["items"] = [1e300, -1e300, 1e-300, 0.0]
    assert np.isfinite(fitted.predict(frame)).all(axis=None) and np.isfinite(
        fitted.predict_interval(frame)
    ).all(axis=None)


def test_unseen_category(fitted):
    assert np.isfinite(fitted.predict(table().assign(site="elsewhere"))).all(axis=None)


# bad choices


@pytest.mark.parametrize(
    "given, words",
    [
        (dict(router="three_stage"), ["router", "two_stage", "'three_stage'"]),
        (dict(selection="argmax"), ["selection", "likelihood", "'argmax'"]),
        (dict(routes=["N3/STL"]), ["routes", "N1/STL", "N3/STL"]),
        (dict(routes=[]), ["routes", "none"]),
        (dict(routes=None), ["routes"]),
        (dict(routes="N1"), ["routes", "N1"]),
        (dict(settings=dict(stepz=5)), ["settings", "steps", "'stepz'"]),
        (dict(settings=dict(lr=0)), ["lr", "0"]),
        (dict(settings=dict(lr=np.nan)), ["lr", "nan"]),
        (dict(settings=dict(batch=0)), ["batch", "0"]),
        (dict(settings=dict(warm="long")), ["warm", "str"]),
        (dict(settings=[1]), ["settings", "dictionary", "list"]),
        (dict(design=dict(widht=5)), ["design", "width", "'widht'"]),
        (dict(design=dict(width=0)), ["width", "0"]),
        (dict(prior=dict(text=1)), ["prior", "evidence", "'text'"]),
        (dict(prior=dict(heads=-1)), ["heads", "-1"]),
        (dict(encoder=dict(dims=5)), ["encoder", "text_dim", "'dims'"]),
        (dict(encoder=dict(text_dim=0)), ["text_dim", "0"]),
        (dict(members=0), ["members", "0"]),
        (dict(starts=1.5), ["starts", "1.5"]),
        (dict(members="all"), ["members", "str"]),
        (dict(seed=-1), ["seed", "-1"]),
        (dict(seed=None), ["seed", "NoneType"]),
        (dict(steps=0), ["steps", "0"]),
        (dict(steps=True), ["steps"]),
        (dict(validation=0), ["validation", "0"]),
        (dict(validation=1.0), ["validation", "1"]),
        (dict(tasks={"phq9": "regresion"}), ["phq9", "regression", "'regresion'"]),
        (dict(tasks={"phq8": "regression"}), ["phq8"]),
        (dict(text=["age"]), ["age", "one role"]),
        (dict(checkpoint="nowhere/at/all"), ["checkpoint", "'all'"]),
    ],
    ids=lambda v: "-".join(map(str, v))[:40] if isinstance(v, dict) else "",
)
def test_bad_choice(given, words):
    with pytest.raises(ValueError) as error:
        estimator(**given).fit(table())
    message = one_line(error)
    assert all(w in message for w in words), message


# saved models


def test_round_trip_to_the_bit(fitted, saved):
    back, frame = AdaRoute.load(saved), table()
    assert back.predict(frame).equals(fitted.predict(frame)) and back.predict_routes(frame).equals(
        fitted.predict_routes(frame)
    )
    assert np.array_equal(
        back.predict_experts(frame), fitted.predict_experts(frame)
    ) and back.describe(frame).equals(fitted.describe(frame))
    assert same(state(back), state(fitted)) and np.array_equal(
        back.validation_error_, fitted.validation_error_
    )
    settled = fitted.get_params() | {"learner": fitted.learner_}
    assert {k: v for k, v in back.get_params().items() if k != "routes"} == {
        k: v for k, v in settled.items() if k != "routes"
    }
    assert tuple(back.routes) == fitted.routes and list(back.tasks) == list(fitted.tasks)
    again = back.save(saved.with_name("again"))
    assert contents(again) == contents(saved), "saved twice, the same bytes"
    assert same(state(clone(back).fit(table())), state(clone(fitted).fit(table()))), (
        "what was loaded can be fitted again"
    )


def test_loaded_in_another_process(fitted, saved):
    table().to_pickle(saved.parent / "frame")
    code = (
        "import sys, pandas as pd; from adaroute import AdaRoute; "
        "AdaRoute.load(sys.argv[1]).predict(pd.read_pickle(sys.argv[2])).to_pickle(sys.argv[3])"
    )
    subprocess.run(
        [sys.executable, "-c", code, saved, saved.parent / "frame", saved.parent / "out"],
        check=True,
    )
    assert pd.read_pickle(saved.parent / "out").equals(fitted.predict(table()))


@pytest.mark.parametrize("columns", [None, ["a", "b", "c"]])
def test_round_trip_of_arrays(arrays, columns, tmp_path):
    X, y = arrays
    if columns:
        X = pd.DataFrame(X, columns=columns)
    model = AdaRoute(**QUICK).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(
            AdaRoute.load(model.save(tmp_path / "m")).predict(X), model.predict(X)
        )


def test_a_sentence_encoder_is_given_again(tmp_path):
    class Counting:
        name = "counting"

        def encode(self, texts, **_):
            return np.array([[len(t), t.count(" "), t.count("sleep")] for t in texts], np.float32)

    model = estimator(encoder=dict(sentence_encoder=Counting())).fit(table())
    folder = model.save(tmp_path / "m")
    assert (
        AdaRoute.load(folder, sentence_encoder=Counting())
        .predict(table())
        .equals(model.predict(table()))
    )
    with pytest.raises(ValueError) as error:
        AdaRoute.load(folder)
    assert "sentence_encoder" in one_line(error) and "counting" in str(error.value)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("how", ["flip", "cut", "empty", "gone", "folder"])
def test_damage_is_refused(saved, name, how):
    file = saved / name
    content = bytearray(file.read_bytes())
    if how == "flip":
        content[len(content) // 2] ^= 1
    if how == "cut":
        del content[len(content) // 2 :]
    if how == "empty":
        content.clear()
    file.write_bytes(content)
    if how in ("gone", "folder"):
        file.unlink()
    if how == "folder":
        file.mkdir()
    with pytest.raises(ValueError) as error:
        AdaRoute.load(saved)
    assert "'model'" in one_line(error)


def test_every_byte_counts(saved):
    for name in FILES:
        content = (saved / name).read_bytes()
        for at in np.random.default_rng(0).integers(0, len(content), 25):
            spoiled = bytearray(content)
            spoiled[at] ^= 1 << int(at % 8)
            (saved / name).write_bytes(spoiled)
            with pytest.raises(ValueError, match="altered or damaged"):
                AdaRoute.load(saved)
        (saved / name).write_bytes(content)
    AdaRoute.load(saved)


def test_files_added_are_refused(saved):
    (saved / "run_me.py").write_text("print('hello')")
    with pytest.raises(ValueError) as error:
        AdaRoute.load(saved)
    assert "1 more" in one_line(error)


@pytest.mark.parametrize(
    "manifest",
    [
        '{"../../secret": "0"}',
        '{"model.json": "0", "weights.safetensors": "0", "/etc/passwd": "0"}',
        "[]",
        "null",
        '{"model.json": 1, "weights.safetensors": {}}',
    ],
)
def test_a_manifest_cannot_point_elsewhere(saved, manifest):
    (saved / "manifest.json").write_text(manifest)
    with pytest.raises(ValueError) as error:
        AdaRoute.load(saved)
    one_line(error)


def test_swapped_weights_are_refused(saved, tmp_path):
    other = estimator(design=dict(width=3)).fit(table()).save(tmp_path / "other")
    (saved / "weights.safetensors").write_bytes((other / "weights.safetensors").read_bytes())
    with pytest.raises(ValueError, match="altered or damaged"):
        AdaRoute.load(saved)
    sign(saved)
    with pytest.raises(ValueError) as error:
        AdaRoute.load(saved)
    assert "fit together" in one_line(error)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.pop("schema"),
        lambda a: a.update(format=1),
        lambda a: a.update(widths=[1, 2, 3]),
        lambda a: a["params"].update(new=1),
        lambda a: a.update(seeds=[0, 1]),
        lambda a: a["encoder"]["parts"].clear(),
        lambda a: a.update(encoder=None),
        lambda a: a["design"].update(router="x"),
    ],
)
def test_altered_content_with_a_matching_manifest(saved, change):
    about = json.loads((saved / "model.json").read_text())
    change(about)
    (saved / "model.json").write_text(json.dumps(about))
    sign(saved)
    with pytest.raises(ValueError) as error:
        AdaRoute.load(saved)
    one_line(error)


@pytest.mark.parametrize(
    "name, content",
    [
        ("model.json", b"\xff\x00"),
        ("model.json", b"[]"),
        ("weights.safetensors", b"not tensors at all"),
    ],
)
def test_other_files_with_a_matching_manifest(saved, name, content):
    (saved / name).write_bytes(content)
    sign(saved)
    with pytest.raises(ValueError) as error:
        AdaRoute.load(saved)
    one_line(error)


@pytest.mark.parametrize("place", ["absent", "file"])
def test_nothing_to_load(tmp_path, place):
    if place == "file":
        (tmp_path / "file").write_text("")
    with pytest.raises(ValueError) as error:
        AdaRoute.load(tmp_path / place)
    assert "no such folder" in one_line(error)


def test_saving_over_a_saved_model(another, saved):
    another.save(saved)
    assert AdaRoute.load(saved).predict(table()).equals(another.predict(table()))
    assert [p.name for p in saved.parent.iterdir()] == ["model"] and sorted(
        contents(saved)
    ) == sorted([*FILES, "manifest.json", CARD])


@pytest.mark.parametrize("holds", ["thesis.txt", "manifest.json"])
def test_saving_into_a_folder_with_something_else(fitted, tmp_path, holds):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / holds).write_text("do not lose")
    with pytest.raises(FileExistsError) as error:
        fitted.save(tmp_path / "mine")
    assert "something else" in one_line(error)
    assert contents(tmp_path) == {f"mine/{holds}": b"do not lose"}


def test_a_saved_model_with_something_beside_it_is_kept(fitted, saved):
    (saved / "notes.txt").write_text("mine")
    before = contents(saved)
    with pytest.raises(FileExistsError):
        fitted.save(saved)
    assert contents(saved) == before and [p.name for p in saved.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("place", ["file", "file/model", "file/deep/model"])
def test_saving_where_a_file_stands(fitted, tmp_path, place):
    (tmp_path / "file").write_text("do not lose")
    with pytest.raises(OSError) as error:
        fitted.save(tmp_path / place)
    assert re.search("save: expected|expected to write it", one_line(error))
    assert contents(tmp_path) == {"file": b"do not lose"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_saving_where_it_is_forbidden(fitted, tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError) as error:
            fitted.save(tmp_path / "model")
    finally:
        tmp_path.chmod(0o700)
    one_line(error)


@pytest.mark.parametrize(
    "after", range(8)
)  # three files, each written and renamed, then two folders renamed
def test_a_save_that_fails_midway_leaves_the_earlier_model(another, saved, monkeypatch, after):
    import adaroute.saving as module

    before, left = contents(saved), [after]

    def failing(function):
        def call(*args):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(28, "No space left on device")
            return function(*args)

        return call

    with monkeypatch.context() as m:
        m.setattr(module, "write_atomically", failing(module.write_atomically))
        m.setattr(module.os, "replace", failing(os.replace))
        with pytest.raises(OSError) as error:
            another.save(saved)
    assert "No space left" in one_line(error)
    assert contents(saved) == before and [p.name for p in saved.parent.iterdir()] == ["model"]


def test_only_the_owner_may_read(saved):
    assert saved.stat().st_mode & 0o777 == 0o700 and {
        p.stat().st_mode & 0o777 for p in saved.iterdir()
    } == {0o600}


def test_no_note_in_any_file(tmp_path):
    frame = table()
    frame.loc[3, "note"] = f"{CANARY} sleep {CANARY}"
    model = estimator(encoder=dict(text_dim=8), checkpoint=tmp_path / "run.safetensors").fit(frame)
    model.save(tmp_path / "model")
    files = contents(tmp_path)
    assert len(files) == 5 and not [n for n, c in files.items() if CANARY.encode() in c]
    assert CANARY not in repr(model) + repr(model.predict(frame)) + repr(model.describe(frame))


# import


def test_importing_takes_little_longer_than_torch():
    def seconds(code):  # of the processor: what else the machine does is not counted
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    codes = "import torch", "import adaroute", "from adaroute import AdaRoute"
    torch_alone, package, with_estimator = (min(seconds(code) for _ in range(2)) for code in codes)
    assert package <= 2.5 * torch_alone and with_estimator <= 2.5 * torch_alone


def test_front_door():
    assert adaroute.AdaRoute is AdaRoute and "AdaRoute" in dir(adaroute) and adaroute.__version__
    with pytest.raises(AttributeError):
        adaroute.AdaRout


@pytest.mark.parametrize("kind", ["words", "vectors"])
def test_a_row_does_not_depend_on_its_neighbours(kind):
    "In single precision it would, in the seventh digit: products depend on how many rows there are."

    class Vectors:
        def encode(self, texts):
            return np.array([[len(t) % 7, len(t) % 11, len(t) % 13] for t in texts], np.float32)

    cohort = make_cohort(300, "planted", seed=3)
    encoder = {"sentence_encoder": Vectors()} if kind == "vectors" else None
    columns = dict(text="note", categorical=["sex", "site"], tasks=dict(cohort.schema.tasks))
    model = AdaRoute(**columns, encoder=encoder, members=2, steps=60, spares=True)
    model.fit(cohort.frame)
    frame = cohort.frame.iloc[:64]
    whole, ends = model.predict(frame).to_numpy(), model.predict_interval(frame).to_numpy()
    for rows in ([0], [5, 63], list(range(33))):
        part = frame.iloc[rows]
        assert np.abs(model.predict(part).to_numpy() - whole[rows]).max() < 1e-12
        assert np.abs(model.predict_interval(part).to_numpy() - ends[rows]).max() < 1e-9


# torch is imported when something is trained or asked

BEFORE_TORCH = """
import pickle, sys
from adaroute import AdaRoute
from adaroute.tables import read_table
from sklearn.base import clone
est = AdaRoute(tasks={"y": "regression"}, learner="closed_form")
assert clone(est).get_params()["learner"] == "closed_form" and "AdaRoute" in repr(est)
assert pickle.loads(pickle.dumps(est)).get_params() == est.get_params()
assert not hasattr(est, "predict_proba") and len(read_table(sys.argv[1])) == 2
print({"torch"} & set(sys.modules))
"""


def test_an_estimator_is_made_cloned_and_shown_without_torch(tmp_path):
    (tmp_path / "table.csv").write_text("x,y\n1,2\n3,4\n")
    words = [sys.executable, "-c", BEFORE_TORCH, str(tmp_path / "table.csv")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
