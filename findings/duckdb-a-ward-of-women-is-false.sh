#!/usr/bin/env bash
# In a ward with women alone, DuckDB reads the sex of everybody as false.
#
# read_csv settles the type of a column by what its cells could be, and "f" and "F" can be short for
# false, as "no" can. A column of sex in which nobody is "m", a site or an item with the codes T and F, an
# answer of no or yes: all are logical then, and the words are gone. With one "m" among them the same
# column stays text, so it depends on who is in the file, and the tables of two wards put together hold
# "false" beside "f". "n" and "y" stay text. Nothing is said. The page on detection has BOOLEAN among the
# candidates and not what counts as one; in ibis's tracker somebody met t and f where a later letter
# stopped the reading. pandas, polars and pyarrow keep the letters. Guess before the run: text, as for n
# and y. adaroute reads CSV with a reader of its own, and categories keep their words: a test holds it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  duckdb==2.0.1 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import duckdb
import pandas
import polars
import pyarrow.csv

wards = {
    "women": ["f", "f", "f"],
    "mixed": ["f", "m", "f"],
    "sites": ["T", "F", "T"],
    "words": ["no", "yes", "no"],
    "short": ["n", "y", "n"],
}
got = {}
for name, letters in wards.items():
    path = f"{name}.csv"
    with open(path, "w") as file:
        file.write("id,said,phq9\n")
        file.writelines(f"{k},{letter},{3 * k}\n" for k, letter in enumerate(letters))
    table = duckdb.sql(f"select said from read_csv('{path}')")
    got[name] = [row[0] for row in table.fetchall()]
    print(f"{name}: {letters} read as {table.types[0]} {got[name]}")
    assert pandas.read_csv(path)["said"].tolist() == letters
    assert polars.read_csv(path)["said"].to_list() == letters
    assert pyarrow.csv.read_csv(path)["said"].to_pylist() == letters
for name in ("women", "mixed"):
    duckdb.sql(f"create table {name} as from read_csv('{name}.csv')")
both = duckdb.sql("select said::varchar from women union all select said from mixed").fetchall()
together = sorted(row[0] for row in both)
print("the two tables put together:", together)
print(*(f"{n} {version(n)}" for n in ("duckdb", "pandas", "polars", "pyarrow")))
assert got["mixed"] == wards["mixed"] and got["short"] == wards["short"]
assert got["women"] == [False] * 3, "duckdb has changed"
assert got["sites"] == [True, False, True] and got["words"] == [False, True, False]
assert together == ["f", "f", "false", "false", "false", "m"], "duckdb has changed"
PYTHON
