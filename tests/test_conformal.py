"""Distribution, conformal calibration and coverage: known answers, crepes, round trips, what bad input says."""

import json
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from crepes import ConformalRegressor
from scipy import stats

from adaroute.uncertainty import coverage as cov
from adaroute.uncertainty import conformal as unc
from adaroute.uncertainty import distribution as dist
from adaroute.uncertainty.distribution import pick_routes, predict_distribution
from adaroute.estimator import AdaRoute
from adaroute.synthetic import make_cohort

TASKS = {"phq9": "regression", "case": "binary", "severity": "ordinal", "contacts": "count"}
pytestmark = pytest.mark.filterwarnings(
    "ignore:the router collapsed", "ignore:.*nothing that an allowed route"
)


def people(n, draw):
    c = make_cohort(
        n,
        "planted",
        seed=100,
        draw=draw,
        missing_numbers=0.2,
        missing_text=0.2,
        missing_outcomes=0.1,
    )
    y = c.frame.phq9
    return c.frame.assign(
        case=(y >= 14).where(y.notna()).astype(float),
        severity=pd.Series(np.digitize(y, [10, 14, 18]), y.index).where(y.notna()),
        contacts=np.random.default_rng(draw).poisson(3, n).astype(float),
    ), c.schema


@pytest.fixture(scope="module")
def world():
    (train, s), (fresh, _), (test, _) = people(400, 0), people(500, 1), people(900, 2)
    inputs = dict(
        text=s.text, numeric=s.numeric, categorical=s.categorical, members=2, starts=1, steps=250
    )
    model = AdaRoute(**inputs, tasks=TASKS).fit(train)
    return dict(
        train=train,
        fresh=fresh,
        test=test,
        inputs=inputs,
        model=model,
        calibration=unc.calibrate(model, fresh),
        said=predict_distribution(model, test, outcomes=True),
    )


# the distribution


def test_mean_is_the_prediction_and_the_variance_adds_up(world):
    said = world["said"]
    assert "none" in said.presence  # rows without any evidence are among them
    assert np.allclose(said.mean, world["model"].predict(world["test"]), atol=1e-4)
    assert np.allclose(said.variance().T.groupby(level=0).sum().T[list(TASKS)], said.sd**2)
    p = said.probability("severity").to_numpy()
    assert np.allclose(p.sum(1), 1, atol=1e-5) and np.allclose(
        p @ np.arange(4), said.mean.severity, atol=1e-4
    )
    assert np.allclose(
        ((p * np.arange(4) ** 2).sum(1) - (p @ np.arange(4)) ** 2) ** 0.5,
        said.sd.severity,
        atol=1e-3,
    )
    assert np.allclose(said.probability("case")[1], said.mean["case"], atol=1e-5)
    assert (said.sd.contacts**2 >= said.mean.contacts - 1e-4).all()  # never less than Poisson's


def test_quantile_and_cdf_are_inverse(world):
    said = world["said"]
    for level in (0.01, 0.5, 0.99):
        assert np.allclose(said.cdf("phq9", said.quantile("phq9", level)), level, atol=1e-6)


def test_encoded_rows_give_the_same(world):
    model, test = world["model"], world["test"]
    once = predict_distribution(model, model.encode(test))
    assert once.mean.equals(world["said"].mean) and (once.presence == world["said"].presence).all()
    assert (
        world["calibration"]
        .interval(model, model.encode(test))
        .equals(world["calibration"].interval(world["said"]))
    )


def test_one_route_an_outcome(world):
    model = AdaRoute(
        **{**world["inputs"], "steps": 50},
        tasks={"phq9": "regression", "gad7": "regression"},
        route_per="sample_task",
    ).fit(world["train"])
    said = predict_distribution(model, world["test"], outcomes=True)
    assert np.allclose(said.mean, model.predict(world["test"]), atol=1e-4) and np.allclose(
        said.weights.sum((1, 2)), 1, atol=1e-5
    )
    ends = unc.calibrate(model, world["fresh"]).interval(said, by="route")
    assert (ends["gad7"].upper > ends["gad7"].lower).all()


# against crepes

