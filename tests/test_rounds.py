"""Runs in closed form: honest ones, and those of somebody who owns the folder and puts chain, manifest
and statement right again after each cheat."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from adaroute.estimator import AdaRoute
from adaroute.learners import closed_form, guard, schedule
from adaroute.model_card import CARD, write_card
from adaroute.provenance import solving_again, transcript
from adaroute.provenance.plan import PlanError
from adaroute.provenance.reexecution import reexecute
from adaroute.provenance.rounds import place_line
from adaroute.provenance.run_folder import RunFolder
from adaroute.provenance.transcript import Recorder, fit_under_plan
from adaroute.provenance.verify import verify_run
from rechain import NONCE, lines_of, rechain, sum_of
from test_second_wall import FOREIGN, GROUPS, SPELLINGS, Home, agree, edit_model, edit_weights
from test_second_wall import KEY, push, refresh_finished, set_line

CLOSED = dict(learner="closed_form", steps=None, settings=None)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("rounds"), **CLOSED)


def at(folder, place):
    return [place_line(line) for line in lines_of(folder)].index(place)


def failed(found):
    return [c.name for c in found.failed]


ROUND = ("round", "start 1", "paths", 7)


def test_an_honest_run_is_verified_to_the_bit(home, tmp_path):
    found = home.audit(home.run, ledger=home.book(tmp_path))
    assert found.status == 0, [str(c) for c in found.failed]
    assert {v.word for v in found.verdicts.values()} == {"excluded"}
    assert found.reexecution.unit == "round" and "rounds" in found.markdown()
    alone = verify_run(home.run, filed=home.filed)
    assert alone.status == 2 and not alone.failed


def test_elsewhere_numbers_pass_within_the_measured_allowance(home, monkeypatch):
    monkeypatch.setattr(solving_again, "solver_numerics", lambda: {"probe": "of another machine"})
    found = home.audit(home.run)
    assert found.status == 0 and not found.reexecution.same_environment
    assert max(s.noise for s in found.reexecution.segments) > 0
    assert home.audit(home.run, tolerance=1e-6).status == 0


@pytest.mark.parametrize("by", (1e-2, 1e-6))
def test_elsewhere_a_moved_model_is_never_verified(home, tmp_path, monkeypatch, by):
    folder = home.copy(tmp_path)
    edit_weights(folder, lambda t: push(t, by, only="heads.bias"))
    refresh_finished(folder)
    monkeypatch.setattr(solving_again, "solver_numerics", lambda: {"probe": "of another machine"})
    exact = home.audit(home.seal(folder), tolerance=1e-9)
    assert exact.status == 1 and "final model" in failed(exact)
    assert by < 1e-3 or home.audit(folder).status in (1, 2)


def test_a_stopped_fit_says_the_same_again(home, tmp_path):
    folder = home.copy(tmp_path)
    (folder / "statement.json").unlink()
    file = folder / "transcript.jsonl"
    whole = file.read_bytes()
    file.write_bytes(b"".join(whole.splitlines(True)[:40]) + b'{"half')
    shutil.rmtree(folder / "model")
    fit_under_plan(home.frame, home.plan, NONCE, folder, groups=GROUPS)
    assert file.read_bytes() == whole


def test_weights_of_rows_are_not_taken_for_none(home, tmp_path):
    how = home.plan.config | dict(seed=1)
    est = AdaRoute(**how, watch=Recorder(tmp_path / "run"))
    with pytest.raises(ValueError, match="expected none beside a plan or a transcript"):
        est.fit(home.frame, weights=np.full(len(home.frame), 2.0))
    refused = AdaRoute(**how | dict(selection="hard"), watch=Recorder(tmp_path / "other"))
    with pytest.raises(ValueError, match="learner='gradient' has it"):
        refused.fit(home.frame)
    assert not (tmp_path / "other" / "transcript.jsonl").exists()


def test_what_only_the_gradient_learner_has_is_refused(home):
    with pytest.raises(PlanError, match="segments: expected 'all'"):
        home.audit(home.run, segments=2)
    with pytest.raises(PlanError, match="references: expected 0"):
        home.audit(home.run, references=39)


# Other training than claimed: everything about the table is as an honest run would have it


class Lying(Recorder):
    "Says what is honest about the table, and learns from other rows."

    def __init__(self, folder, change):
        super().__init__(folder)
        self.change = change

    def prepared(self, prepared):
        return self.change(super().prepared(prepared))


def lie(home, folder, monkeypatch, change):
    monkeypatch.setattr(transcript, "Recorder", lambda folder: Lying(folder, change))
    fit_under_plan(home.frame, home.plan, NONCE, folder, groups=GROUPS)
    monkeypatch.undo()
    shutil.copytree(home.filed, folder, dirs_exist_ok=True)
    home.state(folder)
    return home.audit(folder)


OTHER_ROWS = {
    "an outcome": lambda rows: rows._replace(y=rows.y + (torch.arange(len(rows.y)) == 3)[:, None]),
    "left out": lambda rows: rows._replace(y=torch.where(one(rows), torch.nan, rows.y)),
    "exchanged": lambda rows: rows._replace(joined=torch.where(one(rows), 0.5, rows.joined)),
}


def one(rows):
    return (torch.arange(len(rows.y)) == 5)[:, None]


@pytest.mark.parametrize("name", OTHER_ROWS)
def test_other_rows_than_claimed(home, tmp_path, monkeypatch, name):
    found = lie(home, tmp_path / "run", monkeypatch, OTHER_ROWS[name])
    assert found.status == 1 and found.named == "other rows or settings"
    assert failed(found) == ["rounds", "final model"]
    assert "the first is round 1 of start 1, paths" in found.failed[0].detail


def test_other_weights_of_rows_than_claimed(home, tmp_path, monkeypatch):
    taught = closed_form.Taught
    heavy = lambda *parts: taught(*parts)._replace(weight=np.where(parts[-1] > 0, 1.0, 1.0) * 2)
    with monkeypatch.context() as m:
        m.setattr(closed_form, "Taught", heavy)
        fit_under_plan(home.frame, home.plan, NONCE, tmp_path / "run", groups=GROUPS)
    found = home.audit(tmp_path / "run")
    assert found.status == 1 and found.named == "other rows or settings"


def test_other_settings_from_a_later_round_on(home, tmp_path, monkeypatch):
    honest = schedule.take_round

    def pushed(m, share, heat, level):
        found = honest(m, share, heat, level)
        if len(m.history) == 9:
            found = found[:, ::-1].copy()
        return found

    with monkeypatch.context() as m:
        m.setattr(schedule, "take_round", pushed)
        fit_under_plan(home.frame, home.plan, NONCE, tmp_path / "run", groups=GROUPS)
    found = home.audit(tmp_path / "run")
    assert found.status == 1 and found.named == "gluing"
    assert "round 10 of start 1, paths" in found.failed[0].detail


def test_other_folds_than_the_seed_deals(home, tmp_path, monkeypatch):
    honest = guard.deal_people
    with monkeypatch.context() as m:
        m.setattr(guard, "deal_people", lambda owners, seed: honest(owners, seed + 1))
        fit_under_plan(home.frame, home.plan, NONCE, tmp_path / "run", groups=GROUPS)
    found = home.audit(tmp_path / "run")
    assert found.status == 1 and found.named == "split tampering"
    assert "fold 1" in found.failed[0].detail


def test_the_better_guard_is_chosen_by_hand(home, tmp_path, monkeypatch):
    honest = guard._find_shares

    def ours(*about):
        shares, said = honest(*about)
        return np.array([1.0, 0.0, 0.0, 0.0, 0.0]), said

    with monkeypatch.context() as m:
        m.setattr(guard, "_find_shares", ours)
        fit_under_plan(home.frame, home.plan, NONCE, tmp_path / "run", groups=GROUPS)
    found = home.audit(tmp_path / "run")
    assert found.status == 1 and found.named == "guard tampering"


def test_the_worse_start_is_kept(home, tmp_path, monkeypatch):
    worse = lambda scores: int(np.argmin(scores))
    with monkeypatch.context() as m:
        m.setattr(schedule.np, "argmax", worse)
        fit_under_plan(home.frame, home.plan, NONCE, tmp_path / "run", groups=GROUPS)
    alone = verify_run(tmp_path / "run", filed=home.filed)
    assert alone.status == 1 and failed(alone) == ["kept start"]
    assert home.audit(tmp_path / "run").named == "gluing"


# Lines that were altered, and chained again


def edit_lines(folder, change):
    lines = lines_of(folder)
    change(lines)
    rechain(lines, folder)


def test_a_round_is_dropped(home, tmp_path):
    folder, place = home.copy(tmp_path), at(home.run, ROUND)
    edit_lines(folder, lambda lines: lines.pop(place))
    home.seal(folder)
    found = verify_run(folder)
    assert found.status == 1 and found.named == "round tampering" and failed(found) == ["lines"]
    assert "expected round 7 of start 1, paths, got round 8" in found.failed[0].detail
    assert home.audit(folder).named == "round tampering" and agree(folder)


def test_a_round_is_dropped_and_the_others_are_numbered_anew(home, tmp_path):
    "The levels below see nothing wrong, as long as enough rounds are left; learning again does."
    folder, numbers = home.copy(tmp_path), {}

    def drop(lines):
        lines.pop(at(home.run, ROUND))
        for line in lines:
            if line["kind"] == "round":
                stage = line["part"], line["stage"]
                line["round"] = numbers[stage] = numbers.get(stage, 0) + 1

    edit_lines(folder, drop)
    home.seal(folder)
    assert not verify_run(folder).failed and not agree(folder)
    found = home.audit(folder)
    assert found.status == 1 and found.named == "round tampering"
    assert "the first is round 7 of start 1, paths" in found.failed[0].detail


@pytest.mark.parametrize("field, value", [("digest", "0" * 64), ("score", -9.5), ("noise", 0.25)])
def test_a_round_is_altered_and_chained_again(home, tmp_path, field, value):
    folder, place = home.copy(tmp_path), at(home.run, ROUND)
    edit_lines(folder, lambda lines: lines[place].update({field: value}))
    home.seal(folder)
    assert not verify_run(folder).failed
    found = home.audit(folder)
    assert found.status == 1 and found.named == "round tampering" and failed(found) == ["rounds"]
    assert f"the first is round 7 of start 1, paths ({field})" in found.failed[0].detail


def test_a_line_of_another_chain(home, tmp_path):
    folder = home.copy(tmp_path)
    file = folder / "transcript.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"start 1"', b'"start 2"', 1))
    assert "chain" in failed(verify_run(folder)) and agree(folder)


# The saved model


def move_guard(tensors):
    tensors["model.guard.shares"] += torch.tensor([0.1, -0.1, 0.0, 0.0, 0.0])


MOVED = {
    "guard tampering": move_guard,
    "router-state tampering": lambda t: push(t, only="router"),
    "gluing": lambda t: push(t, only="heads"),
}


@pytest.mark.parametrize("name", MOVED)
def test_weights_that_were_moved(home, tmp_path, name):
    folder = home.copy(tmp_path)
    edit_weights(folder, MOVED[name])
    shown = verify_run(home.seal(folder))
    assert "final weights" in failed(shown) and agree(folder)
    refresh_finished(folder)
    found = home.audit(home.seal(folder))
    assert found.status == 1 and found.named == name and failed(found)[0] == "final model"


ANOTHER = {
    "fallback": lambda m: m.update(fallback=[9.0 for _ in m["fallback"]]),
    "the error that was reached": lambda m: m.update(validation_error=[0.01]),
}


@pytest.mark.parametrize("elsewhere", (False, True))
@pytest.mark.parametrize("name", ANOTHER)
def test_fields_that_hang_on_the_table(home, tmp_path, monkeypatch, name, elsewhere):
    folder = home.copy(tmp_path)
    edit_model(folder, ANOTHER[name])
    if elsewhere:
        monkeypatch.setattr(solving_again, "solver_numerics", lambda: {"probe": "another"})
    found = home.audit(home.seal(folder), **(dict(tolerance=1e-3) if elsewhere else {}))
    assert found.status == 1 and "final model" in failed(found)


OF_GRADIENT = {
    "the format": lambda m: m.update(format=3),
    "no axes of the guard": lambda m: m.pop("guard"),
}


@pytest.mark.parametrize("name", FOREIGN | OF_GRADIENT)
def test_what_no_learning_writes_into_a_model(home, tmp_path, name):
    folder = home.copy(tmp_path)
    edit_model(folder, (FOREIGN | OF_GRADIENT)[name])
    found = verify_run(home.seal(folder))
    assert found.status == 1 and {"model fields", "model files"} & {*failed(found)}
    assert agree(folder)


def test_another_learner_is_claimed(home, tmp_path):
    folder = home.copy(tmp_path)
    config = {k: v for k, v in lines_of(folder)[0]["config"].items() if k != "learner"}
    set_line(0, config=config)(folder)
    found = verify_run(home.seal(folder))
    assert "lines" in failed(found) and agree(folder)
    set_line(0, format="adaroute-transcript-2")(folder)
    assert "lines" in failed(verify_run(home.seal(folder))) and agree(folder)


def test_a_segment_among_rounds(home, tmp_path):
    folder = home.copy(tmp_path)
    (folder / "segments").mkdir()
    (folder / "segments/main-000000.safetensors").write_bytes(b"")
    assert "segment files" in failed(verify_run(folder)) and agree(folder)


# The card of another model, for both learners


@pytest.fixture(scope="module")
def stepped(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("steps"))


@pytest.mark.parametrize("learner", ("closed form", "gradient"))
def test_the_card_of_another_model_is_refused(home, stepped, tmp_path, learner):
    own, other = (home, stepped) if learner == "closed form" else (stepped, home)
    folder, about = own.copy(tmp_path), {}
    for name, run in (("own", folder), ("other", other.run)):
        about[name] = json.loads((run / "model/model.json").read_text())
    card = folder / "model" / CARD
    card.write_text(write_card(about["own"]))
    assert not verify_run(folder).failed
    card.write_text(write_card(about["other"]))
    found = verify_run(folder)
    assert found.status == 1 and failed(found) == ["model fields"]
    assert "its model card does not follow from model.json" in found.failed[0].detail
    assert own.audit(folder).status == 1
    for content in (b"", b"# A card\n"):
        card.write_bytes(content)
        assert "its model card is not one" in verify_run(folder).failed[0].detail


# Edges


def test_too_few_rows_to_route_leave_no_round(tmp_path, home):
    small = AdaRoute(**home.plan.config | dict(seed=1), watch=Recorder(tmp_path / "run"))
    few = home.frame.iloc[:10]
    small.fit(few)
    lines = lines_of(tmp_path / "run")
    assert [line["kind"] for line in lines[3:]] == ["finished"] * (len(lines) - 4) + ["model"]
    found = verify_run(tmp_path / "run", few)
    assert not found.failed and found.reexecution.reproduced


def test_one_path_has_one_start(tmp_path, home):
    one_path = dict(seed=1, routes=["N1/STL", "N1/MTL"])
    AdaRoute(**home.plan.config | one_path, watch=Recorder(tmp_path / "run")).fit(home.frame)
    assert "start 2" not in {line.get("part") for line in lines_of(tmp_path / "run")}
    assert reexecute(tmp_path / "run", home.frame).reproduced


def test_plenty_of_rows_are_told_and_had_again(tmp_path, monkeypatch):
    "Where the starts see a sample, the rounds with all rows stand between them and the guard."
    monkeypatch.setattr(schedule, "PLENTY", 30)
    monkeypatch.setattr(schedule, "SAMPLED", 25)
    own = Home(tmp_path / "plenty", **CLOSED)
    lines = lines_of(own.run)
    place = [line["kind"] for line in lines].index("kept")
    told = [(line["part"], line["stage"], line["round"]) for line in lines[place + 1 : place + 7]]
    assert told == [("all rows", "routes", number) for number in range(1, 7)]
    assert lines[place + 7]["part"] == "fold 1"
    assert own.audit(own.run).status == 0 and not agree(own.run)
    edit_lines(own.run, lambda lines: lines.pop(place + 3))
    found = verify_run(own.seal(own.run))
    assert "expected round 3 of all rows, routes, got round 4" in found.failed[0].detail
    assert agree(own.run)


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_model_that_the_next_reader_reads_otherwise(home, tmp_path, name):
    folder = home.copy(tmp_path)
    SPELLINGS[name](folder)
    assert "model fields" in failed(verify_run(home.seal(folder))) and agree(folder)


EDITS = {
    "the seed": set_line(0, seed=7),
    "the plan": set_line(0, plan="0" * 64),
    "the rows": lambda f: (f / "rows.json").write_text('{"groups":[0,1,2],"used":[0,1,2]}'),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_third_partys_verifier_agrees(home, tmp_path, name):
    folder = home.copy(tmp_path)
    EDITS[name](folder)
    home.seal(folder)
    assert agree(folder)


def test_a_third_partys_verifier_agrees_on_what_is_honest(home, tmp_path):
    assert not agree(home.run, home.book(tmp_path))
