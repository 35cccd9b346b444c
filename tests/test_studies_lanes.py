"Training lanes: windows, rows, refusals, and one pass against greedy decoding on trained models."

from dataclasses import replace

import pytest
import torch

from adaroute.studies.coupling import count_ids, draw_problems, draw_sizes, find_task
from adaroute.studies.decoder import mark_hits
from adaroute.studies.lanes import (
    PAPER,
    LaneTraining,
    Recipe,
    answer_test,
    check_recipe,
    clip_lanes,
    count_needed_ids,
    decode_test,
    draw_batch,
    draw_starts,
    draw_test,
    make_rows,
    make_test_rows,
    number_problems,
    place_on_line,
    place_on_ring,
    see_neighbours,
    share_windows,
    spoil_places,
)

COUPLED_TASKS = ("addition", "addition_of_three", "copy", "multiplication", "merge", "many_sums")


@pytest.fixture(scope="module")
def copied():
    "A model that copies short strings well and longer ones not."
    recipe = Recipe(task="copy", steps=160, ids=40, neighbours=1)
    return recipe, LaneTraining(recipe, [0, 1]).train()


@pytest.mark.parametrize("length", [4, 9, 18, 30])
def test_one_pass_decides_what_greedy_decoding_writes(copied, length):
    recipe, decoder = copied
    g = torch.Generator().manual_seed(length)
    drawn = draw_test(recipe, length, 80, g)
    starts = draw_starts(recipe, count_ids(drawn), 1, g)
    written = decode_test(decoder, recipe, drawn, starts)
    at_once = decoder(make_test_rows(recipe, drawn, starts, 2)).argmax(-1)
    exact = mark_hits(at_once, drawn.targets.expand_as(at_once)).all(2)
    assert torch.equal((written == drawn.targets).all(2), exact)
    first_wrong = (at_once != drawn.targets).long().argmax(2)
    for lane, row in torch.nonzero(~exact).tolist():
        known = first_wrong[lane, row] + 1
        assert torch.equal(written[lane, row, :known], at_once[lane, row, :known])


def test_the_test_above_sees_both_right_and_wrong(copied):
    recipe, decoder = copied
    assert answer_test(decoder, recipe, 4).exact.min() > 0.5
    assert answer_test(decoder, recipe, 30).exact.max() < 0.5


@pytest.mark.parametrize("place", [place_on_ring, place_on_line])
@pytest.mark.parametrize("neighbours", [1, 2, 5])
def test_windows_are_disjoint_and_within_the_ids(place, neighbours):
    g = torch.Generator().manual_seed(0)
    spans = torch.randint(1, 13, (300, neighbours), generator=g)
    starts = place(spans, 60, g)
    assert starts.min() >= 1 and starts.max() <= 60
    for first, span in zip(starts.tolist(), spans.tolist()):
        taken = [(s - 1 + k) % 60 for s, n in zip(first, span) for k in range(n)]
        assert len(set(taken)) == len(taken)
        if place is place_on_line:
            assert max(s + n - 1 for s, n in zip(first, span)) <= 60


@pytest.mark.parametrize("task", COUPLED_TASKS)
@pytest.mark.parametrize("position", ["coupled", "random_start", "abacus"])
def test_every_batch_stays_within_its_ids(task, position):
    recipe = replace(Recipe(), task=task, position=position, high=5, ids=200)
    batch = draw_batch(recipe, torch.Generator().manual_seed(1))
    tokens, ids, targets = batch
    assert ids.min() >= 0 and ids.max() <= 200 and not ids[tokens == 0].any()
    assert tokens.shape[0] == targets.shape[0] == recipe.problems


@pytest.mark.parametrize("layers", [1, 2])
def test_neighbours_never_see_a_later_problem_through_two_layers(layers):
    seen = see_neighbours(replace(Recipe(), neighbours=4, layers=layers), 3, [True, False], 8)
    assert bool(seen[0].triu(1).any()) is (layers == 1)
    alone = torch.block_diag(*[torch.ones(3, 3).tril()] * 4).bool()
    assert torch.equal(seen[1], alone.expand(8, -1, -1)) and torch.equal(seen[0, 0], alone)


def test_a_window_hides_far_ids_only():
    recipe = replace(PAPER, window=12)
    batch = [part[None] for part in draw_batch(recipe, torch.Generator().manual_seed(0))]
    rows = [make_rows(r, batch[0], batch[1], batch[2].shape[2], [False]) for r in (recipe, PAPER)]
    assert torch.equal(
        rows[0].visible.expand_as(rows[1].visible) & True,
        rows[1].visible.expand_as(rows[0].visible),
    )
    drawn = draw_test(recipe, 30, 4, torch.Generator().manual_seed(0))
    rows = make_test_rows(recipe, drawn, torch.ones(4, 1, dtype=torch.long), 1)
    ids, last = rows.ids[0, 0, :, 0], rows.visible[0, 0, -1]
    near = (ids == 0) | ((ids - ids[-1]).abs() <= 12)
    assert torch.equal(last, near) and 0 < near.sum() < len(ids)


