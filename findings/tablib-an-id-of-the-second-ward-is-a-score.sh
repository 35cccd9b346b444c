#!/usr/bin/env bash
# tablib stacks the table of a second ward by the place of its columns: there the id is the score.
#
# Dataset.stack() puts the rows of another table below, and asks only that it has as many columns.
# Tables that know the names of their columns, as these do, are joined by place all the same: with
# "score, id" below "id, score" the result has the names of the first, and whoever comes second has
# an id of 9 and a score of "K07". Where both are numbers nothing is seen at all. append() takes any
# row of the right length in the same way, which is its purpose. No warning. The page on stacking
# says "joining at the row level". pandas, polars and pyarrow go by names, or refuse. Guess before
# the run: by names, since it has them. adaroute reads one table at a time, and columns by their
# names.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tablib==3.10.0 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import tablib

north = tablib.Dataset(headers=["id", "phq9", "age"])
north.append([1, 4, 51])
south = tablib.Dataset(headers=["phq9", "age", "id"])
south.append([22, 34, 7])
print("tablib", version("tablib"))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    both = north.stack(south)
for row in both.dict:
    print(dict(row))
print("wanted:", {"id": 7, "phq9": 22, "age": 34}, "warnings:", len(said))
assert both.dict[1] == {"id": 22, "phq9": 34, "age": 7} and not said, "tablib has changed"
south.headers = ["score", "years", "name"]
assert north.stack(south).headers == ["id", "phq9", "age"], "other names are seen now"
try:
    north.stack(tablib.Dataset([1, 2], headers=["id", "phq9"]))
except tablib.InvalidDimensions:
    print("a table of two columns is refused")
else:
    raise AssertionError("tablib has changed")
PYTHON
