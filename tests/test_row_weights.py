"Weights of rows: two is twice, zero is none, one is nothing, and never an input."

import json
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from adaroute import AdaRoute
from adaroute.checks import SchemaError
from adaroute.demo import make_clinic
from adaroute.evaluation.comparison import compare_out_of_fold, score_all
from adaroute.evaluation.headroom import headroom_report, statements
from adaroute.evaluation.quality import judge_quality
from adaroute.evaluation.verdict import claims_help
from adaroute.fitting import begin_lanes, course_of, learn_reader, settle_choices, weigh_split
from adaroute.prior import Prior
from adaroute.provenance.plan import PlanError, plan_config
from adaroute.provenance.transcript import Recorder
from adaroute.row_weights import balance_weights
from adaroute.schema import infer, read
from adaroute.training import Session, Settings, Split, gather, look, take_step, train
from click.testing import CliRunner

TASKS = {"phq9": "regression", "gad7": "regression"}
ROLES = dict(text=["note"], numeric=["age", "visits"], categorical=["sex"], tasks=TASKS)
SHORT = dict(steps=40, members=1, starts=1, seed=0)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    frame = make_clinic(120).frame
    return frame.assign(w=1.0 + 3 * (frame.phq9 > 12))


def quick(learner) -> dict:
    return {"guard": False} if learner == "closed_form" else {}


def fit(frame, **how) -> AdaRoute:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AdaRoute(**ROLES | SHORT | quick(how.get("learner")) | how).fit(frame)


@pytest.mark.parametrize("learner, weight", [("gradient", 0.37), ("closed_form", 1.0)])
def test_weights_that_are_alike_change_no_bit(table, learner, weight):
    how = dict(learner=learner, spares=learner == "gradient")
    plain = fit(table, **how).predict(table)
    assert fit(table.assign(w=weight), weight="w", **how).predict(table).equals(plain)


@pytest.mark.parametrize("learner", ["gradient", "closed_form"])
def test_rows_of_weight_zero_teach_nothing(table, learner):
    counts = np.random.default_rng(0).integers(0, 3, len(table)).astype(float)
    half = fit(table.assign(w=counts), weight="w", learner=learner)
    other = table.assign(w=counts)
    other.loc[counts == 0, ["phq9", "gad7", "age"]] = [27.0, 0.0, 99.0]
    assert half.predict(table).equals(fit(other, weight="w", learner=learner).predict(table))


def test_the_loss_of_a_doubled_row_is_that_of_two(table):
    "With all rows in one batch, the loss of a step is that of the table with copies."
    est = AdaRoute(**ROLES | SHORT, design=dict(start="random"))
    choices, schema = settle_choices(est), infer(table, TASKS, ["note"], ["age"], ["sex"])
    batch, settings = read(table, schema), Settings(steps=100, batch=10**6)
    reader = learn_reader(est, batch, np.arange(len(table)), choices)
    whole = reader.rows(batch)  # whose numbers aim the paths, in all three
    counts = np.random.default_rng(1).integers(1, 4, len(table))
    found, none = [], Prior(evidence=0, axis=0, heads=0, router=0)  # it counts rows, not weights
    for part, weight in (
        (np.arange(len(table)), counts.astype(float)),
        (np.repeat(np.arange(len(table)), counts), None),
        (np.arange(len(table)), None),
    ):
        rows, every = reader.rows(batch.take(part)), torch.arange(len(part))[None]
        split = weigh_split(Split(every, every), weight)
        model = begin_lanes(reader, course_of(est, choices), whole, split)
        run = train(model, rows, split, settings, none, Session(stop_at=0))
        looked = look(run.model, gather(rows, every), False, split.weigh(every))
        loss = take_step(run, rows, split, settings, none)
        found.append([loss.item(), looked.validation.item()])
    assert found[0] == pytest.approx(found[1], rel=1e-4)
    assert found[0] != pytest.approx(found[2], rel=1e-3)


