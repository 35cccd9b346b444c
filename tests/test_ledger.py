"""Ledgers: what is written stays, and what was tampered with is named."""

import errno
import hashlib
import json
import multiprocessing
import os
import random
import subprocess
import sys
from contextlib import contextmanager

import pytest

from adaroute.provenance import ledger as le
from adaroute.provenance.commitment import canonical_json
from adaroute.provenance.ledger import Ledger, LedgerError

fcntl = pytest.importorskip("fcntl")
sha = lambda text: hashlib.sha256(str(text).encode()).hexdigest()
WHEN = "2026-11-21T09:30:00Z"


@pytest.fixture
def book(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")


def filled(book, plans=3):
    for i in range(plans):
        book.append("commitment", plan=sha(i), root=sha("table"), time=WHEN)
    book.append("nonce", plan=sha(0), value="4162 5531", source="dice", time=WHEN)
    book.append("result", plan=sha(0), transcript=sha("run"), scores={"phq9": 0.4}, time=WHEN)
    book.append("abandoned", plan=sha(1), reason="the power failed", time=WHEN)
    return book


def test_the_chain_is_what_it_says(book):
    filled(book)
    lines, before = book.path.read_bytes().split(b"\n"), "0" * 64
    assert lines.pop() == b"" and len(lines) == 6
    for line, entry in zip(lines, book.entries, strict=True):
        assert (
            canonical_json(json.loads(line)).encode() == line
            and json.loads(line) == entry
            and entry["before"] == before
        )
        before = hashlib.sha256(line).hexdigest()
    assert (
        book.head == before
        and book.check() == 6
        and book.check(before) == 0
        and book.check("0" * 64) == 6
    )
    assert [book.check(e["before"]) for e in book.entries] == [6, 5, 4, 3, 2, 1]
    assert book.path.stat().st_mode & 0o777 == 0o600 and book.open_plans() == [sha(2)]
    assert Ledger(str(book.path)).head == before


def test_append_returns_the_entry_and_dates_it(book):
    entry = book.append("commitment", plan=sha(1), root=sha(2))
    assert entry == book.entries[0] and len(entry["time"]) == 20 and entry["time"].endswith("Z")


@pytest.mark.parametrize(
    "kind, body",
    [
        ("result", dict(plan=sha(9), transcript=sha(1), scores={})),
        ("nonce", dict(plan=sha(9), value="7", source="x")),
        ("abandoned", dict(plan=sha(9), reason="x")),
        ("result", dict(plan=sha(0), transcript=sha(1), scores={})),
        ("abandoned", dict(plan=sha(0), reason="x")),
        ("nonce", dict(plan=sha(0), value="7", source="x")),
        ("result", dict(plan=sha(1), transcript=sha(1), scores={})),
        ("abandoned", dict(plan=sha(1), reason="x")),
        ("nonce", dict(plan=sha(1), value="7", source="x")),
        ("commitment", dict(plan=sha(0), root=sha("table"))),
        ("commitment", dict(plan=sha(2), root=sha("other"))),
        ("withdrawal", dict(old_root=sha("other"), new_root=sha("new"), tombstones=1)),
        ("withdrawal", dict(old_root=sha("table"), new_root=sha("table"), tombstones=1)),
        ("withdrawal", dict(old_root=sha("table"), new_root=sha("new"), tombstones=0)),
        ("withdrawal", dict(old_root=sha("table"), new_root=sha("new"), tombstones=True)),
        ("commitment", dict(plan="secretword", root=sha(1))),
        ("commitment", dict(plan=sha(7))),
        ("commitment", dict(plan=sha(7), root=sha(1), more=1)),
        ("commitment", dict(plan=sha(7).upper(), root=sha(1))),
        ("commitment", dict(plan=sha(7), root=None)),
        ("party", {}),
        (None, {}),
        (["commitment"], {}),
        ("nonce", dict(plan=sha(2), value=" 7", source="x")),
        ("nonce", dict(plan=sha(2), value="e\u0301", source="x")),
        ("nonce", dict(plan=sha(2), value="", source="x")),
        ("abandoned", dict(plan=sha(2), reason="secretword\n{}")),
        ("abandoned", dict(plan=sha(2), reason="")),
        ("abandoned", dict(plan=sha(2), reason=3)),
        ("abandoned", dict(plan=sha(2), reason="\ud800")),
        *(
            ("abandoned", dict(plan=sha(2), reason=f"a{c}b"))
            for c in "\0\x1b\x7f\x80\x85\x9b\x9f\u2028"
        ),
        *(("nonce", dict(plan=sha(2), value="7", source=f"a{c}b")) for c in "\x1b\x85\x9f"),
        ("nonce", dict(plan=sha(2), value="7\x9b7", source="dice")),
        ("result", dict(plan=sha(2), transcript=sha(1), scores=[1])),
        ("result", dict(plan=sha(2), transcript=sha(1), scores={"r2": float("nan")})),
        ("result", dict(plan=sha(2), transcript=sha(1), scores={1: 2})),
        ("result", dict(plan=sha(2), transcript=None, scores={})),
    ],
)
def test_what_does_not_fit_is_refused_and_not_written(book, kind, body):
    before = filled(book).path.read_bytes()
    with pytest.raises(LedgerError) as e:
        book.append(kind, **body)
    assert book.path.read_bytes() == before and "secretword" not in str(e.value)


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-21",
        "2026-11-21T09:30:00",
        "2026-11-21T09:30:00+01:00",
        "2026-13-21T09:30:00Z",
        3,
        "",
        "2026-1-2T09:30:00Z",
    ],
)
def test_times_are_utc_to_the_second(book, time):
    with pytest.raises(LedgerError, match="time"):
        book.append("commitment", plan=sha(1), root=sha(2), time=time)
    assert not book.path.exists()


