"Honest runs of every kind pass, and what an auditor can see without the table is seen and named."

import json
import shutil
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from adaroute.provenance import derivation
from adaroute.provenance import plan as plan_module
from adaroute.provenance.commitment import canonical_json
from adaroute.provenance.derivation import (
    AIMED,
    STARTED,
    check_derivation,
    replayed_order,
    touched_by_data,
)
from adaroute.estimator import AdaRoute
from adaroute.fitting import make_split
from adaroute.model import Design
from adaroute.provenance.plan import Nonce, derive_seed, derived_test, save_nonce
from adaroute.provenance.run_folder import Check, RunFolder, check_integrity
from adaroute.synthetic import make_cohort
from adaroute.training import Settings
from adaroute.provenance.transcript import (
    Recorder,
    TranscriptError,
    fit_under_plan,
    planned_model,
    short_digests,
    transcript_head,
)
from rechain import NONCE, lines_of, parameters, planned, rechain, sum_of

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")
CODE = plan_module.code_digest()


@pytest.fixture(scope="module", autouse=True)
def one_code():
    "Sources may be edited while tests run; here they count as they were."
    with pytest.MonkeyPatch.context() as m:
        m.setattr(plan_module, "code_digest", lambda version=2: CODE)
        m.setattr(derivation, "_digest_code_here", lambda version=2: CODE)
        yield m


PLANLESS = {"shopping", "seed", "configuration", "code", "libraries", "test rows", "groups apart"}


def checks_of(folder, head=None):
    run = RunFolder.open(folder)
    return check_integrity(run, head=run.head if head is None else head) + check_derivation(run)


def outcome(folder, head=None):
    "Names of the checks that failed, and of those that could not be made."
    found = checks_of(folder, head)
    assert len({c.name for c in found}) == len(found) and all(
        c.detail.endswith(".") and str(folder) not in c.detail for c in found
    )
    return [{c.name for c in found if c.passed is verdict} for verdict in (False, None)]


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(80, seed=100)