HAIR = 1e-12  # crepes takes a rank more where (1 - .9) * 200 comes out as 19.999999999999996


@pytest.mark.parametrize("n", [57, 100, 199])
@pytest.mark.parametrize("confidence", [0.75, 0.9, 0.95])
def test_crepes_agrees(n, confidence):
    rng = np.random.default_rng(n)
    residual, sd = rng.normal(size=n), rng.uniform(0.5, 2, n)
    centre, spread = rng.normal(size=20), rng.uniform(0.5, 2, 20)
    theirs = (
        ConformalRegressor()
        .fit(residual, sigmas=sd)
        .predict_int(centre, sigmas=spread, confidence=confidence - HAIR)
    )
    reach = unc.conformal_quantile(np.abs(residual) / sd, confidence)
    assert np.allclose(theirs, np.stack([centre - reach * spread, centre + reach * spread], 1))


def hand(said, frame, task="phq9"):
    return frame[task].to_numpy() - said.mean[task].to_numpy(), said.sd[task].to_numpy()


@pytest.mark.parametrize("by", [None, "route", "presence"])
def test_crepes_gives_the_intervals_of_the_calibration(world, by):
    "Marginal and Mondrian; cells that are too small fall back here, so they are left out there."
    model, fresh, said, c = (world[k] for k in ("model", "fresh", "said", "calibration"))
    met = predict_distribution(model, fresh)
    residual, sd = hand(met, fresh)
    use, label, new = ~np.isnan(residual), None, None
    if by:
        label, new = (unc.label_rows(pick_routes(d), d.presence)[by][:, 0] for d in (met, said))
    theirs = ConformalRegressor().fit(
        residual[use], sigmas=sd[use], bins=None if by is None else label[use]
    )
    ours = c.interval(said, coverage=0.9, by=by)["phq9"].to_numpy()
    large = (
        np.ones(len(said), bool)
        if by is None
        else np.isin(new, [b for b in np.unique(label[use]) if (label[use] == b).sum() >= 50])
    )
    assert large.sum() > 200
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ends = theirs.predict_int(
            said.mean.phq9.to_numpy(),
            sigmas=said.sd.phq9.to_numpy(),
            bins=new,
            confidence=0.9 - HAIR,
        )
    assert np.allclose(ends[large], ours[large])
    assert by is None or not large.all()
    plain = c.interval(said)["phq9"].to_numpy()
    assert np.array_equal(ours[~large], plain[~large])  # the small cells: the limit of all rows


# the calibration


def test_cells_say_whose_limit_is_used(world):
    cells = world["calibration"].cells
    small = (cells.groups < 50) & (cells.index.get_level_values("by") != "all")
    assert (cells.used == np.where(small, "marginal", "own")).all() and small.any()
    assert cells.loc["phq9"].groupby("by").rows.sum().nunique() <= 2
    assert set(cells.loc["phq9"].loc["route"].index) >= set(world["model"].design_.routes)


def test_groups_count_once(world):
    "Every row five times with one label each: the same limits, and five times the rows in the cells."
    model, fresh = world["model"], world["fresh"]
    again = unc.calibrate(
        model, pd.concat([fresh] * 5, ignore_index=True), groups=np.tile(np.arange(len(fresh)), 5)
    )
    assert np.allclose(
        again.interval(world["said"], by="route"),
        world["calibration"].interval(world["said"], by="route"),
    )
    assert (again.cells.rows == 5 * world["calibration"].cells.rows).all() and (
        again.cells.groups == world["calibration"].cells.groups
    ).all()


def test_grouped_limits_cover_new_patients():
    "Patients with a common part: counting visits covers too little, weighing patients does not."
    rng, kept = np.random.default_rng(0), {"patients": [], "rows": []}
    for _ in range(400):
        common, size = rng.normal(size=31) ** 2, np.where(rng.random(31) < 0.2, 20, 1)
        s = np.repeat(common * np.where(size == 1, 3, 0.2), size) + 0.05 * rng.random(size.sum())
        code = np.repeat(np.arange(31), size)
        old = code < 30
        for name, w in (("patients", 1 / size[code[old]]), ("rows", None)):
            kept[name].append((s[~old] <= unc.conformal_quantile(s[old], 0.8, w)).mean())
    assert (
        np.mean(kept["patients"]) > 0.78 and np.mean(kept["rows"]) < np.mean(kept["patients"]) - 0.1
    )


