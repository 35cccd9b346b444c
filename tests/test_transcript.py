"A fit that is written down: the same model, the same lines again, continued after a crash, refused when it is another."

import json
import os
import stat

import numpy as np
import pytest

import adaroute.provenance.transcript as transcript
from adaroute import AdaRoute
from adaroute.datasets import available, load
from adaroute.provenance.reexecution import reexecute
from adaroute.synthetic import make_cohort
from adaroute.provenance.transcript import (
    Recorder,
    TranscriptError,
    numerics,
    read_transcript,
    transcript_head,
)

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")
COHORT = make_cohort(90, seed=100)
S = COHORT.schema
HOW = dict(
    **S.roles,
    members=1,
    starts=1,
    steps=40,
    settings=dict(every=10),
    encoder=dict(text_dim=4, curves=False),
)
GROUPS = np.arange(90) // 2
KINDS = [
    dict(),
    dict(selection="soft"),
    dict(selection="hard"),
    dict(route_per="sample_task"),
    dict(spares=True),
    dict(members=2, starts=2),
    dict(routes=("N1/STL",)),
    dict(router="joint"),
    dict(steps=45),
    dict(bounds={"phq9": (-9, 40)}),
]


def fit(folder=None, frame=COHORT.frame, groups=GROUPS, **how):
    return AdaRoute(**HOW | how, watch=folder and Recorder(folder)).fit(frame, groups=groups)


def weights(model):
    return [p.detach().numpy() for p in model.model_.parameters()]


def same(a, b):
    return all(
        np.array_equal(x, y, equal_nan=True) for x, y in zip(weights(a), weights(b), strict=True)
    )


@pytest.mark.parametrize("how", KINDS, ids=str)
def test_every_kind_of_fit_is_the_same_with_a_transcript_and_can_be_trained_again(tmp_path, how):
    assert same(fit(**how), fit(tmp_path / "run", **how))
    found = reexecute(tmp_path / "run", COHORT.frame, GROUPS)
    assert (
        found.reproduced
        and len(found.segments) == found.total
        and all(s.distance == 0 for s in found.segments)
    )


class Killed(Exception):
    pass


def killed_at(monkeypatch, number):
    "The process ends after writing some lines."
    left, append = [number], transcript._append_line

    def last(*args, **more):
        append(*args, **more)
        left[0] -= 1
        if not left[0]:
            raise Killed

    monkeypatch.setattr(transcript, "_append_line", last)


@pytest.mark.parametrize("number", range(1, 11))
def test_a_run_killed_after_any_line_ends_with_the_same_head(tmp_path, monkeypatch, number):
    with monkeypatch.context() as m:
        killed_at(m, number)
        with pytest.raises(Killed):
            fit(tmp_path / "run")
    fit(tmp_path / "run")
    fit(tmp_path / "whole")
    assert transcript_head(tmp_path / "run") == transcript_head(tmp_path / "whole")
    fit(tmp_path / "run")  # once more, with nothing left to do
    assert transcript_head(tmp_path / "run") == transcript_head(tmp_path / "whole")


@pytest.mark.parametrize("lost", ["000000", "000010", "000020"])
def test_a_half_written_line_and_a_lost_segment_are_made_again(tmp_path, lost):
    model = fit(tmp_path / "run")
    head, file = transcript_head(tmp_path / "run"), tmp_path / "run" / "transcript.jsonl"
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join(lines[:7]) + b"\n" + lines[7][:30])
    (tmp_path / "run" / "segments" / f"main-{lost}.safetensors").write_bytes(b"lost")
    assert same(model, fit(tmp_path / "run")) and transcript_head(tmp_path / "run") == head
    assert reexecute(tmp_path / "run", COHORT.frame, GROUPS).reproduced


def test_a_spare_that_was_cut_off_is_continued(tmp_path, monkeypatch):
    with monkeypatch.context() as m:
        killed_at(m, 13)
        with pytest.raises(Killed):
            fit(tmp_path / "run", spares=True)
    assert same(fit(spares=True), fit(tmp_path / "run", spares=True))


@pytest.mark.parametrize(
    "other, field",
    [
        (dict(seed=1), "seed"),
        (dict(steps=50), "config"),
        (dict(validation=0.3), "config"),
        (dict(groups=None), "rows_file"),
        (dict(frame=COHORT.frame.iloc[::-1]), "encoder"),
        (
            dict(
                frame=COHORT.frame.assign(
                    **{next(iter(S.tasks)): COHORT.frame[next(iter(S.tasks))] + 1}
                )
            ),
            "scale",
        ),
    ],
)
def test_another_run_is_refused_with_the_field_that_differs(tmp_path, other, field):
    fit(tmp_path / "run")
    before = (tmp_path / "run" / "transcript.jsonl").read_bytes()
    with pytest.raises(
        TranscriptError, match=f"line .*: expected the '{field}' that was written, got another"
    ):
        fit(tmp_path / "run", **other)
    assert (tmp_path / "run" / "transcript.jsonl").read_bytes() == before


def test_another_machine_is_refused_when_a_run_is_continued(tmp_path, monkeypatch):
    fit(tmp_path / "run")
    monkeypatch.setattr(transcript, "numerics", lambda: numerics() | {"capability": "another"})
    with pytest.raises(TranscriptError, match=r"line 2 \(environment\): expected the 'capability'"):
        fit(tmp_path / "run")


def test_files_are_for_their_owner_and_hold_no_cell(tmp_path):
    frame = COHORT.frame.copy()
    frame.loc[frame.index[3], S.text[0]] = "zyxwvq unheardof"
    fit(tmp_path / "run", frame)
    for path in [tmp_path / "run", *(tmp_path / "run").rglob("*")]:
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, path.name
        if path.is_file():
            assert b"zyxwvq" not in path.read_bytes() and b"unheardof" not in path.read_bytes()


def test_a_line_of_a_segment_stays_small_and_counts_nothing_twice(tmp_path):
    fit(tmp_path / "run")
    lines = read_transcript(tmp_path / "run")
    assert [line["kind"] for line in lines] == [
        "begin",
        "environment",
        "prepared",
        "lanes",
        *["segment"] * 5,
        "finished",
        "model",
    ]
    assert max(len(json.dumps(line)) for line in lines if line["kind"] == "segment") < 2000


def test_checkpoint_and_transcript_exclude_each_other(tmp_path):
    with pytest.raises(ValueError, match="checkpoint: expected none beside a watch"):
        fit(tmp_path / "run", checkpoint=str(tmp_path / "file"))


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "run").write_bytes(b"")
    with pytest.raises(TranscriptError, match="expected a folder that can be written"):
        fit(tmp_path / "run")


@pytest.mark.skipif(not available("dep_wor"), reason="dep_wor is not here")
def test_a_real_table_with_early_stopping_can_be_trained_again(tmp_path):
    d = load("dep_wor")
    how = dict(
        **d.schema.roles,
        steps=150,
        members=1,
        starts=2,
        settings=dict(every=50),
    )
    AdaRoute(**how, watch=Recorder(tmp_path / "run")).fit(d.frame, groups=d.groups)
    assert reexecute(tmp_path / "run", d.frame, d.groups).reproduced
