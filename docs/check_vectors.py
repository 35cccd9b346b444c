"""A small verifier, written from docs/formats.md alone: Python's standard library, no adaroute.

Usage: python docs/check_vectors.py [FOLDER]

It recomputes every vector in the folder (docs/vectors/ if none is named), or looks through it if it
is a run folder; prints one line for each thing that was looked at; and exits with status 1 if one
of them is another. Start here if you write a verifier of your own. (This one is meant to be read:
it does not defend itself against files that are made to break it.)
"""

import base64
import hashlib
import hmac
import json
import struct
import sys
import unicodedata
from decimal import Decimal
from pathlib import Path


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def mac(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, "sha256").digest()


# 1. Canonical JSON (RFC 8785)


def write_number(x: float) -> str:
    "ECMAScript's Number.prototype.toString."
    if x == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(x)).normalize().as_tuple()
    digits, n = "".join(map(str, digits)), len(digits) + exponent
    if len(digits) <= n <= 21:
        out = digits + "0" * (n - len(digits))
    elif 0 < n <= 21:
        out = digits[:n] + "." + digits[n:]
    elif -6 < n <= 0:
        out = "0." + "0" * -n + digits
    else:
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        out = f"{digits[0]}{fraction}e{n - 1:+d}"
    return "-" + out if sign else out


SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def write_text(text: str) -> str:
    def escape(c):
        return SHORT.get(c) or (f"\\u{ord(c):04x}" if c < " " else c)

    return '"' + "".join(map(escape, text)) + '"'


def write(value) -> str:
    "A value as canonical JSON; an object's keys in the order of their UTF-16 code units."
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return write_text(value)
    if isinstance(value, (int, float)):
        return write_number(float(value))
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    keys = sorted(value, key=lambda k: k.encode("utf-16-be"))
    return "{" + ",".join(write_text(k) + ":" + write(value[k]) for k in keys) + "}"


def is_canonical(text: str) -> bool:
    try:
        return write(json.loads(text)) == text
    except ValueError:
        return False


def digest(value) -> str:
    return sha(write(value).encode()).hex()


def check_canonical(v):
    for one in v["numbers"]:
        (x,) = struct.unpack(">d", bytes.fromhex(one["float64"]))
        yield "number " + one["text"], write_number(x) == one["text"]
    for one in v["values"]:
        yield (
            "value " + one["text"],
            write(one["value"]) == one["text"] and is_canonical(one["text"]),
        )
    for text in v["not_canonical"]:
        yield "refused " + text, not is_canonical(text)


# 2. Records, salts, leaves


def write_cell(kind: str, value) -> str:
    if kind == "number":
        return "null" if value is None else write_number(float(value))
    if value is not None and not isinstance(value, str):  # a level that came as a number
        value = str(int(value) if value == int(value) else value)
    if value is None or not value.strip():
        return "null"
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return write_text(unicodedata.normalize("NFC", text))


def write_record(row: dict, schema: dict) -> str:
    kinds = dict.fromkeys([*schema["text"], *schema["categorical"]], "text")
    kinds |= dict.fromkeys([*schema["numeric"], *(name for name, _ in schema["tasks"])], "number")
    names = sorted(kinds, key=lambda k: k.encode("utf-16-be"))
    return "{" + ",".join(write_text(n) + ":" + write_cell(kinds[n], row[n]) for n in names) + "}"


def leaf_of(record: str, salt: bytes) -> bytes:
    return sha(b"\0" + salt + record.encode())


# 3. The tree


def node(left: bytes, right: bytes) -> bytes:
    return sha(b"\1" + left + right)


def tree_levels(leaves: list) -> list:
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [node(*below[i : i + 2]) for i in range(0, len(below) - 1, 2)]
        levels.append(above + below[len(below) - len(below) % 2 :])
    return levels


def root_of(leaves: list) -> bytes:
    return tree_levels(leaves)[-1][0] if leaves else sha(b"")


