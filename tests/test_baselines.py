"""The classical rivals: mixed outcomes, gaps of every kind, one budget, and what bad input says."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from adaroute.rivals import baselines as bl
from adaroute.fitted import join_evidence
from adaroute.schema import read
from adaroute.checks import SchemaError

TASKS = {"score": "regression", "case": "binary", "level": "ordinal"}
ABOUT = dict(text=["note"], numeric=["x", "z"], categorical=["site"], tasks=TASKS)
RIVALS = (bl.ConstantBaseline, bl.RidgeBaseline, bl.BoostingBaseline, bl.WideNetwork)
every_rival = pytest.mark.parametrize("rival", RIVALS, ids=lambda r: r.__name__)


def small(n=120, seed=0):
    "Notes, numbers, a category; one outcome of each kind, levels from 2 to 5."
    rng = np.random.default_rng(seed)
    x, word = rng.normal(size=n), rng.integers(2, size=n)
    notes = [
        f"felt {'very low' if w else 'quite well'} this {day}"
        for w, day in zip(word, rng.choice(["monday", "friday"], n))
    ]
    burden = x + 2 * word
    return pd.DataFrame(
        dict(
            note=notes,
            x=x,
            z=rng.normal(size=n),
            site=rng.choice(["a", "b"], n),
            score=burden + rng.normal(size=n) / 3,
            case=(burden > 1).astype(float),
            level=np.clip(np.round(burden) + 3, 2, 5),
        ),
        index=[f"p{i}" for i in range(n)],
    )


@every_rival
def test_mixed_outcomes_stay_in_range(rival):
    train, test = small(), small(60, seed=1)
    test.loc["p0", ["x", "z"]] = 1e6, -1e6
    said = rival(**ABOUT).fit(train).predict(test)
    assert (
        list(said) == list(TASKS)
        and said.index.equals(test.index)
        and np.isfinite(said).all(axis=None)
    )
    assert said["case"].between(0, 1).all() and said["level"].between(2, 5).all()
    if rival is bl.ConstantBaseline:
        assert np.allclose(said, train[list(TASKS)].mean())
    else:
        assert all(np.corrcoef(said[t][1:], test[t][1:])[0, 1] > 0.7 for t in TASKS)


@every_rival
def test_same_seed_same_answer_and_clone(rival):
    train, test = small(), small(30, seed=1)
    model = rival(**ABOUT, seed=3, reads="numbers")
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert model.fit(train).predict(test).equals(again.fit(train).predict(test))
    assert model.predict(test).equals(model.predict(test)) and model.fit(train) is model


@every_rival
@pytest.mark.parametrize("lost", list(TASKS))
def test_a_missing_outcome_is_left_out_for_its_task_only(rival, lost):
    train, test = small(), small(30, seed=1)
    gaps = train.copy()
    gaps.loc[gaps.index[:40], lost] = np.nan
    whole, partial = (rival(**ABOUT).fit(t).predict(test) for t in (train, gaps))
    assert np.isfinite(partial).all(axis=None)
    if rival is bl.ConstantBaseline:
        assert np.allclose(partial[lost], train[lost].iloc[40:].mean())
    others = [t for t in TASKS if t != lost]
    if rival is not bl.WideNetwork:
        assert whole[others].equals(partial[others])


@every_rival
@pytest.mark.parametrize("reads", bl.READS)
def test_rows_without_numbers_or_text(rival, reads):
    train, test = small(), small(30, seed=1)
    for t in (train, test):
        t.loc[t.index[:10], "note"] = None
        t.loc[t.index[5:20], ["x", "z", "site"]] = np.nan  # some rows have nothing at all
    model = rival(**ABOUT, reads=reads).fit(train)
    assert np.isfinite(model.predict(test)).all(axis=None)
    for kind, width in zip(("numbers", "facts", "text"), model.widths_):
        assert (width > 0) == (reads in (kind, "both")), kind


@every_rival
@pytest.mark.parametrize("reads, blind", [("numbers", ["note"]), ("text", ["x", "z", "site"])])
def test_what_is_not_read_changes_nothing(rival, reads, blind):
    train, test = small(), small(30, seed=1)
    model = rival(**ABOUT, reads=reads).fit(train)
    other = test.copy()
    other[blind] = other[blind].iloc[::-1].to_numpy()
    assert model.predict(test).equals(model.predict(other))
    relearned = train.copy()
    relearned[blind] = relearned[blind].iloc[::-1].to_numpy()
    assert rival(**ABOUT, reads=reads).fit(relearned).predict(test).equals(model.predict(test))


@every_rival
def test_few_rows_and_no_rows(rival):
    train = small().groupby("case").head(3).iloc[[0, 1, -1]]
    train = train.assign(case=[0.0, 0.0, 1.0], level=[2.0, 3.0, 3.0])
    model = rival(**ABOUT).fit(train)
    assert np.isfinite(model.predict(small(5, seed=1))).all(axis=None)
    with pytest.raises(SchemaError, match="at least one row, got 0"):
        model.predict(small(5).iloc[:0])


@every_rival
@pytest.mark.parametrize(
    "change, message",
    [
        (dict(reads="notes"), "reads: expected one of numbers, text, both, got 'notes'"),
        (dict(members=0), "members: expected a whole number"),
        (dict(seed=-1), "seed: expected a whole number"),
        (dict(encoder={"dims": 3}), "encoder: expected some of"),
        (dict(tasks=None), "tasks: expected at least one outcome, got none"),
        (dict(text=[], reads="text"), "expected features to read, got none with reads='text'"),
    ],
)
def test_wrong_arguments(rival, change, message):
    with pytest.raises(ValueError, match=message):
        rival(**{**ABOUT, **change}).fit(small())


@every_rival
@pytest.mark.parametrize(
    "change, message",
    [
        (dict(case=2.0), "column 'case': expected 0 or 1"),
        (dict(level=2.5), "column 'level': expected a whole number"),
        (dict(score=1.0), "outcome 'score': expected at least 2 different values, got 1"),
        (dict(x="secret words"), "column 'x': expected a number"),
    ],
)
def test_wrong_tables(rival, change, message):
    with pytest.raises(SchemaError, match=message) as caught:
        rival(**ABOUT).fit(small().assign(**change))
    assert "secret" not in str(caught.value)


@every_rival
def test_not_fitted_and_column_gone(rival):
    with pytest.raises(NotFittedError):
        rival(**ABOUT).predict(small())
    with pytest.raises(SchemaError, match="expected"):
        rival(**ABOUT).fit(small()).predict(small().drop(columns="x"))


def test_network_needs_complete_rows():
    train = small()
    even = np.arange(len(train)) % 2 == 0
    train["score"], train["case"] = train["score"].where(even), train["case"].where(~even)
    with pytest.raises(
        ValueError, match="at least 2 rows with all outcomes observed, got 0 of 120"
    ):
        bl.WideNetwork(**ABOUT).fit(train)


def test_members_are_averaged():
    train, test = small().assign(case=1.0).drop(columns="case"), small(20, seed=1)
    about = {**ABOUT, "tasks": {"score": "regression", "level": "ordinal"}}
    model = bl.WideNetwork(**about, members=2).fit(train)
    one, two = model.models_
    said = []
    for net in (one, two):
        model.models_ = [net]
        said.append(model.predict(test)["score"])
    model.models_ = [one, two]
    assert not said[0].equals(said[1]) and np.allclose(
        model.predict(test)["score"], (said[0] + said[1]) / 2
    )


# the contract for rivals in other chapters


def test_learn_and_say_speak_the_models_scale():
    class Echo(bl.Baseline):
        def _learn(self, Z, Y):
            self.Z, self.Y = Z, Y

        def _say(self, Z):
            return np.tile([0.0, 2.0, 9.0], (len(Z), 1))  # beyond the range of the last two

    train = small()
    train.loc["p3", "case"] = np.nan
    echo = Echo(**ABOUT).fit(train)
    assert list(echo.scale_.tasks.values()) == [
        "regression",
        "binary",
        "ordinal",
    ] and echo.scale_.levels == (0, 0, 4)
    assert (
        abs(np.nanmean(echo.Y[:, 0])) < 1e-12
        and set(echo.Y[~np.isnan(echo.Y[:, 1]), 1]) == {0, 1}
        and set(echo.Y[:, 2]) <= {0, 1, 2, 3}
    )
    assert (
        np.isnan(echo.Y[3, 1])
        and np.isnan(echo.Y).sum() == 1
        and echo.Z.shape == (len(train), echo.widths_.total)
    )
    features = echo.encoder_.transform(read(train, echo.schema_))
    assert np.array_equal(echo.Z, join_evidence(features, echo.factor_).numpy())
    assert np.allclose(echo.predict(train), [[train["score"].mean(), 1, 5]] * len(train))


def test_a_subclass_without_reads_reads_all():
    class Short(bl.ConstantBaseline):
        def __init__(
            self,
            text=None,
            numeric=None,
            categorical=None,
            tasks=None,
            encoder=None,
            members=1,
            seed=0,
        ):
            self.text, self.numeric, self.categorical, self.tasks = (
                text,
                numeric,
                categorical,
                tasks,
            )
            self.encoder, self.members, self.seed = encoder, members, seed

    assert clone(Short(**ABOUT)).fit(small()).widths_.facts > 0


# the budget


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100])
def test_split_uses_every_row_once(n):
    for seed in range(20):
        fit, valid = bl.validation_split(n, seed)
        if n == 1:
            assert list(fit) == list(valid) == [0]
        else:
            assert sorted([*fit, *valid]) == list(range(n)) and len(valid) == max(round(0.2 * n), 1)
        assert np.array_equal(fit, bl.validation_split(n, seed)[0])


def test_split_keeps_every_class():
    labels = np.array([0] * 30 + [1] * 2 + [2])
    for seed in range(50):
        fit, valid = bl.validation_split(len(labels), seed, labels=labels)
        assert (
            set(labels[fit]) == {0, 1, 2}
            and len(valid) == round(0.2 * len(labels))
            and not set(fit) & set(valid)
        )
    assert [list(part) for part in bl.validation_split(2, 0, labels=[0, 1])] == [[0, 1], [0, 1]]
    with pytest.raises(ValueError, match="rows: expected at least 1, got 0"):
        bl.validation_split(0, 0)


def test_best_of_the_tries():
    assert bl.validated_best([3, 1, 2, 1.0], lambda t: -t, abs) == (1, -1)
    assert bl.validated_best([5, 2], lambda t: t, lambda m: np.nan if m == 5 else 1.0) == (2, 2)
    assert bl.validated_best([5, 2], lambda t: t, lambda m: np.nan) == (5, 5)
    for tries in ([], range(bl.TRIES + 1)):
        with pytest.raises(
            ValueError, match=f"tries: expected 1 to {bl.TRIES} configurations, got {len(tries)}"
        ):
            bl.validated_best(tries, int, float)


def test_every_tuned_rival_has_the_same_budget(monkeypatch):
    spent, best = [], bl.validated_best
    monkeypatch.setattr(
        bl,
        "validated_best",
        lambda tries, *rest, **k: spent.append(len(list(tries))) or best(tries, *rest, **k),
    )
    bl.WideNetwork(**ABOUT).fit(small())
    bl.BoostingBaseline(**ABOUT).fit(small())
    assert spent == [bl.TRIES] * (1 + len(TASKS))


def test_trees_read_a_few_directions_and_every_mark():
    train = small(300)
    train["note"] = [
        " ".join(np.random.default_rng(i).choice([f"word{j}" for j in range(200)], 12))
        for i in range(300)
    ]
    train["more"] = train["note"].where(np.arange(300) % 3 > 0)
    model = bl.BoostingBaseline(**{**ABOUT, "text": ["note", "more"]}).fit(train)
    names = [
        name
        for block in ("numbers", "facts", "text")
        for name in model.encoder_.feature_names()[block]
    ]
    kept, w = [names[j] for j in model.columns_], model.widths_
    assert (
        w.text > bl.COMPONENTS + 1
        and len(kept) == w.numbers + w.facts + bl.COMPONENTS + 1
        and kept[-1] == "more missing"
    )
