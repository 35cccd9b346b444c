"Coupled tasks: answers that are true, groups that correspond, registers that refuse."

import pytest
import torch
import torch.nn.functional as F

from adaroute.studies import coupled_tasks
from adaroute.studies.coupling import (
    DIGITS,
    COUPLED_TASKS,
    Task,
    assign_ids,
    carry_over,
    check_groups,
    check_invariance,
    compose_problems,
    compose_sum,
    count_ids,
    draw_digits,
    draw_problems,
    draw_sizes,
    draw_string,
    find_task,
    make_segment,
    read_tokens,
    register_task,
)

NAMES = sorted(COUPLED_TASKS)


def draw(name, sizes, seed=0, **more):
    return draw_problems(
        find_task(name), torch.tensor(sizes), torch.Generator().manual_seed(seed), **more
    )


@pytest.fixture
def register(monkeypatch):
    monkeypatch.setattr("adaroute.studies.coupling.COUPLED_TASKS", dict(COUPLED_TASKS))
    return register_task


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [1, 2])
def test_task_is_invariant_and_its_groups_correspond(name, seed):
    task = find_task(name)
    check_invariance(task, high=8, seed=seed)
    g = torch.Generator().manual_seed(seed)
    check_groups(name, draw_problems(task, draw_sizes(task, 40, 1, 8, g), g))


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_problems(name):
    first, again, other = (
        draw(name, [[5] * find_task(name).parts] * 6, seed) for seed in (3, 3, 4)
    )
    assert torch.equal(first.tokens, again.tokens) and torch.equal(first.places, again.places)
    assert first.tokens.shape != other.tokens.shape or not torch.equal(first.tokens, other.tokens)


@pytest.mark.parametrize("name", NAMES)
def test_targets_are_the_next_tokens_and_end_with_the_mark(name):
    problems = draw(name, [[3] * find_task(name).parts, [6] * find_task(name).parts])
    response = problems.tokens[:, problems.asked[0] + 1 :]
    length = (response != 0).sum(1)
    for row, (said, target) in enumerate(zip(response, problems.targets)):
        assert target[: length[row]].tolist() == said[: length[row]].tolist()
        assert target[length[row]] == 1 and not target[length[row] + 1 :].any()


def test_hundred_digit_sums_are_true():
    problems = draw("addition", [[100, 100]] * 20)
    for tokens, target in zip(problems.tokens, problems.targets):
        query = read_tokens(tokens[: problems.asked[0]], find_task("addition").symbols)[1:]
        answer = read_tokens(target, find_task("addition").symbols)[:-1]
        assert sum(map(int, query.split("+"))) == int(answer[::-1]) and len(answer) == 101


def test_carries_run_through_all_nines():
    nines, one = torch.full((1, 30), 9), F.pad(torch.ones(1, 1, dtype=torch.long), (0, 29))
    assert carry_over(F.pad(nines + one, (0, 1)))[0].tolist() == [0] * 30 + [1]


def test_both_conventions_are_mirror_images():
    digits = draw_digits(torch.tensor([4] * 9), 5, torch.Generator().manual_seed(0))
    problems = compose_problems(*compose_sum([digits, digits], torch.full((9,), 4)))
    up = assign_ids(problems.places, torch.full((9, 1), 3))
    down = assign_ids(problems.places, torch.full((9, 1), 3), mirrored=True)
    there = problems.places >= 0
    assert (
        ((up + down)[there] == 2 * 3 + 5).all() and not up[~there].any() and not down[~there].any()
    )


def test_ring_wraps_and_a_line_does_not():
    places = torch.arange(-1, 5).view(1, 6, 1)
    assert assign_ids(places, torch.tensor([[8]]), ring=10).flatten().tolist() == [
        0,
        8,
        9,
        10,
        1,
        2,
    ]
    assert assign_ids(places, torch.tensor([[8]])).flatten().tolist() == [0, 8, 9, 10, 11, 12]


def test_merge_says_where_it_is_by_what_it_wrote():
    problems = draw("merge", [[6, 4]] * 30)
    first = problems.asked[0] + 1
    for tokens, places in zip(problems.tokens[:, first:], problems.places[:, first:]):
        written = tokens[tokens != 0]
        second = (written >= 13).cumsum(0)
        counts = torch.stack([torch.arange(1, len(written) + 1) - second, second], 1)
        assert torch.equal(places[: len(written)], counts)


def test_more_numbers_than_the_sums_have_room_for_are_refused():
    with pytest.raises(ValueError, match="numbers: expected at most 10, got 11"):
        draw("many_sums", [[11, 2]])
    assert int(count_ids(draw("many_sums", [[10, 3]])).max()) == 10


def test_weaving_takes_turns():
    one, two = (
        make_segment(k, torch.tensor([[a, b]]), torch.tensor([[1, 2]]))
        for k, a, b in (("x", 4, 5), ("y", 6, 7))
    )
    woven = coupled_tasks.weave_segments(one, two)
    assert woven.tokens.tolist() == [[4, 6, 5, 7]] and woven.groups == ("x", "y", "x", "y")


@pytest.mark.parametrize(
    "low, high, message", [(0, 5, "at least 1, got 0"), (4, 3, "at least 4, got 3")]
)
def test_lengths_that_no_problem_has_are_refused(low, high, message):
    with pytest.raises(ValueError, match=message):
        draw_sizes(find_task("copy"), 3, low, high, torch.Generator())


def spoil(change):
    def draw(sizes, width, generator):
        query, response = draw_string(sizes, width, generator)
        return change(query[0], response)

    return draw


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda q, r: ([q], r._replace(places=r.places.clamp_max(2))),
            "each place once .* at tokens",
        ),
        (
            lambda q, r: ([q], r._replace(places=r.places.where(r.places < 0, r.places + 20))),
            "another group has, got none",
        ),
        (lambda q, r: ([q], r._replace(tokens=r.tokens.flip(1))), "without gaps"),
        (lambda q, r: ([q], r._replace(tokens=r.tokens * 3)), "tokens up to 12, got"),
    ],
)
def test_a_task_that_cannot_work_is_not_registered(register, change, message):
    with pytest.raises(ValueError, match=message) as error:
        register(Task("broken", DIGITS, spoil(change)))
    assert "broken" in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(ValueError, match="expected one of"):
        find_task("broken")


def test_a_name_is_given_once_and_channels_are_as_announced(register):
    with pytest.raises(ValueError, match="which is taken"):
        register(find_task("copy"))
    with pytest.raises(ValueError, match="expected 2 channels, got 1"):
        register(Task("flat", DIGITS, draw_string, channels=2))
