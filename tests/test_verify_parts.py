"What a verdict is made of: names of cheats, verdicts, the page, and who is trained again."

import hmac
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import adaroute.provenance.verify as ve
from adaroute.estimator import AdaRoute
from adaroute.fitting import schema_of
from adaroute.provenance.commitment import merkle_root, withdraw
from adaroute.provenance.plan import (
    Nonce,
    PlanError,
    file_plan,
    plan_config,
    save_leaves,
    save_plan,
)
from adaroute.provenance.reexecution import Account, Given, Reexecution, SegmentCheck
from adaroute.provenance.run_folder import Check

KEY, IDS = bytes(range(32)), ["a", "b", "c", "d"]
FOUR = pd.DataFrame(dict(age=[30.0, 40.0, 50.0, 60.0], phq9=[3.0, 9.0, 12.0, 20.0]))
LIKE = AdaRoute(numeric=["age"], tasks={"phq9": "regression"})
ROUTER = ["model.router.out", "exp_avg.router.out"]
HEADS = ["model.router.out", "model.heads.own"]
UNPLANNED = SimpleNamespace(plan=None, is_solved=False)


def reread(*segments, **more):
    clean = dict(prepared=[], first={}, final=[], total=3, tolerance=0.0, gap=0.0)
    return Reexecution(list(segments), same_environment=True, **clean | more)


def part(start, tensors=(), distance=0.1, **more):
    return SegmentCheck("main", start, start + 50, distance, list(tensors), **more)


@pytest.fixture
def shown(tmp_path):
    plan, leaves = file_plan(FOUR, schema_of(LIKE, FOUR), KEY, plan_config(LIKE), IDS)
    save_leaves(leaves, tmp_path)
    return SimpleNamespace(plan=plan, groups=np.arange(4), folder=tmp_path, is_solved=False)


def test_without_the_key_nothing_is_said(shown):
    with pytest.raises(PlanError) as error:
        ve.check_records(shown, FOUR, None)
    assert str(error.value) == "key: expected the custodian's key beside the table, got none"


def test_groups_have_to_be_the_committed_ones(shown):
    assert ve._code_groups(FOUR, None).tolist() == [0, 1, 2, 3]
    owners = FOUR.assign(who=["b", "a", "b", "a"])
    assert ve._code_groups(owners, "who").tolist() == [0, 1, 0, 1]
    check, cheat = ve.check_records(shown, FOUR, KEY, IDS)
    assert (check.level, check.passed, cheat) == (2, True, None)
    for others in (np.array([0, 0, 1, 2]), None):
        shown.groups = others
        check, cheat = ve.check_records(shown, FOUR, KEY, IDS)
        assert (check.level, check.passed, cheat) == (2, False, "split tampering")


@pytest.mark.parametrize("note, loose", (("cafe\u0301", 1), ("caf\u00e9", 0)))
def test_earlier_plans_do_not_fix_the_form_of_letters(note, loose):
    "Which form was trained on, a plan before the third version does not say; that is told."
    like = AdaRoute(numeric=["age"], text=["note"], tasks={"phq9": "regression"})
    told = FOUR.assign(note=[note, "tired", "calm", "tense"])
    plan, _ = file_plan(told, schema_of(like, told), KEY, plan_config(like), IDS)
    earlier = SimpleNamespace(version=2, commitment=plan.commitment, config=plan.config)
    run = SimpleNamespace(plan=earlier, groups=np.arange(4), folder=None)
    check, cheat = ve.check_records(run, told, KEY, IDS)
    assert (check.level, check.name, cheat) == (2, "records", None)
    assert check.passed is (None if loose else True)
    assert check.detail.startswith("The records are the committed ones, but 1 cells" * loose)
    assert ("plans before version 3 do not fix in which" in check.detail) == bool(loose)
    run.plan = plan
    assert ve.check_records(run, told, KEY, IDS)[0].passed is True


