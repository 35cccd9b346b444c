"""A third party's verifier of levels 0 and 1, written from docs/formats.md alone: no line of adaroute.

    python tests/tiny_verifier.py RUN [LEDGER]

Python's standard library reads, chains and hashes; NumPy draws the rows and torch the order of the
batches, since that is whose generators the format names. Canonical JSON is `rfc8785` where it is
installed, else ten lines of ours. Prints what is wrong, and exits with 1 if anything is.
"""

import hashlib
import hmac
import json
import sys
import unicodedata
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load

try:
    from rfc8785 import dumps as write
except ImportError:

    def write(value) -> bytes:
        "Canonical JSON of what stands in these files: floats of moderate size, ASCII keys."
        if isinstance(value, float) and value == value // 1 and abs(value) < 2**53:
            value = int(value)
        if isinstance(value, dict):
            pairs = (write(k) + b":" + write(value[k]) for k in sorted(value))
            return b"{" + b",".join(pairs) + b"}"
        if isinstance(value, list):
            return b"[" + b",".join(map(write, value)) + b"]"
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        if isinstance(value, float):
            head, _, power = text.partition("e")
            if power and -7 < int(power) < 0:  # JavaScript writes these without an exponent
                text = f"{value:.{-int(power) + len(head.partition('.')[2])}f}"
            elif power:
                text = f"{head}e{int(power):+d}"
        return text.encode()


class Wrong(Exception):
    "What is not as claimed."


def need(good, what: str) -> None:
    if not good:
        raise Wrong(what)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def parse(content: bytes, what: str):
    value = json.loads(content)
    need(write(value) == content, f"{what}: not canonical")
    return value


def tensor_digest(*arrays) -> str:
    h = hashlib.sha256()
    for a in map(np.ascontiguousarray, arrays):
        h.update(f"('torch.{a.dtype.name}', {a.shape!r})".encode() + a.tobytes())
    return h.hexdigest()


def short(weights: dict) -> dict:
    return {name: tensor_digest(a)[:8] for name, a in weights.items()}


def of_model(tensors: dict) -> dict:
    return {n[6:]: a for n, a in tensors.items() if n.startswith("model.")}


# Level 0

AFTER = {
    None: "begin", "begin": "environment", "environment": "prepared", "prepared": "lanes",
    "lanes": "segment", "segment": "segment finished", "finished": "lanes model", "model": "",
}  # fmt: skip


SOLVED = "adaroute-transcript-3"
FEWEST_MOST = {  # rounds of a stage, by start
    (1, "paths"): (9, 14), (1, "routes"): (7, 18), (2, "paths"): (14, 14), (2, "routes"): (9, 18),
    (0, "routes"): (6, 6),  # with all rows, after starts that saw a sample
}  # fmt: skip
AFTER_PART = {
    "start 1": ["start 2", "kept"], "start 2": ["kept"], "all rows": ["fold 1", "main"],
    "fold 1": ["fold 2"], "fold 2": ["fold 3"], "fold 3": ["guard"],
}  # fmt: skip
AFTER_KIND = {
    "begin": ["environment"], "environment": ["prepared"], "prepared": ["start 1", "main"],
    "kept": [("all rows", "routes", 1), "fold 1", "main"], "guard": ["main"], "main": ["spare N1", "spare T1", "model"],
    "spare N1": ["spare T1", "model"], "spare T1": ["model"], "model": [],
}  # fmt: skip
FIELDS = {
    "round": {"part", "stage", "round", "score", "noise", "digest"},
    "kept": {"start", "digest"}, "guard": {"shares", "corner", "digest"},
}  # fmt: skip


def check_order_of_rounds(lines: list[dict]) -> None:
    "The lines of a run in closed form stand in an order that its schedule allows."
    wanted, kept, last = ["begin"], 1, {}
    for line in lines:
        kind = line["kind"]
        if kind in FIELDS:
            need(set(line) == FIELDS[kind] | {"kind", "before"}, "transcript: fields")
        name = line["run"] if kind == "finished" else kind
        if kind != "round":
            need(name in wanted, "transcript: order of lines")
            kept = line.get("start", kept)
            wanted = AFTER_KIND[name]
            continue
        place = part, stage, number = line["part"], line["stage"], line["round"]
        begins = stage == "paths" and number == 1 and part in wanted
        need(begins or place in wanted, "transcript: order of rounds")
        start = int(part[-1]) if part.startswith("start") else kept
        fewest, most = FEWEST_MOST[0 if part == "all rows" else start, stage]
        wanted = [(part, stage, number + 1)] if number < most else []
        if number >= fewest:
            wanted += [(part, "routes", 1)] if stage == "paths" else AFTER_PART[part]
        if part.startswith("start"):
            last[part] = line["score"]
    need(not wanted, "transcript: end")
    if last:
        best = max(last, key=lambda part: (last[part], part == "start 1"))
        need(best == f"start {kept}", "kept start")


