"""Commitments: one text for one record, the tree of RFC 6962, proofs that hold and forgeries that do not."""

import hashlib
import hmac
import itertools
import json
import random
import struct
import time
import traceback
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from adaroute.provenance import commitment as co
from adaroute.schema import Schema
from adaroute.checks import SchemaError

SCHEMA = Schema(
    text="note", numeric="age", categorical="sex", tasks={"phq9": "count", "gad7": "count"}
)
SMALL = Schema(numeric="age", categorical="sex", tasks={"phq9": "count", "gad7": "count"})
KEY, OTHER = (hashlib.sha256(word).digest() for word in (b"one", b"other"))


def table(n, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        dict(
            note=[f"note {i}" for i in range(n)],
            age=rng.integers(18, 91, n),
            sex=rng.choice(["f", "m"], n),
            phq9=rng.integers(0, 28, n),
            gad7=rng.integers(0, 22, n),
            patient=[f"p{i // 2}" for i in range(n)],
        )
    )


def proved(n=11, position=6):
    frame = table(n)
    commitment = co.commit_records(frame, SCHEMA, KEY)
    return (
        commitment,
        co.canonical_record(frame.iloc[position], SCHEMA),
        co.inclusion_proof(commitment, position, KEY),
    )


# one text for one value


@pytest.mark.parametrize(
    "x, written",
    [
        (-0.0, "0"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (1e16, "10000000000000000"),
        (-27.0, "-27"),
        (5e-5, "0.00005"),
        (100, "100"),
        (np.float32(0.5), "0.5"),
        (5e-324, "5e-324"),
        (1e23, "1e+23"),
    ],
)
def test_numbers(x, written):
    assert co.canonical_number(x) == written


def test_any_number_comes_back():
    bits = random.Random(0)
    for _ in range(5000):
        x = struct.unpack(">d", bits.randbytes(8))[0]
        if x - x == 0:
            assert float(co.canonical_number(x)) == x
    for x in (float("nan"), float("inf"), -float("inf")):
        with pytest.raises(co.CommitmentError):
            co.canonical_number(x)


@pytest.mark.parametrize(
    "value",
    [{1: 2}, {"a": {3}}, "\ud800", {"\udfff": 1}, 2**53 + 1, float("nan"), b"x", [np.int64(3)]],
)
def test_what_json_cannot_hold(value):
    with pytest.raises(co.CommitmentError):
        co.canonical_json(value)


def test_text_is_written_as_the_rfc_says():
    assert (
        co.canonical_json('\x00\b\t\n\f\r"\\/\x7f é\u2028')
        == '"\\u0000\\b\\t\\n\\f\\r\\"\\\\/\x7f é\u2028"'
    )
    assert (
        co.canonical_json({"b": [True, False, None], "a": {}}) == '{"a":{},"b":[true,false,null]}'
    )


def test_keys_go_by_utf16():
    assert (
        co.canonical_json({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3})
        == '{"\u20ac":3,"\U0001f600":2,"\ufb33":1}'
    )


def test_a_record_does_not_depend_on_how_it_is_held():
    frame = table(5).assign(gad7=[1, np.nan, 3, 4, 5], note=["a\rb", None, "  ", "e\u0301", "d"])
    records = co.canonical_records(frame, SCHEMA)
    assert records[1] == b'{"age":%d,"gad7":null,"note":null,"phq9":%d,"sex":"%s"}' % (
        frame.age[1],
        frame.phq9[1],
        frame.sex[1].encode(),
    )
    assert (
        b'"note":"a\\nb"' in records[0]
        and b'"note":null' in records[2]
        and '"é"'.encode() in records[3]
    )
    assert records == [co.canonical_record(row, SCHEMA) for _, row in frame.iterrows()]
    assert records == [co.canonical_record(row, SCHEMA) for row in frame.to_dict("records")]
    other = frame[frame.columns[::-1]].assign(
        age=frame.age.astype("float32"),
        sex=frame.sex.astype("category"),
        gad7=frame.gad7.astype("Int64"),
    )
    assert (
        records
        == co.canonical_records(other, SCHEMA)
        == [co.canonical_json(json.loads(r)).encode() for r in records]
    )
    assert (
        len(
            {
                co.canonical_record(dict(zip(SMALL.inputs + tuple(SMALL.tasks), (40, *r))), SMALL)
                for r in (("f", 1, 2), ("f", 2, 1), ("f", 1, None))
            }
        )
        == 3
    )


@pytest.mark.parametrize(
    "column, value",
    [
        ("age", np.inf),
        ("phq9", -np.inf),
        ("note", "secretword \ud800"),
        ("sex", "secretword\udc00"),
        ("age", "secretword"),
        ("phq9", -3),
        ("note", 12345.75),
    ],
)
def test_errors_name_row_and_column_and_no_content(column, value):
    frame = table(6).astype(object)
    frame.loc[4, column] = value
    with pytest.raises(SchemaError) as e:
        co.commit_records(frame, SCHEMA, KEY)
    assert column in str(e.value) and "row 4" in str(e.value)
    whole = "".join(traceback.format_exception(e.value))
    assert (
        "secretword" not in str(e.value)
        and "secretword" not in whole
        and "12345" not in str(e.value)
    )


# the tree


def recursive(leaves):
    "The definition of RFC 6962, 2.1, word for word."
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + recursive(leaves[:k]) + recursive(leaves[k:])).digest()


