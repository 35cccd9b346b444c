"Two states and loops inside loops: the executor, the lanes and Python agree; faults inside are refused."

import copy
import re

import numpy as np
import pytest
import torch
from test_studies_rules_traces import HEAD, OUTSIDE, TAIL, Programs, draw_inputs
from test_studies_rules_traces import run_in_python, run_in_trace, write_program

from adaroute.studies.rule_lanes import FINISH, RULE_VOCABULARY, RuleRecipe, join_rules
from adaroute.studies.rule_tasks import CONDITIONS
from adaroute.studies.rules import RuleError, list_constructs, read_rule
from adaroute.studies.traces import trace_rule
from adaroute.studies.wide_rules import (
    MOST_ROUNDS,
    WIDE_UPDATES,
    WIDE_VOCABULARY,
    WideSource,
    carry_out_wide,
    compose_wide,
    read_wide_pieces,
    write_wide_answers,
)


class NestedPrograms(Programs):
    "Programs that all have a loop inside a loop, and two variables that the outer one carries on."

    def pair(self):
        one, two = self.rng.permutation(["a", "b", "c"])[:2]
        shapes = [f"{one}, {two} = {two}, ({one} + {self.whole(2)}) % 100"]
        shapes += [f"{one}, {two} = {self.whole(1)} % 50, {one}"]
        return self.pick(shapes)

    def inner(self, pad, lines):
        if self.rng.random() < 0.5:
            over = self.pick(["range(3)", "xs[:4]", "range(i1 % 3)", "s", f"{self.listed()}[:3]"])
            self.add(lines, pad, f"for y in {over}:")
        else:
            self.add(lines, pad, "j = 0")
            self.add(lines, pad, f"while j < {self.pick(['3', 'i1', '(a % 4)'])} and j < 5:")
            self.add(lines, pad + 1, "j += 1")
        self.leave(pad + 1, lines)
        self.add(lines, pad + 1, self.pair())
        self.block(pad + 1, lines, 3)

    def write(self):
        lines = list(HEAD)
        self.add(lines, 1, "i1 = 0")
        self.add(lines, 1, f"while i1 < {self.rng.integers(1, 5)}:")
        self.add(lines, 2, "i1 += 1")
        self.depth = 2
        self.inner(2, lines)
        self.add(lines, 2, self.pair())
        self.leave(2, lines)
        self.depth = 0
        while self.left > 8 and self.rng.random() < 0.6:
            self.statement(1, lines)
        return "\n".join([*lines, TAIL])


@pytest.mark.parametrize("count,seed", [(150, 0), pytest.param(1_000, 1, marks=pytest.mark.slow)])
def test_nested_programs_end_as_in_python(count, seed):
    ends = {"answer": 0, "error": 0, "limit": 0}
    for rng in np.random.default_rng(seed).spawn(count):
        source, inputs = write_program(rng, kind=NestedPrograms), draw_inputs(rng)
        mine = run_in_trace(source, inputs)
        if mine[1] and mine[1][0] in ("size", "budget"):
            ends["limit"] += 1
            continue
        assert repr(mine) == repr(run_in_python(source, copy.deepcopy(inputs))), source
        ends["error" if mine[1] else "answer"] += 1
    assert ends["answer"] > 0.4 * count and ends["limit"] < 0.05 * count, ends


def test_nested_programs_are_what_they_are_called():
    for rng in np.random.default_rng(2).spawn(100):
        found = list_constructs(read_rule(write_program(rng, kind=NestedPrograms)))
        assert {"nested loop", "pair assignment", "two-variable state"} <= found


