"Plans and checks as a user's shell sees them: files, lines and exit status, and never a cell or a key on the screen."

import hashlib
import json
import os
import shutil
import subprocess
import sys
import types

import numpy as np
import pandas as pd
import pytest
import click
from click.testing import CliRunner

from adaroute import AdaRoute
from adaroute.command.check import (
    REFERENCE_FITS,
    _read_segments,
    _read_tolerance,
    find_row,
)
from adaroute.command.common import BadInput
from adaroute.command.file import load_reading, save_reading, settle_key
from adaroute.command.main import VERBS, main
from adaroute.provenance.commitment import CommitmentError, canonical_json
from adaroute.provenance.ledger import Ledger
from adaroute.provenance.plan import load_nonce, load_plan
from adaroute.provenance.published import match_scores
from adaroute.provenance.attestation import (
    WITHDRAWAL,
    check_json,
    check_statement,
    check_withdrawal,
)
from adaroute.tables import read_table

MARK = "xylophone-7f3a"
COMMANDS = ("commit", "verify", "prove", "check-proof", "withdraw", "ledger")
COLUMNS = (
    "--text",
    "note",
    "--categorical",
    "sex",
    "--outcome",
    "phq9:regression:-40..60",
    "--outcome",
    "low:binary",
    "--group",
    "patient",
    "--ignore",
    "site",
)
QUICK = ("--steps", "60", "--members", "1")
COMMIT = ("commit", "c.csv", *COLUMNS, "--id", "id", "--key", "key.hex", *QUICK)
NONCE = ("--nonce", "5 3 1 6 6 2", "--nonce-from", "dice, thrown by the board")
FIT = ("fit", "c.csv", "--plan", "plan")
CHECK = (
    "verify",
    "run",
    "--data",
    "c.csv",
    "--key",
    "key.hex",
    "--plan",
    "plan",
    "--ledger",
    "book.jsonl",
)
WITH = ("--key", "key.hex", "--plan", "plan")


def call(folder, *words):
    before = os.getcwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(main, [str(w) for w in words])
    finally:
        os.chdir(before)


def fine(folder, *words, status=0):
    done = call(folder, *words)
    assert done.exit_code == status, done.output
    assert (
        "Traceback" not in done.output
        and MARK not in done.output
        and (folder / "key.hex").read_text().strip() not in done.output
    )
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    "A folder with a table, a plan, a run under it, and a ledger, made by the commands."
    folder = tmp_path_factory.mktemp("proofs")
    assert call(folder, "simulate", "c.csv", "--rows", 120, "--seed", 101).exit_code == 0
    frame = read_table(folder / "c.csv", text="note", ignore="id").drop(
        columns=["gad7", "item_4", "item_5", "insight"]
    )
    frame["low"], frame["patient"] = (
        np.where(frame.phq9 < 11, "yes", "no"),
        [f"p{i // 2}" for i in range(len(frame))],
    )
    frame.loc[3, "note"] = MARK
    frame.to_csv(folder / "c.csv", index=False)
    done = call(folder, *COMMIT, "--out", "plan", "--ledger", "book.jsonl", "--json")
    assert done.exit_code == 0, done.output
    (folder / "commit.json").write_text(done.stdout)
    (folder / "fit.json").write_text(
        fine(folder, *FIT, *NONCE, "--transcript", "run", "--ledger", "book.jsonl", "--json").stdout
    )
    fine(folder, "prove", "c.csv", "P004", *WITH, "--out", "proof.json", "--record", "record.json")
    return folder


# From a table to a verdict


def test_commit_files_a_plan_and_makes_a_key(place):
    said, plan = json.loads((place / "commit.json").read_text()), load_plan(place / "plan")
    assert (
        said["plan"] == plan.digest
        and said["root"] == plan.commitment["root"]
        and said["new_key"]
        and said["left_out"] == ["id", "site"]
    )
    assert (place / "key.hex").stat().st_mode & 0o777 == 0o600 and len(
        bytes.fromhex((place / "key.hex").read_text())
    ) == 32
    assert {p.name for p in (place / "plan").iterdir()} == {
        "plan.json",
        "reading.json",
        "leaves.bin",
    }
    assert {p.stat().st_mode & 0o777 for p in (place / "plan").iterdir()} == {0o600}
    assert load_reading(place / "plan") == dict(
        format="adaroute-reading-1", group="patient", id="id", how={"decimal": "."}, kept_back=[]
    )
    assert (
        plan.config["bounds"] == {"phq9": [-40, 60]}
        and plan.config["steps"] == 60
        and plan.config["text"] == ["note"]
    )


def test_the_same_again_is_the_same_plan(place):
    key, before = (place / "key.hex").read_text(), Ledger(place / "book.jsonl").head
    done = fine(place, *COMMIT, "--out", "plan", "--ledger", "book.jsonl")
    assert (
        (place / "key.hex").read_text() == key
        and Ledger(place / "book.jsonl").head == before
        and load_plan(place / "plan").digest in done.stdout
    )
    assert "adaroute fit c.csv --plan plan --nonce" in done.stdout and "new" not in done.stdout


