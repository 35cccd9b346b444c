#!/usr/bin/env bash
# "refused" in row 1,201 of a sheet is a missing cell for polars; in row 5 it makes the column words.
#
# polars.read_excel (through fastexcel) settles a column's type by its first thousand rows. A word that
# comes later in a column of numbers, or a date given as "unknown" further down, is set to null without
# an error or a warning. pandas keeps it. The reason why somebody has no answer is lost, and the order
# of the rows decides whether it is. read_csv of the same library stops at such a cell instead. Guess
# before the run: an error, as with CSV. adaroute reads all cells of a sheet before it settles a column.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: pandas==3.1.1 \
  numpy==2.4.6 openpyxl==3.1.5 polars==2.1.0 fastexcel==0.21.0 python-calamine==0.9.1 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import openpyxl
import pandas
import polars


def read(place):
    book = openpyxl.Workbook()
    book.active.append(["person", "phq1"])
    for row in range(1500):
        book.active.append([row, "refused" if row == place else row % 4])
    book.save("answers.xlsx")
    kept = pandas.read_excel("answers.xlsx", engine="calamine")["phq1"][place]
    return kept, polars.read_excel("answers.xlsx")["phq1"]


print(*(f"{n} {version(n)}" for n in ("polars", "fastexcel", "pandas")))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    got = {place: read(place) for place in (4, 1200)}
for place, (kept, column) in got.items():
    print(f"data row {place + 1}: pandas {kept!r}, polars {column[place]!r} in {column.dtype}")
print("warnings:", len(said))
assert got[4][1][4] == got[4][0] == got[1200][0] == "refused"
assert got[1200][1][1200] is None and got[1200][1].null_count() == 1, "polars or fastexcel has changed"
PYTHON