def test_no_result_before_its_commitment_in_a_file_made_by_hand(tmp_path):
    "The chain is sound, the order is not."
    c, r = (
        dict(kind="commitment", plan=sha(0), root=sha(1), time=WHEN),
        dict(kind="result", plan=sha(0), transcript=sha(2), scores={}, time=WHEN),
    )
    n = dict(kind="nonce", plan=sha(0), value="7", source="x", time=WHEN)
    for i, (entries, line) in enumerate(
        [
            ([r, c], 1),
            ([n, c], 1),
            ([c, r, r], 3),
            ([c, c], 2),
            ([c, r, n], 3),
            ([c, n, n], 3),
            ([c, dict(r, more=1)], 2),
            ([{k: v for k, v in c.items() if k != "time"}], 1),
            ([dict(c, time="now")], 1),
            ([dict(c, kind="party")], 1),
        ]
    ):
        before, content, path = "0" * 64, b"", tmp_path / f"{i}"
        for entry in entries:
            text = canonical_json(dict(entry, before=before)).encode()
            before, content = hashlib.sha256(text).hexdigest(), content + text + b"\n"
        path.write_bytes(content)
        for ask in (
            Ledger(path).check,
            lambda: Ledger(path).entries,
            lambda: Ledger(path).append("commitment", plan=sha(8), root=sha(8)),
        ):
            with pytest.raises(LedgerError, match=rf"^line {line}\b"):
                ask()
        assert path.read_bytes() == content


def test_every_alteration_of_a_line_is_named(book):
    lines = filled(book).path.read_bytes().splitlines(keepends=True)
    for i in range(6):
        swapped = lines.copy()
        if i < 5:
            swapped[i], swapped[i + 1] = swapped[i + 1], swapped[i]
        altered = lines.copy()
        altered[i] = altered[i].replace(b"09:30", b"09:31")
        cases = {
            "removed": (lines[:i] + lines[i + 1 :], i < 5),
            "altered": (altered, i < 5),
            "swapped": (swapped, i < 5),
            "inserted": (lines[:i] + [lines[i]] + lines[i:], True),
            "blank": (lines[:i] + [b"\n"] + lines[i:], True),
            "spaced": (lines[:i] + [b" " + lines[i]] + lines[i + 1 :], True),
        }
        for name, (changed, seen) in cases.items():
            book.path.write_bytes(b"".join(changed))
            if not seen:
                book.check()
                continue  # the end: only an anchored head tells
            with pytest.raises(LedgerError) as e:
                book.check()
            named = int(str(e.value).split()[1].rstrip(":"))
            assert named in (i + 1, i + 2), (name, i, str(e.value))


