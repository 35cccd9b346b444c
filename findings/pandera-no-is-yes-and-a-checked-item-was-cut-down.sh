#!/usr/bin/env bash
# A table that pandera has converted and passed has yes for every "no", and 2 for an item of 2.7.
#
# Column(bool, coerce=True) on a column of "yes" and "no", or of "True" and "False" as a CSV brings
# them, makes True of all of them, because text that is not empty counts as true, and the schema then
# reports that the column is logical. Column(int, coerce=True) cuts fractions off, towards zero, before
# the checks look: -0.9 and 3.9 on an item from 0 to 3 pass a check on the range as 0 and 3. Nothing is
# said in either case. With pandas' nullable types, "boolean" and "Int64", the same tables are refused.
# Guess before the run: an error in both, as this is a check of what is there. adaroute takes yes and
# no, true and false for 1 and 0, refuses any other word there, and an ordinal level that is not whole.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  pandera==0.35.0 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import pandas
import pandera.pandas as pandera

table = pandas.DataFrame({"smokes": ["no", "yes", "False"], "phq1": [2.7, 3.9, -0.9]})
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    schema = pandera.DataFrameSchema({
        "smokes": pandera.Column(bool, coerce=True),
        "phq1": pandera.Column(int, pandera.Check.in_range(0, 3), coerce=True),
    })
    passed = schema.validate(table, lazy=True)
print(*(f"{n} {version(n)}" for n in ("pandera", "pandas")), "warnings:", len(said))
for name in table:
    print(f"{name}: {table[name].tolist()} passed as {passed[name].tolist()}")
for name, kind in (("smokes", "boolean"), ("phq1", "Int64")):
    try:
        pandera.DataFrameSchema({name: pandera.Column(kind, coerce=True)}).validate(table)
    except (pandera.errors.SchemaError, pandera.errors.SchemaErrors) as error:
        print(f"{name} as {kind}: refused, {type(error).__name__}")
    else:
        raise AssertionError("pandera has changed")
assert passed["smokes"].all() and passed["phq1"].tolist() == [2, 3, 0], "pandera has changed"
PYTHON
