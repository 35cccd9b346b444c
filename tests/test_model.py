"Paths, heads, router, model and training: what must hold for any numbers."

import json
import math
import os
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import distributions as D

from adaroute.heads import Heads, expected, gaussian_loglik, loadings, log_likelihood, measure_noise
from adaroute.heads import ordinal_loglik, thresholds
from adaroute.outcomes import OutcomeScale, fit_scale
from adaroute.model import SELECTIONS, Design, Forecast, RoutedModel, hard_loss, likelihood_loss
from adaroute.model import predict_mean, responsibility, soft_loss, take_lanes, task_loss
from adaroute.prior import Prior
from adaroute.paths import Evidence, Paths, Widths, lane_generators, principal_axes, split_evidence
from adaroute.router import ROUTERS, closed_log_softmax, two_stage
from adaroute.schema import NEEDS, open_routes
from adaroute.schema import PATHS, ROUTES, SHARINGS
from adaroute.training import (
    Rows,
    Session,
    Settings,
    Split,
    batch_size,
    close_some,
    gather,
    lane_orders,
)
from adaroute.training import look, prediction_error, train
from adaroute import training
from adaroute.checkpoint import Checkpoint, read_run
from adaroute.machine import write_atomically

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")
many = settings(max_examples=40, deadline=None)
seeds = st.integers(0, 10_000)
WIDTHS = Widths(4, 2, 3)
PLAIN = OutcomeScale({"phq9": "regression", "gad7": "regression"}, (0.0, 0.0), (1.0, 1.0), (0, 0))
KINDS = st.lists(st.sampled_from(["regression", "binary", "ordinal"]), min_size=1, max_size=4)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def scale_of(kinds, levels=4):
    return OutcomeScale(
        {f"y{k}": kind for k, kind in enumerate(kinds)},
        (0.0,) * len(kinds),
        (1.0,) * len(kinds),
        tuple(levels if kind == "ordinal" else 0 for kind in kinds),
    )


def stirred(module, seed, by=0.5):
    "Every parameter away from where it starts."
    g = generator(seed)
    with torch.no_grad():
        for w in module.parameters():
            w += by * torch.randn(w.shape, generator=g)
    return module


def outcomes(kinds, shape, g, missing=0.3):
    "Random outcomes of each kind, some of them missing."
    draw = {
        "regression": lambda: torch.randn(shape, generator=g),
        "binary": lambda: torch.randint(0, 2, shape, generator=g).float(),
        "ordinal": lambda: torch.randint(0, 4, shape, generator=g).float(),
    }
    y = torch.stack([draw[kind]() for kind in kinds], dim=-1)
    return torch.where(torch.rand(y.shape, generator=g) < missing, torch.nan, y)


def scene(
    seed=0, kinds=("regression", "regression"), design=Design(), lanes=2, rows=12, missing=0.3
):
    "A stirred model, evidence, open routes and outcomes."
    g = generator(seed)
    model = stirred(RoutedModel(design, WIDTHS, scale_of(kinds), range(lanes)), seed)
    presence = np.array([(True, True), (True, False), (False, True)])[
        torch.randint(0, 3, (lanes, rows), generator=g).numpy()
    ]
    open = torch.from_numpy(open_routes(presence.reshape(-1, 2), design.experts)).view(
        lanes, rows, -1
    )
    return (
        model,
        torch.randn(lanes, rows, WIDTHS.total, generator=g),
        open,
        outcomes(kinds, (lanes, rows), g, missing),
    )


# paths


@many
@given(seeds, st.integers(1, 5), st.integers(0, 3), st.integers(0, 4), st.integers(1, 2))
def test_paths_are_what_they_say(seed, numbers, facts, text, axes):
    g, width = generator(seed), 3
    paths = stirred(
        Paths(Widths(numbers, facts, text), lane_generators([0, 1]), width=width, axes=axes), seed
    )
    e = Evidence(*(torch.randn(2, 5, w, generator=g) for w in (numbers, facts, text)))
    out = paths(e)
    on_x = paths.on_numbers.unflatten(-1, (-1, width))
    on_t = paths.on_text.unflatten(-1, (-1, width))
    for lane in range(2):
        for row in range(5):
            x, f, t = (block[lane, row] for block in e[:3])
            n1, n2 = x @ on_x[lane, :, 0], x @ on_x[lane, :, 1] + f @ paths.on_facts[lane]
            for j in range(facts):
                n2 = n2 + f[j] * (x @ on_x[lane, :, 2 + j]) / math.sqrt(facts)
            t1, t2 = t @ on_t[lane, :, 0], t @ on_t[lane, :, 1] + x @ on_x[lane, :, 2 + facts]
            for a in range(axes):
                t2 = t2 + (x @ paths.axis[lane, :, a]) * (t @ on_t[lane, :, 2 + a])
            for p, want in zip(PATHS, (n1, t1, n2, t2)):
                assert torch.allclose(out[lane, row, PATHS.index(p)], want, atol=1e-4)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_reads_only_its_evidence(path):
    paths = stirred(Paths(WIDTHS, lane_generators([0]), paths=(path,)), 1)
    e = Evidence(
        *(torch.randn(1, 6, w, generator=generator(w), requires_grad=True) for w in WIDTHS)
    )
    (paths(e) ** 2).sum().backward()
    reads = [block.grad is not None and bool((block.grad != 0).any()) for block in e[:3]]
    assert (
        reads
        == {
            "N1": [True, False, False],
            "T1": [False, False, True],
            "N2": [True, True, False],
            "T2": [True, False, True],
        }[path]
    )