def recursive_path(m, leaves):
    "RFC 6962, 2.1.1."
    if len(leaves) == 1:
        return ()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return recursive_path(m, leaves[:k]) + (recursive(leaves[k:]),)
    return recursive_path(m - k, leaves[k:]) + (recursive(leaves[:k]),)


def test_root_and_paths_are_those_of_the_rfc():
    leaves = [hashlib.sha256(bytes([i])).digest() for i in range(70)]
    for n in range(71):
        assert co.merkle_root(leaves[:n]) == recursive(leaves[:n])
    for n in (1, 2, 3, 5, 7, 8, 13, 33, 64, 65, 70):
        levels = co.merkle_levels(leaves[:n])
        for i in range(n):
            path = co._collect_path(levels, i)
            assert path == recursive_path(i, leaves[:n])
            assert co._climb_path(leaves[i], i, n, path) == recursive(leaves[:n])


# commitments


def test_leaf_and_salt_are_what_the_chapter_says():
    frame = table(3)
    commitment = co.commit_records(frame, SCHEMA, KEY, groups="patient")
    salts = [hmac.new(KEY, f'["p{i // 2}",{i}]'.encode(), "sha256").digest() for i in range(3)]
    leaves = [
        hashlib.sha256(b"\0" + s + r).digest()
        for s, r in zip(salts, co.canonical_records(frame, SCHEMA))
    ]
    assert commitment.root == recursive(leaves).hex() and commitment.count == 3


def test_the_root_changes_with_everything_that_counts():
    frame = table(8).assign(session=[f"s{i}" for i in range(8)])
    make = lambda f=frame, schema=SCHEMA, key=KEY, **more: co.commit_records(f, schema, key, **more)
    roots = [
        make(),
        make(key=OTHER),
        make(ids="session"),
        make(groups="patient"),
        make(ids="session", groups="patient"),
        make(frame[:-1]),
        make(pd.concat([frame, frame[:1]])),
        make(frame[::-1]),
        make(frame.assign(age=frame.age + 0.5)),
        make(schema=SMALL),
        make(groups=[f"p{i // 4}" for i in range(8)]),
    ]
    assert len({c.root for c in roots}) == len(roots)
    assert make() == make(frame.set_index("session", drop=False)) == make(frame.assign(room=1))
    assert make(ids=range(8)) == make(ids=[str(i) for i in range(8)]) != make()
    assert (
        make(schema=replace(SCHEMA, tasks={"phq9": "regression", "gad7": "count"})).digest
        != make().digest
    )


