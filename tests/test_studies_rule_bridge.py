"The bridge: what shares an ID, that a shift changes nothing, and that the arms without it do the same work."

import pytest
import torch
from matplotlib.figure import Figure

from adaroute.studies.coupling import assign_ids
from adaroute.studies.decoder import LaneDecoder, measure_gap
from adaroute.studies.rule_bridge import draw_places, list_bridge_arms, measure_steps
from adaroute.studies.rule_contrast import list_rule_arms, run_rule_arm
from adaroute.studies.rule_lanes import (
    RuleRecipe,
    RuleSource,
    join_rules,
    number_one_by_one,
    place_rules,
    shape_of_rules,
    write_problems,
)

RULES = tuple((c, u, None) for c in range(8) for u in range(6))


def draw(problems=40, high=9, low=1):
    source = RuleSource(RULES, high, low=low)
    return write_problems(*source.draw_fresh(problems, torch.Generator().manual_seed(0)))


def test_what_comes_next_is_one_step_away_at_every_line_of_every_length():
    coupled = draw()
    ordered = number_one_by_one(coupled)
    for row in range(40):
        length = int(coupled.spans[row]) - 2
        assert measure_steps(coupled, row) == [1] * (length + 1)
        assert measure_steps(ordered, row) == [-(length + 1 + 2 * i) for i in range(length + 1)]


def test_ids_from_any_start_are_the_same_up_to_the_shift():
    "Gaps on the ring, what shares an ID, and what has none, from all 48 starts."
    problems = draw(12)
    seen = []
    for start in range(1, 49):
        ids = assign_ids(problems.places[..., None], torch.full((12, 1), start), 48)
        same = (ids == ids.transpose(1, 2))[..., None]
        seen.append(torch.cat([measure_gap(ids, ids, 48)[..., None], same], -1))
    assert all(torch.equal(seen[0], other) for other in seen[1:])


def test_a_shift_permutes_the_rows_of_a_table_and_nothing_else():
    "Logits from another start are those of a decoder whose table of IDs is turned by as much."
    source = RuleSource(RULES, 6)
    drawn = source.draw(8, torch.Generator().manual_seed(1))
    rows, _ = join_rules([drawn], RuleRecipe(0), [torch.Generator().manual_seed(2)], [False])
    decoder, turned = (LaneDecoder(shape_of_rules(), [0]) for _ in range(2))
    table = decoder.weights["place"].data
    turned.weights["place"].data = torch.cat([table[:, :1], table[:, 1:].roll(7, dims=1)], 1)
    moved = torch.where(rows.ids > 0, (rows.ids - 1 + 7) % 48 + 1, 0)
    assert torch.allclose(decoder(rows), turned(rows._replace(ids=moved)), atol=1e-6)
    assert not torch.allclose(decoder(rows), decoder(rows._replace(ids=moved)), atol=1e-2)


@pytest.mark.parametrize("arm", list_bridge_arms(), ids=lambda arm: arm.name)
def test_an_arm_without_reads_and_says_what_the_arm_with_does(arm):
    "Same tokens, same targets, same steps; only IDs differ."
    coupled = next(a for a in list_rule_arms() if a.neighbours == arm.neighbours)
    assert (arm.steps, arm.tokens) == (coupled.steps, coupled.tokens)
    one, other = (a.sources[0].draw(64, torch.Generator().manual_seed(3)) for a in (coupled, arm))
    assert torch.equal(one.tokens, other.tokens) and torch.equal(one.targets, other.targets)
    ordered = RuleRecipe(1, arm.neighbours, arm.ids, in_order=True)
    ids = [
        place_rules(one, recipe, torch.Generator().manual_seed(4))
        for recipe in (RuleRecipe(1, coupled.neighbours, coupled.ids), ordered)
    ]
    shared = [(i[..., None] == i[:, None]) & (i[..., None] > 0) for i in ids]
    own = (one.tokens != 0).sum()
    assert shared[0].sum() > 2 * own and shared[1].sum() == own


def test_smoke_runs_the_arms_without(tmp_path):
    for arm in list_bridge_arms("smoke"):
        found = run_rule_arm(arm, tmp_path)
        assert found["arm"]["position"] == arm.position and len(found["loss"]) == 2
        assert set(found["adapted"]) == set(found["breaks"])


def test_the_picture_has_every_token_once():
    problems = draw(1, high=4, low=4)
    ax = Figure().subplots()
    draw_places(ax, problems, 0)
    marks = sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() == "o")
    assert marks == int((problems.tokens != 0).sum())
