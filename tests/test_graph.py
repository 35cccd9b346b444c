"A model as an ONNX graph says what the model says, and its sidecar says how to ask it."

import hashlib
import json
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from adaroute import AdaRoute
from adaroute.command.main import main
from adaroute.schema import ROUTES, open_routes
from adaroute.serving import export_graph, load_plain
from adaroute.serving.graph import build_graph, describe_graph, encode_rows
from adaroute.synthetic import make_cohort
from adaroute.tables import read_table

WHY = "{} is not installed: pip install adaroute[onnx]"
onnx = pytest.importorskip("onnx", reason=WHY.format("onnx"))
onnxruntime = pytest.importorskip("onnxruntime", reason=WHY.format("onnxruntime"))

PIN = Path(__file__).parent / "pins/0.1.0"
SHORT = dict(steps=20, members=2, starts=1, seed=0)
KINDS = dict(phq9="regression", ill="binary", level="ordinal", days="count")
DESIGNS = {
    "averaged": {},
    "single": dict(members=1),
    "joint router": dict(router="joint"),
    "a route for each outcome, and spares": dict(route_per="sample_task", spares=True),
    "one route": dict(routes=("T2/MTL",)),
    "one route without notes": dict(routes=("N1/STL",)),
    "no text routes": dict(routes=("N1/STL", "N1/MTL")),
    "three routes, and spares": dict(routes=("N1/STL", "T1/STL", "N2/STL"), spares=True),
    "closed form, guarded": dict(learner="closed_form"),
    "ramps": dict(encoder=dict(curves=True)),
    "lengths free": dict(encoder=dict(lengths="free")),
}


@pytest.fixture(scope="module")
def tables():
    "A table with gaps and each kind of outcome, and fresh rows, the last two of which hold nothing."
    cohort = make_cohort(220, "missing", seed=101)
    fresh = make_cohort(120, "missing", seed=101, draw=1).frame
    roles = dict(cohort.schema.roles)
    roles["numeric"] = [*roles["numeric"], "stays"]
    for frame in (cohort.frame, fresh):  # a count with a long tail, which is read by its logarithm
        frame["stays"] = np.where(np.arange(len(frame)) % 20, 0.0, np.arange(len(frame)))
        frame.loc[frame.age.isna(), "stays"] = np.nan
    empty = [name for kind in ("text", "numeric", "categorical") for name in roles[kind]]
    fresh.loc[fresh.index[-2:], empty] = None
    frame = cohort.frame.assign(
        ill=(cohort.frame.phq9 > cohort.frame.phq9.median()).astype(float),
        level=pd.qcut(cohort.frame.gad7, 4, labels=False) + 2.0,
        days=cohort.frame.phq9.clip(0).round(),
    )
    return frame, dict(roles, tasks=KINDS), fresh


def fit(tables, **design):
    frame, roles, _ = tables
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AdaRoute(**roles, **SHORT | design).fit(frame)


@pytest.fixture(scope="module")
def saved(tables, tmp_path_factory):
    "A model of every kind of outcome, with ramps, and its graph."
    folder = tmp_path_factory.mktemp("graph")
    fit(tables, encoder=dict(curves=True), bounds={"phq9": (-20, 60)}).save(folder / "model")
    export_graph(folder / "model", folder / "model.onnx")
    return folder


def ask(graph, inputs):
    content = graph if isinstance(graph, bytes) else graph.SerializeToString()
    return onnxruntime.InferenceSession(content).run(["predictions", "routes"], inputs)


def compare(model, fresh) -> float:
    "The largest difference between the graph and the model, in predictions and routes."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = model.predict(fresh).to_numpy(), model.predict_routes(fresh).to_numpy()
    got = ask(build_graph(model), encode_rows(model, fresh))
    assert [part.shape for part in got] == [part.shape for part in wanted]
    assert all(np.isfinite(part).all() for part in (*got, *wanted))
    return max(np.abs(a - b).max() for a, b in zip(got, wanted))


# The arithmetic


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_and_kind_of_outcome_agrees(name, tables, tmp_path):
    fitted = fit(tables, **DESIGNS[name])
    model = load_plain(fitted.save(tmp_path / "model"))
    assert set(model.network.kinds) == set(KINDS.values())
    assert ("guard.shares" in model.network.weights) == (name == "closed form, guarded")
    assert bool(model.network.spares) == ("spares" in name or "guarded" in name)
    assert compare(model, tables[2]) < 1e-9