def test_a_commitment_travels_and_holds_no_secret():
    frame = table(9)
    commitment = co.withdraw(
        co.commit_records(frame, SCHEMA, KEY, ids="note", groups="patient"), [3, 5]
    )
    text = json.dumps(commitment.to_dict())
    assert (
        co.Commitment.from_dict(json.loads(text)) == commitment
        and co.Commitment.from_dict(json.loads(text)).digest == commitment.digest
    )
    salts = [hmac.digest(KEY, name, "sha256") for name in commitment.tree.names.values()]
    hidden = [
        KEY.hex(),
        commitment.tree.mark.hex(),
        *(s.hex() for s in salts),
        *(leaf.hex() for i, leaf in enumerate(commitment.tree.levels[0]) if i not in (3, 5)),
    ]
    assert not [
        h for h in hidden if h in text or h in repr(commitment)
    ] and "note 1" not in text + repr(commitment) + repr(commitment.tree)
    assert str(KEY)[2:-1] not in repr(commitment)


@pytest.mark.parametrize(
    "change",
    [
        dict(root="0" * 63),
        dict(root="G" * 64),
        dict(root=None),
        dict(count=0),
        dict(count=3.0),
        dict(count=True),
        dict(format="x"),
        dict(withdrawn=[[9, "0" * 64]]),
        dict(withdrawn=[[1, "0"]]),
        dict(withdrawn=[[2, "0" * 64], [1, "0" * 64]]),
        dict(withdrawn={}),
        dict(withdrawn=[3]),
        dict(replaces=5),
        dict(key="x"),
        dict(schema_digest="A" * 64),
    ],
)
def test_a_commitment_from_outside_is_checked(change):
    good = co.commit_records(table(9), SCHEMA, KEY).to_dict()
    with pytest.raises(co.CommitmentError):
        co.Commitment.from_dict({**good, **change})
    for d in (None, [], "x", {}):
        pytest.raises(co.CommitmentError, co.Commitment.from_dict, d)


@pytest.mark.parametrize(
    "more, said",
    [
        (dict(ids=["a", "b", "a"]), "rows 0 and 2"),
        (dict(ids=["a", None, "b"]), "row 1"),
        (dict(groups=[1, 2, np.nan]), "row 2"),
        (dict(ids=[1, 2]), "expected 3"),
        (dict(ids="nowhere"), "column"),
        (dict(groups=[1.5, 2.0, 3.0]), "row 0"),
        (dict(ids=[1, "", 2]), "row 1"),
        (dict(ids=[True, False, 3]), "row 0"),
        (dict(ids=["a", "\ud800", "b"]), "row 1"),
        (dict(ids=7), "expected 3"),
        (dict(withdrawn=((9, "0" * 64),)), "withdrawn"),
        (dict(withdrawn=((1, "zz"),)), "withdrawn"),
    ],
)
def test_ids_and_groups_are_checked(more, said):
    with pytest.raises(co.CommitmentError, match=said):
        co.commit_records(table(3), SCHEMA, KEY, **more)


@pytest.mark.parametrize("key", [b"short", "0" * 64, None, bytearray(32)])
def test_a_key_is_a_key(key):
    with pytest.raises(co.CommitmentError, match="key"):
        co.commit_records(table(3), SCHEMA, key)


def test_new_keys_differ():
    assert len({co.new_key() for _ in range(100)}) == 100


# proofs


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7, 8, 9, 31, 33])
def test_every_record_is_proved_and_only_at_its_place(n):
    frame = table(n)
    commitment, records = co.commit_records(frame, SCHEMA, KEY), co.canonical_records(frame, SCHEMA)
    proofs = [co.inclusion_proof(commitment, i, KEY) for i in range(n)]
    for i, j in itertools.product(range(n), repeat=2):
        assert co.check_inclusion(commitment.root, n, records[i], proofs[j]) == (i == j)
        assert co.check_inclusion(
            commitment.root, n, records[i], replace(proofs[i], position=j)
        ) == (i == j)


