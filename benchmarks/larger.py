"Memory and seconds of a fit whose rows stay on disk, beside those of one that holds them."

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from adaroute.estimator import AdaRoute
from adaroute.lab.results import write_result
from adaroute.lab.speed import measure_process

ROOT = Path(__file__).resolve().parents[1]
WORDS = (
    "low mood sleep pain calm tired tense eats walks works alone angry hope fear rest busy quiet "
    "denies panic worry weight appetite energy crying guilt focus nausea headache therapy "
    "sertraline 50mg weekly partner job money"
)
PART = 20_000  # rows that are drawn at once
SEED = 0
OUTCOMES = {"y": "regression", "z": "regression"}
# 40 columns, and all that a fit does by default in closed form
ROLES = dict(text=["note"], numeric=[f"x{j}" for j in range(38)], categorical=["site"])
CHOICES = dict(learner="closed_form", tasks=OUTCOMES)
READ = "read_table(path, text=how['text'], categorical=how['categorical'], outcomes=how['tasks'])"
FITS = {
    "in memory": f"AdaRoute(**how).fit({READ})",
    "streamed": "fit_streamed(AdaRoute(**how), path)",
}


def draw_part(rows: int, part: int) -> tuple[pd.DataFrame, np.ndarray]:
    "Rows in which half of the people say in their note what the others have as numbers; means."
    rng, words = np.random.default_rng([SEED, part]), np.array(WORDS.split())
    numbers, said = rng.normal(size=(rows, 38)), rng.integers(0, len(words), size=(rows, 14))
    told = (said == 3).any(axis=1) - 1.0 * (said == 4).any(axis=1) + 0.7 * (said == 5).any(axis=1)
    writes = rng.uniform(size=rows) < 0.5
    apart = np.where(writes[:, None], told[:, None], numbers[:, :2])
    mean = apart + 0.3 * numbers[:, [2]] * [1, 0]
    numbers[:, 5] += np.where(writes, 1, -1)  # the cue
    frame = pd.DataFrame(numbers, columns=ROLES["numeric"])
    frame["site"] = rng.choice(list("ABCDE"), rows)
    frame["note"] = [f"{' '.join(words[row[:7]])}, {' '.join(words[row[7:]])}." for row in said]
    frame[["y", "z"]] = mean + rng.normal(size=(rows, 2)) / 2
    return frame, mean


def hide_cells(frame: pd.DataFrame, part: int) -> pd.DataFrame:
    "The same with gaps in a note, a number and an outcome."
    rng = np.random.default_rng([SEED, part, 1])
    for name, share in (("note", 0.1), ("x0", 0.1), ("y", 0.05)):
        frame.loc[rng.uniform(size=len(frame)) < share, name] = None
    return frame


def write_rows(rows: int, path: Path) -> None:
    "A table in a file, never whole in memory."
    parts = [(min(PART, rows - at), number) for number, at in enumerate(range(0, rows, PART))]
    schema = pa.Schema.from_pandas(draw_part(10, 0)[0], preserve_index=False)
    with pq.ParquetWriter(path, schema) as writer:
        for size, number in parts:
            frame = hide_cells(draw_part(size, number)[0], number)
            writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))


def spell_fit(name: str, path: Path, out: Path) -> str:
    "A program that fits, and saves what it found."
    return "\n".join(
        [
            "from adaroute.estimator import AdaRoute",
            "from adaroute.learners.larger import fit_streamed",
            "from adaroute.tables import read_table",
            f"path, how = {str(path)!r}, {ROLES | CHOICES!r}",
            f"{FITS[name]}.save({str(out)!r})",
        ]
    )


def measure_fit(name: str, path: Path, out: Path) -> dict:
    "Seconds, MiB, and the error on new people against their true means."
    begin = time.monotonic()
    seconds, memory = measure_process(spell_fit(name, path, out), times=1)
    wall = time.monotonic() - begin
    fresh, mean = draw_part(5000, 10**6)
    missed = AdaRoute.load(out).predict(fresh).to_numpy() - mean
    error = (missed**2).mean() / mean.var()
    found = dict(seconds=seconds, wall=wall, memory=memory)
    return {k: round(v, 1) for k, v in found.items()} | dict(error=round(float(error), 4))


def measure_size(rows: int, most: int, place: Path) -> dict:
    "Both fits, and how far they are apart; in memory up to `most` rows."
    path, found, said = place / "table.parquet", {}, []
    write_rows(rows, path)
    for name in FITS:
        if name == "streamed" or rows <= most:
            out = place / f"{name} {rows}"
            found[name] = measure_fit(name, path, out)
            said.append(AdaRoute.load(out).predict(draw_part(500, 10**6)[0]).to_numpy())
    apart = float(np.abs(said[0] - said[-1]).max()) if len(said) > 1 else None
    return dict(rows=rows, file=round(path.stat().st_size / 2**20), apart=apart, fits=found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--most", type=int, default=100_000, help="rows of a fit in memory")
    parser.add_argument("--paper", type=Path, default=ROOT / "paper")
    told = parser.parse_args()
    nothing = measure_process("import adaroute.learners.larger, adaroute.estimator", times=1)[1]
    about, sizes = dict(seeds=[SEED], notebook="learners/11_larger"), []
    found = dict(sizes=sizes, columns=sum(map(len, ROLES.values())), imports=round(nothing))
    for rows in sorted(told.rows):  # written after each size: the next one may take long
        with tempfile.TemporaryDirectory() as place:
            sizes.append(measure_size(rows, told.most, Path(place)))
        write_result(told.paper / "results", "larger", found, **about)


if __name__ == "__main__":
    main()