def check_tree(v):
    for one in v:
        leaves = [bytes([i]) * 32 for i in range(one["leaves"])]
        yield f"root of {one['leaves']} leaves", root_of(leaves).hex() == one["root"]


def proof_leads_to(proof: dict, record: str, count: int) -> str:
    "The root that a proof leads to, in hex; nothing if it does not fit."
    salt, path = (base64.b64decode(proof[name]) for name in ("salt", "path"))
    reached, at, last = leaf_of(record, salt), proof["position"], count - 1
    if len(salt) != 32 or len(path) % 32 or not 0 <= at <= last:
        return ""
    for i in range(0, len(path), 32):
        if last == 0:
            return ""
        while at == last and at % 2 == 0:  # the last one alone goes up as it is
            at, last = at // 2, last // 2
        beside = path[i : i + 32]
        reached = node(beside, reached) if at % 2 else node(reached, beside)
        at, last = at // 2, last // 2
    return reached.hex() if last == 0 else ""


def check_commitment(v):
    key, records = bytes.fromhex(v["key"]), v["records"]
    yield "records", [write_record(row, v["schema"]) for row in v["rows"]] == records
    yield "mark", mac(key, b"mark").hex() == v["mark"]
    by_name = [write([group, name]) for group, name in zip(v["groups"], v["ids"])]
    by_place = [write([None, i]) for i in range(len(records))]
    for case, names in (("committed", by_name), ("positions_as_ids", by_place)):
        leaves = [leaf_of(r, mac(key, n.encode())) for r, n in zip(records, names)]
        yield f"{case}: levels", hexes(tree_levels(leaves)) == v[case]["levels"]
        yield from check_filed(case, v[case], v["schema"])
    yield from check_withdrawal(v)
    for case, proofs in (("committed", v["proofs"]), ("withdrawn", v["proofs_after"])):
        yield from check_proofs(case, v[case]["commitment"], proofs)


def hexes(levels: list) -> list:
    return [[one.hex() for one in level] for level in levels]


def check_filed(case: str, shown: dict, schema: dict):
    filed, levels = shown["commitment"], shown["levels"]
    yield f"{case}: root", filed["root"] == levels[-1][0] and filed["count"] == len(levels[0])
    yield f"{case}: digest of the schema", digest(schema) == filed["schema_digest"]
    yield f"{case}: digest", digest(filed) == shown["digest"]


def check_withdrawal(v):
    before, after = v["committed"], v["withdrawn"]
    leaves = [bytes.fromhex(one) for one in before["levels"][0]]
    for position, tombstone in after["commitment"]["withdrawn"]:
        leaves[position] = sha(b"\2" + leaves[position])
        yield f"tombstone {position}", leaves[position].hex() == tombstone
    yield "withdrawn: levels", hexes(tree_levels(leaves)) == after["levels"]
    yield "withdrawn: replaces", after["commitment"]["replaces"] == before["commitment"]["root"]
    yield from check_filed("withdrawn", after, v["schema"])
    notice = {
        "format": "adaroute-withdrawal-1",
        "old_root": before["commitment"]["root"],
        "tombstones": after["commitment"]["withdrawn"],
        "commitment": after["commitment"],
    }
    yield "notice", v["notice"] == notice


def check_proofs(case: str, filed: dict, proofs: list):
    for one in proofs:
        proof, record = one["proof"], one["record"]
        reached = proof_leads_to(proof, record, filed["count"])
        yield f"{case}: proof of {proof['position']}", reached == filed["root"]
        other = proof_leads_to(proof, record.replace("}", " }"), filed["count"])
        yield f"{case}: another record at {proof['position']}", other != filed["root"]


# 4. Seed, test rows, folds


def spell(value: str) -> str:
    "Letters and digits of a nonce: what the seed hangs on, from plans of version 3 on."
    folded = unicodedata.normalize("NFKC", value).casefold()
    return "".join(c for c in unicodedata.normalize("NFC", folded) if c.isalnum())


