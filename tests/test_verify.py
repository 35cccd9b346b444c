"An auditor with the run folder alone, with the table, and with each of the thirteen cheats before him."

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import adaroute.training
import adaroute.provenance.verify
from adaroute import AdaRoute
from adaroute.provenance import reexecution
from adaroute.lab.cheats import CHEATS
from adaroute.lab.liar import cheat_world, honest
from adaroute.provenance.commitment import commit_records
from adaroute.provenance.plan import (
    PlanError,
    derive_seed,
    group_codes,
    model_seed,
    save_leaves,
    save_nonce,
    save_plan,
)
from adaroute.provenance.reexecution import reexecute
from adaroute.synthetic import make_cohort
from adaroute.provenance.transcript import Recorder, TranscriptError, fit_under_plan
from adaroute.provenance.verify import CHEAT_NAMES, name_cheat, verify_run
from rechain import lines_of, parameters, rechain, sum_of

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")


@pytest.fixture(scope="module")
def world():
    return cheat_world(103, n=150, steps=120, every=30)


@pytest.fixture(scope="module")
def filed(world, tmp_path_factory):
    home = tmp_path_factory.mktemp("verify") / "filed"
    save_plan(world.plan, home)
    save_leaves(commit_records(world.frame, world.schema, world.key, world.ids, world.groups), home)
    return home


@pytest.fixture(scope="module")
def run(world, filed):
    honest(world, filed.parent / "run")
    return filed.parent / "run"


def audit(world, folder, filed=None, **how):
    return verify_run(folder, world.frame, world.key, world.ids, world.groups, filed=filed, **how)


def test_the_folder_alone_is_not_enough(run, filed):
    found = verify_run(run, filed=filed)
    assert (
        found.status == 2
        and not found.failed
        and {v.word for v in found.verdicts.values()} == {"not tested"}
    )


def test_with_table_and_key_everything_is_excluded(world, run, filed):
    found = audit(world, run, filed)
    assert (
        found.status == 0
        and list(found.verdicts) == list(CHEAT_NAMES)
        and {v.word for v in found.verdicts.values()} == {"excluded"}
    )
    assert json.loads(json.dumps(found.to_dict()))["status"] == 0


def test_the_page_shows_no_cell(world, run, filed):
    page = audit(world, run, filed).markdown() + json.dumps(audit(world, run, filed).to_dict())
    for note in world.frame[world.schema.text[0]].dropna():
        assert note not in page
    assert world.key.hex() not in page


def test_memorisation_needs_rows(world, run, tmp_path):
    found = audit(world, run, references=39)
    assert (
        found.status == 0
        and "## Memorisation (level 4)" in found.markdown()
        and "not enough" in found.markdown().lower()
    )
    AdaRoute(**world.plan.config, watch=Recorder(tmp_path / "run")).fit(world.frame)
    with pytest.raises(PlanError, match="references: expected a run under a plan"):
        verify_run(tmp_path / "run", world.frame, references=39)


def test_some_segments_give_a_probability(world, run):
    found = audit(world, run, segments=3)
    assert (
        found.status == 2
        and found.verdicts["gluing"].word == "excluded with probability"
        and "0.75" in found.verdicts["gluing"].detail
    )


def test_without_segment_files_digests_decide(world, run, tmp_path, monkeypatch):
    shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "segments")
    assert audit(world, tmp_path / "run").status == 0
    with pytest.raises(TranscriptError, match="expected the state of 'main' at step"):
        reexecute(tmp_path / "run", world.frame[~world.test], None, picked={("main", 90)})
    monkeypatch.setattr(
        adaroute.provenance.verify, "_pick_segments", lambda run, segments: {("main", 90)}
    )
    found = audit(world, tmp_path / "run", segments=1)
    assert found.status == 2 and not found.failed and found.verdicts["gluing"].word == "not tested"