def test_fit_leaves_what_is_to_be_checked(place):
    said, run, plan = (
        json.loads((place / "fit.json").read_text()),
        place / "run",
        load_plan(place / "plan"),
    )
    assert (
        said["plan"] == plan.digest
        and said["seed"] == "derived"
        and said["rows"] == 120
        and 20 <= said["test_rows"] <= 28
        and "auroc" in said["scores"]["low"]
    )
    assert (
        load_plan(run).digest == plan.digest
        and load_nonce(run).value == NONCE[1]
        and load_reading(run) == load_reading(place / "plan")
    )
    statement = json.loads((run / "statement.json").read_text())
    assert check_statement(statement, run) == [
        "model/manifest.json",
        "model/model.json",
        "model/weights.safetensors",
    ]
    assert (
        statement["predicate"]["scores"] == said["scores"]
        and statement["predicate"]["transcript"] == said["transcript"]
    )
    kinds = [e["kind"] for e in Ledger(place / "book.jsonl").entries]
    assert (
        kinds[:3] == ["commitment", "nonce", "result"]
        and Ledger(place / "book.jsonl").entries[2]["scores"] == said["scores"]
    )
    assert call(place, "predict", "run/model", "c.csv", "--out", "pred.csv").exit_code == 0


def test_nothing_private_is_in_what_is_shown(place):
    key = (place / "key.hex").read_text().strip()
    for file in [
        *(place / "plan").rglob("*"),
        *(place / "run").rglob("*"),
        place / "book.jsonl",
        place / "proof.json",
    ]:
        content = b"" if file.is_dir() else file.read_bytes()
        assert (
            MARK.encode() not in content
            and key.encode() not in content
            and bytes.fromhex(key) not in content
        ), file.name


def test_verify_with_everything(place):
    done = fine(place, *CHECK, "--out", "page.md")
    page = (place / "page.md").read_text()
    assert (
        page == done.stdout
        and page.startswith("# run\n")
        and "**failed**" not in page
        and "Behind it: 1 plan on this table" in page
    )
    said = json.loads((place / "page.json").read_text())
    assert (
        said["status"] == 0
        and all(v["word"] == "excluded" for v in said["verdicts"].values())
        and len(said["verdicts"]) == 13
    )
    published = [c["name"] for c in said["checks"] if c["level"] == 5]
    assert published == ["table", "nonce", "result", "statement", "scores"]
    assert said["behind"]["in_all"]["commitments"] == 1


def test_verify_with_the_folder_alone(place):
    said = json.loads(fine(place, "verify", "run", "--json", status=2).stdout)
    assert said["status"] == 2 and {v["word"] for v in said["verdicts"].values()} == {"not tested"}
    head = json.loads((place / "fit.json").read_text())["transcript"]
    assert (
        "ends with the head that was published"
        in fine(place, "verify", "run", "--head", head, status=2).stdout
    )
    assert "another head" in fine(place, "verify", "run", "--head", "0" * 64, status=1).stdout


def test_verify_finds_a_forged_table_and_tampered_folders(place, tmp_path):
    frame = pd.read_csv(place / "c.csv")
    frame.loc[5, "phq9"] += 1
    frame.to_csv(place / "forged.csv", index=False)
    assert (
        "forged data"
        in fine(place, "verify", "run", "--data", "forged.csv", "--key", "key.hex", status=1).stdout
    )
    (place / "wrong.hex").write_text("ab" * 32)
    assert (
        "salt swap"
        in fine(place, "verify", "run", "--data", "c.csv", "--key", "wrong.hex", status=1).stdout
    )
    copy = lambda: shutil.copytree(place / "run", tmp_path / "run", dirs_exist_ok=True)
    copy()
    statement = json.loads((tmp_path / "run/statement.json").read_text())
    statement["predicate"]["scores"]["phq9"]["r2"] = 0.99
    (tmp_path / "run/statement.json").write_text(canonical_json(statement))
    done = fine(place, "verify", tmp_path / "run", "--data", "c.csv", "--key", "key.hex", status=1)
    assert "**failed**: scores. Those of the statement" in done.stdout
    copy()
    with open(tmp_path / "run/model/model.json", "ab") as file:
        file.write(b" ")
    assert "statement. model/model.json" in fine(place, "verify", tmp_path / "run", status=1).stdout
    copy()
    (tmp_path / "run/nonce.json").unlink()
    assert (
        "The ledger has another nonce than the run"
        in fine(place, "verify", tmp_path / "run", "--ledger", "book.jsonl", status=1).stdout
    )


def test_an_honest_table_is_read_as_it_was_committed(place, tmp_path):
    "The plan's reading.json comes first; without any, the table is not called forged."
    bare = shutil.copytree(place / "run", tmp_path / "run")
    (bare / "reading.json").unlink()
    table = ("--data", "c.csv", "--key", "key.hex", "--segments", 1)
    done = fine(place, "verify", bare, *table, "--plan", "plan", "--json", status=2)
    assert not [c for c in json.loads(done.stdout)["checks"] if c["passed"] is False]
    done = fine(place, "verify", bare, *table, status=3)
    assert "reading.json: expected one" in done.output and "forged" not in done.output


def test_a_table_that_was_saved_again_in_another_way(place):
    frame = pd.read_csv(place / "c.csv")
    frame.to_csv(place / "again.csv", index=False, sep=";", decimal=",")
    typed = ("--decimal", ",", "--delimiter", ";")
    table = ("--data", "again.csv", "--key", "key.hex", "--segments", 1)
    done = fine(place, "verify", "run", *table, *typed, "--json", status=2)
    assert not [c for c in json.loads(done.stdout)["checks"] if c["passed"] is False]
    out = ("--out", "again.json")
    assert fine(place, "prove", "again.csv", "P004", *WITH, *out, *typed).exit_code == 0
    assert (place / "again.json").read_bytes() == (place / "proof.json").read_bytes()


