"Faults of a fit, each with the smallest table that shows it."

import time
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

from adaroute import AdaRoute
from adaroute.fitted import count_unseen
from adaroute.ridge_start import MANY, Moments

QUICK = dict(members=1, starts=1, steps=20)


def cohort(n=40, notes=True, seed=0):
    "People with an age, a site and perhaps a note."
    rng = np.random.default_rng(seed)
    age = rng.normal(size=n)
    frame = pd.DataFrame({"age": age, "site": np.array(["1", "2"])[np.arange(n) % 2]})
    frame["note"] = ["slept badly again" if a > 0 else "a good week" for a in age]
    frame["phq9"] = age + rng.normal(size=n) / 5
    return frame if notes else frame.drop(columns="note")


ROLES = dict(numeric="age", categorical="site", tasks={"phq9": "regression"})


@pytest.mark.parametrize("text", [[], "note"])
def test_a_table_without_notes_gets_no_model_for_notes(text, tmp_path):
    frame = cohort()
    if text:
        frame["note"] = [None] * 39 + ["one note of one person"]
    model = AdaRoute(text=text, **ROLES, spares=True, **QUICK).fit(frame)
    assert list(model.model_.spares) == ["N1"]
    again = AdaRoute.load(model.save(tmp_path / "m"))
    assert again.predict(frame).equals(model.predict(frame))


def test_a_table_without_numbers_gets_no_model_for_numbers():
    roles = dict(text="note", numeric=[], categorical=[], tasks={"phq9": "regression"})
    model = AdaRoute(**roles, spares=True, **QUICK).fit(cohort())
    assert list(model.model_.spares) == ["T1"]


def test_rows_alone_that_all_have_the_same_outcome_teach_nothing():
    frame = cohort()
    frame["note"] = frame["note"].where(frame.index < 6)
    frame.loc[frame.index < 6, "phq9"] = 3.0
    model = AdaRoute(text="note", **ROLES, spares=True, **QUICK).fit(frame)
    assert list(model.model_.spares) == ["N1"]


@pytest.fixture(scope="module")
def fitted():
    return AdaRoute(text="note", **ROLES, **QUICK).fit(cohort())


def test_levels_that_training_never_saw_are_told(fitted):
    frame = cohort(10)
    frame.loc[:2, "site"] = ["Moon", "Mars", None]
    for ask in (fitted.predict, fitted.describe, fitted.predict_routes, fitted.predict_interval):
        with pytest.warns(
            UserWarning, match="'site': 2 cells with a level that training never saw"
        ) as heard:
            ask(frame)
        assert not any("Moon" in str(w.message) for w in heard)
    told = count_unseen(fitted.encoder_, {"site": frame["site"]})
    assert told == {"site": 2}
    assert not count_unseen(fitted.encoder_, {"site": [1, 2.0, " 2 ", "1.0", None]})


def test_levels_that_training_saw_are_not(fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.predict(cohort(10).assign(site=[1, 2.0, " 1", "2.0", None] * 2))


@pytest.mark.parametrize("n, d", [(20, MANY + 1), (60, 900), (3, 700)])
def test_both_sides_of_a_wide_table_give_the_same_ridge(n, d):
    g = torch.Generator().manual_seed(n)
    Z, y = torch.randn(n, d, generator=g), torch.randn(n, generator=g)
    Z[:, : d // 3] = Z[:, :1]  # columns that say the same
    ours, book = Moments(Z), Moments(Z, wide=False)
    assert ours.by_rows and not book.by_rows
    for a, b in zip(ours.ridge(y), book.ridge(y)):
        assert torch.allclose(a, b, atol=1e-8)


def test_a_wide_table_fits_in_seconds():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 5000)), columns=[f"c{j}" for j in range(5000)])
    frame["y"] = frame["c0"] + rng.normal(size=200) / 4
    model = AdaRoute(numeric=list(frame)[:-1], tasks={"y": "regression"}, **QUICK)
    begun = time.process_time()
    model.set_params(steps=10, encoder=dict(curves=False)).fit(frame)
    assert time.process_time() - begun < 30
