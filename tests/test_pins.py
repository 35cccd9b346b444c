"What an earlier version saved must load, predict and verify for ever."

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adaroute import AdaRoute
from adaroute.lab.jobs import sources
from adaroute.provenance.plan import code_digest, load_plan
from adaroute.synthetic import make_cohort
from adaroute.tables import read_table
from adaroute.provenance.transcript import numerics, read_transcript

ROOT = Path(__file__).resolve().parents[1]
PINS = sorted((ROOT / "tests/pins").iterdir())
COLUMNS = dict(text=["note"], categorical=["sex", "site"])
TASKS = {"phq9": "regression", "gad7": "regression"}


def adaroute(*words, folder):
    "The command, as a process of its own."
    command = [str(Path(sys.executable).parent / "adaroute"), *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def table(pin):
    "The pinned cohort, as the command reads it."
    return read_table(
        pin / "cohort.csv", COLUMNS["text"], "auto", COLUMNS["categorical"], TASKS, ignore=["id"]
    )


def test_there_are_pins():
    assert [p.name for p in PINS] == ["0.1.0"]


@pytest.mark.parametrize("pin", PINS, ids=lambda p: p.name)
def test_the_cohort_of_a_seed_is_the_same(pin):
    made, kept = make_cohort(90, "planted", seed=0).frame, pd.read_csv(pin / "cohort.csv")
    for name in made.columns:
        if made[name].dtype.kind == "f":
            np.testing.assert_allclose(made[name], kept[name].astype(float), rtol=1e-9)
        else:
            assert made[name].fillna("").tolist() == kept[name].fillna("").tolist()


@pytest.mark.parametrize("pin", PINS, ids=lambda p: p.name)
def test_a_saved_model_predicts_the_same_numbers(pin):
    model, kept = AdaRoute.load(pin / "model"), pd.read_csv(pin / "predictions.csv")
    found = model.describe(table(pin))
    for task in TASKS:
        np.testing.assert_allclose(found[task], kept[f"{task}_predicted"], rtol=2e-5, atol=2e-5)
    clear = kept["route_probability"] - kept["runner_up_probability"] > 1e-4
    assert clear.sum() > 80
    assert found["route"].to_numpy()[clear].tolist() == kept["route"][clear].tolist()
    np.testing.assert_allclose(found["route_probability"], kept["route_probability"], atol=2e-5)


@pytest.mark.parametrize("pin", PINS, ids=lambda p: p.name)
def test_a_fit_gives_the_same_weights(pin):
    "To the bit where the run was made on this kind of machine, else to what kernels leave open."
    kept = AdaRoute.load(pin / "model")
    numeric = list(kept.schema_.numeric)
    frame = table(pin)
    made = AdaRoute(**COLUMNS, numeric=numeric, tasks=TASKS, steps=60, members=2, spares=True)
    ids = pd.read_csv(pin / "cohort.csv")["id"].astype(str).to_numpy()
    made.fit(frame, groups=ids)
    same = {
        k: v for k, v in read_transcript(pin / "run")[1].items() if k not in ("kind", "before")
    } == numerics()
    for (name, a), b in zip(kept.model_.named_parameters(), made.model_.parameters(), strict=True):
        if same:
            assert np.array_equal(a.detach().numpy(), b.detach().numpy()), name
        else:
            np.testing.assert_allclose(a.detach(), b.detach(), rtol=1e-2, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("pin", PINS, ids=lambda p: p.name)
def test_a_run_verifies(pin, tmp_path):
    "The code is another one, which the page says; everything else is as claimed."
    for name in ("run", "plan"):
        shutil.copytree(pin / name, tmp_path / name)
    for name in ("cohort.csv", "key.hex", "ledger.jsonl"):
        shutil.copy(pin / name, tmp_path)
    where = [
        "--data",
        "cohort.csv",
        "--key",
        "key.hex",
        "--plan",
        "plan",
        "--ledger",
        "ledger.jsonl",
    ]
    done = adaroute("verify", "run", *where, "--json", "--quiet", folder=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == found["status"] == 0, done.stderr + found["sentence"]
    failed = [c["name"] for c in found["checks"] if c["passed"] is False]
    untested = {c["name"] for c in found["checks"] if c["passed"] is None}
    assert failed == [] and untested <= {
        "code",
        "libraries",
        "environment",
        "spares",
        "first weights",
    }
    assert {"segments", "final model", "records"} <= {
        c["name"] for c in found["checks"] if c["passed"]
    }


def test_a_plan_of_the_first_version_keeps_its_digest():
    plan = load_plan(PINS[0] / "plan")
    entered = [json.loads(line) for line in (PINS[0] / "ledger.jsonl").read_text().splitlines()]
    assert plan.version == 1 and plan.digest in json.dumps(entered[0])
    assert code_digest(1) != code_digest(2) == code_digest()


def test_sources_are_those_that_a_fresh_python_loads():
    "Which module changes an answer is read from the imports; a fresh Python is asked whether any is missed."
    code = (
        "import sys, adaroute.lab.jobs as e; from adaroute import AdaRoute;"
        "print(sorted(m.removeprefix('adaroute.') for m in sys.modules if m.startswith('adaroute.')))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    names = set(json.loads(loaded.stdout.replace("'", '"')))
    assert len(names) > 15 and names - {"lab"} <= set(sources())  # all but its own face
