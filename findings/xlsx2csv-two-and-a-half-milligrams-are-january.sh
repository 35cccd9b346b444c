#!/usr/bin/env bash
# xlsx2csv writes a dose of 2.5 shown as "2.5 mg" as the text 0.0" 01g", and one of 0.04 as 00:57.
#
# A cell can hold the number 2.5 and a format that shows a unit behind it: 0.0" mg", 0" days", 0.0" h".
# xlsx2csv takes a format with a d, m, h, s or y in it for one of dates, also where the letters stand in
# quotes, for what is in quotes is not set apart. So the number becomes a day of January 1900 and the
# format is filled in: every dose is 0.0" 01g" (m is the month), all hours of sleep are 0.0" 12", "years"
# stay letters, and the numbers are gone from the file. Below 1 a time of day is written, 0.04 mg is 00:57;
# -2.5 stays -2.500000. With "kg" behind it a number stays, and under the plain 0.0 it is cut to what is
# shown: 0.04 is 0.0. Exit status 0, no warning. Quotes in formats are an open pull request since 2019
# (dilshod/xlsx2csv 186), there for a comma in a date; the readme has options for all floats or all dates.
# pandas, polars and calamine read 2.5. Guess before the run: 2.5, or 2.5 mg, as it is shown. adaroute
# reads the number, whatever is shown around it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  xlsx2csv==0.8.6 openpyxl==3.1.5 pandas==3.1.1 numpy==2.4.6 2>/dev/null
FOLDER=$folder "$folder/env/bin/python" - <<'PYTHON'
import csv
import os
import pathlib
import subprocess
import sys
from importlib.metadata import version

import openpyxl
import pandas

folder = pathlib.Path(os.environ["FOLDER"])
formats = {"dose": '0.0" mg"', "slept": '0.0" h"', "stay": '0" days"', "ill for": '0" years"',
           "weight": '0.0" kg"', "plain": "0.0"}
numbers = (2.5, 12.5, 0.04, -2.5)
book = openpyxl.Workbook()
book.active.append(list(formats))
for number in numbers:
    book.active.append([number] * len(formats))
for row in book.active.iter_rows(min_row=2):
    for cell, form in zip(row, formats.values()):
        cell.number_format = form
book.save(folder / "doses.xlsx")
command = [sys.executable, "-m", "xlsx2csv", "doses.xlsx", "doses.csv"]
done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
with open(folder / "doses.csv", newline="") as file:
    head, *rows = csv.reader(file)
got = dict(zip(head, zip(*rows)))
read = pandas.read_excel(folder / "doses.xlsx")
print(*(f"{name} {version(name)}" for name in ("xlsx2csv", "openpyxl", "pandas")))
print(f"exit status {done.returncode}, said: {(done.stdout + done.stderr)!r}")
for name, cells in got.items():
    print(f"{name:8}{formats[name]:12}", *cells, sep="   ")
print("pandas:", read["dose"].tolist())
assert all(read[name].tolist() == list(numbers) for name in formats)
assert [float(cell) for cell in got["plain"]] == [2.5, 12.5, 0, -2.5]
assert [float(cell) for cell in got["weight"]] == list(numbers)
assert got["dose"][:3] == ('0.0" 01g"', '0.0" 01g"', "00:57"), "xlsx2csv has changed"
assert got["slept"][:2] == ('0.0" 12"',) * 2 and got["stay"][0] == '0" 01ays"', "xlsx2csv has changed"
assert got["ill for"][:2] == ('0" years"',) * 2, "xlsx2csv has changed"
assert done.returncode == 0 and not done.stdout + done.stderr, "xlsx2csv has changed"
PYTHON
