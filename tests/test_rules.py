"""Rules: they are true of the rows, they are few, and they refuse."""

import warnings

import numpy as np
import pandas as pd
import pytest

from adaroute.policy import rules as su
from adaroute.estimator import AdaRoute
from adaroute.policy.cards import ask
from adaroute.schema import PATHS, ROUTES, SHARINGS
from adaroute.synthetic import make_cohort

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed", "ignore:.*rows have nothing")


@pytest.fixture(scope="module")
def world():
    train = make_cohort(700, "missing", seed=101)
    s = train.schema
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AdaRoute(
            **s.roles,
            members=1,
            starts=1,
            steps=300,
        ).fit(train.frame)
    return model, train.frame, ask(model, train.frame)


def told(asked, route):
    "The same rows, as if the router had sent each to a route that we choose."
    return asked._replace(
        routes=np.eye(8)[np.asarray(route)] * asked.batch.presence.any(1)[:, None]
    )


# truth we know


def test_a_threshold_is_found(world):
    model, frame, asked = world
    high = (frame.insight.fillna(frame.insight.median()) >= 6).to_numpy()
    said = su.surrogate_tree(model, told(asked, np.where(high, 3, 0)), "path")
    assert said.fidelity == 1 and sorted(r.answer for r in said.rules) == ["N1", "T1"]
    assert {r.conditions for r in said.rules} == {("insight at least 6",), ("insight at most 5",)}
    assert all(r.fidelity == 1 for r in said.rules)


def test_a_word_is_found(world):
    model, frame, asked = world
    says = frame.note.fillna("").str.lower().str.contains("worsens at once").to_numpy()
    said = su.surrogate_tree(model, told(asked, says.astype(int)), "sharing")
    assert said.fidelity == 1 and any(
        c.startswith("note says '") for r in said.rules for c in r.conditions
    )


def test_the_highest_of_four_is_found(world):
    model, frame, asked = world
    four = frame[["structured", "openness", "quantified", "insight"]]
    best = four.fillna(four.median()).to_numpy().argmax(1)
    said = su.surrogate_tree(model, told(asked, 2 * best), "path")
    assert (
        said.fidelity > 0.9
        and "the highest of structured, openness, quantified, insight" in str(said)
        and len(said.rules) <= 6
    )


def test_a_gap_is_found(world):
    model, frame, asked = world
    said = su.surrogate_tree(model, told(asked, np.where(frame.note.isna(), 0, 2)), "path")
    assert said.fidelity == 1 and {c for r in said.rules for c in r.conditions} == {
        "text missing",
        "text known",
    }


def test_noise_is_refused(world):
    model, frame, asked = world
    said = su.surrogate_tree(
        model, told(asked, np.random.default_rng(0).integers(8, size=700)), "route"
    )
    assert (
        said.refused
        and said.rules == []
        and said.fidelity < 0.3
        and str(said).startswith("No few rules")
    )
    assert not su.surrogate_tree(
        model, told(asked, np.random.default_rng(0).integers(8, size=700)), "route", least=0
    ).refused


def test_one_way_is_one_rule(world):
    model, frame, asked = world
    said = su.surrogate_tree(model, told(asked, np.full(700, 5)), "route")
    assert (
        [r.conditions for r in said.rules] == [()]
        and said.rules[0].answer == ROUTES[5]
        and said.common == 1
    )


# of a fitted model


@pytest.mark.parametrize(
    "target, names", [("path", PATHS), ("sharing", SHARINGS), ("route", ROUTES)]
)
def test_rules_are_few_and_cover_all_rows(world, target, names):
    model, frame, asked = world
    said = su.surrogate_tree(model, asked, target, least=0)
    assert 1 <= len(said.rules) <= 6 and {r.answer for r in said.rules} <= set(names)
    assert np.isclose(sum(r.share for r in said.rules), 1)
    assert said.interval.low <= said.fidelity <= said.interval.high and said.held == round(
        0.3 * asked.batch.presence.any(1).sum()
    )
    assert [r.share for r in said.rules] == sorted((r.share for r in said.rules), reverse=True)


def test_fewer_rules_if_wanted(world):
    model, _, asked = world
    assert len(su.surrogate_tree(model, asked, "route", rules=3, least=0).rules) <= 3


def test_it_is_the_same_twice(world):
    model, frame, asked = world
    assert str(su.surrogate_tree(model, frame, "sharing", least=0)) == str(
        su.surrogate_tree(model, asked, "sharing", least=0)
    )


def test_only_stored_words_and_levels_appear():
    train = make_cohort(200, "planted", seed=102)
    secret = "zyxwvcanary"
    frame = train.frame.assign(note=[f"{n} {secret}{i}." for i, n in enumerate(train.frame.note)])
    frame.loc[0, "site"] = secret
    s = train.schema
    model = AdaRoute(
        **s.roles,
        members=1,
        starts=1,
        steps=30,
    ).fit(frame)
    inputs = su.named_inputs(model, frame, words=10_000)
    assert (
        not any(secret in n.name + n.rest for n in inputs)
        and sum(n.kind == "word" for n in inputs) > 50
    )


def test_hashed_words_have_no_names():
    train = make_cohort(150, "planted", seed=103)
    s = train.schema
    model = AdaRoute(
        text=s.text,
        numeric=s.numeric,
        tasks=s.tasks,
        members=1,
        starts=1,
        steps=20,
        encoder=dict(text_features="hashing", text_dim=10),
    ).fit(train.frame)
    assert "word" not in {n.kind for n in su.named_inputs(model, train.frame)}
    assert su.surrogate_tree(model, train.frame, "sharing", least=0).rules


def test_numbers_only():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"]).assign(y=lambda d: d.a)
    model = AdaRoute(
        numeric=["a", "b"], tasks={"y": "regression"}, members=1, starts=1, steps=20
    ).fit(frame)
    assert {n.name for n in su.named_inputs(model, frame)} == {"a", "b"} and su.surrogate_tree(
        model, frame
    ).common == 1


def test_wrong_requests_are_refused(world):
    model, frame, asked = world
    with pytest.raises(ValueError, match="target: expected path, sharing or route"):
        su.surrogate_tree(model, asked, "patient")
    with pytest.raises(ValueError, match="at least 30 rows"):
        su.surrogate_tree(model, frame.iloc[:20])


def test_planted_worlds_are_said_in_six_rules():
    train = make_cohort(1500, "planted", seed=106)
    s = train.schema
    model = AdaRoute(
        **s.roles,
        members=1,
        starts=1,
        steps=800,
    ).fit(train.frame)
    said = su.surrogate_tree(model, train.frame, "sharing")
    assert said.fidelity >= 0.9 and 2 <= len(said.rules) <= 6
