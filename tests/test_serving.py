"A saved model says in numpy what it says in torch, whatever it is made of."

import hashlib
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save

from adaroute import AdaRoute
from adaroute.command import ask
from adaroute.features import encoder
from adaroute.schema import open_routes
from adaroute.serving import bound_rows, describe_rows, load_plain, read_rows
from adaroute.serving.dispatch import choose_densely, choose_sparsely, predict_likeliest
from adaroute.synthetic import make_cohort
from adaroute.tables import read_table
from adaroute.uncertainty.conformal import calibrate
from adaroute.uncertainty.distribution import predict_distribution

PIN = Path(__file__).parent / "pins/0.1.0"

SHORT = dict(steps=20, members=2, starts=1, seed=0)
DESIGNS = {
    "joint router": dict(router="joint"),
    "a route for each outcome": dict(route_per="sample_task"),
    "a single corner": dict(routes=("T2/MTL",)),
    "a corner without notes": dict(routes=("N1/STL",)),
    "no text routes": dict(routes=("N1/STL", "N1/MTL")),
    "three routes": dict(routes=("N1/STL", "T1/STL", "N2/STL"), spares=True),
    "closed form, guarded": dict(learner="closed_form"),
}


@pytest.fixture(scope="module")
def tables():
    "A training table with gaps, and fresh rows, the last two of which hold nothing."
    cohort = make_cohort(220, "missing", seed=101)
    fresh = make_cohort(120, "missing", seed=101, draw=1).frame
    roles = cohort.schema.roles
    empty = [name for kind in ("text", "numeric", "categorical") for name in roles[kind]]
    fresh.loc[fresh.index[-2:], empty] = None
    return cohort.frame, roles, fresh


def compare(model, fresh, folder) -> float:
    "The largest difference between both readers, in whatever can be asked of both."
    model.save(folder)
    return compare_readers(load_plain(folder), model, fresh)


def compare_readers(plain, model, fresh) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows, encoded = read_rows(plain, fresh), model.encode(fresh)
        pairs = [(plain.predict(fresh), model.predict(fresh))]
        pairs += [(plain.predict_routes(fresh), model.predict_routes(fresh))]
        pairs += [(describe_rows(plain, rows), model.describe(encoded))]
        if {"regression", "count"} & set(model.schema_.tasks.values()):
            pairs += [(bound_rows(plain, rows), model.predict_interval(encoded))]
        mine, theirs = (predict_distribution(m, fresh) for m in (plain, model))
    pairs += [(mine.mean, theirs.mean), (mine.sd, theirs.sd)]
    pairs += [(mine.probability(task), theirs.probability(task)) for task in theirs.levels]
    assert (mine.presence == theirs.presence).all() and (mine.evidence == theirs.evidence).all()
    compare_choices(plain, rows)
    assert mine.experts == theirs.experts and (mine.bounds == theirs.bounds).all()
    return max(measure(*pair) for pair in pairs)


def compare_choices(plain, rows) -> None:
    "The likeliest route is the same, and says the same, whether all is computed or only that."
    net = plain.network
    asked = net, rows.joined, open_routes(rows.presence, net.experts)
    dense, sparse = choose_densely(*asked), choose_sparsely(*asked)
    assert np.array_equal(dense.route, sparse.route)
    there = dense.route >= 0
    assert np.allclose(dense.expected[there], sparse.expected[there], atol=1e-10)


def measure(mine: pd.DataFrame, theirs: pd.DataFrame) -> float:
    "The largest difference in numbers; words must be the same."
    assert mine.index.equals(theirs.index) and list(mine) == list(theirs)
    words = theirs.select_dtypes(exclude="number").columns
    assert (mine[words].fillna("") == theirs[words].fillna("")).all().all()
    rest = [name for name in theirs if name not in words]
    return float(np.abs(mine[rest] - theirs[rest]).max().max())


@pytest.mark.parametrize("name", DESIGNS)
def test_both_readers_agree(name, tables, tmp_path):
    frame, roles, fresh = tables
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AdaRoute(**roles, **SHORT, **DESIGNS[name]).fit(frame)
    assert compare(model, fresh, tmp_path / "model") < 1e-7


def test_a_model_of_the_first_version():
    frame = read_table(PIN / "cohort.csv", "note", "auto", ["sex", "site"], {}, ignore=["id"])
    assert json.loads((PIN / "model/model.json").read_text())["format"] == 2
    plain, model = load_plain(PIN / "model"), AdaRoute.load(PIN / "model")
    assert compare_readers(plain, model, frame[list(model.schema_.inputs)]) < 1e-7


@pytest.mark.parametrize("spares", [False, True])
def test_other_kinds_of_outcome(spares, tables, tmp_path):
    frame, roles, fresh = tables
    frame = frame.assign(
        ill=(frame.phq9 > frame.phq9.median()).astype(float),
        level=pd.qcut(frame.gad7, 4, labels=False).astype(float),
        days=frame.phq9.clip(0).round(),
    )
    tasks = dict(ill="binary", level="ordinal", days="count")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AdaRoute(**{**roles, "tasks": tasks}, **SHORT, spares=spares).fit(frame)
    assert compare(model, fresh, tmp_path / "model") < 1e-7


def test_ends_of_a_scale(tables, tmp_path):
    frame, roles, fresh = tables
    ends = dict(phq9=(frame.phq9.min(), frame.phq9.max()))
    model = AdaRoute(**roles, **SHORT, bounds=ends).fit(frame)
    assert compare(model, fresh, tmp_path / "model") < 1e-7