def test_a_state_whose_best_weights_were_withheld_counts_as_withheld(world, run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    files = {stop: folder / f"segments/main-{stop:06d}.safetensors" for stop in (30, 60, 90, 120)}
    best_at = {stop: load_file(file)["best_at"].tolist() for stop, file in files.items()}
    (best,) = best_at[90]  # which look is the best one may hang on the processor
    assert best in (30, 60)
    files[best].unlink()
    found = audit(world, folder)
    withheld = [stop == best or best in at for stop, at in best_at.items()]
    assert found.status == 0 and withheld[2]
    assert [s.distance for s in found.reexecution.segments] == [
        None if w else 0.0 for w in withheld
    ]


def test_a_router_that_was_moved_after_the_last_segment(world, filed, tmp_path):
    shown = CHEATS["router-state tampering"](world, tmp_path / "run", variant="last")
    found = verify_run(
        tmp_path / "run", shown.frame, shown.key, shown.ids, shown.groups, filed=filed
    )
    assert found.named == "router-state tampering" and [c.name for c in found.failed] == [
        "kept lanes",
        "final model",
    ]


def test_without_a_plan_the_records_cannot_be_tested(world, tmp_path):
    est = AdaRoute(**world.plan.config, seed=3, watch=Recorder(tmp_path / "run")).fit(world.frame)
    found = verify_run(tmp_path / "run", world.frame)
    assert (
        est.seed == 3
        and found.status == 0
        and found.verdicts["forged data"].word == "cannot be tested"
    )
    assert any("seed or split is not excluded" in c.detail for c in found.checks)


@pytest.mark.parametrize(
    "wrong, error",
    [
        (dict(key=None), PlanError),
        (dict(segments=0), PlanError),
        (dict(segments="some"), PlanError),
        (dict(key=b"short"), ValueError),
        (dict(ids=["a"]), ValueError),
    ],
)
def test_wrong_inputs_are_named(world, run, wrong, error):
    given = dict(frame=world.frame, key=world.key, ids=world.ids, groups=world.groups) | wrong
    with pytest.raises(error) as e:
        verify_run(run, **given)
    assert str(e.value).split(":")[0] in ("key", "segments", "ids")


def test_another_plan_than_the_filed_one(world, run, tmp_path):
    save_plan(cheat_world(104, n=150, steps=120, every=30).plan, tmp_path)
    found = verify_run(run, filed=tmp_path)
    assert found.status == 1 and "plan as filed" in [c.name for c in found.failed]


@pytest.mark.parametrize("name", CHEATS)
def test_each_cheat_is_caught_and_named(world, filed, tmp_path, name):
    shown = CHEATS[name](world, tmp_path / "run")
    found = verify_run(
        tmp_path / "run", shown.frame, shown.key, shown.ids, shown.groups, filed=filed
    )
    assert found.status == 1 and found.named == name and found.verdicts[name].word == "found"
    assert name in found.sentence and all(
        v.word != "excluded" or n in ("forged data", "salt swap") for n, v in found.verdicts.items()
    )


def test_a_cheat_in_one_segment_may_escape_a_spot_check(world, filed, tmp_path):
    CHEATS["router-state tampering"](world, tmp_path / "run")
    given = (
        world.frame[~world.test],
        np.unique(np.array(world.groups), return_inverse=True)[1][~world.test],
    )
    caught = [
        name_cheat(reexecute(tmp_path / "run", *given, picked={("main", stop)}))
        for stop in (30, 60, 90, 120)
    ]
    assert 0 < sum(c is not None for c in caught) < 4


def test_other_code_that_learns_otherwise_is_seen_in_its_second_step(
    world, filed, tmp_path, monkeypatch
):
    rate = adaroute.training.learning_rate
    with monkeypatch.context() as m:
        m.setattr(
            adaroute.training, "learning_rate", lambda settings, step: 1.001 * rate(settings, step)
        )
        fit_under_plan(world.frame, world.plan, world.nonce, tmp_path / "run", world.groups)
    found = audit(world, tmp_path / "run", filed)
    assert found.named == "hyper-parameter lie" and found.reexecution.segments[0].step == 2


def test_a_tolerance_lets_rounding_pass_and_no_record(world, run, filed, tmp_path):
    assert audit(world, run, filed, tolerance=1e-4).status == 0
    CHEATS["label edit"](world, tmp_path / "run", strength=0.0)
    assert audit(world, tmp_path / "run", filed, tolerance=1e-4).status == 1


def test_a_run_without_the_plan_that_was_filed_is_refused(world, filed, tmp_path):
    AdaRoute(**world.plan.config, seed=3, watch=Recorder(tmp_path / "run")).fit(world.frame)
    found = audit(world, tmp_path / "run", filed)
    assert found.status == 1 and "plan as filed" in [c.name for c in found.failed]


def test_trained_on_its_test_rows_with_no_groups_told(world, filed, tmp_path):
    save_plan(world.plan, tmp_path / "run")
    save_nonce(world.nonce, tmp_path / "run")
    seed = model_seed(derive_seed(world.plan, world.nonce))
    AdaRoute(**world.plan.config, seed=seed, watch=Recorder(tmp_path / "run")).fit(
        world.frame, groups=group_codes(world.groups)
    )
    found = audit(world, tmp_path / "run", filed)
    assert found.status == 1 and found.named == "split tampering"


@pytest.mark.parametrize(
    "part, change",
    [
        ("best_at", lambda t: t * 0),
        ("exp_avg.heads.own", lambda t: t * 1.5 + 0.1),
        ("best_error", lambda t: t * 1.5 + 0.1),
    ],
)
def test_a_tolerance_covers_all_that_training_goes_on_from(world, run, monkeypatch, part, change):
    honest_file = reexecution.read_run

    def tampered(path):
        about, tensors = honest_file(path)
        return about, tensors | ({part: change(tensors[part])} if about["step"] == "120" else {})

    monkeypatch.setattr(reexecution, "read_run", tampered)
    assert audit(world, run, tolerance=1e-3).status == 1


NAN = lambda t: torch.full_like(t, torch.nan)
VALUES = [
    (0, "model.heads.own", lambda t: t + 1),
    (0, "best_error", lambda t: t * 0 - 1),
    (60, "best_error", lambda t: t * 0 - 1),
    (60, "exp_avg.heads.own", NAN),
    (60, "step.heads.own", NAN),
    (120, "best_at", lambda t: t * 0),
]
TRACES = [
    (60, "trace.loss", NAN),
    (90, "trace.said", lambda t: t + 0.1),
    (90, "trace.said", lambda t: None),
]
MISFITS = [
    (60, "exp_avg_sq.heads.own", lambda t: t[..., :1]),
    (60, "step.heads.own", lambda t: torch.stack([t, t])),
    (60, "look.usage", lambda t: t[:1]),
    (60, "order", lambda t: t + 1000),
    (60, "order", lambda t: t.float()),
    (60, "generator.0", lambda t: t * 0),
    (60, "model.heads.own", lambda t: None),
    (60, "model.more", lambda t: torch.ones(3)),
    (60, "trace.loss", lambda t: t.double()),
    (60, "best_at", lambda t: t * 0 + 90),
    (60, "best_at", lambda t: t * 0 + 10**9),
    (60, "best_at", lambda t: t * 0 - 30),
    (60, "best_at", lambda t: t.float()),
    (60, "best_at", lambda t: t[:0]),
    (60, "best_at", lambda t: None),
    (60, "best.heads.own", lambda t: torch.ones(3)),
    (0, "model.heads.own", lambda t: t[:0]),
]
WAYS = {"to the bit": {}, "tolerance": dict(tolerance=1e-3), "elsewhere": dict(elsewhere=True)}
CRAFTED = [
    pytest.param(*state, how, id=f"{state[1]}-{state[0]}-{way}-{i}")
    for i, state in enumerate(VALUES + MISFITS + TRACES)
    for way, how in WAYS.items()
    if state in VALUES or not how
]  # what has no place in a state is refused before anything is compared


@pytest.mark.parametrize("stop, name, change, how", CRAFTED)
def test_states_that_no_run_can_have(world, run, tmp_path, monkeypatch, stop, name, change, how):
    "Whoever writes a segment file by hand, and a chain that is whole, is refused, and never with a traceback."
    folder = shutil.copytree(run, tmp_path / "run")
    file = folder / "segments" / f"main-{stop:06d}.safetensors"
    with safe_open(file, "pt") as f:
        about, tensors = f.metadata(), {k: f.get_tensor(k) for k in f.keys()}
    tensors[name] = change(tensors.get(name))
    save_file(
        {k: t.contiguous() for k, t in tensors.items() if t is not None}, file, metadata=about
    )
    lines = lines_of(folder)
    for line in lines:
        if line["kind"] == "segment" and line["stop"] == stop:
            line["file"] = sum_of(file)
    rechain(lines, folder)
    if how.get("elsewhere"):
        monkeypatch.setattr(reexecution, "numerics", lambda: {"probe": "of another machine"})
    found = audit(world, folder, **{k: v for k, v in how.items() if k != "elsewhere"})
    assert found.status == 1 and found.verdicts["addition"].word != "excluded"


@pytest.mark.parametrize(
    "how",
    [dict(), dict(selection="hard", route_per="sample_task")],
    ids=["likelihood", "a route for each outcome"],
)
def test_spares_are_trained_again_on_their_own_rows_and_rules(tmp_path, monkeypatch, how):
    cohort = make_cohort(100, seed=104)
    fit = lambda name: AdaRoute(
        **parameters(cohort, steps=40, settings=dict(every=10), spares=True, **how),
        watch=Recorder(tmp_path / name),
    ).fit(cohort.frame)
    fit("honest")
    own = adaroute.training.learning_rate
    with monkeypatch.context() as m:
        m.setattr(
            adaroute.training,
            "learning_rate",
            lambda settings, step: own(settings, step) * (1.01 if settings.steps == 20 else 1.0),
        )
        fit("lie")
    for numerics in (reexecution.numerics, lambda: {"probe": "of another machine"}):
        monkeypatch.setattr(reexecution, "numerics", numerics)
        assert reexecute(tmp_path / "honest", cohort.frame).reproduced
        wrong = reexecute(tmp_path / "lie", cohort.frame).wrong()
        assert wrong and {s.run for s in wrong} <= {"spare N1", "spare T1"}
    found = reexecute(tmp_path / "lie", cohort.frame, tolerance=0.0)
    assert found.wrong()[0].account.drift and name_cheat(found) == "hyper-parameter lie"


@pytest.mark.parametrize(
    "how",
    [{}, dict(tolerance=1e-3), dict(elsewhere=True)],
    ids=["to the bit", "tolerance", "elsewhere"],
)
def test_the_saved_model_is_compared_itself_not_by_short_digests_alone(
    world, run, monkeypatch, how
):
    if how.pop("elsewhere", False):
        monkeypatch.setattr(reexecution, "numerics", lambda: {"probe": "of another machine"})
    assert audit(world, run, **how).status == 0
    saved = reexecution.read_parts

    def moved(folder):
        parts = saved(folder)
        name = "model.heads.own"
        return parts._replace(tensors=parts.tensors | {name: parts.tensors[name] + 0.01})

    monkeypatch.setattr(reexecution, "read_parts", moved)
    found = audit(world, run, **how)
    assert (
        found.status == 1
        and found.named == "gluing"
        and [c.name for c in found.failed] == ["final model"]
    )
