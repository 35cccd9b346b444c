"What every runner shares: read one fold, measure the fit, write the answer. Needs numpy and nothing else."

import json
import os
import resource
import sys
import traceback
from importlib import metadata
from pathlib import Path

import numpy as np


class Job:
    "One fold: training rows with their outcomes, test rows without."

    def __init__(self, folder):
        self.folder = Path(folder)
        about = json.loads((self.folder / "job.json").read_text())
        self.tasks, self.seed, self.options, self.seconds = (
            about[k] for k in ("tasks", "seed", "options", "seconds")
        )
        self.columns, self.widths = about["columns"], about["widths"]
        self.names, self.kinds = list(self.tasks), list(self.tasks.values())
        with np.load(self.folder / "train.npz") as a:
            self.Z, self.outcome, self.valid = a["Z"], a["outcome"], a["valid"]
        with np.load(self.folder / "test.npz") as a:
            self.Z_test = a["Z"]
        number = np.array([kind == "regression" for kind in self.kinds])
        self.centre = np.where(number, self.outcome.mean(0), 0)
        self.spread = np.where(number, self.outcome.std(0), 1)
        self.Y = (
            self.outcome - self.centre
        ) / self.spread  # regression outcomes in deviations, binary ones 0 and 1

    def block(self, *kinds):
        "Positions in Z of the columns of numbers, facts or text."
        ends = np.cumsum([0, *self.widths.values()])
        return np.concatenate(
            [np.arange(ends[i], ends[i + 1]) for i, kind in enumerate(self.widths) if kind in kinds]
        )

    def frames(self):
        "Training and test rows as they are in the table; for runners that were given them."
        import pandas as pd

        def frame(name):
            found = json.loads((self.folder / name).read_text())
            numbers = {*self.columns["numeric"], *self.tasks}
            return pd.DataFrame(
                {k: pd.Series(v, dtype=float if k in numbers else object) for k, v in found.items()}
            )

        return frame("train.json"), frame("test.json")

    def loss(self, said):
        "Squared error on the validation rows over the variance there, averaged over the outcomes."
        y = self.Y[self.valid]
        return float((((said - y) ** 2).mean(0) / np.maximum(y.var(0), 1e-9)).mean())

    def decode(self, said):
        "Predictions on the scale of the outcomes: (m, K)."
        said = np.asarray(said, float) * self.spread + self.centre
        return np.where(np.array(self.kinds) == "binary", said.clip(0, 1), said)


def _cpu():
    return sum(
        u.ru_utime + u.ru_stime
        for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _peak_mb():
    "Peak memory. ru_maxrss of this process would count the process that started it, so the kernel's own record goes first."
    status = Path("/proc/self/status")
    found = (
        [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        if status.exists()
        else []
    )
    own = float(found[0]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def _place(error):
    "Type and place of an error; its message may quote a row and is left out."
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).parent == Path(__file__).parent] or frames
    places = [f"{Path(f.filename).name} line {f.lineno}" for f in (frames[-1], ours[-1])]
    return f"{type(error).__name__} at {', called at '.join(dict.fromkeys(places))}"


def run(fit, *packages):
    "Answer one fold, or `--probe`: the versions of the packages. `fit(job)` returns predictions (m, K) and a note."
    versions = {p: metadata.version(p) for p in packages}
    if sys.argv[1:] == ["--probe"]:
        return print(json.dumps(versions))
    job, begun = Job(sys.argv[1]), _cpu()
    try:
        said, note = fit(job)
        said = job.decode(said)
        if said.shape != (len(job.Z_test), len(job.tasks)) or not np.isfinite(said).all():
            raise ValueError("prediction")
    except Exception as error:
        answer = {"failed": _place(error)}
    else:
        np.savez(job.folder / "said.npz", said=said)
        answer = {"note": note}
    answer |= {
        "versions": versions,
        "cpu_seconds": round(_cpu() - begun, 2),
        "peak_mb": round(_peak_mb()),
    }
    (job.folder / "answer.json").write_text(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # some packages leave threads behind that would wait for ever