def test_faults_inside_a_nested_loop_are_refused_by_line_and_construct():
    statements = [line for line in OUTSIDE if line not in ("break", "continue")]
    refused = 0
    for number, rng in enumerate(np.random.default_rng(3).spawn(200)):
        good = write_program(rng, 30, NestedPrograms).split("\n")
        line = statements[number % len(statements)]
        deep = [n for n in range(len(HEAD), len(good)) if re.match(r" {12}\w", good[n])]
        deep = [n for n in deep if not good[n].lstrip().startswith(("elif", "else"))]
        at = int(rng.choice(deep))
        pad = re.match(" *", good[at])[0]
        bad = [*good[:at], pad + line, *good[at:]]
        with pytest.raises(RuleError) as error:
            read_rule("\n".join(bad))
        said = str(error.value)
        assert said.startswith(f"line {at + 1}: expected ") and OUTSIDE[line] in said, (line, said)
        refused += 1
    assert refused == 200


# The lanes


def answer_in_lanes(rules, inputs):
    "Responses of the lanes to questions of one length."
    start = torch.tensor([[i["s"], i.get("t", 0)] for i in inputs])
    items = torch.tensor([i["xs"] for i in inputs])
    lengths = torch.full((len(items),), items.shape[1])
    said = write_wide_answers(torch.tensor(rules), items, start, lengths)[0]
    return [row[row != 0].tolist() for row in said]


@pytest.mark.parametrize("count,seed", [(200, 0), pytest.param(1_000, 1, marks=pytest.mark.slow)])
def test_lanes_say_what_the_executor_says(count, seed):
    rng = np.random.default_rng(seed)
    by_length = {}
    for _ in range(count):
        c, u = int(rng.integers(len(CONDITIONS))), int(rng.integers(len(WIDE_UPDATES)))
        trace = trace_rule(
            compose_wide(c, u).rule, compose_wide(c, u).draw(int(rng.integers(1, 13)), rng)
        )
        rule = [c, u, trace.inputs["k"]]
        by_length.setdefault(len(trace.inputs["xs"]), []).append((rule, trace))
    for cases in by_length.values():
        said = answer_in_lanes([rule for rule, _ in cases], [trace.inputs for _, trace in cases])
        for (rule, trace), mine in zip(cases, said, strict=True):
            assert mine == [*read_wide_pieces(trace), FINISH], rule


def test_short_problems_in_wide_rows_say_no_more_than_their_items():
    source = WideSource(tuple((c, u, None) for c in range(8) for u in range(7)), high=6)
    rules, items, start, lengths = source.draw_fresh(300, torch.Generator().manual_seed(0))
    whole = write_wide_answers(rules, items, start, lengths)[0]
    for n in range(1, 7):
        at = lengths == n
        short = write_wide_answers(rules[at], items[at, :n], start[at], lengths[at])[0]
        assert torch.equal(whole[at][:, : short.shape[1]], short)
        assert not whole[at][:, short.shape[1] :].any()


def test_rounds_are_as_many_as_the_item_says():
    rules = torch.tensor([[1, 4, 0]])  # x >= 0
    run = carry_out_wide(rules, torch.arange(10)[None], torch.zeros(1, 2, dtype=torch.long))
    assert run.open.sum(2).tolist() == [[x % 3 for x in range(10)]]
    assert run.open.shape[2] == MOST_ROUNDS


def test_tokens_stay_in_the_vocabulary_and_ids_with_their_items():
    source = WideSource(((1, 0, None), (1, 6, None)), high=5)
    drawn = source.draw(64, torch.Generator().manual_seed(0))
    assert int(drawn.tokens.max()) < WIDE_VOCABULARY and int(drawn.targets.max()) < WIDE_VOCABULARY
    assert int(drawn.tokens.max()) >= RULE_VOCABULARY
    assert ((drawn.places >= 0) <= (drawn.tokens > 0)).all()
    rows, targets = join_rules(
        [drawn], RuleRecipe(1, 2), [torch.Generator().manual_seed(1)], [True]
    )
    assert rows.tokens.shape[1] == 32 and targets.shape[2] == 2 * drawn.targets.shape[1]
    answers = drawn.targets != 0
    assert (answers.cumprod(1) == answers).all(), "no gap inside a response"
