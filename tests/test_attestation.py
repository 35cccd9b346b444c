"""Statements: files that are those, or a refusal with their name; signatures that hold, and nothing changed that does."""

import base64
import hashlib
import json
import random
import shutil
import subprocess

import pandas as pd
import pytest

from adaroute.provenance import attestation as st
from adaroute.provenance.commitment import Commitment, canonical_json, commit_records, withdraw
from adaroute.schema import Schema
from adaroute.provenance.attestation import StatementError

needs_ssh = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="no ssh-keygen on this system"
)
BOARD, PREDICATE = (
    "board@example.org",
    dict(plan="ab" * 32, levels={"derivation": "verified", "k": 10}, r2=0.4),
)
pack = lambda raw: base64.b64encode(raw).decode()


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    for name, content in (
        ("model.json", b"{}"),
        ("weights.safetensors", bytes(100)),
        ("sub/é.txt", b"x"),
        (".hidden", b""),
    ):
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    "Two throw-away keys; the first may sign, the second may sign for git only."
    room = tmp_path_factory.mktemp("keys")
    for name in ("board", "trainer"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", room / name], check=True
        )
    public = lambda name: (room / f"{name}.pub").read_text()
    (room / "allowed").write_text(
        f'{BOARD} namespaces="adaroute" {public("board")}trainer@example.org namespaces="git" {public("trainer")}'
    )
    return room


# the statement


def test_the_form_of_in_toto(model):
    digests = st.subject_digests(model)
    assert (
        list(digests) == [".hidden", "model.json", "sub/é.txt", "weights.safetensors"]
        and digests["model.json"] == hashlib.sha256(b"{}").hexdigest()
    )
    made = st.make_statement(dict(reversed(digests.items())), PREDICATE)
    assert made == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": n, "digest": {"sha256": d}} for n, d in digests.items()],
        "predicateType": "https://adaroute.dev/provenance/v1",
        "predicate": PREDICATE,
    }
    assert st.check_statement(json.loads(json.dumps(made)), model) == list(digests)
    assert canonical_json(made) == canonical_json(st.make_statement(digests, PREDICATE))
    (model / "more.txt").write_text("not spoken of")
    assert st.check_statement(made, str(model)) == list(digests)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "../a",
        "a/../b",
        "a//b",
        "./a",
        "a/",
        ".",
        "..",
        "a\\b",
        "c:a",
        "a\n",
        "a\0",
        "a\x9b",
        "\ud800",
        "x" * 256,
        3,
        None,
    ],
)
def test_names_stay_in_the_folder(name, model):
    with pytest.raises(StatementError, match="subjects"):
        st.make_statement({name: "ab" * 32}, {})
    bad = dict(
        st.make_statement({"a": "ab" * 32}, {}),
        subject=[dict(name=name, digest=dict(sha256="ab" * 32))],
    )
    with pytest.raises(StatementError, match="subject"):
        st.check_statement(bad, model)


@pytest.mark.parametrize(
    "subjects, predicate",
    [
        ({}, {}),
        (None, {}),
        ([("a", "ab" * 32)], {}),
        ({"a": "AB" * 32}, {}),
        ({"a": None}, {}),
        ({"a": "ab"}, {}),
        ({"a": "ab" * 32}, None),
        ({"a": "ab" * 32}, [1]),
        ({"a": "ab" * 32}, {"x": float("nan")}),
        ({"a": "ab" * 32}, {1: 2}),
        ({"a": "ab" * 32}, {"x": b"secretword"}),
    ],
)
def test_what_is_no_statement(subjects, predicate):
    with pytest.raises(StatementError) as e:
        st.make_statement(subjects, predicate)
    assert "secretword" not in str(e.value)


@pytest.mark.parametrize(
    "change",
    [
        dict(_type="https://in-toto.io/Statement/v0.1"),
        dict(predicateType="https://slsa.dev/provenance/v1"),
        dict(predicate=None),
        dict(more=1),
        dict(subject=[]),
        dict(subject=None),
        dict(subject=[None]),
        dict(subject=[dict(name="a")]),
        dict(subject="x"),
        dict(subject=[dict(name="model.json", digest=dict(sha256="ab" * 32), uri="x")]),
        dict(subject=[dict(name="a", digest="ab" * 32)]),
        dict(subject=[dict(name="a", digest=dict(sha256="ab" * 32, md5="ab" * 16))]),
        dict(subject=[dict(name="a", digest=dict(sha256="ab" * 32))] * 2),
    ],
)
def test_another_form_is_refused(change, model):
    good = st.make_statement(st.subject_digests(model), PREDICATE)
    with pytest.raises(StatementError):
        st.check_statement({**good, **change}, model)
    for name in good:
        with pytest.raises(StatementError, match="expected the keys"):
            st.check_statement({k: v for k, v in good.items() if k != name}, model)
    for other in (None, [], "x", 3):
        with pytest.raises(StatementError):
            st.check_statement(other, model)


