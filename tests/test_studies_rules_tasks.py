"Tasks: each rule answers its question, traces say what Python says, and nothing held out was seen."

import copy
from functools import reduce
from itertools import groupby

import numpy as np
import pytest

from adaroute.studies.rule_inputs import INPUTS, write_tasks
from adaroute.studies.rule_tasks import (
    CONDITIONS,
    HELD_OUT_CONSTRUCTS,
    NEW_UPDATES,
    UPDATES,
    build_registry,
    compose_task,
    find_new_constructs,
    split_pairs,
)
from adaroute.studies.rules import RuleError, RuleRegistry, canonical_form, list_constructs
from adaroute.studies.traces import LISTS, read_answer, trace_rule, write_trace

REGISTRY = build_registry()
LENGTHS = (1, 2, 3, 5, 8, 13, 30)


def first(found, otherwise=-1):
    return next(iter(found), otherwise)


def fold(step, values, start):
    return reduce(step, values, start)


def multiply_digit(xs, k):
    return fold(lambda n, x: (n * x + k) % 10, xs, 1)


def total_within(xs, limit):
    sums = [0, *np.cumsum(xs).tolist()]
    return first((a for a, b in zip(sums, sums[1:], strict=False) if b > limit), sums[-1])


def folder_depth(folders):
    move = {"into": 1, "out": -1, "stay": 0}
    return fold(lambda depth, step: max(depth + move[step], 0), folders, 0)


def severity_band(items):
    return int(np.searchsorted([5, 10, 15, 20], 9 * sum(items) / len(items), side="right"))


def current_run(scores):
    return len(scores) - max((i + 1 for i, s in enumerate(scores) if s), default=0)


def stock_left(stock, doses, refills):
    return fold(
        lambda n, pair: max(n + pair[1] - pair[0], 0), zip(doses, refills, strict=True), stock
    )


def final_dose(dose, tolerated):
    return fold(lambda n, good: min(n + (2 if good else -1), 20), tolerated, dose)


def group_totals(xs, m):
    return [sum(xs[i : i + m]) for i in range(0, len(xs) - m + 1, m)]


def add_numbers(xs, ys):
    total = sum(10**i * (x + y) for i, (x, y) in enumerate(zip(xs, ys, strict=True)))
    return [int(d) for d in str(total).zfill(len(xs) + 1)[::-1]]


def longest_run(scores):
    return max((len(list(run)) for free, run in groupby(s == 0 for s in scores) if free), default=0)


def prorated_total(answers):
    given = [a for a in answers if a is not None]
    return -1 if 2 * len(given) < len(answers) else sum(given) * len(answers) // len(given)


def digit_series(a, b, n):
    series = [a, b]
    while len(series) <= n:
        series.append((series[-1] + series[-2]) % 10)
    return series[n]


def end_in_plane(steps):
    return [steps.count("east") - steps.count("west"), steps.count("north") - steps.count("south")]