@pytest.mark.parametrize("learner", ["gradient", "closed_form"])
@pytest.mark.parametrize("task", KINDS)
def test_an_outcome_alone_agrees(task, learner, tables, tmp_path):
    frame, roles, fresh = tables
    alone = frame.drop(columns=[name for name in KINDS if name != task])
    design = dict(learner=learner, members=1)
    fitted = fit((alone, dict(roles, tasks={task: KINDS[task]}), fresh), **design)
    assert compare(load_plain(fitted.save(tmp_path / "model")), fresh) < 1e-9


def test_bounds_hold(saved, tables):
    "Bounds that bite, at both ends, at one and at none, for each member's say and for the mean."
    model = load_plain(saved / "model")
    free = model.predict(tables[2].dropna(subset="age"))
    ends = free.quantile([0.3, 0.7]).T.to_numpy()
    bounds = (tuple(ends[0]), (None, None), (ends[2][0], None), (None, ends[3][1]))
    bound = replace(model, scale=replace(model.scale, bounds=bounds))
    assert compare(bound, tables[2]) < 1e-9
    said = ask(build_graph(bound), encode_rows(bound, tables[2]))[0]
    for k, (low, high) in enumerate(np.array(bounds, float)):
        assert not (said[:, k] < low - 1e-9).any() and not (said[:, k] > high + 1e-9).any()
        beyond = (free.iloc[:, k] < low).sum(), (free.iloc[:, k] > high).sum()
        assert [n > 20 for n in beyond] == [end is not None for end in bounds[k]]


def test_closed_routes_are_exactly_zero(saved, tables):
    model = load_plain(saved / "model")
    inputs = encode_rows(model, tables[2])
    for told in ([1, 1], [1, 0], [0, 1], [0, 0]):
        inputs["presence"] = np.tile(np.array(told, bool), (len(tables[2]), 1))
        routes = ask(build_graph(model), inputs)[1]
        open_ = open_routes(inputs["presence"])
        assert (routes[~open_] == 0).all()
        assert np.allclose(routes.sum(axis=1), any(told))


def test_rows_do_not_see_each_other(saved, tables):
    model, graph = load_plain(saved / "model"), (saved / "model.onnx").read_bytes()
    inputs = encode_rows(model, tables[2])
    whole = ask(graph, inputs)
    for row in (0, 60, 119):
        one = ask(graph, {name: block[row : row + 1] for name, block in inputs.items()})
        assert all(np.allclose(a[row], b[0], atol=1e-12) for a, b in zip(whole, one))


def test_a_model_of_the_first_version_agrees():
    frame = read_table(PIN / "cohort.csv", "note", "auto", ["sex", "site"], {}, ignore=["id"])
    model = load_plain(PIN / "model")
    assert compare(model, frame[list(model.schema.inputs)]) < 1e-9


def test_long_notes_are_held_as_in_the_model(saved, tables):
    "The graph begins behind the encoder, so bounds of lengths hold for it too."
    model, fresh = load_plain(saved / "model"), tables[2]
    assert model.encoder.settings["lengths"] == "held"
    longer = fresh.assign(note=fresh.note.where(fresh.note.isna(), (fresh.note + ". ") * 8))
    assert compare(model, longer) < 1e-9


# The sidecar


def make_numbers(columns: list, frame) -> np.ndarray:
    "The block of numbers by the recipes alone."
    out = []
    for c in columns:
        x, gap = frame[c["of"]], frame[c["of"]].isna()
        if c["kind"] == "scaled":
            x = np.log1p(x.clip(lower=0)) if c["log"] else x
            z = (x - c["mean"]) / c["scale"] if c["scale"] else x * 0
            out.append(z.clip(-8, 8).fillna(0))
        elif c["kind"] == "ramp":
            z = (x - c["low"]) / (c["high"] - c["low"])
            out.append((2 * z.clip(0, 1) - c["centre"]).fillna(0))
        elif c["kind"] == "level":
            out.append(x == c["level"])
        else:
            assert c["kind"] == "gap"
            out.append(gap)
    return np.stack(out, axis=1).astype(np.float32)