def test_a_record_with_a_field_more_is_not_in_it(place):
    "The proof says nothing of an address, so a record that has one is refused."
    record = json.loads((place / "record.json").read_text()) | dict(address="12 Elm Street")
    (place / "more.json").write_text(json.dumps(record))
    done = fine(place, "check-proof", "plan", "proof.json", "more.json", status=3)
    assert "1 more, of which the plan says nothing" in done.output


def test_the_headline_is_the_exit_status(place, tmp_path):
    "A ledger whose scores are nothing, and one without a result."
    for n, (lines, status) in enumerate(((3, 1), (2, 2))):
        book = Ledger(tmp_path / f"{n}.jsonl")
        for entry in Ledger(place / "book.jsonl").entries[:lines]:
            body = {k: v for k, v in entry.items() if k not in ("before", "kind", "time")}
            book.append(entry["kind"], **body | (dict(scores={}) if "scores" in body else {}))
        done = fine(place, *CHECK[:6], "--plan", "plan", "--ledger", book.path, status=status)
        headline = done.stdout.splitlines()[2]
        assert "Verified" not in headline
        assert headline.startswith(("**Not as claimed", "**Not enough evidence")[status - 1])


def test_strictly_nothing_may_be_left_unchecked(place):
    "Who threw the dice is for the ledger to say; with it, nothing is left."
    bare = (*CHECK[:6], "--plan", "plan", "--json")
    for more, status in ((("--strict",), 2), ((), 0)):
        said = json.loads(fine(place, *bare, *more, status=status).stdout)
        assert said["not_checked"] == ["source of the nonce"] and said["status"] == status
        assert "who supplied the nonce" in said["sentence"]
    said = json.loads(fine(place, *bare, "--strict", "--ledger", "book.jsonl").stdout)
    assert said["not_checked"] == [] and said["sentence"].startswith("Verified: ")


def test_a_ledger_with_its_nonce_from_the_source_and_a_witness(place, tmp_path):
    fine(place, *COMMIT, "--out", "plan9", "--ledger", tmp_path / "b.jsonl", "--test", ".3")
    plan, book = load_plan(place / "plan9"), Ledger(tmp_path / "b.jsonl")
    head = book.head
    fine(place, "ledger", "nonce", book.path, plan.digest[:8], "--value", "6 1", "--from", "board")
    more = ("--transcript", "run9", "--ledger", book.path, "--json")
    said = json.loads(fine(place, "fit", "c.csv", "--plan", "plan9", *more).stdout)
    assert said["nonce_from"] == "board" and load_nonce(place / "run9").value == "6 1"
    grown = json.loads(fine(place, "ledger", "check", book.path, "--since", head, "--json").stdout)
    assert grown["added"] == ["nonce", "result"] and grown["after"] == 2
    if shutil.which("ssh-keygen") is None:
        return
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", tmp_path / "board"]
    subprocess.run(list(map(str, words)), check=True)
    (tmp_path / "signers").write_text("board " + (tmp_path / "board.pub").read_text())
    note = tmp_path / "note.json"
    fine(place, "ledger", "witness", book.path, "--sign", tmp_path / "board", "--out", note)
    book.append("commitment", plan="1" * 64, root="2" * 64)
    who = ("--witness", note, "--signers", tmp_path / "signers", "--signer", "board")
    done = fine(place, "ledger", "check", book.path, *who)
    assert "1 of them came after" in done.output and "1 commitment" in done.output
    anew = Ledger(tmp_path / "anew.jsonl")
    anew.append("commitment", plan="1" * 64, root="2" * 64)
    assert "head: not among" in fine(place, "ledger", "check", anew.path, *who, status=3).output
    fine(place, "ledger", "check", book.path, "--witness", note, status=2)


def test_verify_hands_over_what_was_typed(place, monkeypatch):
    given, stand_in = {}, types.ModuleType("adaroute.provenance.verify")

    class Found:
        status, checks = 2, []

        def to_dict(self):
            return dict(status=2)

        def markdown(self):
            return "# page"

    def verify_run(folder, frame=None, key=None, ids=None, groups=None, **more):
        given.update(more, frame=frame, key=key, ids=ids, groups=groups)
        return Found()

    stand_in.verify_run = verify_run
    monkeypatch.setitem(sys.modules, "adaroute.provenance.verify", stand_in)
    fine(
        place,
        *CHECK[:6],
        "--segments",
        7,
        "--tolerance",
        "1e-4",
        "--memorisation",
        "--keep",
        "kept",
        status=2,
    )
    assert (
        given["segments"] == 7
        and given["tolerance"] == 1e-4
        and given["references"] == REFERENCE_FITS == 39
        and given["head"] is None
    )
    assert (
        given["keep"].name == "kept"
        and "--memorisation" in fine(place, "verify", "run", "--keep", "kept", status=3).stderr
    )
    assert (
        len(given["frame"]) == 120
        and given["ids"][3] == "P004"
        and given["groups"][3] == "p1"
        and given["key"].hex() == (place / "key.hex").read_text().strip()
    )
    fine(place, "verify", "run", status=2)
    assert (
        given["segments"] == "all"
        and given["tolerance"] is None
        and given["references"] == 0
        and given["frame"] is None
    )


FREE = tuple(word.removesuffix(":-40..60") for word in COLUMNS)