def test_a_changed_file_is_named(model, tmp_path):
    made = st.make_statement(st.subject_digests(model), PREDICATE)
    for name in st.check_statement(made, model):
        content = (model / name).read_bytes()
        (model / name).write_bytes(content + b"x")
        with pytest.raises(StatementError, match=f"^{name}: .*another content"):
            st.check_statement(made, model)
        (model / name).unlink()
        with pytest.raises(StatementError, match=f"^{name}: .*nothing") as e:
            st.check_statement(made, model)
        assert str(tmp_path) not in str(e.value)
        (tmp_path / "aside").write_bytes(content)
        (model / name).symlink_to(tmp_path / "aside")
        with pytest.raises(StatementError, match=f"^{name}: .*a link"):
            st.check_statement(made, model)
        with pytest.raises(StatementError, match=f"^{name}: .*a link"):
            st.subject_digests(model)
        (model / name).unlink()
        (model / name).mkdir()
        with pytest.raises(StatementError, match=f"^{name}: .*no file"):
            st.check_statement(made, model)
        (model / name).rmdir()
        (model / name).write_bytes(content)
    (model / "sub").rename(tmp_path / "sub")
    (model / "sub").symlink_to(tmp_path / "sub")
    with pytest.raises(StatementError, match="a link"):
        st.check_statement(made, model)
    for where in (tmp_path / "nowhere", tmp_path / "aside"):
        with pytest.raises(StatementError):
            st.check_statement(made, where)
        with pytest.raises(StatementError):
            st.subject_digests(where)


def test_what_dsse_signs():
    assert (
        st.pre_authentication("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert st.pre_authentication("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


# the signature


@needs_ssh
def test_a_signature_holds(keys, model):
    made = st.make_statement(st.subject_digests(model), PREDICATE)
    envelope = st.sign_statement(made, keys / "board")
    assert (
        set(envelope) == {"payload", "payloadType", "signatures"}
        and envelope["payloadType"] == "application/vnd.in-toto+json"
    )
    assert base64.b64decode(envelope["payload"]) == canonical_json(made).encode()
    assert (
        st.check_envelope(json.loads(json.dumps(envelope)), keys / "allowed", BOARD)
        == made
        == st.check_envelope(envelope, str(keys / "allowed"), BOARD)
    )
    assert st.check_statement(st.check_envelope(envelope, keys / "allowed", BOARD), model)


@needs_ssh
def test_another_signer_key_namespace_or_type(keys):
    made = st.make_statement({"a": "ab" * 32}, PREDICATE)
    envelope, foreign = (st.sign_statement(made, keys / name) for name in ("board", "trainer"))
    for bad, signer in (
        (envelope, "trainer@example.org"),
        (envelope, "nobody@example.org"),
        (foreign, BOARD),
        (foreign, "trainer@example.org"),
    ):
        with pytest.raises(StatementError, match="signature"):
            st.check_envelope(bad, keys / "allowed", signer)
    for signer in ("", "*", "a b", "-x", "!x", "a,b", None, 3, "x\n"):
        with pytest.raises(StatementError, match="signer"):
            st.check_envelope(envelope, keys / "allowed", signer)
    data = st.pre_authentication(st.INTOTO, canonical_json(made).encode())
    git = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-q", "-n", "git", "-f", keys / "board"],
        input=data,
        capture_output=True,
        check=True,
    ).stdout
    with pytest.raises(StatementError, match="signature"):
        st.check_envelope(
            {**envelope, "signatures": [dict(sig=pack(git))]}, keys / "allowed", BOARD
        )
    with pytest.raises(StatementError, match="type"):
        st.check_json(envelope, keys / "allowed", BOARD, st.WITHDRAWAL)
    with pytest.raises(StatementError, match="signature"):
        st.check_json(
            {**envelope, "payloadType": st.WITHDRAWAL}, keys / "allowed", BOARD, st.WITHDRAWAL
        )
    with pytest.raises(StatementError):
        st.check_envelope(
            {**st.sign_json({"a": 1}, keys / "board", st.INTOTO)}, keys / "allowed", BOARD
        )  # signed, but no statement


@needs_ssh
def test_every_change_of_an_envelope_is_refused(keys):
    envelope = st.sign_statement(st.make_statement({"a": "ab" * 32}, PREDICATE), keys / "board")
    body, sig, rng = (
        base64.b64decode(envelope["payload"]),
        base64.b64decode(envelope["signatures"][0]["sig"]),
        random.Random(0),
    )
    signed = lambda raw: {**envelope, "signatures": [dict(sig=pack(raw))]}
    flip = lambda raw: (lambda i: raw[:i] + bytes([raw[i] ^ 1 << rng.randrange(8)]) + raw[i + 1 :])(
        rng.randrange(len(raw))
    )
    bad = [{**envelope, "payload": pack(flip(body))} for _ in range(40)] + [
        signed(flip(sig)) for _ in range(80)
    ]
    bad += [
        {**envelope, "payload": pack(body + b" ")},
        {**envelope, "payload": envelope["payload"] + "\n"},
        {**envelope, "payload": "é"},
        {**envelope, "payload": None},
        {**envelope, "payload": ""},
        signed(b""),
        signed(sig + b"\n"),
        signed(sig[:-1]),
        signed(sig * 2),
        signed(b"\n" + sig),
        signed(sig.replace(b"\n", b"\r\n")),
        signed(sig.replace(b"U1NI", b"U1NI\n", 1)),
        {**envelope, "signatures": []},
        {**envelope, "signatures": envelope["signatures"] * 2},
        {**envelope, "signatures": None},
        {**envelope, "signatures": [None]},
        {**envelope, "signatures": [{**envelope["signatures"][0], "keyid": "x"}]},
        {**envelope, "more": 1},
        {},
        None,
        [],
        "x",
    ]
    for i, other in enumerate(bad):
        with pytest.raises(StatementError):
            raise AssertionError(i, st.check_envelope(other, keys / "allowed", BOARD))
    assert st.check_envelope(envelope, keys / "allowed", BOARD)


@needs_ssh
def test_keys_that_cannot_sign(keys, tmp_path):
    made = st.make_statement({"a": "ab" * 32}, {})
    (tmp_path / "open").write_bytes((keys / "board").read_bytes())
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "text").write_text("secretword")
    (tmp_path / "text").chmod(0o600)
    for bad in ("open", "text", "none", "."):
        with pytest.raises(StatementError, match="private key") as e:
            st.sign_statement(made, tmp_path / bad)
        assert str(tmp_path) not in str(e.value) and "secretword" not in str(e.value)
    envelope = st.sign_statement(made, keys / "board")
    for bad in ("text", "none", "."):
        with pytest.raises(StatementError) as e:
            st.check_envelope(envelope, tmp_path / bad, BOARD)
        assert str(tmp_path) not in str(e.value)
    with pytest.raises(StatementError):
        st.sign_statement({"a": 1}, keys / "board")
    for value, kind in (([1], "x"), ({"a": float("nan")}, "x"), ({}, None)):
        with pytest.raises(StatementError):
            st.sign_json(value, keys / "board", kind)