def seed_of(plan_digest: str, nonce, spelled: bool = True) -> bytes:
    value = nonce and (spell(nonce["value"]) if spelled else nonce["value"])
    end = b"\0" if nonce is None else b"\1" + value.encode()
    return sha(b"adaroute-seed-1\0" + bytes.fromhex(plan_digest) + end)


def whole_of(seed: bytes, label: str) -> int:
    return int.from_bytes(mac(seed, label.encode())[:6], "big")


def codes_of(labels: list) -> list:
    seen = {}
    return [seen.setdefault(label, len(seen)) for label in labels]


def order_of(seed: bytes, label: str, groups: int) -> list:
    return sorted(range(groups), key=lambda g: mac(seed, f"{label} group {g}".encode()))


def test_of(seed: bytes, codes: list, share: float) -> list:
    groups, wanted = max(codes) + 1, share * len(codes)
    size, order = [codes.count(g) for g in range(groups)], order_of(seed, "test", groups)
    taken, rows = [], 0
    for g in order:
        if len(taken) < groups - 1 and abs(rows + size[g] - wanted) < abs(rows - wanted):
            taken.append(g)
            rows += size[g]
    taken = taken or [min(order, key=lambda g: size[g])]
    return [int(g in taken) for g in codes]


def folds_of(seed: bytes, codes: list, k: int) -> list:
    rows, fold = [0] * k, {}
    for g in order_of(seed, "folds", max(codes) + 1):
        fold[g] = rows.index(min(rows))
        rows[fold[g]] += codes.count(g)
    return [fold[g] for g in codes]


def check_plan(v):
    yield "digest of the plan", digest(v["plan"]) == v["plan_digest"]
    yield "digest of a plan of version 1", digest(v["first_plan"]) == v["first_digest"]
    first_seed = seed_of(v["first_digest"], v["nonce"], spelled=False)
    yield "seed of a plan of version 1", first_seed.hex() == v["first_seed"]
    for name, nonce in (("with_nonce", v["nonce"]), ("without_nonce", None)):
        said, seed = v["seeds"][name], seed_of(v["plan_digest"], nonce)
        yield f"seed {name}", seed.hex() == said["seed"]
        for label, number in said["numbers"].items():
            yield f"number {label} {name}", whole_of(seed, label) == number
        yield f"seed of the model {name}", whole_of(seed, "model") == said["model_seed"]
    seed = seed_of(v["plan_digest"], v["nonce"])
    for value in v["spellings"]:
        yield f"spelled {value!r}", seed_of(v["plan_digest"], {"value": value}) == seed
    for name, one in v["splits"].items():
        codes = codes_of(one["groups"])
        yield f"groups of {name}", codes == one["codes"]
        yield f"test rows of {name}", test_of(seed, codes, one["share"]) == one["test"]
        yield f"folds of {name}", folds_of(seed, codes, one["k"]) == one["folds"]
    yield from check_lanes(v["lanes"])


def check_lanes(
    v,
):  # the rows themselves are drawn by NumPy; what must hold of them does not need it
    for name in ("train", "valid"):
        raw = b"".join(struct.pack("<q", row) for lane in v[name] for row in lane)
        shape = len(v[name]), len(v[name][0])
        yield (
            f"digest of {name}",
            tensors_digest([("torch.int64", shape, raw)]) == v[f"{name}_digest"],
        )
    for lane, (train, valid) in enumerate(zip(v["train"], v["valid"])):
        owners = [{v["codes"][row] for row in rows} for rows in (train, valid)]
        yield f"lane {lane}: groups apart", not owners[0] & owners[1]


# 5. Tensors


def tensors_digest(tensors: list) -> str:
    "Of types, shapes and bytes, in this order."
    h = hashlib.sha256()
    for dtype, shape, raw in tensors:
        sizes = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        h.update(f"('{dtype}', ({sizes}))".encode() + raw)
    return h.hexdigest()


def check_tensors(v):
    for i, one in enumerate(v):
        given = [
            (t["dtype"], t["shape"], bytes.fromhex(t["little_endian"])) for t in one["tensors"]
        ]
        yield f"tensors {i}", tensors_digest(given) == one["digest"]


