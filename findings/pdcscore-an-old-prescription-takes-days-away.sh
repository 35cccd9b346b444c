#!/usr/bin/env bash
# For pdcscore a prescription used up before the study takes days away: who takes a drug every day has a score below 0.
#
# The proportion of days covered is how much of a window somebody had a drug for. With
# overlap_adjustment=True, which credits early refills, pdcscore adds up the days that each fill covers
# inside the window, last day minus first plus one. For a fill that ran out before the window began, or
# came after its end, that is a negative number, and it is added all the same: ninety days of tablets
# bought a year ago undo ninety of today's and more. Somebody covered throughout has a score far below
# 0, somebody with one of three months has it too, and whoever has no history is right. Nothing is
# said. With overlap_adjustment=False such fills count for nothing. The readme asks for no selection of
# fills, and its own example has one that ended half a year before the window. Guess before the run: 0
# days from it. adaroute counts no fills and takes a share that a table has as the number it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  pdcscore==1.1.9 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import pandas
from pdcscore import pdcCalc

fills = {
    "no history": [("2026-01-01", 90)],
    "old fill": [("2025-03-01", 30), ("2026-01-01", 90)],
    "later fill": [("2026-01-01", 90), ("2026-08-01", 30)],
    "one month, old fill": [("2025-03-01", 30), ("2026-01-01", 30)],
}
rows = [(who, "lithium", day, days) for who, given in fills.items() for day, days in given]
table = pandas.DataFrame(rows, columns=["patient", "drug", "filled", "days"])
table = table.assign(begin="2026-01-01", end="2026-03-31")
for name in ("filled", "begin", "end"):
    table[name] = pandas.to_datetime(table[name])
got = {}
for adjusted in (True, False):
    found = pdcCalc(table, "patient", "drug", "filled", "days", "begin", "end", adjusted)
    got[adjusted] = found.calculate_pdc_scores().set_index("patient")["pdc_score"].astype(float)
print(*(f"{n} {version(n)}" for n in ("pdcscore", "pandas", "numpy")))
for who in fills:
    print(f"{who:21}adjusted {got[True][who]:6.2f}, not adjusted {got[False][who]:5.2f}")
assert got[True]["no history"] == 1 and (got[False].between(0, 1)).all()
assert got[True]["old fill"] < 0 and got[True]["one month, old fill"] < 0, "pdcscore has changed"
assert got[True]["later fill"] < 0.5, "pdcscore has changed"
PYTHON
