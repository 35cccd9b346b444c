#!/usr/bin/env bash
# Thirty hours and thirty days of R are both 30 for pyreadr, and R chooses which by the first cells.
#
# A length of time in R is a number with a unit beside it. Whoever subtracts two moments does not choose
# the unit: R takes the largest in which the shortest of them is at least 1, so that the delay of a dose
# is in minutes at one site and in days at the next, and the code is the same. pyreadr reads
# the number and drops the unit, in an .rds and in a .RData, so that two files that R itself would stack
# rightly make one column of minutes and days. readr's times of day, hms, come as bare seconds. Dates and
# moments keep what they are, and nothing is said; the readme lists neither class. rdata gives the same
# numbers with a warning that it has no reader for the class. Guess before the run: timedeltas, as dates
# become dates. adaroute reads the unit and makes hours of any of them; a test holds it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  pyreadr==0.5.8 rdata==1.1.0 pandas==3.1.1 numpy==2.4.6 2>/dev/null
FOLDER=$folder "$folder/env/bin/python" - <<'PYTHON'
import os
import pathlib
import struct
import warnings
from importlib.metadata import version

import pandas
import pyreadr
import rdata


def word(text):
    return struct.pack(">ii", 9 | 64 << 12, len(text)) + text.encode()


def strings(*words):
    return struct.pack(">ii", 16, len(words)) + b"".join(map(word, words))


def pairs(**attributes):
    "Attributes as R has them: a list of pairs."
    for name, value in attributes.items():
        yield struct.pack(">ii", 2 | 1 << 10, 1) + word(name.replace("_", ".")) + value
    yield struct.pack(">i", 254)


def vector(kind, form, cells, **attributes):
    "A vector with a class: 13 for whole numbers, 14 for doubles, 19 for a list."
    body = b"".join(cells if form is None else (struct.pack(form, cell) for cell in cells))
    return struct.pack(">ii", kind | 1 << 8 | 1 << 9, len(cells)) + body + b"".join(pairs(**attributes))


def write_rds(path, columns):
    "A data frame, in version 2 of R's format (XDR)."
    rows = struct.pack(">iiii", 13, 2, -2**31, -3)
    frame = vector(19, None, list(columns.values()), names=strings(*columns), row_names=rows,
                   **{"class": strings("data.frame")})
    path.write_bytes(b"X\n" + struct.pack(">iii", 2, 0x40202, 0x20300) + frame)


def write_site(name, units, cells, classes=("difftime",)):
    path = pathlib.Path(os.environ["FOLDER"], f"{name}.rds")
    late = vector(14, ">d", cells, **{"class": strings(*classes), "units": strings(units)})
    write_rds(path, {"late": late, "day": vector(14, ">d", [19723.0] * 3, **{"class": strings("Date")})})
    return path


paths = {
    "site A, in hours": write_site("a", "hours", [30.0, 6.0, 1.5]),
    "site B, in days": write_site("b", "days", [30.0, 6.0, 1.5]),
    "a clock of 7:30": write_site("c", "secs", [27000.0, 27000.0, 60.0], ("hms", "difftime")),
}
got, warned = {}, {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    got = {name: pyreadr.read_r(path)[None] for name, path in paths.items()}
    silent = len(said)
    others = {name: rdata.read_rds(path)["late"].tolist() for name, path in paths.items()}
    warned = [str(w.message) for w in said if "difftime" in str(w.message)]
print(f"pyreadr {version('pyreadr')} warnings: {silent}; rdata {version('rdata')} warnings: {len(warned)}")
for name, table in got.items():
    print(f"{name}: {table['late'].tolist()} {table['late'].dtype}, day {table['day'][0]}")
both = pandas.concat(list(got.values())[:2])["late"]
print("both sites, longer than a week:", int((both > 7).sum()), "of", len(both))
assert all(str(table["day"][0]) == "2024-01-01" for table in got.values())
late = [table["late"].tolist() for table in got.values()]
assert late == [[30.0, 6.0, 1.5], [30.0, 6.0, 1.5], [27000.0, 27000.0, 60.0]], "pyreadr has changed"
assert all(table["late"].dtype == float for table in got.values()), "pyreadr has changed"
assert silent == 0 and late == list(others.values()) and warned, "it has changed"
PYTHON