def test_unknown_path_and_wrong_width():
    with pytest.raises(ValueError, match="expected some of .* got"):
        Paths(WIDTHS, lane_generators([0]), paths=("N3",))
    with pytest.raises(ValueError, match="expected 9 columns .* got 5"):
        split_evidence(torch.zeros(1, 2, 5), WIDTHS)


@many
@given(seeds, st.integers(0, 4), st.integers(2, 30), st.integers(1, 3), st.booleans())
def test_principal_axes_have_unit_variance_or_are_zero(seed, columns, rows, axes, constant):
    x = torch.randn(rows, columns, generator=generator(seed))
    if constant:
        x = torch.full((rows, columns), 0.1)
    places = (x - x.mean(0)) @ principal_axes(x, axes)
    variance = places.var(dim=0, unbiased=False)
    assert torch.all((variance - 1).abs().lt(1e-3) | variance.lt(1e-6))
    if constant:
        assert (principal_axes(x, axes) == 0).all()


# heads


@many
@given(seeds, st.integers(1, 4), st.floats(0, 0.9))
def test_gaussian_likelihood_is_torchs(seed, K, missing):
    g = generator(seed)
    error, log_sd = (
        torch.randn(6, K, generator=g).double(),
        0.5 * torch.randn(6, K, generator=g).double(),
    )
    loading, observed = (
        1.9 * torch.rand(6, K, generator=g).double() - 0.95,
        torch.rand(6, K, generator=g) >= missing,
    )
    got = gaussian_loglik(torch.where(observed, error, torch.nan), log_sd, loading, observed)
    for row in range(6):
        o = observed[row]
        sd, l = log_sd[row, o].exp(), loading[row, o]
        if not o.any():
            assert got[row] == 0
            continue
        covariance = torch.outer(sd, sd) * (torch.outer(l, l) + torch.diag(1 - l**2))
        assert torch.isclose(
            got[row],
            D.MultivariateNormal(torch.zeros_like(sd), covariance).log_prob(error[row, o]),
            atol=1e-8,
        )


@many
@given(seeds, KINDS)
def test_likelihood_of_mixed_outcomes_is_torchs(seed, kinds):
    g = generator(seed)
    heads = stirred(Heads(scale_of(kinds), lane_generators([0, 1])), seed)
    eta, y = torch.randn(2, 5, 8, len(kinds), generator=g), outcomes(kinds, (2, 5), g)
    got, tie, sd = log_likelihood(heads, eta, y), loadings(heads), heads.log_sd.exp()
    assert (tie.unflatten(1, (4, 2))[:, :, 0] == 0).all(), "independent heads share nothing"
    numbers = torch.tensor([kind == "regression" for kind in kinds])
    for lane, row, e in [(0, 0, 0), (0, 2, 1), (1, 4, 7), (1, 3, 4)]:
        seen, want = ~y[lane, row].isnan(), torch.zeros(())
        o = seen & numbers
        if o.any():
            s, l = sd[lane, e, o], tie[lane, e, o]
            want = D.MultivariateNormal(
                eta[lane, row, e, o], torch.outer(s, s) * (torch.outer(l, l) + torch.diag(1 - l**2))
            ).log_prob(y[lane, row, o])
        for k in torch.where(seen & ~numbers)[0].tolist():
            state, value = eta[lane, row, e, k], y[lane, row, k]
            if kinds[k] == "binary":
                want = want + D.Bernoulli(logits=state).log_prob(value)
            else:
                above = torch.sigmoid(state - thresholds(heads, k)[lane])
                p = torch.cat([torch.ones(1), above]) - torch.cat([above, torch.zeros(1)])
                want = want + p[int(value)].log()
        assert torch.isclose(got[lane, row, e], want, atol=1e-3, rtol=1e-3)


