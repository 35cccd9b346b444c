"Multitask networks as their users would treat them: gaps, several kinds of outcomes, refits and wrong arguments."

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from adaroute.outcomes import fit_scale
from adaroute.model import Design, RoutedModel, count_parameters
from adaroute.rivals import multitask as mt
from adaroute.rivals.multitask import (
    KINDS,
    MultitaskNetwork,
    NetworkSize,
    count_weights,
    multitask_forward,
    multitask_gates,
    multitask_loss,
    name_weights,
    network_size,
    start_weights,
    weight_shapes,
)
from adaroute.paths import Widths, lane_generators, lane_normal

WORDS = "sleep worry tired calm appetite work family anxious hopeless better".split()
TASKS = dict(phq9="regression", relapse="binary", severity="ordinal")
INPUTS = dict(
    text=["note"],
    numeric=["age", "items"],
    categorical=["site"],
    encoder=dict(min_df=1, text_dim=8),
)
SLOW = ("outcomes_and_gaps",)
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def short_training(request, monkeypatch):
    "What does not hang on the accuracy of a network need not wait for it."
    if not any(name in request.node.name for name in SLOW):
        monkeypatch.setattr(MultitaskNetwork, "epochs", 8)


def table(n=120, seed=0, tasks=TASKS, gaps=True):
    "Notes, numbers, a category; outcomes that hang on them, with holes everywhere."
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
    if gaps:
        frame.loc[rng.random(n) < 0.2, "note"] = None
        frame.loc[rng.random(n) < 0.2, ["age", "items"]] = np.nan
        for name in tasks:
            frame.loc[rng.random(n) < 0.2, name] = np.nan
    return frame


@every_kind
def test_several_kinds_of_outcomes_and_gaps(kind):
    frame, later = table(400), table(300, seed=1, gaps=False)
    said = MultitaskNetwork(kind, **INPUTS, tasks=TASKS).fit(frame).predict(later)
    assert (
        list(said) == list(TASKS) and said.index.equals(later.index) and said.notna().all(axis=None)
    )
    assert said["relapse"].between(0, 1).all() and said["severity"].between(1, 4).all()
    for name in TASKS:
        assert ((said[name] - later[name]) ** 2).mean() < 0.8 * later[name].var()


@every_kind
def test_rows_without_text_or_numbers_or_both(kind):
    model = MultitaskNetwork(kind, **INPUTS, tasks=TASKS).fit(table())
    rows = table(4, seed=2, gaps=False).drop(columns=list(TASKS))
    rows.loc[[0, 2], "note"] = None
    rows.loc[[1, 2], ["age", "items"]], rows.loc[[1, 2], "site"] = np.nan, None
    assert np.isfinite(model.predict(rows)).all(axis=None)
    assert np.allclose(model.gates(rows).sum(-1), 1, atol=1e-5)


@every_kind
def test_refits_to_the_bit_whatever_the_global_state(kind):
    model = MultitaskNetwork(kind, **INPUTS, tasks=TASKS, members=2, seed=3).fit(table())
    torch.manual_seed(99)
    np.random.seed(99)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    again = clone(model).fit(table())
    assert torch.equal(model.weights_, again.weights_) and model.predict(table(seed=4)).equals(
        again.predict(table(seed=4))
    )
    assert torch.equal(state, torch.get_rng_state()) and threads == torch.get_num_threads()
    assert not torch.equal(model.weights_, clone(model).set_params(seed=4).fit(table()).weights_)


def test_clone_keeps_every_argument():
    model = MultitaskNetwork(
        "ple", **INPUTS, tasks=TASKS, members=2, seed=7, reads="text", size=2.0
    )
    assert clone(model).get_params() == model.get_params() and model.get_params()["kind"] == "ple"


def test_rows_are_predicted_one_by_one_as_together():
    model = MultitaskNetwork("mmoe", **INPUTS, tasks=TASKS).fit(table())
    later = table(6, seed=5)
    alone = pd.concat([model.predict(later.iloc[[i]]) for i in range(6)])
    assert np.allclose(alone, model.predict(later), atol=1e-5)