def read_lines(folder: Path) -> tuple[list[dict], str]:
    "The lines of a transcript, chained and in their order; the head."
    raw, before, last, lines = (
        (folder / "transcript.jsonl").read_bytes().split(b"\n"),
        "0" * 64,
        None,
        [],
    )
    need(raw.pop() == b"", "transcript: a part of a line at the end")
    for one in raw:
        line = parse(one, "transcript")
        need(line["before"] == before, "transcript: chain")
        lines.append(line)
        solved = lines[0]["format"] == SOLVED
        need(solved or line["kind"] in AFTER[last].split(), "transcript: order of lines")
        before, last = sha(one + b"\n"), line["kind"]
    need(
        last == "model" and lines[0]["format"] in ("adaroute-transcript-2", SOLVED),
        "transcript: end, format",
    )
    if solved:
        check_order_of_rounds(lines)
    of_learner = lines[0]["config"].get("learner") == "closed_form", "solver" in lines[1]
    need({*of_learner, "steps" not in lines[2]} == {solved}, "transcript: learner")
    return lines, before


def check_segments(folder: Path, lines: list[dict]) -> None:
    promised = {}
    for line in lines:
        if line["kind"] == "segment":
            promised[f"{line['run'].replace(' ', '-')}-{line['stop']:06d}.safetensors"] = line
    there = (
        {p.name for p in (folder / "segments").glob("[!.]*")}
        if (folder / "segments").exists()
        else set()
    )
    need(there <= set(promised), "segments: a stranger")
    for name in there:
        content, line = (folder / "segments" / name).read_bytes(), promised[name]
        need(sha(content) == line["file"], f"{name}: digest")
        tensors = load(content)
        need(short(of_model(tensors)) == line["weights"], f"{name}: weights")
        if line["stop"]:
            states = [tensors[f"generator.{i}"] for i in range(len(tensors["best_at"]))]
            need(tensor_digest(*states) == line["generators"], f"{name}: generators")
            for field in ("loss", "validation"):
                seen = tensors[f"look.{field}"][-1].tolist()
                need([float(f"{x:.6g}") for x in seen] == line[field], f"{name}: {field}")


KEYS = """format params schema encoder factor fallback scale extras design widths seeds spares
validation_error arrays""".split()


def check_model(folder: Path, lines: list[dict]) -> None:
    files = {n: (folder / "model" / n).read_bytes() for n in ("model.json", "weights.safetensors")}
    need(
        {n: sha(c) for n, c in files.items()} == lines[-1]["files"],
        "model: digests of the last line",
    )
    need(
        json.loads((folder / "model/manifest.json").read_bytes()) == lines[-1]["files"], "manifest"
    )
    about, content = json.loads(files["model.json"]), files["weights.safetensors"]
    need(json.dumps(about, indent=1).encode() == files["model.json"], "model.json: spelling")
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    seal = {"model.json": sha(files["model.json"])}  # models of 0.1.0 have none
    need(header.get("__metadata__", seal) == seal, "weights: remarks")
    solved = lines[0]["format"] == SOLVED
    keys = KEYS + ["guard"] * (solved and "guard" in [line["kind"] for line in lines])
    need(
        list(about) == keys and about["format"] in ((4,) if solved else (2, 3)),
        "model.json: fields",
    )
    need(all(abs(x) < float("inf") for x in about["fallback"]), "model.json: finite")
    need(
        about["extras"] == {} and (about["arrays"] == {} or lines[0]["plan"] is None),
        "model.json: extras",
    )
    usual = {"seed": about["params"]["seed"], "learner": "gradient", "guard": None, "weight": None}
    config = {k: v for k, v in about["params"].items() if k not in usual or v != usual[k]}
    need(
        config == lines[0]["config"] and about["params"]["seed"] == lines[0]["seed"],
        "model.json: params",
    )
    for name, value in lines[0]["config"]["design"].items() if lines[0]["config"]["design"] else ():
        need(about["design"][name] == value, "model.json: design")
    start = "random" if solved else (lines[0]["config"]["design"] or {}).get("start", "ridge")
    need(about["design"]["start"] == start, "design")
    need(
        about["widths"] == lines[2]["widths"] and about["factor"] == lines[2]["factor"],
        "model.json: widths",
    )
    saved = of_model(load(content))
    for line in lines:
        if line["kind"] == "finished":
            path = line["run"].removeprefix("spare ")
            start = "" if path == "main" else f"spares.{path}."
            own = {n.removeprefix(start): a for n, a in saved.items() if n.startswith(start)}
            own = {n: a for n, a in own.items() if path != "main" or not n.startswith("spares.")}
            need(short(own) == line["weights"], "model: final weights")


