"What is planted must be there, what is computed must be right, and each knob must do what it says."

import re
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from scipy.special import expit

from adaroute import synthetic as sim
from adaroute import synthetic_knobs as dials
from adaroute import synthetic_notes as notes
from adaroute.schema import ROUTES, read
from adaroute.synthetic import SCENARIOS, Knobs, make_cohort

OUTCOMES = ["phq9", "gad7"]
ITEMS = [f"item_{i}" for i in range(1, 6)]
corr = lambda a, b: np.corrcoef(a, b)[0, 1]
left_over = lambda c: (c.frame[OUTCOMES] - c.mean).to_numpy()


def message(*args, **kwargs):
    with pytest.raises(ValueError) as caught:
        make_cohort(*args, **kwargs)
    text = str(caught.value)
    assert text and "\n" not in text and len(text) < 400 and caught.value.__cause__ is None
    return text


# The table


def streams(*seed):
    "Generators of our own."
    return sim._Streams(*(np.random.default_rng([*seed, i]) for i in range(6)))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_is_a_readable_table(scenario):
    c = make_cohort(400, scenario, seed=3)
    batch = read(c.frame, c.schema)
    assert list(c.frame) == [
        "age",
        "sex",
        *ITEMS,
        "visits",
        "structured",
        "openness",
        "quantified",
        "insight",
        "comorbidity",
        "site",
        "note",
        *OUTCOMES,
    ]
    assert len(batch) == len(c) == 400 and set(c.schema.inputs) | set(c.schema.tasks) == set(
        c.frame
    )
    assert c.mean.shape == c.bayes.shape == c.oracle.shape == (400, 2) and c.expert_mean.shape == (
        400,
        8,
        2,
    )
    assert np.allclose(c.posterior.sum(1), 1) and (c.posterior >= 0).all()
    assert np.allclose(c.mean, c.expert_mean[np.arange(400), c.route])
    assert (
        all(np.isfinite(a).all() for a in (c.mean, c.bayes, c.oracle, c.expert_mean))
        and c.bayes_error < 1e-6
    )
    assert set(np.unique(c.route)) == {r for r in range(8) if c.knobs["shares"][r]}
    assert (c.posterior[:, np.array(c.knobs["shares"]) == 0] == 0).all()


def test_numbers_look_like_what_they_are():
    f = make_cohort(5000).frame
    assert (
        f[ITEMS].isin(range(4)).all(axis=None)
        and f.age.between(18, 80).all()
        and f.site.nunique() == 3
    )
    assert (
        f.iloc[:, 8:13].isin(range(11)).all(axis=None)
        and (f.visits >= 0).all()
        and (f.visits % 1 == 0).all()
    )


def test_same_seed_same_bytes():
    for scenario in ("planted", "missing"):
        a, b = (make_cohort(300, scenario, seed=5, draw=2) for _ in range(2))
        assert a.frame.to_csv().encode() == b.frame.to_csv().encode()
        assert all(
            getattr(a, k).tobytes() == getattr(b, k).tobytes()
            for k in ("route", "mean", "bayes", "oracle", "posterior", "expert_mean")
        )
    assert not a.frame.equals(make_cohort(300, "missing", seed=5, draw=3).frame)


def numbers_function(c):
    "Weights of the numbers in the function of N1, by least squares."
    x = np.column_stack([np.ones(len(c)), c.frame[["age", *ITEMS, "visits"]]])
    weights, rest, *_ = np.linalg.lstsq(x, c.expert_mean[:, 0], rcond=None)
    assert (rest < 1e-12).all()
    return weights


def test_a_draw_keeps_the_world_and_a_seed_changes_it():
    a, b, other = make_cohort(200), make_cohort(300, draw=1), make_cohort(200, seed=1)
    assert np.allclose(numbers_function(a), numbers_function(b))
    assert not np.allclose(numbers_function(a), numbers_function(other), atol=0.1)