@many
@given(seeds, st.integers(2, 9))
def test_ordinal_probabilities_sum_to_one(seed, levels):
    g = generator(seed)
    heads = stirred(Heads(scale_of(["ordinal"], levels), lane_generators([0])), seed, by=1.0)
    cuts = thresholds(heads, 0)
    assert cuts.shape == (1, levels - 1) and (cuts.diff(dim=1) > 0).all()
    eta = 4 * torch.randn(7, generator=g)
    p = torch.stack(
        [
            ordinal_loglik(eta, torch.full((7,), float(level)), cuts.expand(7, -1)).exp()
            for level in range(levels)
        ]
    )
    assert torch.allclose(p.sum(0), torch.ones(7), atol=1e-5)
    mean = expected(heads, eta.view(1, 7, 1, 1).expand(1, 7, 8, 1))[0, :, 0, 0]
    assert (
        torch.allclose(mean, (p * torch.arange(levels)[:, None]).sum(0), atol=1e-4)
        and (mean >= 0).all()
        and (mean <= levels - 1).all()
    )


@pytest.mark.parametrize("eta", [-30.0, 30.0])
def test_extreme_statements_stay_finite(eta):
    heads = Heads(scale_of(["binary", "ordinal", "regression"]), lane_generators([0]))
    eta = torch.full((1, 4, 8, 3), eta, requires_grad=True)
    loss = log_likelihood(
        heads,
        eta,
        torch.tensor([[[0.0, 0.0, 0.0], [1.0, 3.0, 5.0], [1.0, 1.0, 1.0], [torch.nan] * 3]]),
    )
    loss.sum().backward()
    assert loss.isfinite().all() and eta.grad.isfinite().all() and (loss[0, 3] == 0).all()


@many
@given(seeds, KINDS)
def test_outcome_scale_goes_there_and_back(seed, kinds):
    y = outcomes(kinds, (40,), generator(seed)).double().numpy() * 3 + 2 * np.array(
        [kind != "binary" for kind in kinds]
    )
    y[:, [k for k, kind in enumerate(kinds) if kind == "binary"]] /= 3
    scale = fit_scale(y, {f"y{k}": kind for k, kind in enumerate(kinds)})
    encoded = scale.encode(y)
    assert np.allclose(scale.decode(encoded), y, equal_nan=True)
    for k, kind in enumerate(kinds):
        if kind == "regression":
            assert np.isclose(np.nanmean(encoded[:, k]), 0) and np.isclose(
                np.nanstd(encoded[:, k]), 1
            )
        if kind == "ordinal":
            assert np.nanmin(encoded[:, k]) == 0 and np.nanmax(encoded[:, k]) == scale.levels[k] - 1


@many
@given(seeds, st.integers(1, 4))
def test_measured_noise_is_the_residuals(seed, K):
    g = generator(seed)
    heads = Heads(scale_of(["regression"] * K), lane_generators([0]))
    eta, y = torch.randn(1, 4000, 8, K, generator=g), torch.zeros(1, 4000, K)
    y[torch.rand(y.shape, generator=g) < 0.2] = torch.nan
    measure_noise(heads, eta, y, torch.full((1, 4000, 8), 1 / 8))
    assert torch.allclose(heads.log_sd.exp(), torch.ones(1, 8, K), atol=0.15)


# router


@many
@given(st.lists(st.lists(st.booleans(), min_size=8, max_size=8), min_size=1, max_size=6), seeds)
def test_masks_are_exact(open, seed):
    open = torch.tensor(open)
    logits = (20 * torch.randn(open.shape, generator=generator(seed))).requires_grad_()
    log_p = closed_log_softmax(logits, open)
    p = log_p.exp()
    assert (p[~open] == 0).all() and torch.allclose(p.sum(-1), open.any(-1).float(), atol=1e-5)
    assert torch.allclose(
        p[open], torch.softmax(logits.masked_fill(~open, -1e9), -1)[open], atol=1e-6
    )
    torch.where(open, p, 0.0).sum().backward()
    assert logits.grad.isfinite().all() and (logits.grad[~open] == 0).all()


@many
@given(seeds, st.integers(1, 4), st.integers(1, 2))
def test_two_stages_multiply(seed, paths, sharings):
    g = generator(seed)
    logits, own = (
        torch.randn(2, 5, paths + paths * sharings, generator=g),
        torch.randn(2, 5, paths, sharings, generator=g),
    )
    open = torch.rand(2, 5, paths * sharings, generator=g) < 0.7
    p = two_stage(logits, own, open).exp()
    assert (p[~open] == 0).all() and torch.allclose(p.sum(-1), open.any(-1).float(), atol=1e-5)
    mask = open.unflatten(-1, (paths, sharings))
    first = torch.softmax(logits[..., :paths].masked_fill(~mask.any(-1), -1e9), -1)
    second = torch.softmax(
        (logits[..., paths:].unflatten(-1, (paths, sharings)) + own).masked_fill(~mask, -1e9), -1
    )
    assert torch.allclose(p[open], (first[..., None] * second).flatten(-2)[open], atol=1e-5)