@pytest.fixture(scope="module")
def home(tmp_path_factory, cohort):
    "One honest run, of 40 patients with two rows each; and the same without its segments."
    folder = tmp_path_factory.mktemp("runs")
    planned(folder / "honest", cohort, groups=np.arange(80) // 2)
    shutil.copytree(folder / "honest", folder / "public", ignore=shutil.ignore_patterns("segments"))
    return folder


@pytest.fixture
def altered(home, tmp_path):
    "A copy of the run with some lines changed and all of them chained anew."

    def alter(change, source="honest"):
        folder = shutil.copytree(home / source, tmp_path / f"copy{len(list(tmp_path.iterdir()))}")
        lines = lines_of(folder)
        lines = change(lines, folder) or lines
        rechain(lines, folder)
        return outcome(folder)[0]

    return alter


# honest runs


def test_the_honest_run_passes_everything(home):
    assert outcome(home / "honest") == [set(), set()]
    assert outcome(home / "public") == [set(), {"segment files", "segment contents"}]
    assert {
        c.name for c in check_integrity(RunFolder.open(home / "honest")) if c.passed is None
    } == {"head"}


@pytest.mark.parametrize(
    "kind",
    [
        dict(members=3, starts=2),
        dict(selection="soft", router="joint"),
        dict(selection="hard", members=2, settings=dict(every=7)),
        dict(selection="hard", route_per="sample_task", design=dict(axes=2, hidden=4)),
        dict(route_per="sample_task", design=dict(start="random")),
        dict(routes=["N1/STL"]),
        dict(
            routes=["N2/STL", "N2/MTL", "T1/STL"],
            starts=3,
            settings=dict(every=10, batch=7, warm=0.0, close_until=1.0),
        ),
        dict(
            steps=None,
            settings=dict(every=10, steps=30, temperature=[1.0, 0.5]),
            prior=dict(cautions=[1.0]),
        ),
    ],
)
def test_honest_runs_of_several_kinds(kind, tmp_path, cohort):
    planned(tmp_path / "run", cohort, **kind)
    assert outcome(tmp_path / "run") == [set(), set()]


def test_spares_are_derived_as_far_as_they_go(tmp_path, cohort):
    planned(tmp_path / "run", cohort, spares=True, starts=2)
    assert (
        outcome(tmp_path / "run") == [set(), {"spares"}]
        and len(RunFolder.open(tmp_path / "run").trained) == 3
    )
    lines, at = lines_of(tmp_path / "run"), RunFolder.open(tmp_path / "run").trained[1].at
    for field, value, name in (
        ("weights", lines[at]["weights"] | {"heads.own": "0badcafe"}, "first weights"),
        ("stop", None, "stops"),
    ):
        changed = [dict(line) for line in lines]
        if field == "weights":
            changed[at][field] = value
        else:
            del changed[at + 1]
        rechain(changed, tmp_path / "run")
        assert name in outcome(tmp_path / "run")[0]


def test_all_kinds_of_outcome_and_rows_that_teach_nothing(tmp_path, cohort):
    frame, patient = cohort.frame.copy(), np.repeat(np.arange(40), 2)
    frame["phq9"], frame["gad7"] = (
        frame["phq9"].round().clip(0, 27),
        (frame["gad7"] > frame["gad7"].median()).astype(float),
    )
    frame["level"] = np.arange(80) % 3
    frame.loc[frame.index[:5], ["phq9", "gad7", "level"]] = np.nan
    frame.loc[frame.index[7:12], "note"] = None
    tasks = dict(phq9="count", gad7="binary", level="ordinal")
    planned(
        tmp_path / "run",
        replace(cohort, schema=replace(cohort.schema, tasks=tasks), frame=frame),
        groups=patient,
        tasks=tasks,
        bounds=dict(phq9=[0, 27]),
        routes=["T1/STL", "T1/MTL", "N2/STL"],
    )
    run = RunFolder.open(tmp_path / "run")
    assert (
        outcome(tmp_path / "run") == [set(), set()]
        and len(run.used) < 64
        and run.used[-1] > len(run.used) - 1
    )


def test_without_nonce_and_without_plan(tmp_path, cohort):
    planned(tmp_path / "selfchosen", cohort, nonce=None)
    assert outcome(tmp_path / "selfchosen") == [set(), {"shopping"}]
    AdaRoute(**parameters(cohort), watch=Recorder(tmp_path / "free"), seed=3).fit(cohort.frame)
    assert outcome(tmp_path / "free") == [set(), PLANLESS]
    told = [
        c.detail
        for name in ("free", "selfchosen")
        for c in check_derivation(RunFolder.open(tmp_path / name))
        if c.passed is None
    ]
    assert sum("lucky seed or split is not excluded" in d for d in told) == 4
    x = np.random.default_rng(0).normal(size=(60, 3))
    AdaRoute(
        members=1, starts=1, steps=20, settings=dict(every=10), watch=Recorder(tmp_path / "arrays")
    ).fit(x, x @ [1.0, 2.0, 3.0])
    assert outcome(tmp_path / "arrays") == [set(), PLANLESS]


def test_a_resumed_run_passes(home, tmp_path, cohort):
    plan, folder = (
        RunFolder.open(home / "honest").plan,
        shutil.copytree(home / "honest", tmp_path / "run"),
    )
    lines = (folder / "transcript.jsonl").read_bytes().split(b"\n")
    (folder / "transcript.jsonl").write_bytes(b"\n".join(lines[:6]) + b"\n" + lines[6][:40])
    with pytest.raises(TranscriptError, match="a part of one"):
        RunFolder.open(folder)
    for late in ("main-000020", "main-000024"):
        (folder / "segments" / f"{late}.safetensors").unlink()
    fit_under_plan(cohort.frame, plan, NONCE, folder, groups=np.arange(80) // 2)
    assert outcome(folder, transcript_head(home / "honest")) == [set(), set()]


def test_withdrawn_records_are_counted(home, altered):
    plan = RunFolder.open(home / "honest").plan.to_dict()

    def other(lines, folder):
        body = dict(plan, commitment=plan["commitment"] | dict(count=81))
        (folder / "plan.json").write_text(canonical_json(body))

    assert {"plan and nonce", "seed", "test rows"} <= altered(other)


# cheats


def test_another_seed(tmp_path, cohort):
    plan = planned(tmp_path / "meant", cohort)
    test = derived_test(derive_seed(plan, NONCE), range(80), plan.test)
    folder = shutil.copytree(
        tmp_path / "meant",
        tmp_path / "run",
        ignore=shutil.ignore_patterns("segments", "model", "transcript.jsonl", "rows.json"),
    )
    planned_model(plan, b"\1" * 32).set_params(watch=Recorder(folder)).fit(cohort.frame[~test])
    assert outcome(folder) == [{"seed"}, set()]


def test_another_nonce_than_was_given(home, tmp_path, cohort):
    plan = RunFolder.open(home / "honest").plan
    fit_under_plan(
        cohort.frame, plan, Nonce("6 3 1", "dice"), tmp_path / "run", groups=np.arange(80) // 2
    )
    assert outcome(tmp_path / "run") == [set(), set()]
    (tmp_path / "run" / "nonce.json").unlink()
    save_nonce(NONCE, tmp_path / "run")
    assert {"plan and nonce", "seed"} <= outcome(tmp_path / "run")[0]
    lines = lines_of(tmp_path / "run")
    lines[0]["nonce"] = NONCE.value
    rechain(lines, tmp_path / "run")
    assert "seed" in (found := outcome(tmp_path / "run")[0]) and not found & {
        c.name for c in checks_of(tmp_path / "run") if c.level == 0
    }
    lines[0]["nonce"] = None
    rechain(lines, tmp_path / "run")
    (tmp_path / "run" / "nonce.json").unlink()
    assert "seed" in outcome(tmp_path / "run")[0]


def test_another_configuration(home, tmp_path, cohort):
    folder = shutil.copytree(
        home / "honest",
        tmp_path / "run",
        ignore=shutil.ignore_patterns("segments", "model", "transcript.jsonl", "rows.json"),
    )
    plan = RunFolder.open(home / "honest").plan
    test = derived_test(derive_seed(plan, NONCE), np.arange(80) // 2, plan.test)
    planned_model(plan, derive_seed(plan, NONCE)).set_params(
        watch=Recorder(folder), prior=dict(router=1.0)
    ).fit(cohort.frame[~test], groups=np.arange(80)[~test] // 2)
    assert outcome(folder) == [{"configuration"}, set()]


def test_a_test_row_that_moved_into_training(home, tmp_path, cohort):
    "The chain is whole, for the run was trained with it; only the rows are not those that follow."
    plan, patients = RunFolder.open(home / "honest").plan, np.arange(80) // 2
    test = derived_test(derive_seed(plan, NONCE), patients, plan.test)
    for moved in (np.flatnonzero(test)[:1], np.flatnonzero(test)):
        folder = shutil.copytree(
            home / "honest",
            tmp_path / f"run{len(moved)}",
            ignore=shutil.ignore_patterns("segments", "model", "transcript.jsonl", "rows.json"),
        )
        given = ~test
        given[moved] = True
        planned_model(plan, derive_seed(plan, NONCE)).set_params(watch=Recorder(folder)).fit(
            cohort.frame[given], groups=patients[given]
        )
        assert outcome(folder) == [{"test rows"}, set()]


def test_groups_that_were_rewritten(home, altered):
    "Another partition makes another split; the rows that were used do not fit it."

    def regroup(lines, folder):
        (folder / "groups.json").write_text(canonical_json((np.arange(80) // 3).tolist()))

    assert "test rows" in altered(regroup)

    def shorter(lines, folder):
        (folder / "groups.json").write_text(
            canonical_json(json.loads((folder / "groups.json").read_text())[:-1])
        )

    assert "test rows" in altered(shorter)

    def owners(lines, folder):
        rows = json.loads((folder / "rows.json").read_text())
        rows["groups"] = list(range(len(rows["groups"])))
        (folder / "rows.json").write_text(canonical_json(rows))
        lines[2]["rows_file"] = sum_of(folder / "rows.json")

    assert altered(owners) == {"test rows", "lanes", "batch order"}


@pytest.mark.parametrize(
    "tensor",
    ["router.hidden", "router.linear", "heads.own", "paths.on_text", "trust", "heads.log_sd"],
)
def test_first_weights_that_were_crafted(altered, tensor):
    def craft(lines, folder):
        lines[4]["weights"][tensor] = "0badcafe"

    assert altered(craft, "public") == {"first weights"} and altered(craft) == {
        "first weights",
        "segment contents",
    }


@pytest.mark.parametrize("tensor", [*AIMED, *STARTED])
def test_first_weights_that_data_moves_need_the_segment(altered, tensor):
    def craft(lines, folder):
        lines[4]["weights"][tensor] = "0badcafe"

    assert altered(craft, "public") == set() and altered(craft) == {"segment contents"}


def test_first_weights_by_another_name(altered):
    def more(lines, folder):
        lines[4]["weights"]["secretword"] = "0badcafe"

    def fewer(lines, folder):
        del lines[4]["weights"]["trust"]

    assert altered(more, "public") == altered(fewer, "public") == {"first weights"}


@pytest.mark.parametrize("field", ["batches", "generators"])
@pytest.mark.parametrize("at", [5, 7])
def test_another_order_of_the_batches(altered, field, at):
    def reorder(lines, folder):
        lines[at][field] = lines[6][field]

    assert altered(reorder, "public") == {"batch order"}


@pytest.mark.parametrize(
    "field, value", [("train", "0" * 64), ("valid", "0" * 64), ("seeds", ["7"])]
)
def test_other_lanes(altered, field, value):
    def other(lines, folder):
        lines[3][field] = value

    assert "lanes" in altered(other)


def test_lines_that_are_missing_or_swapped(altered, home, tmp_path):
    def forget(lines, folder):
        del lines[6]

    assert altered(forget) == {"segment files", "stops", "batch order"} and altered(
        forget, "public"
    ) == {"stops", "batch order"}

    def last(lines, folder):
        del lines[7]

    assert "stops" in altered(last)

    def swap(lines, folder):
        lines[5:7] = lines[6], lines[5]

    assert altered(swap) == {"lines"}

    def headless(lines, folder):
        del lines[1]

    def tailless(lines, folder):
        del lines[-1]

    def double(lines, folder):
        return lines[:9] + lines[3:]

    assert altered(headless) == altered(tailless) == altered(double) == {"lines"}
    for order in ([0, 1, 2, 3, 4, 5, 7, 8, 9], [0, 1, 2, 3, 4, 6, 5, 7, 8, 9]):
        folder = shutil.copytree(home / "honest", tmp_path / f"raw{len(order)}")
        raw = (folder / "transcript.jsonl").read_bytes().split(b"\n")
        (folder / "transcript.jsonl").write_bytes(b"\n".join(raw[i] for i in order) + b"\n")
        assert "chain" in outcome(folder)[0]
    assert outcome(home / "honest", head="0" * 64)[0] == {"head"}


def test_files_that_were_changed(home, altered, tmp_path):
    for name, found in (
        ("model/model.json", {"model files"}),
        ("model/weights.safetensors", {"model files"}),
        ("segments/main-000010.safetensors", {"segment files"}),
        ("rows.json", {"rows file"}),
    ):
        folder = shutil.copytree(home / "honest", tmp_path / name.replace("/", "-"))
        content = bytearray((folder / name).read_bytes())
        if name == "rows.json":
            content = content.replace(b'"used":[0,', b'"used":[', 1).replace(
                b'"groups":[0,', b'"groups":[', 1
            )
        else:
            content[-20] ^= 1
        (folder / name).write_bytes(content)
        assert found <= outcome(folder)[0]

    def swap(lines, folder):  # a model of another run, with everything that names it
        other = AdaRoute.load(folder / "model")
        with torch.no_grad():
            other.model_.heads.own += 1
        other.save(folder / "model")
        lines[-1]["files"] = {n: sum_of(folder / "model" / n) for n in lines[-1]["files"]}
        lines[-2]["weights"] = short_digests(other.model_)

    assert altered(swap) == {"kept lanes"} and altered(swap, "public") == set()

    def lost(lines, folder):
        shutil.rmtree(folder / "model")

    assert altered(lost) == {"model files"}

    def more(lines, folder):
        shutil.copy(
            folder / "segments" / "main-000010.safetensors",
            folder / "segments" / "main-000011.safetensors",
        )

    assert altered(more) == {"segment files"}


def test_a_start_that_was_not_the_best(tmp_path, cohort):
    planned(tmp_path / "run", cohort, starts=2)
    lines, run = lines_of(tmp_path / "run"), RunFolder.open(tmp_path / "run")
    other = 1 - lines[3]["seeds"].index(str(run.model.model_.seeds[0]))
    for k in (5, 6, 7):
        lines[k]["validation"][other] = 0.001
    shutil.rmtree(tmp_path / "run" / "segments")
    rechain(lines, tmp_path / "run")
    assert outcome(tmp_path / "run")[0] == {"kept lanes"}


def test_other_code_and_libraries_are_no_failure(home, monkeypatch):
    monkeypatch.setattr(derivation, "_digest_code_here", lambda version: "0" * 64)
    monkeypatch.setattr(derivation, "_digest_lock_here", lambda: "0" * 64)
    assert outcome(home / "honest") == [set(), {"code", "libraries"}]


# parts


def test_which_tensors_data_touches():
    assert touched_by_data(Design()) == {*AIMED, *STARTED} and touched_by_data(
        Design(start="random")
    ) == set(AIMED)
    assert (
        touched_by_data(Design(routes=("N1/STL",))) == set(STARTED)
        and touched_by_data(Design(routes=("N1/STL",), start="random")) == set()
    )
    assert str(Check(1, "seed", False, "Another.")) == "FAILED: seed. Another."


def test_the_cost_on_a_hundred_thousand_rows(tmp_path, home):
    "Levels 0 and 1 of a large run: the parts that grow with the rows and the steps."
    groups, began = np.repeat(np.arange(50_000), 2), time.perf_counter()
    plan = RunFolder.open(home / "honest").plan
    test = derived_test(derive_seed(plan, NONCE), groups, 0.2)
    owners = pd.factorize(groups[~test])[0]
    split = make_split(owners, 3, 2, 0.2, np.random.default_rng(1))
    order = replayed_order(Settings(), Design(), 2, range(6), split.train)
    folder = shutil.copytree(home / "honest", tmp_path / "run")
    (folder / "groups.json").write_text(canonical_json(groups.tolist()))
    (folder / "rows.json").write_text(
        canonical_json(dict(groups=owners.tolist(), used=list(range(len(owners)))))
    )
    assert {"rows file"} <= outcome(folder)[0] and len(order) == 40
    assert time.perf_counter() - began < 30
