"""Write the test vectors of docs/formats.md into docs/vectors/, with the package itself.

Usage: python docs/make_vectors.py [FOLDER]

Everything here is fixed: keys, times, rows. No vector hangs on a processor or on a version of a
library, so whoever runs this gets the same bytes. `tests/test_formats.py` does so.
"""

import ast
import dataclasses
import importlib
import json
import struct
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import adaroute

HERE = Path(__file__).resolve().parent
PACKAGE = Path(adaroute.__file__).parent


@cache
def places() -> dict[str, str]:
    "Every public name of the package -> its module, wherever that lies."
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                dotted = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
                found |= dict.fromkeys(ast.literal_eval(node.value), dotted)
    return found


def public(name: str):
    "A public name of the package."
    if name not in places():
        raise SystemExit(f"make_vectors: expected {name} among the public names, found it nowhere")
    return getattr(importlib.import_module(places()[name]), name)


KEY = bytes(range(32))
NUMBERS = (
    0.0,
    -0.0,
    1.0,
    -1.5,
    0.1,
    27.0,
    1e21,
    1e20,
    123456789012345680000.0,
    1e-6,
    1e-7,
    5e-324,
    1.7976931348623157e308,
    9007199254740992.0,
    333333333.33333329,
    0.002,
)
VALUES = (
    None,
    True,
    [],
    {},
    "",
    "é",
    'a "b" \\ c',
    "tab\there",
    "\u007f\u2028€",
    [1, 2.0, -0.0],
    {"b": 1, "a": [None, False]},
    {"\ufb33": 1, "\U0001f600": 2, "z": 3, "": 4},
)
SCHEMA = dict(
    text=["note"],
    numeric=["age", "visits"],
    categorical=["site"],
    tasks=[["phq9", "regression"], ["relapse", "binary"]],
)
ROWS = [
    dict(note="Sleeps badly.\r\nNo appetite.", age=41, visits=2.5, site="A", phq9=14.0, relapse=1),
    dict(note="   ", age=None, visits=-0.0, site=3, phq9=None, relapse=0),
    dict(note="Cafe\u0301 twice a week", age=0.1, visits=None, site="B", phq9=7, relapse=None),
    dict(note='He said "fine"\tand left', age=63, visits=1, site=None, phq9=3.25, relapse=0),
    dict(note=None, age=19, visits=12, site="A", phq9=21, relapse=1),
    dict(note="No complaints", age=33.5, visits=0, site=2.5, phq9=0, relapse=0),
    dict(note="Better, he says", age=50, visits=4, site="B", phq9=9, relapse=0),
]
IDS = [101, 102, 103, "x1", "x2", "x3", "x4"]
GROUPS = ["anna", "bob", "anna", "cleo", "cleo", "dan", "ed"]


def canonical() -> dict:
    "Numbers and values, and how RFC 8785 writes them."
    number, value = public("canonical_number"), public("canonical_json")
    numbers = [dict(float64=struct.pack(">d", x).hex(), text=number(x)) for x in NUMBERS]
    refused = ["1.0", "[1, 2]", '{"b":1,"a":2}', '{"a":1,"a":1}', '"\\u00e9"', "-0", "1e2"]
    return dict(
        numbers=numbers,
        values=[dict(value=v, text=value(v)) for v in VALUES],
        not_canonical=refused,
    )


def table() -> tuple[pd.DataFrame, object]:
    "The rows of the vectors as a frame, and their schema."
    return pd.DataFrame(ROWS, dtype=object), public("Schema").from_dict(SCHEMA)


def shown(commitment) -> dict:
    "A commitment with its digest and the levels of its tree."
    levels = [[node.hex() for node in level] for level in commitment.tree.levels]
    return dict(commitment=commitment.to_dict(), digest=commitment.digest, levels=levels)


def proofs_of(commitment, records: dict) -> list[dict]:
    "A proof for each record that is left, and whether an honest reader accepts it."
    found = []
    for position, record in records.items():
        proof = public("inclusion_proof")(commitment, position, KEY)
        assert public("check_inclusion")(commitment.root, commitment.count, record, proof)
        found.append(dict(record=record.decode(), proof=proof.to_dict()))
    return found