@many
@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=9),
    st.lists(st.sampled_from(ROUTES), min_size=1, unique=True),
)
def test_open_routes_follow_presence(presence, routes):
    got = open_routes(np.array(presence), tuple(routes))
    for row, have in zip(got, presence):
        assert row.tolist() == [all(h or not n for h, n in zip(have, NEEDS[r[:2]])) for r in routes]


# model


@many
@given(seeds, KINDS, st.sampled_from(ROUTERS), st.sampled_from(SELECTIONS))
def test_the_prediction_is_the_mixture_of_the_experts(seed, kinds, router, selection):
    model, joined, open, y = scene(seed, kinds, Design(router=router, selection=selection))
    f = model(joined, open)
    p, said = f.log_route.exp(), expected(model.heads, f.eta)
    assert (p[~open] == 0).all() and torch.allclose(p.sum(-1), torch.ones(()), atol=1e-5)
    mean = predict_mean(model, f)
    assert torch.allclose(mean, (p[..., None] * said).sum(2), atol=1e-5)
    low, high = (said.masked_fill(~open[..., None], s * math.inf) for s in (1, -1))
    assert (mean >= low.amin(2) - 1e-4).all() and (mean <= high.amax(2) + 1e-4).all(), (
        "between the experts that are open"
    )
    loss = {
        "soft": soft_loss,
        "likelihood": likelihood_loss,
        "hard": lambda *a: hard_loss(*a, torch.randn(p.shape, generator=generator(1)), 0.5),
    }[selection]
    total = loss(model, f, y).sum()
    total.backward()
    assert total.isfinite() and all(
        w.grad is None or w.grad.isfinite().all() for w in model.parameters()
    )


@many
@given(seeds, st.integers(0, 7))
def test_a_saturated_router_is_one_expert(seed, route):
    model, joined, _, y = scene(seed)
    log_route = torch.full((2, 12, 8), -torch.inf)
    log_route[..., route] = 0.0
    f = Forecast(model(joined, torch.ones(2, 12, 8, dtype=torch.bool)).eta, log_route)
    assert torch.equal(predict_mean(model, f), f.eta[:, :, route])
    each = task_loss(model, f, y)[..., route]
    assert torch.allclose(soft_loss(model, f, y), each) and torch.allclose(
        hard_loss(model, f, y, torch.zeros(2, 12, 8), 1.0), each
    )
    assert torch.allclose(
        likelihood_loss(model, f, y), -log_likelihood(model.heads, f.eta, y)[..., route]
    )
    assert torch.allclose(responsibility(model, f, y)[..., route], torch.ones(2, 12))


@many
@given(seeds, KINDS)
def test_task_loss_is_half_the_squared_error_or_the_cross_entropy(seed, kinds):
    model, joined, open, y = scene(seed, kinds)
    f = model(joined, open)
    want = torch.zeros(2, 12, 8)
    for k, kind in enumerate(kinds):
        value, eta = y[..., k, None].expand(2, 12, 8), f.eta[..., k]
        if kind == "regression":
            each = 0.5 * (value - eta) ** 2
        elif kind == "binary":
            each = -D.Bernoulli(logits=eta).log_prob(value.nan_to_num())
        else:
            each = -ordinal_loglik(
                eta, value.nan_to_num(), thresholds(model.heads, k)[:, None, None]
            )
        want = want + torch.where(value.isnan(), 0.0, each)
    assert torch.allclose(task_loss(model, f, y), want, atol=1e-4)


@many
@given(seeds, st.floats(0.05, 5))
def test_a_hard_draw_is_one_expert_and_the_gradient_is_soft(seed, temperature):
    model, joined, open, y = scene(seed)
    noise = -torch.log(torch.empty(2, 12, 8).exponential_(generator=generator(seed)))
    f = model(joined, open)
    loss, drawn = (
        hard_loss(model, f, y, noise, temperature),
        (f.log_route + noise).argmax(-1, keepdim=True),
    )
    assert open.gather(-1, drawn).all() and torch.allclose(
        loss, task_loss(model, f, y).gather(-1, drawn)[..., 0], atol=1e-4
    )
    loss.sum().backward()
    assert (
        all(w.grad.isfinite().all() for w in model.router.parameters())
        and model.router.bias.grad.abs().sum() > 0
    )


@many
@given(seeds, st.sampled_from(SELECTIONS), st.integers(0, 2))
def test_lanes_are_independent(seed, selection, lane):
    model, joined, open, y = scene(seed, design=Design(selection=selection), lanes=3)
    before = model(joined, open)
    loss = {
        "soft": soft_loss,
        "likelihood": likelihood_loss,
        "hard": lambda *a: hard_loss(*a, torch.zeros(3, 12, 8), 1.0),
    }[selection]
    (loss(model, before, y).sum(1)[lane] + Prior().penalty(model)[lane]).backward()
    others = [i for i in range(3) if i != lane]
    assert all((w.grad[others] == 0).all() for w in model.parameters() if w.grad is not None)
    with torch.no_grad():
        for w in model.parameters():
            w[others] += 1.0
    after = model(joined, open)
    assert torch.equal(after.eta[lane], before.eta[lane]) and torch.equal(
        after.log_route[lane], before.log_route[lane]
    )


