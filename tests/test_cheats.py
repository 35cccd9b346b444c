"""Cheats: thirteen folders that claim an honest run wherever a claim can be repaired, and hold another one."""

import hashlib
import json

import pytest
import torch
from safetensors.torch import load_file

from adaroute import estimator, training
from adaroute.lab import liar
from adaroute.lab.cheats import CHEATS, VARIANTS
from adaroute.lab.liar import cheat_world, honest, rechain
from adaroute.provenance.commitment import commit_records
from adaroute.estimator import AdaRoute
from adaroute.provenance.plan import derive_seed, group_codes, load_nonce, load_plan, model_seed
from adaroute.saving import FILES
from adaroute.provenance.transcript import (
    file_digests,
    read_segment,
    read_transcript,
    segment_file,
    short_digests,
    tensor_digest,
    transcript_head,
)

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")
NAMES = (
    "addition",
    "subtraction",
    "replacement",
    "gluing",
    "interpolation",
    "forged data",
    "batch order",
    "crafted initial weights",
    "hyper-parameter lie",
    "label edit",
    "split tampering",
    "router-state tampering",
    "salt swap",
)
STEPS, EVERY = 60, 15
# What each kind of line owes to the weights; all the rest equals the honest line.
OWED = {
    "begin": (),
    "environment": (),
    "prepared": (),
    "lanes": (),
    "finished": ("weights",),
    "model": ("files",),
    "segment": ("weights", "file", "loss", "validation", "usage"),
}
ALIKE = {
    "plan.json",
    "nonce.json",
    "groups.json",
    "rows.json",
    "leaves.bin",
}  # files that are the same to the byte


@pytest.fixture(scope="module")
def world():
    return cheat_world(101, n=160, members=2, steps=STEPS, every=EVERY)


@pytest.fixture(scope="module")
def made(world, tmp_path_factory):
    "Folder and what is shown with it, by name of the cheat."
    home, done = tmp_path_factory.mktemp("cheats"), {}

    def make(name, **how):
        key = name + json.dumps(how)
        if key not in done:
            folder = home / str(len(done))
            done[key] = folder, (CHEATS[name] if name in CHEATS else honest)(world, folder, **how)
        return done[key]

    return make


def state(folder, step):
    return read_segment(segment_file(folder, "main", step))[1]


def moved(a, b):
    return max(float((a[k] - b[k]).abs().max()) for k in a if k.startswith("model."))


def root(world, shown):
    return commit_records(shown.frame, world.schema, shown.key, shown.ids, shown.groups).root


def own_parts(name, line):
    "A line without what follows from weights."
    first = (
        line["kind"] == "segment" and line["stop"] == 0
    )  # the first weights are claimed as derived
    return {
        k: v for k, v in line.items() if k != "before" and (first or k not in OWED[line["kind"]])
    }


def test_the_thirteen():
    assert tuple(CHEATS) == NAMES == tuple(VARIANTS)


def test_a_world_is_what_it_was_planned_to_be(world):
    again = cheat_world(101, n=160, members=2, steps=STEPS, every=EVERY)
    assert (
        again.plan == world.plan
        and again.key == world.key
        and root(world, world) == world.plan.commitment["root"]
    )
    assert len(set(world.groups)) < len(world.groups) == len(set(world.ids)) == 160
    assert cheat_world(102, n=160).plan.digest != world.plan.digest and not set(
        world.frame.columns
    ) & {"ids", "groups"}


