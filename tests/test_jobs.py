"Jobs are answered side by side: by this process, by others, and by a Dask cluster that is reached by its address."

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import adaroute
from adaroute.lab import jobs as jobs_module

from adaroute.lab.jobs import run_jobs

JOBS = [dict(kind="doubled", of=k) for k in (1, 2, 3, 2)]


def doubled(job):
    if job["of"] == 13:
        raise ValueError("13 is not doubled")
    return {"twice": 2 * job["of"]}


def doubled_by_a_survivor(job):
    "The process that takes the first job dies of it; whoever takes it again does not."
    mark = Path(job["mark"])
    if job["of"] == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return doubled(job)


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as local:
        yield local.scheduler_address


def test_a_cluster_answers_as_this_process_does(tmp_path, cluster):
    assert cluster.startswith("tcp://")
    here, there = (
        run_jobs(JOBS, tmp_path / name, 0, address, "", doubled)
        for name, address in (("here", ""), ("there", cluster))
    )
    assert here == there == [{"twice": 2}, {"twice": 4}, {"twice": 6}, {"twice": 4}]
    assert {p.name for p in (tmp_path / "here").iterdir()} == {
        p.name for p in (tmp_path / "there").iterdir()
    }


def test_a_stopped_study_goes_on_with_what_was_answered(tmp_path, cluster):
    with pytest.raises(ValueError, match="13 is not doubled"):
        run_jobs([JOBS[0], dict(kind="doubled", of=13)], tmp_path, 0, "", "", doubled)
    (kept,) = tmp_path.iterdir()
    kept.write_text(json.dumps({"twice": "read, not run"}))
    assert run_jobs(JOBS[:2], tmp_path, 0, cluster, "", doubled) == [
        {"twice": "read, not run"},
        {"twice": 4},
    ]


def test_a_worker_that_dies_loses_no_answer(tmp_path):
    distributed = pytest.importorskip("distributed")
    jobs = [job | dict(mark=str(tmp_path / "died")) for job in JOBS]
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as local:
        there = run_jobs(
            jobs, tmp_path / "there", 0, local.scheduler_address, "", doubled_by_a_survivor
        )
    assert (tmp_path / "died").exists()
    assert there == run_jobs(jobs, tmp_path / "here", 0, "", "", doubled)


def test_a_scheduler_that_is_not_there_is_named(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(jobs_module, "PATIENCE", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ValueError, match=f"expected the address of a Dask.*{address}") as refusal:
        run_jobs(JOBS, tmp_path, 0, address, "", doubled)
    assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_a_scheduler_without_workers_is_named(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(jobs_module, "PATIENCE", 1)
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as local:
        with pytest.raises(ValueError, match="expected workers, got none"):
            run_jobs(JOBS, tmp_path, 0, local.scheduler_address, "", doubled)


def test_workers_with_other_code_are_refused(tmp_path):
    distributed = pytest.importorskip("distributed")
    shutil.copytree(Path(adaroute.__file__).parent, tmp_path / "adaroute")
    with (tmp_path / "adaroute" / "router.py").open("a") as router:
        router.write("# another version\n")
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as local:
        words = [local.scheduler_address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        command = [sys.executable, "-m", "distributed.cli.dask_worker", *words]
        env = os.environ | {"PYTHONPATH": str(tmp_path)}
        with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL) as worker:
            try:
                with pytest.raises(ValueError, match="workers with this code.*got 1 of 1"):
                    run_jobs(JOBS, tmp_path / "cache", 0, local.scheduler_address, "", doubled)
            finally:
                worker.terminate()
