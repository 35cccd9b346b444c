"Seconds of reading a clinic's files, over those of pyreadstat alone, and of `adaroute columns`."

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

from adaroute.files.exports import read_export

WORDS = np.array("low mood sleep pain calm tired tense eats walks works alone angry hope".split())
ANSWERS = {0: "Not at all", 1: "Several days", 2: "More than half the days", 3: "Nearly every day"}
ITEMS, NUMBERS = [f"phq{i}" for i in range(1, 21)], [f"lab{i}" for i in range(1, 9)]
SEED = 0


def draw_people(rows: int) -> pd.DataFrame:
    "People with labelled answers, of which some refused (-99), numbers, a date, words and notes."
    rng = np.random.default_rng(SEED)
    table = pd.DataFrame({"record_id": np.arange(1.0, rows + 1)})
    answers = rng.integers(0, 4, (rows, len(ITEMS))).astype(float)
    answers[rng.uniform(size=answers.shape) < 0.03] = -99
    answers[rng.uniform(size=answers.shape) < 0.02] = np.nan
    numbers = rng.normal(size=(rows, len(NUMBERS))).round(2)
    table = table.join(pd.DataFrame(answers, columns=ITEMS))
    table = table.join(pd.DataFrame(numbers, columns=NUMBERS))
    table["sex"], table["age"] = rng.integers(1, 3, rows), rng.integers(18, 90, rows).astype(float)
    table["day"] = rng.integers(21_000, 22_500, rows).astype(float)
    table["site"] = rng.choice(["Vienna", "Graz", "Linz", "Wels"], rows)
    table["note"] = [" ".join(words) for words in rng.choice(WORDS, (rows, 12))]
    table["score"] = np.where(answers < 0, np.nan, answers)[:, :3].sum(axis=1)
    return table


def write_people(table: pd.DataFrame, path: Path) -> None:
    "The table as a file of SPSS, of Stata or as CSV."
    sex, labels = {1: "male", 2: "female"}, ANSWERS | {-99: "refused"}
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    elif path.suffix == ".sav":
        spss = table.assign(day=table["day"] * 86400 + 11_903_760_000)
        how = dict(variable_value_labels=dict.fromkeys(ITEMS, labels) | {"sex": sex})
        how |= dict(missing_ranges=dict.fromkeys(ITEMS, [-99]), variable_format={"day": "DATE11"})
        pyreadstat.write_sav(spss, str(path), **how)
    else:
        stata = table.copy()
        for name in ITEMS:
            cells = table[name].map(lambda v: v if v != v else "a" if v < 0 else int(v))
            stata[name] = cells.astype(object).where(table[name].notna(), None)
        labels = ANSWERS | {"a": "refused"}
        how = dict(variable_value_labels=dict.fromkeys(ITEMS, labels) | {"sex": sex})
        how |= dict(missing_user_values=dict.fromkeys(ITEMS, ["a"]), variable_format={"day": "%td"})
        pyreadstat.write_dta(stata, str(path), **how)


def time_call(call, *given) -> float:
    "Processor seconds of one call."
    start = time.process_time()
    call(*given)
    return time.process_time() - start


def time_command(path: Path) -> float:
    "Processor seconds of `adaroute columns`, from start to end."
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [sys.executable, "-m", "adaroute.command.main", "columns", str(path)]
    subprocess.run([*words, "--outcome", "score:regression"], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = draw_people(asked.rows)
        for ending, reader in ((".sav", "read_sav"), (".dta", "read_dta"), (".csv", None)):
            path = Path(folder) / f"people{ending}"
            write_people(table, path)
            if reader:
                alone, ours = [], []
                for _ in range(asked.times):  # interleaved
                    alone.append(time_call(getattr(pyreadstat, reader), str(path)))
                    ours.append(time_call(read_export, path))
                ratio = statistics.median(b / a for a, b in zip(alone, ours))
                middle = statistics.median(alone), statistics.median(ours)
                print(
                    f"{ending}: pyreadstat {middle[0]:.2f} s, read_export {middle[1]:.2f} s,",
                    end="",
                )
                print(f" ratio {ratio:.2f}")
            command = statistics.median(time_command(path) for _ in range(3))
            print(f"{ending}: adaroute columns {command:.2f} CPU s")


if __name__ == "__main__":
    main()