def test_names_from_tensors():
    assert ve.name_cheat(reread(part(0), part(50), part(100))) is None
    assert ve.name_cheat(reread(part(0, ROUTER))) == "router-state tampering"
    assert ve.name_cheat(reread(part(0, HEADS))) == "gluing"
    assert ve.name_cheat(reread(part(0, ["order"]))) == "batch order"
    late = ["model.router.out", "model.trust"]
    assert ve.name_cheat(reread(final=late)) == "router-state tampering"
    assert ve.name_cheat(reread(final=["model.heads.own"])) == "gluing"


def test_names_from_starts_turns_and_jumps():
    first = reread(first={"main": ["model.heads.own"]})
    assert ve.name_cheat(first) == "crafted initial weights"
    straight = reread(*(part(start, HEADS, turn=1.0) for start in (0, 50, 100)))
    assert ve.name_cheat(straight) == "interpolation"
    strange = dict(tensors=HEADS, account=Account(foreign=32))
    at_start = reread(part(0, step=1, **strange), part(50), part(100))
    assert ve.name_cheat(at_start) == "crafted initial weights"
    at_end = reread(part(0), part(50), part(100, distance=3.0, step=101, **strange))
    assert ve.name_cheat(at_end) == "gluing"


def test_a_run_in_closed_form_has_names_of_its_own():
    "Its units are rounds: what points to other rows or settings among segments is told apart."
    segments, rounds = (reread(part(0, HEADS), unit=unit) for unit in ("segment", "round"))
    assert ve.name_cheat(segments) == "gluing"
    assert ve.name_cheat(rounds) in ve.SOLVED_CHEATS and ve.name_cheat(rounds) != "gluing"


def test_names_from_fields():
    fields = {
        "outcomes": "label edit",
        "rows.json: used": "split tampering",
        "evidence": "forged data",
    }
    assert {field: ve.name_cheat(reread(prepared=[field])) for field in fields} == fields


def words(*given):
    return {name: verdict.word for name, verdict in ve._judge_cheats(*given).items()}


def test_one_verdict_for_each_word(shown):
    records = Check(2, "records", True, "All records are the ones that were committed.")
    untested = dict.fromkeys(ve.CHEAT_NAMES, "not tested")
    of_records = {"forged data": "excluded", "salt swap": "excluded"}
    assert words(None, None, None, shown) == untested
    no_table = dict.fromkeys(of_records, "cannot be tested")
    assert words(None, None, None, UNPLANNED) == untested | no_table
    all_three = reread(part(0), part(50), part(100))
    assert set(words(None, records, all_three, shown).values()) == {"excluded"}

    three = reread(part(0), part(50), part(100), total=10)
    chance = dict.fromkeys(ve.CHEAT_NAMES, "excluded with probability")
    assert words(None, records, three, shown) == chance | of_records
    detail = ve._say_partly(three).detail
    of_one = "0.30 if it is in one of the 10 segments, of which 3 were trained again"
    assert detail == of_one + " (2 segments 0.53, 5 segments 0.92)."
    twelve = ve._say_partly(reread(part(0), part(50), total=12)).detail
    assert twelve.endswith(" (2 segments 0.32, 5 segments 0.68, 10 segments 0.98).")
    eleven = ve._say_partly(reread(part(0), part(50), total=11)).detail
    assert eleven.endswith(" (2 segments 0.35, 5 segments 0.73).")
    assert not ve._say_partly(reread(part(0), part(50), total=3)).detail.endswith(").")
    near = [part(start, distance=1e-6, noise=1e-4) for start in (50, 100)]
    shaky = reread(part(0, noise=0.01), *near, tolerance=None)
    told = ve._judge_training(shaky, True)
    assert told.word == "not tested" and told.detail.startswith("1 segments are too sensitive")
    needs = {planned: ve._judge_training(None, planned).detail for planned in (True, False)}
    assert needs[True] == "It needs re-execution, with the table and its key."
    assert needs[False] == "It needs re-execution, with the table."
    for run in (shown, UNPLANNED):
        told = ve._judge_cheats(None, None, None, run)["addition"]
        assert told.detail == needs[run is shown]
    held = reread(part(0), part(50), part(100), undecided=["the end of main"])
    told = ve._judge_training(held, True)
    assert told.word == "not tested" and "Undecided on this machine: the end of main" in told.detail
    found = words("gluing", records, reread(part(0, HEADS)), shown)
    assert found == untested | of_records | {"gluing": "found"}


