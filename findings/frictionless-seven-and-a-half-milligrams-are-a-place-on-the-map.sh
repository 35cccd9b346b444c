#!/usr/bin/env bash
# For frictionless a dose of 7,5 is a place on the map: 7 degrees east and 5 degrees north.
#
# frictionless settles the type of each column of a CSV and reads the rows by it; it is what data
# packages are made and checked with. Where numbers have a decimal comma, as in much of Europe, the
# cell 7,5 fits its type "geopoint", a longitude and a latitude with a comma between, and that one
# is tried before text. Doses, temperatures and laboratory values come out as pairs of numbers,
# "36,8" as 36 and 8, the package is valid, and nothing is said. The second number of a point is a
# latitude and ends at 90: one row with 7,95 and the whole column is text, so that it turns on a
# digit behind the comma. The specification has the type; that numbers may be taken for it we read
# nowhere. A decimalChar can be set, column by column. Guess before the run: text. adaroute leaves
# such a column out and says that --decimal , reads it; with it, it is a number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check frictionless==5.21.0 2>/dev/null
cd "$folder"
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

from frictionless import Resource, validate

print("frictionless", version("frictionless"))


def read(rows):
    Path("doses.csv").write_text("id;dose;temperature\n" + "".join(f"{row}\n" for row in rows))
    resource = Resource("doses.csv")
    cells = [tuple(row.to_dict().values()) for row in resource.read_rows()]
    kinds = {field.name: field.type for field in resource.schema.fields}
    return kinds, cells, validate("doses.csv").valid


kinds, cells, valid = read(["1;7,5;36,8", "2;10,25;37,1", "3;5,0;38,0"])
print(kinds, "valid:", valid)
for row in cells:
    print("  ", row[0], [float(n) for n in row[1]], [float(n) for n in row[2]])
assert kinds == {"id": "integer", "dose": "geopoint", "temperature": "geopoint"} and valid
assert [float(n) for n in cells[0][1]] == [7.0, 5.0], "frictionless has changed"
kinds, cells, valid = read(["1;7,5;36.8", "2;7,95;37.1"])
print("with one 7,95:", kinds, "valid:", valid)
assert kinds["dose"] == "string" and kinds["temperature"] == "number", "frictionless has changed"
PYTHON