def test_a_fit_without_a_plan_can_be_checked_as_well(place):
    done = fine(
        place,
        "fit",
        "c.csv",
        *FREE,
        "--ignore",
        "id",
        *QUICK,
        "--no-spares",
        "--transcript",
        "free",
        "--out",
        "free-model",
        "--calibration",
        ".4",
    )
    assert "20 rows kept back" not in done.stdout and not (place / "free/statement.json").exists()
    kept = load_reading(place / "free")["kept_back"]
    assert kept == AdaRoute.load(place / "free-model").extras_["table"]["held"] and len(kept) > 30
    done = fine(place, "verify", "free", "--data", "c.csv")
    assert "There is no plan" in done.stdout and "| forged data | cannot be tested |" in done.stdout
    fine(
        place,
        "fit",
        "c.csv",
        *FREE,
        *QUICK,
        "--transcript",
        "free",
        "--out",
        "free-model",
        "--seed",
        5,
        "--calibration",
        ".4",
        status=3,
    )
    fine(
        place,
        "fit",
        "c.csv",
        *FREE,
        *QUICK,
        "--transcript",
        "free",
        "--out",
        "free/model",
        status=2,
    )


def test_without_a_nonce_and_with_calibration(place):
    fine(
        place,
        *COMMIT[:-2],
        "--members",
        1,
        "--no-spares",
        "--test",
        ".3",
        "--out",
        "plan3",
        "--ledger",
        "book3.jsonl",
    )
    done = fine(
        place,
        "fit",
        "c.csv",
        "--plan",
        "plan3",
        "--transcript",
        "run3",
        "--ledger",
        "book3.jsonl",
        "--out",
        "model3",
        "--calibration",
        "cross",
    )
    assert "self-chosen" in done.stdout and not (place / "run3/nonce.json").exists()
    model = AdaRoute.load(place / "model3")
    assert (
        model.extras_["calibration"]["how"] == "cross"
        and "calibration" not in AdaRoute.load(place / "run3/model").extras_
    )
    done = fine(
        place, "verify", "run3", "--data", "c.csv", "--key", "key.hex", "--ledger", "book3.jsonl"
    )
    assert (
        "looked for a lucky seed or split is not excluded" in done.stdout
        and "Neither the run nor the ledger has a nonce" in done.stdout
    )
    assert [e["kind"] for e in Ledger(place / "book3.jsonl").entries] == ["commitment", "result"]


def test_an_open_plan_is_too_little(place, tmp_path):
    entries = Ledger(place / "book.jsonl").entries
    book = Ledger(tmp_path / "open.jsonl")
    for e in entries[:2]:
        book.append(**{k: v for k, v in e.items() if k != "before"})
    assert (
        "has no result of the plan yet"
        in fine(place, *CHECK[:-1], tmp_path / "open.jsonl", status=2).stdout
    )


# One record


def test_prove_and_check(place):
    record, schema = (
        json.loads((place / "record.json").read_text()),
        load_plan(place / "plan").config,
    )
    assert record["note"] == MARK and set(record) == {
        *schema["text"],
        *schema["numeric"],
        *schema["categorical"],
        *schema["tasks"],
    }
    assert (place / "record.json").stat().st_mode & 0o777 == 0o600 and (
        place / "proof.json"
    ).stat().st_size < 1000
    assert fine(place, "check-proof", "plan", "proof.json", "record.json").stdout.startswith(
        "In it: "
    )
    by_row = fine(place, "prove", "c.csv", 4, "--by", "row", *WITH, "--out", "row.json")
    assert (place / "row.json").read_bytes() == (
        place / "proof.json"
    ).read_bytes() and "record" not in by_row.stdout.splitlines()[0].replace("one record", "")
    for field, value in (("phq9", record["phq9"] + 1), ("note", None), ("sex", "x")):
        (place / "other.json").write_text(json.dumps(record | {field: value}))
        assert fine(
            place, "check-proof", "plan", "proof.json", "other.json", status=1
        ).stdout.startswith("Not in it: ")
    assert (
        json.loads(
            fine(place, "check-proof", "plan", "proof.json", "record.json", "--json").stdout
        )["in"]
        is True
    )


def test_withdraw_and_go_on(place, tmp_path):
    made = (
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "own"]
        ).returncode
        == 0
        if shutil.which("ssh-keygen")
        else False
    )
    book = place / "with.jsonl"
    book.write_bytes((place / "book.jsonl").read_bytes())
    done = fine(
        place,
        "withdraw",
        "c.csv",
        "P003",
        "P004",
        *WITH,
        "--out",
        "plan2",
        "--ledger",
        book,
        *(["--sign", tmp_path / "own"] if made else []),
    )
    assert "2 withdrawn, 118 remain" in done.stdout and [
        e["kind"] for e in Ledger(book).entries[-2:]
    ] == ["withdrawal", "commitment"]
    old, new = load_plan(place / "plan"), load_plan(place / "plan2")
    assert (
        new.commitment["replaces"] == old.commitment["root"]
        and [i for i, _ in new.commitment["withdrawn"]] == [2, 3]
        and new.config == old.config
    )
    if made:
        (tmp_path / "signers").write_text("custodian " + (tmp_path / "own.pub").read_text())
        notice = check_json(
            json.loads((place / "plan2/withdrawal.json").read_text()),
            tmp_path / "signers",
            "custodian",
            WITHDRAWAL,
        )
        assert check_withdrawal(notice).root == new.commitment["root"]
    assert (
        "withdrawn"
        in fine(place, "check-proof", "plan2", "proof.json", "record.json", status=1).stdout
    )
    pd.read_csv(place / "c.csv").drop(index=[2, 3]).to_csv(place / "rest.csv", index=False)
    fine(
        place,
        "prove",
        "rest.csv",
        "P005",
        "--key",
        "key.hex",
        "--plan",
        "plan2",
        "--out",
        "p5.json",
        "--record",
        "r5.json",
    )
    fine(place, "check-proof", "plan2", "p5.json", "r5.json")
    assert json.loads((place / "p5.json").read_text())["position"] == 4
    fine(
        place,
        "fit",
        "rest.csv",
        "--plan",
        "plan2",
        *NONCE,
        "--transcript",
        "run2",
        "--ledger",
        book,
    )
    done = fine(place, "verify", "run2", "--data", "rest.csv", "--key", "key.hex", "--ledger", book)
    assert "2 plans on this table" in done.stdout
    fine(
        place,
        "withdraw",
        "rest.csv",
        "P005",
        "--key",
        "key.hex",
        "--plan",
        "plan2",
        "--out",
        "plan22",
    )
    assert [i for i, _ in load_plan(place / "plan22").commitment["withdrawn"]] == [2, 3, 4]