def commitments() -> dict:
    "A table, committed; two records withdrawn; proofs."
    frame, schema = table()
    records = dict(enumerate(public("canonical_records")(frame, schema)))
    first = public("commit_records")(frame, schema, KEY, ids=IDS, groups=GROUPS)
    second = public("withdraw")(first, [1, 5])
    plain = public("commit_records")(frame, schema, KEY)
    left = {i: record for i, record in records.items() if i not in (1, 5)}
    return dict(
        key=KEY.hex(),
        schema=SCHEMA,
        ids=[str(i) for i in IDS],
        groups=GROUPS,
        rows=ROWS,
        records=[r.decode() for r in records.values()],
        mark=first.tree.mark.hex(),
        committed=shown(first),
        proofs=proofs_of(first, records),
        positions_as_ids=shown(plain),
        withdrawn=shown(second),
        proofs_after=proofs_of(second, left),
        notice=public("withdrawal_notice")(first, second),
    )


def trees() -> list[dict]:
    "Roots of trees of zero to nine leaves; leaf i is the byte i, 32 times."
    leaves = [bytes([i]) * 32 for i in range(9)]
    return [dict(leaves=n, root=public("merkle_root")(leaves[:n]).hex()) for n in range(10)]


def plans() -> dict:
    "A plan, a nonce, and what is derived from them."
    frame, schema = table()
    commitment = public("commit_records")(frame, schema, KEY, ids=IDS, groups=GROUPS)
    config = dict(text=["note"], members=2, starts=1, validation=0.2, tasks={"phq9": "regression"})
    plan = public("Plan")(commitment.to_dict(), config, "c0" * 32, "10" * 32, 0.3)
    nonce = public("Nonce")("5 3 1 6 6 2", "dice, thrown by the board")
    derive = public("derive_seed")
    seeds = dict(with_nonce=derive(plan, nonce), without_nonce=derive(plan, None))
    first = dataclasses.replace(plan, version=1)
    return dict(
        plan=plan.to_dict(),
        plan_digest=plan.digest,
        first_plan=first.to_dict(),
        first_digest=first.digest,
        first_seed=derive(first, nonce).hex(),
        nonce=nonce.to_dict(),
        spellings=["531662", "5,3,1-6.6.2", "\uff15 \uff13 1 6 6 2"],  # of the same throw
        seeds={name: derived(seed) for name, seed in seeds.items()},
        splits=splits(seeds["with_nonce"]),
        lanes=lanes(),
    )


def derived(seed: bytes) -> dict:
    "Whole numbers that follow from a seed."
    numbers = {label: public("derive_whole")(seed, label) for label in ("model", "test", "é")}
    return dict(seed=seed.hex(), numbers=numbers, model_seed=public("model_seed")(seed))


LABELS = ("anna bob anna cleo cleo dan ed ed ed fay gus gus hal ivy ivy ivy ivy jo kai lee").split()


def splits(seed: bytes) -> dict:
    "Test rows and folds of some tables."
    cases = dict(
        patients=(LABELS, 0.2),
        half=(LABELS, 0.5),
        two=(["a"] * 9 + ["b"], 0.2),
        alone=(list(range(12)), 0.25),
        tiny=(["a", "b", "b"], 0.01),
    )
    return {name: split(seed, labels, share) for name, (labels, share) in cases.items()}


def split(seed: bytes, labels: list, share: float) -> dict:
    "What follows for one table."
    codes = public("group_codes")(labels).tolist()
    test = public("derived_test")(seed, labels, share).astype(int).tolist()
    k = min(3, len(set(codes)))
    folds = public("derived_folds")(seed, labels, k).tolist()
    return dict(
        groups=[str(g) for g in labels], codes=codes, share=share, test=test, k=k, folds=folds
    )


def lanes() -> dict:
    "Training and validation rows of two members with two starts (NumPy's generator)."
    codes = public("group_codes")(LABELS)
    found = public("make_split")(codes, 2, 2, 0.2, np.random.default_rng(23525738906505))
    return dict(
        seed=23525738906505,
        codes=codes.tolist(),
        members=2,
        starts=2,
        validation=0.2,
        train=found.train.tolist(),
        valid=found.valid.tolist(),
        train_digest=public("tensor_digest")(found.train),
        valid_digest=public("tensor_digest")(found.valid),
    )


