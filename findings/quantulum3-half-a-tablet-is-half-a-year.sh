#!/usr/bin/env bash
# quantulum3 reads "half a tablet" as half a year, a blood pressure of 120/80 as 1.5, and "1,5 mg" as 5 mg.
#
# "a" is the symbol of the year (annum), and it wins over the article: half a tablet is .5 of a
# year, and half a day off .5 "per day". A slash divides, so 120/80 is the bare number 1.5. A decimal comma cuts a
# number in two and the unit goes to the digits behind it: "1,5 mg" is 1 and 5 mg, "38,5 °C" 38 and 5
# degrees. None of it is an error, and a dose with a point comes out right beside it. Guess before the
# run: no amount where no unit is known, both pressures, and 1.5 mg. adaroute reads none of the first
# and third kind as an amount; of 120/80 mmHg it takes the second number, which stands beside the unit.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check quantulum3==0.10.0 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from quantulum3 import parser

seen = {
    "half a tablet": [(0.5, "year")],
    "half a day off": [(0.5, "per day")],
    "blood pressure 120/80": [(1.5, "dimensionless")],
    "took 1,5 mg": [(1.0, "dimensionless"), (5.0, "milligram")],
    "fever of 38,5 °C": [(38.0, "dimensionless"), (5.0, "degree Celsius")],
    "took 1.5 mg": [(1.5, "milligram")],
    "50mg twice daily": [(50.0, "milligram")],
}
print("quantulum3", version("quantulum3"))
for note, amounts in seen.items():
    got = [(found.value, found.unit.name) for found in parser.parse(note)]
    print(f"{note:24}{got}")
    assert got == amounts, f"quantulum3 has changed: {note!r} gave {got}"
PYTHON
