#!/usr/bin/env bash
# pandas drops the last person of a SAS transport file whose note is shorter than the longest one.
#
# A transport file (.xpt) does not say how many rows it has: it ends in blanks up to a multiple of 80
# bytes. pandas.read_sas takes every blank stretch of eight bytes in the last 80 for such filling. But a
# text is filled up with blanks as well, to the width of the longest in its column. Where the last note
# is empty, or a few letters shorter than others, a row of at most 80 bytes goes with the filling: the
# last person is gone, score and all, and nothing is said. Of a hundred drawn tables with an id, a score
# and a short note, half lost theirs. A table whose one column is a short text gains people instead.
# pyreadstat reads every row of the same files. pandas' documentation has nothing on it. Guess before
# the run: a row could be lost if all of its cells were blank, which the format cannot tell apart; not
# one with numbers. adaroute reads .xpt with pyreadstat; a test holds that the last person stays.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  pandas==3.1.1 numpy==2.4.6 pyreadstat==1.3.7 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import warnings

import numpy
import pandas
import pyreadstat

visits = pandas.DataFrame({
    "id": [1.0, 2.0, 3.0, 4.0, 5.0],
    "phq9": [4.0, 11.0, 7.0, 2.0, 24.0],
    "note": ["sleeps badly", "tired", "better", "no complaints", "in crisis"],
})
tables = {
    "last note short": visits,
    "last note empty": visits.assign(note=[*visits["note"][:4], ""]),
    "last note longest": visits.assign(note=[*visits["note"][:4], "in crisis now"]),
    "one short text": pandas.DataFrame({"sex": ["f", "m", "f", "m", "f"]}),
}
draw, got, lost = numpy.random.default_rng(0), {}, 0


def read_both(table):
    pyreadstat.write_xport(table, "visits.xpt", file_format_version=5)
    return pandas.read_sas("visits.xpt", encoding="infer"), pyreadstat.read_xport("visits.xpt")[0]


with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, table in tables.items():
        got[name] = read_both(table)
        print(f"{name:18}written {len(table)} rows, pandas {len(got[name][0])},"
              f" pyreadstat {len(got[name][1])}")
    for _ in range(100):
        rows = draw.integers(0, 5, draw.integers(10, 200))
        seen, whole = read_both(visits.iloc[rows])
        lost += len(seen) < len(rows)
        assert len(whole) == len(rows)
most = [int(table["phq9"].max()) for table in got["last note short"]]
print(f"highest PHQ-9: pandas {most[0]}, pyreadstat {most[1]}; drawn tables without the last person:"
      f" {lost} of 100; warnings: {len(said)}")
print("pandas", pandas.__version__, "pyreadstat", pyreadstat.__version__)
assert all(len(whole) == 5 for _, whole in got.values()) and not said
assert len(got["last note longest"][0]) == 5
assert got["last note short"][0]["id"].tolist() == [1, 2, 3, 4], "pandas has changed"
assert got["last note empty"][0]["id"].tolist() == [1, 2, 3, 4], "pandas has changed"
assert len(got["one short text"][0]) > 5 and lost > 25, "pandas has changed"
PYTHON
