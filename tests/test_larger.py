"Tables larger than memory: the same model as in memory, and one line where something is wrong."

import json
import os
import shutil
import signal
from functools import partial

import numpy as np
import pytest
from adaroute import AdaRoute
from adaroute.checks import SchemaError
from adaroute.command.main import main
from adaroute.features import streamed
from adaroute.learners import closed_form, elsewhere, fit_streamed, larger, schedule
from adaroute.learners.elsewhere import DaskBlocks
from adaroute.learners.schedule import Schedule, learn_best
from adaroute.schema import Schema, read
from adaroute.synthetic import make_cohort
from adaroute.tables import read_table, write_table
from click.testing import CliRunner

GAPS = dict(missing_numbers=0.1, missing_text=0.1, missing_outcomes=0.1)
QUICK = dict(learner="closed_form", guard=False, routes=["N1/STL", "T2/STL"])
QUICK |= dict(encoder=dict(text_dim=3, max_terms=40, min_df=3))


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch):
    "Ten rounds in place of a hundred: the tests are about where the rows lie."
    short = Schedule(hot=3, paths=5, routes=5)
    monkeypatch.setattr(closed_form, "learn_best", partial(learn_best, starts=(short,)))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    "A cohort with gaps, a category, people, weights, and outcomes of two kinds."
    frame = make_cohort(90, "planted", seed=101, **GAPS).frame
    rng, n = np.random.default_rng(0), len(frame)
    frame["site"] = rng.choice(["a", "b", None], n)
    frame["plan"] = np.where(rng.uniform(size=n) < 0.3, None, "walks more, sleeps 8 hours")
    frame["ill"] = np.where(frame.phq9.isna(), np.nan, frame.phq9 > frame.phq9.median())
    frame["person"], frame["counts"] = np.arange(n) // 2, 1.0 * rng.integers(0, 3, n)
    path = tmp_path_factory.mktemp("larger") / "table.parquet"
    write_table(frame, path)
    return path


ROLES = dict(
    numeric=["age", "item_1", "item_2"],
    text=["note", "plan"],
    categorical=["site"],
    tasks=dict(phq9="regression", gad7="regression", ill="binary"),
)


def make(**more):
    return AdaRoute(**ROLES | QUICK | more)


def fit_whole(path, est, group="person"):
    frame = read_table(
        path, text=ROLES["text"], categorical=["site"], outcomes=ROLES["tasks"], ignore=[group]
    )
    return est.fit(frame, groups=frame[group])


def small_blocks(monkeypatch, rows):
    for module in (closed_form, streamed, larger):
        monkeypatch.setattr(module, "PORTION", rows)


def weights_of(est):
    spares = [est.model_, *est.model_.spares.values()]
    return [p.detach().numpy() for model in spares for p in model.parameters()]


@pytest.mark.parametrize("rows, more", [(41, {}), (25, dict(weight="counts", guard=None))])
def test_many_blocks_find_what_memory_finds(table, monkeypatch, rows, more):
    small_blocks(monkeypatch, rows)
    one, other = make(**more), make(**more)
    fit_whole(table, one)
    fit_streamed(other, table, rows_in_memory=100, group="person")
    pairs = list(zip(weights_of(one), weights_of(other), strict=True))
    assert len(pairs) > 5 and all(np.allclose(*pair, rtol=0, atol=1e-9) for pair in pairs)
    assert one.fitted_.reader.scale == other.fitted_.reader.scale
    assert other.extras_["streamed"]["text_rows"] == other.extras_["streamed"]["taught"]


@pytest.mark.parametrize("wider", (1000, 50))
def test_plenty_of_rows_are_sampled_alike_from_file_and_memory(table, monkeypatch, wider):
    "Both starts and the folds see the sample, and all rows have their say in the end."
    monkeypatch.setattr(schedule, "WIDER", wider)
    monkeypatch.setattr(schedule, "PLENTY", 60)
    monkeypatch.setattr(schedule, "SAMPLED", 40)
    whole = make(guard=None)
    fit_whole(table, whole)
    small_blocks(monkeypatch, 41)
    one, other, third = make(guard=None), make(guard=None), make(guard=None, seed=5)
    fit_whole(table, one)
    for est in (other, third):
        fit_streamed(est, table, rows_in_memory=100, group="person")
    in_memory, on_disk, by_seed = map(weights_of, (one, other, third))
    assert all(np.allclose(*pair, rtol=0, atol=1e-9) for pair in zip(in_memory, on_disk))
    assert all(np.allclose(*pair, rtol=0, atol=1e-5) for pair in zip(in_memory, weights_of(whole)))
    assert not all(np.allclose(*pair, atol=1e-9) for pair in zip(in_memory, by_seed))


