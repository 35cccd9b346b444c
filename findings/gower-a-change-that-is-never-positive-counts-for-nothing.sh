#!/usr/bin/env bash
# In gower a column in which nobody is above 0 counts for nothing: the best and the worst change are alike.
#
# Gower's distance divides the difference of two numbers by the range of their column. The package divides
# by the highest value first, and where that is 0 leaves the column out: a change of a score after
# treatment in which nobody got worse, days before admission, a deviation from the best. With one
# person at +1 the same column counts in full, so distances, and clusters on them, turn on that person.
# With a highest value just above 0 nothing is lost. Nothing is said, and the readme has no word on it;
# an entry of the tracker from 2022 asks about the line, and an answer there says what comes of it.
# Guess before the run: the range, whatever the sign. adaroute has no such distance between people.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  gower==0.1.2 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import gower
import pandas

best = {"change": [-20.0, -10.0, 0.0], "age": [30.0, 30.0, 60.0]}
tables = {
    "nobody worse": pandas.DataFrame(best),
    "one person worse": pandas.DataFrame(best | {"change": [-20.0, -10.0, 1.0]}),
    "counted upwards": pandas.DataFrame(best | {"change": [20.0, 10.0, 0.0]}),
}
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, table in tables.items():
        got[name] = float(gower.gower_matrix(table)[0, 1])
        by_hand = 10 / (table["change"].max() - table["change"].min()) / 2
        print(f"{name}: {table['change'].tolist()}, distance of the first two {got[name]:.2f},"
              f" by hand {by_hand:.2f}")
        if name != "nobody worse":
            assert abs(got[name] - by_hand) < 1e-6
print(*(f"{n} {version(n)}" for n in ("gower", "pandas", "numpy")), "warnings:", len(said))
assert got["nobody worse"] == 0 and not said, "gower has changed"
PYTHON
