"CatBoost and LightGBM as rivals: gaps, mixed outcomes, odd notes, and what bad input says. None skips."

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from adaroute.rivals import modern
from adaroute.rivals.modern import CatBoostBaseline, LightGBMBaseline

TASKS = {"score": "regression", "case": "binary", "level": "ordinal"}
ABOUT = dict(text=["note", "word"], numeric=["x", "z"], categorical=["site"], tasks=TASKS)
NUMBERS = ABOUT | dict(tasks={"score": "regression", "other": "regression"})


@pytest.fixture(autouse=True)
def two_tries(monkeypatch):
    "The search is the same with two configurations, and quicker."
    for rival in (CatBoostBaseline, LightGBMBaseline):
        monkeypatch.setattr(rival, "tries", rival.tries[:2])


def small(n=120, seed=0):
    rng = np.random.default_rng(seed)
    x, low = rng.normal(size=n), rng.integers(2, size=n)
    burden = x + 2 * low
    note = np.where(low, "Very LOW, F32 this friday", "quite well this monday").astype(object)
    note[::9] = None
    frame = dict(
        note=note,
        word=rng.choice(["calm", "tense"], n),  # answers of one word
        x=np.where(rng.random(n) < 0.1, np.nan, x),
        z=rng.normal(size=n),
        site=rng.choice(np.array(["a", "b", None], object), n),
        score=burden + rng.normal(size=n) / 3,
        other=np.where(rng.random(n) < 0.3, np.nan, -burden),
        case=(burden > 1).astype(float),
        level=np.clip(np.round(burden) + 3, 2, 5),
    )
    return pd.DataFrame(frame, index=[f"p{i}" for i in range(n)])


@pytest.mark.parametrize("rival", [CatBoostBaseline, LightGBMBaseline], ids=lambda r: r.__name__)
def test_mixed_outcomes_gaps_and_seeds(rival):
    train, test = small(), small(60, seed=1)
    train.loc[train.index[:20], "score"] = np.nan
    model = rival(**ABOUT, seed=3)
    again = clone(model).fit(train)
    said = model.fit(train).predict(test)
    assert said.equals(again.predict(test)) and said.index.equals(test.index)
    assert np.isfinite(said).all(axis=None)
    assert said["case"].between(0, 1).all() and said["level"].between(2, 5).all()
    assert all(np.corrcoef(said[t], test[t])[0, 1] > 0.5 for t in TASKS)
    one = model.predict(test.iloc[[5]])
    assert np.allclose(one, said.iloc[[5]])


def test_one_model_serves_several_numbers_with_gaps():
    train, test = small(), small(60, seed=1)
    model = CatBoostBaseline(**NUMBERS).fit(train)
    said = model.predict(test)
    assert len(model.models_) == 1 and list(said) == ["score", "other"]
    seen = test["other"].notna()
    assert np.corrcoef(said["other"][seen], test["other"][seen])[0, 1] > 0.6


def test_words_are_read_in_any_letters_and_only_where_asked():
    train, test = small(), small(60, seed=1)
    model = CatBoostBaseline(**NUMBERS).fit(train)
    loud = test.assign(note=test["note"].str.upper())
    assert model.predict(loud).equals(model.predict(test))
    blind = CatBoostBaseline(**NUMBERS, reads="numbers").fit(train)
    assert blind.predict(test.assign(note=None)).equals(blind.predict(test))
    text = CatBoostBaseline(**NUMBERS, reads="text").fit(train)
    assert text.predict(test.assign(x=9.0)).equals(text.predict(test))


def test_notes_that_share_no_word_are_left_out():
    train = small()
    train["note"] = [f"w{i}x" for i in range(len(train))]
    model = CatBoostBaseline(**NUMBERS).fit(train)
    assert model.texts_ == [1] and np.isfinite(model.predict(train)).all(axis=None)


def test_bad_requests():
    with pytest.raises(ValueError, match="reads: expected one of numbers, text, both"):
        CatBoostBaseline(**NUMBERS, reads="tea").fit(small())

    def absent(name):
        raise ImportError(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modern.importlib, "import_module", absent)
        for rival in (CatBoostBaseline, LightGBMBaseline):
            with pytest.raises(ValueError, match=r"pip install adaroute\[rivals\]"):
                rival(**NUMBERS).fit(small())
