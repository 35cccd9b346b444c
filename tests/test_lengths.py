"Counts that grow with a note stay within those of the training, and a fit is the same."

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaroute import AdaRoute
from adaroute.evaluation.note_length import free_lengths, lengthen_notes, repeat_notes
from adaroute.features.encoder import Encoder, read_words
from adaroute.features.lengths import count_most, count_repeats, drop_repeats, trim_repeats
from adaroute.features.words import places
from adaroute.provenance.plan import plan_config, read_config
from adaroute.saved_form import check_parts
from adaroute.schema import Schema, read
from adaroute.serving import load_plain
from adaroute.synthetic import make_cohort

cell = st.none() | st.text("ab .!\n0", max_size=40)
notes = st.lists(st.tuples(cell, cell), min_size=6, max_size=12)


def table(rows, columns):
    frame = pd.DataFrame(rows, columns=["note", "plan"], dtype=object)[columns]
    return read(frame.assign(y=np.arange(len(rows)) % 3), Schema(columns, tasks=dict(y="count")))


@given(notes, st.sampled_from((["note"], ["note", "plan"])), st.sampled_from((1, 2)))
def test_on_the_rows_of_the_fit_nothing_is_held(rows, columns, ngrams):
    batch = table(rows, columns)
    for kind in (dict(min_df=1), dict(text_features="hashing")):
        held, free = (
            Encoder(**kind, ngrams=ngrams, lengths=how).fit(batch) for how in ("held", "free")
        )
        for a, b in zip(held.transform(batch), free.transform(batch)):
            assert np.array_equal(a, b)
        check_parts(held.parts, batch.schema, False)
        check_parts(free.parts, batch.schema, False)


@given(notes, notes)
def test_nothing_counts_more_than_it_did(train, test):
    columns = ["note", "plan"]
    encoder = Encoder(min_df=1).fit(table(train, columns))
    before = read_words(encoder, table(train, columns))
    place = places(encoder.parts["text"]["vocabulary"])
    most = encoder.parts["text"]["most"]
    assert np.array_equal(most, count_most(before, place, len(most) - 1))
    after = read_words(encoder, table(test, columns))
    assert (count_most(after, place, len(most) - 1) <= most).all()
    facts = encoder.parts["facts"]
    assert count_repeats(drop_repeats(table(test, columns).text, facts["repeats"])) <= max(
        facts["repeats"], 1
    )
    features = encoder.transform(table(test, columns)).facts
    known = encoder.transform(table(train, columns)).facts
    said = [c is not None and any(map(str.isalnum, c)) for row in test for c in row]
    if all(said) and facts["scale"][:2].all():
        assert (features[:, :2] <= known[:, :2].max(axis=0)).all()
        assert (features[:, :2] >= known[:, :2].min(axis=0).clip(max=0) - 1e-6).all()


def test_the_first_words_stay_in_their_order():
    said = np.empty((1, 1), object)
    said[0, 0] = "no not_sleep x no x not_sleep y x".split()
    left = trim_repeats(said, places(["not_sleep"]), np.array([1, 2]))
    assert left[0, 0] == "no not_sleep x no x y".split()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    cohort = make_cohort(200, "missing", seed=5)
    fresh = make_cohort(60, "missing", seed=5, draw=1).frame
    made = {}
    for how in ("held", "free"):
        short = dict(members=2, starts=1, steps=30, encoder=dict(lengths=how))
        made[how] = AdaRoute(**cohort.schema.roles, **short).fit(cohort.frame)
    return made, cohort.frame, fresh, tmp_path_factory.mktemp("models")


def test_a_fit_is_the_same_to_the_bit(models):
    made, frame, fresh, _ = models
    pairs = zip(made["held"].model_.parameters(), made["free"].model_.parameters(), strict=True)
    assert all(np.array_equal(a.detach(), b.detach()) for a, b in pairs)
    assert made["held"].predict(frame).equals(made["free"].predict(frame))
    assert free_lengths(made["held"]).predict(fresh).equals(made["free"].predict(fresh))


def test_what_is_said_again_is_no_news(models):
    made, _, fresh, _ = models
    again = repeat_notes(fresh, ["note"], 8)
    assert made["held"].predict(again).equals(made["held"].predict(fresh))
    assert not made["free"].predict(again).equals(made["free"].predict(fresh))


def test_a_model_keeps_its_bounds_when_it_is_saved(models):
    made, frame, fresh, folder = models
    long = lengthen_notes(fresh, ["note"], 8, np.random.default_rng(0))
    for how, model in made.items():
        loaded = AdaRoute.load(model.save(folder / how))
        assert loaded.predict(long).equals(model.predict(long))
        plain = load_plain(folder / how)
        np.testing.assert_allclose(plain.predict(long), model.predict(long), rtol=1e-6, atol=1e-6)
        assert plan_config(loaded) == plan_config(model)
        assert AdaRoute(**read_config(plan_config(loaded))).encoder["lengths"] == how
    taken = AdaRoute.load(free_lengths(made["held"]).save(folder / "taken"))
    assert taken.predict(long).equals(made["free"].predict(long))


def test_bounds_that_do_not_fit_are_refused(models):
    encoder, schema = models[0]["held"].encoder_, models[0]["held"].schema_
    plain, arrays = encoder.state()
    said = {**plain, "settings": {**plain["settings"]}}
    del said["settings"]["lengths"]
    with pytest.raises(ValueError, match="expected no bounds of lengths, as its settings say"):
        Encoder.from_state(said, arrays)
    for part, name in (("facts", "high"), ("facts", "repeats"), ("text", "most")):
        parts = {**plain["parts"], part: {**plain["parts"][part]}}
        del parts[part][name]
        with pytest.raises(ValueError, match="expected bounds of lengths, as its settings say"):
            Encoder.from_state({**plain, "parts": parts}, arrays)

    def refused(part, name, value):
        parts = {**encoder.parts, part: {**encoder.parts[part], name: value}}
        with pytest.raises(ValueError, match="encoder: expected"):
            check_parts(parts, schema, False)

    for wrong in (0, 1.0, True, "1", None):
        refused("facts", "repeats", wrong)
    high = encoder.parts["facts"]["high"]
    refused("facts", "high", high[:0])
    refused("facts", "high", high.astype(str))
    most = encoder.parts["text"]["most"]
    refused("text", "most", most[:-1])
    refused("text", "most", most * 0)
    refused("text", "most", most.astype(float))
    with pytest.raises(ValueError, match="lengths: expected free or held, got 'tight'"):
        Encoder(lengths="tight")
