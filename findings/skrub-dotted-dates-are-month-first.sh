#!/usr/bin/env bash
# skrub reads 01.02.2020 as the second of January, unless somebody in the column came after the 12th.
#
# Dates with dots put the day first wherever they are written. skrub's ToDatetime, and so
# TableVectorizer and tabular_pipeline, finds a format that fits all cells and takes the month first
# where both fit: in a column whose days are all 12 or less day and month change places, without a
# warning, and one more row, seen on the 13th, turns all the others round. What was settled in training
# holds afterwards, so a pipeline that learned "month first" makes the 13th missing at prediction. Guess
# before the run: day first for dots, or a warning. adaroute makes no date of such cells and says that
# day and month cannot be told apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  skrub==0.11.0 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import pandas
from skrub import ToDatetime


def column(*cells):
    return pandas.Series(cells, name="seen")


def show(dates):
    return [None if pandas.isna(date) else date.strftime("%-d %B %Y") for date in dates]


early = column("01.02.2020", "03.04.2021", "05.06.2020")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    reader = ToDatetime()
    alone = show(reader.fit_transform(early))
    later = show(reader.transform(column("13.02.2020")))
    beside = show(ToDatetime().fit_transform(column(*early, "13.02.2020")))
print(*(f"{n} {version(n)}" for n in ("skrub", "pandas")))
print("cells:                     ", list(early))
print("read alone:                ", alone)
print("read beside a 13.02.2020:  ", beside)
print("13.02.2020 at prediction:  ", later)
print("warnings:", len(said))
assert alone[0] == "2 January 2020" and beside[0] == "1 February 2020", "skrub has changed"
assert later == [None] and not said, "skrub has changed"
PYTHON