# The ledger


def test_ledger(place, tmp_path):
    book, a, b = Ledger(tmp_path / "b.jsonl"), "a1" * 32, "b2" * 32
    for plan, day in ((a, "01"), (b, "02")):
        book.append("commitment", plan=plan, root="c" * 64, time=f"2026-11-{day}T09:00:00Z")
    head = book.head
    book.append("nonce", plan=a, value="7", source="a notary\u202e31m")
    book.append(
        "result", plan=a, transcript="d" * 64, scores=dict(y=dict(r2=0.25, auroc=None), z="odd")
    )
    lines = call(tmp_path, "ledger", "show", "b.jsonl").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "open",
        "result",
        "2",
    ] and "2 plans on this table under this key (0 abandoned, 1 open), 2 in all" in lines[1]
    assert (
        "y AUROC undefined, y R2 0.250" in lines[1]
        and "notary?31m" in lines[1]
        and "\u202e" not in lines[1]
    )
    said = json.loads(call(tmp_path, "ledger", "show", "b.jsonl", "--json").stdout)
    assert said["open"] == 1 and said["plans"][0]["plan"] == b and said["head"] == book.head
    done = call(tmp_path, "ledger", "check", "b.jsonl", "--head", head)
    assert (
        done.exit_code == 0 and "4 entries" in done.stdout and "2 of them came after" in done.stdout
    )
    done = call(tmp_path, "ledger", "abandon", "b.jsonl", b[:8], "--reason", "a wrong unit")
    assert done.exit_code == 0 and book.open_plans() == [] and "0 open" in done.stdout
    assert "abandoned" in call(tmp_path, "ledger", "show", "b.jsonl").stdout


def test_a_ledger_that_was_cut_off_is_mended_and_the_command_run_again(place, tmp_path):
    whole = [json.dumps(e) for e in Ledger(place / "book.jsonl").entries]
    content = (place / "book.jsonl").read_bytes()
    fine(place, *COMMIT, "--out", "plan", "--ledger", tmp_path / "new.jsonl")
    first = (tmp_path / "new.jsonl").read_bytes()
    (tmp_path / "new.jsonl").write_bytes(first[:-1])  # all but the end of the line
    done = fine(place, *COMMIT, "--out", "plan", "--ledger", tmp_path / "new.jsonl", status=3)
    assert "line 1: cut off after" in done.stderr and "adaroute ledger mend" in done.stderr
    done = fine(place, "ledger", "mend", tmp_path / "new.jsonl")
    assert (
        "0 whole lines" in done.stdout
        and f"the {len(first) - 1} bytes" in done.stdout
        and "new.jsonl.cut-0" in done.stdout
    )
    assert (tmp_path / "new.jsonl.cut-0").read_bytes() == first[:-1] and (
        tmp_path / "new.jsonl"
    ).read_bytes() == b""
    fine(place, *COMMIT, "--out", "plan", "--ledger", tmp_path / "new.jsonl")
    again, before = Ledger(tmp_path / "new.jsonl").entries, json.loads(first)
    assert len(again) == 1 and again[0] | dict(time=0) == before | dict(time=0)
    (tmp_path / "book.jsonl").write_bytes(content + b'{"before":"')
    said = json.loads(fine(place, "ledger", "mend", tmp_path / "book.jsonl", "--json").stdout)
    assert (
        said["entries"] == len(whole)
        and said["cut"] == 11
        and (tmp_path / "book.jsonl").read_bytes() == content
    )
    said = json.loads(fine(place, "ledger", "mend", tmp_path / "book.jsonl", "--json").stdout)
    assert (
        said["cut"] == 0
        and said["aside"] is None
        and (tmp_path / "book.jsonl").read_bytes() == content
    )


# What is wrong


