#!/usr/bin/env bash
# A note that begins with "internal:" or "external:" loses that word on its way into an .xlsx.
#
# XlsxWriter takes text that begins with "internal:", "external:" or "mailto:" for a hyperlink and shows
# what comes after it. pandas writes notes through it when that engine is named or nothing else is
# installed, polars always does. So "external: bruise on left arm" is stored as " bruise on left arm",
# and "internal: fever" as " fever", without a word; "External:" with a capital letter stays, and so
# does everything that openpyxl writes. Guess before the run: links for web addresses, the text whole.
# Who hands a table over as .xlsx cannot tell afterwards; adaroute writes its tables as CSV or Parquet.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: pandas==3.1.1 \
  numpy==2.4.6 XlsxWriter==3.3.1 openpyxl==3.1.5 polars==2.1.0 python-calamine==0.9.1 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import pandas
import polars

notes = ["internal: fever, cough", "external: bruise on left arm", "External: bruise", "mailto: wife"]
read = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for engine in ("openpyxl", "xlsxwriter"):
        pandas.DataFrame({"note": notes}).to_excel("notes.xlsx", index=False, engine=engine)
        read[f"pandas, {engine}"] = pandas.read_excel("notes.xlsx", engine="calamine")["note"].tolist()
    polars.DataFrame({"note": notes}).write_excel("notes.xlsx")
    read["polars"] = pandas.read_excel("notes.xlsx", engine="calamine")["note"].tolist()
print(*(f"{n} {version(n)}" for n in ("pandas", "polars", "XlsxWriter", "openpyxl")))
print("written by whom: ", notes)
for who, got in read.items():
    print(f"{who}: {got}")
print("warnings:", len(said))
assert read["pandas, openpyxl"] == notes
cut = [" fever, cough", " bruise on left arm", "External: bruise", " wife"]
assert read["pandas, xlsxwriter"] == read["polars"] == cut, "XlsxWriter has changed"
PYTHON