@many
@given(seeds, st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_lanes_can_be_taken(seed, lanes):
    model, joined, open, _ = scene(seed, lanes=4)
    some, whole = take_lanes(model, lanes)(joined[lanes], open[lanes]), model(joined, open)
    assert torch.allclose(some.eta, whole.eta[lanes], atol=1e-5) and torch.allclose(
        some.log_route, whole.log_route[lanes], atol=1e-5
    )


@many
@given(st.lists(st.sampled_from(ROUTES), min_size=1, unique=True), st.sampled_from(ROUTERS), seeds)
def test_only_the_routes_wanted(routes, router, seed):
    design = Design(routes=tuple(routes), router=router)
    model, joined, _, _ = scene(seed, design=design)
    assert set(routes) <= set(design.experts) and (model.router is None) == (
        len(design.experts) == 1
    )
    p = model(joined, torch.ones(2, 12, len(design.experts), dtype=torch.bool)).log_route.exp()
    wanted = torch.tensor([e in routes for e in design.experts])
    assert (p[..., ~wanted] == 0).all() and torch.allclose(p.sum(-1), torch.ones(()), atol=1e-5)


def test_open_routes_of_another_design_are_refused():
    model, joined, _, _ = scene(design=Design(routes=("N1/STL",)))
    with pytest.raises(ValueError, match="open: expected 1 columns .* got 8"):
        model(joined, torch.ones(2, 12, 8, dtype=torch.bool))


@pytest.mark.parametrize("hidden, axes", [(0, 1), (16, 0), (0, 0)])
def test_a_router_without_hidden_units_and_a_path_without_axes(hidden, axes):
    model, joined, open, y = scene(design=Design(hidden=hidden, axes=axes))
    assert likelihood_loss(model, model(joined, open), y).isfinite().all()


# training


def toy(n=240, seed=0, lanes=2, experts=8):
    "Half of the rows (a cue tells which) follow the numbers, the other half the text."
    g = generator(seed)
    x, t, cue = (
        torch.randn(n, 3, generator=g),
        torch.randn(n, 3, generator=g),
        torch.rand(n, generator=g) < 0.5,
    )
    y = torch.where(cue[:, None], x[:, :2], t[:, :2]) + 0.3 * torch.randn(n, 2, generator=g)
    rows = Rows(
        torch.cat([x, 2.0 * cue[:, None] - 1, t], dim=1),
        torch.ones(n, experts, dtype=torch.bool),
        y,
    )
    cut = 3 * n // 4
    return rows, Split(torch.arange(cut).expand(lanes, -1), torch.arange(cut, n).expand(lanes, -1))


def fresh(lanes=2, **design):
    return RoutedModel(Design(**design), Widths(4, 0, 3), PLAIN, range(lanes))


def same(a, b):
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


SHORT = Settings(steps=120, every=20)


@pytest.mark.parametrize("stop", [1, 19, 20, 21, 59, 60, 119, 120])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_resumes_to_the_bit(tmp_path, selection, stop):
    rows, split = toy()
    whole = fresh(selection=selection)
    run = train(whole, rows, split, SHORT)
    file = tmp_path / "run"
    train(
        fresh(selection=selection),
        rows,
        split,
        SHORT,
        session=Session(Checkpoint(file), stop_at=stop),
    )
    resumed = fresh(selection=selection)
    again = train(resumed, rows, split, SHORT, session=Session(Checkpoint(file)))
    assert same(whole, resumed) and [s for s, *_ in run.looks] == [s for s, *_ in again.looks]
    assert all(
        torch.equal(a, b)
        for (_, l, s), (_, m, t) in zip(run.looks, again.looks)
        for a, b in zip((l, *s), (m, *t))
    )


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "run"
    write_atomically(file, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as m:
            m.setattr(os, name, full)
            with pytest.raises(OSError):
                write_atomically(file, b"new")
        assert file.read_bytes() == b"old"
    write_atomically(file, b"new")
    assert file.read_bytes() == b"new" and [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    rows, split = toy()
    file = tmp_path_factory.mktemp("checkpoint") / "run"
    train(fresh(), rows, split, SHORT, session=Session(Checkpoint(file), stop_at=60))
    return file.read_bytes()


def refused(tmp_path, content, rows_split=None, settings=SHORT, prior=Prior(), model=None):
    file = tmp_path / "run"
    file.write_bytes(content)
    with pytest.raises(ValueError) as error:
        train(
            model or fresh(),
            *(rows_split or toy()),
            settings,
            prior,
            session=Session(Checkpoint(file)),
        )
    assert file.read_bytes() == content, "what was there stays"
    message = str(error.value)
    assert (
        "\n" not in message
        and message.startswith("checkpoint run: expected")
        and ", got" in message
    )
    return message


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: b"",
        lambda c: c[: len(c) // 2],
        lambda c: c[:-1],
        lambda c: b"\xff" * 100,
        lambda c: c + b"x",
    ],
    ids=["empty", "half", "cut", "noise", "longer"],
)
def test_unreadable_checkpoint(tmp_path, checkpoint, spoil):
    assert "unreadable" in refused(tmp_path, spoil(checkpoint))


def test_every_byte_of_a_checkpoint_counts(tmp_path, checkpoint):
    header = 8 + int.from_bytes(checkpoint[:8], "little")
    rng = np.random.default_rng(0)
    for at in [*rng.integers(8, header - 8, 20), *rng.integers(header, len(checkpoint), 10)]:
        content = bytearray(checkpoint)
        content[at] ^= 1
        refused(tmp_path, bytes(content))


def test_a_checkpoint_of_an_older_version(tmp_path, checkpoint):
    from safetensors.numpy import save
    from adaroute.checkpoint import _digest

    (tmp_path / "old").write_bytes(checkpoint)
    about, tensors = read_run(tmp_path / "old")
    del tensors["best_at"]
    about["digest"] = _digest(about, tensors)
    assert "older version" in refused(
        tmp_path,
        save({k: t.numpy() for k, t in tensors.items()}, metadata={"about": json.dumps(about)}),
    )


def test_foreign_safetensors_file(tmp_path):
    from safetensors.torch import save

    assert "another run" in refused(tmp_path, save({"w": torch.zeros(3)}))


def test_checkpoint_of_something_else(tmp_path, checkpoint):
    rows, split = toy()
    nudged = rows._replace(y=rows.y + 1e-6)
    other = Split(split.train.flip(1), split.valid)
    for change in (
        dict(rows_split=(nudged, split)),
        dict(rows_split=(rows, other)),
        dict(settings=Settings(steps=121, every=20)),
        dict(prior=Prior(heads=5.0)),
        dict(model=fresh(selection="soft")),
        dict(model=RoutedModel(Design(), Widths(4, 0, 3), PLAIN, [0, 2])),
    ):
        assert "another run" in refused(tmp_path, checkpoint, **change)


def test_checkpoint_in_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="expected a file in an existing folder, got 'run'"):
        train(fresh(), *toy(), SHORT, session=Session(Checkpoint(tmp_path / "absent" / "run")))


def test_nothing_global_is_touched():
    torch.manual_seed(3)
    np.random.seed(3)
    before, legacy, threads = torch.get_rng_state(), np.random.get_state(), torch.get_num_threads()
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            train(fresh(selection="hard"), *toy(), SHORT)
            assert torch.get_num_threads() == n
            with pytest.raises(IndexError):
                train(
                    fresh(),
                    toy()[0],
                    Split(torch.full((2, 50), 10**6), torch.zeros(2, 5, dtype=torch.long)),
                    SHORT,
                )
            assert torch.get_num_threads() == n, "also after an error"
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), before) and all(
        np.array_equal(a, b) for a, b in zip(np.random.get_state(), legacy)
    )


