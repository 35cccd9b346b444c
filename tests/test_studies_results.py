"The committed results of the coupling study: fresh seeds, fitted arms, and the finding they are quoted for."

import json
import statistics
from pathlib import Path

import pytest

from adaroute.studies.coupling_arms import EXPERIMENTS, list_arms
from adaroute.studies.lanes import FAULTS

ROOT = Path(__file__).resolve().parents[1]
RESULTS = sorted((ROOT / "paper/results").glob("coupling_*.json"))
ARMS = [
    (p.stem, arm) for p in RESULTS for arm in json.loads(p.read_text())["value"].get("arms", [])
]


def find_arm(experiment, name):
    return next(
        arm for stem, arm in ARMS if (stem, arm["name"]) == (f"coupling_{experiment}", name)
    )


def middle(arm, length, what="exact"):
    return statistics.median(arm[what][str(length)])


@pytest.mark.parametrize("stem, arm", ARMS, ids=[f"{s}: {a['name']}" for s, a in ARMS])
def test_an_arm_has_three_fresh_seeds_and_every_number_of_them(stem, arm):
    assert len(arm["seeds"]) >= 3 and min(arm["seeds"]) >= 10 and arm["test_seed"] > 0
    for values in arm["exact"].values():
        assert len(values) == len(arm["seeds"]) and all(0 <= v <= 1 for v in values)


def test_the_finding_is_in_the_results():
    "Both arms fit their range; only one goes on."
    packed, lone = find_arm("addition", "packed, 8 a row"), find_arm("addition", "paper's setting")
    assert min(packed["exact"]["10"]) >= 0.95 and min(lone["exact"]["10"]) >= 0.95
    assert min(packed["exact"]["40"]) > max(lone["exact"]["40"]) + 0.5
    assert middle(packed, 100) >= 0.8 > middle(lone, 100)


def test_the_explanation_is_in_the_results():
    "The leak grows where the arm fails, and hiding far keys helps at all lengths beyond training."
    packed, lone = find_arm("addition", "packed, 8 a row"), find_arm("addition", "paper's setting")
    hidden = find_arm("addition", "window at test only")
    assert min(lone["written"]["40"]) > 1.5 * max(packed["written"]["40"])
    assert lone["far"]["10"] == packed["far"]["10"] == [0, 0, 0]
    for length in (15, 20, 30, 40):
        assert middle(hidden, length) > middle(lone, length)
    assert hidden["exact"]["10"] == lone["exact"]["10"]


def test_ten_further_seeds_confirm_the_small_recipe():
    confirmed = find_arm("confirmation", "packed, 2 a row")
    assert len(confirmed["seeds"]) == 10 and not set(confirmed["seeds"]) & {10, 11, 12}
    assert middle(confirmed, 10) >= 0.95 and middle(confirmed, 40) >= 0.9


def test_schemes_are_compared_where_they_fit():
    "Every arm of copying has numbers within its range; only fitted ones may be quoted beyond."
    arms = {arm["name"]: arm for stem, arm in ARMS if stem == "coupling_baselines"}
    assert len(arms) >= 5
    alone, packed = (arms[f"coupled, {how}"] for how in ("alone", "packed"))
    assert middle(alone, 5) >= 0.95 and middle(packed, 5) >= 0.95
    assert middle(packed, 20) > middle(alone, 20)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_arm_of_chapter_08_has_a_result_or_is_named(name):
    "No arm is left out of the tables, fitted or not."
    value = json.loads((ROOT / f"paper/results/coupling_{name}.json").read_text())["value"]
    known = [arm["name"] for arm in value["arms"]] + value["not_run"]
    assert sorted(known) == sorted(arm.name for arm in list_arms(name))
    assert value["arms"] and value["scale"] == "default"


@pytest.mark.parametrize(
    "name, length, least",
    [
        ("copy", 40, 0.98),
        ("reverse", 40, 0.98),
        ("running sum", 30, 0.98),
        ("addition of three", 30, 0.95),
        ("merge", 24, 0.85),
        ("comparison", 40, 0.85),
    ],
)
def test_packed_tasks_go_three_to_four_times_as_far(name, length, least):
    arm = find_arm("tasks", name)
    assert middle(arm, arm["recipe"]["high"]) >= 0.95 and min(arm["exact"][str(length)]) >= least


def test_a_wrong_coupling_is_not_learned_in_the_steps_of_the_right_one():
    right, *wrong = (find_arm("faults", fault) for fault in FAULTS)
    assert right["name"] == "none" and middle(right, 10) >= 0.95
    assert len(wrong) == 3 and all(max(arm["exact"]["10"]) < 0.95 for arm in wrong)
    assert min(min(arm["loss"]) for arm in wrong) > 10 * max(right["loss"])
