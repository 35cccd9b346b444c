"""A time-stamping authority as the witness of a ledger: what it signed holds, and every other answer is refused."""

import base64
import json
import random
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from adaroute.command.main import main
from adaroute.provenance.ledger import Ledger
from adaroute.provenance.witness import check_stamp, stamp_request

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = """[tsa]
default_tsa = it
[it]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
"""
NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)


def certificate(name, key, issuer, signer, **how):
    "A certificate: for stamping times unless it is to sign others."
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in (name, issuer)]
    begin, end = how.get("valid", (NOW - DAY, NOW + DAY))
    made = x509.CertificateBuilder(names[1], names[0], key.public_key(), 7, begin, end)
    is_authority = how.get("is_authority", False)
    made = made.add_extension(x509.BasicConstraints(is_authority, None), True)
    if not is_authority:
        use = how.get("use", ExtendedKeyUsageOID.TIME_STAMPING)
        made = made.add_extension(x509.ExtendedKeyUsage([use]), True)
    return made.sign(signer, hashes.SHA256())


def pem(thing):
    return thing.public_bytes(serialization.Encoding.PEM)


class Authority:
    "Keys and certificates of somebody who stamps times with `openssl ts`."

    def __init__(self, place, name, **how):
        root, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.place = place / name
        self.place.mkdir()
        self.root = certificate(f"{name} root", root, f"{name} root", root, is_authority=True)
        self.own = certificate(name, own, f"{name} root", root, **how)
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        key = own.private_bytes(serialization.Encoding.PEM, form, plain)
        for file, content in dict(key=key, pem=pem(self.own), settings=SETTINGS.encode()).items():
            (self.place / file).write_bytes(content)
        (self.place / "serial").write_text("01")

    @property
    def trusted(self):
        return pem(self.own) + pem(self.root)

    def answer(self, request):
        (self.place / "request").write_bytes(request)
        words = "openssl ts -reply -queryfile request -signer pem -inkey key -out answer"
        words = [*words.split(), "-config", "settings"]
        subprocess.run(words, cwd=self.place, check=True, capture_output=True)
        return (self.place / "answer").read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("stamps")


@pytest.fixture(scope="module")
def board(place):
    return Authority(place, "board")


@pytest.fixture(scope="module")
def book(place):
    book = Ledger(place / "book.jsonl")
    book.append("commitment", plan="a" * 64, root="b" * 64)
    return book


@pytest.fixture(scope="module")
def stamped(book, board):
    "The answer on the head after one line; then the ledger grows."
    answer = board.answer(stamp_request(book))
    book.append("nonce", plan="a" * 64, value="5 3 1", source="dice")
    return answer


def refusal(*given):
    "Why a stamp is refused, in one line."
    with pytest.raises(ValueError) as error:
        check_stamp(*given)
    told = str(error.value)
    assert "\n" not in told and len(told) < 250
    return told


def test_a_stamp_holds_while_the_ledger_grows(book, board, stamped):
    found = check_stamp(stamped, book, board.trusted)
    assert found.lines == 1 and [entry["kind"] for entry in found.since] == ["nonce"]
    second = timedelta(seconds=1)
    assert NOW - second < datetime.fromisoformat(found.time) < datetime.now(timezone.utc) + second


def test_the_common_tool_says_the_same(place, book, board, stamped):
    "Without a line of ours: the head is the digest of the last line, which is what was stamped."
    (place / "root.pem").write_bytes(board.trusted)
    (place / "answer").write_bytes(stamped)
    for line, status in ((0, 0), (1, 1)):
        content = book.path.read_bytes().split(b"\n")[line]
        (place / "line").write_bytes(content)
        words = "openssl ts -verify -data line -in answer -CAfile root.pem"
        done = subprocess.run(words.split(), cwd=place, capture_output=True)
        assert done.returncode == status, done.stderr


def test_a_ledger_that_was_written_anew(place, board, stamped):
    anew = Ledger(place / "anew.jsonl")
    anew.append("commitment", plan="c" * 64, root="b" * 64)
    assert "head: not among the 1 lines" in refusal(stamped, anew, board.trusted)


def test_an_authority_that_nobody_trusts(place, book, board, stamped):
    other = Authority(place, "other")
    assert "expected one that leads to the certificates" in refusal(stamped, book, other.trusted)
    for part in (board.root, board.own):  # neither end of the chain is enough
        assert "expected one that leads to the certificates" in refusal(stamped, book, pem(part))
    theirs = other.answer(stamp_request(book))
    assert "expected one that leads to the certificates" in refusal(theirs, book, board.trusted)


CERTIFICATES = {
    "one that had run out": dict(valid=(NOW - 9 * DAY, NOW - DAY)),
    "one that was not valid yet": dict(valid=(NOW + DAY, NOW + 9 * DAY)),
    "one for other uses": dict(use=ExtendedKeyUsageOID.CODE_SIGNING),
}