def check_kept(folder: Path, lines: list[dict]) -> None:
    "The saved weights are the best of the best start of each member, out of the segment files."
    last = [line for line in lines if line["kind"] == "segment" and line["run"] == "main"][-1]
    files = {}
    for file in (folder / "segments").glob("main-*.safetensors"):
        files[int(file.stem[-6:])] = load(file.read_bytes())
    end = files.get(last["stop"])
    if end is None or not set(end["best_at"].tolist()) <= set(files):
        return  # withheld
    about = json.loads((folder / "model/model.json").read_bytes())
    seeds = next(line for line in lines if line["kind"] == "lanes")["seeds"]
    saved = of_model(load((folder / "model/weights.safetensors").read_bytes()))
    starts = len(seeds) // len(about["seeds"])
    for member, seed in enumerate(about["seeds"]):
        lane, errors = seeds.index(str(seed)), end["best_error"]
        mine = errors[member * starts : (member + 1) * starts]
        need(lane // starts == member and errors[lane] <= mine.min(), "kept start")
        best = of_model(files[int(end["best_at"][lane])])
        for name in best:
            if name != "trust":
                need(np.array_equal(best[name][lane], saved[name][member]), f"kept weights: {name}")


# Level 1


def mac(key: bytes, label: str) -> bytes:
    return hmac.new(key, label.encode(), "sha256").digest()


def seed_of(plan: dict, nonce: dict | None) -> bytes:
    value = nonce and nonce["value"]
    if nonce and plan["format"] not in ("adaroute-plan-1", "adaroute-plan-2"):
        folded = unicodedata.normalize("NFKC", value).casefold()
        value = "".join(c for c in unicodedata.normalize("NFC", folded) if c.isalnum())
    end = b"\0" if nonce is None else b"\1" + value.encode()
    return hashlib.sha256(
        b"adaroute-seed-1\0" + hashlib.sha256(write(plan)).digest() + end
    ).digest()


def test_rows(seed: bytes, groups: list[int], share: float) -> list[bool]:
    size, wanted, taken, rows = np.bincount(groups).tolist(), share * len(groups), [], 0
    order = sorted(range(len(size)), key=lambda g: mac(seed, f"test group {g}"))
    for g in order:
        if len(taken) < len(size) - 1 and abs(rows + size[g] - wanted) < abs(rows - wanted):
            taken.append(g)
            rows += size[g]
    taken = taken or [min(order, key=lambda g: size[g])]
    return [g in taken for g in groups]


def lane_rows(groups: np.ndarray, config: dict, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng, size, n = np.random.default_rng(seed), np.bincount(groups), len(groups)
    wanted, queue, parts = min(max(round(config["validation"] * n), 1), n - 1), [], []
    for _ in range(config["members"]):
        if not queue or 2 * len(queue) < config["validation"] * len(size):
            drawn = rng.permutation(len(size)).tolist()
            queue += [g for g in drawn if g not in queue and 2 * size[g] <= n]
        taken = []
        while queue and size[taken].sum() < wanted and len(taken) < len(size) - 1:
            taken.append(queue.pop(0))
        parts.append(np.isin(groups, taken))
    pairs = [(rng.permutation(np.flatnonzero(~p)), np.flatnonzero(p)) for p in parts]
    cut = [min(len(pair[i]) for pair in pairs) for i in (0, 1)]
    starts = config["starts"]
    return tuple(np.stack([p[i][: cut[i]] for p in pairs for _ in range(starts)]) for i in (0, 1))


def check_derived(folder: Path, lines: list[dict], plan: dict, nonce: dict | None) -> int:
    "Seed, split, lanes and the order of the first round; the number of test rows."
    begin, config = lines[0], lines[0]["config"]
    groups = parse((folder / "groups.json").read_bytes(), "groups.json")
    rows = parse((folder / "rows.json").read_bytes(), "rows.json")
    need(
        sha(write(plan)) == begin["plan"] and config == plan["config"],
        "plan: digest, configuration",
    )
    need(begin["nonce"] == (nonce and nonce["value"]), "nonce")
    need(sha((folder / "groups.json").read_bytes()) == begin["groups"], "groups.json: digest")
    need(sha((folder / "rows.json").read_bytes()) == lines[2]["rows_file"], "rows.json: digest")
    seed = seed_of(plan, nonce)
    need(begin["seed"] == int.from_bytes(mac(seed, "model")[:6], "big"), "seed of the model")
    committed = plan["commitment"]
    need(len(groups) == committed["count"] - len(committed["withdrawn"]), "groups.json: rows")
    test = test_rows(seed, groups, plan["test"])
    given, names = [g for g, t in zip(groups, test) if not t], {}
    used = [names.setdefault(given[i], len(names)) for i in rows["used"]]
    need(used == rows["groups"], "rows that trained")
    if lines[0]["format"] == SOLVED:
        return sum(test)
    lanes = next(line for line in lines if line["kind"] == "lanes")
    train, valid = lane_rows(np.array(used), config, begin["seed"])
    wanted = [str(1000 * begin["seed"] + i) for i in range(config["members"] * config["starts"])]
    need(lanes["seeds"] == wanted, "seeds of the lanes")
    need(tensor_digest(train) == lanes["train"] and tensor_digest(valid) == lanes["valid"], "lanes")
    first = folder / "segments/main-000000.safetensors"
    if first.exists():
        draws = [torch.Generator().manual_seed(int(s) + 2**32) for s in lanes["seeds"]]
        order = [own[torch.randperm(len(own), generator=g).numpy()] for g, own in zip(draws, train)]
        need(
            np.array_equal(load(first.read_bytes())["order"], np.stack(order)), "order of the rows"
        )
    return sum(test)


# What was published


def check_statement(folder: Path, lines: list[dict], head: str, plan, nonce, tested: int) -> None:
    file = folder / "statement.json"
    if not file.exists():
        return
    statement = parse(file.read_bytes(), "statement.json")
    names = ("manifest.json", "model.json", "weights.safetensors")
    subject = [
        {"digest": {"sha256": sha((folder / "model" / n).read_bytes())}, "name": f"model/{n}"}
        for n in names
    ]
    said = {
        "plan": sha(write(plan)), "root": plan["commitment"]["root"], "transcript": head,
        "seed": "derived" if nonce else "self-chosen", "test_rows": tested,
        "nonce": nonce and {"value": nonce["value"], "source": nonce["source"]},
        "scores": statement["predicate"].get("scores"),
    }  # fmt: skip
    meant = {
        "_type": "https://in-toto.io/Statement/v1", "subject": subject,
        "predicateType": "https://adaroute.dev/provenance/v1", "predicate": said,
    }  # fmt: skip
    need(write(statement) == write(meant), "statement: claims")


def check_ledger(file: Path, plan: dict, nonce: dict | None, head: str) -> None:
    mine, before, digest = {}, "0" * 64, sha(write(plan))
    for raw in file.read_bytes().splitlines():
        entry = parse(raw, "ledger")
        need(entry["before"] == before, "ledger: chain")
        before = sha(raw)
        if entry.get("plan") == digest:
            mine[entry["kind"]] = entry
    need(mine["commitment"]["root"] == plan["commitment"]["root"], "ledger: root")
    entered = mine.get("nonce")
    theirs = entered and (entered["value"], entered["source"])
    need(theirs == (nonce and (nonce["value"], nonce["source"])), "ledger: nonce")
    if "result" in mine:
        need(mine["result"]["transcript"] == head, "ledger: head")


def judge(folder: Path, ledger: Path | None = None) -> str:
    "What is wrong with a run of a plan; nothing: an empty text."
    try:
        lines, head = read_lines(folder)
        check_segments(folder, lines)
        check_model(folder, lines)
        if lines[0]["format"] != SOLVED:
            check_kept(folder, lines)
        plan = parse((folder / "plan.json").read_bytes(), "plan.json")
        there = (folder / "nonce.json").exists()
        nonce = parse((folder / "nonce.json").read_bytes(), "nonce.json") if there else None
        tested = check_derived(folder, lines, plan, nonce)
        check_statement(folder, lines, head, plan, nonce, tested)
        if ledger:
            check_ledger(ledger, plan, nonce, head)
        return ""
    except Wrong as why:
        return str(why)
    except (KeyError, ValueError, TypeError, OSError, IndexError) as error:
        return f"malformed ({type(error).__name__})"


if __name__ == "__main__":
    found = judge(*map(Path, sys.argv[1:3]))
    print(found or "nothing wrong at levels 0 and 1")
    sys.exit(bool(found))