def test_coverage_of_intervals_and_sets(world):
    said, c, test = world["said"], world["calibration"], world["test"]
    ends = pd.concat([c.interval(said), c.sets(said)], axis=1)
    table = cov.coverage_table(test, ends, by={"presence": said.presence})
    assert (table.xs("all", level="by").coverage > 0.86).all() and table.loc[
        "contacts"
    ].coverage.min() > 0.85
    assert (ends["contacts"] >= 0).all(axis=None) and (ends["contacts"] % 1 == 0).all(axis=None)
    assert (
        ends["case"].isin([0, 1]).all(axis=None)
        and (ends["severity"].lower <= ends["severity"].upper).all()
    )


def test_sets_have_no_holes_and_grow(world):
    said, c = world["said"], world["calibration"]
    narrow, wide = (c.sets(said, coverage=p) for p in (0.5, 0.95))
    for task in ("case", "severity"):
        assert (wide[task].lower <= narrow[task].lower).all() and (
            wide[task].upper >= narrow[task].upper
        ).all()
    far = unc.off_centre(np.random.default_rng(0).dirichlet(np.ones(6), 500))
    steps = np.sign(np.diff(far, axis=1))
    assert (np.diff(steps, axis=1) >= 0).all()  # down to the middle, then up


def test_round_trip_is_exact(world):
    c, said = world["calibration"], world["said"]
    wire = json.dumps(c.to_dict(), allow_nan=False)
    back = unc.Calibration.from_dict(json.loads(wire))
    assert json.dumps(back.to_dict()) == wire and back.cells.equals(c.cells)
    for ask in (
        lambda k: k.interval(said, by="route"),
        lambda k: k.sets(said, by="presence"),
        lambda k: k.probability(said),
    ):
        assert ask(back).equals(ask(c))
    assert back.similarity(said).equals(c.similarity(said))


def test_nothing_of_a_note_is_kept(world):
    fresh = world["fresh"].copy()
    fresh[world["model"].schema_.text[0]] = "zyxcanary " + fresh[
        world["model"].schema_.text[0]
    ].fillna("")
    assert "zyxcanary" not in json.dumps(unc.calibrate(world["model"], fresh).to_dict())


def test_bounds_are_kept(world):
    model = AdaRoute(
        **{**world["inputs"], "steps": 50}, tasks={"phq9": "regression"}, bounds={"phq9": (0, 27)}
    ).fit(world["train"].assign(phq9=world["train"].phq9.clip(0, 27)))
    said = predict_distribution(model, world["test"])
    ends = unc.calibrate(model, world["fresh"]).interval(said, coverage=0.99)
    assert ends.min(axis=None) >= 0 and ends.max(axis=None) <= 27
    assert np.allclose(said.mean, model.predict(world["test"]), atol=1e-4)


def test_too_few_rows_are_admitted(world):
    c = unc.calibrate(world["model"], world["fresh"].iloc[:7])
    with pytest.warns(UserWarning, match="needs at least 9 calibration rows"):
        assert np.isinf(c.interval(world["said"])["phq9"]).all(axis=None)
    assert c.similarity(world["said"]).isna().all()


def test_similarity_is_uniform_at_home_and_small_abroad(world):
    c, said, model, test = (world[k] for k in ("calibration", "said", "model", "test"))
    s = c.similarity(said)
    assert (s.isna() == (said.presence == "none")).all() and s.dropna().between(0, 1).all()
    assert abs((s.dropna() <= 0.2).mean() - 0.2) < 0.08
    numbers = list(model.schema_.numeric)
    abroad = c.similarity(model, test.assign(**(1.6 * test[numbers])))
    assert (abroad[said.presence == "both"] <= 0.05).mean() > 0.7


def test_recalibrated_probabilities(world):
    p = world["calibration"].probability(world["said"])["case"]
    assert (
        p.between(0, 1).all()
        and np.corrcoef(stats.rankdata(p), stats.rankdata(world["said"].mean["case"]))[0, 1] > 0.999
    )