# 6. Ledger and transcript: lines that hang on each other


def chain_of(lines: list, end: bytes) -> str:
    "The head of a chain; nothing if it is broken or not canonical."
    before = "0" * 64
    for line in lines:
        if not is_canonical(line) or json.loads(line)["before"] != before:
            return ""
        before = sha(line.encode() + end).hex()
    return before


def check_chain(name: str, v: dict, end: bytes):
    yield f"{name}: head", chain_of(v["lines"], end) == v["head"]
    for i in range(len(v["lines"]) - 1):
        yield (
            f"{name}: without line {i + 1}",
            not chain_of(v["lines"][:i] + v["lines"][i + 1 :], end),
        )


def fates_of(entries: list) -> dict:
    "Every plan with its line, its table's first root, and what became of it; broken rules raise."
    plans, table = {}, {}
    for n, entry in enumerate(entries, 1):
        kind = entry["kind"]
        if kind == "withdrawal":
            if entry["new_root"] in table:
                raise ValueError("a root that is there already")
            table[entry["new_root"]] = table[entry["old_root"]]
        elif kind == "commitment":
            if entry["plan"] in plans:
                raise ValueError("a plan that was filed before")
            first = table.setdefault(entry["root"], entry["root"])
            plans[entry["plan"]] = dict(line=n, fate="open", nonce=False, table=first)
        else:
            plan = plans[entry["plan"]]
            if plan["fate"] != "open" or kind == "nonce" and plan["nonce"]:
                raise ValueError("a plan that has ended, or has its nonce")
            if kind == "nonce":
                plan["nonce"] = True
            else:
                plan |= dict(fate=kind, end=n)
    return plans


def behind_of(entries: list, plan: str) -> dict:
    "How many plans stand behind a result."
    plans = fates_of(entries)
    mine = plans[plan]
    earlier = {d: p for d, p in plans.items() if p["line"] < mine["end"]}
    same = [p for p in earlier.values() if p["table"] == mine["table"]]

    def fates(some):
        return {k: sum(p["fate"] == k for p in some) for k in ("result", "abandoned", "open")}

    def count(some):
        return dict(commitments=len(some)) | fates(some)

    order = [
        dict(plan=d, line=p["line"], fate=p["fate"], same_root=p in same)
        for d, p in earlier.items()
    ]
    return dict(
        nonce=mine["nonce"],
        line=mine["end"],
        same_root=count(same),
        in_all=count(list(earlier.values())),
        order=order,
    )


def check_ledger(v):
    yield from check_chain("ledger", v, b"")  # the hash leaves the newline out
    entries = [json.loads(line) for line in v["lines"]]
    yield "ledger: behind", behind_of(entries, entries[-1]["plan"]) == v["behind"]


SHA256_OF = bytes.fromhex("300d06096086480165030402010500") + b"\x04\x20"  # DER, then 32 bytes


def check_stamp(v):
    "The answer of a time-stamping authority, but for its signature."
    yield from check_chain("stamp", v, b"")
    answer, marks = base64.b64decode(v["answer"], validate=True), v["authority"].split("-----")
    length = int.from_bytes(answer[2:4], "big")
    yield "stamp: whole", answer[:2] == b"\x30\x82" and len(answer) == 4 + length
    yield "stamp: head", SHA256_OF + bytes.fromhex(v["head"]) in answer
    time = v["time"].translate(str.maketrans("", "", "-:T")).encode()
    yield "stamp: time", b"\x18\x0f" + time in answer
    yield "stamp: form", marks[:2] == ["", "BEGIN CERTIFICATE"] and len(marks) == 5
    yield "stamp: certificate", base64.b64decode(marks[2]) in answer


def check_transcript(v):
    yield from check_chain("transcript", v, b"\n")  # the hash has the newline in it


# 7. Statement


def check_statement(v):
    listed = [{"name": n, "digest": {"sha256": v["subjects"][n]}} for n in sorted(v["subjects"])]
    made = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": listed,
        "predicateType": "https://adaroute.dev/provenance/v1",
        "predicate": v["predicate"],
    }
    yield "statement", write(made) == v["canonical"]
    body, kind = v["canonical"].encode(), v["type"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)
    yield "signed bytes", signed.hex() == v["signed_bytes"]