def test_same_bits_with_another_number_of_threads():
    before, models = torch.get_num_threads(), []
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            models.append(fresh())
            train(models[-1], *toy(), SHORT)
    finally:
        torch.set_num_threads(before)
    assert same(*models)


def fixed_router(favourite=0, **design):
    "A model whose router always takes one route."
    model = fresh(router="joint", **design)
    with torch.no_grad():
        model.router.bias[..., favourite] = 30.0
    return model


STILL = Settings(steps=20, every=20, lr=1e-9)


def test_the_alarm_sounds():
    with pytest.warns(UserWarning, match="collapsed in 2 of 2 trainings: it leaves routes unused"):
        train(fixed_router(), *toy(), STILL)


def test_the_alarm_is_silent_about_routes_that_nobody_could_take():
    rows, split = toy()
    numbers_only = rows._replace(
        open=torch.from_numpy(open_routes(np.tile([True, False], (len(rows.y), 1))))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(fresh(), numbers_only, split, STILL)
        train(fresh(routes=("N1/STL", "T2/MTL")), *toy(experts=4), STILL)
        for route in ("N1/STL", "T2/MTL"):
            train(fresh(routes=(route,)), *toy(experts=1), STILL)
        train(fresh(), rows, split, Settings(steps=400))


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("route", ROUTES)
def test_single_routes_learn(route, selection):
    model = fresh(routes=(route,), selection=selection)
    run = train(model, *toy(experts=1), Settings(steps=150))
    assert (
        model.router is None
        and (run.best_error < 0.95).all()
        and all(w.isfinite().all() for w in model.parameters())
    )


@settings(max_examples=12, deadline=None)
@given(seeds, KINDS, st.sampled_from(SELECTIONS))
def test_training_on_anything_stays_finite(seed, kinds, selection):
    model, joined, open, y = scene(
        seed, kinds, Design(selection=selection), lanes=1, rows=30, missing=0.6
    )
    rows, split = (
        Rows(joined[0], open[0], y[0]),
        Split(torch.arange(20)[None], torch.arange(20, 30)[None]),
    )
    run = train(model, rows, split, Settings(steps=30, every=10, lr=0.05))
    assert all(w.isfinite().all() for w in model.parameters()) and run.best_error.isfinite().all()
    for _, loss, seen in run.looks:
        assert loss.isfinite().all() and all(v.isfinite().all() for v in seen)


def test_all_warm_ends_with_the_last_weights():
    run = train(fresh(), *toy(), Settings(steps=60, warm=1.0, every=20))
    assert run.best_error.isfinite().all()


def test_best_weights_are_those_of_the_best_look():
    rows, split = toy()
    model = fresh()
    run = train(model, rows, split, SHORT)
    later = [seen.validation for step, _, seen in run.looks if step > SHORT.warm * SHORT.steps]
    assert torch.equal(run.best_error, torch.stack(later).amin(0))
    assert torch.allclose(
        look(model, gather(rows, split.valid), measure=False).validation, run.best_error
    )


@many
@given(seeds, st.floats(0, 1))
def test_closing_never_closes_the_last_route(seed, chance):
    g = generator(seed)
    open = torch.rand(2, 9, 8, generator=g) < 0.4
    left = close_some(open, torch.rand(2, 9, 8, generator=g), chance)
    assert (left <= open).all() and torch.equal(left.any(-1), open.any(-1))


@many
@given(seeds, st.integers(1, 4), st.integers(2, 40))
def test_prediction_error_is_one_minus_r2(seed, K, n):
    from sklearn.metrics import r2_score

    g = generator(seed)
    y, mean = torch.randn(n, K, generator=g), torch.randn(n, K, generator=g)
    assert torch.isclose(
        prediction_error(mean, y),
        torch.tensor(1 - r2_score(y.numpy(), mean.numpy())).float(),
        rtol=1e-3,
    )


@many
@given(st.integers(1, 5000), st.one_of(st.none(), st.integers(1, 500)))
def test_batches_fit_the_rows(rows, batch):
    assert 1 <= batch_size(Settings(batch=batch), rows) <= rows


def test_orders_are_permutations():
    train_rows = torch.stack([torch.arange(10, 30), torch.arange(40, 60)])
    order = lane_orders([generator(0), generator(0)], train_rows)
    assert torch.equal(order.sort(dim=1).values, train_rows) and torch.equal(
        order[0] - 10, order[1] - 40
    )


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Settings(steps=1.5), "steps"),
        (lambda: Settings(every=0), "every"),
        (lambda: Settings(lr=-1), "lr"),
        (lambda: Settings(close=2), "close"),
        (lambda: Settings(temperature=(1.0, 0.0)), "temperature"),
        (lambda: Prior(axis=math.nan), "axis"),
        (lambda: Prior(router="x"), "router"),
        (lambda: Design(trunk=0), "trunk"),
        (lambda: Design(hidden=-1), "hidden"),
        (lambda: Design(routes=()), "routes"),
        (lambda: Design(router=None), "router"),
    ],
)
def test_impossible_choices(make, words):
    with pytest.raises(ValueError, match=f"{words}.*expected .*got"):
        make()