def test_forgeries_are_refused():
    commitment, record, proof = proved()
    check = lambda root=commitment.root, count=commitment.count, record=record, **change: (
        co.check_inclusion(root, count, record, replace(proof, **change))
    )
    assert check()
    extra = bytes(32)
    wrong = [
        dict(record=record + b" "),
        dict(record=b""),
        dict(salt=extra),
        dict(salt=proof.salt + record[:1], record=record[1:]),
        dict(salt=b""),
        dict(salt=proof.salt[:-1], record=proof.salt[-1:] + record),
        dict(position=-1),
        dict(position=11),
        dict(position=6.0),
        dict(position=True),
        dict(position="6"),
        dict(path=()),
        dict(path=proof.path[1:]),
        dict(path=proof.path[:-1]),
        dict(path=proof.path + (extra,)),
        dict(path=(extra,) + proof.path),
        dict(path=proof.path[::-1]),
        dict(path=proof.path[:-1] + (proof.path[-1][:-1],)),
        dict(path=proof.path[:-1] + ("x" * 32,)),
        dict(root="0" * 64),
        dict(root=commitment.root.upper()),
        dict(root=None),
        dict(count=0),
        dict(count=3),
        dict(count=40),
        dict(count="11"),
    ]
    assert [w for w in wrong if check(**w)] == []


def test_a_node_does_not_pass_for_a_record():
    commitment, _, proof = proved(4, 0)
    left, right = commitment.tree.levels[1]
    assert not co.check_inclusion(commitment.root, 1, left[31:] + right, co.Proof(0, left[:32], ()))
    assert not co.check_inclusion(
        commitment.root,
        2,
        b"".join(commitment.tree.levels[0][:2])[32:],
        co.Proof(0, commitment.tree.levels[0][0], (right,)),
    )


def test_ten_thousand_mutated_proofs():
    commitment, record, proof = proved(33, 20)
    text, rng, accepted = json.dumps(proof.to_dict()), random.Random(1), 0
    for _ in range(10_000):
        at, new = rng.randrange(len(text)), rng.choice('ABab019+/={}[]",: -.e\\é')
        mutant = {
            0: text[:at] + new + text[at + 1 :],
            1: text[:at] + text[at + 1 :],
            2: text[:at] + new + text[at:],
            3: text[:at],
        }[rng.randrange(4)]
        try:
            value = json.loads(mutant)
        except ValueError:
            continue
        if value == proof.to_dict():
            continue  # a blank more or less
        try:
            accepted += co.check_inclusion(
                commitment.root, commitment.count, record, co.Proof.from_dict(value)
            )
        except co.CommitmentError:
            pass
    assert accepted == 0


@pytest.mark.parametrize(
    "change",
    [
        dict(position=1.0),
        dict(position=True),
        dict(position=-1),
        dict(salt=""),
        dict(salt=None),
        dict(path="A"),
        dict(path="AAAA"),
        dict(more=1),
        dict(salt="A" * 42 + "B="),
        dict(salt="A" * 43 + "=\n"),
        dict(salt="=" * 44),
        dict(salt="\u00e9" * 44),
    ],
)
def test_a_proof_from_outside_is_checked(change):
    good = proved()[2].to_dict()
    assert co.Proof.from_dict({**good, "salt": "A" * 43 + "="}).salt == bytes(32)
    with pytest.raises(co.CommitmentError):
        co.Proof.from_dict({**good, **change})
    for d in (None, [], "x", {}):
        pytest.raises(co.CommitmentError, co.Proof.from_dict, d)


