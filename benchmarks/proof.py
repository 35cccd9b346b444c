"CPU seconds of a proof: a training that leaves a transcript, and its verification, over a plain one."

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from adaroute.lab.results import write_result
from adaroute.synthetic import make_cohort

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = (
    "--text note --categorical sex --categorical site --outcome phq9:regression "
    "--outcome gad7:regression"
).split()
SAID = ["--nonce", "5 3 1 6 6 2", "--nonce-from", "dice"]
LEARNERS = ("closed_form", "gradient")


def spend(folder: Path, *words) -> float:  # CPU seconds
    "Run a command in a folder and say what its process, and what it started, took."
    before = os.times()
    command = [sys.executable, "-m", "adaroute.command.main", *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words[0]}: {done.stderr[-2000:]}")
    after = os.times()
    begun = before.children_user + before.children_system
    return after.children_user + after.children_system - begun


def time_run(folder: Path, learner: str) -> dict[str, float]:
    "Each step in CPU seconds; the fit without a transcript stands before and after the one with."
    ways = ["--learner", learner]
    spend(folder, "commit", "cohort.csv", *COLUMNS, "--key", "key", "--out", "plan", *ways)
    plain = ["fit", "cohort.csv", *COLUMNS, *ways, "--seed", "1"]
    planned = ["fit", "cohort.csv", "--plan", "plan", *SAID, "--transcript"]
    known = ["--data", "cohort.csv", "--key", "key", "--plan", "plan"]
    return {
        "plain": spend(folder, *plain, "--out", "model"),
        "with a transcript": spend(folder, *plain, "--out", "other", "--transcript", "told"),
        "plain again": spend(folder, *plain, "--out", "again"),
        "planned": spend(folder, *planned, "run"),
        "verify": spend(folder, "verify", "run", *known),
        "planned again": spend(folder, *planned, "second"),
    }


def compare(runs: list[dict[str, float]]) -> dict:
    "Ratios to the mean of the two fits around each: median, least and most over seeds."
    found = {}
    for name, base in (("with a transcript", "plain"), ("verify", "planned")):
        ratios = [2 * run[name] / (run[base] + run[f"{base} again"]) for run in runs]
        found[name] = dict(median=median(ratios), least=min(ratios), most=max(ratios))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 3000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--note", default="", help="what else the machine did meanwhile")
    parser.add_argument("--paper", type=Path, default=ROOT / "paper")
    told = parser.parse_args()
    found = {"note": told.note}
    for learner in LEARNERS:
        for rows in told.rows:
            runs = []
            for seed in told.seeds:
                with tempfile.TemporaryDirectory() as folder:
                    make_cohort(rows, seed=seed).frame.to_csv(f"{folder}/cohort.csv", index=False)
                    runs.append(time_run(Path(folder), learner))
                print(learner, rows, seed, runs[-1], flush=True)
            found[f"{learner}, {rows} rows"] = dict(seconds=runs, ratios=compare(runs))
    home = told.paper / "results"
    write_result(home, "proof_cost", found, seeds=told.seeds, notebook="6_provenance/10_verify")


if __name__ == "__main__":
    main()
