#!/usr/bin/env bash
# Thirty hours in an .ods are a missing cell for polars, text for calamine and an error for pandas.
#
# OpenDocument keeps a length of time as PT30H00M00S, whatever its format. Up to a day all three readers
# give a time. Beyond it polars.read_ods gives null, without a word, among cells that it reads as
# lengths of time; calamine passes the notation on as text; pandas' "odf" engine stops, because it reads
# what the screen shows as an hour of the day. So a column of hours worked or slept in a week loses its
# longest cells alone. In .xlsx all three read 30 hours. Guess before the run: 30 hours, as there.
# adaroute reads no .ods, and takes the hours of an .xlsx as calamine gives them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1 numpy==2.4.6 \
  odfpy==1.4.1 defusedxml==0.7.1 polars==2.1.0 fastexcel==0.21.0 python-calamine==0.9.1 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import pandas
import polars
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

book = OpenDocumentSpreadsheet()
sheet = Table(name="week")
book.spreadsheet.addElement(sheet)
lengths = [("07:30", "PT07H30M00S"), ("30:00", "PT30H00M00S"), ("23:15", "PT23H15M00S")]
for person, (shown, length) in enumerate([("slept", None), *lengths]):
    row = TableRow()
    sheet.addElement(row)
    first = {"valuetype": "float", "value": person} if person else {"valuetype": "string"}
    second = {"valuetype": "time", "timevalue": length} if length else {"valuetype": "string"}
    for text, facts in ((str(person or "person"), first), (shown, second)):
        cell = TableCell(**facts)
        cell.addElement(P(text=text))
        row.addElement(cell)
book.save("week.ods")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    by_polars = polars.read_ods("week.ods")["slept"].to_list()
by_calamine = pandas.read_excel("week.ods", engine="calamine")["slept"].tolist()
try:
    by_pandas = pandas.read_excel("week.ods", engine="odf")["slept"].tolist()
except Exception as error:
    by_pandas = type(error).__name__
print(*(f"{n} {version(n)}" for n in ("polars", "fastexcel", "python-calamine", "pandas", "odfpy")))
print("in the file:", [length for _, length in lengths])
print("polars:     ", [None if cell is None else str(cell) for cell in by_polars], "warnings", len(said))
print("calamine:   ", [str(cell) for cell in by_calamine])
print("pandas, odf:", by_pandas)
assert by_polars[1] is None and None not in (by_polars[0], by_polars[2]), "polars has changed"
assert by_calamine[1] == "PT30H00M00S" and by_pandas == "DateParseError", "calamine or pandas has changed"
PYTHON
