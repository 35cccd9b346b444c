"""Commands that are killed at any of their file operations, and pairs of commands at once: nothing lost, nothing half.

python tests/bad_days.py KILLS PAIRS      results in tests/results/bad_days.json
"""

import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from adaroute.synthetic import make_cohort

OUTCOME = ("--outcome", "phq9:regression:-40..60")
COLUMNS = ("--numeric", "age", "--numeric", "visits", "--text", "note", *OUTCOME)
SHORT = ("--steps", "6", "--members", "1", "--no-spares")
NONCE = ("--nonce", "5 3 1", "--nonce-from", "dice")
COMMIT = ("commit", "t.csv", *COLUMNS, *SHORT, "--key", "key.hex", "--out", "plan")
PLANNED = ("fit", "t.csv", "--plan", "plan", *NONCE, "--transcript", "run", "--ledger", "book")
FIT = ("fit", "t.csv", *COLUMNS, *SHORT, "--calibration", "none", "--out", "model")
VERIFY = "verify run --data t.csv --key key.hex --plan plan --ledger book --out page.md".split()
COMMANDS = {
    "commit": (*COMMIT, "--ledger", "book"),
    "fit": FIT,
    "fit with a plan": (*PLANNED, "--out", "apart"),
    "ledger": ("ledger", "abandon", "book", "PLAN", "--reason", "the power failed"),
    "verify": VERIFY,
}
NEEDS = {  # command -> what was done before
    "commit": (),
    "fit": (),
    "fit with a plan": ("commit",),
    "ledger": ("commit",),
    "verify": ("commit", "fit with a plan"),
}
COUNTED = ("replace", "rename", "fsync", "ftruncate", "mkdir", "unlink", "rmdir", "write", "open")
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["bad_days", "warm_day"])


def count_operations(die_at, after):
    "Count the operations that change files; end this process before or after one of them."
    seen, here = [0], os.getcwd()

    def is_ours(what):
        "Whether a path, or an open file, lies in this day's folder."
        path = os.readlink(f"/proc/self/fd/{what}") if isinstance(what, int) else what
        return os.path.abspath(path).startswith(here)

    def counted(name, call):
        def at_last(*args, **kwargs):
            reads = name == "open" and not args[1] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR)
            if reads or not is_ours(args[0]):
                return call(*args, **kwargs)
            seen[0] += 1
            if seen[0] == die_at and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return call(*args, **kwargs)
            finally:
                if seen[0] == die_at and after:
                    os.kill(os.getpid(), signal.SIGKILL)

        return at_last

    for name in COUNTED:
        setattr(os, name, counted(name, getattr(os, name)))
    return seen


