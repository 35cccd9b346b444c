"""Every field of statement, plan, nonce and model is derived again, refused, or listed as not checked."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from adaroute.provenance.commitment import canonical_json
from adaroute.provenance.plan import Nonce
from adaroute.provenance.transcript import fit_under_plan
from adaroute.provenance.verify import NAMED_ONLY, verify_run
from lies import LISTED, TARGETS, Lies
from rechain import NONCE
from test_second_wall import GROUPS, KEY

SAMPLE = 63  # of the 5,000 that `make lies` tells
ZEROS = "0" * 64


@pytest.fixture(scope="module")
def lies(tmp_path_factory):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield Lies(tmp_path_factory.mktemp("lies"))


def test_a_sample_of_lies(lies):
    for number in range(SAMPLE):
        lies.try_one(number)
    assert not lies.wrong, lies.wrong
    refused = {key.split(":")[0] for key in lies.found if not key.endswith(": 0")}
    assert refused == set(TARGETS) and sum(lies.found.values()) == SAMPLE


def test_what_the_tally_itself_would_call_wrong(lies):
    "A verifier that believes everything is found out by the same tally."

    class Blind(Lies):
        def __init__(self):
            vars(self).update(vars(lies), wrong=[], found=lies.found.copy())

        def judge(self, folder, whole):
            found = verify_run(lies.home.run, lies.frame, KEY, None, GROUPS)
            assert found.status == 0
            return found

    blind = Blind()
    for number in range(14):
        blind.try_one(number)
    assert len(blind.wrong) >= 7


def refiled(lies, folder, **change):
    "The run of somebody who filed another plan and trained under it."
    plan = replace(lies.home.plan, **change)
    fit_under_plan(lies.frame, plan, NONCE, folder, groups=GROUPS)
    return lambda **how: verify_run(folder, lies.frame, KEY, None, GROUPS, **how)


def commitment(lies, **change):
    return dict(commitment=lies.home.plan.commitment | change)


CHANGES = {
    "code": lambda lies: dict(code=ZEROS),
    "libraries": lambda lies: dict(lock=ZEROS),
    "codebook": lambda lies: dict(columns=ZEROS),
    "replaced table": lambda lies: commitment(lies, replaces=ZEROS),
    "columns of the plan": lambda lies: commitment(lies, schema_digest=ZEROS),
}


def test_each_listed_name_has_a_case():
    assert {*CHANGES, "source of the nonce"} == set(NAMED_ONLY) == set(LISTED.values())


@pytest.mark.parametrize("name", CHANGES)
def test_a_plan_that_names_what_nobody_can_show(lies, tmp_path, name):
    "One value, three renderings: the headline names it, the object lists it, the page says it."
    ask = refiled(lies, tmp_path / "run", **CHANGES[name](lies))
    found = ask()
    assert found.status == 0 and name in found.not_checked
    assert NAMED_ONLY[name] in found.sentence and not found.sentence.startswith("Verified:")
    assert found.to_dict()["not_checked"] == found.not_checked
    assert found.to_dict()["sentence"] == found.sentence
    assert f"**{found.sentence}**" in found.markdown()
    assert f"- **not checked**: {name}. " in found.markdown()
    strict = ask(strict=True)
    assert strict.status == 2 and strict.sentence.startswith("Not enough evidence")
    assert NAMED_ONLY[name] in strict.sentence


def test_with_a_ledger_and_the_code_at_hand_nothing_is_left_open(lies, tmp_path):
    found = lies.home.audit(lies.home.run, ledger=lies.home.book(tmp_path), strict=True)
    assert found.status == 0 and found.not_checked == []
    assert found.sentence.startswith("Verified: ")
    alone = lies.home.audit(lies.home.run)
    assert alone.status == 0 and alone.not_checked == ["source of the nonce"]


def test_a_nonce_from_somebody_else_is_listed_or_refused(lies, tmp_path):
    folder = lies.home.copy(tmp_path)
    board = Nonce(NONCE.value, "the ethics board")
    (folder / "nonce.json").write_text(canonical_json(board.to_dict()))
    lies.restate(folder, nonce=dict(value=board.value, source=board.source))
    found = lies.home.audit(folder)
    assert found.status == 0 and found.not_checked == ["source of the nonce"]
    assert lies.home.audit(folder, ledger=lies.home.book(tmp_path)).status == 1


def test_the_full_count_is_kept():
    file = Path(__file__).parent / "results/lies.json"
    kept = json.loads(file.read_text())
    assert kept["lies"] >= 5000 and kept["wrong"] == [] and kept["slowest_seconds"] < 10
    assert sum(kept["found"].values()) == kept["lies"] and kept["memory_grown_mib"] < 1024
    assert {key[-1] for key in kept["found"]} <= set("0123")
    assert len(set(kept["mended"])) == len(kept["mended"])  # were judged wrongly at first
    open_ = {k for k, n in kept["passed_and_listed"].items() if n}
    assert open_ <= {*NAMED_ONLY, "unchanged", "derived again"}
