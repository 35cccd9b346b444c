"Tests that were added because a single fault in the code went by all others (see tests/mutants.py)."

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from adaroute.features.words import units, vocabulary
from adaroute.fitting import make_split, validation_rows
from adaroute.provenance.plan import derived_test, group_codes
from adaroute.router import closed_log_softmax, two_stage
from adaroute.schema import ROUTES, Schema, open_routes, read, without
from adaroute.uncertainty.conformal import conformal_quantile, nonconformity, off_centre
from adaroute.uncertainty.distribution import Distribution


def rows_of(*words):
    return [[list(row) for row in words]]


def test_a_vocabulary_counts_people_and_not_rows():
    said = rows_of(*[["anna", "tired"]] * 6, *[["tired"]] * 4)
    alone = [1] * 6 + [2, 3, 4, 5]
    assert vocabulary(said, owners=alone) == ["tired"], "six rows of one person are one"
    assert vocabulary(said, owners=None) == ["anna", "tired"]
    assert vocabulary(said, owners=range(10)) == ["anna", "tired"]
    assert vocabulary(said, min_df=7) == ["tired"] and vocabulary(said, min_df=6) != ["tired"]


def test_a_vocabulary_of_two_columns_counts_a_person_once():
    said = rows_of(*[["word"]] * 3) + rows_of(*[["word"]] * 3)
    assert vocabulary(said, min_df=4) == ["word"], "rows of both blocks"
    assert vocabulary(said, min_df=4, owners=[1, 2, 3]) == [], "but three people"
    assert vocabulary(said, min_df=3, owners=[1, 2, 3]) == ["word"]


def test_the_most_used_terms_are_kept_and_ties_go_by_the_alphabet():
    said = rows_of(["a", "b", "c"], ["b", "c"], ["c"], ["d", "d", "d"])
    assert vocabulary(said, min_df=1, max_terms=2) == ["b", "c"]
    assert vocabulary(said, min_df=1, max_terms=3) == ["a", "b", "c"], "a row counts a word once"


def test_units_count_rows_and_people():
    found = [{"hour": 3.0}] * 12 + [{"mile": 1.0}] * 11 + [{}] * 77
    assert units(found) == ["hour", "mile"] and units(found, most=1) == ["hour"]
    assert units(found, least=12) == ["hour"] and units(found, share=0.12) == ["hour"]
    owners = [0] * 12 + list(range(88))
    assert units(found, owners=owners) == ["mile"], "one person's hours are not stored"
    five = [0, 1, 2, 3, 4, *[4] * 7, *range(88)]
    assert units(found, owners=five) == ["hour", "mile"]
    assert units([{"b": 1.0, "a": 2.0}] * 10) == ["a", "b"]


def test_whole_groups_validate():
    groups = np.repeat(np.arange(12), [1, 2, 3] * 4)
    for mask in validation_rows(groups, 4, 0.25, np.random.default_rng(0)):
        inside = set(groups[mask])
        assert mask.sum() >= 6 and not inside & set(groups[~mask]) and len(inside) < 12
    large = np.array([0] * 7 + list(range(1, 7)))
    for mask in validation_rows(large, 5, 0.5, np.random.default_rng(1)):
        assert not mask[:7].any(), "a group of more than half of the rows always trains"
    half = np.array([0] * 4 + [1] * 4)
    masks = validation_rows(half, 2, 0.5, np.random.default_rng(0))
    assert {tuple(np.unique(half[m])) for m in masks} == {(0,), (1,)}


def test_members_validate_on_other_rows():
    masks = validation_rows(np.arange(50), 5, 0.2, np.random.default_rng(3))
    assert [int(m.sum()) for m in masks] == [10] * 5
    assert sum(np.any(a & b) for i, a in enumerate(masks) for b in masks[:i]) <= 3
    (one,) = validation_rows(np.arange(3), 1, 0.01, np.random.default_rng(0))
    assert one.sum() == 1
    (most,) = validation_rows(np.arange(3), 1, 0.9, np.random.default_rng(0))
    assert most.sum() == 2, "and one is left to train"


def test_groups_wait_until_all_have_validated():
    "Two rounds of five members: every group twice. A short rest is used up, not filled up."
    masks = validation_rows(np.arange(10), 10, 0.2, np.random.default_rng(2))
    assert np.sum(masks, axis=0).tolist() == [2] * 10
    masks = validation_rows(np.arange(10), 3, 0.4, np.random.default_rng(2))
    assert [int(m.sum()) for m in masks] == [4, 4, 2] and np.sum(masks, axis=0).tolist() == [1] * 10
    (one,) = validation_rows(np.repeat([0, 1], 5), 1, 0.9, np.random.default_rng(0))
    assert one.sum() == 5, "and one group is left to train"


