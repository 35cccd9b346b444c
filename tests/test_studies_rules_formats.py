"Formats and measures: one sample, three texts, and scores whose values are known."

import math
import time

import numpy as np
import pytest

from adaroute.studies.rule_formats import (
    FORMATS,
    FormatError,
    Stage,
    average_tasks,
    count_loops,
    cut_to_tokens,
    is_right,
    longest_length,
    loop_error,
    majority_rate,
    make_examples,
    matches_trace,
    nest_tasks,
    score_responses,
)
from adaroute.studies.rule_tasks import build_registry
from adaroute.studies.traces import LISTS, count_tokens, show_value

REGISTRY = build_registry()
TASKS = list(REGISTRY)


@pytest.fixture(scope="module")
def total():
    rng = np.random.default_rng(0)
    return [make_examples(REGISTRY["total"], n, rng) for n in (1, 3, 9) for _ in range(10)]


def by_format(cells, format):
    return [cell[format] for cell in cells]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("lists", LISTS)
def test_formats_of_a_sample_share_inputs_answer_and_loops(task, lists):
    cell = make_examples(task, 6, np.random.default_rng(0), lists)
    assert list(cell) == list(FORMATS)
    for example in cell.values():
        assert is_right(example, example.response) and matches_trace(example, example.response)
        assert f"Question: {task.question}" in example.prompt
        assert example.prompt.endswith("Response:\n")
    follow, direct = cell["rule_following"], cell["direct"]
    assert task.rule.source in follow.prompt and task.rule.source not in direct.prompt
    assert count_loops(follow.response) == follow.loops > 0
    assert loop_error(follow, follow.response) == 0
    assert direct.response == f"answer: {show_value(direct.answer)}"


@pytest.mark.parametrize(
    "response", ["", "21", "answer: 21.0", "answer: '21'", "answer: True", "\n"]
)
def test_what_does_not_say_the_answer_is_wrong(total, response):
    assert not any(is_right(example, response) for example in by_format(total, "direct"))


def test_truth_and_one_are_different_answers():
    rng, task = np.random.default_rng(0), REGISTRY["parity"]
    example = next(
        e for e in (make_examples(task, 3, rng)["direct"] for _ in range(50)) if e.answer
    )
    assert example.answer == 1 and is_right(example, "answer: 1")
    assert not is_right(example, "answer: True")


def test_a_response_that_never_ends_has_a_large_loop_error(total):
    example = by_format(total, "rule_following")[0]
    lines = example.response.split("\n")
    assert example.loops == 1
    forever = "\n".join([lines[0], *lines[1:3] * 5])
    assert count_loops(forever) == 5 and loop_error(example, forever) == 4
    assert not is_right(example, forever)


def test_right_answers_after_a_wrong_trace_are_kept_apart(total):
    follow = by_format(total, "rule_following")
    table = score_responses(follow, [f"answer: {example.answer}" for example in follow])
    assert (table["accuracy"] == 1).all() and (table["trace_match"] == 0).all()
    assert (table["loop_error"] == 1).all()


def test_the_majority_stands_beside_every_direct_score(total):
    direct = by_format(total, "direct")
    table = score_responses(direct, [example.response for example in direct])
    assert (table["accuracy"] == 1).all() and table["majority"].between(0.1, 0.9).all()
    assert table["trace_match"].isna().all() and table["loop_error"].isna().all()
    assert table.index.get_level_values("length").tolist() == [1, 3, 9]


def test_no_constant_answer_passes_the_majority():
    rng = np.random.default_rng(1)
    direct = [make_examples(REGISTRY["any_above"], 2, rng)["direct"] for _ in range(60)]
    for constant in (True, False):
        table = score_responses(direct, [f"answer: {constant}"] * 60)
        assert (table["accuracy"] <= table["majority"]).all()
    assert majority_rate([True, 1, 1]) == 2 / 3


def test_tasks_count_the_same_in_the_mean():
    rng = np.random.default_rng(0)
    many = [make_examples(REGISTRY["total"], 4, rng)["direct"] for _ in range(30)]
    few = [make_examples(REGISTRY["largest"], 4, rng)["direct"] for _ in range(10)]
    responses = [example.response for example in many] + ["answer: -1"] * 10
    means = average_tasks(score_responses(many + few, responses))
    assert means.loc[4, "accuracy"] == 0.5 and means.loc[4, "examples"] == 40


def test_responses_must_fit_their_examples(total):
    direct = by_format(total, "direct")
    with pytest.raises(FormatError, match="expected 30 responses, got 1"):
        score_responses(direct, ["answer: 1"])
    with pytest.raises(FormatError, match="one format"):
        score_responses([*total[0].values()], [""] * 3)
    with pytest.raises(FormatError, match="one format"):
        score_responses([], [])
    with pytest.raises(FormatError, match="at least one answer"):
        majority_rate([])


def test_the_longest_length_counts_no_length_beyond_a_failure():
    assert longest_length({30: 0.9, 5: 1.0, 10: 0.9}) == 30
    assert longest_length({30: 1.0, 5: 1.0, 10: 0.89}) == 5
    assert longest_length({5: math.nan, 10: 1.0}) == 0
    assert longest_length({}) == 0
    assert longest_length({5: 0.6, 10: 0.5}, level=0.5) == 10


def test_sets_of_tasks_are_nested():
    sets = nest_tasks(TASKS, (1, 10, 20, 40), np.random.default_rng(3))
    assert [len(tasks) for tasks in sets.values()] == [1, 10, 20, 40]
    assert set(sets[1]) < set(sets[10]) < set(sets[20]) < set(sets[40])
    other = nest_tasks(TASKS, (40, 1), np.random.default_rng(3))
    assert other[1] == sets[1] and set(other[40]) == set(sets[40])
    for size in (0, len(TASKS) + 1):
        with pytest.raises(FormatError, match=f"sizes from 1 to {len(TASKS)}"):
            nest_tasks(TASKS, [size], np.random.default_rng(0))


def test_a_stage_has_each_task_and_length_equally_often():
    stage = Stage(tuple(TASKS[:4]), (1, 2, 5), count=3)
    drawn = stage.draw(np.random.default_rng(0))
    cells = [(example.task, example.length) for example in drawn["direct"]]
    assert len(cells) == 36 and all(cells.count(cell) == 3 for cell in set(cells))
    assert cells != sorted(cells), "the order is shuffled"
    for format in FORMATS:
        assert [(e.task, e.length) for e in drawn[format]] == cells
        assert [e.answer for e in drawn[format]] == [e.answer for e in drawn["direct"]]
    assert drawn == stage.draw(np.random.default_rng(0))


def test_a_budget_of_tokens_is_kept():
    drawn = Stage(tuple(TASKS[:4]), (1, 2, 5), count=3).draw(np.random.default_rng(0))
    follow = drawn["rule_following"]
    sizes = [count_tokens(example.response) for example in follow]
    assert cut_to_tokens(follow, sum(sizes)) == follow
    assert cut_to_tokens(follow, sum(sizes) - 1) == follow[:-1]
    assert cut_to_tokens(follow, sizes[0] - 1) == []


def test_traces_are_made_faster_than_a_model_can_learn_from_them():
    "At least 20,000 response tokens a second of one core, over all tasks and lengths 1 to 30."
    rng, tokens, start = np.random.default_rng(0), 0, time.process_time()
    for task in TASKS:
        for length in (1, 5, 15, 30):
            tokens += count_tokens(make_examples(task, length, rng)["rule_following"].response)
    assert tokens / (time.process_time() - start) > 20_000