@pytest.mark.parametrize(
    "tasks",
    [dict(phq9="regression"), dict(relapse="binary"), dict(severity="ordinal")],
    ids=lambda t: next(iter(t)),
)
@every_kind
def test_a_single_outcome(kind, tasks):
    model = MultitaskNetwork(kind, **INPUTS, tasks=tasks).fit(table(60, tasks=tasks))
    assert model.predict(table(5, tasks=tasks)).shape == (5, 1)
    assert model.gates(table(5, tasks=tasks)).shape == (5, 1, model.network_.experts)


@every_kind
def test_a_handful_of_rows(kind):
    tasks = dict(phq9="regression")
    frame = table(3, tasks=tasks, gaps=False)
    assert np.isfinite(MultitaskNetwork(kind, **INPUTS, tasks=tasks).fit(frame).predict(frame)).all(
        axis=None
    )


@pytest.mark.parametrize(
    "given, words",
    [
        (
            dict(kind="transformer"),
            "kind: expected one of shared_bottom, mmoe, ple, task_level, got 'transformer'",
        ),
        (dict(kind=None), "kind: expected .* got None"),
        (dict(size=0), "size: expected .* got 0"),
        (dict(size="big"), "size: expected .* got str"),
        (dict(members=0), "members: expected .* got 0"),
        (dict(reads="notes"), "reads: expected .* got 'notes'"),
    ],
)
def test_wrong_arguments(given, words):
    with pytest.raises(ValueError, match=words):
        MultitaskNetwork(**{**INPUTS, "tasks": TASKS, **given}).fit(table())


def test_more_configurations_than_allowed():
    model = MultitaskNetwork("mmoe", **INPUTS, tasks=TASKS)
    model.rates = (0.001, 0.003, 0.01)
    with pytest.raises(ValueError, match="expected at most 6 pairs, got 9"):
        model.fit(table())


def test_gates_need_a_fit_and_a_member_that_exists():
    model = MultitaskNetwork("mmoe", **INPUTS, tasks=TASKS, members=2)
    with pytest.raises(NotFittedError):
        model.gates(table(4))
    model.fit(table())
    assert not np.array_equal(model.gates(table(4), member=0), model.gates(table(4), member=1))
    with pytest.raises(ValueError, match="member: expected .* from 0 to 1, got 2"):
        model.gates(table(4), member=2)


@every_kind
def test_the_formula_against_loops(kind):
    "Row by row and outcome by outcome, with numpy."
    size = NetworkSize(kind, 3, 2, 1 if kind == "shared_bottom" else 5, 4, 3)
    weights = name_weights(size, lane_normal(lane_generators([0, 1]), count_weights(size)))
    Z = lane_normal(lane_generators([2, 3]), 4, 3)
    got = multitask_forward(kind, weights, Z)
    softmax = lambda v: np.exp(v - v.max()) / np.exp(v - v.max()).sum()
    for lane in range(2):
        w = {name: block[lane].double().numpy() for name, block in weights.items()}
        for b, z in enumerate(Z[lane].double().numpy()):
            units = [
                np.maximum(z @ w["expert"][:, e] + w["expert_bias"][e], 0)
                for e in range(size.experts)
            ]
            for k in range(2):
                heard = {"ple": [0, 1, 2, 3 + k]}.get(kind, range(size.experts))
                logit = w["gate_bias"][k] + (z @ w["gate"][:, k] if kind in ("mmoe", "ple") else 0)
                gate = softmax(logit) if kind != "shared_bottom" else [1.0]
                mixed = sum(g * units[e] for g, e in zip(gate, heard, strict=True))
                want = (
                    np.maximum(mixed @ w["tower"][k] + w["tower_bias"][k], 0) @ w["out"][k]
                    + w["out_bias"][k]
                )
                assert abs(got[lane, b, k].item() - want) < 1e-3 * max(1, abs(want))


@every_kind
@pytest.mark.parametrize(
    "tasks", [TASKS, dict(phq9="regression", gad7="regression"), dict(relapse="binary")], ids=len
)
@pytest.mark.parametrize(
    "widths",
    [Widths(15, 8, 80), Widths(30, 10, 430), Widths(25, 9, 200)],
    ids=lambda w: str(w.total),
)
def test_as_many_parameters_as_the_routed_model(kind, tasks, widths):
    scale = fit_scale(np.array([[0.0] * len(tasks), [1.0] * len(tasks)]), tasks)
    routed = count_parameters(RoutedModel(Design(), widths, scale, seeds=[0]))
    assert abs(count_weights(network_size(kind, widths, scale)) / routed - 1) < 0.05