def test_cross_calibration_repeats_itself(world):
    frame = world["train"].iloc[:200]
    model = AdaRoute(
        **{**world["inputs"], "members": 1, "steps": 100}, tasks={"phq9": "regression"}
    ).fit(frame)
    one, two = (
        unc.cross_calibrate(model, frame, groups=np.arange(200) // 2, folds=2) for _ in range(2)
    )
    assert json.dumps(one.to_dict()) == json.dumps(two.to_dict()) and one.how == "cross"
    everyone = one.cells.loc[("phq9", "all", "all")]
    assert everyone.rows == frame.phq9.notna().sum() and everyone.groups <= 100
    inside = world["test"].phq9.between(*one.interval(model, world["test"])["phq9"].to_numpy().T)[
        world["test"].phq9.notna()
    ]
    assert 0.8 < inside.mean() < 0.99


# coverage


def test_resamples_are_those_of_calibrations(world):
    "The fast way gives what calibrating on each split would give."
    model, fresh = world["model"], world["fresh"]
    for by in (None, "route"):
        splits = cov.Splits(3, seed=5)
        fast = cov.coverage_resamples(model, fresh, resamples=splits, by=by).coverage
        said = predict_distribution(model, fresh, outcomes=True)
        mine = next(splits.draw(len(fresh)))
        for r in range(3):
            c = unc.calibrate(model, fresh[mine[r]])
            ends = c.interval(said, by=by)["phq9"]
            y, rest = fresh.phq9, ~mine[r] & fresh.phq9.notna().to_numpy()
            assert fast.phq9[r] == pytest.approx(
                y.between(ends.lower - 1e-9, ends.upper + 1e-9)[rest].mean()
            )


def test_resamples_keep_the_promise(world):
    plain = cov.coverage_resamples(world["model"], world["test"], resamples=300)
    assert plain.coverage[["phq9", "contacts"]].mean().between(0.89, 0.915).all()
    apart = cov.coverage_resamples(
        world["model"], world["test"], resamples=300, by="route"
    ).cells.loc["phq9"]
    assert (apart.coverage_own.dropna() > 0.88).all() and apart.own.between(0, 1).all()


def test_small_cells_are_left_blank():
    y = pd.DataFrame({"y": np.zeros(30)})
    ends = pd.DataFrame({("y", "lower"): -1.0, ("y", "upper"): 1.0}, index=y.index)
    table = cov.coverage_table(y, ends, by={"site": np.repeat(["a", "b"], [27, 3])})
    assert (
        table.xs("b", level="cell").isna().all(axis=None)
        and table.xs("a", level="cell").coverage.item() == 1
    )


def test_wilson_is_scipys():
    for k, n in ((0, 7), (45, 50), (50, 50)):
        theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert np.allclose(cov.wilson_interval(k, n), (theirs.low, theirs.high))


def test_deferring(world):
    rng = np.random.default_rng(3)
    y, p = rng.normal(size=(2, 300))
    loss = (y - p) ** 2
    lot, best = cov.defer_curve(y, p, np.zeros(300)), cov.defer_curve(y, p, loss)
    assert (
        lot.area == pytest.approx(lot.random)
        and best.area == best.oracle
        and cov.defer_curve(y, p, -loss).area > lot.random
    )
    assert all(cov.defer_curve(y, p, rng.random(300)).area >= best.area for _ in range(20))
    said = world["said"]
    curve = cov.defer_curve(
        world["test"][["phq9", "case"]], said.mean[["phq9", "case"]], said.sd.phq9
    )
    assert (
        curve.oracle <= curve.area
        and len(curve.table) == world["test"][["phq9", "case"]].notna().any(axis=1).sum()
    )


# bad input


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda w: w["calibration"].interval(w["said"], coverage=1.0),
            "coverage: expected a number from",
        ),
        (
            lambda w: w["calibration"].interval(w["said"], by="site"),
            "by: expected None or 'route' or 'presence'",
        ),
        (
            lambda w: unc.calibrate(w["model"], w["fresh"], by="site"),
            "by: expected some of route, presence, got 'site'",
        ),
        (
            lambda w: unc.calibrate(w["model"], w["fresh"], groups=[1, 2]),
            "groups: expected 500 labels",
        ),
        (
            lambda w: unc.calibrate(w["model"], w["fresh"].assign(**{t: np.nan for t in TASKS})),
            "expected rows with an outcome, got none among 500",
        ),
        (
            lambda w: w["said"].quantile("case", 0.5),
            "outcome: expected one of kind regression (phq9), got 'case'",
        ),
        (
            lambda w: w["said"].probability("phq9"),
            "outcome: expected one of kind binary or ordinal (case, severity), got 'phq9'",
        ),
        (
            lambda w: w["calibration"].interval(replace(w["said"], tasks={"phq9": "regression"})),
            "expected the outcomes phq9, case",
        ),
        (
            lambda w: unc.Calibration.from_dict({"zyx": 1}),
            "calibration: expected tasks, how, least",
        ),
        (
            lambda w: predict_distribution(w["model"], w["model"].encode(w["test"]), outcomes=True),
            "expected a table, whose outcomes can be read",
        ),
        (lambda w: cov.defer_curve([1.0, 2], [1.0, 2], [1.0]), "uncertainty: expected 2 numbers"),
        (
            lambda w: cov.coverage_table(w["test"].iloc[:3], w["calibration"].interval(w["said"])),
            "outcome: expected 900 rows",
        ),
    ],
)
def test_errors_say_what_was_expected(world, call, message):
    with pytest.raises(ValueError) as caught:
        call(world)
    assert message in str(caught.value)


