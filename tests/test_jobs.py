"Jobs are answered side by side: by this process, by others, and by a Dask cluster that is reached by its address."

import json

import pytest

from adaroute.lab.jobs import run_jobs

JOBS = [dict(kind="doubled", of=k) for k in (1, 2, 3, 2)]


def doubled(job):
    if job["of"] == 13:
        raise ValueError("13 is not doubled")
    return {"twice": 2 * job["of"]}


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
