"What R keeps under a class: whole numbers of 64 bits, days as whole numbers, lengths with a unit."

import struct
import warnings

import numpy as np
import pandas as pd
import pytest

from adaroute.files.exports import read_export

pytest.importorskip("rdata", reason="rdata is not installed")
NONE_WHOLE = -(2**31)
NONE = struct.unpack(">d", struct.pack(">II", 0x7FF00000, 1954))[0]  # a NaN that signals


def pack_word(text):
    return struct.pack(">ii", 9 | 64 << 12, len(text)) + text.encode()


def pack_words(*words):
    return struct.pack(">ii", 16, len(words)) + b"".join(map(pack_word, words))


def pack_pairs(pairs):
    head = struct.pack(">ii", 2 | 1 << 10, 1)
    return b"".join(head + pack_word(k) + v for k, v in pairs.items()) + struct.pack(">i", 254)


def pack_vector(code, cells, **pairs):
    "13: whole numbers, 14: doubles, 19: a list; cells are packed already."
    pairs = {key.replace("_", "."): value for key, value in pairs.items()}
    pairs["class"] = pairs.pop("kind")
    return struct.pack(">ii", code | 3 << 8, len(cells)) + b"".join(cells) + pack_pairs(pairs)


def pack_column(form, cells, *classes, units="hours"):
    code = {"i": 13, "q": 14, "d": 14}[form]
    cells = [struct.pack(">" + form, cell) for cell in cells]
    return pack_vector(code, cells, kind=pack_words(*classes), units=pack_words(units))


def write_rds(path, columns):
    rows = struct.pack(">iiii", 13, 2, NONE_WHOLE, -3)
    facts = {"names": pack_words(*columns), "row_names": rows, "kind": pack_words("data.frame")}
    frame = pack_vector(19, list(columns.values()), **facts)
    path.write_bytes(b"X\n" + struct.pack(">iii", 2, 0x40202, 0x20300) + frame)
    return path


COLUMNS = {
    "total": (("q", [10, 3, -(2**63)], "integer64"), [10, 3, np.nan]),
    "late": (("d", [1.25, 0.5, NONE], "difftime"), [30, 12, np.nan]),
    "clock": (("d", [27000, 60, NONE], "hms", "difftime"), [7.5, 1 / 60, np.nan]),
}
UNITS = {"late": "days", "clock": "secs"}


def read(folder, **columns):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_export(write_rds(folder / "a.rds", columns)).frame


@pytest.mark.parametrize("name", COLUMNS)
def test_a_class_says_what_the_numbers_are(name, tmp_path):
    "pyreadr takes bits for doubles and drops units (findings/)."
    given, expected = COLUMNS[name]
    column = pack_column(*given, units=UNITS.get(name, "hours"))
    np.testing.assert_allclose(read(tmp_path, **{name: column})[name].astype(float), expected)


@pytest.mark.parametrize("classes", [("Date",), ("IDate", "Date")])
@pytest.mark.parametrize("form, none", [("i", NONE_WHOLE), ("d", NONE)])
def test_dates_are_days_whatever_keeps_them(form, none, classes, tmp_path):
    "pyreadr makes 1 January 1970 of whole numbers (findings/)."
    seen = read(tmp_path, seen=pack_column(form, [19723, 19754, none], *classes))["seen"]
    assert list(seen[:2]) == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01")]
    assert seen.isna().tolist() == [False, False, True]
