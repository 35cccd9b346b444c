"Model folders from somebody else: what they hold is refused in one line, in no time, or it is what was saved."

import copy
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adaroute import AdaRoute
from adaroute.machine import read_regular
from adaroute.saving import FILES
from mutations import LARGE, SLOW, Tally, answer, rewrite, used_memory


@pytest.fixture(scope="module")
def tally(tmp_path_factory):
    return Tally(tmp_path_factory.mktemp("spoiled"))


@pytest.fixture
def model(tally):
    rewrite(tally.model, tally.honest, tally.honest[FILES[0]], sealed=False)
    yield tally.model
    for name in (*FILES, "manifest.json"):
        (tally.model / name).unlink(missing_ok=True)
    rewrite(tally.model, tally.honest, tally.honest[FILES[0]], sealed=False)


def test_hundreds_of_spoiled_models(tally):
    "5,000 of them: make mutations."
    before = used_memory()
    for number in range(300):
        tally.try_one(number, sealed=bool(number % 2))
    assert not tally.wrong and tally.slowest < SLOW and used_memory() - before < LARGE
    assert tally.found["refused"] == 150, "without the seal, nothing else is the same model"
    assert min(tally.found["sealed refused"], tally.found["sealed same"]) > 10, tally.found


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("what", ["device", "link to a device", "pipe", "folder"])
def test_what_is_no_file_is_not_read(model, name, what):
    file = model / name
    file.unlink()
    if what == "pipe":
        os.mkfifo(file)
    elif what == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero" if what == "device" else "/dev/tty")
    start = time.monotonic()
    with pytest.raises(
        ValueError, match=f"'{name}': expected to read it, got 'not a regular file'"
    ):
        AdaRoute.load(model)
    assert time.monotonic() - start < 5
    file.rmdir() if what == "folder" else file.unlink()


def test_a_link_to_a_file_is_as_good_as_the_file(model, tally, tmp_path):
    elsewhere = tmp_path / "weights"
    elsewhere.write_bytes((model / FILES[1]).read_bytes())
    (model / FILES[1]).unlink()
    (model / FILES[1]).symlink_to(elsewhere)
    assert answer(model, tally.rows)[1].equals(tally.said)


GREEDY = {
    "hidden units": lambda a: a["design"].update(hidden=10**7),
    "width": lambda a: a["design"].update(width=10**9),
    "axes": lambda a: a["design"].update(axes=10**8),
    "members": lambda a: a.update(seeds=list(range(10**6))),
    "spares": lambda a: a["spares"].update(N1=list(range(10**6))),
    "levels": lambda a: a["scale"].update(levels=[10**9, 2, 0]),
    "columns": lambda a: a.update(widths=[10**9] * 3),
    "a seed beyond all": lambda a: a.update(seeds=[10**400]),
    "fallback": lambda a: a.update(fallback=[0.5] * 10**6),
    "deep": lambda a: a.update(extras=nested(900)),
    "a list as extras": lambda a: a.update(extras=[1]),
    "no arrays": lambda a: a.update(arrays={"model_": None}),
    "an end that is not one": lambda a: a["scale"].update(bounds=[[5, 1]] * 3),
    "no spread": lambda a: a["scale"].update(spread=[0, 1, 1]),
    "no factor": lambda a: a.update(factor=float("inf")),
}


def nested(depth):
    box = []
    for _ in range(depth):
        box = [box]
    return box


@pytest.mark.parametrize("name", GREEDY)
def test_what_the_tensors_do_not_bear_out_is_not_built(model, tally, name):
    about = copy.deepcopy(tally.about)
    GREEDY[name](about)
    rewrite(model, tally.honest, json.dumps(about).encode(), sealed=True)
    before, start = used_memory(), time.monotonic()
    with pytest.raises(
        ValueError, match="load: expected a saved model in 'model', (but|got) "
    ) as error:
        AdaRoute.load(model)
    assert time.monotonic() - start < SLOW and used_memory() - before < LARGE / 4
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_json_deeper_than_python(model, tally):
    for content in (b"[" * 200_000, b'{"a":' * 200_000):
        rewrite(model, tally.honest, content, sealed=True)
        with pytest.raises(ValueError, match="not JSON and safetensors"):
            AdaRoute.load(model)


def test_weights_of_another_model(model, tally):
    about = dict(tally.about, fallback=[0.5, 0.5, 0.5])
    rewrite(model, tally.honest, json.dumps(about).encode(), sealed=False)
    with pytest.raises(ValueError, match="weights of another model"):
        AdaRoute.load(model)


def test_models_without_a_seal_are_read():
    pinned = Path(__file__).parent / "pins" / "0.1.0" / "model"
    assert b"__metadata__" not in (pinned / FILES[1]).read_bytes()[:3000]
    assert AdaRoute.load(pinned).schema_.tasks


def test_the_command_says_it_in_one_line(model, tally, tmp_path):
    (model / FILES[1]).unlink()
    (model / FILES[1]).symlink_to("/dev/zero")
    table = tmp_path / "rows.csv"
    tally.rows.to_csv(table, index=False)
    command = [sys.executable, "-m", "adaroute.command.main"]
    done = subprocess.run(
        [*command, "predict", str(model), str(table), "--out", str(tmp_path / "p.csv")],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 3 and done.stderr.count("\n") == 1, done.stderr
    assert "'weights.safetensors': expected to read it, got 'not a regular file'" in done.stderr
    assert not (tmp_path / "p.csv").exists()


def test_a_file_that_changes_under_the_hand(tmp_path, monkeypatch):
    "Between the look and the opening somebody puts a pipe in the file's place."
    (tmp_path / "file").write_bytes(b"1")
    os.mkfifo(tmp_path / "pipe")
    regular = os.stat(tmp_path / "file")
    monkeypatch.setattr(os, "stat", lambda path: regular)
    with pytest.raises(OSError, match="'pipe': expected to read it, got 'not a regular file'"):
        read_regular(tmp_path / "pipe")


def test_sums_are_what_they_are_called(model):
    sums = json.loads((model / "manifest.json").read_text())
    for name in FILES:
        assert sums[name] == hashlib.sha256((model / name).read_bytes()).hexdigest()