def test_status():
    def status(found, named=None):
        return ve.Verification("a-run", [], {}, named, found).status

    assert status(reread(part(0), total=1)) == 0
    assert status(reread(part(0), total=2)) == status(None) == 2
    named = ve.Verification("a-run", [], {}, "gluing")
    assert named.status == 1 and named.sentence == "Not as claimed: gluing."


def test_the_page_ends_with_what_no_check_can_exclude():
    page = ve.Verification("a-run", [Check(0, "head", False, "Why.")], {}, None).markdown()
    assert "- **failed**: head. Why." in page
    last = page.index("## What no check of this kind can exclude")
    assert last > page.index("## Cheat by cheat") and all(why in page for why in ve.BEYOND.values())


def test_rows_that_were_given_to_the_fit(shown):
    given = ve._select_given_rows(UNPLANNED, FOUR, None)
    assert given == Given(FOUR, None, None) and given.frame is FOUR
    run = SimpleNamespace(plan=shown.plan, nonce=Nonce("4 2 6", "a die"))
    rows, groups, apart = ve._select_given_rows(run, FOUR, None)
    assert len(apart) == 1 and sorted([*rows.index, *apart.index]) == [0, 1, 2, 3]
    assert groups.tolist() == rows.index.tolist()


def test_the_plan_as_it_was_filed(shown, tmp_path):
    save_plan(shown.plan, tmp_path)
    assert ve._check_filed(shown, None) == []
    (right,) = ve._check_filed(shown, tmp_path)
    assert right.passed is True and right.level == 1
    other = file_plan(FOUR, schema_of(LIKE, FOUR), bytes(32), plan_config(LIKE), IDS)[0]
    (tmp_path / "other").mkdir()
    save_plan(other, tmp_path / "other")
    (wrong,) = ve._check_filed(shown, tmp_path / "other")
    assert wrong.passed is False and wrong.detail.endswith("got another.")
    (none,) = ve._check_filed(UNPLANNED, tmp_path)
    assert none.passed is False and none.level == 1


def test_segments_are_picked_and_nothing_is_trained_before_the_first():
    segments = [{"stop": 0}, {"stop": 50}, {"stop": 100}]
    main = SimpleNamespace(name="main", segments=segments)
    run = SimpleNamespace(model=None, trained=[main], is_solved=False)
    assert ve._pick_segments(run, "all") is None and len(ve._pick_segments(run, 1)) == 1
    assert ve._pick_segments(run, 5) == {("main", 50), ("main", 100)}
    with pytest.raises(PlanError, match="^segments: "):
        ve._pick_segments(run, 0)
    scope = ve.Scope(references=39)
    assert not ve._gather_memorisation(run, Given(FOUR, None, FOUR), scope).enough
    with pytest.raises(PlanError, match="^references: "):
        ve._gather_memorisation(run, Given(FOUR), scope)


def test_what_reexecution_puts_onto_the_page():
    told = {c.name: c for c in ve._check_reexecution(reread(part(0), part(50), part(100)))}
    names = ["segments", "table as tensors", "weights at the start", "final model"]
    assert list(told) == names and all(c.passed and c.level == 3 for c in told.values())
    same = "3 of 3 segments were trained again and came out the same to the bit."
    assert told["segments"].detail == same
    other = part(50, ["exp_avg.a", "model.a"], distance=0.25, step=63)
    wrong = ve._check_reexecution(reread(part(0), other, total=9))[0]
    assert not wrong.passed and wrong.level == 2
    assert wrong.detail == (
        "1 of 2 segments that were trained again are others; the first is that of main from step "
        "50 to 100, first in step 63, tensor model.a, 0.25 of the movement away."
    )
    elsewhere = reread(part(0), tolerance=None, prepared=["evidence", "encoder"], gap=1e-6)
    elsewhere.segments[0].noise = 1.0
    checks = {c.name: c for c in ve._check_reexecution(elsewhere)}
    assert checks["table as tensors"].passed is None
    assert checks["sensitive segments"].passed is None