@pytest.fixture(scope="module")
def wrong(place):
    "The same folder, with what nobody should accept."
    frame = pd.read_csv(place / "c.csv", dtype=str, keep_default_na=False)
    frame.assign(age=[MARK, *frame.age[1:]]).to_csv(place / "age.csv", index=False)
    frame.assign(id=["P002", *frame.id[1:]], patient=["p0"] * 120).to_csv(
        place / "ids.csv", index=False
    )
    frame.head(100).to_csv(place / "short.csv", index=False)
    (place / "short.hex").write_text("07" * 8)
    (place / "wrong.hex").write_text("ab" * 32)
    (place / "text.hex").write_text(MARK * 9)
    (place / "nonce.txt").write_text(MARK)
    (place / "list.json").write_text("[1]")
    (place / "lost.json").write_text('{"note": null}')
    (place / "deep.json").write_text("[" * 200_000)
    record = json.loads((place / "record.json").read_text())
    (place / "large.json").write_text(json.dumps(record | dict(phq9=10**400)))
    (place / "words.json").write_text(json.dumps(record | dict(phq9=MARK)))
    (place / "salt.json").write_text(
        json.dumps(json.loads((place / "proof.json").read_text()) | dict(salt=MARK))
    )
    (place / "bent.jsonl").write_text((place / "book.jsonl").read_text().replace("dice", "mice", 1))
    (place / "empty").mkdir()
    shutil.copytree(place / "plan", place / "bad-plan")
    (place / "bad-plan/reading.json").write_bytes(
        (place / "plan/reading.json").read_bytes().replace(b'"patient"', b"7")
    )
    shutil.copytree(place / "run", place / "cut")
    (place / "cut/transcript.jsonl").write_bytes((place / "run/transcript.jsonl").read_bytes()[:-9])
    Ledger(place / "other.jsonl").append("commitment", plan="a" * 64, root="b" * 64)
    Ledger(place / "unsure.jsonl").append("commitment", plan="a" * 64, root="b" * 64)
    Ledger(place / "unsure.jsonl").append("commitment", plan="a" * 63 + "b", root="b" * 64)
    return place


X = ("--out", "x")
ALL = [
    ((*COMMIT[:1], "age.csv", *COMMIT[2:], *X), 3, "column 'age', data row 1"),
    ((*COMMIT[:1], "ids.csv", *COMMIT[2:], *X), 3, "ids: expected each once in a group"),
    ((*COMMIT, "--out", "run"), 3, "got a run folder"),
    (
        ("commit", "c.csv", *COLUMNS, "--key", "plan/k.hex", *X),
        3,
        "--key: expected a file outside of plan and run folders",
    ),
    (
        ("commit", "c.csv", *COLUMNS, "--key", "short.hex", *X),
        3,
        "key: expected a line of 64 digits in hex",
    ),
    (
        ("commit", "c.csv", *COLUMNS, "--key", "text.hex", *X),
        3,
        "key: expected a line of 64 digits in hex",
    ),
    (("commit", "c.csv", *COLUMNS, *X), 2, "Missing option '--key'"),
    (
        ("commit", "c.csv", "--text", "note", "--key", "key.hex", *X),
        2,
        "Missing option '--outcome'",
    ),
    ((*COMMIT, *X, "--test", "1.5"), 2, "--test"),
    ((*COMMIT, *X, "--lock", "none.lock"), 3, "lock file: expected one that can be read"),
    (
        (*COMMIT, "--out", "plan", "--members", "2"),
        3,
        "plan.json: another one is in this folder already",
    ),
    ((*FIT, "--transcript", "x", "--text", "note"), 2, "--text: expected none beside --plan"),
    ((*FIT, "--transcript", "x", "--seed", "3"), 2, "--seed: expected none beside --plan"),
    (
        (*FIT, "--transcript", "x", "--calibration", ".2"),
        2,
        "--calibration: expected 'cross' or 'none'",
    ),
    ((*FIT, "--transcript", "x", "--calibration", "cross"), 2, "--out: expected a folder"),
    ((*FIT, "--transcript", "x", "--nonce", "5"), 2, "--nonce and --nonce-from"),
    ((*FIT, *NONCE), 2, "expected --transcript"),
    (
        (*FIT, "--transcript", "x", "--nonce-file", "nonce.txt"),
        3,
        "nonce.txt: expected a nonce as JSON",
    ),
    ((*FIT, "--transcript", "x", "--nonce-file", "list.json"), 3, "nonce: expected the keys"),
    (
        (*FIT, "--transcript", "x", *NONCE, "--ledger", "book.jsonl"),
        3,
        "expected an open plan, got one that has ended (result)",
    ),
    (
        (*FIT, "--transcript", "x", *NONCE, "--ledger", "other.jsonl"),
        3,
        "expected the plan's commitment in it",
    ),
    (
        ("fit", "short.csv", "--plan", "plan", "--transcript", "x"),
        3,
        "expected the 120 records of the plan, got 100 rows",
    ),
    (("fit", "c.csv", "--plan", "empty", "--transcript", "x"), 3, "plan.json: expected one"),
    (
        ("fit", "c.csv", "--plan", "bad-plan", "--transcript", "x"),
        3,
        "reading.json: expected a column's name or null as group",
    ),
    (("fit", "c.csv", *COLUMNS, *X, "--ledger", "book.jsonl"), 2, "expected --plan"),
    (("fit", "c.csv", *COLUMNS), 2, "Missing option '--out'"),
    (("verify", "run", "--segments", "some"), 3, "expected 'all' or a whole number above 0"),
    (("verify", "run", "--tolerance", "-1"), 3, "expected 'auto' or a number"),
    (("verify", "run", "--dance"), 3, "No such option"),
    (("verify",), 3, "Missing argument"),
    (("verify", "run", "--key", "key.hex"), 3, "--data: expected the table"),
    (("verify", "run", "--head", MARK), 3, "--head: expected 64 digits in hex"),
    (("verify", "run", "--data", "c.csv"), 3, "key: expected the custodian's key"),
    (("verify", "run", "--data", "age.csv", "--key", "key.hex"), 3, "column 'age', data row 1"),
    (
        ("verify", "run", "--ledger", "other.jsonl"),
        3,
        "expected the plan of this run in it, found none",
    ),
    (("verify", "run", "--ledger", "bent.jsonl"), 3, "expected the hash of line"),
    (("verify", "cut"), 3, "transcript.jsonl: expected whole lines"),
    (("verify", "empty"), 3, "transcript.jsonl: expected a file in the run folder"),
    (("verify", "run", "--out", "x.txt"), 3, "expected a name that ends in .md"),
    (
        ("prove", "c.csv", "P999", *WITH, "--out", "x.json"),
        3,
        "expected an id that stands in one of the 120 rows",
    ),
    (
        ("prove", "c.csv", "121", "--by", "row", *WITH, "--out", "x.json"),
        3,
        "expected a whole number from 1 to 120",
    ),
    (("prove", "short.csv", "P004", *WITH, "--out", "x.json"), 3, "got another root from 100 rows"),
    (
        ("prove", "c.csv", "P004", "--key", "wrong.hex", "--plan", "plan", "--out", "x.json"),
        3,
        "got another root",
    ),
    (
        ("prove", "c.csv", "P004", "--key", "none.hex", "--plan", "plan", "--out", "x.json"),
        3,
        "key: expected a file that can be read",
    ),
    (("prove", "c.csv", "P004", *WITH, "--out", "x"), 2, "expected a name that ends in .json"),
    (("check-proof", "empty", "proof.json", "record.json"), 3, "plan.json: expected one"),
    (("check-proof", "plan", "record.json", "record.json"), 3, "proof: expected the keys"),
    (("check-proof", "plan", "salt.json", "record.json"), 3, "proof: expected salt as base64"),
    (
        ("check-proof", "plan", "none.json", "record.json"),
        3,
        "none.json: expected a file that can be read",
    ),
    (("check-proof", "plan", "proof.json", "list.json"), 3, "expected a dictionary of columns"),
    (("check-proof", "plan", "proof.json", "lost.json"), 3, "null where it is missing"),
    (("check-proof", "plan", "proof.json", "large.json"), 3, "a number of float64"),
    (("check-proof", "plan", "proof.json", "words.json"), 3, "phq9"),
    (("check-proof", "plan", "deep.json", "record.json"), 3, "expected a proof as JSON"),
    (("withdraw", "c.csv", "P004", *WITH, "--out", "plan"), 2, "another folder than --plan"),
    (("withdraw", "c.csv", "P004", *WITH, "--out", "bad-plan"), 3, "expected a new folder"),
    (("withdraw", "c.csv", "P999", *WITH, *X), 3, "expected an id that stands in one"),
    (("withdraw", "c.csv", *WITH, *X), 2, "Missing argument"),
    (("withdraw", "c.csv", "P004", *WITH, *X, "--sign", "none"), 3, "private key: expected a file"),
    (("withdraw", "short.csv", "P004", *WITH, *X), 3, "got another root"),
    (
        ("withdraw", "c.csv", "P004", *WITH, *X, "--ledger", "other.jsonl"),
        3,
        "expected an old root that was committed before",
    ),
    (("ledger", "show", "none.jsonl"), 3, "expected a file that can be read"),
    (("ledger", "show", "bent.jsonl"), 3, "expected the hash of line"),
    (("ledger", "check", "bent.jsonl"), 3, "expected the hash of line"),
    (("ledger", "mend", "bent.jsonl"), 3, "expected the hash of line"),
    (("ledger", "mend", "none.jsonl"), 3, "expected a file that can be written"),
    (
        ("ledger", "abandon", "other.jsonl", "a" * 64, "--reason", "a colour\x9b31m"),
        3,
        "a line of text as reason",
    ),
    (("ledger", "check", "book.jsonl", "--head", "0" * 63 + "1"), 3, "head: not among"),
    (("ledger", "check", "book.jsonl", "--head", "zero"), 3, "head: expected 64 digits in hex"),
    (("ledger", "abandon", "unsure.jsonl", "a" * 63, "--reason", "why"), 3, "got one that fits 2"),
    (("ledger", "abandon", "other.jsonl", "c" * 64, "--reason", "why"), 3, "got one that fits 0"),
    (("ledger", "abandon", "other.jsonl", "first", "--reason", "why"), 3, "8 digits in hex"),
    (
        ("ledger", "abandon", "other.jsonl", "a" * 64, "--reason", "two\nlines"),
        3,
        "a line of text as reason",
    ),
    (("ledger", "abandon", "other.jsonl", "a" * 64), 2, "Missing option '--reason'"),
    (("ledger", "forget", "other.jsonl"), 2, "No such command"),
]


