"""Columns that are stored as numbers are read at once, and come out as cell by cell."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from adaroute.schema import Schema, SchemaError, infer, read
from adaroute.table_reader import ArrowCells, make_reading
from adaroute.tables import TableError, _say_why_not, read_table, stream_table

COLUMNS = {
    "float": [1.5, -0.0, np.nan, 3.0, 1e300],
    "single": np.array([0.1, np.nan, 2, 3, 4], np.float32),
    "whole": [0, -9, 7, 99, 2**53],
    "small": np.array([1, 2, 3, 4, 5], np.int8),
    "unsigned": np.array([1, 2, 3, 4, 2**63], np.uint64),
    "answer": [True, False, True, True, False],
    "patient_id": [11, 12, 13, 14, 15],
    "number": [1, 2, 3, 4, 5],
    "visit": [20240101, 20240102, 20231231, 19991231, 20240101],
    "visit_float": [20240101.0, 20240102.0, 20231231.0, 19991231.0, np.nan],
    "near": [19500000, 20000000, 20991399, 20240101, 20240102],
    "empty": [np.nan] * 5,
    "same": [2.0] * 5,
}
PLAIN = pd.DataFrame(COLUMNS)
TASKS = {"y": "regression"}


def frame_with(outcome=range(5), **more):
    return PLAIN.assign(y=np.arange(5.0) if outcome is None else list(outcome), **more)


def test_guesses_are_those_of_cells():
    typed, cells = frame_with(), frame_with().astype(object)
    assert infer(typed, TASKS) == infer(cells, TASKS)
    assert infer(typed, TASKS).numeric == (
        "float",
        "single",
        "whole",
        "small",
        "unsigned",
        "answer",
        "near",
        "same",
    )


def test_numbers_are_those_of_cells():
    names = [name for name in PLAIN if name != "empty"]
    schema = Schema(numeric=names, tasks=TASKS)
    typed, cells = (
        read(frame, schema).numeric for frame in (frame_with(), frame_with().astype(object))
    )
    assert np.array_equal(typed, cells, equal_nan=True) and typed.dtype == float
    assert not np.signbit(typed[1, 0]) and typed[4, 2] == 2.0**53


@pytest.mark.parametrize("kind", (np.float64, np.float32))
def test_infinity_is_named_by_its_row(kind):
    frame = frame_with(float=np.array([1, 2, np.inf, 4, 5], kind))
    with pytest.raises(SchemaError, match="'float'.*an infinite value at row 2"):
        read(frame, Schema(numeric=["float"], tasks=TASKS))


def test_a_file_says_the_same_typed_and_as_text(tmp_path):
    frame = frame_with().drop(columns=["answer", "unsigned"])
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    how = dict(outcomes=TASKS, missing=["-9", "99", "3"])
    typed, text = (read_table(tmp_path / f"t.{end}", **how) for end in ("parquet", "csv"))
    numbers = [name for name in typed if typed[name].dtype == float]
    assert "whole" in numbers and numbers == [n for n in text if text[n].dtype == float]
    assert np.allclose(typed[numbers], text[numbers], equal_nan=True)
    assert typed["whole"].isna().tolist() == [False, True, False, True, False]
    assert typed.attrs["why"] == text.attrs["why"]


@pytest.mark.parametrize("kind", (float, np.float32, np.int64, np.int8, None))
def test_why_a_column_is_left_out_is_that_of_its_cells(kind):
    "A column with a type is judged at once: ids, days, codes for missing, none at all."
    days, numbers = [20240101, 19991231, 20231130, 20220505], [1, 2, 3, 120]
    columns = dict(patient_id=numbers, number=numbers, age=numbers, numbers=[5, 5, 5, 99])
    columns |= dict(seen=days, only=[99, 99, 99, 99], late=[*days[:3], 99], one_day=[1, *days[:3]])
    how = make_reading(dict(missing=["99"]))
    for name, cells in columns.items():
        cells = cells if kind is not np.int8 else [min(c, 127) for c in cells]
        cells = [None, *cells] if kind is None else cells
        typed = ArrowCells(pa.array(cells if kind is None else np.array(cells, kind)))
        assert typed.are_numbers
        assert _say_why_not(name, typed, how) == _say_why_not(name, [*typed], how), name
    huge = ArrowCells(pa.array([2**60, 2**60 + 1, 2**60 + 2]))
    assert _say_why_not("number", huge, how) == "ids", "they differ, though not as floats"


def test_bad_cells_of_typed_columns_are_named(tmp_path):
    frame_with(float=[1.0, 2, np.inf, 4, 5]).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match="'float', data row 3.*an infinite value"):
        read_table(tmp_path / "t.parquet", numeric=["float"], outcomes=TASKS)


def test_columns_of_other_types_are_read_cell_by_cell(tmp_path):
    price = [Decimal("1.50"), None, Decimal("3"), Decimal("-9"), Decimal("0")]
    frame_with(price=price, word=["1", "NA", "2.5", " 4 ", "-9"]).to_parquet(tmp_path / "t.parquet")
    how = dict(numeric=["price", "word", "answer"], outcomes=TASKS, missing=["-9", "NA"])
    read_back = read_table(tmp_path / "t.parquet", **how)
    wanted = np.array([1.5, np.nan, 3, np.nan, 0])
    assert np.array_equal(read_back["price"], wanted, equal_nan=True)
    assert np.array_equal(read_back["word"], [1, np.nan, 2.5, 4, np.nan], equal_nan=True)
    assert read_back["answer"].tolist() == [1, 0, 1, 1, 0]


def test_many_chunks_are_one_column(tmp_path, monkeypatch):
    n = 70
    frame = pd.DataFrame({"x": np.arange(n) / 7, "site": pd.Categorical(list("ab") * (n // 2))})
    frame = frame.assign(note=[f"note {i}" for i in range(n)], y=np.arange(n))
    frame.loc[3, "x"] = np.nan
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=20)
    how = dict(text="note", categorical="site", outcomes=TASKS)
    whole = read_table(tmp_path / "t.parquet", **how)
    assert np.array_equal(whole["x"], frame["x"], equal_nan=True)
    parts = stream_table(tmp_path / "t.parquet", numeric=["x"], rows=20, **how)
    together = pd.concat(parts)
    pd.testing.assert_frame_equal(
        together[["x", "note", "site", "y"]], whole[["x", "note", "site", "y"]]
    )
