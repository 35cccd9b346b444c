"What the fork server of `bad_days` has done once before it forks: one command of each kind."

import contextlib
import io
import os
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from tqdm import tqdm

import bad_days
from adaroute.command.main import main

torch.set_num_threads(1)
tqdm.monitor_interval = 0  # its thread, that is
before = os.getcwd()
with TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
    os.chdir(bad_days.first_day(Path(place)).folder)
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        for name in ("commit", "fit with a plan", "fit", "verify"):
            assert not main(list(bad_days.COMMANDS[name]), standalone_mode=False), name
        assert not main(list(bad_days.PREDICT), standalone_mode=False)
    os.chdir(before)