@pytest.mark.parametrize("name", NAMES)
def test_claims_are_the_honest_ones(made, world, name):
    (folder, shown), (true, _) = made(name), made("honest")
    lines, honest_lines = read_transcript(folder), read_transcript(true)
    assert [own_parts(name, line) for line in lines] == [
        own_parts(name, line) for line in honest_lines
    ]
    for file in ALIKE:
        assert (folder / file).read_bytes() == (true / file).read_bytes()
    assert (
        load_plan(folder) == world.plan
        and load_nonce(folder) == world.nonce
        and lines[0]["seed"] == model_seed(derive_seed(world.plan, world.nonce))
    )
    assert {p.relative_to(folder) for p in folder.rglob("*")} == {
        p.relative_to(true) for p in true.rglob("*")
    }
    assert shown.cheat == name and not [
        p for p in folder.rglob("*.*") if world.key in p.read_bytes()
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_agrees_with_itself(made, name):
    folder, _ = made(name)
    lines = read_transcript(folder)
    for line in lines:
        if line["kind"] != "segment":
            continue
        file = segment_file(folder, "main", line["stop"])
        assert hashlib.sha256(file.read_bytes()).hexdigest() == line["file"]
        assert {
            n[6:]: tensor_digest(t)[:8]
            for n, t in load_file(file).items()
            if n.startswith("model.")
        } == line["weights"]
    assert lines[-1]["files"] == file_digests(folder / "model") and set(lines[-1]["files"]) == set(
        FILES
    )
    last, saved = state(folder, STEPS), AdaRoute.load(folder / "model").model_
    assert short_digests(saved) == lines[-2]["weights"]
    best = {
        n: p for n, p in saved.named_parameters() if n != "trust"
    }  # which is learned after the last segment
    assert all(torch.equal(last[f"best.{n}"], p) for n, p in best.items())


@pytest.mark.parametrize("name", [n for n in NAMES if n != "salt swap"])
def test_weights_are_others(made, name):
    (folder, _), (true, _) = made(name), made("honest")
    assert moved(state(folder, STEPS), state(true, STEPS)) > 1e-4
    a, b = (
        AdaRoute.load(f / "model").model_ for f in (folder, true)
    )  # a later tampering may come after the best look
    assert name == "router-state tampering" or any(
        not torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters())
    )
    for step in range(0, STEPS + 1, EVERY):
        mine, theirs = state(folder, step), state(true, step)
        assert {k: t.shape for k, t in mine.items()} == {k: t.shape for k, t in theirs.items()}
        assert all(
            torch.equal(mine[k], theirs[k])
            for k in mine
            if k.startswith(("generator.", "order", "model.start"))
        )


def test_a_salt_swap_is_an_honest_run(made, world):
    (folder, shown), (true, _) = made("salt swap"), made("honest")
    assert transcript_head(folder) == transcript_head(true)
    other = [i for i in range(160) if shown.ids[i] != world.ids[i]]
    assert (
        len(other) == 2
        and shown.groups[other[0]] == world.groups[other[1]]
        and root(world, shown) != world.plan.commitment["root"]
    )
    assert (group_codes(shown.groups) == group_codes(world.groups)).all()
    assert made("salt swap", variant="key")[1].key != world.key


def test_forged_rows_do_not_lead_to_the_root(made, world):
    for how in ({}, dict(variant="trained")):
        folder, shown = made("forged data", **how)
        assert root(world, shown) != world.plan.commitment["root"] and shown.ids == world.ids
        assert shown.frame.drop(columns=list(world.schema.tasks)).equals(
            world.frame.drop(columns=list(world.schema.tasks))
        )
    assert (
        read_transcript(folder)[2]["outcomes"] != read_transcript(made("honest")[0])[2]["outcomes"]
    )


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("forged data", "salt swap")])
def test_the_auditor_gets_the_committed_table(made, world, name):
    shown = made(name)[1]
    assert shown.frame is world.frame and root(world, shown) == world.plan.commitment["root"]


@pytest.mark.parametrize(
    "name,first",
    [
        ("gluing", STEPS),
        ("router-state tampering", 45),
        ("crafted initial weights", EVERY),
        ("interpolation", EVERY),
    ],
)
def test_where_the_two_runs_part(made, name, first):
    (folder, _), (true, _) = made(name), made("honest")
    parted = [s for s in range(0, STEPS + 1, EVERY) if moved(state(folder, s), state(true, s)) > 0]
    assert parted == list(range(first, STEPS + 1, EVERY))


def test_interpolation_is_a_straight_line(made):
    a, b, c = (state(made("interpolation")[0], s) for s in (0, 30, STEPS))
    assert all(
        torch.allclose(2 * b[n], a[n] + c[n], atol=1e-5) for n in a if n.startswith("model.")
    )


