"""Attributions: they sum, they come back to names, and deletion agrees with them."""

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

from adaroute.policy import attribution as mo
from adaroute.estimator import AdaRoute
from adaroute.guard import Guard
from adaroute.paths import Widths
from adaroute.policy.cards import answer, ask
from adaroute.synthetic import make_cohort
from adaroute.trees import ABOVE_ALL, GuardSize

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed", "ignore:.*rows have nothing")


def made(schema, **more):
    given = dict(
        **schema.roles,
        members=2,
        starts=1,
        steps=400,
    )
    return AdaRoute(**{**given, **more})


def fitted(train, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made(train.schema, **more).fit(train.frame)


@pytest.fixture(scope="module")
def world():
    train, fresh = (make_cohort(n, "missing", seed=101, draw=d) for d, n in enumerate((600, 120)))
    model = fitted(train)
    return model, fresh.frame, ask(model, fresh.frame)


def odds(p):
    return np.log(p / (1 - p))


# attributions


@pytest.mark.parametrize("toward", ["route", "T1", "MTL", "N2/STL", "phq9"])
def test_parts_sum_to_the_whole(world, toward):
    model, frame, asked = world
    moved = mo.moved_by(model, asked, toward=toward)
    assert moved.missed < 0.02 and np.isfinite(moved.parts.moved).all()
    sums = moved.parts.groupby("at").moved.sum()
    assert np.allclose(sums, moved.total.to_numpy()[sums.index], atol=0.02)
    assert not moved.parts.duplicated(["at", "kind", "input"]).any()


def test_the_whole_is_the_change_of_the_log_odds(world):
    model, frame, asked = world
    moved = mo.moved_by(model, asked)
    at = np.flatnonzero(moved.total.notna())
    own = asked.routes[at].argmax(1)
    before = answer(model, 0 * asked.joined[at], asked.open[at])[0]
    change = odds(asked.routes[at, own]) - odds(before[np.arange(len(at)), own])
    assert np.allclose(moved.total.iloc[at], change, atol=2e-3, rtol=1e-3)


def test_rows_without_a_choice_are_left_out(world):
    model, frame, asked = world
    assert (mo.moved_by(model, asked).total.isna() == ~asked.batch.presence.any(1)).all()
    toward = mo.moved_by(model, asked, toward="T1")
    assert (
        toward.total.notna() == asked.batch.presence.all(1)
    ).all()  # with one modality T1 is shut or alone
    assert set(toward.parts["at"]) == set(np.flatnonzero(asked.batch.presence.all(1)))


def test_a_linear_router_is_attributed_exactly(world):
    "Of a router without a hidden layer each column's share is known: weight times value."
    model, _, asked = world
    plain = copy.deepcopy(model)
    plain.fitted_ = model.fitted_.with_model(copy.deepcopy(model.model_))
    r = plain.model_.router
    with torch.no_grad():
        for p in r.parameters():
            p.zero_()
        r.linear[:, 0, :2] = 1.0  # the first number speaks for the first two paths
    again = ask(plain, asked.batch)
    moved = mo.moved_by(plain, again, toward="MTL")
    assert np.allclose(moved.parts.moved, 0, atol=1e-9)  # nothing speaks for a sharing
    moved = mo.moved_by(plain, again, toward="N1")
    own = moved.parts[moved.parts.input == plain.schema_.numeric[0]].set_index("at").moved
    assert np.allclose(own, moved.total.to_numpy()[own.index], atol=5e-3) and own.abs().max() > 0.1
    rest = moved.parts[moved.parts.input != plain.schema_.numeric[0]]
    assert np.allclose(rest.moved, 0, atol=1e-9)


def test_words_come_from_the_vocabulary_and_the_row(world):
    model, frame, asked = world
    known = set(model.encoder_.loadings()[0])
    words = mo.moved_by(model, asked).parts.query("kind == 'word'")
    said = mo.note_terms(model, asked)[0]
    assert set(words.input) <= known and len(words) > 100
    assert all(word in said[at] for at, word in zip(words["at"], words.input))


def test_rows_may_be_chosen(world):
    model, frame, asked = world
    every, some = mo.moved_by(model, frame), mo.moved_by(model, asked, rows=[3, 5])
    assert set(some.parts["at"]) <= {3, 5}
    a, b = (m.parts[m.parts["at"] == 5].set_index(["kind", "input"]).moved for m in (every, some))
    assert np.allclose(a, b.loc[a.index], atol=2e-3)
    mask = np.arange(len(frame)) == 5
    assert np.allclose(mo.moved_by(model, asked, rows=mask).of(5).moved, some.of(5).moved)


def test_a_wrong_direction_is_refused(world):
    with pytest.raises(ValueError, match="toward: expected 'route'"):
        mo.moved_by(world[0], world[2], toward="mood")


@pytest.mark.parametrize(
    "more",
    [
        dict(encoder=dict(text_features="hashing", text_dim=20)),
        dict(route_per="sample_task"),
        dict(router="joint"),
        dict(encoder=dict(curves=True, ngrams=2)),
        dict(routes=("N1/STL", "T1/MTL")),
        dict(spares=True),
    ],
)
def test_other_models(more):
    train = make_cohort(120, "missing", seed=102)
    model = fitted(train, steps=60, **more)
    asked = ask(model, train.frame)
    moved = mo.moved_by(model, asked)
    assert moved.missed < 0.02 and len(moved.parts)
    if "hashing" in str(more):
        assert set(moved.parts.kind) <= {"number", "category", "fact", "text"}
    test = mo.deletion_test(model, asked, repeats=1)
    assert np.isfinite(test.top.estimate)


def test_several_texts():
    train = make_cohort(250, "planted", seed=103)
    frame = train.frame.assign(
        letter=train.frame.note.where(np.arange(250) % 3 > 0).to_numpy()[::-1]
    )
    s = train.schema
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AdaRoute(
            text=["note", "letter"],
            numeric=s.numeric,
            categorical=s.categorical,
            tasks=s.tasks,
            members=1,
            starts=1,
            steps=60,
        ).fit(frame)
    moved = mo.moved_by(model, frame)
    assert moved.missed < 0.02 and not moved.parts.input.str.contains("note: ").any()
    assert "letter missing" in set(moved.parts.input)
    assert np.isfinite(mo.deletion_test(model, frame, repeats=1).excess.mean.estimate)


def test_without_text():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"]).assign(y=lambda d: d.a)
    model = AdaRoute(
        numeric=["a", "b"], tasks={"y": "regression"}, members=1, starts=1, steps=100
    ).fit(frame)
    ranking = mo.moved_by(model, frame, toward="y").ranking()
    assert list(ranking.input) == ["a", "b"] and mo.moved_by(model, frame).missed < 0.01


# deletion


def test_hiding_a_number_is_putting_it_at_the_mean(world):
    model, frame, asked = world
    hidden = mo.hide_inputs(model, asked, [[("number", "insight")]] * len(frame))
    other = ask(
        model,
        frame.assign(
            insight=model.encoder_.parts["numbers"]["mean"][
                list(model.schema_.numeric).index("insight")
            ]
        ),
    )
    both = asked.batch.presence[:, 0]
    assert torch.allclose(hidden[both], other.joined[both], atol=1e-6)


def test_hiding_a_word_is_crossing_it_out(world):
    model, frame, asked = world
    hidden = mo.hide_inputs(model, asked, [[("word", "reports")]] * len(frame))
    crossed = frame.assign(note=frame.note.str.replace(r"\breports\b", "", case=False, regex=True))
    other = ask(model, crossed)
    text = slice(model.widths_.numbers + model.widths_.facts, None)
    assert torch.allclose(hidden[:, text], other.joined[:, text], atol=1e-4)
    assert not torch.allclose(hidden[:, text], asked.joined[:, text], atol=1e-2)
    assert torch.equal(hidden[:, : text.start], asked.joined[:, : text.start])


def test_deletion_beats_chance_on_planted():
    train, fresh = (make_cohort(n, "planted", seed=104, draw=d) for d, n in enumerate((800, 200)))
    model = fitted(train, steps=600, members=1)
    test = mo.deletion_test(model, fresh.frame)
    assert test.passed and test.excess.p < 1e-6 and test.top.estimate > 1.5 * test.random.estimate
    assert "more than hiding others" in str(test) and len(test.rows) == 200
    grouped = mo.deletion_test(model, fresh.frame, groups=np.arange(200) // 4)
    assert grouped.passed and grouped.excess.n == 50


def test_deletion_wants_a_choice():
    train = make_cohort(60, "planted", seed=105)
    model = fitted(train, steps=10, routes=("N1/STL",))
    with pytest.raises(ValueError, match="at least 2 rows with more than one open route"):
        mo.deletion_test(model, train.frame)


def random_guard(seed: int, trees: int = 12, columns: int = 4):
    "Trees with thresholds on both sides of zero, at zero, and out of reach."
    rng = np.random.default_rng(seed)
    widths = Widths(numbers=columns, facts=0, text=0)
    guard = Guard(widths, lanes=2, outcomes=2, size=GuardSize(0, trees))
    shape = guard.threshold.shape
    some = rng.choice([-1.5, -0.5, 0.0, 0.3, 0.3, 1.2, ABOVE_ALL], size=shape)
    with torch.no_grad():
        guard.threshold.copy_(torch.from_numpy(some))
        guard.column.copy_(torch.from_numpy(rng.integers(0, columns, shape)))
        guard.value.copy_(torch.from_numpy(rng.normal(size=guard.value.shape)))
    guard = guard.double().requires_grad_(False)
    return guard, torch.from_numpy(rng.choice([-2.0, 0.0, 0.3, 1.0, 2.5], (300, columns)))


@pytest.mark.parametrize("seed", range(3))
def test_steps_of_trees_sum_to_what_trees_add(seed):
    guard, x = random_guard(seed)
    both = torch.stack([x, x])
    adds = guard.ask_trees(both) - guard.ask_trees(0 * both)
    mo.give_trees_slopes(torch.nn.ModuleList([guard]), x)
    credit = guard.slopes * x[None, ..., None]
    assert torch.allclose(credit.sum(dim=2), adds, atol=1e-9)
    assert (credit[:, x == 0] == 0).all()


def test_steps_are_credited_to_the_column_that_crosses():
    "What changes just around a crossing is what its column is credited with."
    guard, x = random_guard(7)
    with torch.no_grad():
        guard.threshold[guard.threshold == 0] = 0.7  # else all columns cross at the start
    x = x[:40] + torch.linspace(0.001, 0.02, 4, dtype=x.dtype)
    mo.give_trees_slopes(torch.nn.ModuleList([guard]), x)
    credit = (guard.slopes * x[None, ..., None])[0].detach()
    told, compared = guard._ask_lane, 0
    for row, end in enumerate(x):
        where = torch.unique(guard.threshold[0])[:, None] / end
        met = [(float(s), c) for s, c in zip(where.flatten(), list(range(4)) * len(where))]
        met = sorted(pair for pair in met if 0 <= pair[0] < 1)
        if min(np.diff([s for s, _ in met]), default=1) < 1e-6:
            continue
        found = torch.zeros(4, 2, dtype=x.dtype)
        for s, column in met:
            found[column] += (told(0, (s + 1e-8) * end[None]) - told(0, (s - 1e-8) * end[None]))[0]
        assert torch.allclose(credit[row], found, atol=1e-9)
        compared += 1
    assert compared >= 20


def test_parts_of_an_outcome_sum_where_trees_take_part():
    train, fresh = (make_cohort(n, "missing", seed=11, draw=d) for d, n in enumerate((400, 40)))
    model = AdaRoute(**train.schema.roles, spares=True).fit(train.frame)
    assert model.model_.guard.size.trees
    for task in model.schema_.tasks:
        moved = mo.moved_by(model, fresh.frame, toward=task)
        assert moved.missed < 0.001 * moved.total.abs().mean()