@pytest.mark.parametrize("fault", ["shifted", "mirrored", "shuffled"])
def test_a_fault_touches_one_operand_only(fault):
    g = torch.Generator().manual_seed(0)
    sound = draw_problems(find_task("addition"), draw_sizes(find_task("addition"), 30, 3, 8, g), g)
    wrong = spoil_places(sound, fault, g)
    changed = (wrong.places != sound.places).any(0)[:, 0].tolist()
    assert {group for group, c in zip(sound.groups, changed) if c} == {"operand 2"}
    assert torch.equal(wrong.places < 0, sound.places < 0)
    with pytest.raises(ValueError, match="second operand"):
        number_problems(
            Recipe(task="copy", fault=fault), sound._replace(groups=("x",) * len(sound.groups)), g
        )


def test_lengths_beyond_the_ids_are_refused_with_the_number_that_would_do():
    for task in COUPLED_TASKS:
        recipe = replace(Recipe(), task=task, high=4)
        need = count_needed_ids(recipe, 9)
        check_recipe(replace(recipe, ids=max(need, 2 * count_needed_ids(recipe, 4))), [9])
        with pytest.raises(ValueError, match=f"at least {need} for length 9, got {need - 1}"):
            check_recipe(replace(recipe, ids=need - 1, neighbours=1), [9])
    with pytest.raises(ValueError, match="at least 26 for 2 problems of 10"):
        LaneTraining(Recipe(ids=25), [0])


def test_lanes_do_not_mix_and_seeds_decide():
    recipe = replace(Recipe(), steps=8, problems=8)
    runs = [LaneTraining(recipe, seeds) for seeds in ([3, 4], [4], [4])]
    for run in runs:
        run.train()
    pair, one, again = (run.decoder.weights["token"] for run in runs)
    assert torch.equal(one, again) and torch.allclose(pair[1], one[0], atol=1e-3)
    assert not torch.allclose(pair[0], pair[1], atol=1e-2)


def test_clipping_leaves_small_gradients_alone():
    p = torch.zeros(2, 3, requires_grad=True)
    p.grad = torch.tensor([[30.0, 0, 40.0], [0.1, 0.2, 0.2]])
    clip_lanes([p])
    assert torch.allclose(p.grad, torch.tensor([[0.6, 0, 0.8], [0.1, 0.2, 0.2]]))


def test_averaging_one_start_is_no_averaging():
    recipe = replace(Recipe(), steps=1)
    decoder = LaneTraining(recipe, [0]).decoder
    one, same = (answer_test(decoder, recipe, 4, 20, seed=3, average=1) for _ in range(2))
    assert torch.equal(one.hits, same.hits)


@pytest.mark.slow
def test_neighbours_carry_copying_to_four_times_the_length():
    "The finding of the study in its cheapest form; lone rows reach in range only."
    recipe = Recipe(task="copy", steps=500)
    packed, lone = (LaneTraining(r, [0]).train() for r in (recipe, replace(recipe, neighbours=1)))
    at = lambda decoder, length: answer_test(decoder, recipe, length).exact.item()
    assert at(packed, 10) > 0.95 and at(lone, 10) > 0.95
    assert at(packed, 40) > at(lone, 40) + 0.4


@pytest.mark.parametrize("coupled_end", [False, True])
def test_abacus_is_coupling_where_only_digits_have_places(coupled_end):
    task, generator = find_task("addition"), torch.Generator().manual_seed(0)
    drawn = draw_problems(task, torch.tensor([[3, 5]] * 4), generator, coupled_end)
    digits = number_problems(replace(Recipe(), position="abacus"), drawn, generator)
    kept = torch.tensor([group in ("operand 1", "operand 2", "sum") for group in drawn.groups])
    assert torch.equal(digits.places[:, kept], drawn.places[:, kept])
    assert (digits.places[:, ~kept] == -1).all() and not kept.all()
    again = number_problems(replace(Recipe(), position="abacus"), digits, generator)
    assert torch.equal(again.places, digits.places)


def test_neighbours_on_two_levels_are_far_in_one_and_near_in_the_other():
    "Every pair of problems stays apart in a channel; each channel is shared somewhere."
    recipe = replace(Recipe(), task="many_sums", high=4, ids=36, neighbours=4)
    spans = torch.full((400, 2), 7)
    starts = draw_starts(recipe, spans, 4, torch.Generator().manual_seed(0)).view(100, 4, 2)
    gap = (starts[:, :, None] - starts[:, None]).abs()
    apart = torch.minimum(gap, 36 - gap) >= 7
    others = ~torch.eye(4, dtype=torch.bool)
    assert apart.any(-1)[:, others].all()
    shared = (gap == 0).all((1, 2))
    assert shared.any(0).all() and (~shared).all(1).any() and not shared.all(1).any()


def test_one_channel_is_never_shared():
    starts = torch.arange(24).view(3, 8, 1)
    recipe = replace(Recipe(), task="many_sums", position="random_start", ids=400)
    assert share_windows(starts, torch.Generator()).shape == starts.shape
    drawn = draw_starts(recipe, torch.full((100, 1), 50), 2, torch.Generator().manual_seed(0))
    first, second = drawn.view(-1, 2).T
    assert ((first - second).abs() >= 50).all()
