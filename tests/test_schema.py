"What the door must refuse, what it must let through, and that it never repeats what it saw."

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adaroute.schema import PATHS, ROUTES, SHARINGS, Batch, Schema, check_trainable, from_arrays
from adaroute.schema import infer, read
from adaroute import schema as reading
from adaroute.checks import SchemaError

CANARY = "the canary sang at dawn"
SCHEMA = Schema(
    text=["note"],
    numeric=["age", "item"],
    categorical=["site"],
    tasks={"phq9": "regression", "better": "binary", "stars": "ordinal"},
)


def table(n=6, **columns):
    base = dict(
        note=[f"slept badly {i} times" for i in range(n)],
        age=np.arange(30, 30 + n),
        item=[0.5] * n,
        site=["A", "B"] * (n // 2) + ["A"] * (n % 2),
        phq9=np.arange(n),
        better=[0, 1] * (n // 2) + [0] * (n % 2),
        stars=[1 + i % 5 for i in range(n)],
    )
    return pd.DataFrame({**base, **columns}, index=[f"p-{i}" for i in range(n)])


def message(f, *args, **kwargs):
    with pytest.raises(SchemaError) as caught:
        f(*args, **kwargs)
    text = str(caught.value)
    assert "\n" not in text and text, "one clear line"
    assert CANARY not in text and "canary" not in text and caught.value.__cause__ is None
    return text


def put(column, row, value, n=6):
    frame = table(n)
    cells = frame[column].astype(object).tolist()
    cells[row] = value
    return frame.assign(**{column: pd.Series(cells, index=frame.index, dtype=object)})


def test_routes_are_path_major():
    assert ROUTES == (
        "N1/STL",
        "N1/MTL",
        "T1/STL",
        "T1/MTL",
        "N2/STL",
        "N2/MTL",
        "T2/STL",
        "T2/MTL",
    )
    assert [r.split("/") for r in ROUTES] == [[p, s] for p in PATHS for s in SHARINGS]


# The schema itself


def test_round_trip_keeps_the_order_of_outcomes():
    schema = Schema(numeric=["x"], tasks={"z": "regression", "a": "binary"})
    again = Schema.from_dict(json.loads(json.dumps(schema.to_dict(), sort_keys=True)))
    assert again == schema and list(again.tasks) == ["z", "a"]
    assert pickle.loads(pickle.dumps(schema)) == schema


@pytest.mark.parametrize(
    "kwargs, expected",
    [
        (
            dict(text=["a"], numeric=["a"], tasks={"y": "regression"}),
            "column 'a': expected one role, got text and numeric",
        ),
        (
            dict(text=["a", "a"], tasks={"y": "regression"}),
            "column 'a': expected one role, got text and text",
        ),
        (
            dict(text=["y"], tasks={"y": "regression"}),
            "column 'y': expected one role, got text and tasks",
        ),
        (
            dict(text=["a"], tasks={"y": "logistic"}),
            "expected one of regression, binary, ordinal, count, nominal, got 'logistic'",
        ),
        (
            dict(text=["a"], tasks={"y": ["binary"]}),
            "expected one of regression, binary, ordinal, count, nominal, got ['binary']",
        ),
        (dict(text=["a"]), "expected at least one outcome, got none"),
        (dict(text=["a"], tasks="phq9"), "expected a dictionary outcome -> type, got str"),
        (dict(text=["a"], tasks=["phq9"]), "expected a dictionary outcome -> type, got list"),
        (dict(text=["a"], tasks=3), "expected a dictionary outcome -> type, got int"),
        (dict(tasks={"y": "binary"}), "expected at least one input column, got none"),
        (dict(text=3.5, tasks={"y": "binary"}), "text: expected names of columns, got float"),
        (
            dict(numeric=[0, True], tasks={"y": "binary"}),
            "numeric: expected names of columns, got bool",
        ),
        (
            dict(numeric=["x"], tasks={None: "binary"}),
            "tasks: expected names of columns, got NoneType",
        ),
    ],
)
def test_a_wrong_schema_is_refused(kwargs, expected):
    assert expected in message(Schema, **kwargs)


@pytest.mark.parametrize("d", [None, [], {}, {"text": []}, {**SCHEMA.to_dict(), "more": 1}])
def test_a_wrong_dictionary_is_refused(d):
    assert message(Schema.from_dict, d).startswith("schema: expected the keys")


# Bad cells: column, row, index, type and length are named; the content never is


@pytest.mark.parametrize(
    "column, value, kind",
    [
        ("age", CANARY, "str"),
        ("age", [CANARY], "list"),
        ("age", pd.Timestamp("2024-01-01"), "Timestamp"),
        ("age", 1j, "complex"),
        ("note", 8675309, "int"),
        ("note", 8675.309, "float"),
        ("note", True, "bool"),
        ("note", [CANARY], "list"),
        ("note", CANARY.encode(), "bytes"),
        ("site", [CANARY], "list"),
        ("phq9", CANARY, "str"),
        ("better", CANARY, "str"),
        ("stars", CANARY, "str"),
        ("better", 8675309, "int"),
        ("stars", 8675.309, "float"),
    ],
)
def test_a_cell_of_the_wrong_kind(column, value, kind):
    text = message(read, put(column, 4, value), SCHEMA)
    assert text.startswith(f"column '{column}': expected ")
    assert f"got {kind} of length {len(str(value))} at row 4 (index 'p-4')" in text
    assert "867" not in text


@pytest.mark.parametrize("column", ["age", "item", "site", "phq9", "better", "stars"])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values(column, value):
    text = message(read, put(column, 2, value), SCHEMA)
    assert f"column '{column}'" in text and "infinite value at row 2 (index 'p-2')" in text


def test_a_number_too_large_for_a_float_is_infinite():
    assert "infinite" in message(read, put("age", 0, 10**400), SCHEMA)


@pytest.mark.parametrize(
    "numbers",
    [
        [1, 2, 3, 4, 5, 6],
        [1.5] * 6,
        [True] * 6,
        pd.array([1] * 6, dtype="Int64"),
        pd.Categorical([1] * 6),
    ],
)
def test_a_text_column_full_of_numbers(numbers):
    assert "column 'note': expected text or missing, got" in message(
        read, table(note=numbers), SCHEMA
    )


def test_a_numeric_column_full_of_text():
    assert "row 0" in message(read, table(age=["41"] * 6), SCHEMA)


def test_dates_are_not_numbers():
    assert "Timestamp" in message(read, table(age=pd.date_range("2024-01-01", periods=6)), SCHEMA)
    assert "Timedelta" in message(read, table(age=pd.to_timedelta(range(6), unit="D")), SCHEMA)


def test_the_first_bad_row_is_named_by_position_where_labels_repeat():
    frame = put("age", 3, CANARY)
    frame.index = [7] * 6
    assert "at row 3 (index 7)" in message(read, frame, SCHEMA)


@pytest.mark.parametrize("label", [CANARY, "x" * 50, ("a", CANARY)])
def test_an_index_of_prose_is_not_echoed(label):
    frame = put("age", 1, "word")
    frame.index = pd.Index([label] * 6, tupleize_cols=False)
    assert "characters>" in message(read, frame, SCHEMA) and "x" * 50 not in message(
        read, frame, SCHEMA
    )


def test_a_header_of_prose_is_not_echoed():
    frame = table().rename(columns={"note": f"{CANARY}, and then it was quiet for a long time"})
    assert "characters>" in message(read, frame, SCHEMA)


# Bad tables


def test_missing_columns_are_listed_with_what_there_is():
    text = message(read, table().drop(columns=["note", "stars"]), SCHEMA)
    assert (
        text
        == "table: expected columns 'note', 'stars', got 'age', 'item', 'site', 'phq9', 'better'"
    )


def test_a_wide_table_is_listed_in_short():
    assert "and 80 more" in message(read, pd.DataFrame(np.zeros((2, 100))).add_prefix("c"), SCHEMA)


def test_duplicated_names():
    frame = pd.concat([table(), table()[["age"]]], axis=1)
    assert (
        message(read, frame, SCHEMA)
        == "table: expected each column name once, got 'age' more than once"
    )
    assert "'age' more than once" in message(infer, frame, {"phq9": "regression"})


@pytest.mark.parametrize(
    "frame, expected",
    [
        (table()[:0], "expected at least one row, got 0"),
        ([[1]], "got list"),
        (np.zeros((2, 2)), "got ndarray"),
        (None, "got NoneType"),
        (table()["age"], "got Series"),
        (pd.concat({"a": table()}, axis=1), "expected one row of column names, got 2"),
    ],
)
def test_what_is_not_a_table(frame, expected):
    assert expected in message(read, frame, SCHEMA)


# What must pass

MISSING = [None, np.nan, pd.NA, pd.NaT, float("nan")]


@pytest.mark.parametrize("missing", MISSING, ids=repr)
@pytest.mark.parametrize("column", ["note", "age", "site", "phq9", "better", "stars"])
def test_every_sign_for_missing(column, missing):
    batch = read(put(column, 2, missing), SCHEMA)
    kind = (
        "outcome"
        if column in SCHEMA.tasks
        else {"note": "text", "age": "numeric", "site": "categorical"}[column]
    )
    assert pd.isna(getattr(batch, kind)).sum() == 1 and pd.isna(getattr(batch, kind))[2].any()


@pytest.mark.parametrize(
    "column, dtype",
    [
        ("note", "str"),
        ("note", "string"),
        ("note", object),
        ("note", "category"),
        ("site", "category"),
        ("site", "string"),
        ("age", "Int64"),
        ("age", "Float32"),
        ("age", "float16"),
        ("age", "uint8"),
        ("age", "category"),
        ("age", object),
        ("age", pd.SparseDtype("float")),
        ("better", bool),
        ("better", "boolean"),
        ("better", "Int8"),
        ("stars", "category"),
        ("stars", float),
    ],
)
def test_every_way_to_store_a_column(column, dtype):
    one, two = read(table(), SCHEMA), read(table().astype({column: dtype}), SCHEMA)
    for kind in ("text", "numeric", "categorical", "outcome"):
        np.testing.assert_array_equal(getattr(one, kind), getattr(two, kind))
        assert getattr(one, kind).dtype == getattr(two, kind).dtype


def test_a_table_of_another_library():
    class Other:
        def to_pandas(self):
            return table()

    assert len(read(Other(), SCHEMA)) == 6 and infer(Other(), {"phq9": "regression"}).text == (
        "note",
    )


def test_index_and_order_are_kept():
    index = pd.MultiIndex.from_product([["a", "b"], [3, 1, 1]])
    frame = table().set_index(index)
    batch = read(frame, SCHEMA)
    assert batch.index.equals(index) and batch.numeric[:, 0].tolist() == frame["age"].tolist()


def test_reading_changes_nothing_in_the_table():
    frame = table(note=[" ", None] * 3)
    before = frame.copy(deep=True)
    batch = read(frame, SCHEMA)
    batch.numeric[:] = 0
    pd.testing.assert_frame_equal(frame, before)


def test_a_very_long_note():
    batch = read(put("note", 0, "word " * 100_000), SCHEMA)
    assert len(batch.text[0, 0]) == 500_000 and batch.presence.all()
    assert "of length 500000" in message(read, put("age", 0, "word " * 100_000), SCHEMA)


@pytest.mark.parametrize(
    "gone, left", [(["note"], [True, False]), (["age", "item", "site"], [False, True])]
)
def test_a_modality_missing_everywhere(gone, left):
    batch = read(table(**dict.fromkeys(gone, np.nan)), SCHEMA)
    assert (batch.presence == left).all()
    check_trainable(batch)


def test_a_row_with_nothing():
    frame = table()
    frame[["note", "age", "item", "site"]] = frame[["note", "age", "item", "site"]].astype(object)
    frame.loc["p-3", ["note", "age", "item", "site"]] = None
    assert (
        read(frame, SCHEMA).presence.tolist()
        == [[True, True]] * 3 + [[False, False]] + [[True, True]] * 2
    )


def test_prediction_needs_no_outcomes():
    inputs = table().drop(columns=list(SCHEMA.tasks))
    batch = read(inputs, SCHEMA, outcomes=False)
    assert batch.outcome.shape == (6, 3) and not batch.observed.any()
    wrong = table(better=[CANARY] * 6)
    assert not read(wrong, SCHEMA, outcomes=False).observed.any()


def test_levels_do_not_depend_on_what_is_missing():
    whole = read(table(site=[1, 2, 3, 1, 2, 3]), SCHEMA).categorical[:, 0]
    holes = read(table(site=[1, 2, None, 1, 2, 3]), SCHEMA).categorical[:, 0]
    assert [a for a in whole] == ["1", "2", "3"] * 2 and holes.tolist() == [
        "1",
        "2",
        None,
        "1",
        "2",
        "3",
    ]
    assert read(table(site=[True, False, None] * 2), SCHEMA).categorical[:3, 0].tolist() == [
        "True",
        "False",
        None,
    ]
    assert read(table(site=[10**17 + 1] * 6), SCHEMA).categorical[0, 0] == str(10**17 + 1)


def test_a_printed_batch_shows_no_cell():
    assert CANARY not in repr(read(put("note", 0, CANARY), SCHEMA)) and "6 rows" in repr(
        read(table(), SCHEMA)
    )


# What can be learned from


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_rows(n):
    text = message(check_trainable, read(table(n), SCHEMA))
    assert text == f"table: expected at least 3 rows with an observed outcome, got {n} of {n}"


def test_rows_without_an_outcome_do_not_count():
    frame = table(phq9=[1, 2] + [None] * 4, better=[0, 1] + [None] * 4, stars=[1, 2] + [None] * 4)
    assert "got 2 of 6" in message(check_trainable, read(frame, SCHEMA))


@pytest.mark.parametrize(
    "column, values, got",
    [
        ("phq9", [8675309] * 6, "got 1 in 6"),
        ("better", [1] * 6, "got 1 in 6"),
        ("stars", [4, None] * 3, "got 1 in 3"),
        ("phq9", [None] * 6, "got 0 in 0"),
    ],
)
def test_an_outcome_with_one_value(column, values, got):
    text = message(check_trainable, read(table(**{column: values}), SCHEMA))
    assert (
        text.startswith(f"outcome '{column}': expected at least 2 different values")
        and got in text
        and "867" not in text
    )


def test_nothing_to_read_anywhere():
    frame = table(**dict.fromkeys(["note", "age", "item", "site"], np.nan))
    assert "expected text or numbers in at least one row" in message(
        check_trainable, read(frame, SCHEMA)
    )


# Guessing


def test_infer_finds_the_kinds():
    n = 40
    frame = pd.DataFrame(
        {
            "Unnamed: 0": range(n),
            "patient_id": range(100, 100 + n),
            "code": [f"c{i}" for i in range(n)],
            "note": [f"she slept badly for {i} nights" for i in range(n)],
            "age": np.arange(n) + 20.5,
            "count": range(n),
            "agree": ["strongly agree with the statement", "do not agree at all"] * (n // 2),
            "site": ["A", None] * (n // 2),
            "flag": [True, False] * (n // 2),
            "seen": pd.date_range("2024-01-01", periods=n),
            "empty": [None] * n,
            "level": pd.Categorical([1, 2] * (n // 2)),
            "mixed": [1, 2, 3, "n/a"] * (n // 4),
            "list": [[1]] * n,
            "y": range(n),
        }
    )
    schema = infer(frame, {"y": "regression"})
    assert schema.text == ("note",) and schema.numeric == ("age", "count", "flag", "mixed")
    assert schema.categorical == ("agree", "site", "level")
    assert "column 'mixed'" in message(read, frame, schema)


def test_infer_keeps_what_is_declared():
    frame = table()
    assert infer(frame, {"phq9": "regression"}, ignore=["better", "stars"]) == Schema(
        "note", ["age", "item"], "site", {"phq9": "regression"}
    )
    assert infer(
        frame, {"phq9": "regression"}, text=[], numeric=["item"], categorical=["age"]
    ).inputs == ("item", "age")
    assert infer(frame, {"phq9": "regression"}, text="site", numeric=[], categorical=[]).inputs == (
        "site",
    )
    assert infer(frame, {"phq9": "regression"}, ignore="note").text == ()
    assert (
        message(infer, frame[["phq9"]], {"phq9": "regression"})
        == "schema: expected at least one input column, got none"
    )


# Plain arrays


def test_from_arrays():
    X, y = np.arange(12.0).reshape(4, 3), np.array([[0, 1], [1, 2], [0, 3], [1, 5]])
    frame, schema = from_arrays(X, y, task=["binary", "ordinal"])
    assert schema == Schema(numeric=["x0", "x1", "x2"], tasks={"y0": "binary", "y1": "ordinal"})
    batch = read(frame, schema)
    np.testing.assert_array_equal(batch.numeric, X)
    np.testing.assert_array_equal(batch.outcome, y)


@pytest.mark.parametrize(
    "X, y, task, expected",
    [
        (
            np.zeros(3),
            np.zeros(3),
            "regression",
            "X: expected an array (rows, columns), got shape (3,)",
        ),
        (np.zeros((3, 0)), np.zeros(3), "regression", "got shape (3, 0)"),
        (np.zeros((3, 1)), np.zeros((3, 1, 1)), "regression", "y: expected an array"),
        (np.zeros((3, 1)), np.zeros(4), "regression", "y: expected 3 rows as in X, got 4"),
        (
            np.zeros((3, 1)),
            np.zeros(3),
            ["binary"] * 2,
            "task: expected 1 types, one each outcome, got 2",
        ),
        (np.zeros((3, 1)), np.zeros(3), "poisson", "expected one of regression, binary, ordinal"),
    ],
)
def test_wrong_arrays(X, y, task, expected):
    assert expected in message(from_arrays, X, y, task)


def test_arrays_of_words_are_refused_by_the_same_door():
    frame, schema = from_arrays(np.array([[CANARY], ["b"], ["c"]]), np.arange(3))
    assert "column 'x0': expected a number" in message(read, frame, schema)


# Properties

blank = st.text(" \t\n\u2003", max_size=3)
note = st.one_of(st.none(), blank, st.text(max_size=8))
number = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=False),
    st.integers(-(10**9), 10**9),
    st.booleans(),
)
rows = st.lists(st.tuples(note, note, number, number, note), min_size=1, max_size=8)
WIDE = Schema(["t0", "t1"], ["x0", "x1"], ["c0"], {"y": "regression"})


def wide(cells):
    columns = zip(("t0", "t1", "x0", "x1", "c0"), zip(*cells))
    return pd.DataFrame({name: pd.Series(list(values), dtype=object) for name, values in columns})


@settings(max_examples=60, deadline=None)
@given(rows)
def test_presence_is_what_is_there(cells):
    said = lambda v: v is not None and bool(v.strip())
    known = lambda v: v is not None and v == v
    expected = [[known(a) or known(b) or said(c), said(s) or said(t)] for s, t, a, b, c in cells]
    assert read(wide(cells), WIDE, outcomes=False).presence.tolist() == expected


@settings(max_examples=60, deadline=None)
@given(rows, st.data())
def test_take_and_read_commute(cells, data):
    order = data.draw(st.lists(st.integers(0, len(cells) - 1), min_size=1))
    frame = wide(cells)
    one, two = (
        read(frame, WIDE, outcomes=False).take(order),
        read(frame.iloc[order], WIDE, outcomes=False),
    )
    for kind in ("text", "numeric", "categorical", "outcome", "presence", "observed"):
        np.testing.assert_array_equal(getattr(one, kind), getattr(two, kind))
    assert one.index.equals(two.index) and isinstance(one, Batch)


def test_take_accepts_masks_slices_and_single_rows():
    batch = read(table(), SCHEMA)
    assert list(batch.take(batch.numeric[:, 0] > 33).index) == ["p-4", "p-5"]
    assert len(batch.take(slice(None, None, 2))) == 3 and batch.take(1).numeric.shape == (1, 2)
    with pytest.raises(IndexError):
        batch.take([6])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["age", "note", "site", "phq9", "better", "stars"]),
    st.integers(0, 5),
    st.sampled_from([CANARY, [CANARY], {CANARY: 1}, 8675309.5, CANARY.encode(), (CANARY,)]),
)
def test_no_message_repeats_a_cell(column, row, value):
    try:
        read(put(column, row, value), SCHEMA)
    except SchemaError as e:
        assert "canary" not in str(e) and "8675309" not in str(e) and f"at row {row}" in str(e)


@pytest.mark.parametrize("dtype", ["Int64", "float64", "category", object])
def test_one_content_whatever_its_type(dtype):
    frame = pd.DataFrame({"age": pd.Series([41, None], dtype=dtype)})
    assert reading._read_cells(frame, "age").tolist() == [41, None]


def test_what_is_no_frame_is_told_which_frames_there_are():
    "Polars and Arrow are read as well; a lazy frame has to be collected."
    polars = pytest.importorskip("polars")
    with pytest.raises(SchemaError, match="of pandas or Polars, .* got LazyFrame; collect"):
        reading.as_frame(polars.LazyFrame({"age": [31]}))
    with pytest.raises(SchemaError, match="got dict$"):
        reading.as_frame({"age": [31]})
