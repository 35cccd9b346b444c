"Memory and seconds of a fit whose rows stay on disk, beside those of one that holds them."

import argparse
import tempfile
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
    "low mood sleep pain calm tired tense eats walks works alone angry hope fear rest busy quiet"
)
PART = 20_000  # rows that are drawn at once
SEED = 0
# two paths and one way of sharing, few directions, no guard: what is measured is memory
ROLES = dict(text=["note"], numeric=[f"x{j}" for j in range(20)], categorical=[])
CHOICES = dict(
    learner="closed_form",
    tasks={"y": "regression", "z": "regression"},
    routes=["N1/STL", "T1/STL"],
    guard=False,
    encoder={"text_dim": 8, "curves": False},
)
FITS = {
    "in memory": "AdaRoute(**how).fit(read_table(path, text=['note'], outcomes=how['tasks']))",
    "streamed": "fit_streamed(AdaRoute(**how), path, 20_000)",
}


def draw_part(rows: int, part: int) -> pd.DataFrame:
    "Rows in which half of the people say in their note what the others have as numbers."
    rng, words = np.random.default_rng([SEED, part]), np.array(WORDS.split())
    numbers, said = rng.normal(size=(rows, 20)), rng.integers(0, len(words), size=(rows, 4))
    told = (said == 3).any(axis=1) - 1.0 * (said == 4).any(axis=1)
    writes, noise = rng.uniform(size=rows) < 0.5, rng.normal(size=(rows, 2)) / 2
    frame = pd.DataFrame(numbers, columns=ROLES["numeric"])
    frame["note"] = [" ".join(words[row]) for row in said]
    frame["y"] = np.where(writes, told, numbers[:, 0]) + noise[:, 0]
    frame["z"] = np.where(writes, told, numbers[:, 1]) + noise[:, 1]
    frame.loc[rng.uniform(size=rows) < 0.1, "note"] = None
    frame.loc[rng.uniform(size=rows) < 0.1, "x0"] = np.nan
    frame.loc[rng.uniform(size=rows) < 0.05, "y"] = np.nan
    return frame


def write_rows(rows: int, path: Path) -> None:
    "A table in a file, never whole in memory."
    parts = [(min(PART, rows - at), number) for number, at in enumerate(range(0, rows, PART))]
    schema = pa.Schema.from_pandas(draw_part(10, 0), preserve_index=False)
    with pq.ParquetWriter(path, schema) as writer:
        for size, number in parts:
            frame = draw_part(size, number)
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


def measure_size(rows: int, most: int, place: Path) -> dict:
    "Seconds and MiB of both fits, and how far they are apart; in memory up to `most` rows."
    path, fresh, found, said = place / "table.parquet", draw_part(500, 10**6), {}, []
    write_rows(rows, path)
    for name in FITS:
        if name == "streamed" or rows <= most:
            out = place / f"{name} {rows}"
            seconds, memory = measure_process(spell_fit(name, path, out), times=1)
            found[name] = dict(seconds=round(seconds, 1), memory=round(memory))
            said.append(AdaRoute.load(out).predict(fresh).to_numpy())
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
    found = dict(sizes=sizes, columns=len(ROLES["numeric"]), imports=round(nothing))
    for rows in sorted(told.rows):  # written after each size: the next one may take long
        with tempfile.TemporaryDirectory() as place:
            sizes.append(measure_size(rows, told.most, Path(place)))
        write_result(told.paper / "results", "larger", found, **about)


if __name__ == "__main__":
    main()
