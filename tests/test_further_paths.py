"""A path is a plug-in: registered, fitted, saved, asked, explained and refused."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from adaroute import AdaRoute
from adaroute.evaluation.headroom import fixed_rules, statements
from adaroute.evaluation.interventions import controls, knock_out_routes
from adaroute.learners.larger import fit_streamed
from adaroute.learners.mixture import Cases, mix_experts
from adaroute.learners.schedule import Schedule, learn_best
from adaroute.learners.written import write_mixture
from adaroute.model import predict_mean
from adaroute.policy.attribution import moved_by
from adaroute.policy.cards import route_agreement, route_card, route_map, route_usage, usage_by
from adaroute.policy.cards import wanted_evidence
from adaroute.policy.page_model import export_page_model
from adaroute.policy.reading_cost import priced_routes, train_gate
from adaroute.policy.rules import surrogate_tree
from adaroute.provenance.plan import PlanError, plan_config
from adaroute.provenance.transcript import Recorder
from adaroute.registry import find_path, list_paths, register_path, unregister_path
from adaroute.report import write_report
from adaroute.report.policy_figures import card_picture, groups_picture, route_map_picture
from adaroute.report.policy_figures import three_shares
from adaroute.schema import ROUTES, Schema, SchemaError, read
from adaroute.serving.plain import load_plain
from adaroute.synthetic import make_cohort
from adaroute.uncertainty import calibrate
from adaroute.worlds.weekly import WEEKS, make_weekly, slope_of, unrest_of

WORDS = "how the weekly scores run"


def make_slope(rows):
    return [slope_of(rows["series"]), rows["series"].mean(axis=1)]


def make_unrest(rows):
    return [np.log(np.abs(np.diff(rows["series"], axis=1)).mean(axis=1) + 1e-3)]


COLUMNS = {"slope": make_slope, "unrest": make_unrest}


def squash(rows):
    return [np.maximum(rows["numbers"], 0), np.minimum(np.abs(rows["numbers"]), 2)]


def share_missed(model, fresh) -> float:
    "Squared error to the best possible prediction, over its variance."
    said = model.predict(fresh.frame).to_numpy()
    return float(((said - fresh.bayes) ** 2).mean() / fresh.bayes.var())


def likeliest_path(model, frame) -> np.ndarray:
    p = model.predict_routes(frame)
    paths = np.array([name.split("/")[0] for name in p.columns[::2]])
    return paths[p.to_numpy().reshape(len(p), -1, 2).sum(axis=2).argmax(axis=1)]


@pytest.fixture(autouse=True)
def no_trace():
    yield
    left = [path.name for path in list_paths()]
    for name in left:
        unregister_path(name)
    assert not left


@pytest.fixture(scope="module")
def cohort():
    return make_weekly(400)


@pytest.fixture(scope="module")
def fresh():
    "Rows with gaps: without a series, with a gap inside, without a note, without anything but a series."
    made = make_weekly(240, draw=1)
    frame = made.frame
    frame.loc[:39, list(WEEKS)] = np.nan
    frame.loc[40:79, "week3"] = np.nan
    frame.loc[20:59, "note"] = None
    frame.loc[230:, ["note", *made.schema.numeric]] = np.nan
    return frame.assign(site=np.where(np.arange(240) % 2, "a", "b"))


@pytest.fixture(scope="module")
def fitted(cohort):
    with register_path("S1", "series", make_slope, WORDS, short="weekly scores"):
        return AdaRoute(**cohort.schema.roles, seed=1).fit(cohort.frame)


@pytest.fixture
def path():
    with register_path("S1", "series", make_slope, WORDS, short="weekly scores") as path:
        yield path


@pytest.mark.parametrize("matters", COLUMNS)
def test_the_path_is_found_and_pays(matters):
    shares, ratios, plain = [], [], []
    for seed in range(3):
        made, test = (make_weekly(n, seed, d, matters) for n, d in ((500, 0), (1500, 1)))
        with register_path("S1", "series", COLUMNS[matters], WORDS):
            model = AdaRoute(**made.schema.roles).fit(made.frame)
            found = likeliest_path(model, test.frame)[test.group == 1] == "S1"
            ours = share_missed(model, test)
        roles = made.schema.plain_roles
        numbers = AdaRoute(**roles).fit(made.frame)
        roles["numeric"] = roles["numeric"][: -len(WEEKS)]
        blind = AdaRoute(**roles).fit(made.frame)
        shares.append(found.mean())
        ratios.append(ours / share_missed(blind, test))
        plain.append(ours / share_missed(numbers, test))
    assert min(shares) > 0.8 and max(ratios) < 0.35, (shares, ratios)
    # of the slope, which is linear, the numbers' own path can learn too; of the unrest it cannot
    assert max(plain) < (1.2 if matters == "slope" else 0.35), plain


def test_the_gradient_learner_serves_it(cohort, path):
    test = make_weekly(1000, draw=2)
    how = dict(learner="gradient", members=1, starts=1, steps=600)
    model = AdaRoute(**cohort.schema.roles, **how).fit(cohort.frame)
    assert (likeliest_path(model, test.frame)[test.group == 1] == "S1").mean() > 0.5
    own = model.model_.paths.on_further["S1"]
    assert own.shape == (1, 2, model.design_.width) and own.abs().sum() > 0


def test_the_written_model_says_what_was_learned(cohort, fitted, path):
    reader = fitted.fitted_.reader
    rows = reader.rows(read(cohort.frame, cohort.schema))
    one = np.ones(len(cohort))
    cases = Cases(rows.joined.double().numpy(), rows.y.double().numpy(), rows.open.numpy(), one)
    about = cases, reader.widths, reader.design.paths, reader.design.sharings
    m, _ = learn_best(*about, starts=(Schedule(paths=8, routes=8),))
    model = write_mixture(reader, m, 0).double()
    said = predict_mean(model, model(rows.joined.double()[None], rows.open[None]))
    wanted = mix_experts(m, cases.joined, cases.open)
    assert np.abs(said[0].detach().numpy() - wanted).max() < 1e-4


def test_rows_without_the_series_cannot_take_it(fitted, fresh, path):
    p = fitted.predict_routes(fresh)
    assert list(p.columns) == [*ROUTES, *path.routes] == list(fitted.design_.lattice)
    assert (p.iloc[:40][list(path.routes)] == 0).all(axis=None)
    assert (p.iloc[40:230][list(path.routes)].sum(axis=1) > 0).all(), "a gap inside closes nothing"
    assert np.allclose(p.iloc[230:][list(path.routes)].sum(axis=1), 1), "a series alone can be read"
    told = fitted.describe(fresh)["presence"]
    kinds = [told.iloc[row] for row in (0, 30, 50, 100, 235)]
    series = ["numbers, text", "numbers", "numbers, series", "numbers, text, series", "series"]
    assert kinds == series
    assert fitted.predict_experts(fresh).shape == (240, 10, 2)
    assert fitted.predict_interval(fresh).notna().all(axis=None)


def test_a_gap_is_filled_and_flagged(cohort, path):
    frame = cohort.frame.copy()
    frame.loc[:99, "week5"] = np.nan
    model = AdaRoute(**cohort.schema.roles, routes=("N1/STL", "S1/STL")).fit(frame)
    assert dict(model.widths_.further) == {"series": (13,), "S1": (1, 1, 1)}
    flag = model.fitted_.reader.rows(read(frame, model.schema_)).joined[:, -1]
    assert torch.equal(flag, torch.cat([torch.ones(100), torch.zeros(300)]))


def test_a_model_is_saved_with_the_names_of_what_it_needs(fitted, fresh, path, tmp_path):
    folder = fitted.save(tmp_path / "model")
    again = AdaRoute.load(folder)
    assert again.predict(fresh).equals(fitted.predict(fresh))
    assert again.modalities == {"series": list(WEEKS)} and again.design_.lattice[-1] == "S1/MTL"
    assert (
        again.save(tmp_path / "again").joinpath("model.json").read_bytes()
        == (folder / "model.json").read_bytes()
    )
    with pytest.raises(ValueError, match="numbers and notes alone where torch is not there"):
        load_plain(folder)
    card = (folder / "MODEL_CARD.md").read_text()
    for line in ("Reads the modality series: week1, ", "`adaroute.registry.register_path`: S1."):
        assert line in card
    unregister_path("S1")
    for ask in (lambda: AdaRoute.load(folder), lambda: fitted.predict(fresh)):
        with pytest.raises(ValueError, match=r"path S1: expected register_path\('S1', ...\)"):
            ask()
    with register_path("S1", "series", lambda rows: rows["series"][:, :2], WORDS):
        with pytest.raises(ValueError, match="got others under that name"):
            AdaRoute.load(folder)
        with pytest.raises(ValueError, match="blocks"):
            fitted.predict(fresh)
    with register_path("S1", "picture", lambda rows: rows["picture"], WORDS):
        with pytest.raises(ValueError, match="modalities={'picture'"):
            AdaRoute.load(folder)


@pytest.mark.parametrize("learner", ["closed_form", "gradient"])
def test_nothing_changes_for_others(learner, tmp_path):
    "What was registered for one model is no part of another, not in a byte."
    made = make_cohort(120)
    short = dict(members=1, starts=1, steps=20) if learner == "gradient" else {}
    before = AdaRoute(**made.schema.roles, learner=learner, **short).fit(made.frame)
    before.save(tmp_path / "before")
    with (
        register_path("B1", "numbers", squash, "the numbers, bent"),
        register_path("S1", "series", make_slope, WORDS),
    ):
        after = AdaRoute(**made.schema.roles, learner=learner, **short).fit(made.frame)
        after.save(tmp_path / "after")
        assert list(before.predict_routes(made.frame).columns) == list(ROUTES)
    for name in ("model.json", "weights.safetensors", "manifest.json"):
        first, second = (tmp_path / of / name for of in ("before", "after"))
        assert first.read_bytes() == second.read_bytes()


def test_a_path_of_numbers_is_switched_on_by_name():
    made = make_cohort(200)
    with register_path("B1", "numbers", squash, "the numbers, bent") as bent:
        routes = (*ROUTES, *bent.routes)
        model = AdaRoute(**made.schema.roles, routes=routes).fit(made.frame)
        assert model.design_.paths == ("N1", "T1", "N2", "T2", "B1")
        p = model.predict_routes(made.frame)
        assert np.allclose(p.sum(axis=1), 1) and p["B1/STL"].max() > 0
        mute = made.frame.assign(**dict.fromkeys(made.schema.numeric, np.nan))
        mute = mute.assign(**dict.fromkeys(made.schema.categorical))
        assert (model.predict_routes(mute)[list(bent.routes)] == 0).all(axis=None)
        card = route_card(model, made.frame, 3)
        assert card.experts.index[-1] == "B1/MTL"
        corner = AdaRoute(**made.schema.roles, routes=bent.routes[:1]).fit(made.frame)
        assert corner.predict_routes(made.frame)["B1/STL"].eq(1).all()


def test_cards_and_rules_speak_of_it(fitted, fresh, path):
    usage = route_usage(fitted, fresh)
    assert list(usage.index) == list(fitted.design_.lattice) and usage.rows.sum() == 240
    assert np.isclose(
        route_map(fitted, fresh)["S1"].mean(), usage.probability[-2:].sum(), atol=1e-5
    )
    own = likeliest_path(fitted, fresh)
    row = int(np.flatnonzero(own == "S1")[5])
    card = route_card(fitted, fresh, row)
    assert card.route.startswith("S1") and not card.hidden["series"].startswith("S1")
    assert "Without series:" in str(card)
    wanted = wanted_evidence(fitted, fresh).wanted
    assert wanted.iloc[:40].eq("series").any() and not wanted.iloc[60:230].eq("series").any()
    agree = route_agreement(fitted, fresh, by="path")["path"]
    assert (agree.to_numpy() == own).all()
    moved = moved_by(fitted, fresh, rows=np.flatnonzero(own == "S1"), toward="mood")
    assert moved.ranking().iloc[0][["kind", "input"]].tolist() == ["path", "S1"]
    assert moved_by(fitted, fresh, rows=[100], toward="S1").total.notna().sum() == 1
    rules = surrogate_tree(fitted, make_weekly(300, draw=3).frame, "path")
    assert "S1" in {rule.answer for rule in rules.rules}


def test_evaluation_counts_it(fitted, path):
    made = make_weekly(300, draw=4)
    s = statements(fitted, made.frame)
    assert s.lattice == fitted.design_.lattice and s.open.shape == (300, 10)
    rules = fixed_rules(s, {}, np.arange(300) % 3)
    assert "S1/MTL" in rules and set(controls(s)) >= {"routed", "shuffled"}
    closed = knock_out_routes(s, draws=50)
    assert closed.iloc[:, 1][["S1/STL", "S1/MTL"]].max() > 0


def test_report_and_figures_grow(fitted, fresh, path, tmp_path):
    calibration = calibrate(fitted, make_weekly(200, draw=5).frame)
    page = write_report(fitted, fresh, tmp_path / "r.html", calibration, by="site").read_text()
    for words in ("weekly scores", WORDS, "There are 10", ".xp-S1 {", "12 series columns"):
        assert words in page, words
    assert "Without its series" in page or "series" in page
    p = fitted.predict_routes(fresh)
    legend = route_map_picture(p).legends[0].get_texts()
    assert "weekly scores" in [text.get_text() for text in legend]
    assert three_shares(p).shape == (240, 4) and np.allclose(three_shares(p).sum(axis=1), 1)
    usage = usage_by(fitted, fresh, "site")
    assert len(groups_picture(usage).axes[0].patches) == 2 * 10
    said = fitted.predict_experts(fresh.iloc[[100]])[0]
    bars = card_picture(p.iloc[100], said, {"mood": 0.0, "strain": 0.0}).axes[0]
    assert [label.get_text() for label in bars.get_yticklabels()] == list(p.columns)
    with pytest.raises(ValueError, match=r"expected shape \(n, 8\), got \(240, 10\)"):
        route_map_picture(p.to_numpy())


def test_what_does_not_serve_it_says_so(cohort, fitted, fresh, path, tmp_path):
    alone = "expected a model of numbers and notes alone, got series, S1 beside"
    for ask in (
        lambda: export_page_model(fitted, fresh),
        lambda: train_gate(fitted, fresh),
        lambda: priced_routes(fitted, fresh, {"text": 0.1}),
    ):
        with pytest.raises(ValueError, match=alone):
            ask()
    with pytest.raises(PlanError, match="no modalities and no further paths"):
        plan_config(fitted)
    with pytest.raises(PlanError, match="no modalities and no further paths"):
        plan_config(AdaRoute(tasks=cohort.schema.tasks, routes=("N1/STL", "S1/STL")))
    watched = AdaRoute(**cohort.schema.roles, watch=Recorder(tmp_path / "run"))
    with pytest.raises(ValueError, match="the proof of training data knows the four paths alone"):
        watched.fit(cohort.frame)
    file = tmp_path / "table.csv"
    cohort.frame.to_csv(file, index=False)
    with pytest.raises(ValueError, match="no modalities and the four paths"):
        fit_streamed(AdaRoute(**cohort.schema.roles), file)


@pytest.mark.parametrize(
    "columns, why",
    [
        (lambda rows: rows["series"][:-1], "400 rows and at least one column each"),
        (lambda rows: rows["series"][:, :, None], "an array"),
        (lambda rows: np.log(rows["series"] * 0), "finite"),
        (lambda rows: rows["series"].astype(str), "columns of numbers"),
        (lambda rows: [], "got none"),
        (lambda rows: rows["series"] - rows["series"].mean(axis=0), "for a row alone"),
    ],
)
def test_columns_that_cannot_be_are_refused_in_one_line(cohort, columns, why):
    with register_path("S1", "series", columns, WORDS), np.errstate(divide="ignore"):
        with pytest.raises(ValueError, match="path S1: expected") as told:
            AdaRoute(**cohort.schema.roles).fit(cohort.frame)
    assert why in str(told.value) and "\n" not in str(told.value)


def test_what_is_not_there_is_named(cohort, path):
    roles = cohort.schema.plain_roles
    with pytest.raises(ValueError, match="path S1: expected AdaRoute.modalities={'series'"):
        AdaRoute(**roles, routes=("N1/STL", "S1/STL")).fit(cohort.frame)
    with pytest.raises(ValueError, match=r"path S2: expected register_path\('S2', ...\)"):
        AdaRoute(**roles, routes=("N1/STL", "S2/STL")).fit(cohort.frame)
    with pytest.raises(ValueError, match="not taken"):
        register_path("S1", "series", make_slope, WORDS)
    with pytest.warns(UserWarning, match="modality serie: no path of the model reads it"):
        AdaRoute(**roles | {"numeric": roles["numeric"][:6]}, modalities={"serie": WEEKS}).fit(
            cohort.frame
        )
    assert find_path("S1") is path


@pytest.mark.parametrize(
    "modalities, why",
    [
        (["week1"], "expected a dictionary"),
        ({"text": ["week1"]}, "other than numbers, text, facts"),
        ({"a series": ["week1"]}, "one word as a name"),
        ({"series": []}, "at least one column"),
        ({"series": ["week1"], "other": ["week1"]}, "expected one role"),
        ({"series": ["score1"]}, "expected one role"),
    ],
)
def test_modalities_that_cannot_be_are_refused(modalities, why):
    with pytest.raises(SchemaError, match=why):
        Schema(numeric=["score1"], tasks={"y": "regression"}, modalities=modalities)


def test_a_table_without_the_columns_is_refused(cohort, fitted, path):
    with pytest.raises(SchemaError, match="'week7'"):
        fitted.predict(cohort.frame.drop(columns="week7"))
    words = cohort.frame.assign(week7="low")
    with pytest.raises(SchemaError, match="a number or missing"):
        fitted.predict(words)


def test_it_is_an_estimator_as_any_other(cohort, path):
    est = AdaRoute(**cohort.schema.roles)
    assert clone(est).get_params() == est.get_params()
    assert est.get_params()["modalities"] == {"series": list(WEEKS)}
    guessed = AdaRoute(tasks=est.tasks, modalities={"series": WEEKS}, learner="closed_form")
    guessed.fit(cohort.frame.astype({"note": object}))
    assert guessed.schema_.modalities == {"series": WEEKS}
    assert not set(WEEKS) & set(guessed.schema_.numeric)
    assert list(guessed.feature_names_in_[-12:]) == list(WEEKS)


def test_two_modalities_and_groups_and_weights(path):
    made = make_weekly(300, seed=2)
    frame = made.frame.assign(p1=made.frame.score1**2, p2=1.0, who=np.arange(300) // 2)
    roles = made.schema.roles
    roles["modalities"] = roles["modalities"] | {"picture": ["p1", "p2"]}
    with register_path("V1", ("picture", "numbers"), lambda rows: rows["picture"], "a picture"):
        model = AdaRoute(**roles).fit(frame, groups=frame.who, weights=1 + frame.who % 3)
        assert model.design_.paths[-2:] == ("S1", "V1")
        assert model.schema_.kinds == ("numbers", "text", "series", "picture")
        gone = frame.assign(p1=np.nan, p2=np.nan)
        assert (model.predict_routes(gone)[["V1/STL", "V1/MTL"]] == 0).all(axis=None)


def test_all_kinds_of_outcomes(path):
    made = make_weekly(300, seed=3)
    frame = made.frame.assign(
        mood=(made.frame.mood > 0).astype(int), strain=np.digitize(made.frame.strain, [-1, 0, 1])
    )
    tasks = {"mood": "binary", "strain": "ordinal"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = AdaRoute(**made.schema.roles | {"tasks": tasks}).fit(frame)
    chances = model.predict_proba(frame, "mood")
    assert np.allclose(chances.sum(axis=1), 1)
    assert isinstance(model.predict(frame), pd.DataFrame)