def test_a_knob_leaves_the_rest_alone():
    a = make_cohort(300)
    for knobs in (
        dict(filler=9),
        dict(noise=2),
        dict(missing_text=0.5),
        dict(missing_outcomes=0.5),
        dict(residual_correlation=0),
    ):
        b = make_cohort(300, **knobs)
        assert (
            np.array_equal(a.route, b.route)
            and np.array_equal(a.mean, b.mean)
            and a.frame[ITEMS].equals(b.frame[ITEMS])
        )
    longer, full = make_cohort(300, filler=9), make_cohort(300, missing_text=0.5)
    assert a.frame[OUTCOMES].equals(longer.frame[OUTCOMES])
    kept = full.frame.note.notna()
    assert a.frame.note[kept].equals(full.frame.note[kept]) and a.frame[OUTCOMES].equals(
        full.frame[OUTCOMES]
    )


def test_ten_thousand_rows_are_quick():
    start = time.process_time()
    make_cohort(10_000, "missing")
    assert time.process_time() - start < 4


# Notes


def parse(note):
    "Symptoms, quantities and course, read back from the words alone."
    said = [s.strip().lower() for s in note.rstrip(".").split(".")]
    t = np.zeros(8)
    for sentence in said:
        for k, terms in enumerate(notes._TERMS):
            if set(sentence.split()) & set(terms):
                t[k] = -1 if sentence.split()[0] in ("no", "denies") else 1
    hours, episodes = (
        int(re.search(p, note)[1]) for p in (r"Sleeps (\d+) hours", r"(\d+) episodes this week")
    )
    together = any(s in said for s in map(str.lower, notes._TOGETHER))
    assert together != any(s in said for s in map(str.lower, notes._APART))
    return t, (hours, episodes), together


def test_the_note_alone_holds_symptoms_and_quantities():
    k, c = Knobs(), make_cohort(500, seed=2)
    r = sim._draw_rows(500, k, streams(2, 2, 0))
    t, q, together = (np.array(v) for v in zip(*map(parse, c.frame.note)))
    assert np.array_equal(t, r.t) and np.array_equal(q, r.q) and np.array_equal(together, r.joint)
    assert np.array_equal(c.frame[["age", *ITEMS, "visits"]], r.x)


def test_the_columns_alone_give_bayes_of_complete_rows():
    c, world = make_cohort(300, seed=4), sim._World(4, Knobs())
    t, q, together = (np.array(v) for v in zip(*map(parse, c.frame.note)))
    f = world.planted(
        sim._multiply_scores(
            world.numbers(c.frame[["age", *ITEMS, "visits"]].to_numpy()), world.text(t, q)
        )
    )
    p = sim._infer_route(
        c.frame[list(sim._RATINGS)].to_numpy(), together, np.zeros((300, 2), bool), Knobs()
    )
    assert np.allclose((p[..., None] * f).sum(1) * [5, 4] + [11, 9], c.bayes)


def test_filler_says_nothing():
    words = " ".join(notes._FILLER).lower()
    assert not re.search(r"\d|\bno\b|\bden", words) and not any(
        t in words for terms in notes._TERMS for t in terms
    )


# Bayes


def weights(z, k, x, t, q, absent):
    "How well one row's evidence fits each severity, written out with scipy's distributions."
    s = k.severity * z
    report = 0.8 * expit(s)
    absence = [
        expit(sim._solve_absence(rate, k.missing_severity) + k.missing_severity * z)
        for rate in (k.missing_numbers, k.missing_text)
    ]
    w = np.prod([p if gone else 1 - p for p, gone in zip(absence, absent)], axis=0)
    if not absent[0]:
        for j, shift in enumerate((-0.3, 0, 0.2, -0.1, 0.1)):
            w = w * stats.binom.pmf(x[1 + j], 3, expit(shift + s))
        w = w * stats.poisson.pmf(x[6], np.exp(0.8 + 0.4 * s))
    if not absent[1]:
        for said in t:
            w = w * (report if said > 0 else 0.8 - report if said < 0 else 0.2)
        w = (
            w
            * stats.binom.pmf(q[0], 10, expit(-0.5 * s))
            * stats.poisson.pmf(q[1], np.exp(1 + 0.3 * s))
        )
    return w / w.sum()


