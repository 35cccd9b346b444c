#!/usr/bin/env bash
# A note that begins with "=" is gone after pandas wrote it to an .xlsx, and a total reads as 0.
#
# "= as last week" is how some people write. pandas hands it to its engine as text, and both engines
# make a formula of it. Nobody has computed it, so there is no result in the file: XlsxWriter puts 0
# there, openpyxl nothing. Every reader of stored results (pandas, polars, calamine) then gives 0 or a
# missing cell, and the words are lost to it; polars writes the text. The same holds for a total that is
# written as a formula on purpose: through XlsxWriter a PHQ-9 total reads as 0 for everybody, which is a
# possible score, until somebody opens and saves the file in a spreadsheet. Guess before the run: text
# from a text column, and an empty cell for a total. adaroute reads stored results too; a column that is
# 0 throughout is named as constant.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: pandas==3.1.1 \
  numpy==2.4.6 XlsxWriter==3.3.1 openpyxl==3.1.5 polars==2.1.0 python-calamine==0.9.1 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import pandas
import polars

table = {"phq1": [1, 3], "phq2": [2, 3], "note": ["= as last week", "well"]}
table["total"] = ["=A2+B2", "=A3+B3"]
read = {}
for engine in ("openpyxl", "xlsxwriter"):
    pandas.DataFrame(table).to_excel("table.xlsx", index=False, engine=engine)
    read[engine] = pandas.read_excel("table.xlsx", engine="calamine")
polars.DataFrame(table).write_excel("table.xlsx")
read["polars"] = pandas.read_excel("table.xlsx", engine="calamine")
print(*(f"{n} {version(n)}" for n in ("pandas", "polars", "XlsxWriter", "openpyxl")))
print("written: ", table["note"], table["total"])
for who, got in read.items():
    print(f"{who:11}", got["note"].tolist(), got["total"].tolist())
assert read["xlsxwriter"]["note"].tolist() == [0, "well"], "XlsxWriter has changed"
assert read["xlsxwriter"]["total"].tolist() == [0, 0], "XlsxWriter has changed"
assert read["openpyxl"]["note"].isna().tolist() == [True, False], "openpyxl has changed"
assert read["openpyxl"]["total"].isna().all(), "openpyxl has changed"
assert read["polars"]["note"].tolist() == table["note"], "polars has changed"
PYTHON