def test_a_closed_route_does_not_spoil_the_pressure():
    "Terms against collapse and indecision have a gradient where half of the routes are closed."
    logits = torch.zeros(1, 5, 8, requires_grad=True)
    half = (torch.arange(8) < 4).expand(1, 5, 8)
    forecast = Forecast(torch.zeros(1, 5, 8, 1), closed_log_softmax(logits, half))
    training._press_usage(forecast, Settings(balance=1.0, entropy=1.0)).sum().backward()
    assert logits.grad.isfinite().all()


# what the chapters on model and training had as examples

TWO = OutcomeScale({"phq9": "regression", "gad7": "regression"}, (0.0, 0.0), (1.0, 1.0), (0, 0))
SIZES = Widths(5, 2, 6)
ALL_OPEN = torch.ones(3, 40, 8, dtype=torch.bool)


def three_lanes(scale=TWO, **design):
    return RoutedModel(Design(**design), SIZES, scale, seeds=[0, 1, 2])


@pytest.fixture
def drawn():
    "Evidence and outcomes of forty rows for each of three lanes."
    g = torch.Generator().manual_seed(1)
    return torch.randn(3, 40, SIZES.total, generator=g), torch.randn(3, 40, 2, generator=g)


def test_hard_draws_follow_the_router():
    log_p = torch.tensor([0.75, 0.25]).log()
    u = torch.rand(20_000, 2, generator=torch.Generator().manual_seed(0))
    first = (log_p - torch.log(-torch.log(u))).argmax(dim=-1) == 0
    assert abs(first.float().mean() - 0.75) < 0.01