@pytest.mark.parametrize(
    "knobs",
    [
        dict(),
        dict(missing_severity=-2, severity=0.5, heterogeneity=0.5),
        dict(missing_severity=0, alignment=-1, outcome_correlation=0.6, severity=1.5),
    ],
    ids=str,
)
def test_bayes_against_brute_force(knobs):
    k, rng = dials.settle_scenario("missing", knobs), np.random.default_rng(11)
    world, r = sim._World(6, k), sim._draw_rows(400, k, streams(6))
    expected, _ = sim._expect_functions(world, r)
    for gone in ((True, False), (False, True), (True, True)):
        for i in np.flatnonzero((r.absent == gone).all(1))[:2]:
            z = rng.standard_normal(100_000)
            w = weights(z, k, r.x[i], r.t[i], r.q[i], gone)[:, None, None]
            law, row = sim._make_law(z, k.severity), r.take([i])
            numbers = world.numbers(sim._draw_numbers(rng, law) if gone[0] else row.x)
            text = world.text(*(sim._draw_facts(rng, law) if gone[1] else (row.t, row.q)))
            f = world.planted(sim._multiply_scores(*np.broadcast_arrays(numbers, text)))
            mean = (w * f).sum(0)
            se = np.sqrt((w**2 * (f - mean) ** 2).sum(0))
            assert (abs(expected[i] - mean) < 4.5 * se + 1e-8).all(), gone


@pytest.mark.parametrize(
    "knobs",
    [dict(), dict(missing_severity=-3, missing_numbers=0.4, cue=0.4, heterogeneity=0.6)],
    ids=str,
)
def test_bayes_is_calibrated_whatever_is_missing(knobs):
    "Without any formula: what is left over has mean 0 wherever we look, with what a row shows."
    c = make_cohort(60_000, "missing", seed=7, filler=0, **knobs)
    presence, f = read(c.frame, c.schema).presence, c.frame
    for pattern in ((True, True), (False, True), (True, False), (False, False)):
        rows = (presence == pattern).all(1)
        for k in range(2):
            left, guess = (c.mean - c.bayes)[rows, k], c.bayes[rows, k]
            looks = [np.ones(rows.sum()), *(c.posterior[rows].T - 1 / 8)]
            if any(pattern):
                looks += [
                    guess - guess.mean(),
                    *(pd.qcut(guess, 5, labels=False) == b for b in range(5)),
                ]
            if pattern[0]:
                looks += [f[ITEMS].sum(axis=1)[rows] - 7, f.visits[rows] - 2]
            if pattern[1]:
                looks += [f.note[rows].str.count(r"Denies|No ") - 3]
            for look in looks:
                v = left * np.asarray(look, float)
                assert abs(v.mean()) < 4.5 * v.std() / np.sqrt(len(v)) + 1e-6, (pattern, k)


def test_doubling_the_grid_bounds_the_error():
    k = dials.settle_scenario("missing", dict(severity=2.5, missing_severity=4))
    world, r = sim._World(0, k), sim._draw_rows(500, k, streams(0))
    coarse, bound = sim._expect_functions(world, r, 40)
    fine, _ = sim._expect_functions(world, r, 1000)
    assert 0 < abs(coarse - fine).max() <= bound


def test_oracle_and_bayes_are_ordered():
    for scenario in SCENARIOS:
        c = make_cohort(5000, scenario, filler=0)
        error = lambda p: ((p - c.mean) ** 2).mean()
        prior = (np.array(c.knobs["shares"])[:, None] * c.expert_mean).sum(1)
        assert error(c.oracle) <= error(c.bayes) + 1e-9
        if scenario != "missing":
            assert error(c.bayes) <= error(prior) + 1e-9 and error(c.oracle) < 1e-18


def test_everything_may_be_missing():
    for rates in ((1, 0), (0, 1), (1, 1)):
        c = make_cohort(
            200,
            missing_numbers=rates[0],
            missing_text=rates[1],
            missing_severity=1,
            missing_outcomes=1,
        )
        assert np.isfinite(c.bayes).all() and c.frame[OUTCOMES].isna().all(axis=None)
        assert (read(c.frame, c.schema).presence == [not r for r in rates]).all()
    assert np.ptp(c.bayes, axis=0).max() < 1e-9 and np.allclose(c.posterior, 1 / 8), (
        "with nothing to see, everybody is alike"
    )


