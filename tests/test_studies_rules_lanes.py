"Rules for small decoders: tensors say what the executor says, and neighbours see what they may."

import pytest
import torch

from adaroute.studies.decoder import LaneDecoder, decode_greedily, mark_hits
from adaroute.studies.rule_lanes import (
    BREAKS,
    FINISH,
    HEADER,
    OPEN,
    RULE_VOCABULARY,
    STOP,
    TOKENS,
    RuleRecipe,
    RuleSource,
    RuleTraining,
    answer_rules,
    carry_out,
    count_breaks,
    count_rule_ids,
    join_rules,
    majority_of_rules,
    name_rule_token,
    number_one_by_one,
    place_rules,
    read_pieces,
    score_rules,
    see_other_traces,
    shape_of_rules,
    write_problems,
)
from adaroute.studies.rule_tasks import CONDITIONS, NEW_UPDATES, UPDATES, compose_task
from adaroute.studies.traces import trace_rule

FORMATS = ("direct", "scratchpad", "rule_following")


def draw(problems=64, high=7, seed=0, **more):
    pairs = [
        (c, u, None) for c in range(len(CONDITIONS)) for u in range(len(UPDATES + NEW_UPDATES))
    ]
    source = RuleSource(tuple(pairs), high=high, **more)
    return source, torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("condition", range(len(CONDITIONS)))
def test_tensors_carry_out_rules_as_the_executor_does(condition):
    for update in range(len(UPDATES + NEW_UPDATES)):
        source = RuleSource(((condition, update, None),), high=9)
        rules, items, start, _ = source.draw_fresh(8, torch.Generator().manual_seed(update))
        holds, states = carry_out(rules, items, start)
        rule = compose_task(condition, update).rule
        for row in range(8):
            inputs = {"xs": items[row].tolist(), "s": int(start[row]), "k": int(rules[row, 2])}
            trace = trace_rule(rule, inputs)
            mine = zip(
                items[row].tolist(), holds[row].long().tolist(), states[row].tolist(), strict=True
            )
            assert read_pieces(trace) == list(mine)
            assert trace.answer == int(states[row, -1])


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_read_is_what_was_said(format):
    source, generator = draw(format=format)
    problems = write_problems(*source.draw_fresh(64, generator), format)
    answers = problems.targets.shape[1]
    read = problems.tokens[:, -answers:]
    assert (read[:, 0] == OPEN).all()
    said = problems.targets[:, :-1]
    assert torch.equal(read[:, 1:], said.masked_fill(said == FINISH, 0))
    assert ((problems.targets == FINISH).sum(1) == 1).all()
    assert ((problems.places < 0) == (problems.tokens == 0))[:, HEADER:].all()
    assert (problems.places[:, :HEADER] == -1).all()
    assert int(problems.tokens.max()) < RULE_VOCABULARY


def test_tokens_of_an_item_share_its_place():
    source, generator = draw()
    rules, items, start, lengths = source.draw_fresh(32, generator)
    problems = write_problems(rules, items, start, lengths)
    for tokens, places, length in zip(
        problems.tokens, problems.places, lengths.tolist(), strict=True
    ):
        for place in range(1, length + 1):
            kinds = [name_rule_token(t).split()[0] for t in tokens[places == place].tolist()]
            assert kinds == ["item", "copy", "holds", "state"][: len(kinds)] and len(kinds) >= 2
        assert tokens[places == length + 1].tolist() == [STOP]
        assert (tokens[places == 0] == OPEN).any() and int(places.max()) == length + 1


def test_a_pool_has_no_more_samples_than_it_says():
    source, generator = draw(pool=5)
    problems = source.draw(200, generator)
    assert len({tuple(row) for row in problems.tokens.tolist()}) == 5
    again = source.draw(200, torch.Generator().manual_seed(9))
    assert {tuple(row) for row in again.tokens.tolist()} == {
        tuple(row) for row in problems.tokens.tolist()
    }