def test_a_csv_is_read_in_passes_too(table, tmp_path):
    frame = read_table(table, text=ROLES["text"])[["note", "item_1", "phq9", "gad7"]]
    write_table(frame, tmp_path / "t.csv")
    about = dict(text=["note"], tasks=dict(phq9="regression", gad7="regression"), **QUICK)
    one = fit_streamed(AdaRoute(**about), tmp_path / "t.csv")
    whole = read_table(tmp_path / "t.csv", text="note", outcomes=about["tasks"])
    other = AdaRoute(**about).fit(whole)
    assert all(map(np.array_equal, weights_of(one), weights_of(other)))


def test_directions_of_many_terms_are_those_of_a_sample(table, monkeypatch):
    monkeypatch.setattr(streamed, "EXACT", 10)
    small_blocks(monkeypatch, 50)
    est = fit_streamed(make(), table, rows_in_memory=60)
    assert est.extras_["streamed"]["text_rows"] == 60 < est.extras_["streamed"]["taught"]
    again = fit_streamed(make(), table, rows_in_memory=60)
    assert all(map(np.array_equal, weights_of(est), weights_of(again)))


def test_a_file_that_changes_between_passes_is_refused(table, tmp_path, monkeypatch):
    path = shutil.copy(table, tmp_path / "t.parquet")
    learn = larger.learn_encoder

    def change_first(*given):
        write_table(read_table(path).assign(item_1=1.0), tmp_path / "other.parquet")
        os.replace(tmp_path / "other.parquet", path)
        return learn(*given)

    monkeypatch.setattr(larger, "learn_encoder", change_first)
    with pytest.raises(ValueError, match="same file in every pass"):
        fit_streamed(make(), path, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_who_was_stopped_goes_on_with_what_is_encoded(table, tmp_path, monkeypatch):
    def stop(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(larger, "fit_closed_form", stop)
        with pytest.raises(KeyboardInterrupt):
            fit_streamed(make(), table, cache=tmp_path)
    [cache] = tmp_path.iterdir()
    monkeypatch.setattr(larger.FileRows, "read", stop)  # no pass is needed any more
    est = fit_streamed(make(), table, cache=tmp_path)
    assert est.extras_["streamed"]["taught"] > 60 and list(tmp_path.iterdir()) == [cache]
    (cache / "evidence").write_bytes(b"")
    with pytest.raises(ValueError, match="expected a whole cache"):
        fit_streamed(make(), table, cache=tmp_path)


def test_a_full_disk_is_one_line_and_leaves_nothing(table, tmp_path, monkeypatch):
    append = larger.RowFile.append

    def fill(file, rows):
        if file.path.name == "evidence":
            file.path = file.path.with_name("full")
            file.path.symlink_to("/dev/full")
        append(file, rows)

    monkeypatch.setattr(larger.RowFile, "append", fill)
    with pytest.raises(ValueError, match="expected room for .* nothing is lost"):
        fit_streamed(make(), table, cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "est, how, line",
    [
        (dict(learner="gradient"), {}, "expected learner='closed_form' with it"),
        ({}, dict(rows_in_memory=100), "rows_in_memory: expected .* 16384"),
        ({}, dict(group="nobody"), "expected whose each row is, got no such column"),
        (dict(guard=False, weight="site"), {}, "weight|site"),
    ],
)
def test_what_cannot_be_done_is_one_line(table, est, how, line):
    with pytest.raises(ValueError, match=line):
        fit_streamed(make(**est), table, **how)


def test_a_row_of_nobody_is_named(table, tmp_path):
    frame = read_table(table, text=ROLES["text"])
    frame["person"] = [None if row == 7 else f"p{row}" for row in range(len(frame))]
    write_table(frame, tmp_path / "t.parquet")
    with pytest.raises(SchemaError, match="'person', data row 8: expected whose row it is"):
        fit_streamed(make(), tmp_path / "t.parquet", group="person")


COLUMNS = "--numeric item_1 --numeric item_2 --text note --categorical site --outcome phq9:regression --outcome gad7:regression"


def test_the_command_from_table_to_prediction(table, tmp_path):
    run = lambda line: CliRunner().invoke(main, [*line.split(), "--json"])
    words = f"{COLUMNS} --group person --learner closed_form --routes N1/STL --routes T2/STL"
    done = run(f"fit {table} {words} --rows-in-memory 20000 --out {tmp_path}/m --quiet")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["rows"] == 90 and told["calibration"] == "none"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["m"]
    assert "Read in passes, with at most 20,000" in (tmp_path / "m" / "MODEL_CARD.md").read_text()
    done = run(f"predict {tmp_path}/m {table} --out {tmp_path}/said.csv --quiet")
    assert done.exit_code == 0, done.output
    saved = AdaRoute.load(tmp_path / "m")
    whole = tmp_path / "whole"
    done = run(f"fit {table} {words} --out {whole} --quiet")
    new = read_table(table, like=Schema(**saved.schema_.roles))
    assert saved.predict(new).equals(AdaRoute.load(whole).predict(new))
    assert len(read(new, saved.schema_, outcomes=False)) == 90


@pytest.mark.parametrize(
    "words, line",
    [
        (
            "--rows-in-memory 20000 --learner gradient",
            "--learner closed_form with it, got gradient",
        ),
        ("--learner closed_form --rows-in-memory 9", "expected at least 16384, got 9"),
        (
            "--learner closed_form --rows-in-memory 20000 --calibration cross",
            "expected no --calibration cross beside it",
        ),
        (
            "--learner closed_form --rows-in-memory 20000 --transcript run",
            "expected no --transcript beside it",
        ),
    ],
)
def test_the_command_refuses_in_one_line(table, tmp_path, words, line):
    done = CliRunner().invoke(main, f"fit {table} {COLUMNS} --out {tmp_path}/m {words}".split())
    assert done.exit_code == 2 and line in done.output and not (tmp_path / "m").exists()


def test_the_command_takes_the_learner_that_can(table, tmp_path):
    words = f"fit {table} {COLUMNS} --out {tmp_path}/m --rows-in-memory 20000"
    refused = CliRunner().invoke(main, f"{words} --steps 9".split())
    assert refused.exit_code == 3 and "with it, got 'gradient'" in refused.output
    assert CliRunner().invoke(main, words.split()).exit_code == 0
    assert AdaRoute.load(tmp_path / "m").learner_ == "closed_form"


# a cluster


@pytest.fixture(scope="module")
def workers():
    "Two workers, each a process, that start again when they are lost."
    from distributed import LocalCluster

    quiet = dict(dashboard_address=None, silence_logs="CRITICAL")
    with LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster:
        yield cluster


def test_a_cluster_finds_the_same_bits(table, monkeypatch, workers):
    small_blocks(monkeypatch, 41)
    about = dict(rows_in_memory=100, group="person")
    alone = fit_streamed(make(guard=None), table, **about)
    there = fit_streamed(make(guard=None), table, cluster=workers.scheduler_address, **about)
    assert all(map(np.array_equal, weights_of(alone), weights_of(there)))


def test_a_worker_that_is_lost_costs_no_bit(table, monkeypatch, workers):
    small_blocks(monkeypatch, 41)
    alone = fit_streamed(make(), table, rows_in_memory=100)
    submit, sent, killed = DaskBlocks.submit, [], []

    def lose_one(self, function, tall, beside):
        sent.append(function)
        if len(sent) == 20:
            killed.append(workers.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)
        return submit(self, function, tall, beside)

    monkeypatch.setattr(DaskBlocks, "submit", lose_one)
    there = fit_streamed(make(), table, rows_in_memory=100, cluster=workers.scheduler_address)
    assert killed and all(map(np.array_equal, weights_of(alone), weights_of(there)))


def test_a_dask_frame_is_a_table_too(table, tmp_path):
    dask_frame = pytest.importorskip("dask.dataframe")
    whole = read_table(table, text=ROLES["text"])[["note", "item_1", "phq9", "gad7"]]
    about = dict(text=["note"], tasks=dict(phq9="regression", gad7="regression"), **QUICK)
    frame = dask_frame.from_pandas(whole, npartitions=3)
    one = fit_streamed(AdaRoute(**about), frame, cache=tmp_path / "cache")
    write_table(whole, tmp_path / "t.parquet")
    other = fit_streamed(AdaRoute(**about), tmp_path / "t.parquet")
    assert all(map(np.array_equal, weights_of(one), weights_of(other)))


def test_a_scheduler_that_is_not_there_is_one_line(table, monkeypatch):
    monkeypatch.setattr(elsewhere, "ANSWER_TIME", 0.5)
    with pytest.raises(ValueError, match="address of a Dask scheduler.*no answer from 'tcp://"):
        fit_streamed(make(), table, cluster="tcp://127.0.0.1:9")


def test_a_worker_of_another_version_is_refused(table, monkeypatch, workers):
    own = elsewhere.list_versions() | {"numpy": "1.0"}
    monkeypatch.setattr(elsewhere, "list_versions", lambda: own)
    monkeypatch.setattr("distributed.Client.run", lambda *_: {"one": {}, "two": own})
    with pytest.raises(ValueError, match="numpy 1.0.*got 1 of 2 workers without"):
        fit_streamed(make(), table, cluster=workers.scheduler_address)


def test_a_cluster_without_passes_is_wrongly_typed(table, tmp_path):
    words = ["fit", str(table), "--outcome", "phq9:regression", "--out", str(tmp_path / "m")]
    done = CliRunner().invoke(main, [*words, "--cluster", "tcp://127.0.0.1:9"])
    assert done.exit_code == 2 and "expected --rows-in-memory with it" in done.output
