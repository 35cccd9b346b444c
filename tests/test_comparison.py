"Every row predicted by models that have not seen it, and sentences that agree with the numbers."

import warnings

import numpy as np
import pandas as pd
import pytest

from adaroute import AdaRoute
from adaroute.evaluation.comparison import (
    COMPARED,
    TASK_SCORES,
    compare_out_of_fold,
    out_of_fold,
    score_all,
)
from adaroute.datasets import folds
from adaroute.evaluation.metrics import score
from adaroute.schema import TASKS
from adaroute.checks import SchemaError
from adaroute.synthetic import make_cohort


@pytest.fixture(scope="module")
def table():
    frame = make_cohort(160, "missing", seed=103).frame
    frame["low"], frame["stage"] = (
        (frame.phq9 < 11).astype(float).where(frame.phq9.notna()),
        (frame.gad7 // 4).clip(0, 3),
    )
    return frame.set_index(np.array([f"p{i}" for i in range(160)])), np.arange(160) // 2


def model(**tasks):
    return AdaRoute(
        text="note",
        numeric=["age", "item_1", "item_2", "insight"],
        categorical="sex",
        tasks=tasks,
        members=1,
        starts=1,
        steps=30,
    )


@pytest.fixture(autouse=True)
def no_notes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_all_kinds_of_outcomes(table):
    frame, who = table
    found = compare_out_of_fold(
        model(phq9="regression", low="binary", stage="ordinal", visits="count"),
        frame,
        who,
        folds=2,
        rivals=("mean", "ridge"),
        draws=30,
    )
    known = frame[["phq9", "low", "stage", "visits"]].notna().any(axis=1)
    assert found.rows.tolist() == np.flatnonzero(known).tolist() and all(
        p.shape == (known.sum(), 4) for p in found.predictions.values()
    )
    assert set(zip(found.scores.outcome, found.scores.score)) == {
        (t, m) for t, kind in found.tasks.items() for m in TASK_SCORES[kind]
    } and set(TASK_SCORES) == set(TASKS)
    assert found.table.shape == (8, 3) and list(found.table) == ["adaroute", "mean", "ridge"]
    assert (
        found.sentences[0] == found.headroom.sentence
        and ("may not claim" in found.sentences[1]) != found.claim.helps
    )
    row = found.scores.query("outcome == 'low' and score == 'auroc' and model == 'ridge'").iloc[0]
    fold = np.empty(known.sum(), int)
    for number, (_, test) in enumerate(folds(who[known], 2)):
        fold[test] = number
    assert (
        row.estimate == score("auroc", frame.low[known], found.predictions["ridge"][:, 1], fold)
        and row.low <= row.estimate <= row.high
    )


def test_no_row_and_no_person_predicts_itself(table):
    frame, who = table
    frame = frame[frame.phq9.notna()]
    who = np.arange(len(frame)) // 2
    splits = folds(who, 3)
    _, plain = out_of_fold(model(phq9="regression"), frame, splits, who, rivals="mean")
    for train, test in splits:
        assert not set(who[train]) & set(who[test])
        changed = frame.copy()
        changed.iloc[test, changed.columns.get_loc("phq9")] = changed.phq9.iloc[test] + 1000
        _, other = out_of_fold(model(phq9="regression"), changed, splits, who, rivals="mean")
        for name in plain:
            np.testing.assert_array_equal(plain[name][test], other[name][test])
        break


def test_statements_are_in_the_order_of_the_table(table):
    frame, who = table
    frame = frame[frame.phq9.notna()]
    splits = folds(len(frame), 2)
    said, predictions = out_of_fold(model(phq9="regression"), frame, splits, rivals="mean")
    np.testing.assert_array_equal(said.outcome[:, 0], frame.phq9.dropna())
    np.testing.assert_allclose(said.mix(said.routes), predictions["adaroute"], atol=1e-4)


@pytest.mark.parametrize(
    "how, message",
    [
        (dict(rivals="forest"), "rivals: expected some of mean, ridge, boosting, got 'forest'"),
        (dict(rivals=()), "got none"),
        (dict(folds=1), "folds: expected 2"),
        (dict(folds=81), "folds: expected 2 to 76, the number of groups"),
    ],
)
def test_what_cannot_be_compared(table, how, message):
    with pytest.raises(ValueError, match=message):
        compare_out_of_fold(model(visits="count"), *table, **how)
    for tasks in ({}, {"gone": "binary"}):
        with pytest.raises(SchemaError):
            compare_out_of_fold(model(**tasks), *table)


def test_scores_of_the_truth_and_of_nothing():
    y = np.random.default_rng(0).normal(size=(80, 1))
    found = (
        score_all(y, {"truth": y, "mean": np.zeros_like(y)}, {"y": "regression"}, draws=40)
        .set_index(["score", "model"])
        .estimate
    )
    assert (
        found["r2", "truth"] == 1 and abs(found["r2", "mean"]) < 0.05 and found["mae", "truth"] == 0
    )
    assert isinstance(found, pd.Series) and set(COMPARED) == {"mean", "ridge", "boosting"}