# Each branch by hand: what stood in the places of a batch, and what it is called


def seen(start=50, step=60, distance=0.1, **counts):
    return part(start, HEADS, distance=distance, step=step, account=Account(**counts))


ACCOUNTS = {
    "weights that were made, before anything was learned": (
        seen(0, 1, drift=True),
        "crafted initial weights",
    ),
    "a drift later in the first segment": (seen(0, 2, drift=True), "hyper-parameter lie"),
    "a drift in the first step of a later one": (seen(1, 1, drift=True), "hyper-parameter lie"),
    "another direction": (seen(drift=True, along=0.94), "addition"),
    "the same direction": (seen(drift=True, along=0.95), "hyper-parameter lie"),
    "test rows most of all": (seen(outside=3, foreign=2, inside=2), "split tampering"),
    "as many test rows as strangers": (seen(outside=2, foreign=2), "replacement"),
    "as many test rows as own ones, and a stranger": (
        seen(outside=2, inside=2, foreign=1),
        "replacement",
    ),
    "strangers in wider batches": (seen(foreign=1, wider=1), "addition"),
    "strangers in narrower ones": (seen(foreign=1, wider=-1), "replacement"),
    "test rows among others of the table": (seen(outside=1, inside=2), "split tampering"),
    "wider batches of known rows": (seen(same=8, wider=1), "addition"),
    "narrower batches of known rows": (seen(same=8, wider=-1), "subtraction"),
    "own rows, half of them in their places": (seen(inside=4, same=3, edited=1), "subtraction"),
    "own rows, most of them elsewhere": (seen(inside=5, same=3, edited=1), "batch order"),
    "other outcomes of some": (seen(same=5, edited=4), "label edit"),
    "other outcomes of half": (seen(same=4, edited=4), "hyper-parameter lie"),
    "of half, from the first step of a segment": (
        seen(50, 51, same=4, edited=4),
        "router-state tampering",
    ),
    "of half, from the second step of all": (
        seen(1, 2, same=4, edited=4),
        "router-state tampering",
    ),
    "of half, from the very first step": (seen(0, 1, same=4, edited=4), "hyper-parameter lie"),
}


@pytest.mark.parametrize("name", ACCOUNTS)
def test_names_from_accounts(name):
    segment, wanted = ACCOUNTS[name]
    assert ve._name_by_account(segment) == wanted
    assert ve._name_by_segments(reread(segment)) == wanted


JUMPS = {
    "the first of three, most outcomes others": (
        seen(0, 9, same=3, edited=4),
        "crafted initial weights",
    ),
    "the first of three, half of them": (seen(0, 9, same=4, edited=4), None),
    "strangers alone at the very start": (seen(0, 1, foreign=30), "crafted initial weights"),
    "strangers and too many known rows": (seen(0, 1, foreign=30, same=4), None),
    "strangers and few known rows": (seen(0, 1, foreign=30, same=3), "crafted initial weights"),
    "strangers and a drift": (seen(0, 1, foreign=30, drift=True), None),
    "strangers later in the first": (seen(0, 2, foreign=30), None),
    "strangers at the end, far away": (seen(100, 101, 1.5, foreign=30), "gluing"),
    "strangers at the end, as far as it moves": (seen(100, 101, 1.0, foreign=30), None),
    "edited rows count as known": (seen(100, 101, 1.5, foreign=30, edited=4), None),
    "own rows count as known": (seen(100, 101, 1.5, foreign=30, inside=4), None),
}


