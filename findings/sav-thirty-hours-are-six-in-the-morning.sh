#!/usr/bin/env bash
# Thirty hours in a file of SPSS, Stata or SAS are six in the morning for pyreadstat.
#
# The TIME and DTIME formats of SPSS hold lengths of time as well as times of day: hours slept in a week,
# hours since the last dose, a change in either. pyreadstat, and with it pandas.read_spss, makes a time of
# day of every such cell and drops whole days: 30 hours are 6:00, 49 are 1:00, minus one is 23:00, without
# a warning. What pyreadstat itself wrote from a timedelta, of 30 hours, it reads back as it was, for it
# leaves a type of its own in the file; SPSS does not. disable_datetime_conversion=True gives seconds.
# The readme lists which formats become times, not what happens beyond a day. Guess before the run: a
# timedelta, or text, or an error. adaroute reads the seconds and takes such a column as hours.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  pyreadstat==1.3.7 pandas==3.1.1 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import datetime
import warnings

import pandas
import pyreadstat

hours = pandas.DataFrame({"hours": [22.5, 30.0, 49.0, -1.0]})
files = {  # how the program counts, and its format
    "DTIME12.sav": (pyreadstat.write_sav, pyreadstat.read_sav, 3600, "DTIME12"),
    "TIME8.sav": (pyreadstat.write_sav, pyreadstat.read_sav, 3600, "TIME8"),
    "TIME8.xpt": (pyreadstat.write_xport, pyreadstat.read_xport, 3600, "TIME8"),
    "tc.dta": (pyreadstat.write_dta, pyreadstat.read_dta, 3_600_000, "%tcHH:MM:SS"),
}
clock = [datetime.time(22, 30), datetime.time(6), datetime.time(1), datetime.time(23)]
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, (write, read, step, shown) in files.items():
        write(hours * step, name, variable_format={"hours": shown})
        got[name] = read(name)[0]["hours"].tolist()
        numbers = read(name, disable_datetime_conversion=True)[0]["hours"] / step
        print(f"{name:12}{[str(cell) for cell in got[name]]}, without conversion {numbers.tolist()}")
        assert numbers.tolist() == hours["hours"].tolist()
    got["pandas"] = pandas.read_spss("TIME8.sav")["hours"].tolist()
print("pandas.read_spss", [str(cell) for cell in got["pandas"]], "warnings:", len(said))
print("pyreadstat", pyreadstat.__version__, "pandas", pandas.__version__)
assert not said and all(cells == clock for cells in got.values()), "pyreadstat has changed"
PYTHON