# Knobs: what is measured follows what is set


def test_rows_and_shares():
    shares = np.array([0.3, 0, 0.1, 0.05, 0.15, 0.2, 0, 0.2])
    for given_ in (shares, list(shares), {r: s for r, s in zip(ROUTES, shares) if s}):
        c = make_cohort(20_000, shares=given_, filler=0)
        assert (
            len(c.frame) == 20_000
            and abs(np.bincount(c.route, minlength=8) / 20_000 - shares).max() < 0.012
        )
    assert len(make_cohort(1)) == 1


def test_cue():
    cohorts = [make_cohort(6000, cue=v, filler=0) for v in (0, 0.3, 0.6, 0.9, 1.5, 5)]
    found = [(c.posterior.argmax(1) == c.route).mean() for c in cohorts]
    error = [((c.bayes - c.mean) ** 2).mean() for c in cohorts]
    assert (np.diff(found) > 0).all() and (np.diff(error) < 0).all()
    assert np.allclose(cohorts[0].posterior, 1 / 8) and found[-1] > 0.999 and error[-1] < 0.01


def test_posterior_is_calibrated():
    c = make_cohort(
        40_000,
        cue=0.5,
        filler=0,
        missing_numbers=0.3,
        missing_text=0.3,
        missing_severity=1,
        shares=[0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
    )
    for r in range(8):
        p, hit = c.posterior[:, r], c.route == r
        for low in np.arange(0, 1, 0.2):
            rows = (p >= low) & (p < low + 0.2)
            if rows.sum() > 200:
                assert abs((hit - p)[rows].mean()) < 4.5 * np.sqrt(
                    (p * (1 - p))[rows].mean() / rows.sum()
                )


def test_heterogeneity():
    spread = [
        make_cohort(3000, heterogeneity=v, filler=0).expert_mean.std(1).mean()
        for v in (0, 0.25, 0.5, 0.75, 1)
    ]
    assert spread[0] < 1e-9 and (np.diff(spread) > 0).all()
    for v in (0, 0.5, 1):
        assert np.allclose(
            make_cohort(30_000, heterogeneity=v, filler=0).expert_mean.std(0), [5, 4], rtol=0.06
        ), "the variance stays"


@pytest.mark.parametrize("value", [-1, -0.8, -0.3, 0, 0.6, 1])
def test_alignment_and_outcome_correlation(value):
    own = make_cohort(20_000, seed=9, filler=0, alignment=value)
    other = make_cohort(20_000, seed=9, filler=0, outcome_correlation=value)
    for r, name in enumerate(ROUTES):
        c, still = (own, 0) if name.endswith("MTL") else (other, 1)
        assert abs(corr(*c.expert_mean[:, r].T) - value) < 0.05
        assert abs(corr(*(other if c is own else own).expert_mean[:, r].T) - (1 - still)) < 0.05, (
            "the other knob does not matter"
        )


@pytest.mark.parametrize("value", [-1, -0.5, 0, 0.8])
def test_residual_correlation_is_of_shared_rows_only(value):
    c = make_cohort(20_000, residual_correlation=value, filler=0)
    shared = c.route % 2 == 1
    assert (
        abs(corr(*left_over(c)[shared].T) - value) < 0.03
        and abs(corr(*left_over(c)[~shared].T)) < 0.04
    )


def test_noise_per_outcome():
    for noise, pair in (((0.2, 1.5), (0.2, 1.5)), (0.7, (0.7, 0.7)), (0, (0, 0))):
        c = make_cohort(20_000, noise=noise, filler=0)
        assert (
            np.allclose(left_over(c).std(0) / [5, 4], pair, rtol=0.03) and c.knobs["noise"] == pair
        )


def test_severity_ties_the_modalities():
    tie = []
    for v in (0, 0.5, 1, 2):
        f = make_cohort(8000, severity=v, filler=0).frame
        tie.append(
            corr(f[ITEMS].sum(axis=1), f.note.str.extract(r"Sleeps (\d+) hours")[0].astype(float))
        )
    assert abs(tie[0]) < 0.04 and (np.diff(tie) < 0).all()


@pytest.mark.parametrize("slope", [0, 1, -2])
def test_missing_modalities(slope):
    c = make_cohort(
        30_000, filler=0, missing_numbers=0.25, missing_text=0.1, missing_severity=slope
    )
    presence, f = read(c.frame, c.schema).presence, c.frame
    assert abs(presence.mean(0) - [0.75, 0.9]).max() < 0.01
    assert f.loc[~presence[:, 0], f.columns.drop(["note", *OUTCOMES])].isna().all(
        axis=None
    ) and f.loc[presence[:, 0], ITEMS].notna().all(axis=None)
    sick = lambda absent, sign: (
        f.note[presence[:, 1] & absent].str.extract(r"(\d+) episodes")[0].astype(float).mean()
        * sign
    )
    more = sick(~presence[:, 0], 1) - sick(presence[:, 0], 1)
    assert abs(more) < 0.1 if slope == 0 else np.sign(more) == np.sign(slope) and abs(more) > 0.2
    assert abs(corr(*presence.T)) < 0.02 if slope == 0 else corr(*presence.T) > 0.05


def test_absence_itself_is_used():
    sick = make_cohort(4000, "missing", seed=1, missing_severity=3, filler=0)
    blank = (~read(sick.frame, sick.schema).presence).all(1)
    assert (
        abs(sick.bayes[blank] - sick.mean[blank].mean(0)).max()
        < abs(sick.mean.mean(0) - sick.mean[blank].mean(0)).max()
    )


def test_missing_outcomes():
    for rate in (0.15, (0, 0.5)):
        gone = make_cohort(20_000, missing_outcomes=rate, filler=0).frame[OUTCOMES].isna()
        assert abs(gone.mean() - np.broadcast_to(rate, 2)).max() < 0.01
        assert abs(gone.all(axis=1).mean() - gone.mean().prod()) < 0.01, (
            "one outcome says nothing about the other"
        )


def test_note_length():
    sentences = [
        make_cohort(3000, filler=v).frame.note.str.count(r"\.").mean() for v in (0, 3, 10, 40)
    ]
    assert np.allclose(np.diff(sentences), [3, 7, 30], rtol=0.05)
    assert make_cohort(1, filler=1000).frame.note.str.split().str.len()[0] > 2000


def test_scenarios_are_what_they_are_called():
    make = lambda name: make_cohort(20_000, name, filler=0)
    c = make("homogeneous")
    assert (
        np.allclose(c.expert_mean, c.expert_mean[:, :1])
        and np.allclose(c.bayes, c.mean)
        and abs(corr(*left_over(c).T)) < 0.03
    )
    assert {ROUTES[r][:2] for r in set(make("text_only").route)} == {"T1"} and {
        ROUTES[r][:2] for r in set(make("numbers_only").route)
    } == {"N1"}
    assert {ROUTES[r][:2] for r in set(make("fusion").route)} == {"N2", "T2"}
    c = make("negative_transfer")
    assert (c.route % 2 == 0).all() and abs(corr(*c.mean.T) + 0.8) < 0.03
    c = make("paper")
    assert {ROUTES[r] for r in set(c.route)} == {"N2/MTL", "T2/MTL"} and abs(
        corr(*left_over(c).T) - 0.8
    ) < 0.02
    assert make_cohort(10, "paper", heterogeneity=1).knobs["heterogeneity"] == 1, (
        "a knob overrides the scenario"
    )


# Bad input


@pytest.mark.parametrize(
    "args, knobs, expected",
    [
        ((10, "plantd"), {}, "scenario: expected one of planted, homogeneous, text_only"),
        ((10, None), {}, "got NoneType"),
        ((10, ["planted"]), {}, "got list"),
        ((0,), {}, "n: expected a whole number from 1, got 0"),
        ((1.5,), {}, "n: expected a whole number from 1, got 1.5"),
        (("ten",), {}, "got str"),
        ((True,), {}, "got bool"),
        ((10, "planted", -1), {}, "seed: expected a whole number from 0, got -1"),
        ((10, "planted", 0, None), {}, "draw: expected a whole number from 0, got NoneType"),
        ((10,), dict(ceu=1), "knob: expected one of shares, cue,"),
        ((10,), dict(cue="strong"), "knob cue: expected a number from 0 to 5, got str"),
        ((10,), dict(cue=float("nan")), "got nan"),
        ((10,), dict(cue=10**400), "got a huge number"),
        ((10,), dict(severity=True), "got bool"),
        ((10,), dict(alignment=1.01), "knob alignment: expected a number from -1 to 1, got 1.01"),
        ((10,), dict(noise=(1, 2, 3)), "knob noise: expected one number or two, got 3 of them"),
        ((10,), dict(noise=(1, -1)), "got -1"),
        (
            (10,),
            dict(missing_outcomes=[0.1, "x"]),
            "knob missing_outcomes: expected a number from 0 to 1, got str",
        ),
        ((10,), dict(shares=[0.5, 0.5]), "knob shares: expected 8 numbers, got shape (2,)"),
        ((10,), dict(shares=3), "got shape ()"),
        ((10,), dict(shares="even"), "knob shares: expected 8 numbers, got str"),
        ((10,), dict(shares=[1 / 4] * 8), "and a sum of 1, got 0.25 and 2.0"),
        ((10,), dict(shares=[2, -1, 0, 0, 0, 0, 0, 0]), "no share below 0"),
        ((10,), dict(shares=[np.nan] * 8), "no share below 0"),
        ((10,), dict(shares={"N3/STL": 1}), "knob shares: expected routes among N1/STL"),
        ((10,), dict(shares={}), "a sum of 1, got 0.0 and 0.0"),
    ],
    ids=str,
)
def test_bad_input_is_refused_in_one_line(args, knobs, expected):
    assert expected in message(*args, **knobs)


@given(st.text().filter(lambda s: s not in SCENARIOS))
def test_any_unknown_scenario_is_named(name):
    assert all(known in message(5, name) for known in SCENARIOS)


@given(
    st.text(min_size=1).filter(
        lambda s: s not in Knobs.__dataclass_fields__ and s not in ("n", "scenario", "seed", "draw")
    )
)
def test_any_unknown_knob_is_named(name):
    assert "missing_severity" in message(5, **{name: 1})


@given(
    st.sampled_from(sorted(dials._RANGES)),
    st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.lists(st.floats(), max_size=3)),
)
def test_a_knob_is_in_its_range_or_refused(name, value):
    try:
        set_ = getattr(Knobs(**{name: value}), name)
    except ValueError as e:
        assert str(e).startswith(f"knob {name}: expected") and "\n" not in str(e)
    else:
        low, high = dials._RANGES[name]
        assert np.all(np.asarray(set_) >= low) and np.all(np.asarray(set_) <= high)