def test_traces_are_those_of_the_rows_that_were_used(made, world):
    said = {
        name: state(made(name)[0], EVERY)
        for name in (
            "honest",
            "label edit",
            "replacement",
            "batch order",
            "addition",
            "hyper-parameter lie",
        )
    }
    first = lambda name, what: said[name][f"trace.{what}"][0]
    same = lambda name, what: torch.isclose(first(name, what), first("honest", what), atol=1e-5)
    assert same("label edit", "said").all() and same("label edit", "loss").float().mean() > 0.5
    assert 0.5 < same("replacement", "said").float().mean()
    assert same("batch order", "said").float().mean() < 0.3
    for name in ("addition", "hyper-parameter lie"):
        assert same(name, "said").all() and same(name, "loss").all()


@pytest.mark.parametrize(
    "name,how",
    [
        (n, h)
        for n, hows in VARIANTS.items()
        for h in hows
        if (n, h) != ("forged data", dict(variant="trained"))
    ],
    ids=str,
)
def test_variants_are_seen_in_the_weights(made, world, name, how):
    (folder, _), (true, _) = made(name, **how), made("honest")
    lines, honest_lines = read_transcript(folder), read_transcript(true)
    strip = lambda line: {
        k: v for k, v in line.items() if k != "before" and k not in OWED[line["kind"]]
    }
    assert [strip(line) for line in lines] == [strip(line) for line in honest_lines]
    last = [state(f, STEPS) for f in (folder, true)]
    tilted = how == dict(variant="last")  # after the last segment: in the saved model alone
    assert name == "salt swap" or tilted != any(
        not torch.equal(last[0][n], last[1][n]) for n in last[0] if n.startswith("model.")
    )
    assert not tilted or lines[-2]["weights"] != honest_lines[-2]["weights"]
    if how == dict(variant="file"):
        assert (
            lines[4]["weights"] == honest_lines[4]["weights"]
            and lines[4]["file"] != honest_lines[4]["file"]
        )
    if how == dict(variant="open"):
        assert lines[4]["weights"] != honest_lines[4]["weights"]


def test_cheats_leave_training_as_it_was(made, world, tmp_path):
    for name in NAMES:
        made(name)
    assert (
        training.take_step is liar.take_step
        and training.gather is liar.gather
        and estimator._watch_of.__module__ == "adaroute.estimator"
    )
    honest(world, tmp_path / "again")
    assert transcript_head(tmp_path / "again") == transcript_head(made("honest")[0])


def test_a_cheat_of_the_same_seed_is_the_same(made, world, tmp_path):
    CHEATS["addition"](world, tmp_path)
    assert transcript_head(tmp_path) == transcript_head(made("addition")[0])


def test_a_chain_can_be_made_again(made, tmp_path):
    lines = read_transcript(made("honest")[0])
    rechain(tmp_path, lines)
    assert transcript_head(tmp_path) == transcript_head(made("honest")[0])
    rechain(tmp_path, [*lines[:3], *lines[4:]])
    assert len(read_transcript(tmp_path)) == len(lines) - 1


def test_other_models_can_be_cheated_with(tmp_path):
    hard = cheat_world(103, n=120, steps=20, every=10, selection="hard")
    honest(hard, tmp_path / "honest")
    for name, how in (
        ("addition", {}),
        ("hyper-parameter lie", dict(variant="temperature")),
        ("router-state tampering", {}),
    ):
        CHEATS[name](hard, tmp_path / name, **how)
        mine, theirs = (state(tmp_path / f, 20) for f in (name, "honest"))
        assert moved(mine, theirs) > 0 and all(
            torch.equal(mine[k], theirs[k]) for k in mine if k.startswith("generator.")
        )
    per_outcome = cheat_world(104, n=120, steps=20, every=10, route_per="sample_task")
    for name in ("router-state tampering", "gluing"):
        assert CHEATS[name](per_outcome, tmp_path / f"per {name}").cheat == name
    assert state(tmp_path / "per gluing", 20)["model.router.routers.0.bias"].isfinite().all()