def test_weights_move_a_fit_to_whom_it_stands_for(table):
    for learner in ("gradient", "closed_form"):
        plain, weighted = fit(table, learner=learner), fit(table, weight="w", learner=learner)
        mean = np.average(table.phq9, weights=table.w)
        off = [abs(m.predict(table).phq9.mean() - mean) for m in (plain, weighted)]
        assert off[1] < 0.9 * off[0], learner  # by how much hangs on the optimum found
        empty = table[["note", "age", "visits", "sex"]].assign(note=None, age=np.nan, visits=np.nan)
        with pytest.warns(UserWarning, match="nothing that an allowed route reads"):
            assert weighted.predict(empty.assign(sex=None)).phq9.iloc[0] == pytest.approx(
                mean, abs=1e-3
            )


def test_a_weight_is_never_an_input(table):
    found = AdaRoute(tasks=TASKS, **SHORT, weight="w").fit(table)
    assert "w" not in found.schema_.inputs and "w" not in found.feature_names_in_
    assert found.predict(table.drop(columns="w")).equals(found.predict(table.assign(w=9.0)))


@pytest.mark.parametrize(
    "column, message",
    [
        ([-1.0], "got a number below 0 at row 0"),
        ([np.nan], "got nothing at row 0"),
        ([np.inf], "got an infinite value at row 0"),
        (["2"], "got a value of type str at row 0"),
        (None, "not all 0, got 120 of 0"),
    ],
)
def test_wrong_weights_are_refused(table, column, message):
    weights = table.w.astype(object)
    weights.iloc[:1] = column if column else 0.0
    weights = weights if column else 0.0
    for learner in ("gradient", "closed_form"):
        with pytest.raises(SchemaError, match=message) as caught:
            fit(table.assign(w=weights), weight="w", learner=learner)
        assert "\n" not in str(caught.value)


def test_a_column_has_one_role(table):
    for name, role in (("phq9", "tasks"), ("note", "text"), ("age", "numeric")):
        with pytest.raises(SchemaError, match=f"got {role} and weight"):
            fit(table, weight=name)
    with pytest.raises(SchemaError, match="got no such column"):
        fit(table, weight="wt")
    with pytest.raises(ValueError, match="expected none beside weight='w'"):
        AdaRoute(**ROLES | SHORT, weight="w").fit(table, weights=np.ones(len(table)))


def test_the_proof_refuses_weights(table, tmp_path):
    with pytest.raises(PlanError, match="counts every row alike"):
        plan_config(AdaRoute(**ROLES, weight="w"))
    assert "weight" not in plan_config(AdaRoute(**ROLES))
    for how in (dict(weight="w"), {}):
        est = AdaRoute(**ROLES | SHORT, **how, watch=Recorder(tmp_path / "run"))
        with pytest.raises(ValueError, match="counts every row alike"):
            est.fit(table, weights=None if how else table.w)


def test_scores_count_rows(table):
    "Scores, gains and claims of weighted rows are those of rows that are copied, as estimates."
    model = fit(table[:70], weight="w")
    rest = table[70:].reset_index(drop=True)
    copies = rest.loc[rest.index.repeat(rest.w.astype(int))].reset_index(drop=True)
    heard, alike = statements(model, rest), statements(model, copies.assign(w=1.0))
    names = ("routed", "uniform")
    room, same = headroom_report(heard, draws=20), headroom_report(alike, draws=20)
    assert np.allclose(room.table.error[list(names)], same.table.error[list(names)])
    assert room.corner == same.corner
    ill = {"ill": "binary"}
    y, p = (rest.phq9 > 11).to_numpy(float)[:, None], heard.routes[:, :1]
    index = rest.index.repeat(rest.w.astype(int))
    for tasks, truth, said in ((ill, y, p), ({"a": "ordinal"}, y, p), ({"a": "count"}, y, p)):
        one = score_all(truth, {"m": said}, tasks, weight=rest.w, draws=20)
        two = score_all(truth[index], {"m": said[index]}, tasks, draws=20)
        assert np.allclose(one.estimate, two.estimate)
    gain = claims_help({"r": p[:, 0] - 0.3}, weight=rest.w, draws=50).gain.estimate
    assert gain == pytest.approx(claims_help({"r": p[index, 0] - 0.3}, draws=50).gain.estimate)
    found = judge_quality(model, rest, table[:70], draws=20)
    off = np.average(np.abs(rest.phq9 - model.predict(rest).phq9), weights=rest.w)
    assert found.own("phq9", "mae").estimate == pytest.approx(off, abs=1e-3)