VALID = {k: st.floats(low, min(high, 20)) for k, (low, high) in dials._RANGES.items()}


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries({}, optional=VALID),
    st.integers(1, 30),
    st.integers(0, 2**40),
    st.sampled_from(sorted(SCENARIOS)),
)
def test_any_valid_knobs_make_a_sound_cohort(knobs, n, seed, scenario):
    c = make_cohort(n, scenario, seed=seed, **knobs)
    assert len(read(c.frame, c.schema)) == n and np.allclose(c.posterior.sum(1), 1)
    assert (
        all(np.isfinite(a).all() for a in (c.mean, c.bayes, c.oracle, c.expert_mean))
        and c.bayes_error < 5
    )


# parts


def test_knobs_one_by_one():
    assert dials._check_knob("cue", np.int64(2)) == 2 and dials._check_knob("alignment", -1) == -1
    assert [dials._describe_value(v) for v in (2.50, True, "high")] == ["2.5", "bool", "str"]
    assert dials._check_both("noise", 1) == (1, 1)
    assert dials._check_both("noise", [0.5, 2]) == (0.5, 2)
    assert dials._check_shares("shares", None) == (1 / 8,) * 8
    shares = dials._check_shares("shares", {"T1/STL": 0.25, "N2/MTL": 0.75})
    assert shares == (0, 0, 0.25, 0, 0, 0.75, 0, 0)


