#!/usr/bin/env bash
# In petl a filter for more than 9 finds everybody in a CSV, and one for less than 5 whoever did not answer.
#
# petl orders whatever meets, as Python 2 did: nothing is less than a number, and a number less than any
# text. Cells of a CSV are text to it, the empty cell included, so that selectgt(table, "phq9", 9) keeps
# each row of a file, selectlt keeps none, and nothing says that the numbers were never read. After
# convertnumbers() an empty cell is still text and still "more than 9"; made None it is "less than 5",
# where whoever did not answer counts as well. So a missing score is a severe one before and a mild one
# after cleaning; selectrangeopen from 0 to 4 keeps it out of both. A docstring on sorting tells the order,
# those of the filters nothing of mixed types. pandas and polars stop at text, or keep gaps out. Guess
# before the run: an error, as Python 3 has it. adaroute reads the numbers of a CSV, and a missing total
# is in no band.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary petl==1.7.30 2>/dev/null
cat > "$folder/people.csv" <<'CSV'
id,phq9
1,4
2,12
3,
4,9
CSV
FOLDER=$folder "$folder/env/bin/python" - <<'PYTHON'
import os
import warnings
from importlib.metadata import version

import petl

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    plain = petl.fromcsv(os.environ["FOLDER"] + "/people.csv")
    tables = {
        "as read": plain,
        "convertnumbers": plain.convertnumbers(),
        "and None": plain.convertnumbers().convert("phq9", lambda cell: None if cell == "" else cell),
    }
    got = {}
    for name, table in tables.items():
        found = {
            "more than 9": petl.selectgt(table, "phq9", 9),
            "less than 5": petl.selectlt(table, "phq9", 5),
            "0 to 4": petl.selectrangeopen(table, "phq9", 0, 4),
        }
        got[name] = {rule: [int(cell) for cell in part.values("id")] for rule, part in found.items()}
        print(f"{name:15}{got[name]}")
print("petl", version("petl"), "warnings:", len(said))
assert got["and None"]["more than 9"] == [2] and got["convertnumbers"]["0 to 4"] == [1]
assert got["as read"] == {"more than 9": [1, 2, 3, 4], "less than 5": [], "0 to 4": []}, "petl has changed"
assert got["convertnumbers"]["more than 9"] == [2, 3], "petl has changed"
assert got["and None"]["less than 5"] == [1, 3], "petl has changed"
assert not said, "petl has changed"
PYTHON
