#!/usr/bin/env bash
# Thirty hours that pandas or polars writes to an .xlsx are the plain number 1.25.
#
# A spreadsheet counts time in days, and the format of a cell says that it is time. For points in time
# and times of day both libraries set one; for lengths of time (timedelta, Duration) polars sets none
# and pandas that of whole numbers, so that the cell holds 1.25 and shows 1. Every reader gives 1.25,
# although both libraries read a formatted one as 30 hours: what went out as hours slept comes back as a
# number of days without a unit, and two exports of one study differ by a factor of 24. There is no
# warning. openpyxl alone sets the format. Guess before the run: [h]:mm:ss, as openpyxl does it.
# adaroute takes formatted lengths as hours; 1.25 is a number to it, without a unit in its codebook.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: pandas==3.1.1 \
  numpy==2.4.6 XlsxWriter==3.3.1 openpyxl==3.1.5 polars==2.1.0 python-calamine==0.9.1 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import datetime
import warnings
from importlib.metadata import version

import openpyxl
import pandas
import polars

length = datetime.timedelta(hours=30)


def read():
    cell = openpyxl.load_workbook("time.xlsx").active["A2"]
    return pandas.read_excel("time.xlsx", engine="calamine").iloc[0, 0], cell.number_format


got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for engine in ("openpyxl", "xlsxwriter"):
        table = pandas.DataFrame({"slept": [length]})
        table.to_excel("time.xlsx", index=False, engine=engine)
        got[f"pandas, {engine}"] = read()
    polars.DataFrame({"slept": [length]}).write_excel("time.xlsx")
    got["polars"] = read()
book = openpyxl.Workbook()
book.active.append(["slept"])
book.active.append([length])
book.save("time.xlsx")
got["openpyxl alone"] = read()
print(*(f"{n} {version(n)}" for n in ("pandas", "polars", "XlsxWriter", "openpyxl")))
print("written:", length)
for who, (value, form) in got.items():
    print(f"{who}: {value!r}, format of the cell {form!r}")
print("warnings:", len(said))
assert got.pop("openpyxl alone")[0] == length
assert all(value == 1.25 for value, _ in got.values()), "pandas or polars has changed"
PYTHON