def test_numbers_follow_from_the_sidecar_alone(saved, tables):
    told = json.loads((saved / "model.onnx.json").read_text())
    given = encode_rows(load_plain(saved / "model"), tables[2])
    blocks = {one["name"]: one["columns"] for one in told["inputs"]}
    kinds = {column["kind"] for column in blocks["numbers"]}
    assert kinds == {"scaled", "ramp", "level", "gap"} and kinds <= set(told["recipes"])
    assert [column["of"] for column in blocks["numbers"] if column.get("log")] == ["stays"]
    assert np.allclose(make_numbers(blocks["numbers"], tables[2]), given["numbers"], atol=1e-6)


def test_sidecar_names_what_goes_in_and_comes_out(saved, tables):
    told = json.loads((saved / "model.onnx.json").read_text())
    graph = onnxruntime.InferenceSession(saved / "model.onnx")
    names = {"tensor(float)": "float32", "tensor(bool)": "bool", "tensor(double)": "float64"}
    for kind, ports in (("inputs", graph.get_inputs()), ("outputs", graph.get_outputs())):
        found = [(p.name, names[p.type], p.shape) for p in ports]
        assert found == [(o["name"], o["type"], ["rows", len(o["columns"])]) for o in told[kind]]
    model = load_plain(saved / "model")
    for block, listed in model.encoder.feature_names().items():
        mine = next(one["columns"] for one in told["inputs"] if one["name"] == block)
        assert [column["name"] for column in mine] == listed
    predictions, routes = (one["columns"] for one in told["outputs"])
    assert {column["name"]: column["kind"] for column in predictions} == KINDS
    assert [column["name"] for column in routes] == list(ROUTES)
    empty = ask((saved / "model.onnx").read_bytes(), encode_rows(model, tables[2].iloc[-2:]))
    for said, columns in zip(empty, (predictions, routes)):
        assert np.allclose(said, [column["without_evidence"] for column in columns])
    assert told["format"] == "adaroute-graph-1" and told["made_by"].endswith(encode_rows.__name__)


def test_digests_tie_graph_sidecar_and_model(saved, tmp_path):
    told = json.loads((saved / "model.onnx.json").read_text())
    for name, file in (
        ("graph_sha256", "model.onnx"),
        ("weights_sha256", "model/weights.safetensors"),
    ):
        assert told[name] == hashlib.sha256((saved / file).read_bytes()).hexdigest()
    beside = export_graph(saved / "model", tmp_path / "again.ONNX")
    assert beside.name == "again.ONNX.json" and json.loads(beside.read_text()) == told
    assert (tmp_path / "again.ONNX").read_bytes() == (saved / "model.onnx").read_bytes()


def test_the_example_of_the_manual_runs(saved, tables, tmp_path, monkeypatch):
    page = (Path(__file__).parents[1] / "docs/use.md").read_text()
    [block] = [b for b in re.findall(r"```python\n(.*?)```", page, re.S) if "export_graph(" in b]
    (tmp_path / "model").symlink_to(saved / "model")
    monkeypatch.chdir(tmp_path)
    known = dict(load_plain=load_plain, later=SimpleNamespace(frame=tables[2]))
    exec(block, known)
    wanted = ask((saved / "model.onnx").read_bytes(), known["inputs"])
    assert all(map(np.array_equal, (known["predictions"], known["routes"]), wanted))


def test_a_table_without_text(tables, tmp_path):
    frame, roles, fresh = tables
    fitted = fit((frame.drop(columns="note"), dict(roles, text=[]), fresh))
    model = load_plain(fitted.save(tmp_path / "model"))
    told = describe_graph(model)
    assert [one["name"] for one in told["inputs"]] == ["numbers", "presence"]
    assert compare(model, fresh.drop(columns="note")) < 1e-9


def test_a_table_of_notes_alone(tables, tmp_path):
    frame, roles, fresh = tables
    lost = roles["numeric"] + roles["categorical"]
    fitted = fit((frame.drop(columns=lost), dict(roles, numeric=[], categorical=[]), fresh))
    model = load_plain(fitted.save(tmp_path / "model"))
    assert [one["name"] for one in describe_graph(model)["inputs"]] == ["facts", "text", "presence"]
    assert compare(model, fresh.drop(columns=lost)) < 1e-9


