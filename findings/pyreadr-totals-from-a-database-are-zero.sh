#!/usr/bin/env bash
# A total of ten that R had from a database is 5e-323 for pyreadr, and one that is missing is 0.
#
# Sums, counts and long record numbers come out of PostgreSQL, BigQuery or data.table's fread as integer64:
# whole numbers of 64 bits in the place where R keeps doubles, with a class that says so. pyreadr
# does not look at the class and takes the bits for doubles. Every score becomes a number around 1e-322,
# which a table prints as 0.0; a missing one becomes -0.0. So ">= 10" finds nobody, "== 0" finds those who
# have no total, and long ids still differ, so that a join within the file works. No warning; the readme
# has no word on the class. rdata gives the same numbers and warns that it does not know the class, and
# data.table's fread says in R that such columns print strangely without the package bit64. Guess before
# the run: 10, as a float, or an error. adaroute takes the bits of this class for whole numbers, and the
# missing one for missing; a test holds it.
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


path = pathlib.Path(os.environ["FOLDER"], "scores.rds")
totals = vector(14, ">q", [10, 3, -2**63], **{"class": strings("integer64")})  # the last: missing
plain = vector(14, ">d", [10, 3, 0], **{"class": strings("numeric")})
write_rds(path, {"total": totals, "plain": plain})
got, said = {}, {}
readers = {"pyreadr": lambda: pyreadr.read_r(path)[None], "rdata": lambda: rdata.read_rds(path)}
for name, read in readers.items():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        got[name] = read()
    said[name] = [str(w.message) for w in heard if "integer64" in str(w.message)]
    table = got[name]
    print(name, version(name), "total:", table["total"].tolist(), "plain:", table["plain"].tolist(),
          "at least 10:", int((table["total"] >= 10).sum()), "equal to 0:",
          int((table["total"] == 0).sum()), "warnings:", len(said[name]))
print(got["pyreadr"].round(1).to_string(index=False))
for table in got.values():
    assert table["plain"].tolist() == [10, 3, 0]
    assert 0 < table["total"].iloc[1] < table["total"].iloc[0] < 1e-300, "it has changed"
    assert table["total"].iloc[2] == 0 and not (table["total"] >= 10).any(), "it has changed"
assert not said["pyreadr"] and said["rdata"], "what is said has changed"
PYTHON