def work(folder, argv, told, die_at, after):
    "A command in a process of its own; what it says goes into a file."
    os.chdir(folder)
    with open(told, "w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        seen = count_operations(die_at, after)
        try:
            from adaroute.command.main import main

            status = main(list(argv), standalone_mode=False)
        except BaseException:
            status = 99
            traceback.print_exc()
        sys.stdout.flush()
        print(f"cpu {time.process_time():.2f} operations {seen[0]}", file=sys.stderr)
    os._exit(status or 0)


class Day:
    "A folder in which commands are run."

    def __init__(self, folder):
        self.folder, self.number = Path(folder), 0
        self.folder.mkdir(exist_ok=True)

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        return Day(folder)

    def start(self, name, die_at=0, after=False):
        argv = COMMANDS[name] if isinstance(name, str) else name
        if "PLAN" in argv:
            argv = [plan_of(self.folder / "plan") if word == "PLAN" else word for word in argv]
        self.number += 1
        told = self.folder / f"told-{self.number}"
        p = FORK.Process(target=work, args=(str(self.folder), argv, str(told), die_at, after))
        p.start()
        return p, told

    def run(self, name, **how):
        "Exit status, and what was said."
        p, told = self.start(name, **how)
        p.join(300)
        said = told.read_text()
        told.unlink()
        return p.exitcode, said

    def contents(self):
        "Everything that lies about, but for what differs from run to run."
        found = {}
        for file in sorted(self.folder.rglob("*")):
            name = file.relative_to(self.folder).as_posix()
            if file.is_file() and not name.startswith("told-") and name != "book":
                if file.suffix == ".lock":
                    continue  # of one who was killed: it binds nobody
                found[name] = file.read_bytes()
        return found | {"book": entries_of(self.folder / "book")}


def plan_of(folder):
    from adaroute.provenance.plan import load_plan

    return load_plan(folder).digest


def entries_of(book):
    "What a ledger says, without when; checked from its first line to its last."
    from adaroute.provenance.ledger import Ledger

    if not book.exists():
        return []
    return [
        {k: v for k, v in e.items() if k not in ("before", "time")} for e in Ledger(book).entries
    ]


def first_day(place):
    "A table and a key, so that all days make the same plan."
    place.mkdir(exist_ok=True)
    day = Day(place / "first")
    cohort = make_cohort(60, seed=100)
    cohort.frame[["age", "visits", "note", "phq9"]].to_csv(day.folder / "t.csv", index=False)
    (day.folder / "key.hex").write_text("5" * 64 + "\n")
    (day.folder / "key.hex").chmod(0o600)
    return day


class Kills:
    "What each command leaves when nobody kills it, and how many operations it takes."

    def __init__(self, place):
        self.place, self.day = place, first_day(place)
        self.before, self.whole, self.operations = {}, {}, {}
        for name, needs in NEEDS.items():
            day = self.before[name] = self.day.copy(place / f"before {name}")
            for need in needs:
                status, said = day.run(need)
                assert status == 0, said
            done = day.copy(place / f"whole {name}")
            status, said = done.run(name)
            assert status == 0, (name, status, said)
            self.operations[name] = int(said.rpartition("operations ")[2])
            self.whole[name] = done.contents()

    def kill(self, number):
        "Kill a command at one of its operations, run it again; what is wrong afterwards, if anything."
        rng = random.Random(number)
        name = list(NEEDS)[number % len(NEEDS)]
        at, after = rng.randint(1, self.operations[name]), rng.random() < 0.5
        day = self.before[name].copy(self.place / f"killed {number}")
        killed, _ = day.run(name, die_at=at, after=after)
        status, said = day.run(name)
        if status and "line that a crash cut off" in said or "cut off after" in said:
            day.run(("ledger", "mend", "book"))
            status, said = day.run(name)
        wrong = []
        if killed != -signal.SIGKILL:
            wrong.append(f"ended with {killed}")
        if status and not (name == "ledger" and "has ended" in said or "nothing more of" in said):
            wrong.append(f"again: {status} {said[-300:]}")
        left, whole = day.contents(), self.whole[name]
        odd = sorted(k for k in left.keys() | whole.keys() if left.get(k) != whole.get(k))
        if odd:
            wrong.append(f"others: {odd}")
        shutil.rmtree(day.folder)
        where = f"{number}: {name}, operation {at} of {self.operations[name]}"
        return [f"{where}: {wrong}"] if wrong else []


OTHER_FIT = (*FIT, "--seed", "7")
PREDICT = ("predict", "model", "t.csv", "--out", "p.csv")
SHOW = ("ledger", "check", "book")
PAIRS = {  # two commands, what was done before, and how often a model or line must be there afterwards
    "two fits into one folder": (FIT, OTHER_FIT, ()),
    "a fit, and a prediction from the model that it replaces": (OTHER_FIT, PREDICT, ("fit",)),
    "two fits of one plan": ("fit with a plan", "fit with a plan", ("commit",)),
    "two commits of one plan": ("commit", "commit", ()),
    "two entries": (
        "ledger",
        (
            "commit",
            *COMMANDS["commit"][1:-4],
            "--out",
            "other",
            "--ledger",
            "book",
            "--test",
            "0.3",
        ),
        ("commit",),
    ),
    "a reader and a writer": (SHOW, "ledger", ("commit",)),
    "two checks of one run": ("verify", "verify", ("commit", "fit with a plan")),
}


def named(said):
    "Whether a command was refused, and told by whom."
    return bool(re.search(r"expected it to be free, but process \d+ since 20.*is writing it", said))


class Pairs:
    "Two commands at once, and what may come of it."

    def __init__(self, place):
        self.place, self.day, self.before, self.refused = place, first_day(place), {}, 0
        for name, (_, _, needs) in PAIRS.items():
            self.before[name] = self.day.copy(place / f"before {name}")
            for need in needs:
                status, said = self.before[name].run(need)
                assert status == 0, said

    def run(self, number):
        "What is wrong with a pair, if anything."
        name = list(PAIRS)[number % len(PAIRS)]
        day = self.before[name].copy(self.place / f"pair {number}")
        both = [day.start(command) for command in PAIRS[name][:2]]
        for p, _ in both:
            p.join(300)
        statuses, said = [p.exitcode for p, _ in both], [told.read_text() for _, told in both]
        wrong = [
            f"{s} {words[-300:]}" for s, words in zip(statuses, said) if s and not named(words)
        ]
        refused = sum(map(named, said))  # on a busy machine ten seconds may be too few
        self.refused += refused
        wrong += self.look(name, day, refused)
        shutil.rmtree(day.folder)
        return [f"{number}: {name}: {wrong}"] if wrong else []

    def look(self, name, day, refused):
        "What is left afterwards."
        from adaroute import AdaRoute

        wrong = [f"left: {p.name}" for p in day.folder.rglob(".*")]
        kinds = Counter(e["kind"] for e in entries_of(day.folder / "book"))
        wanted = {
            "two fits of one plan": dict(commitment=1, nonce=1, result=1),
            "two commits of one plan": dict(commitment=1),
            "two entries": dict(commitment=2, abandoned=1),
            "a reader and a writer": dict(commitment=1, abandoned=1),
        }
        if name in wanted and kinds != Counter(wanted[name]) and not refused:
            wrong.append(f"ledger: {dict(kinds)}")
        for folder in ("model", "apart"):
            if (day.folder / folder).exists():
                AdaRoute.load(day.folder / folder)
        if (day.folder / "p.csv").exists() and len(pd.read_csv(day.folder / "p.csv")) != 60:
            wrong.append("half a prediction")
        if name.startswith(("two fits into", "a fit")) and not (day.folder / "model").exists():
            wrong.append("no model")
        return wrong


def main(kills, pairs):
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"  # a server that forks has one
    found = dict(kills=0, operations={}, lost=[], pairs=0, clashed=[])
    file = Path(__file__).parent / "results" / "bad_days.json"
    file.parent.mkdir(exist_ok=True)
    with TemporaryDirectory() as place:
        day = Kills(Path(place) / "kills")
        found["operations"] = day.operations
        both = Pairs(Path(place) / "pairs")
        for number in range(max(kills, pairs)):
            if number < kills:
                found["kills"] += 1
                found["lost"] += day.kill(number)
            if number < pairs:
                found["pairs"] += 1
                found["clashed"] += both.run(number)
            found["waited in vain"] = both.refused
            file.write_text(json.dumps(found, indent=1) + "\n")
            print(
                found["kills"],
                found["pairs"],
                len(found["lost"]),
                len(found["clashed"]),
                flush=True,
            )
    return int(bool(found["lost"] or found["clashed"]))


if __name__ == "__main__":
    from bad_days import main as run  # under its own name, as the processes know it

    sys.exit(run(*map(int, sys.argv[1:])))