def test_rows_without_evidence_are_told(tables, tmp_path):
    frame, roles, fresh = tables
    AdaRoute(**roles, **SHORT).fit(frame).save(tmp_path / "model")
    with pytest.warns(UserWarning, match="nothing that an allowed route reads") as told:
        load_plain(tmp_path / "model").predict(fresh)
    assert told[0].filename == __file__


def test_a_note_that_no_route_reads_stays_unread(tables, tmp_path, monkeypatch):
    frame, roles, fresh = tables
    model = AdaRoute(**roles, **SHORT, routes=("N1/STL",)).fit(frame)
    plain = load_plain(model.save(tmp_path / "model"))
    before = plain.predict(fresh[:-2]), predict_likeliest(plain, read_rows(plain, fresh[:-2]))

    def refuse(*note):
        raise AssertionError("a note was read")

    monkeypatch.setattr(encoder, "mark", refuse)
    with pytest.raises(AssertionError, match="was read"):
        read_rows(plain, fresh[:-2])
    again = plain.predict(fresh[:-2])
    assert again.equals(before[0]) and measure(again, before[1]) < 1e-10
    assert describe_rows(plain, read_rows(plain, fresh[:-2], notes=False))[list(again)].equals(
        again
    )


def spoil(folder: Path, change) -> Path:
    "A saved model with other tensors and a manifest that speaks for them."
    weights = folder / "weights.safetensors"
    about = (folder / "model.json").read_bytes()
    tensors = load(weights.read_bytes())
    change(tensors)
    seal = {"model.json": hashlib.sha256(about).hexdigest()}
    weights.write_bytes(save(tensors, seal))
    sums = {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (folder / "model.json", weights)
    }
    (folder / "manifest.json").write_text(json.dumps(sums))
    return folder


SPOILED = {
    "missing": lambda t: t.pop("model.heads.log_sd"),
    "left over": lambda t: t.update({"model.heads.other": np.zeros(3, np.float32)}),
    "of another shape": lambda t: t.update({"model.trust": t["model.trust"][:, :2]}),
    "of a spare": lambda t: t.update({"model.spares.N1.trust": np.ones((1, 1), np.float32)}),
}


@pytest.mark.parametrize("what", SPOILED)
def test_tensors_of_another_design_are_refused_by_both(what, tables, tmp_path):
    frame, roles, _ = tables
    AdaRoute(**roles, **SHORT).fit(frame).save(tmp_path / "model")
    load_plain(spoil(tmp_path / "model", lambda tensors: None))
    spoil(tmp_path / "model", SPOILED[what])
    for reader in (load_plain, AdaRoute.load):
        with pytest.raises(ValueError, match="expected a saved model in 'model'"):
            reader(tmp_path / "model")


def run_python(code: str, *words) -> str:
    "What a process of its own prints last."
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


PREDICT = """
import sys
from adaroute.command.main import main
try:
    main(["predict", *sys.argv[1:], "--quiet"])
except SystemExit as end:
    assert not end.code, end.code
print(sorted({"torch", "sklearn"} & set(sys.modules)))
"""


@pytest.mark.parametrize("kept", [False, True], ids=["its own ends", "calibrated"])
def test_the_command_predicts_without_torch(kept, tables, tmp_path, monkeypatch):
    frame, roles, fresh = tables
    frame = frame.assign(ill=(frame.phq9 > frame.phq9.median()).astype(float))
    roles = {**roles, "tasks": {**roles["tasks"], "ill": "binary"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AdaRoute(**roles, **SHORT, spares=True).fit(frame[:150])
        if kept:
            calibration = calibrate(model, frame[150:].reset_index(drop=True), met=frame[:150])
            model.extras_["calibration"] = calibration.to_dict()
    model.save(tmp_path / "model")
    fresh.to_csv(tmp_path / "fresh.csv", index=False)
    words = tmp_path / "model", tmp_path / "fresh.csv", "--out", tmp_path / "plain.csv"
    assert run_python(PREDICT, *words) == "[]"
    monkeypatch.setattr(ask, "load_served", ask.load_fitted)
    order = ask.PredictOrder(words[1], tmp_path / "torch.csv", (), 0.9, None, 50, False, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ask.predict_table(words[0], order)
    mine, theirs = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("plain", "torch"))
    assert len(mine) == len(fresh) and mine.similarity.notna().any() == kept
    assert measure(mine, theirs) < 1e-6


def test_what_numpy_cannot_read_is_left_to_torch(tables, tmp_path):
    frame, roles, _ = tables
    columns = [*roles["numeric"], "phq9"]
    known = frame[columns].dropna()
    model = AdaRoute(**SHORT).fit(known[columns[:-1]].to_numpy(), known.phq9.to_numpy())
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match="fitted to arrays"):
        ask.load_served(tmp_path / "model")


def test_the_package_costs_less_to_import_than_numpy():
    code = "import time; import {}; print(time.process_time())"
    ours, numpys = (
        min(float(run_python(code.format(name))) for _ in range(3))
        for name in ("adaroute", "numpy")
    )
    assert ours < 1.1 * numpys


def test_reading_and_calibrating_need_neither_torch_nor_scikit_learn():
    code = "import sys, adaroute.serving.answers, adaroute.uncertainty.conformal, adaroute.files.intake;"
    assert run_python(code + "print({'torch', 'sklearn'} & set(sys.modules))") == "set()"
