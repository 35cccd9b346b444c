#!/usr/bin/env bash
# In tableone, whoever did not answer is counted in the severity band "None".
#
# The lowest band of many scales is called "None". A clinical "Table 1" of 6 people in that band, 6 in
# "Mild" and 8 whose band is missing reads: None 14 (70 %), Mild 6 (30 %), and its column "Missing",
# which numbers do fill, stays blank. The gaps become a level of their own, named by the word "None",
# and fall together with the level that has the name. With `include_null=False` the same table reads
# None 6 (50 %), Missing 8. A band called "Minimal" shows the gaps as a third level "None". Guess before
# the run: a line of its own for those who did not answer. adaroute keeps "None" as a level of a category
# and takes blank cells and "NA" for gaps; a test holds both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: tableone==0.9.6 \
  pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import pandas
from tableone import TableOne


def count(lowest, **how):
    bands = [lowest] * 6 + ["Mild"] * 6 + [None] * 8
    table = TableOne(pandas.DataFrame({"band": bands}), categorical=["band"], **how).tableone
    rows = table.loc["band, n (%)"]
    return dict(zip(rows.index, rows.iloc[:, -1])), rows.iloc[0, 0]


print("tableone", version("tableone"), "pandas", version("pandas"))
both, missing = count("None")
print("lowest band None:              ", both, "missing:", repr(missing))
apart, told = count("None", include_null=False)
print("the same, include_null=False:  ", apart, "missing:", repr(told))
other, _ = count("Minimal")
print("lowest band Minimal:           ", other)
assert both == {"None": "14 (70.0)", "Mild": "6 (30.0)"} and missing == "", "tableone has changed"
assert apart == {"None": "6 (50.0)", "Mild": "6 (50.0)"} and str(told) == "8", "tableone has changed"
assert other == {"Minimal": "6 (30.0)", "Mild": "6 (30.0)", "None": "8 (40.0)"}, "tableone has changed"
PYTHON