def test_the_end_is_guarded_by_the_head_only(book):
    filled(book)
    head, content = book.head, book.path.read_bytes()
    lines = content.splitlines(keepends=True)
    for n in range(6):
        book.path.write_bytes(b"".join(lines[:n]))
        assert book.check() == n
        with pytest.raises(LedgerError, match="head"):
            book.check(head)
    book.path.write_bytes(b"".join(lines[:-1]) + lines[-1].replace(b"power", b"money"))
    assert book.check() == 6
    with pytest.raises(LedgerError, match="head"):
        book.check(head)
    book.path.write_bytes(content)
    for bad in ("", "x", head.upper(), 3, head[:-1]):
        with pytest.raises(LedgerError, match="head"):
            book.check(bad)


def test_a_line_cut_off_is_reported_and_set_aside(book):
    content = filled(book).path.read_bytes()
    last = content.rfind(b"\n", 0, -1) + 1
    for cut in range(last + 1, len(content)):
        book.path.write_bytes(content[:cut])
        for ask in (
            book.check,
            lambda: book.head,
            lambda: book.append("commitment", plan=sha(8), root=sha(8)),
        ):
            with pytest.raises(LedgerError, match=r"line 6: cut off .*mend"):
                ask()
        assert book.path.read_bytes() == content[:cut]
    assert (
        book.mend() == content[last:-1]
        and book.mend() == b""
        and book.path.read_bytes() == content[:last]
    )
    aside = next(book.path.parent.glob("*.cut-*"))
    assert aside.read_bytes() == content[last:-1] and aside.stat().st_mode & 0o777 == 0o600
    book.append("abandoned", plan=sha(1), reason="the power failed", time=WHEN)
    assert book.path.read_bytes() == content
    book.path.write_bytes(content[:20])
    assert book.mend() == content[:20] and book.check() == 0


def test_mend_makes_no_file_and_says_so_when_it_cannot_write(book, monkeypatch):
    with pytest.raises(LedgerError, match="expected a file that can be written"):
        book.mend()
    assert not book.path.exists()
    content = filled(book).path.read_bytes()[:-9]
    book.path.write_bytes(content)

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(le.os, "fsync", fail)
    with pytest.raises(
        LedgerError, match="set .* bytes aside, got 'No space left on device'; try again"
    ):
        book.mend()
    monkeypatch.undo()
    assert book.path.read_bytes() == content, "what was not set aside is still there"
    assert content.endswith(book.mend()) and book.check() == 5


def test_mend_does_not_touch_a_broken_chain(book):
    content = filled(book).path.read_bytes().replace(b"dice", b"none") + b"half"
    book.path.write_bytes(content)
    with pytest.raises(LedgerError, match="line 5"):
        book.mend()
    assert book.path.read_bytes() == content


@contextmanager
def held_by_another(code, path):
    "Another process that holds the ledger, as `code` does it, until it is killed."
    words, pipe = [sys.executable, "-c", code, path], subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def test_a_second_writer_is_told(book, monkeypatch):
    filled(book)
    monkeypatch.setattr("adaroute.provenance.ledger.WAIT", 0.2)
    code = "import fcntl, os, sys; f = os.open(sys.argv[1], os.O_RDWR); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    with held_by_another(code, book.path) as other:
        for ask in (
            book.check,
            book.mend,
            lambda: book.append("commitment", plan=sha(8), root=sha(8)),
        ):
            with pytest.raises(LedgerError, match="another process") as e:
                ask()
            assert str(book.path) not in str(e.value)
        other.kill()
    assert book.check() == 6  # the lock of a dead writer is gone


def _add_ten(path, i):
    for n in range(10):
        Ledger(path).append("commitment", plan=sha(f"{i} {n}"), root=sha("table"))
        assert Ledger(path).check() > n


def test_who_holds_the_ledger_is_named(book, monkeypatch):
    filled(book)
    monkeypatch.setattr("adaroute.provenance.ledger.WAIT", 0.2)
    code = "import sys; from adaroute.machine import hold_lock; lock = hold_lock(sys.argv[1]); lock.__enter__(); print('held', flush=True); sys.stdin.read()"
    with held_by_another(code, book.path) as other:
        assert book.check() == 6, "a writer does not keep readers out"
        with pytest.raises(LedgerError, match=f"process {other.pid} since 20.* is writing it"):
            book.append("commitment", plan=sha(8), root=sha(8))
        other.kill()
    assert book.append("commitment", plan=sha(8), root=sha(8))