def test_evaluate_counts_rows_everywhere(table):
    est = AdaRoute(**ROLES | SHORT, weight="w")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = compare_out_of_fold(est, table, folds=2, draws=20, rivals=["mean", "ridge"])
        plain = compare_out_of_fold(
            AdaRoute(**ROLES | SHORT), table, folds=2, draws=20, rivals=["mean"]
        )
    said = found.predictions["mean"][:, 0]
    off = np.average(np.abs(table.phq9 - said), weights=table.w)
    scores = found.scores.query("outcome == 'phq9' and score == 'mae' and model == 'mean'")
    assert scores.estimate.item() == pytest.approx(off)
    assert (
        said.mean() > plain.predictions["mean"][:, 0].mean() + 1
    )  # the rival learned with weights


def run(*words):
    from adaroute.command.main import main

    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture(scope="module")
def folder(table, tmp_path_factory):
    place = tmp_path_factory.mktemp("survey")
    table.to_csv(place / "t.csv", index=False)
    return place


TYPED = "--text note --categorical sex --outcome phq9:regression --outcome gad7:regression".split()


def test_the_command_line(folder):
    short = ("--steps", 40, "--members", 1, "--no-spares", "--calibration", 0.3)
    file, out, page = folder / "t.csv", folder / "m", folder / "r.html"
    done = run("fit", file, *TYPED, "--weight", "w", "--out", out, *short)
    assert done.exit_code == 0, done.output
    assert "weights:     w" in done.output and "Weighted by 'w'" in done.output
    about = json.loads((out / "model.json").read_text())
    assert about["params"]["weight"] == "w" and "w" not in about["schema"]["numeric"]
    assert "Scores are weighted by column w." in (out / "MODEL_CARD.md").read_text()
    assert run("explain", out, file, "--out", page).exit_code == 0
    assert "Weighted by" in page.read_text()
    more = ("--rival", "mean", "--folds", 2, "--draws", 20)
    lines = run("evaluate", file, *TYPED, "--weight", "w", *short[:4], *more)
    assert "Weighted by 'w'" in lines.output
    assert run("predict", out, file, "--out", folder / "p.csv").exit_code == 0


@pytest.mark.parametrize(
    "words, message",
    [
        (("fit", "--weight", "phq9", "--out", "m2"), "got that of --outcome"),
        (("fit", "--weight", "note", "--out", "m2"), "got that of --text"),
        (("fit", "--group", "site", "--weight", "site", "--out", "m2"), "got that of --group"),
        (("fit", "--weight", "W", "--out", "m2"), "did you mean 'w'"),
        (("fit", "--weight", "w", "--out", "m2", "--transcript", "tr"), "counts every row alike"),
        (("fit", "--weight", "w", "--plan", "p", "--transcript", "tr"), "counts every row alike"),
        (("commit", "--weight", "w", "--key", "k", "--out", "p"), "counts every row alike"),
    ],
)
def test_refusals_at_the_command_line(folder, words, message):
    typed = () if "--plan" in words else TYPED
    done = run(words[0], folder / "t.csv", *typed, *words[1:])
    assert done.exit_code and message in done.output and len(done.output.splitlines()) == 1
    assert not (folder / "m2").exists()


def test_on_average_one():
    assert balance_weights(np.array([1.0, 3.0])).mean() == 1
