"kill -9 at any moment of training: no unreadable checkpoint, and who resumes ends as if nothing had happened."

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from tqdm import tqdm

import adaroute.fitting
import adaroute.machine
import adaroute.training
from adaroute import AdaRoute
from adaroute.synthetic import make_cohort

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")
POINTS, STEPS, EVERY = 50, 80, 4
STAGES = (
    "nothing written",
    "half written",
    "not yet on the disk",
    "not yet in place",
    "just in place",
)


@cache
def people():
    return make_cohort(60, seed=100)


def fitted(file):
    "A small estimator that is trained with a checkpoint."
    cohort = people()
    s = cohort.schema
    return AdaRoute(
        **s.roles,
        members=1,
        starts=1,
        steps=STEPS,
        settings=dict(every=EVERY),
        encoder=dict(text_dim=4, curves=False),
        checkpoint=file,
    ).fit(cohort.frame)


# the helper: imports once, then forks a child for every order it reads


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    "A file that is not written to the end."

    def __init__(self, file, share):
        self.file, self.share = file, share

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, content):
        self.file.write(content[: int(self.share * len(content))])
        self.file.flush()
        die()


def die_while_writing(number: int, stage: str):
    "End this process at a stage of one of its checkpoints."
    left, sync, replace = [number], os.fsync, os.replace

    def opened(*args):
        left[0] -= 1
        file = open(*args)
        return (
            Dying(file, 0.0 if stage == STAGES[0] else 0.5)
            if left[0] == 0 and stage in STAGES[:2]
            else file
        )

    def synced(at):
        if left[0] == 0 and stage == STAGES[2]:
            die()
        sync(at)

    def replaced(*args):
        if left[0] == 0 and stage == STAGES[3]:
            die()
        replace(*args)
        if left[0] == 0 and stage == STAGES[4]:
            die()

    adaroute.machine.open, os.fsync, os.replace = opened, synced, replaced


def child(file, number: str = "", stage: str = ""):
    "Say when training starts and when all is done, then wait for the end."
    tell, train = (
        lambda *words: os.write(1, f"{' '.join(map(str, words))}\n".encode()),
        adaroute.training.train,
    )
    if number:
        die_while_writing(int(number), stage)

    def told(*args, **kwargs):
        tell("training", os.getpid())
        return train(*args, **kwargs)

    adaroute.fitting.train = told
    try:
        fitted(Path(file))
    except BaseException:
        tell("failed", traceback.format_exc().replace("\n", " | "))
    else:
        tell("done")
    while True:
        signal.pause()


def serve():
    "Fork a child for each line of stdin: a file, perhaps the number and the stage of a write."
    torch.set_num_threads(1)
    tqdm.monitor_interval = 0  # its thread, that is
    with tempfile.TemporaryDirectory() as folder:
        fitted(Path(folder) / "run")  # once, so that no child has to warm up
    os.write(1, f"threads {len(os.listdir('/proc/self/task'))}\n".encode())
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            child(*line.rstrip("\n").split("\t"))
        os.waitpid(pid, 0)
        os.write(1, b"ended\n")


class Helper:
    "The helper as the tests see it."

    def __init__(self):
        code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from test_kill import serve; serve()"
        alone = {
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "JE_ARROW_MALLOC_CONF": "background_thread:false",
        }  # the last one: pyarrow's
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=os.environ | alone,
        )
        assert self.line() == "threads 1", "forking is only safe from a single thread"

    def line(self):
        line = self.process.stdout.readline().rstrip("\n")
        assert line and not line.startswith("failed"), line or "the helper is gone"
        return line

    def start(self, *order) -> int:
        "Have a child start to train: its process."
        self.process.stdin.write("\t".join(map(str, order)) + "\n")
        word, pid = self.line().split()
        assert word == "training"
        return int(pid)

    def kill(self, pid: int) -> bool:
        "Kill the child; whether it was still training."
        os.kill(pid, signal.SIGKILL)
        lines = [self.line()]
        while lines[-1] != "ended":
            lines.append(self.line())
        return lines == ["ended"]

    def seconds(self, file) -> float:
        "How long a child trains that nobody kills."
        pid, begin = self.start(file), time.perf_counter()
        assert self.line() == "done"
        taken = time.perf_counter() - begin
        assert self.kill(pid)
        return taken

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def helper():
    if not Path("/proc/self/task").is_dir():
        pytest.skip("needs /proc")
    helper = Helper()
    yield helper
    helper.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    "The run that nobody interrupts."
    return fitted(tmp_path_factory.mktemp("whole") / "run")


def step_of(file) -> int:
    "Which step a checkpoint was written at, every tensor of it read; 0: there is none."
    if not file.exists():
        return 0
    with safe_open(file, "pt") as f:
        for name in f.keys():
            f.get_tensor(name)
        return int(json.loads(f.metadata()["about"])["step"])


def assert_same_to_the_bit(model, whole, file):
    ours, theirs = dict(model.model_.named_parameters()), dict(whole.model_.named_parameters())
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in theirs)
    assert model.history_.keys() == whole.history_.keys() and all(
        np.array_equal(model.history_[k], v) for k, v in whole.history_.items()
    )
    assert np.array_equal(model.validation_error_, whole.validation_error_)
    assert step_of(file) == STEPS and [p.name for p in file.parent.iterdir()] == [file.name], (
        "and nothing is left lying about"
    )


def test_killed_at_fifty_random_points(helper, whole, tmp_path):
    taken, steps = helper.seconds(tmp_path / "measured"), []
    for point, share in enumerate(np.random.default_rng(4).uniform(0, 1, POINTS)):
        file = tmp_path / f"{point}" / "run"
        file.parent.mkdir()
        while True:
            pid = helper.start(file)
            time.sleep(share * taken)
            if helper.kill(pid):
                break
            file.unlink()
            taken *= 0.7  # it was done before: the machine has become faster
        steps.append(step_of(file))
        assert steps[-1] % EVERY == 0
        assert_same_to_the_bit(fitted(file), whole, file)
    assert len(steps) == POINTS and len(set(steps)) >= 5, steps


@pytest.mark.parametrize("number", [1, STEPS // EVERY])
@pytest.mark.parametrize("stage", STAGES)
def test_killed_while_a_checkpoint_is_written(helper, whole, tmp_path, stage, number):
    file = tmp_path / "run"
    helper.start(file, number, stage)
    assert helper.line() == "ended"
    assert step_of(file) == EVERY * (number if stage == STAGES[-1] else number - 1)
    assert file.with_name(".run.part").exists() == (stage != STAGES[-1])
    assert_same_to_the_bit(fitted(file), whole, file)


def test_killed_again_and_again(helper, whole, tmp_path):
    "Each child goes on where the one before was killed, until one is done."
    file, steps = tmp_path / "run", [0]
    for number in (3, 4, 5, 6):  # checkpoints that each of them lives to write
        helper.start(file, number, STAGES[3])
        assert helper.line() == "ended"
        steps.append(step_of(file))
    assert steps == [EVERY * k for k in (0, 2, 5, 9, 14)]
    pid = helper.start(file)
    assert helper.line() == "done" and helper.kill(pid) and step_of(file) == STEPS
    assert_same_to_the_bit(fitted(file), whole, file)
