#!/usr/bin/env bash
# Thirty hours that fastparquet writes are 6:00 for pyarrow and a gap for polars; -2 hours are 22:00.
#
# Parquet has no plain type for a length of time. fastparquet stores timedeltas as times of day, in
# microseconds, also those beyond a day or below zero, and reads them back well. Others read what
# the file says: pyarrow makes 6:00 of 30 hours and 22:00 of -2, polars a missing cell of both,
# DuckDB and pandas with its default engine stop. The other way round, lengths that pandas or polars
# write by Arrow are plain numbers of nanoseconds for fastparquet, 30 hours 1.08e14, and for DuckDB
# too. An ordered answer loses its order: fastparquet keeps it in a note of its own, so that others
# read words. Open entries know the time of day (apache/arrow 36392, dask/fastparquet 937). Guess
# before the run: lengths survive, as both sides know Arrow's note. adaroute reads such a column as
# hours of a day, for the file says so: docs/use.md has it among what is lost before a file is read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  fastparquet==2026.9.0 pandas==3.1.1 numpy==2.4.6 pyarrow==26.0.1 polars==2.1.0 duckdb==2.0.1 \
  2>/dev/null
cd "$folder"
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import datetime
from importlib.metadata import version

import duckdb
import pandas
import polars
import pyarrow.parquet

names = ("fastparquet", "pandas", "pyarrow", "polars", "duckdb")
print(*(f"{name} {version(name)}" for name in names))
nights = pandas.DataFrame({"slept": pandas.to_timedelta([30, 7.5, -2], unit="h")})
nights["pain"] = pandas.Categorical(["strong", "none", "none"], ["none", "strong"], ordered=True)
nights.to_parquet("fast.parquet", engine="fastparquet")
back = pandas.read_parquet("fast.parquet", engine="fastparquet")
print("fastparquet itself:", [str(cell) for cell in back["slept"]])
assert list(back["slept"]) == list(nights["slept"])
arrow = pyarrow.parquet.read_table("fast.parquet")
print("pyarrow:", arrow["slept"].type, [str(cell) for cell in arrow["slept"].to_pylist()])
clock = datetime.time
assert arrow["slept"].to_pylist() == [clock(6), clock(7, 30), clock(22)], "pyarrow has changed"
there = polars.read_parquet("fast.parquet")["slept"].to_list()
print("polars:", [cell and str(cell) for cell in there])
assert there == [None, clock(7, 30), None], "polars has changed"
for name, read in (
    ("pandas", lambda: pandas.read_parquet("fast.parquet")),
    ("DuckDB", lambda: duckdb.sql("from 'fast.parquet'").fetchall()),
):
    try:
        read()
    except (ValueError, duckdb.Error) as error:
        print(f"{name}: stops with {type(error).__name__}")
    else:
        raise AssertionError(f"{name} has changed")
words = arrow["pain"].type
print("ordered answers:", words, "for pyarrow,", getattr(back["pain"].dtype, "ordered", None), end=" ")
print("for fastparquet")
assert str(words) == "string", "the order is kept now"
nights.to_parquet("arrow.parquet", engine="pyarrow")
numbers = pandas.read_parquet("arrow.parquet", engine="fastparquet")["slept"]
print("written by pyarrow, read by fastparquet:", numbers.dtype, float(numbers[1]))
assert float(numbers[1]) in (2.7e10, 2.7e13), "fastparquet has changed"
number = duckdb.sql("select slept from 'arrow.parquet'").fetchall()[1][0]
print("read by DuckDB:", number)
assert float(number) == float(numbers[1]), "DuckDB has changed"
PYTHON