# The command, and refusals


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_command_writes_both_files(saved, tmp_path):
    file = tmp_path / "m.onnx"
    for _ in range(2):  # over the first ones, as `predict` does
        done = call("export", saved / "model", "--onnx", file, "--json")
        assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["predictions"] == list(KINDS) and said["routes"] == len(ROUTES)
    assert said["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "m.onnx.json"]
    assert file.read_bytes() == (saved / "model.onnx").read_bytes()
    assert "export" in call("--help").output


def refused(tmp_path, model, name="m.onnx") -> str:
    "The line of a refusal, which has left nothing behind."
    done = call("export", model, "--onnx", tmp_path / name)
    assert done.exit_code == (3 if name.endswith(".onnx") else 2)
    assert done.output.count("\n") == 1 and not list(tmp_path.glob("m.*"))
    return done.output


def test_refusals_are_a_line(saved, tmp_path, monkeypatch):
    assert "expected a saved model in 'nowhere'" in refused(tmp_path, tmp_path / "nowhere")
    assert "ends in .onnx, got one that ends in '.pb'" in refused(tmp_path, saved / "model", "m.pb")
    with pytest.raises(ValueError, match=r"ends in .onnx, got '.pb'"):
        export_graph(saved / "model", tmp_path / "m.pb")
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert "`pip install adaroute[onnx]`" in refused(tmp_path, saved / "model")


def test_a_model_that_is_no_better_than_the_mean_says_so(saved, tmp_path):
    model = AdaRoute.load(saved / "model")
    model.extras_["quality"] = {"useless": ["days"]}
    model.save(tmp_path / "model")
    done = call("export", tmp_path / "model", "--onnx", tmp_path / "m.onnx")
    assert done.exit_code == 0 and done.stderr.startswith("note: 'days': ")
    told = json.loads((tmp_path / "m.onnx.json").read_text())
    assert f"note: {told['note']}\n" == done.stderr
    assert json.loads((saved / "model.onnx.json").read_text())["note"] == ""


def test_a_model_of_arrays_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    model = AdaRoute(routes=("N1/STL",), **SHORT).fit(x, x @ [1.0, 2.0, 0.0])
    model.save(tmp_path / "model")
    assert "got one that was fitted to arrays in 'model'" in refused(tmp_path, tmp_path / "model")


def test_an_altered_model_is_refused(saved, tmp_path):
    (tmp_path / "model").mkdir()
    for file in (saved / "model").iterdir():
        (tmp_path / "model" / file.name).write_bytes(file.read_bytes())
    weights = bytearray((tmp_path / "model/weights.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "model/weights.safetensors").write_bytes(weights)
    assert "error: " in refused(tmp_path, tmp_path / "model")


def test_nothing_needs_torch(saved, tmp_path):
    code = (
        "import sys; from adaroute.serving import export_graph; "
        "export_graph(*sys.argv[1:]); assert 'torch' not in sys.modules"
    )
    words = [sys.executable, "-c", code, str(saved / "model"), str(tmp_path / "m.onnx")]
    subprocess.run(words, check=True, timeout=120)
    assert (tmp_path / "m.onnx.json").exists()


def test_the_sidecar_names_the_levels_of_an_input_in_order(tmp_path):
    "Whoever has a level's name can compute what goes in: its place, scaled like a number."
    levels, draw = ["none", "some", "strong"], np.random.default_rng(0)
    pain = pd.Categorical(draw.choice(levels, 80), categories=levels, ordered=True)
    frame = pd.DataFrame(dict(pain=pain, age=draw.normal(40, 9, 80), y=draw.normal(size=80)))
    frame.loc[3, "pain"] = None
    roles = dict(numeric=["age"], categorical=["pain"], tasks=dict(y="regression"))
    AdaRoute(**roles, members=1, starts=1, steps=2).fit(frame).save(tmp_path / "model")
    export_graph(tmp_path / "model", tmp_path / "model.onnx")
    told = json.loads((tmp_path / "model.onnx.json").read_text())
    numbers = told["inputs"][0]["columns"]
    at = next(i for i, c in enumerate(numbers) if (c["kind"], c["of"]) == ("scaled", "pain"))
    assert numbers[at]["levels"] == levels and "levels" in told["recipes"]
    assert [c["of"] for c in numbers if "levels" in c] == ["pain"]
    place = frame.pain.astype(object).map(levels.index, na_action="ignore").astype(float)
    wanted = ((place - numbers[at]["mean"]) / numbers[at]["scale"]).fillna(0)
    given = encode_rows(load_plain(tmp_path / "model"), frame)["numbers"][:, at]
    assert np.allclose(given, wanted, atol=1e-6)