def test_members_are_cut_to_the_fewest_rows():
    groups = np.repeat(np.arange(6), [1, 2, 3, 4, 5, 6])
    split = make_split(groups, 3, 1, 0.3, np.random.default_rng(5))
    sizes = [int(m.sum()) for m in validation_rows(groups, 3, 0.3, np.random.default_rng(5))]
    assert len(set(sizes)) > 1 and split.valid.shape == (3, min(sizes))
    assert split.train.shape == (3, 21 - max(sizes))


def test_the_starts_of_a_member_share_its_rows():
    split = make_split(np.arange(20), 2, 3, 0.25, np.random.default_rng(0))
    assert split.train.shape == (6, 15) and split.valid.shape == (6, 5)
    for lane in range(6):
        rows = [*split.train[lane].tolist(), *split.valid[lane].tolist()]
        assert sorted(rows) == list(range(20))
        assert torch.equal(split.valid[lane], split.valid[lane - lane % 3])
    assert not torch.equal(split.valid[0], split.valid[3])


def test_codes_of_groups_go_by_first_sight():
    assert group_codes(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
    groups = group_codes(np.repeat(np.arange(30), 2))
    one, other = (derived_test(bytes([k]) * 32, groups, 0.2) for k in (1, 2))
    assert one.sum() == other.sum() == 12 and not np.array_equal(one, other)
    assert np.array_equal(one[::2], one[1::2])
    pairs = group_codes(np.repeat(np.arange(4), 2))
    assert derived_test(b"k" * 32, pairs, 0.375).sum() == 2, "of two as near the fewer rows"
    uneven = group_codes(np.repeat(np.arange(3), [5, 2, 5]))
    assert derived_test(b"k" * 32, uneven, 0.05).sum() == 2, "the smallest where all are too large"


def test_a_route_needs_all_its_evidence():
    presence = [[True, True], [True, False], [False, True], [False, False]]
    found = open_routes(presence, ROUTES)
    assert found.shape == (4, len(ROUTES))
    paths = [route.split("/")[0] for route in ROUTES]
    for row, seen in zip(found, ({"N1", "T1", "N2", "T2"}, {"N1"}, {"T1"}, set())):
        assert {path for path, is_open in zip(paths, row) if is_open} == seen
    for bad in ([True, True], [[True]], [[[True, True]]]):
        with pytest.raises(ValueError, match="presence: expected shape"):
            open_routes(bad)


def test_closed_routes_have_no_probability_and_no_slope():
    logits = torch.tensor([[1.0, 2.0, 3.0], [9.0, 9.0, 9.0]], requires_grad=True)
    open = torch.tensor([[True, False, True], [False, False, False]])
    found = closed_log_softmax(logits, open)
    p = found.exp()
    assert torch.allclose(p[0], torch.tensor([0.1192, 0.0, 0.8808]), atol=1e-4)
    assert p[1].sum() == 0 and torch.isfinite(p).all()
    p.sum().backward()
    assert logits.grad[0, 1] == 0 and torch.equal(logits.grad[1], torch.zeros(3))


def test_two_stages_are_a_path_and_then_a_sharing():
    torch.manual_seed(0)
    logits = torch.randn(1, 5, 4 * 2 + 4)
    states = torch.zeros(1, 5, 4, 2)
    open = torch.ones(1, 5, 8, dtype=torch.bool)
    open[0, 1, :2] = False
    open[0, 2] = False
    p = two_stage(logits, states, open).exp()
    assert torch.allclose(p.sum(-1), torch.tensor([[1.0, 1.0, 0.0, 1.0, 1.0]]))
    assert (p[0, 1, :2] == 0).all() and (p[0, 0] > 0).all()
    states[0, 0, 2, 1] = 1.5  # the path's own representation speaks for its second sharing
    moved = two_stage(logits, states, open).exp()[0, 0].reshape(4, 2)
    before = p[0, 0].reshape(4, 2)
    assert torch.allclose(moved.sum(1), before.sum(1)) and moved[2, 1] > before[2, 1]
    odds = lambda pair: torch.log(pair[1] / pair[0])
    assert torch.isclose(odds(moved[2]) - odds(before[2]), torch.tensor(1.5), atol=1e-5)


def test_the_conformal_quantile_by_hand():
    nine = np.arange(1.0, 10.0)
    assert conformal_quantile(nine, 0.9) == 9 and conformal_quantile(nine, 0.8) == 8
    assert conformal_quantile(nine[::-1], 0.5) == 5 and conformal_quantile(nine, 0.91) == np.inf
    halves = np.full(18, 0.5)
    assert conformal_quantile(np.repeat(nine, 2), 0.9, halves) == 9
    assert conformal_quantile(np.repeat(nine, 2), 0.85, halves) == 9
    assert conformal_quantile(np.repeat(nine, 2), 0.75, halves) == 8
    # one person has nine rows, eight have one: five of nine people reach to 5, nine of 17 rows to 1
    many, each = np.append(np.ones(9), np.arange(2.0, 10)), np.append(np.full(9, 1 / 9), np.ones(8))
    assert conformal_quantile(many, 0.5, each) == 5 and conformal_quantile(many, 0.5) == 1


def test_off_centre_by_hand():
    "The probability between a level and the middle; the level that holds the middle is inside."
    far = off_centre(np.array([[0.2, 0.5, 0.3], [0.5, 0.25, 0.25]]))
    assert np.allclose(far, [[0.3, -0.2, 0.2], [0.0, 0.0, 0.25]])


def believe(outcome):
    "A mean of 1 with a deviation of 2, and levels 1, 2 and 3 with chances .2, .5 and .3."
    n, ones = len(outcome), np.ones((len(outcome), 1, 1, 2))
    return Distribution(
        tasks=dict(phq9="regression", level="ordinal"),
        index=pd.RangeIndex(n),
        experts=("T2/STL",),
        weights=ones,
        means=ones,
        sds=2 * ones,
        levels=dict(level=(np.array([1.0, 2.0, 3.0]), np.tile([0.2, 0.5, 0.3], (n, 1)))),
        bounds=np.array([[-np.inf, np.inf], [1.0, 3.0]]),
        presence=np.full(n, "both"),
        evidence=np.zeros((n, 1)),
        outcome=np.asarray(outcome, float),
    )


def test_nonconformity_by_hand():
    nan = np.nan
    seen = believe([[4.0, 1.0], [0.0, 2.0], [nan, 3.0], [1.0, 4.0], [1.0, 0.0], [1.0, nan]])
    found = nonconformity(seen)
    assert np.allclose(found[:, 0], [1.5, 0.5, nan, 0, 0, 0], equal_nan=True)
    assert np.allclose(found[:, 1], [0.3, -0.2, 0.2, 1, 1, nan], equal_nan=True)
    own = nonconformity(seen, np.full((6, 2), 0.5))
    assert np.allclose(own[:, 0], [6, 2, nan, 0, 0, 0], equal_nan=True)
    assert np.array_equal(own[:, 1], found[:, 1], equal_nan=True)


def test_final_weights_are_the_same_to_the_bit_on_every_machine():
    "A move far smaller than what another machine may bring about is seen."
    from adaroute.provenance.whole_model import SavedParts, compare_parts

    own = {"model.weight": torch.ones(2, 3), "model.bias": torch.zeros(2)}
    moved = own | {"model.weight": own["model.weight"] + 1e-6}
    for exact in (True, False):
        found = compare_parts(SavedParts({}, own), SavedParts({}, moved), exact)
        assert found.other == ["model.weight"] and found.undecided == []


def test_rows_that_were_all_groups_of_their_own(tmp_path):
    frame = pd.DataFrame(dict(owner=["a", "a", "b", "b"]))
    from adaroute.provenance.verify import _code_groups

    assert _code_groups(frame, "owner").tolist() == [0, 0, 1, 1]
    assert _code_groups(frame, None).tolist() == [0, 1, 2, 3]


def test_without_takes_away_one_kind():
    frame = pd.DataFrame({"note": ["low mood"], "age": [41.0], "site": ["A"], "y": [1.0]})
    schema = Schema(text=["note"], numeric=["age"], categorical=["site"], tasks={"y": "regression"})
    batch = read(frame, schema)
    silent, blank = without(batch, "text"), without(batch, "numbers")
    assert silent.text[0, 0] is None and silent.numeric[0, 0] == 41
    assert blank.text[0, 0] == "low mood" and np.isnan(blank.numeric[0, 0])
    assert blank.categorical[0, 0] is None and silent.categorical[0, 0] == "A"
    weekly = replace(batch, further={"series": np.array([[3.0, np.nan]])})
    alone = without(weekly, "modalities")
    assert np.isnan(alone.further["series"]).all() and alone.numeric[0, 0] == 41
    with pytest.raises(ValueError, match="kind: expected"):
        without(batch, "both")
