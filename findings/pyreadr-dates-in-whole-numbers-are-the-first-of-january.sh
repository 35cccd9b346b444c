#!/usr/bin/env bash
# Dates that R keeps as whole numbers, or does not have, are all 1 January 1970 for pyreadr.
#
# A Date of R is a number of days with a class. The number may be a double or a whole number: Sys.Date()
# and as.Date() of text give doubles, data.table's IDate and older versions of readr whole numbers, and
# str() shows both alike. pyreadr reads the class, and then the doubles of the column, of which there are
# none: each visit is 1970-01-01, and so is one that is missing. Every length of stay is then 0 or
# that of the other date, and everybody had their first visit on the same day. A column of doubles beside
# it is right, gap included, so a file can have both. No warning. rdata hands over the days as whole
# numbers, without a word on what they are. The readme says that dates are read. Guess before the run:
# the dates, as R prints them. adaroute reads both kinds, and a missing one as missing; a test holds it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  pyreadr==0.5.8 pandas==3.1.1 numpy==2.4.6 2>/dev/null
FOLDER=$folder "$folder/env/bin/python" - <<'PYTHON'
import os
import pathlib
import struct
import warnings
from importlib.metadata import version

import pandas
import pyreadr


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


path = pathlib.Path(os.environ["FOLDER"], "visits.rds")
days = [19723, 19754]  # 1 January and 1 February 2024
nothing = struct.unpack(">d", struct.pack(">II", 0x7FF00000, 1954))[0]  # R's NA among doubles
write_rds(path, {
    "whole": vector(13, ">i", [*days, -2**31], **{"class": strings("Date")}),
    "idate": vector(13, ">i", [*days, -2**31], **{"class": strings("IDate", "Date")}),
    "double": vector(14, ">d", [*days, nothing], **{"class": strings("Date")}),
    "number": vector(13, ">i", [*days, -2**31], **{"class": strings("integer")}),
})
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    table = pyreadr.read_r(path)[None]
print(f"pyreadr {version('pyreadr')} pandas {version('pandas')} warnings: {len(said)}")
print(table.to_string(index=False))
text = {name: [str(cell) for cell in table[name]] for name in ("whole", "idate", "double")}
assert text["double"][:2] == ["2024-01-01", "2024-02-01"] and pandas.isna(table["double"][2])
assert table["number"].tolist()[:2] == days
for name in ("whole", "idate"):
    assert text[name] == ["1970-01-01"] * 3, "pyreadr has changed"
assert not said, "pyreadr has changed"
PYTHON