@pytest.mark.parametrize(
    "loss, without",
    [
        (lambda m, f, y: likelihood_loss(m, f, y), ["heads.cuts"]),
        (lambda m, f, y: soft_loss(m, f, y), ["heads.log_sd", "heads.tie", "heads.cuts"]),
        (
            lambda m, f, y: hard_loss(m, f, y, torch.zeros(3, 40, 8), 0.5),
            ["heads.log_sd", "heads.tie", "heads.cuts"],
        ),
    ],
    ids=["likelihood", "soft", "hard"],
)
def test_a_loss_reaches_all_that_it_can_depend_on(drawn, loss, without):
    "Thresholds belong to ordinal tasks; soft and hard have no noise model."
    rows, y = drawn
    model = three_lanes()
    for w in model.parameters():
        w.data += 0.1 * torch.randn(w.shape, generator=torch.Generator().manual_seed(2))
    loss(model, model(rows, ALL_OPEN), y).sum().backward()
    trained = [(n, p.grad) for n, p in model.named_parameters() if p.requires_grad]
    assert [n for n, grad in trained if grad is None or (grad == 0).all()] == without


def test_a_closed_route_learns_nothing(drawn):
    rows, y = drawn
    numbers_only, blind, model = ALL_OPEN.clone(), rows.clone(), three_lanes()
    numbers_only[..., 2:] = False
    blind[..., 7:] = 0.0
    forecast = model(blind, numbers_only)
    likelihood_loss(model, forecast, y).sum().backward()
    assert (model.paths.on_text.grad == 0).all() and (model.paths.on_numbers.grad != 0).any()
    assert (forecast.log_route.exp()[..., 2:] == 0).all()


def test_with_one_outcome_a_route_for_each_is_a_route_for_all(drawn):
    rows, y = drawn
    single = OutcomeScale({"phq9": "regression"}, (0.0,), (1.0,), (0,))
    models = [three_lanes(single, route_per=per) for per in ("sample", "sample_task")]
    with torch.no_grad():
        losses = [likelihood_loss(m, m(rows, ALL_OPEN), y[..., :1]) for m in models]
    assert torch.allclose(*losses, atol=1e-5)


def test_a_spare_answers_where_its_path_alone_is_open(drawn):
    rows, _ = drawn
    spared, plain = three_lanes(), three_lanes()
    corner = Design(routes=("N1/STL", "N1/MTL"))
    spared.spares["N1"] = RoutedModel(corner, SIZES, TWO, seeds=[7, 8, 9])
    # the first row has everything, the others numbers alone
    open_ = ALL_OPEN & ((torch.arange(40)[:, None] < 1) | (torch.arange(8) < 2))
    answer, own = spared(rows, open_), spared.spares["N1"](rows, open_[..., :2])
    assert torch.equal(answer.eta[:, 1:, :2], own.eta[:, 1:])
    assert torch.equal(answer.log_route[:, 1:, :2], own.log_route[:, 1:])
    assert torch.allclose(answer.eta[:, 0], plain(rows, ALL_OPEN).eta[:, 0], atol=1e-6)
    third = take_lanes(spared, [2])(rows[2:], open_[2:])
    assert torch.allclose(third.eta, answer.eta[2:], atol=1e-5)


def test_lanes_do_not_disturb_each_other():
    "Products of another size may round differently in the last digit."
    rows, split = toy()
    short = Settings(steps=50)
    alone, together = RoutedModel(Design(), Widths(4, 0, 3), PLAIN, [1]), fresh(2)
    for model, part in ((alone, slice(1, 2)), (together, slice(2))):
        lanes = Split(split.train[part], split.valid[part])
        train(model, rows, lanes, short, session=Session(stop_at=40))
    for a, b in zip(alone.parameters(), together.parameters()):
        assert torch.allclose(a[0], b[1], atol=1e-4)


def test_experts_rest_when_the_router_learns_alone():
    rows, split = toy()
    how = Settings(steps=100, warm=0.5, joint=False)
    halfway, whole = fresh(), fresh()
    train(halfway, rows, split, how, session=Session(stop_at=50))
    after_warm = halfway.heads.own.detach().clone()
    train(whole, rows, split, how)
    assert torch.equal(whole.heads.own, after_warm) and (whole.router.linear != 0).any()
