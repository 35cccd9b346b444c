"""The count of cheats and honest runs: what is asked, and what the committed count came to."""

from collections import Counter
from pathlib import Path

import pytest

from adaroute.lab.cheat_count import COUNTED_KINDS, HONEST_WAYS, list_jobs, sum_counts
from adaroute.lab.cheats import CHEATS
from adaroute.lab.folder_cheats import lay_desk
from adaroute.lab.liar import cheat_world
from adaroute.lab.paper import read_result

ROOT = Path(__file__).resolve().parents[1]
SMALL = dict(n=60, steps=8, every=4, encoder=dict(text_dim=4, curves=False))


def test_what_is_asked_is_spread_evenly():
    "Whatever part of the jobs was answered holds a part of both."
    jobs = list_jobs(4, 200)
    assert len(jobs) == 4 * len(COUNTED_KINDS) + 200
    asked = Counter((job["kind"], job["name"], job["seed"]) for job in jobs)
    assert set(asked.values()) == {1} and len(COUNTED_KINDS) >= 40 > len(CHEATS)
    for part in (50, 100, 300):
        kinds = Counter(job["kind"] for job in jobs[:part])
        assert abs(kinds["honest"] / 200 - kinds["cheat"] / (len(jobs) - 200)) < 0.02
    assert {job["name"] for job in jobs if job["kind"] == "honest"} == {*HONEST_WAYS}


def test_a_false_alarm_and_a_cheat_that_got_through_are_counted():
    jobs = [job | dict(world=SMALL) for job in list_jobs(1, 3)]
    answers = [dict(name=job["name"], seed=job["seed"], status=1, named=True) for job in jobs]
    cheat = next(i for i, job in enumerate(jobs) if job["kind"] == "cheat")
    answers[cheat] |= dict(status=0, named=False)
    summed = sum_counts(list(zip(jobs, answers)), len(jobs) + 5)
    assert summed["accepted"] == 1 and summed["refused"] == 3
    assert summed["named"] == summed["cheats"] - 1 and summed["misnamed"] == [answers[cheat]]
    assert summed["asked"] - summed["answered"] == 5


def test_the_desk_needs_its_ledger(tmp_path):
    "The honest desk is strict but for the code of a made-up world; another ledger is no ledger of it."
    desk = lay_desk(cheat_world(101, **SMALL), tmp_path / "a")
    assert desk.audit().not_checked == ["code", "libraries"] and desk.audit(strict=True).status == 2
    other = lay_desk(cheat_world(102, **SMALL), tmp_path / "b")
    with pytest.raises(ValueError, match="expected the plan of this run in it"):
        desk.audit(ledger=other.book)


def test_the_committed_count_meets_its_targets():
    value = read_result(ROOT / "paper/results", "cheats")
    assert value["accepted"] == 0 and value["refused"] == 0 and value["kinds"] >= 40
    assert value["named"] >= 0.95 * value["cheats"]
    assert sum(row["runs"] for row in value["by_kind"]) == value["cheats"]
    assert sum(row["runs"] for row in value["by_way"]) == value["honest"]
    if value["answered"] == value["asked"]:
        assert value["cheats"] == 4 * value["kinds"] == 4 * len(COUNTED_KINDS)
        assert value["honest"] == 200
