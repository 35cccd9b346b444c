"Note length: bins, controls that change nothing but length, and a section of the report."

import math

import numpy as np
import pandas as pd
import pytest

from adaroute import AdaRoute
from adaroute.evaluation.note_length import (
    FILLER_SENTENCES,
    add_long_copies,
    bin_lengths,
    calibration_by_length,
    count_note_words,
    errors_by_length,
    hide_length,
    lengthen_notes,
    measure_shift,
    repeat_notes,
    routes_by_length,
    shuffle_sentences,
    split_sentences,
    usual_longest,
)
from adaroute.report.document import write_report
from adaroute.synthetic import make_cohort

FRAME = pd.DataFrame({"note": ["Sleeps. Eats! Rests?", None, "", "one line\nanother"]})


@pytest.fixture(scope="module")
def fitted():
    cohort = make_cohort(300, "missing", seed=5)
    s = cohort.schema
    model = AdaRoute(**s.roles, members=1, starts=1, steps=60).fit(cohort.frame[:160])
    return model, cohort.frame[160:]


def test_each_length_is_in_its_bin():
    words = np.arange(0, 3000)
    upper = bin_lengths(words)
    assert (upper >= words).all()
    assert (upper[2:] < 2 * words[2:]).all()
    assert {int(n) for n in upper[1:]} == {2**k for k in range(13)}
    with pytest.raises(ValueError, match="words: expected no length below 0, got -1"):
        bin_lengths([3, -1])


def test_missing_and_empty_notes_stay_as_they_are():
    rng = np.random.default_rng(0)
    assert count_note_words(FRAME, ["note"]).tolist() == [3, 0, 0, 3]
    for changed in (
        lengthen_notes(FRAME, ["note"], 5, rng),
        shuffle_sentences(FRAME, ["note"], rng),
        repeat_notes(FRAME, ["note"], 3),
    ):
        assert changed.note.isna().tolist() == [False, True, False, False]
        assert changed.note[2].strip() == ""
        assert FRAME.note[0] == "Sleeps. Eats! Rests?", "the table itself is as it was"


@pytest.mark.parametrize("times", (1, 2, 8))
def test_filler_is_all_that_is_added(times):
    cohort = make_cohort(40, seed=1).frame
    long = lengthen_notes(cohort, ["note"], times, np.random.default_rng(3))
    extra = {f"{sentence}." for sentence in FILLER_SENTENCES}
    for before, after in zip(cohort.note, long.note, strict=True):
        assert [s for s in split_sentences(after) if s not in extra] == split_sentences(before)
    assert (count_note_words(long, ["note"]) >= times * count_note_words(cohort, ["note"])).all()


def test_length_per_row_and_refusals():
    rng = np.random.default_rng(0)
    two = FRAME.iloc[[0, 3]]
    long = lengthen_notes(two, ["note"], [1, 20], rng)
    assert long.note.iloc[0] == two.note.iloc[0]
    assert count_note_words(long, ["note"])[1] >= 60
    for wrong, message in ((0.5, "times: expected"), ([2, 0], "times: expected")):
        with pytest.raises(ValueError, match=message):
            lengthen_notes(two, ["note"], wrong, rng)
    with pytest.raises(ValueError, match="filler: expected at least one sentence, got none"):
        lengthen_notes(two, ["note"], 2, rng, ())
    with pytest.raises(ValueError, match="times: expected a whole number"):
        repeat_notes(two, ["note"], 1.5)


def test_unknown_outcomes_and_few_rows_are_left_out():
    y = np.array([[1.0], [np.nan], [3.0], [5.0]])
    table = errors_by_length(y, {"p": y}, [4, 4, 4, 9], ["mood"], least=2)
    assert table["rows"].tolist() == [2, 1] and table.p.isna().tolist() == [False, True]
    told = calibration_by_length(y, np.ones((4, 1)), [4, 4, 4, 9], ["mood"], least=2)
    assert math.isnan(told.slope.iloc[0]), "a constant has no slope"
    with pytest.raises(
        ValueError, match=r"expected shape \(4, 1\), rows and outcomes, got \(4, 2\)"
    ):
        errors_by_length(y, {"p": np.ones((4, 2))}, [4, 4, 4, 9], ["mood"], least=1)


def test_rows_without_evidence_have_no_path():
    routes = np.vstack([np.eye(8)[0], np.zeros(8)])
    table = routes_by_length(routes, [3, 0], least=1)
    assert table.index.tolist() == [4] and table.N1.tolist() == [1]


def test_hidden_length_is_the_length_alone(fitted, tmp_path):
    model, fresh = fitted
    blind = hide_length(model)
    before = model.fitted_.reader.encoder.parts["facts"]["scale"]
    after = blind.fitted_.reader.encoder.parts["facts"]["scale"]
    assert after[0] == 0 and (after[1:] == before[1:]).all() and before[0] > 0
    assert math.isnan(usual_longest(blind)) and usual_longest(model) > 30
    blind.save(tmp_path / "blind")
    again = AdaRoute.load(tmp_path / "blind")
    np.testing.assert_array_equal(again.predict(fresh), blind.predict(fresh))
    assert measure_shift(model, fresh, fresh)["rerouted"] == 0


def test_model_without_notes_has_no_length():
    cohort = make_cohort(80, seed=2)
    roles = cohort.schema.roles | {"text": []}
    model = AdaRoute(**roles, members=1, starts=1, steps=5).fit(cohort.frame)
    assert math.isnan(usual_longest(model))
    with pytest.raises(ValueError, match="model: expected one that reads notes"):
        hide_length(model)


def test_copies_stay_with_their_rows():
    cohort = make_cohort(30, seed=2).frame
    table, whose = add_long_copies(cohort, ["note"], 8, np.random.default_rng(0), copies=1)
    assert len(table) == len(whose) == 60
    same = [column for column in cohort if column != "note"]
    pd.testing.assert_frame_equal(
        table.loc[30:, same].reset_index(drop=True), cohort[same].reset_index(drop=True)
    )


def test_report_speaks_of_long_notes_and_shows_none(fitted, tmp_path):
    model, fresh = fitted
    fresh = lengthen_notes(fresh, ["note"], 3, np.random.default_rng(0), ["Zebraword sits here"])
    page = write_report(model, fresh, tmp_path / "report.html").read_text()
    section = page.split('<section id="lengths"')[1].split("</section>")[0]
    share = np.mean(count_note_words(fresh, ["note"]) > usual_longest(model))
    assert f"{share:.0%} of rows have more than the" in section and share > 0.7
    assert "Length without news, tried on" in section and "ebraword" not in section
