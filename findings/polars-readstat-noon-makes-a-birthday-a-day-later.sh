#!/usr/bin/env bash
# For polars-readstat whoever was born at noon before 1970 has a birthday a day later.
#
# SPSS counts dates in seconds, so that a cell shown as a date can hold an hour as well, as it does
# where a date was taken from a time stamp. polars-readstat divides by the length of a day and cuts
# the fraction off towards zero, and its zero is 1970: from then on the hour is dropped, before it
# the day is rounded up. 15 June 1950 at noon is 16 June, 31 December 1969 one minute before
# midnight is 1 January 1970, and the same cell without an hour is right. So ages and days since a
# birth go wrong for some people, by their year. pyreadstat, readstat-arrow and pyspssio agree on
# the day. Where the same cells are shown with their time all four agree. Nothing is said. Guess
# before the run: the day that SPSS shows. adaroute reads these files by pyreadstat, with the
# seconds as they are: the day stays, and its hour; a test holds it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  polars-readstat==0.25.0 polars==2.1.0 pyreadstat==1.3.7 pandas==3.1.1 numpy==2.4.6 \
  readstat-arrow==2026.10.20.0 pyarrow==26.0.1 2>/dev/null
cd "$folder"
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from datetime import date, datetime
from importlib.metadata import version

import pandas
import polars_readstat
import pyreadstat
import readstat_arrow

names = ("polars-readstat", "pyreadstat", "readstat-arrow", "polars")
print(*(f"{name} {version(name)}" for name in names))
born = [datetime(1950, 6, 15), datetime(1950, 6, 15, 12), datetime(1969, 12, 31, 23, 59)]
born += [datetime(1970, 1, 1, 12), datetime(1980, 6, 15, 23)]
start = datetime(1582, 10, 14)
seconds = [(day - start).total_seconds() for day in born]
said = {}
for shown in ("DATE11", "DATETIME20"):
    table = pandas.DataFrame({"born": seconds})
    pyreadstat.write_sav(table, "a.sav", variable_format={"born": shown})
    said[shown] = {
        "pyreadstat": pyreadstat.read_sav("a.sav")[0]["born"].tolist(),
        "readstat-arrow": readstat_arrow.read_sav("a.sav")[0].column(0).to_pylist(),
        "polars-readstat": polars_readstat.scan_readstat("a.sav").collect()["born"].to_list(),
    }
for day, *cells in zip(born, *said["DATE11"].values()):
    print(day, *(f"{name} {cell}" for name, cell in zip(said["DATE11"], cells)))
days = [day.date() for day in born]
assert said["DATE11"]["pyreadstat"] == said["DATE11"]["readstat-arrow"] == days
later = [date(1950, 6, 15), date(1950, 6, 16), date(1970, 1, 1), *days[3:]]
assert said["DATE11"]["polars-readstat"] == later, "polars-readstat has changed"
assert all(list(map(pandas.Timestamp, cells)) == born for cells in said["DATETIME20"].values())
PYTHON