def test_lengths_and_constants_are_those_of_the_source():
    source = RuleSource(((0, 0, 6), (1, 1, None)), high=9, low=4)
    rules, items, _, lengths = source.draw_fresh(500, torch.Generator().manual_seed(0))
    assert set(lengths.tolist()) == set(range(4, 10)) and items.shape == (500, 9)
    assert set(rules[rules[:, 0] == 0, 2].tolist()) == {6}
    assert set(rules[rules[:, 0] == 1, 2].tolist()) == set(range(10))


def test_windows_of_a_row_are_disjoint():
    source, generator = draw(high=5)
    recipe = RuleRecipe(1, neighbours=2)
    for _ in range(20):
        ids = place_rules(source.draw(32, generator), recipe, generator).view(16, 2, -1)
        for one, two in ids.tolist():
            assert not (set(one) & set(two)) - {0}
        assert int(ids.max()) <= recipe.ids


def test_a_neighbour_changes_what_is_said_only_where_it_may_be_seen():
    source, generator = draw(high=4)
    decoder = LaneDecoder(shape_of_rules(), [0])
    recipe = RuleRecipe(1, neighbours=2, problems=8)
    first = source.draw(8, generator)
    changed = first.tokens.clone()
    items = slice(HEADER + 1, HEADER + 5)
    digits = (changed[1::2, items] - TOKENS["item"] + 1) % 10 + TOKENS["item"]
    changed[1::2, items] = torch.where(
        first.tokens[1::2, items] >= STOP, first.tokens[1::2, items], digits
    )
    changed[1::2, items] = changed[1::2, items].masked_fill(first.tokens[1::2, items] == 0, 0)

    def say(tokens, joined):
        fixed = [torch.Generator().manual_seed(1)]
        rows, _ = join_rules([first._replace(tokens=tokens)], recipe, fixed, [joined])
        return decoder(rows)[0, :, : first.targets.shape[1]]

    assert torch.equal(say(first.tokens, False), say(changed, False))
    differs = (say(first.tokens, True) != say(changed, True)).flatten(1).any(1)
    assert differs.tolist() == [False, False, True, True], "half of the rows stay alone"


def test_headers_of_neighbours_stay_hidden():
    seen = see_other_traces(6, 2, 4, [True, False], 0.5)
    assert seen.shape == (2, 4, 12, 12)
    other = seen[0, 3, :6, 6:]
    assert not other[:, :HEADER].any() and other[:, HEADER:].all()
    assert torch.equal(seen[1, 3], seen[0, 0]), "a lane that has not joined sees itself only"


def train_a_little(format="rule_following", steps=40):
    source = RuleSource(((0, 0, 6),), high=3, format=format)
    decoder = LaneDecoder(shape_of_rules(), [0, 1])
    training = RuleTraining(decoder, [source] * 2, RuleRecipe(steps, problems=16, warm_up=5))
    training.train()
    return decoder, source, training


@pytest.mark.parametrize("format", FORMATS)
def test_one_pass_equals_greedy_decoding(format):
    decoder, source, _ = train_a_little(format)
    batch = [source.draw(40, torch.Generator().manual_seed(5))] * 2
    generators = [torch.Generator().manual_seed(6) for _ in range(2)]
    rows, targets = join_rules(batch, RuleRecipe(0), generators, [False, False])
    exact = mark_hits(decoder(rows).argmax(-1), targets).all(2)
    first, steps = int(rows.answers[0]) + 1, targets.shape[2]
    true_ids = rows.ids  # of a trace as long as the true one
    written = decode_greedily(decoder, rows.tokens[:, :, :first], true_ids, steps, FINISH)
    assert torch.equal((written == targets).all(2), exact)


def test_training_repeats_itself_and_lanes_do_not_mix():
    one, _, training = train_a_little()
    two, source, _ = train_a_little()
    for name, weights in one.weights.items():
        assert torch.equal(weights, two.weights[name]), name
    alone = LaneDecoder(shape_of_rules(), [1])
    RuleTraining(alone, [source], RuleRecipe(40, problems=16, warm_up=5)).train()
    for name, weights in alone.weights.items():
        assert torch.allclose(weights[0], one.weights[name][1], atol=1e-4), name
    assert training.step == 40 and training.joined == [-1, -1]