def test_knobs_of_a_scenario():
    assert dials.settle_scenario("planted", {}) == Knobs()
    turned = dials.settle_scenario("paper", dict(cue=2))
    assert turned.heterogeneity == 0.5 and turned.cue == 2
    assert sum(dials.settle_scenario("fusion", {}).shares[4:]) == 1
    with pytest.raises(ValueError, match="^n: expected a whole number from 1, got 2.5$"):
        dials.check_whole("n", 2.5, 1)


def test_draws_and_expectations_agree():
    law, rng = sim._make_law(np.ones(100_000), 1.0), np.random.default_rng(0)
    drawn = np.column_stack([sim._draw_numbers(rng, law), *sim._draw_facts(rng, law)])
    expected = np.column_stack([sim._expect_numbers(law), *sim._expect_facts(law)])
    error = (drawn - expected).mean(0) / (drawn.std(0) / np.sqrt(len(drawn)))
    assert drawn.shape == (100_000, 7 + 8 + 2) and (abs(error) < 4).all()


def test_strong_cues():
    route = np.array([2] * 500 + [5] * 500)  # T1/STL, then N2/MTL
    ratings, joint = sim._draw_cues(np.random.default_rng(0), route, 5.0)
    assert (ratings.mean(0).round() == [0, 5, 5, 0, 5]).all()
    assert abs((joint == np.repeat([False, True], 500)).mean() - expit(5)) < 0.01