def test_two_writers_wait_for_each_other_and_lose_no_line(book):
    spawned = [
        multiprocessing.get_context("fork").Process(target=_add_ten, args=(book.path, i))
        for i in range(2)
    ]
    for p in spawned:
        p.start()
    for p in spawned:
        p.join()
    assert [p.exitcode for p in spawned] == [0, 0] and book.check() == 20


@pytest.mark.parametrize("call", ["write", "fsync", "short"])
def test_a_write_that_fails_leaves_the_ledger_as_it_was(book, monkeypatch, call):
    before, write = filled(book).path.read_bytes(), os.write

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(
        le.os,
        "write" if call == "short" else call,
        (lambda f, line: write(f, line[:9])) if call == "short" else fail,
    )
    with pytest.raises(LedgerError, match="not added"):
        book.append("commitment", plan=sha(8), root=sha(8))
    monkeypatch.undo()
    assert book.path.read_bytes() == before and book.append("commitment", plan=sha(8), root=sha(8))


def test_where_there_is_no_ledger(tmp_path):
    for path in (tmp_path / "none.jsonl", tmp_path, tmp_path / "no" / "ledger.jsonl"):
        for ask in (Ledger(path).check, lambda: Ledger(path).head, Ledger(path).open_plans):
            with pytest.raises(LedgerError) as e:
                ask()
            assert str(tmp_path) not in str(e.value) + repr(Ledger(path))
    for path in (tmp_path, tmp_path / "no" / "ledger.jsonl"):
        with pytest.raises(LedgerError):
            Ledger(path).append("commitment", plan=sha(8), root=sha(8))
    assert not (tmp_path / "none.jsonl").exists()


def test_no_mutation_passes_for_the_ledger(book):
    content, rng = filled(book).path.read_bytes(), random.Random(0)
    head, extra = (
        book.head,
        [
            b"null\n",
            b"[]\n",
            b"{}\n",
            b"[" * 60_000 + b"\n",
            b"\xff\n",
            b"\n",
            b"9" * 5000 + b"\n",
            content.replace(b"\n", b"\r\n"),
            content * 2,
        ],
    )
    for i in range(500):
        bad = bytearray(content)
        if i < len(extra):
            bad = extra[i]
        elif i % 3 == 0:
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        elif i % 3 == 1:
            at = rng.randrange(len(bad))
            del bad[at : at + rng.randrange(1, 300)]
        else:
            bad[(at := rng.randrange(len(bad))) : at] = bytes([rng.randrange(256)])
        if bad == content:
            continue
        book.path.write_bytes(bytes(bad))
        with pytest.raises(LedgerError):
            book.check(head)


def test_behind(book):
    filled(book, plans=5)
    assert book.behind(sha(0)) | dict(order=0) == dict(
        nonce=True,
        line=7,
        same_root=dict(commitments=5, result=1, abandoned=1, open=3),
        in_all=dict(commitments=5, result=1, abandoned=1, open=3),
        order=0,
    )
    assert [
        (o["plan"], o["line"], o["fate"], o["same_root"]) for o in book.behind(sha(0))["order"][:2]
    ] == [(sha(0), 1, "result", True), (sha(1), 2, "abandoned", True)]
    book.append(
        "commitment", plan=sha("late"), root=sha("table")
    )  # filed after the result: not behind it
    book.append("commitment", plan=sha("else"), root=sha("other"))
    assert book.behind(sha(0))["in_all"]["commitments"] == 5
    book.append("withdrawal", old_root=sha("table"), new_root=sha("smaller"), tombstones=2)
    book.append("withdrawal", old_root=sha("smaller"), new_root=sha("smallest"), tombstones=1)
    book.append("commitment", plan=sha("last"), root=sha("smallest"))
    book.append("result", plan=sha("last"), transcript=sha("run 2"), scores={})
    found = book.behind(sha("last"))
    assert found["same_root"] == dict(commitments=7, result=2, abandoned=1, open=4) and found[
        "in_all"
    ] == dict(commitments=8, result=2, abandoned=1, open=5)
    assert not found["nonce"] and [o["same_root"] for o in found["order"]] == [True] * 6 + [
        False,
        True,
    ]
    for plan in (sha(1), sha("late"), sha("nobody"), "x", None):
        with pytest.raises(LedgerError, match="result"):
            book.behind(plan)
    json.dumps(found)
