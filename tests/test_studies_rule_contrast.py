"The two-stage contrast where a chapter's reader would tire: what is refused, what stays intact, what is in the results."

import json
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from adaroute.lab.paper_tables import RULE_PARTS
from adaroute.studies.rule_bridge import list_bridge_arms
from adaroute.studies.rule_contrast import (
    BASE,
    HELD_OUT_RULES,
    RULE_ORDER,
    RULE_SEEDS,
    RuleArm,
    find_worst_rule,
    fits_rules,
    list_far_arms,
    list_rule_arms,
    match_by_seed,
    run_rule_arm,
    show_window,
    summarise_rules,
    train_rules,
)
from adaroute.studies.rule_lanes import carry_out
from adaroute.studies.wide_contrast import list_wide_arms

TINY = RuleArm("tiny", steps=4, adapt=1, seeds=(0, 1), lengths=(2, 5), problems=2)
RESULT = Path(__file__).resolve().parents[1] / "paper/results/rules.json"


@pytest.mark.parametrize(
    "wrong, message",
    [
        (dict(rules="few"), "rules: expected many or one, got 'few'"),
        (dict(format="prose"), "format: expected one of direct, "),
        (dict(second="prose"), "format: expected one of direct, .* got 'prose'"),
        (dict(known=0), "known: expected 1 to 44, got 0"),
        (dict(position="rope"), "ids: expected at least 126 for these lengths, got 48"),
        (dict(high=0), "high: expected at least 1, got 0"),
        (dict(neighbours=0), "neighbours: expected at least 1, got 0"),
        (dict(lengths=(5, 60)), "ids: expected at least 62 for these lengths, got 48"),
        (dict(neighbours=8), "ids: expected at least 56 for these lengths, got 48"),
    ],
)
def test_an_arm_that_cannot_be_is_refused_in_one_line(wrong, message):
    with pytest.raises(ValueError, match=message) as error:
        RuleArm("wrong", **wrong)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_checkpoint_of_rules_is_refused_and_stays(tmp_path):
    path = tmp_path / "run.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"format": "other"})
    before = path.read_bytes()
    with pytest.raises(ValueError, match="expected adaroute-rules-1, got other"):
        train_rules(TINY, path)
    assert path.read_bytes() == before


def test_another_arm_is_another_answer(tmp_path):
    first = run_rule_arm(TINY, tmp_path)
    other = run_rule_arm(replace(TINY, neighbours=2), tmp_path)
    assert len(list(tmp_path.glob("rules-*.json"))) == 2
    assert first["arm"]["neighbours"] == 1 and other["arm"]["neighbours"] == 2


def test_smoke_runs_every_arm(tmp_path):
    for arm in list_rule_arms("smoke"):
        found = run_rule_arm(arm, tmp_path)
        assert not fits_rules(found) and len(match_by_seed(found, 30)) == 2
        assert 0 <= find_worst_rule(found, 30)[1] <= 1


def test_no_held_out_rule_does_what_a_rule_of_stage_one_does():
    "On all items, states and constants; a held-out rule with a fixed constant is judged with that."
    grid = torch.cartesian_prod(torch.arange(10), torch.arange(10))
    item, state = grid[:, :1], grid[:, 1]

    def act(condition, update, constant):
        rules = torch.tensor([[condition, update, constant]]).expand(len(grid), 3)
        holds, states = carry_out(rules, item, state)
        return tuple(holds[:, 0].tolist()), tuple(states[:, 0].tolist())

    seen = {act(c, u, k) for c, u, _ in RULE_ORDER for k in range(10)}
    assert not seen & {act(*rule) for rule in HELD_OUT_RULES.values()}


ARMS = {}
if RESULT.exists():
    _value = json.loads(RESULT.read_text())["value"]
    ARMS = {arm["arm"]["name"]: arm for part in RULE_PARTS for arm in _value.get(part, [])}


def at_30(name):
    "Median over seeds, worst and best."
    shares = match_by_seed(ARMS[name], 30)
    return statistics.median(shares), min(shares), max(shares)


@pytest.mark.parametrize("name", ARMS)
def test_the_results_are_from_five_fresh_seeds(name):
    found = ARMS[name]
    assert set(found["arm"]["seeds"]) >= set(RULE_SEEDS)
    assert all(0 <= share <= 1 for share in match_by_seed(found, found["arm"]["lengths"][-1]))
    again = json.loads(json.dumps(summarise_rules(found)))
    assert found["summary"] == again, "a summary that is not of these numbers"


def test_every_arm_has_a_result_or_is_named():
    asked = [*list_rule_arms(), *list_bridge_arms(), *list_far_arms(), *list_wide_arms()]
    assert sorted([*ARMS, *_value["not_run"]]) == sorted(arm.name for arm in asked)


def test_packing_goes_on_where_lone_traces_stop():
    assert fits_rules(ARMS[BASE]) and fits_rules(ARMS[f"{BASE}, packed"])
    assert at_30(f"{BASE}, packed")[0] > at_30(BASE)[2] + 0.3


def test_without_shared_ids_nothing_goes_beyond_the_trained_lengths():
    "RoPE fits as well, and is right in none of the traces of twice the length."
    rope, shared = ARMS["in order, rope"], ARMS[BASE]
    assert fits_rules(rope) and min(match_by_seed(rope, 5)) > 0.9
    assert max(match_by_seed(rope, 10)) < min(match_by_seed(shared, 10)) - 0.3


def test_a_window_at_test_lifts_every_seed():
    for name in (BASE, f"{BASE}, packed"):
        near = match_by_seed(show_window(ARMS[name]), 30)
        assert all(after >= before for before, after in zip(match_by_seed(ARMS[name], 30), near))
        assert statistics.median(near) > at_30(name)[0]