@pytest.mark.parametrize(
    "words, status, message", ALL, ids=lambda v: "-".join(v[:3]) if isinstance(v, tuple) else None
)
def test_wrong_inputs(wrong, words, status, message):
    state = lambda: {
        str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in wrong.rglob("*") if p.is_file()
    }
    before = state()
    done = call(wrong, *words)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert (
        done.exit_code == status
        and len(lines) == 1
        and lines[0].startswith("error: ")
        and message in lines[0]
    ), done.output
    assert (
        MARK not in done.output
        and not done.stdout
        and (wrong / "key.hex").read_text().strip() not in done.output
    )
    assert state() == before, "nothing was written"


def test_every_command_has_five_wrong_inputs_and_a_help(place):
    assert set(COMMANDS) <= set(VERBS)
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert sum(words[0] == name for words, *_ in ALL) >= 5, name
        helps = [(name, verb) for verb in command.commands] if name == "ledger" else [(name,)]
        for words in helps:
            done = call(place, *words, "--help")
            assert (
                done.exit_code == 0
                and f"adaroute {' '.join(words)}" in done.output
                and "Example:" in done.output
            )
    assert "3, not 2 as elsewhere" in " ".join(call(place, "verify", "--help").output.split())
    assert set(COMMANDS) <= set(call(place, "--help").output.split())