def tensors() -> list[dict]:
    "Digests of tensors: type, shape and bytes."
    given = [
        [torch.arange(6, dtype=torch.float32).view(2, 3)],
        [torch.tensor(1.5)],
        [torch.tensor([1, -1], dtype=torch.int64)],
        [torch.tensor([True, False])],
        [torch.zeros(0, 4)],
        [torch.tensor([0.1], dtype=torch.float64), torch.arange(3)],
        [torch.arange(4, dtype=torch.uint8)],
    ]

    def say(t):
        return dict(
            dtype=str(t.dtype), shape=list(t.shape), little_endian=t.numpy().tobytes().hex()
        )

    return [
        dict(tensors=[say(t) for t in some], digest=public("tensor_digest")(*some))
        for some in given
    ]


def ledger() -> dict:
    "A ledger in which two plans were filed, one of them after a withdrawal."
    one, two, root, later = ("ab" * 32, "cd" * 32, "01" * 32, "02" * 32)
    entries = [
        ("commitment", dict(plan=one, root=root)),
        ("nonce", dict(plan=one, value="5 3 1", source="dice")),
        ("abandoned", dict(plan=one, reason="the note column was the wrong one")),
        ("withdrawal", dict(old_root=root, new_root=later, tombstones=1)),
        ("commitment", dict(plan=two, root=later)),
        ("nonce", dict(plan=two, value="4 4 2", source="dice")),
        ("result", dict(plan=two, transcript="ef" * 32, scores={"phq9": {"r2": 0.31}})),
    ]
    with tempfile.TemporaryDirectory() as room:
        book = public("Ledger")(Path(room) / "ledger.jsonl")
        for minute, (kind, body) in enumerate(entries):
            book.append(kind, time=f"2026-11-21T09:{minute:02d}:00Z", **body)
        lines = book.path.read_bytes().decode().splitlines()
        return dict(lines=lines, head=book.head, behind=book.behind(two))


def stamp() -> dict:
    "A ledger under a time stamp; what the authority signed is kept, for nobody can make it again."
    kept = json.loads((HERE / "vectors" / "stamp.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as room:
        book = public("Ledger")(Path(room) / "ledger.jsonl")
        book.append("commitment", plan="ab" * 32, root="01" * 32, time="2026-11-21T09:00:00Z")
        lines = book.path.read_bytes().decode().splitlines()
        signed = {name: kept[name] for name in ("answer", "authority", "time")}
        return dict(lines=lines, head=book.head, **signed)


def transcript() -> dict:
    "Lines that hang together; what they say is made up."
    with tempfile.TemporaryDirectory() as room:
        lines = public("Lines")(room)
        lines.say(
            "begin",
            format="adaroute-transcript-2",
            plan=None,
            nonce=None,
            groups=None,
            config={"members": 2},
            seed=23525738906505,
        )
        lines.say("segment", run="main", stop=0, file="0f" * 32, weights={"heads.bias": "5e9d3f2d"})
        lines.say("model", files={"model.json": "1f" * 32, "weights.safetensors": "2f" * 32})
        text = (Path(room) / "transcript.jsonl").read_bytes().decode().splitlines()
        return dict(lines=text, head=public("transcript_head")(room))


def statement() -> dict:
    "A statement, its canonical form, and the bytes that a signature is made of."
    predicate = dict(
        plan="ab" * 32,
        root="01" * 32,
        transcript="ef" * 32,
        seed="derived",
        nonce=dict(value="5 3 1", source="dice"),
        test_rows=16,
        scores={"phq9": {"r2": 0.31}},
    )
    subjects = {"model/weights.safetensors": "2f" * 32, "model/model.json": "1f" * 32}
    made = public("make_statement")(subjects, predicate)
    text, kind = public("canonical_json")(made), public("INTOTO")
    return dict(
        subjects=subjects,
        predicate=predicate,
        canonical=text,
        type=kind,
        signed_bytes=public("pre_authentication")(kind, text.encode()).hex(),
    )


VECTORS = dict(
    canonical=canonical,
    commitment=commitments,
    tree=trees,
    plan=plans,
    tensors=tensors,
    ledger=ledger,
    stamp=stamp,
    transcript=transcript,
    statement=statement,
)


def write_vectors(folder: Path) -> list[Path]:
    "All vectors, one file a format."
    files = [folder / f"{name}.json" for name in VECTORS]
    for file, make in zip(files, VECTORS.values()):
        text = json.dumps(make(), indent=1, ensure_ascii=False, sort_keys=True)
        file.write_text(text + "\n", encoding="utf-8")
    return files


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "vectors"
    target.mkdir(parents=True, exist_ok=True)
    for made in write_vectors(target):
        print(made.name, made.stat().st_size)