@every_kind
def test_lanes_know_nothing_of_each_other(kind):
    size, scale = (
        NetworkSize(kind, 5, 3, 1 if kind == "shared_bottom" else 5, 4, 3, 3),
        fit_scale(np.array([[0.0, 0, 1], [1.0, 1, 4]]), TASKS),
    )
    both = start_weights(size, Widths(2, 1, 2), scale, lane_generators([4, 5]))
    assert torch.equal(both[1:], start_weights(size, Widths(2, 1, 2), scale, lane_generators([5])))
    assert list(name_weights(size, both)) == list(weight_shapes(size)) and both.shape[
        1
    ] == count_weights(size)
    flat, Z = both.clone().requires_grad_(), lane_normal(lane_generators([6, 7]), 8, 5)
    y = torch.tensor([[0.3, 1.0, 2.0]]).expand(2, 8, 3).clone()
    y[:, 0] = torch.nan
    weights = name_weights(size, flat)
    loss = multitask_loss(scale, weights, multitask_forward(kind, weights, Z), y)
    (grad,) = torch.autograd.grad(loss[0], flat)
    assert (grad[1] == 0).all() and (grad[0] != 0).any() and grad.isfinite().all()
    assert (multitask_gates(kind, weights, Z) >= 0).all()


# limiting cases


def draw_weights(size):
    return name_weights(size, lane_normal(lane_generators([0]), count_weights(size)))


SIZE = NetworkSize("mmoe", 3, 2, 4, 5, 2)
ROWS = lane_normal(lane_generators([9]), 6, 3)  # (1, 6, 3)


def test_a_gate_that_knows_nothing_takes_the_mean_of_the_experts():
    weights = draw_weights(SIZE)
    weights |= {name: torch.zeros_like(weights[name]) for name in ("gate", "gate_bias")}
    mean = mt.expert_units(weights, ROWS).mean(dim=2, keepdim=True)
    for_both = mean.expand(-1, -1, 2, -1)
    said = multitask_forward("mmoe", weights, ROWS)
    assert torch.allclose(said, mt.tower_outputs(weights, for_both), atol=1e-5)


def test_a_task_level_gate_is_a_gate_that_does_not_read():
    weights = draw_weights(SIZE) | {"gate": torch.zeros(1, 3, 2, 4)}
    gates = multitask_gates("task_level", weights, ROWS)
    assert torch.equal(gates, gates[:, :1].expand_as(gates))
    by_row, by_task = (multitask_forward(kind, weights, ROWS) for kind in ("mmoe", "task_level"))
    assert torch.allclose(by_row, by_task, atol=1e-5)


def test_a_lane_keeps_its_best_weights_and_leaves_when_it_has_waited():
    "Their loss was 5 at best: one is better now, one has waited its last round, one may wait on."
    live = dict(
        lane=torch.arange(3),
        flat=torch.tensor([[1.0], [2.0], [3.0]]),
        valid=torch.zeros(3, 1),
        waited=torch.tensor([0.0, 9.0, 8.0]),
    )
    best, error = torch.zeros(3, 1), torch.full((3,), 5.0)
    now = torch.tensor([4.0, 6.0, 6.0])
    left = mt._look_at_lanes(live, lambda flat, rows: now, best, error, patience=10)
    assert left["lane"].tolist() == [0, 2] and left["waited"].tolist() == [0, 9]
    assert best.flatten().tolist() == [1, 0, 0] and error.tolist() == [4, 5, 5]


@every_kind
def test_gates_move_from_row_to_row_where_they_read(kind):
    gates = MultitaskNetwork(kind, **INPUTS, tasks=TASKS).fit(table()).gates(table(seed=1))
    span = np.ptp(gates, axis=0).max()
    if kind in ("mmoe", "ple"):
        assert span > 0.01
    else:
        assert span == 0