# 8. A whole run folder, as far as the standard library sees

AFTER = {
    "": "begin",
    "begin": "environment",
    "environment": "prepared",
    "prepared": "lanes",
    "lanes": "segment",
    "segment": "segment finished",
    "finished": "lanes model",
    "model": "",
}


def sum_of(file: Path) -> str:
    return sha(file.read_bytes()).hex() if file.exists() else ""


def check_run(folder: Path):
    text = (folder / "transcript.jsonl").read_text(encoding="utf-8").split("\n")
    yield "whole lines", text.pop() == ""
    yield "chain", chain_of(text, b"\n") != ""
    lines = [json.loads(line) for line in text]
    kinds = ["", *(line["kind"] for line in lines)]
    yield (
        "order",
        all(b in AFTER[a].split() for a, b in zip(kinds, kinds[1:])) and kinds[-1] == "model",
    )
    yield from check_files(folder, lines)
    if (folder / "plan.json").exists():
        yield from check_planned(folder, lines)


def check_files(folder: Path, lines: list):
    yield "rows.json", sum_of(folder / "rows.json") == lines[2]["rows_file"]
    for line in lines:
        if line["kind"] == "segment":
            name = f"{line['run'].replace(' ', '-')}-{line['stop']:06d}.safetensors"
            yield name, sum_of(folder / "segments" / name) == line["file"]
    manifest = json.loads((folder / "model/manifest.json").read_text())
    for name, said in lines[-1]["files"].items():
        yield f"model/{name}", sum_of(folder / "model" / name) == said == manifest[name]


def check_planned(folder: Path, lines: list):
    def read(name):
        return json.loads((folder / name).read_text(encoding="utf-8"))

    begin, plan, rows, groups = lines[0], read("plan.json"), read("rows.json"), read("groups.json")
    nonce = read("nonce.json") if (folder / "nonce.json").exists() else None
    yield "plan.json", sum_of(folder / "plan.json") == digest(plan) == begin["plan"]
    yield "groups.json", sum_of(folder / "groups.json") == begin["groups"]
    yield "nonce", begin["nonce"] == (nonce and nonce["value"])
    yield "configuration", write(begin["config"]) == write(plan["config"])
    seed = seed_of(begin["plan"], nonce, plan["format"] > "adaroute-plan-2")
    yield "seed", begin["seed"] == whole_of(seed, "model")
    lanes = [line for line in lines if line["kind"] == "lanes"]
    yield (
        "seeds of the lanes",
        lanes[0]["seeds"] == [str(1000 * begin["seed"] + i) for i in range(len(lanes[0]["seeds"]))],
    )
    left = plan["commitment"]["count"] - len(plan["commitment"]["withdrawn"])
    yield "number of rows", len(groups) == left
    given = [g for g, test in zip(groups, test_of(seed, groups, plan["test"])) if not test]
    yield "rows that trained", codes_of([given[i] for i in rows["used"]]) == rows["groups"]


CHECKS = dict(
    canonical=check_canonical,
    tree=check_tree,
    commitment=check_commitment,
    plan=check_plan,
    tensors=check_tensors,
    ledger=check_ledger,
    stamp=check_stamp,
    transcript=check_transcript,
    statement=check_statement,
)


def check_folder(folder: Path) -> list:
    "What was checked, and whether it came out."
    if (folder / "transcript.jsonl").exists():
        return list(check_run(folder))
    found = []
    for name, check in CHECKS.items():
        content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        found += [(f"{name}: {what}", good) for what, good in check(content)]
    return found


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "vectors"
    results = check_folder(where)
    for what, good in results:
        print("same   " if good else "ANOTHER", what.encode("unicode_escape").decode())
    wrong = sum(not good for _, good in results)
    print(f"{len(results)} looked at, {wrong} of them another")
    sys.exit(wrong > 0)