# the parts


def test_a_curve_needs_cases():
    none = unc._fit_curve(np.full(9, 0.5), np.zeros(9), np.arange(9))
    assert none == {"kind": "none"}


def test_a_shape_needs_patients():
    "Ninety texts of one patient have no shape, and no strangeness."
    ball = np.random.default_rng(0).normal(size=(3000, 5)) * [1, 2, 3, 4, 5]
    presence = np.repeat(["both", "text", "none"], [2900, 90, 10])
    shapes = unc._fit_shapes(ball, presence, np.r_[np.arange(2900), np.zeros(100, int)])
    assert list(shapes) == ["both"]
    strange = unc._measure_strangeness(shapes, ball, presence)
    assert np.isnan(strange[2900:]).all() and np.isfinite(strange[:2900]).all()


def test_groups_are_numbered():
    assert unc._number_groups(["b", "a", "b"], 3).tolist() == [0, 1, 0]
    assert unc._number_groups(None, 3).tolist() == [0, 1, 2]


def test_a_calibration_of_something_else_is_refused():
    with pytest.raises(ValueError) as refused:
        unc.Calibration.from_dict({"scores": {}})
    keys = "tasks, how, least, scores, curves, shapes"
    assert str(refused.value) == f"calibration: expected {keys}, got 5 missing or others"


def test_cells_are_checked():
    for least in (0, 1.5):
        with pytest.raises(ValueError, match="least: expected"):
            unc.Cells(least=least)
    with pytest.raises(ValueError, match="by: expected some of route, presence, got 'site'"):
        unc.keep_apart(("route", "site"))


def test_a_row_of_the_table():
    row = cov._cover_row(np.arange(50) < 45, np.full(50, 3.0), None, least=10)
    assert row[:2] == [50, 0.9] and row[4] == 3
    assert np.isnan(cov._cover_row(np.ones(9, bool), np.ones(9), None, least=10)).all()


def test_a_cell_over_three_splits():
    rows, covered = np.array([60.0, 40.0, 80.0]), np.array([0.8, 0.5, 1.0])
    assert np.allclose(cov._average_cell(rows, covered, least=50), [60, 2 / 3, 0.9, 0.5])


def test_questions_to_a_distribution():
    "One that does not suit the kind of outcome is refused."
    tasks = {"y": "regression", "ill": "binary"}
    asked = SimpleNamespace(tasks=tasks)
    assert dist._find_outcome(asked, "ill", "binary", "ordinal") == 1
    with pytest.raises(ValueError, match=r"kind ordinal \(there is none\), got 'y'"):
        dist._find_outcome(asked, "y", "ordinal")