def test_ratings_in_the_middle_leave_the_sentence():
    middle, together = np.full((1, 5), 5), np.array([True])
    for no_text, expected in ((False, expit(1)), (True, 1 / 2)):
        p = sim._infer_route(middle, together, np.array([[False, no_text]]), Knobs(cue=1))
        assert np.isclose(p[0, 1::2].sum(), expected)


def test_phrases_and_sentences():
    said = notes._list_phrases(notes._REPORTED)
    assert said.shape == (8, 4, 2) and said[0, 0, 0] == "Reports sadness"
    assert said[0, 3, 1] == "Hopelessness most days"
    t, q = np.array([[0, 0, 1, 0, 0, -1, 0, 0.0]]), np.array([[4.0, 7.0]])
    rng = np.random.default_rng(4)
    (note,) = notes.compose_sentences(rng, t, q, np.array([True]))
    assert len(note) == 8 + 2 + 1 and sum(s != "" for s in note) == 5
    assert note[2] in said[2] and note[5] in notes._list_phrases(notes._DENIED)[5]
    assert note[10] in notes._TOGETHER


def test_absence_is_as_frequent_as_we_said():
    assert np.isclose(expit(sim._solve_absence(0.3, 0)), 0.3)
    assert sim._solve_absence(0, 1) == -np.inf and sim._solve_absence(1, 1) == np.inf
    z = np.random.default_rng(0).standard_normal(200_000)
    assert abs(expit(sim._solve_absence(0.3, 2) + 2 * z).mean() - 0.3) < 0.004


def test_residuals():
    route = np.repeat([0, 1], 50_000)  # STL, then MTL
    knobs = Knobs(noise=(0.5, 2), residual_correlation=0.8)
    e = sim._draw_residuals(np.random.default_rng(0), route, knobs)
    assert np.allclose(e.std(0), [0.5, 2], rtol=0.02)
    assert abs(corr(*e[:50_000].T)) < 0.02 and abs(corr(*e[50_000:].T) - 0.8) < 0.01


def test_the_columns_of_rows_with_gaps():
    r = sim._draw_rows(3, Knobs(), streams(0))
    gaps = np.array([[False, False], [True, False], [False, True]])
    r = r._replace(absent=gaps)
    notes, rng = np.array(["fine"] * 3, object), np.random.default_rng(0)
    frame = sim._lay_out_table(rng, r, notes, np.zeros((3, 2)))
    assert frame.notna().sum(axis=1).tolist() == [17, 3, 16]
    last = ["site", "note", "phq9", "gad7"]
    assert list(frame) == ["age", "sex", *sim._NUMERIC[1:], *sim._RATINGS, *last]
