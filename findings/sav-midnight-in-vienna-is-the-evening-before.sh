#!/usr/bin/env bash
# A date with a time zone that pyreadstat writes for SPSS, Stata or SAS is the day before.
#
# These formats know no time zones. pyreadstat writes a column of pandas with one as it is in UTC, and
# does not say so: midnight in Vienna becomes 23:00 or 22:00 of the evening before, and with the format
# of a date alone the day itself is another one. A database often hands dates over in this form. Ages at
# visit, days since admission and "same day" then differ by one for everybody east of Greenwich, in half
# of the year by another hour than in the other. pandas' own to_stata and to_excel refuse such a column.
# Guess before the run: the clock on the wall, or a refusal. adaroute reads what the file says; it
# cannot see that a zone was lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  pandas==3.1.1 numpy==2.4.6 pyreadstat==1.3.7 tzdata==2026.6 openpyxl==3.1.5 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import warnings

import pandas
import pyreadstat

days = pandas.to_datetime(["2020-01-02", "2020-07-02"]).tz_localize("Europe/Vienna")
table, got = pandas.DataFrame({"seen": days}), {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for kind in ("sav", "dta", "xport"):
        getattr(pyreadstat, f"write_{kind}")(table, f"visits.{kind}")
        read, _ = getattr(pyreadstat, f"read_{kind}")(f"visits.{kind}")
        got[kind] = [str(time) for time in read["seen"]]
refused = []
for write in (table.to_stata, table.to_excel):
    try:
        write("visits.dta" if write == table.to_stata else "visits.xlsx")
    except Exception as error:
        refused.append(f"{write.__name__}: {type(error).__name__}")
print("pyreadstat", pyreadstat.__version__, "pandas", pandas.__version__)
print("written:", [str(day) for day in days])
for kind, times in got.items():
    print(f"{kind:6}", times)
print("warnings:", len(said), "; pandas refuses:", refused)
for times in got.values():
    assert times == ["2020-01-01 23:00:00", "2020-07-01 22:00:00"], "pyreadstat has changed"
assert len(refused) == 2 and not said, "a refusal or warning has changed"
PYTHON