def test_without_ssh_keygen(tmp_path, monkeypatch):
    monkeypatch.setattr(st.shutil, "which", lambda name: None)
    (tmp_path / "key").write_text("x")
    with pytest.raises(StatementError, match="ssh-keygen"):
        st.sign_json({}, tmp_path / "key", "x")


# withdrawals

PEOPLE = pd.DataFrame(dict(age=[34, 51, 27, 45, 60], phq9=[12, 3, 20, 8, 1]))
BEFORE = commit_records(PEOPLE, Schema(numeric="age", tasks={"phq9": "count"}), bytes(32))


def test_a_notice_says_what_is_new():
    once = withdraw(BEFORE, 2)
    twice = withdraw(once, [0, 4])
    notice = st.withdrawal_notice(once, twice)
    assert (
        [p for p, _ in notice["tombstones"]] == [0, 4]
        and notice["old_root"] == once.root
        and notice["commitment"] == twice.to_dict()
    )
    assert st.check_withdrawal(json.loads(json.dumps(notice))) == Commitment.from_dict(
        twice.to_dict()
    )
    other = commit_records(
        PEOPLE.iloc[:3], Schema(numeric="age", tasks={"phq9": "count"}), bytes(32)
    )
    for pair in ((BEFORE, BEFORE), (twice, once), (BEFORE, twice), (other, once), (once, BEFORE)):
        with pytest.raises(StatementError, match="withdrawal"):
            st.withdrawal_notice(*pair)
    for change in (
        dict(tombstones=[]),
        dict(tombstones=None),
        dict(tombstones=notice["tombstones"][::-1]),
        dict(tombstones=[[1, "ab" * 32]]),
        dict(old_root=BEFORE.root),
        dict(commitment=BEFORE.to_dict()),
        dict(commitment=None),
        dict(format="x"),
        dict(more=1),
        dict(old_root=None),
        dict(old_root=twice.root, commitment={**twice.to_dict(), "replaces": twice.root}),
    ):
        with pytest.raises(StatementError, match="withdrawal"):
            st.check_withdrawal({**notice, **change})
    for other in (None, [], {}):
        with pytest.raises(StatementError):
            st.check_withdrawal(other)


@needs_ssh
def test_a_signed_withdrawal(keys):
    notice = st.withdrawal_notice(BEFORE, withdraw(BEFORE, 1))
    envelope = st.sign_json(notice, keys / "board", st.WITHDRAWAL)
    assert st.check_json(envelope, keys / "allowed", BOARD, st.WITHDRAWAL) == notice
    with pytest.raises(StatementError):
        st.check_envelope(envelope, keys / "allowed", BOARD)