VOWELS = set("aeiou")
# The same questions answered in another way than the rules do: with what the grammar lacks.
ANSWERS = {
    "total": lambda xs: sum(xs),
    "count_items": lambda xs: len(xs),
    "count_above": lambda xs, k: sum(x > k for x in xs),
    "count_equal": lambda xs, k: xs.count(k),
    "count_even": lambda xs: sum(1 - x % 2 for x in xs),
    "total_above": lambda xs, k: sum(x for x in xs if x > k),
    "total_even": lambda xs: sum(x for x in xs if not x & 1),
    "total_below": lambda xs, k: sum(x for x in xs if x < k),
    "squares_without": lambda xs, k: sum(x**2 for x in xs if x != k),
    "total_within": total_within,
    "largest": lambda xs: max(xs),
    "largest_with": lambda xs, k: max([*xs, k]),
    "last_above": lambda xs, k: first(x for x in reversed(xs) if x > k),
    "alternate": lambda xs: sum(x * (-1) ** i for i, x in enumerate(reversed(xs))),
    "multiply_digit": multiply_digit,
    "remainder": lambda xs, m: int("".join(map(str, xs))) % m,
    "parity": lambda xs: sum(xs) & 1,
    "leak": lambda xs, k: fold(lambda n, x: max(n + x - k, 0), xs, 0),
    "weighted_total": lambda xs: int(np.dot(xs, range(len(xs)))),
    "count_drops": lambda xs: int((np.diff(xs) < 0).sum()),
    "any_above": lambda xs, k: max(xs) > k,
    "first_place": lambda xs, k: xs.index(k) if k in xs else -1,
    "keep_above": lambda xs, k: [x for x in xs if x > k],
    "drop_equal": lambda xs, k: [x for x in xs if x != k],
    "double_all": lambda xs: [x + x for x in xs],
    "shift_all": lambda xs, k: [int(str(x + k)[-1]) for x in xs],
    "take_from_end": lambda xs: xs[::-1],
    "cap_all": lambda xs, k: np.minimum(xs, k).tolist(),
    "dot_product": lambda xs, ys: int(np.dot(xs, ys)),
    "count_differences": lambda xs, ys: int((np.array(xs) != np.array(ys)).sum()),
    "add_pairs": lambda xs, ys: np.add(xs, ys).tolist(),
    "larger_of_each": lambda xs, ys: np.maximum(xs, ys).tolist(),
    "count_vowels": lambda text: sum(c in VOWELS for c in text),
    "drop_vowels": lambda text: "".join(c for c in text if c not in VOWELS),
    "reverse_text": lambda text: text[::-1],
    "mark_vowels": lambda text: "".join("*" if c in VOWELS else c for c in text),
    "last_letters": lambda words: "".join(word[-1] for word in words),
    "count_long_words": lambda words, letters: sum(len(word) > letters for word in words),
    "end_of_walk": lambda moves: 2 * moves.count("right") - len(moves),
    "folder_depth": folder_depth,
    "coin_flips": lambda flips: flips.count("turn") % 2 == 0,
    "reversed_total": lambda items, reverse: sum(
        3 - x if r else x for x, r in zip(items, reverse, strict=True)
    ),
    "severity_band": severity_band,
    "flagged_items": lambda items: [i for i, x in enumerate(items) if x > 1],
    "free_visits_since": lambda days, scores, since: sum(
        d > since and not s for d, s in zip(days, scores, strict=True)
    ),
    "current_run": current_run,
    "days_since_visit": lambda days, today: today - max(d for d in days if d <= today),
    "first_day_past": lambda days, levels, cut: first(
        d for d, level in zip(days, levels, strict=True) if level >= cut
    ),
    "missed_visits": lambda days, gap: int((np.diff(days) > gap).sum()),
    "improved_visits": lambda levels: sum(level < levels[0] for level in levels),
    "stock_left": stock_left,
    "final_dose": final_dose,
    "days_as_prescribed": lambda taken, prescribed: int(
        (np.array(taken) >= np.array(prescribed)).sum()
    ),
    "days_of_supply": lambda n, k: -(-n // k),
    "smallest_with": lambda xs, k: min([*xs, k]),
    "total_change": lambda xs: int(np.abs(np.diff(xs)).sum()),
    "every_other": lambda xs: sum(x for i, x in enumerate(xs) if i % 2 == 0),
    "stack_up": lambda xs: list(reversed(xs)),
    "alternate_signs": lambda xs: sum(xs[::2]) - sum(xs[1::2]),
    "zeros_to_end": lambda xs: sorted(xs, key=lambda x: x == 0),
    "group_totals": group_totals,
    "add_numbers": add_numbers,
    "count_inversions": lambda xs: sum(y < x for i, x in enumerate(xs) for y in xs[i:]),
    "sort_up": lambda xs: sorted(xs),
    "end_in_plane": end_in_plane,
    "longest_run": longest_run,
    "worst_week": lambda scores: max(
        sum(scores[i : i + 7]) for i in range(max(len(scores) - 6, 1))
    ),
    "largest_relief": lambda scores: int((np.maximum.accumulate(scores) - scores).max()),
    "prorated_total": prorated_total,
    "visits_past": lambda visits, sum_cut: sum(sum(visit) >= sum_cut for visit in visits),
    "halve_all": lambda xs: [(x - x % 2) >> 1 for x in xs],
    "digit_series": digit_series,
}


def test_every_task_has_an_answer_of_its_own():
    assert set(ANSWERS) == {task.name for task in REGISTRY}


def answers_of(task, inputs):
    "The answers that the four texts of a trace give, which must agree."
    trace = trace_rule(task.rule, inputs)
    texts = [write_trace(trace, recite, lists) for recite in (True, False) for lists in LISTS]
    answers = [read_answer(text) for text in texts]
    assert all(repr(answer) == repr(answers[0]) for answer in answers)
    return answers[0]


@pytest.mark.parametrize("task", list(REGISTRY), ids=lambda task: task.name)
def test_a_trace_answers_the_question(task):
    space, seen = {}, set()
    exec(task.rule.source, space)
    for seed in range(4):
        for length in LENGTHS:
            inputs = task.draw(length, np.random.default_rng([seed, length]))
            answer = answers_of(task, inputs)
            plain = space[task.rule.name](**copy.deepcopy(inputs))
            asked = ANSWERS[task.name](**copy.deepcopy(inputs))
            assert repr(answer) == repr(plain), inputs
            assert answer == asked and isinstance(asked, type(answer)), inputs
            seen.add(repr(answer))
    assert len(seen) > 1, "a task whose answer never changes teaches nothing"


@pytest.mark.parametrize("task", list(REGISTRY), ids=lambda task: task.name)
def test_length_is_what_a_task_says(task):
    "Longer inputs make longer traces; a rule that may stop early may also be as long as they are."
    loops = {}
    for length in (4, 16, 100):
        rngs = np.random.default_rng(length).spawn(20)
        loops[length] = max(trace_rule(task.rule, task.draw(length, rng)).loops for rng in rngs)
    assert loops[4] < loops[16] <= loops[100]


def test_tasks_are_many_and_the_clinic_is_among_them():
    training, held_out = REGISTRY.select("training"), REGISTRY.select("held out")
    assert len(training) >= 40 and len(held_out) >= 12
    own = {"reversed_total", "severity_band", "days_since_visit", "first_day_past"}
    assert own <= {task.name for task in training if task.family == "clinic"}
    assert {"prorated_total", "longest_run"} <= {t.name for t in held_out if t.family == "clinic"}


def test_no_held_out_rule_is_a_training_rule_up_to_names_and_constants():
    training = {canonical_form(task.rule) for task in REGISTRY.select("training")}
    held_out = {canonical_form(task.rule) for task in REGISTRY.select("held out")}
    assert not training & held_out
    assert len(training) + len(held_out) == len(REGISTRY), "within a split all rules differ as well"


def test_every_held_out_rule_uses_a_construct_that_training_lacks():
    training, brought = REGISTRY.select("training"), set()
    assert not any(list_constructs(task.rule) & HELD_OUT_CONSTRUCTS for task in training)
    for task in REGISTRY.select("held out"):
        new = find_new_constructs(task, training) & HELD_OUT_CONSTRUCTS
        assert new, task.name
        brought |= new
    assert brought == HELD_OUT_CONSTRUCTS


def test_a_held_out_rule_in_disguise_is_refused():
    twin = "def g(a):\n    b = -5\n    for c in a:\n        b = b + c\n    return b"
    with pytest.raises(RuleError, match="that of 'total' .training. up to names and constants"):
        tasks = write_tasks(f"# What?\n{twin}", "lists", "items", "held out", lambda rng, n: {})
        build_registry().register(tasks[0])


def test_the_registry_refuses_what_it_has_and_helps_with_what_it_lacks():
    registry = build_registry()
    with pytest.raises(RuleError, match="'total': expected a new name"):
        registry.register(registry["total"])
    with pytest.raises(RuleError, match="did you mean 'longest_run'"):
        registry["longest_runs"]
    with pytest.raises(RuleError, match="'tot': expected split training or held out"):
        registry.register(
            write_tasks("# ?\ndef tot(xs):\n    return 0", "lists", "items", "test")[0]
        )


@pytest.mark.parametrize("length", [0, -1, 1.0, True, None])
def test_lengths_are_whole_and_positive(length):
    with pytest.raises(RuleError, match="length of at least 1"):
        REGISTRY["total"].draw(length, np.random.default_rng(0))


def test_unknown_inputs_and_missing_questions_are_refused():
    with pytest.raises(RuleError, match="got 'nowhere'"):
        write_tasks("# ?\ndef f(nowhere):\n    return 0", "lists", "items")
    with pytest.raises(RuleError, match="a question above a rule"):
        write_tasks("def f(xs):\n    return 0", "lists", "items")
    with pytest.raises(RuleError, match="expected inputs xs, got others"):
        bad = write_tasks("# ?\ndef f(xs):\n    return 0", "lists", "items", make=lambda r, n: {})
        bad[0].draw(3, np.random.default_rng(0))


def test_draws_depend_on_the_generator_alone():
    for task in REGISTRY:
        one, two = (task.draw(9, np.random.default_rng(5)) for _ in range(2))
        assert one == two
    assert all(callable(draw) for draw in INPUTS.values())


# Composed rules


def test_unseen_pairs_are_new_and_their_parts_are_not():
    seen, unseen = split_pairs()
    assert len(seen) == 36 and len(unseen) == 12 and not set(seen) & set(unseen)
    forms = [canonical_form(compose_task(*pair).rule) for pair in seen]
    assert not {canonical_form(compose_task(*pair).rule) for pair in unseen} & set(forms)
    assert {c for c, _ in seen} == set(range(len(CONDITIONS)))
    assert {u for _, u in seen} == set(range(len(UPDATES)))


def test_new_updates_are_new():
    seen, _ = split_pairs()
    training = [compose_task(*pair) for pair in seen]
    known = {canonical_form(task.rule) for task in training}
    for place in range(len(NEW_UPDATES)):
        task = compose_task(0, len(UPDATES) + place, "held out")
        assert canonical_form(task.rule) not in known


def test_odd_and_even_are_one_rule():
    text = "# ?\ndef f(xs, s, k):\n    for x in xs:\n        if x % 2 == {}:\n            s = x\n    return s"
    registry = RuleRegistry()
    registry.register(write_tasks(text.format(0), "composed", "items")[0])
    with pytest.raises(RuleError, match="up to names and constants"):
        other = text.format(1).replace("def f", "def g")
        registry.register(write_tasks(other, "composed", "items", "held out")[0])


def test_composed_traces_say_what_python_says():
    for condition in range(len(CONDITIONS)):
        for update in range(len(UPDATES + NEW_UPDATES)):
            task, space = compose_task(condition, update), {}
            exec(task.rule.source, space)
            inputs = task.draw(12, np.random.default_rng([condition, update]))
            assert answers_of(task, inputs) == space[task.rule.name](**copy.deepcopy(inputs))
