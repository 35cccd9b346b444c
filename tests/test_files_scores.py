"Scores: known totals, the rules for missing items, and what is refused."

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaroute.files.codebook import Codebook, Column
from adaroute.files.scales import QUESTIONNAIRES, find_scale, guess_items, score_scale
from adaroute.tables import TableError


def make_items(name, rows):
    "A table of one scale's items, a row for each list of answers."
    scale = QUESTIONNAIRES[name]
    columns = [f"{scale.stems[0]}_{i}" for i in range(1, scale.items + 1)]
    return pd.DataFrame(rows, columns=columns, dtype=float)


def answer_all(name, code):
    return make_items(name, [[code] * QUESTIONNAIRES[name].items])


@pytest.mark.parametrize(
    "name, least, most",
    [("phq9", 0, 27), ("phq8", 0, 24), ("phq2", 0, 6), ("gad7", 0, 21), ("gad2", 0, 6)]
    + [("who5", 0, 100), ("k10", 10, 50)],
)
def test_the_ends_of_each_scale(name, least, most):
    scale = QUESTIONNAIRES[name]
    assert score_scale(answer_all(name, scale.low), name).total[0] == least
    assert score_scale(answer_all(name, scale.high), name).total[0] == most


def test_the_ends_of_the_reversed_scale():
    calm = [0, 0, 0, 4, 4, 0, 4, 4, 0, 0]
    assert list(score_scale(make_items("pss10", [calm, [4 - a for a in calm]]), "pss10").total) == [
        0,
        40,
    ]


@pytest.mark.parametrize(
    "name, total, band",
    [
        ("phq9", 4, "minimal"),
        ("phq9", 5, "mild"),
        ("phq9", 10, "moderate"),
        ("phq9", 15, "moderately severe"),
    ]
    + [("phq9", 20, "severe"), ("gad7", 9, "mild"), ("gad7", 15, "severe"), ("k10", 15, "low")]
    + [
        ("k10", 16, "moderate"),
        ("k10", 30, "very high"),
        ("phq2", 2, "below the cut-off"),
        ("phq2", 3, "at or above the cut-off"),
    ]
    + [("who5", 28, "likely depression"), ("who5", 52, "adequate well-being")],
)
def test_bands_begin_where_they_should(name, total, band):
    scale = QUESTIONNAIRES[name]
    left, row = total // scale.factor - scale.low * scale.items, []
    for _ in range(scale.items):
        step = min(left, scale.high - scale.low)
        row.append(scale.low + step)
        left -= step
    score = score_scale(make_items(name, [row]), name)
    assert (score.total[0], score.band[0]) == (total, band)


@pytest.mark.parametrize("name", QUESTIONNAIRES)
def test_as_many_items_may_be_missing_as_the_rule_says(name):
    scale = QUESTIONNAIRES[name]
    rows = []
    for missing in (scale.most_missing, scale.most_missing + 1, scale.items):
        rows.append([np.nan] * missing + [float(scale.low)] * (scale.items - missing))
    score = score_scale(make_items(name, rows), name)
    assert list(score.total.notna()) == [True, False, False]
    assert score.band[2] is None and score.answered[2] == 0


@given(st.lists(st.sampled_from([0, 1, 2, 3, None]), min_size=9, max_size=9))
@settings(max_examples=200, deadline=None)
def test_a_total_is_whole_inside_the_range_and_near_the_mean(answers):
    score = score_scale(make_items("phq9", [answers]), "phq9").total[0]
    known = [a for a in answers if a is not None]
    if len(known) < 7:
        assert np.isnan(score)
    else:
        assert score == int(score) and 0 <= score <= 27
        assert abs(score - 9 * sum(known) / len(known)) <= 0.5


@pytest.mark.parametrize("value", [-1, 4, 1.5])
def test_an_answer_that_cannot_be_is_refused_with_its_place(value):
    rows = [[0] * 9, [0] * 9]
    rows[1][3] = value
    with pytest.raises(
        TableError, match="column 'phq9_4', data row 2: expected a whole number from 0 to 3"
    ) as caught:
        score_scale(make_items("phq9", rows), "phq9")
    assert (caught.value.row, caught.value.column) == (2, "phq9_4")


def test_items_coded_from_one():
    table = make_items("gad7", [[1] * 7, [4] * 7])
    with pytest.raises(TableError, match="say first=1"):
        score_scale(table, "gad7")
    assert list(score_scale(table, "gad7", first=1).total) == [0, 21]


def test_levels_of_the_codebook_tell_the_first_code():
    table = make_items("gad7", [[1] * 7, [4] * 7])
    levels = tuple((code, f"level {code}") for code in (1, 2, 3, 4))
    book = Codebook([Column(name, "ordered", levels=levels) for name in table])
    score = score_scale(table, "gad7", book=book)
    assert list(score.total) == [0, 21]
    assert "answers coded from 1, read as from 0" in score.notes


@pytest.mark.parametrize(
    "names",
    [
        [f"phq9_{i}" for i in range(1, 10)],
        [f"PHQ-9.{i:02d}" for i in range(1, 10)],
        [f"Phq{i}" for i in range(1, 10)],
        [f"baseline phq9 item {i}" for i in range(1, 10)],
        [f"phq9_q{i}_w8" for i in range(1, 10)],
        ["phq9_total", "phq9", *(f"phq9_{i}" for i in range(1, 11))],
    ],
)
def test_items_are_found(names):
    found = guess_items(["age", "gad7_1", *names], find_scale("phq9"))
    assert len(found) == 9 and set(found) <= set(names)
    assert not {"phq9_total", "phq9"} & set(found)


@pytest.mark.parametrize(
    "names", [["phq9"], [f"xphq{i}" for i in range(1, 10)], [f"phq9_{i}" for i in range(1, 9)]]
)
def test_what_are_no_items(names):
    with pytest.raises(TableError, match="name its 9 items"):
        guess_items(names, find_scale("phq9"))


def test_wrong_numbers_of_items_are_refused():
    with pytest.raises(TableError, match="expected 9 items, got 1 different one"):
        score_scale(pd.DataFrame({"a": [1.0]}), "phq9", items=["a"])
    with pytest.raises(TableError, match="expected one of phq9, phq8"):
        score_scale(pd.DataFrame({"a": [1.0]}), "bdi")
    words = make_items("phq2", [[1, 2]]).assign(phq2_1="often")
    with pytest.raises(TableError, match="expected numbers, got words"):
        score_scale(words, "phq2")


def test_every_rule_has_a_source():
    for scale in QUESTIONNAIRES.values():
        assert scale.source and scale.rule
        assert (scale.bands == ()) == (scale.title == "PSS-10")