@pytest.mark.parametrize("name", JUMPS)
def test_names_from_jumps(name):
    segment, wanted = JUMPS[name]
    honest = [part(start) for start in (0, 50, 100) if start != segment.start]
    assert ve._name_jump(reread(segment, *honest), segment) == wanted
    assert ve._name_jump(reread(segment, honest[0]), segment) is None, "two segments tell nothing"
    both = reread(segment, part(200, HEADS), *honest)
    assert ve._name_jump(both, segment) is None, "a jump is one segment"


def test_a_silent_segment_before_the_first_that_tells():
    order = part(0, ["order"])
    assert ve._name_by_segments(reread(order, seen(50, 60, same=5, edited=1))) == "batch order"
    late = part(100, ["order"])
    assert ve._name_by_segments(reread(seen(50, 60, same=5, edited=1), late)) == "label edit"
    at_once = SegmentCheck("spare N1", 50, 100, 0.1, ["order"])
    told = ve._name_by_segments(reread(seen(50, 60, same=5, edited=1), at_once))
    assert told == "label edit", "of two that end together, the one that tells"


FIELDS = {
    "rows of a run": (dict(prepared=["main: train"]), "split tampering"),
    "rows of a spare": (dict(prepared=["spare N1: train"]), "split tampering"),
    "a weight alone": (dict(final=["model.heads.own"]), "gluing"),
    "the router alone": (dict(final=["model.router.out"]), "router-state tampering"),
    "a file": (dict(final=["weights"]), "gluing"),
    "nothing": (dict(), "gluing"),
    "evidence and weights, to the bit": (
        dict(prepared=["evidence"], final=["model.router.out"]),
        "forged data",
    ),
    "evidence and weights, elsewhere": (
        dict(prepared=["evidence"], final=["model.router.out"], tolerance=1e-4),
        "router-state tampering",
    ),
    "outcomes": (dict(prepared=["outcomes"]), "label edit"),
    "outcomes, elsewhere": (dict(prepared=["outcomes"], tolerance=1e-4), "label edit"),
    "widths": (dict(prepared=["widths", "outcomes"]), "forged data"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_names_from_fields_alone(name):
    about, wanted = FIELDS[name]
    assert ve._name_by_field(reread(**about)) == wanted


def test_names_from_the_batches_and_the_generator():
    for name in ("batches", "generator.main"):
        assert ve._name_by_tensors(part(0, ["other", name, "model.router.out"])) == "batch order"
    router = ["best.router.out", "exp_avg.trust", "step.router"]
    assert ve._name_by_tensors(part(0, ["look.loss", *router])) == "router-state tampering"
    assert ve._name_by_tensors(part(0, ["look.loss"])) == "gluing"


def test_turns_need_two_and_are_nearly_straight():
    def named(*turns):
        return ve.name_cheat(reread(*(part(50 * i, HEADS, turn=t) for i, t in enumerate(turns))))

    assert named(1.0, 1.0) == "interpolation" and named(None, 1.0) == "gluing"
    assert named(1.0, 0.9991, 0.5) == "interpolation" and named(0.999, 0.999) == "gluing"


def test_the_chance_to_escape():
    found = {k: ve.escape_probability(10, k, 2) for k in (0, 1, 3, 8, 9, 10, 11)}
    wanted = {0: 1, 1: 0.8, 3: 7 / 15, 8: 1 / 45, 9: 0, 10: 0, 11: 0}
    assert found == pytest.approx(wanted) and ve.escape_probability(5, 5, 0) == 1


def test_tables_that_are_not_the_committed_one(shown, tmp_path):
    def explain(frame, key=KEY, filed=None):
        check, cheat = ve.check_records(shown, frame, key, IDS[: len(frame)], filed=filed)
        assert check.passed is False and check.level == 2
        return cheat, check.detail

    other = FOUR.assign(phq9=[3.0, 9.0, 12.0, 21.0])
    cheat, why = explain(other)
    assert cheat == "forged data" and "1 of 4 records" in why and "their content is another" in why
    exchanged = FOUR.iloc[[1, 0, 2, 3]].reset_index(drop=True)
    cheat, why = explain(exchanged)
    assert cheat == "forged data" and "2 of 4 records" in why
    cheat, why = explain(FOUR, bytes(32))
    assert cheat == "salt swap" and "all salts are others" in why
    cheat, why = explain(FOUR.iloc[:3])
    assert cheat == "forged data" and "without leaves.bin it cannot be said where" in why
    (tmp_path / "empty").mkdir()
    assert "without leaves.bin" in explain(other, filed=tmp_path / "empty")[1]
    elsewhere = shown.folder
    shown.folder = tmp_path / "empty"
    assert "1 of 4 records" in explain(other, filed=elsewhere)[1]


def test_another_key_where_a_record_was_withdrawn(tmp_path):
    "A tombstone stands as it is under any key: where all others differ, the key is another."
    schema, kept = schema_of(LIKE, FOUR), FOUR.drop(index=2)
    left = withdraw(ve.commit_records(FOUR, schema, KEY, IDS), 2)
    save_leaves(left, tmp_path)

    def explain(key, frame):
        own = ve.commit_records(frame, schema, key, ["a", "b", "d"], None, left.withdrawn)
        return ve._explain_records(tmp_path, left.to_dict(), ve._Shown(frame, schema, key, own))

    cheat, why = explain(bytes(32), kept)
    assert cheat == "salt swap" and "all salts are others" in why
    cheat, why = explain(KEY, kept.assign(phq9=[0.0, 0.0, 0.0]))
    assert cheat == "forged data" and why.startswith("3 of 4 records"), "all of them, but this key"
    cheat, why = explain(KEY, kept.assign(phq9=[3.0, 9.0, 0.0]))
    assert cheat == "forged data" and "the first at position 3" in why


SWAPPED = ((1, 2), (2, 1), (3, 3))  # record and whose salt it stands under


def test_records_under_the_salts_of_others(tmp_path):
    "Each leaf was made of the right record, but under the salt of another one of them."
    schema = schema_of(LIKE, FOUR)
    own = ve.commit_records(FOUR, schema, KEY, IDS)
    salts = [hmac.digest(KEY, own.tree.names[i], "sha256") for i in range(4)]
    shown, records = ve._Shown(FOUR, schema, KEY, own), list(ve.canonical_records(FOUR, schema))
    honest = [ve.record_leaf(*pair) for pair in zip(records, salts)]
    assert honest == own.tree.levels[0]
    ring = [ve.record_leaf(records[i], salts[(i + 1) % 4]) for i in range(4)]
    assert ve._stand_under_other_salts([0, 1, 2, 3], shown, ring) is True
    backwards = replace(own.tree, names=dict(reversed(own.tree.names.items())))
    turned = shown._replace(own=replace(own, tree=backwards))
    assert ve._stand_under_other_salts([0, 1, 2, 3], turned, ring), "whatever comes first"
    half = [*ring[:3], ve.record_leaf(records[3], bytes(32))]
    assert ve._stand_under_other_salts([0, 1, 2, 3], shown, half) is False
    assert not ve._stand_under_other_salts([0, 1], shown, ring), "two give each other no third"

    def explain(leaves):
        "What is said where these leaves were filed, and a root that is theirs."
        filed = b"".join([own.tree.mark, *leaves])
        (tmp_path / "leaves.bin").write_bytes(filed)
        (tmp_path / "leaves.bin").chmod(0o600)
        root = merkle_root(leaves).hex()
        return ve._explain_records(tmp_path, own.to_dict() | {"root": root}, shown)

    cheat, why = explain([honest[0], *(ve.record_leaf(records[i], salts[j]) for i, j in SWAPPED)])
    assert cheat == "salt swap" and "each stands under the salt of another one of them" in why
    cheat, why = explain([*honest[:3], bytes(32)])
    assert cheat == "forged data" and why.startswith("1 of 4 records")
