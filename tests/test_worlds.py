"Worlds of other make: the same on every machine, with a best prediction that nothing beats, in all their options."

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaroute.schema import ROUTES, read
from adaroute.worlds import FAMILIES, make_world, world_seeds
from adaroute.worlds.cues import CUE_KINDS
from adaroute.worlds.families import TUNING_FROM, require_purpose
from adaroute.worlds.people import FLAGS, Writing, draw_people, read_note, write_people_notes

quick = settings(max_examples=12, deadline=None)
FAMILY = sorted(FAMILIES)


def error(cohort, said):
    "Squared error to the mean, over its variance."
    return ((said - cohort.mean) ** 2).mean() / cohort.mean.var()


@pytest.mark.parametrize("family", FAMILY)
def test_a_seed_is_the_same_world_everywhere(family):
    kept = {
        "bends": [0.91994385, -0.89486384, -0.26685734, 0.48104707],
        "prototypes": [0.09797552, -0.52760534, 0.90057998, 1.9248566],
        "teachers": [0.35907422, 0.9575972, 2.17277518, -1.83990331],
        "thresholds": [1.23833677, -0.85452788, -1.83834344, 1.42368731],
        "unrelated": [0.52134565, 0.0322634, 2.94842408, -0.44092293],
    }[family]
    cohort = make_world(family, 4, seed=100)
    np.testing.assert_allclose(cohort.frame["outcome_1"], kept, atol=1e-6)
    assert read(cohort.frame, cohort.schema).presence.all()


@pytest.mark.parametrize("family", FAMILY)
@pytest.mark.parametrize("gone", ["missing_numbers", "missing_text"])
def test_nothing_beats_the_best_prediction(family, gone):
    c = make_world(family, 600, seed=101, outcomes=1, **{gone: 0.5})
    absent = c.frame[["number_1", "note"]].isna().any(axis=1).to_numpy()
    blind = np.einsum("nrk,r->nk", c.expert_mean, c.knobs["shares"])
    assert 0 < c.bayes_error < 0.3 and 0.4 < absent.mean() < 0.6
    best = error(c, c.bayes)
    for other in (blind, 0 * blind, 0.8 * c.bayes, 1.25 * c.bayes):
        assert best < error(c, other)
    # where it says more there is more, with slope one
    slope = np.polyfit(c.bayes[:, 0], c.mean[:, 0], 1)[0]
    assert abs(slope - 1) < 0.2


@pytest.mark.parametrize("cue", CUE_KINDS)
def test_routes_are_drawn_from_their_posterior(cue):
    shares = dict(zip(ROUTES, (0.3, 0.25, 0.05, 0.1, 0.05, 0.05, 0.1, 0.1)))
    c = make_world("unrelated", 3000, seed=102, cue=cue, shares=shares, filler=0)
    assert np.allclose(c.posterior.sum(1), 1)
    drawn = np.bincount(c.route, minlength=8) / len(c)
    assert np.abs(drawn - list(shares.values())).max() < 0.03
    sure = c.posterior.max(1)
    right = c.posterior.argmax(1) == c.route
    for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 1.01)):
        rows = (sure >= low) & (sure < high)
        if rows.sum() > 200:
            assert abs(right[rows].mean() - sure[rows].mean()) < 0.08


@quick
@given(
    st.sampled_from(FAMILY),
    st.integers(1, 12),
    st.sampled_from(CUE_KINDS),
    st.sets(st.sampled_from(ROUTES), min_size=1),
    st.sampled_from([0, 3, 8.5]),
)
def test_every_option_makes_a_cohort(family, outcomes, cue, live, tails):
    shares = {route: 1 / len(live) for route in live}
    how = dict(outcomes=outcomes, cue=cue, shares=shares, tails=tails, missing_text=0.2)
    c = make_world(family, 12, seed=100, **how)
    assert c.frame[list(c.schema.tasks)].shape == (12, outcomes) == c.bayes.shape
    assert {ROUTES[r] for r in c.route} <= live and np.isfinite(c.bayes).all()
    assert (c.frame["note"].isna() == ~read(c.frame, c.schema).presence[:, 1]).all()


@quick
@given(st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 6))
def test_a_note_can_be_read_back(seed, spelling, filler):
    rng = np.random.default_rng(seed)
    people, flags = draw_people(rng, 5), rng.random((5, len(FLAGS))) < 0.5
    for i, note in enumerate(write_people_notes(rng, people, flags, Writing(spelling, filler))):
        for found, true in zip(read_note(note), (people.t[i], people.q[i], flags[i])):
            assert np.array_equal(found, true)


@quick
@given(st.sampled_from(FAMILY), st.integers(1, TUNING_FROM))
def test_seeds_for_scoring_and_tuning_never_meet(family, count):
    scoring, tuning = (world_seeds(family, p, count) for p in ("scoring", "tuning"))
    assert len(set(scoring) | set(tuning)) == 2 * count
    assert [require_purpose(s, "scoring") for s in scoring] == scoring
    for seed in (tuning[0], tuning[-1]):
        with pytest.raises(ValueError, match=f"expected one for scoring, got {seed}"):
            require_purpose(seed, "scoring")


def test_noise_differs_by_route_and_residuals_hang_together():
    how = dict(noise={"N1/STL": 2.0}, residual_correlation=(0.5, 0.9), sharpness=0)
    c = make_world("bends", 4000, seed=103, filler=0, **how)
    e = c.frame[list(c.schema.tasks)].to_numpy() - c.mean
    stl, mtl = c.route % 2 == 0, c.route % 2 == 1
    assert abs(e[c.route == 0].std() - 2) < 0.15 and abs(e[mtl].std() - 0.5) < 0.03
    quiet = stl & (c.route != 0)
    assert abs(np.corrcoef(e[quiet].T)[0, 1] - 0.5) < 0.08
    assert abs(np.corrcoef(e[mtl].T)[0, 1] - 0.9) < 0.05