@pytest.mark.parametrize("name", list(CERTIFICATES)[:2])
def test_a_certificate_that_was_not_valid_then(place, book, name):
    late = Authority(place, name.replace(" ", "-"), **CERTIFICATES[name])
    answer = late.answer(stamp_request(book))
    assert "as valid at its time" in refusal(answer, book, late.trusted)


def test_a_certificate_that_has_run_out_since_then_does_not_matter(board):
    "The vector of the formats was stamped once and is read for ever, as of its own time."
    vector = json.loads((ROOT / "docs/vectors/stamp.json").read_text())
    answer = base64.b64decode(vector["answer"])
    book = Ledger(board.place / "vector.jsonl")
    book.path.write_text("".join(line + "\n" for line in vector["lines"]))
    found = check_stamp(answer, book, vector["authority"].encode())
    assert (found.time, found.lines) == (vector["time"], 1) and book.head == vector["head"]


def test_a_key_for_other_uses_stamps_nothing(place, book):
    "The tool itself refuses to sign with it."
    odd = Authority(place, "odd", **CERTIFICATES["one for other uses"])
    with pytest.raises(subprocess.CalledProcessError):
        odd.answer(stamp_request(book))


def test_a_refusal_another_digest_and_garbage(place, book, board, stamped):
    for content in (b"", b"no", stamped[:-1], stamped[4:], board.trusted, b"\x30\x82" * 99):
        assert "bytes that are none" in refusal(content, book, board.trusted)
    (place / "line").write_bytes(book.path.read_bytes().split(b"\n")[1])
    for digest, words in (("sha512", "on another digest"), ("sha384", "a refusal")):
        ask = f"openssl ts -query -data line -{digest} -cert -out query"
        subprocess.run(ask.split(), cwd=place, check=True, capture_output=True)
        answer = board.answer((place / "query").read_bytes())
        assert words in refusal(answer, book, board.trusted)
    for content in (b"", b"garbage", stamped):
        assert "authority: expected certificates in PEM" in refusal(stamped, book, content)


def test_spoiled_answers_never_say_another_time(book, board, stamped):
    "Bytes that nobody signed may differ; then the stamp says what it said."
    said, rng = check_stamp(stamped, book, board.trusted), random.Random(0)
    refused = 0
    for _ in range(400):
        spoiled = bytearray(stamped)
        spoiled[rng.randrange(len(spoiled))] ^= 1 << rng.randrange(8)
        try:
            assert check_stamp(bytes(spoiled), book, board.trusted) == said
        except ValueError as error:
            refused += "\n" not in str(error)
    assert refused > 200


def test_an_empty_ledger_cannot_be_stamped(place):
    (place / "empty.jsonl").touch()
    with pytest.raises(ValueError, match="expected at least one line to be stamped"):
        stamp_request(Ledger(place / "empty.jsonl"))


def test_without_the_package_it_says_which(monkeypatch, book, board, stamped):
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    assert "expected the package rfc3161-client" in refusal(stamped, book, board.trusted)


def run(monkeypatch, place, *words, status=0):
    monkeypatch.chdir(place)
    done = CliRunner().invoke(main, ["ledger", *map(str, words)])
    assert done.exit_code == status, done.output
    return done.output


def test_the_command(place, board, tmp_path, monkeypatch):
    book = Ledger(tmp_path / "b.jsonl")
    book.append("commitment", plan="a" * 64, root="b" * 64)
    assert book.head in run(monkeypatch, tmp_path, "stamp", "b.jsonl", "--out", "head.tsq")
    (tmp_path / "head.tsr").write_bytes(board.answer((tmp_path / "head.tsq").read_bytes()))
    (tmp_path / "root.pem").write_bytes(board.trusted)
    book.append("nonce", plan="a" * 64, value="5 3 1", source="dice")
    ask = ("check", "b.jsonl", "--stamp", "head.tsr", "--authority", "root.pem")
    told = run(monkeypatch, tmp_path, *ask)
    assert "1 of them came after" in told and "the head after 1 of them was witnessed on" in told
    said = json.loads(run(monkeypatch, tmp_path, *ask, "--json"))
    assert said["added"] == ["nonce"] and said["witnessed"].endswith("Z")
    shutil.copy(tmp_path / "head.tsq", tmp_path / "head.tsr")
    wrong = run(monkeypatch, tmp_path, *ask, status=3)
    assert "time stamp: expected the granted answer" in wrong and len(wrong.splitlines()) == 1
    assert "expected --authority" in run(monkeypatch, tmp_path, *ask[:4], status=2)
    assert "expected one of them" in run(
        monkeypatch, tmp_path, *ask, "--since", book.head, status=2
    )