def test_an_error_is_one_line_in_a_shell():
    done = subprocess.run(
        [sys.executable, "-m", "adaroute.command.main", "verify", "nothing"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3 and done.stderr.count("\n") == 1


# What the commands are made of


def test_reading(tmp_path):
    save_reading(tmp_path, "g", "i", dict(decimal=",", missing=("n/k",)), [3, 5])
    assert load_reading(tmp_path)["how"] == dict(decimal=",", missing=["n/k"]) and load_reading(
        tmp_path
    )["kept_back"] == [3, 5]
    with pytest.raises(BadInput, match="another one"):
        save_reading(tmp_path, "g")
    for bad in (
        b"[]",
        b"{",
        b'{"a":1}',
        canonical_json(load_reading(tmp_path) | dict(kept_back=[-1])).encode(),
        canonical_json(load_reading(tmp_path) | dict(how=dict(limit="9"))).encode(),
        canonical_json(load_reading(tmp_path) | dict(how=dict(decimal=1))).encode(),
    ):
        (tmp_path / "reading.json").write_bytes(bad)
        with pytest.raises(BadInput, match="reading.json"):
            load_reading(tmp_path)


def test_others_can_read_the_key(place):
    (place / "open.hex").write_bytes((place / "key.hex").read_bytes())
    (place / "open.hex").chmod(0o644)
    done = fine(
        place, "prove", "c.csv", "P004", "--key", "open.hex", "--plan", "plan", "--out", "o.json"
    )
    assert "note: others on this machine can read the key file" in done.stderr
    assert issubclass(BadInput, ValueError) and issubclass(CommitmentError, ValueError)


def test_a_key_is_not_put_where_others_look(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/transcript.jsonl").touch()
    for place in (tmp_path / "plan/key.hex", tmp_path / "run/deep/key.hex"):
        with pytest.raises(BadInput, match="outside of plan and run folders"):
            settle_key(place, tmp_path / "plan")
    with pytest.raises(BadInput, match="a place where a file can be made"):
        settle_key(tmp_path / "nowhere/key.hex", tmp_path / "plan")


def test_segments_and_tolerance_as_typed():
    assert _read_segments(None, None, "all") == "all" and _read_segments(None, None, "3") == 3
    assert _read_tolerance(None, None, "auto") is None
    assert _read_tolerance(None, None, "1e-6") == 1e-6
    with pytest.raises(click.BadParameter, match="expected 'all' or a whole number above 0"):
        _read_segments(None, None, "0")
    for text in ("1", "-1", "nan", "near"):
        with pytest.raises(click.BadParameter, match="expected 'auto' or a number from 0, below 1"):
            _read_tolerance(None, None, text)


@pytest.mark.parametrize(
    "published, same",
    [
        (dict(y=dict(r2=0.50001), z=dict(auroc=None)), True),
        (dict(y=dict(r2=0.51), z=dict(auroc=None)), False),
        (dict(y=dict(r2=0.5), z=dict(auroc=0.5)), False),
        (dict(y=dict(r2=0.5)), False),
        (dict(y=dict(r2=0.5), z=dict(auroc=None), remark="99 %"), False),
        (dict(y=dict(r2=True), z=dict(auroc=None)), False),
        (dict(y=dict(r2="0.5"), z=dict(auroc=None)), False),
        (dict(y="good"), False),
        ("good", False),
    ],
)
def test_scores_that_were_published(published, same):
    assert match_scores(dict(y=dict(r2=0.5), z=dict(auroc=None)), published) == same


def test_rows_by_name_and_number():
    assert find_row("b", ["a", "b"], 2, None) == find_row("2", ["a", "b"], 2, "row") == 1
    with pytest.raises(BadInput, match="stands in 2; --by row takes numbers"):
        find_row("a", ["a", "a"], 2, None)
    for word in ("0", "3", "x", "-1"):
        with pytest.raises(BadInput, match="expected a whole number from 1 to 2"):
            find_row(word, None, 2, None)
    with pytest.raises(BadInput, match="--by: expected 'row'"):
        find_row("1", None, 2, "id")


def test_a_plan_in_closed_form_is_trained_and_verified(place, tmp_path):
    "The option stands in the plan, so `fit --plan` needs none; what does not go with it is refused."
    shutil.copy(place / "c.csv", tmp_path)
    closed = (*COMMIT[: -len(QUICK)], "--learner", "closed_form", "--out", "plan")
    steps = call(tmp_path, *closed, "--steps", "9")
    assert steps.exit_code == 2 and "--steps: expected none" in steps.output
    other = call(tmp_path, *closed, "--route-per", "sample_task")
    assert other.exit_code and "learner='gradient' has it" in other.output
    assert not (tmp_path / "plan" / "plan.json").exists()
    fine(tmp_path, *closed, "--ledger", "book.jsonl")
    assert load_plan(tmp_path / "plan").config["learner"] == "closed_form"
    typed = call(tmp_path, *FIT, "--transcript", "run", "--learner", "closed_form")
    assert typed.exit_code == 2 and "--learner: expected none beside --plan" in typed.output
    fine(tmp_path, *FIT, *NONCE, "--transcript", "run", "--ledger", "book.jsonl")
    told = fine(tmp_path, *CHECK, "--json")
    assert json.loads(told.stdout)["status"] == 0
    some = call(tmp_path, *CHECK, "--segments", "2")
    assert some.exit_code == 3 and "segments: expected 'all'" in some.output
