#!/usr/bin/env bash
# pandas reads a yes in an .ods as no unless the cell shows the English word TRUE.
#
# In an OpenDocument sheet a logical cell holds office:boolean-value="true" and, beside it, what the
# screen showed. pandas' "odf" engine looks at the latter: a sheet that was saved in a German office
# shows WAHR, a French one VRAI, and every yes becomes False, without a word. A time is read from the
# screen as well: 7:30:45 shown as 07:30 loses its seconds, while the value is in the file. Dates and
# numbers come from their values. calamine reads the values throughout. Guess before the run: the
# values. adaroute reads no .ods; the Excel chapter's reader (calamine) would be the one to read it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  pandas==3.1.1 numpy==2.4.6 odfpy==1.4.1 defusedxml==0.7.1 python-calamine==0.9.1 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import pandas
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

book = OpenDocumentSpreadsheet()
sheet = Table(name="table")
book.spreadsheet.addElement(sheet)
yes = {"valuetype": "boolean", "booleanvalue": "true"}
late = {"valuetype": "time", "timevalue": "PT07H30M45S"}
for line in [
    [("smokes", {"valuetype": "string"}), ("got up", {"valuetype": "string"})],
    [("TRUE", yes), ("07:30:45", late)],
    [("WAHR", yes), ("07:30", late)],
    [("VRAI", yes), ("07:30", late)],
]:
    row = TableRow()
    sheet.addElement(row)
    for shown, facts in line:
        cell = TableCell(**facts)
        cell.addElement(P(text=shown))
        row.addElement(cell)
book.save("table.ods")
print(*(f"{n} {version(n)}" for n in ("pandas", "odfpy", "python-calamine")))
read = {engine: pandas.read_excel("table.ods", engine=engine) for engine in ("odf", "calamine")}
for engine, table in read.items():
    print(f"{engine:9}", table["smokes"].tolist(), [str(cell) for cell in table["got up"]])
assert read["calamine"]["smokes"].tolist() == [True, True, True]
assert read["odf"]["smokes"].tolist() == [True, False, False], "pandas has changed"
assert [cell.second for cell in read["odf"]["got up"]] == [45, 0, 0], "pandas has changed"
PYTHON
