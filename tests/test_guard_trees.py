"The guard's trees, models of before they were there, and outcomes that nobody has together."

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from adaroute import AdaRoute
from adaroute.demo import make_clinic
from adaroute.learners.boosted import boost_trees
from adaroute.learners.mixture import Cases
from adaroute.learners.working import OutcomeKind
from adaroute.saving import FILES
from adaroute.serving.plain import load_plain

BEFORE = Path(__file__).parent / "models" / "before_trees"
TASKS = ["phq9", "gad7"]


@pytest.mark.parametrize("load", [AdaRoute.load, load_plain])
def test_a_model_of_before_predicts_what_it_predicted(load):
    rows = pd.read_csv(BEFORE / "rows.csv")
    said = load(BEFORE / "model").predict(rows)[TASKS]
    np.testing.assert_allclose(said, rows[[f"{task}_predicted" for task in TASKS]], rtol=2e-5)


def test_a_model_of_before_is_saved_as_it_was(tmp_path):
    model = AdaRoute.load(BEFORE / "model")
    assert list(model.shares_) == ["routed", "corner", "ridge", "products"]
    model.save(tmp_path / "again")
    assert json.loads((tmp_path / "again" / FILES[0]).read_text())["guard"] == 1


@pytest.fixture(scope="module")
def with_trees(tmp_path_factory):
    "A saved model whose trees carry something: an outcome that hangs on a cut-off."
    clinic = make_clinic(240)
    frame = clinic.frame.assign(phq9=20.0 * (clinic.frame["age"] > 40), gad7=clinic.frame["gad7"])
    choices = dict(text="note", categorical=["sex", "site"], tasks=clinic.schema.tasks)
    model = AdaRoute(**choices, learner="closed_form").fit(frame)
    assert model.shares_["trees"] > 0.05
    place = tmp_path_factory.mktemp("trees") / "model"
    model.save(place)
    return place, frame.head(30), model.predict(frame.head(30))


def respell(folder, change):
    "The folder with other weights, every digest put right again."
    tensors = load_tensors((folder / FILES[1]).read_bytes())
    change(tensors)
    seal = {FILES[0]: hashlib.sha256((folder / FILES[0]).read_bytes()).hexdigest()}
    (folder / FILES[1]).write_bytes(save_tensors(tensors, seal))
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    (folder / "manifest.json").write_text(json.dumps(sums))


@pytest.mark.parametrize("load", [AdaRoute.load, load_plain])
def test_both_readers_ask_the_trees(with_trees, load):
    place, rows, said = with_trees
    np.testing.assert_allclose(load(place).predict(rows)[TASKS], said[TASKS], rtol=1e-9)


@pytest.mark.parametrize("load", [AdaRoute.load, load_plain])
@pytest.mark.parametrize("off", [1e4, -1e4, 0.5])
def test_columns_that_are_not_there_are_refused(with_trees, tmp_path, load, off):
    shutil.copytree(with_trees[0], tmp_path / "model")
    respell(tmp_path / "model", lambda tensors: tensors["model.guard.column"].add_(off))
    with pytest.raises(ValueError, match="load: expected a saved model"):
        load(tmp_path / "model")


def test_an_outcome_that_nobody_has_is_stated_as_nothing():
    rng = np.random.default_rng(0)
    y = np.column_stack([np.full(40, np.nan), np.full(40, np.nan), rng.normal(size=40)])
    kinds = OutcomeKind(), OutcomeKind("binary"), OutcomeKind()
    cases = Cases(rng.normal(size=(40, 3)), y, np.ones((40, 8), bool), np.ones(40), kinds)
    said = boost_trees(cases, count=3).say(cases.joined)
    assert (said[:, 0] == 0).all() and np.isfinite(said).all()


@pytest.mark.parametrize("who", ["each has one of the two", "one person has the second"])
def test_outcomes_that_nobody_has_together_can_be_learned(who):
    clinic = make_clinic(240)
    frame, person = clinic.frame.copy(), np.arange(240)
    if who.startswith("each"):
        frame.loc[person % 2 == 1, "phq9"] = np.nan
        frame.loc[person % 2 == 0, "gad7"] = np.nan
    else:
        frame.loc[person >= 5, "gad7"] = np.nan
        person = np.maximum(person, 4)
    choices = dict(text="note", categorical=["sex", "site"], tasks=clinic.schema.tasks)
    model = AdaRoute(**choices, learner="closed_form").fit(frame, groups=person)
    assert np.isfinite(model.predict(frame).to_numpy()).all()
    assert model.predict(frame)["phq9"].corr(frame["phq9"]) > 0.7
