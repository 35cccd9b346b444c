"""The formats on disk as docs/formats.md writes them down: vectors that do not move, and a reader
that knows nothing of this package."""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import adaroute
from rechain import planned

TESTS = Path(__file__).resolve().parent
DOCS = TESTS.parent / "docs"
VECTORS = sorted(p.name for p in (DOCS / "vectors").glob("*.json"))
CHECKER = DOCS / "check_vectors.py"


def load(file: Path):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def checker():
    return load(CHECKER)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    load(DOCS / "make_vectors.py").write_vectors(folder)
    return folder


def test_there_is_a_vector_for_each_format(checker):
    assert VECTORS == sorted(f"{name}.json" for name in checker.CHECKS)
    assert len(VECTORS) == 9


@pytest.mark.parametrize("name", VECTORS)
def test_the_package_still_writes_the_vectors(made, name):
    assert (made / name).read_text("utf-8") == (DOCS / "vectors" / name).read_text("utf-8")


def test_a_stranger_comes_to_the_same():
    "Without site-packages, so without this package, NumPy and torch."
    command = [sys.executable, "-I", "-S", str(CHECKER)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert done.stdout.splitlines()[-1].endswith("looked at, 0 of them another")


def altered(value, path=()):
    "The same with one leaf changed, for each leaf: where, and the whole."
    if isinstance(value, dict):
        for key in value:
            for where, other in altered(value[key], (*path, key)):
                yield where, {**value, key: other}
    elif isinstance(value, list):
        for i, one in enumerate(value):
            for where, other in altered(one, (*path, i)):
                yield where, value[:i] + [other] + value[i + 1 :]
    elif isinstance(value, bool) or value is None:
        yield path, "another"
    elif isinstance(value, (int, float)):
        yield path, value + 1
    else:
        yield path, "7" + value[1:] if value[:1] != "7" else "8" + value[1:]


def passes(check, vector) -> bool:
    try:
        return all(good for _, good in check(vector))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return False


# What a vector only tells: what NumPy drew its rows from, the form of a nonce, names of groups that
# are as good as others, and text that is refused whatever it says.
TOLD = {
    "plan": ("lanes", "format", "source", "groups", "k", "share"),
    "canonical": ("not_canonical",),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_change_anywhere_is_noticed(checker, name):
    stem = name.removesuffix(".json")
    vector, check = json.loads((DOCS / "vectors" / name).read_text("utf-8")), checker.CHECKS[stem]
    assert passes(check, vector)
    unseen = [where for where, other in altered(vector) if passes(check, other)]
    assert [where for where in unseen if not {*where} & {*TOLD.get(stem, ())}] == []


def test_proofs_of_positions_outside_are_refused(checker):
    vector = json.loads((DOCS / "vectors/commitment.json").read_text("utf-8"))
    one, filed = vector["proofs"][3], vector["committed"]["commitment"]
    for position in (-1, filed["count"], 4):
        proof = one["proof"] | dict(position=position)
        assert checker.proof_leads_to(proof, one["record"], filed["count"]) != filed["root"]
    for count in (4, 9):  # whose paths have other lengths
        assert checker.proof_leads_to(one["proof"], one["record"], count) != filed["root"]


def test_the_page_names_every_format_that_the_package_writes():
    "A format with a number in the code and not on the page would be one that nobody can verify."
    package, page = Path(adaroute.__file__).parent, (DOCS / "formats.md").read_text("utf-8")
    found = {
        name
        for file in package.rglob("*.py")
        for name in re.findall(r"adaroute-[a-z]+-\d", file.read_text("utf-8"))
    }
    assert len(found) >= 7
    assert not {name for name in found if name not in page}


# A run, read with the page alone.


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("format") / "run"
    planned(folder, members=2, starts=2, groups=[f"p{i // 3}" for i in range(80)])
    return folder


@pytest.fixture(scope="module")
def lines(run):
    return [json.loads(line) for line in (run / "transcript.jsonl").read_bytes().splitlines()]


def test_a_stranger_reads_a_run(run):
    command = [sys.executable, "-I", "-S", str(CHECKER), str(run)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "same    seed\n" in done.stdout and "same    rows that trained\n" in done.stdout


@pytest.mark.parametrize(
    "old", sorted((TESTS / "pins").glob("*/run")), ids=lambda run: run.parent.name
)
def test_a_stranger_reads_the_runs_of_earlier_versions(checker, old):
    assert [what for what, good in checker.check_run(old) if not good] == []


def test_there_are_runs_of_earlier_versions():
    assert list((TESTS / "pins").glob("*/run/transcript.jsonl"))


@pytest.mark.parametrize(
    "name",
    [
        "rows.json",
        "groups.json",
        "plan.json",
        "nonce.json",
        "model/model.json",
        "segments/main-000010.safetensors",
        "transcript.jsonl",
    ],
)
def test_a_stranger_sees_another_byte(checker, run, name):
    content = (run / name).read_bytes()
    at = content.rindex(b"1")
    try:
        (run / name).write_bytes(content[:at] + b"2" + content[at + 1 :])
        assert not passes(checker.check_run, run)
    finally:
        (run / name).write_bytes(content)
    assert passes(checker.check_run, run)


def lane_rows(groups: np.ndarray, members: int, starts: int, share: float, seed: int) -> list:
    "Section 5.7 of the page."
    rng, size, n = np.random.default_rng(seed), np.bincount(groups), len(groups)
    wanted, queue, parts = min(max(round(share * n), 1), n - 1), [], []
    for _ in range(members):
        if not queue or 2 * len(queue) < share * len(size):
            drawn = rng.permutation(len(size)).tolist()
            queue += [g for g in drawn if g not in queue and 2 * size[g] <= n]
        taken = []
        while queue and size[taken].sum() < wanted and len(taken) < len(size) - 1:
            taken.append(queue.pop(0))
        parts.append(np.isin(groups, taken))
    pairs = [(rng.permutation(np.flatnonzero(~part)), np.flatnonzero(part)) for part in parts]
    cut = [min(len(pair[i]) for pair in pairs) for i in (0, 1)]
    return [[pair[i][: cut[i]] for pair in pairs for _ in range(starts)] for i in (0, 1)]


def digest_of(checker, *arrays) -> str:
    names = {"f4": "float32", "i8": "int64", "b1": "bool", "u1": "uint8", "f8": "float64"}
    arrays = [np.ascontiguousarray(a) for a in map(np.asarray, arrays)]
    told = [(f"torch.{names[a.dtype.str[1:]]}", a.shape, a.tobytes()) for a in arrays]
    return checker.tensors_digest(told)


def test_rows_and_batches_follow_as_the_page_says(checker, run, lines):
    rows, begin = json.loads((run / "rows.json").read_text()), lines[0]
    lane_line = next(line for line in lines if line["kind"] == "lanes")
    groups = np.array(rows["groups"])
    train, valid = lane_rows(groups, 2, 2, begin["config"]["validation"], begin["seed"])
    assert digest_of(checker, np.stack(train)) == lane_line["train"]
    assert digest_of(checker, np.stack(valid)) == lane_line["valid"]
    generators = [torch.Generator().manual_seed(int(s) + 2**32) for s in lane_line["seeds"]]
    order = [
        own[torch.randperm(len(own), generator=g).numpy()] for g, own in zip(generators, train)
    ]
    segment = load_file(run / "segments/main-000000.safetensors")
    assert np.array_equal(segment["order"].numpy(), np.stack(order))
    vector = json.loads((DOCS / "vectors/plan.json").read_text("utf-8"))["lanes"]
    again = lane_rows(np.array(vector["codes"]), 2, 2, 0.2, vector["seed"])
    for part, name in zip(again, ("train", "valid")):
        assert np.stack(part).tolist() == vector[name]


def test_the_first_round_is_cut_into_batches_as_the_page_says(checker, run, lines):
    first = next(line for line in lines if line["kind"] == "segment" and line["stop"] == 10)
    lane_line = next(line for line in lines if line["kind"] == "lanes")
    groups = np.array(json.loads((run / "rows.json").read_text())["groups"])
    train, _ = lane_rows(groups, 2, 2, lines[0]["config"]["validation"], lines[0]["seed"])
    n = len(train[0])
    size = min(min(max(n // 40, 32), 128), n)
    assert n // size == 1  # so every step begins a round
    generators = [torch.Generator().manual_seed(int(s) + 2**32) for s in lane_line["seeds"]]
    batches, drawn = [], 8
    for step in range(10):
        order = [
            own[torch.randperm(n, generator=g).numpy()][:size] for g, own in zip(generators, train)
        ]
        batches.append(np.stack(order))
        for g in generators:
            if 0.1 <= step / 24 < 0.5:
                torch.rand(size, drawn, generator=g)
    assert digest_of(checker, *batches) == first["batches"]
    states = [g.get_state().numpy() for g in generators]
    assert digest_of(checker, *states) == first["generators"]


def test_weights_and_prepared_parts_have_the_digests_of_the_page(checker, run, lines):
    about = json.loads((run / "model/model.json").read_text())
    tensors = {n: t.numpy() for n, t in load_file(run / "model/weights.safetensors").items()}
    finished = next(line for line in lines if line["kind"] == "finished")
    for name, short in finished["weights"].items():
        assert digest_of(checker, tensors[f"model.{name}"])[:8] == short
    for line in lines:
        if line["kind"] != "segment":
            continue
        state = load_file(run / f"segments/main-{line['stop']:06d}.safetensors")
        for name, short in line["weights"].items():
            assert digest_of(checker, state[f"model.{name}"].numpy())[:8] == short
    arrays = [tensors[n] for n in sorted(tensors) if n.startswith("encoder.")]
    encoder = short_sum(about["encoder"]) + digest_of(checker, *arrays)[:8]
    scale = short_sum(about["scale"] | dict(tasks=dict(about["scale"]["tasks"])))
    assert (encoder, scale) == (lines[2]["encoder"], lines[2]["scale"])


def short_sum(value) -> str:
    "Section 8.3 of the page."
    alike = json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True)
    return hashlib.sha256(alike.encode()).hexdigest()[:24]


def test_best_weights_lie_where_the_page_says(run, lines):
    stops = [line["stop"] for line in lines if line["kind"] == "segment"]
    files = {s: load_file(run / f"segments/main-{s:06d}.safetensors") for s in stops}
    last, kept = files[stops[-1]], load_file(run / "model/weights.safetensors")
    seeds = next(line for line in lines if line["kind"] == "lanes")["seeds"]
    about = json.loads((run / "model/model.json").read_text())
    for member, seed in enumerate(about["seeds"]):
        lane = seeds.index(str(seed))
        own = files[int(last["best_at"][lane])]
        for name in ("heads.own", "router.out", "paths.on_text"):
            assert torch.equal(own[f"model.{name}"][lane], kept[f"model.{name}"][member])