def test_a_proof_needs_the_tree_and_the_key():
    commitment, record, proof = proved()
    with pytest.raises(co.CommitmentError, match="another"):
        co.inclusion_proof(commitment, 6, OTHER)
    with pytest.raises(co.CommitmentError, match="tree"):
        co.inclusion_proof(co.Commitment.from_dict(commitment.to_dict()), 6, KEY)
    for position in (-1, 11, 2.0, True, None, "6"):
        with pytest.raises(co.CommitmentError, match="position"):
            co.inclusion_proof(commitment, position, KEY)
    with pytest.raises(co.CommitmentError, match="record"):
        co.check_inclusion(commitment.root, 11, record.decode(), proof)
    with pytest.raises(co.CommitmentError, match="proof"):
        co.check_inclusion(commitment.root, 11, record, proof.to_dict())
    assert co.inclusion_proof(commitment, np.int64(6), KEY) == proof and "salt" not in repr(
        commitment
    )


# withdrawal


def test_withdrawn_is_out_and_the_others_are_in():
    frame = table(11).assign(session=[f"s{i}" for i in range(11)])
    old = co.commit_records(frame, SCHEMA, KEY, ids="session", groups="patient")
    new = co.withdraw(co.withdraw(old, 4), [0, 10])
    assert (
        [p for p, _ in new.withdrawn] == [0, 4, 10]
        and new.count == 11
        and new.replaces == co.withdraw(old, 4).root != old.root
    )
    assert dict(new.withdrawn)[4] == hashlib.sha256(b"\2" + old.tree.levels[0][4]).hexdigest()
    for i, record in enumerate(co.canonical_records(frame, SCHEMA)):
        before = co.inclusion_proof(old, i, KEY)
        assert co.check_inclusion(old.root, 11, record, before) and not co.check_inclusion(
            new.root, 11, record, before
        )
        if i in (0, 4, 10):
            for again in (lambda: co.inclusion_proof(new, i, KEY), lambda: co.withdraw(new, i)):
                with pytest.raises(co.CommitmentError, match="withdrawn"):
                    again()
            forged = co.Proof(i, before.salt, co._collect_path(new.tree.levels, i))
            assert not co.check_inclusion(new.root, 11, record, forged)
        else:
            assert co.check_inclusion(new.root, 11, record, co.inclusion_proof(new, i, KEY))
    rest = co.commit_records(
        frame.drop(index=[0, 4, 10]),
        SCHEMA,
        KEY,
        ids="session",
        groups="patient",
        withdrawn=new.withdrawn,
    )
    assert (rest.root, rest.count, rest.withdrawn) == (new.root, new.count, new.withdrawn)
    assert co.inclusion_proof(rest, 5, KEY) == co.inclusion_proof(new, 5, KEY)
    with pytest.raises(co.CommitmentError):
        co.withdraw(old, [])


# promises


def test_dictionary_of_every_record_reverses_nothing():
    possible = pd.MultiIndex.from_product(
        [range(18, 91), ["f", "m"], range(28), range(22)], names=["age", "sex", "phq9", "gad7"]
    ).to_frame(index=False)
    guesses = co.canonical_records(possible, SMALL)
    assert len(set(guesses)) == 89_936
    commitment = co.commit_records(possible, SMALL, KEY)
    shown = [
        co.inclusion_proof(commitment, i, KEY).salt for i in (0, 1)
    ]  # salts of two patients who asked
    book = {co.record_leaf(r, b"") for r in guesses}
    assert all(co.record_leaf(r, b"") in book for r in guesses)
    tries = book | {
        co.record_leaf(r, salt)
        for r in guesses
        for salt in (bytes(32), hmac.digest(OTHER, b"[null,0]", "sha256"), *shown)
    }
    assert sum(leaf in tries for leaf in commitment.tree.levels[0][2:]) == 0


def test_fast_and_short():
    frame = table(20_000)
    start = time.process_time()
    commitment = co.commit_records(frame, SCHEMA, KEY, groups="patient")
    assert time.process_time() - start < 10
    sizes = [
        len(json.dumps(co.inclusion_proof(commitment, i, KEY).to_dict()))
        for i in (0, 9_999, 19_999)
    ]
    assert max(sizes) < 1000
    longest = co.Proof(99_999, bytes(32), (bytes(32),) * 17)  # as high as the tree of 100,000
    assert len(json.dumps(longest.to_dict())) < 1000