def test_lengths_beyond_the_ring_are_refused():
    source, _ = draw()
    with pytest.raises(ValueError, match="expected at least 48 for length 46, got 47"):
        score_rules(
            LaneDecoder(shape_of_rules(47), [0]), [source], 46, recipe=RuleRecipe(0, ids=47)
        )


def test_the_majority_is_that_of_the_problems_asked():
    source = RuleSource(((1, 3, 0),), high=5, format="direct")  # x >= 0: x, so s is the last item
    assert 0.1 <= majority_of_rules(source, 5) < 0.2
    fixed = RuleSource(((4, 2, 0),), high=5, format="direct")  # s < 0 never holds: s stays
    assert 0.1 <= majority_of_rules(fixed, 5) < 0.2
    nines = RuleSource(((1, 2, 0),), high=30, format="direct")  # the largest of thirty digits
    assert majority_of_rules(nines, 30) > 0.9


def test_in_order_no_two_tokens_share_an_id_and_windows_stay_apart():
    source, generator = draw(high=5)
    recipe = RuleRecipe(1, neighbours=2, ids=130, in_order=True)
    for _ in range(20):
        drawn = source.draw(32, generator)
        ids = place_rules(drawn, recipe, generator).view(16, 2, -1)
        for one, two in ids.tolist():
            taken = [number for number in one + two if number]
            assert len(taken) == len(set(taken)), "an ID that two tokens have"
        assert ((ids.view(32, -1) == 0) == (drawn.tokens == 0)).all() and int(ids.max()) <= 130
    for n in (1, 5):
        one = RuleSource(((0, 0, 6),), n, low=n).draw(1, generator)
        assert count_rule_ids(n, True) == int(number_one_by_one(one).spans)
        assert count_rule_ids(n, False) == int(one.spans)


@pytest.mark.parametrize("position", ["rope", "random_start", "coupled"])
def test_two_layers_with_a_neighbour_do_not_see_what_is_to_be_said(position):
    "A wrong token at the end of a response changes nothing that was said before it."
    source, generator = draw(high=4)
    decoder = LaneDecoder(shape_of_rules(130, 2, position), [0])
    recipe = RuleRecipe(1, 2, 130, deep=True, in_order=position != "coupled", alone=0.0)
    first = source.draw(8, generator)
    fixed = lambda: [torch.Generator().manual_seed(1)]
    rows, targets = join_rules([first], recipe, fixed(), [True])
    said = decoder(rows)
    answers = first.targets.shape[1]
    tokens = rows.tokens.clone()
    last = (tokens[0, :, : tokens.shape[2] // 2] != 0).long().cumsum(1).argmax(1)
    tokens[0, torch.arange(4), last] = (
        TOKENS["state"] + 9 - (tokens[0, torch.arange(4), last] - TOKENS["state"])
    )
    changed = decoder(rows._replace(tokens=tokens))
    differs = (said != changed)[0].any(2)
    for row, column in enumerate(last.tolist()):
        before = rows.answers < column
        assert not differs[row, before].any(), "looked ahead through the neighbour"
        assert differs[row, rows.answers == column].all()
    shallow, _ = join_rules([first], recipe._replace(deep=False), fixed(), [True])
    leak = (decoder(shallow) != decoder(shallow._replace(tokens=tokens)))[0].any(2)
    assert any(leak[row, rows.answers < at].any() for row, at in enumerate(last.tolist()))
    assert answers * 2 == targets.shape[2]


def test_a_window_hides_what_is_far_and_nothing_within_its_reach():
    source, _ = draw(high=9)
    decoder = LaneDecoder(shape_of_rules(), [0])
    say = lambda window: answer_rules(
        decoder, [source], 9, 20, recipe=RuleRecipe(0, window=window)
    )[0]
    assert torch.equal(say(None), say(30)) and not torch.equal(say(None), say(1))


def test_first_mistakes_add_up_to_what_is_not_right():
    decoder, source, _ = train_a_little()
    said, targets = answer_rules(decoder, [source] * 2, 3, 40)
    broken = sum(torch.tensor(shares) for shares in count_breaks(said, targets).values())
    exact = score_rules(decoder, [source] * 2, 3, 40)
    assert torch.allclose(broken, 1 - exact) and len(BREAKS) == 4 and (exact < 1).any()
