"A file is either a good frame or one error that says where, and never what."

import csv
import io
import os
import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adaroute import table_reader as reader, tables
from adaroute.schema import Schema
from adaroute.tables import SHOWN, TableError, read_table, stream_table, table_columns
from adaroute.table_writer import TableWriter, write_table

MARK = "xylophone-7f3a"  # stands in cells; must never be in a message


@pytest.fixture
def put(tmp_path):
    def write(content, name="t.csv"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return write


def refused(f, *args, **kwargs):
    "The error, after a look at what it and its chain say."
    with pytest.raises(TableError) as caught:
        f(*args, **kwargs)
    quiet(caught.value)
    return caught.value


def quiet(error):
    assert "\n" not in str(error) and error.__cause__ is None and error.__context__ is None
    said = [
        str(error),
        repr(error),
        *map(str, error.problems),
        *map(repr, error.args),
        "".join(traceback.format_exception_only(error)),
    ]
    assert MARK not in " ".join(said) and MARK[:9] not in " ".join(said)


# Reading


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_delimiters_and_encodings(put, delimiter, encoding):
    rows = [
        ["id", "note", "age"],
        ["a", f'œuvre{delimiter} "quoted"\nsecond line', "31"],
        ["b", "", "NA"],
    ]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    frame = read_table(put(out.getvalue().encode(encoding)), text="note")
    assert (
        frame.note.tolist() == [rows[1][1], None]
        and frame.age[0] == 31
        and np.isnan(frame.age[1])
        and frame.id.tolist() == ["a", "b"]
    )


@pytest.mark.parametrize("content, encoding", [("Müller", "cp1252"), ("M\x81ller ü", "latin-1")])
def test_other_encodings_are_announced(put, content, encoding):
    path = put(f"name,age\nx,1\n{content},2\n".encode(encoding))
    with pytest.warns(UserWarning, match=f"line 3 is not UTF-8, so the file is read as {encoding}"):
        frame = read_table(path)
    assert frame.name[1] == content
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_table(path, encoding=encoding).name[1] == content


def test_dates_units_and_codes_are_left_alone(put):
    frame = read_table(
        put(
            "patient,seen,day,dose,post,year,odd\n1,2021-03-04,20210304,5 mg,01234,2021,\n2,2021-03-05,20210405,5 mg,90210,2022,\n"
        )
    )
    assert frame.attrs["kinds"] == dict(
        patient="kept",
        seen="kept",
        day="kept",
        dose="kept",
        post="kept",
        year="numeric",
        odd="kept",
    )
    assert frame.loc[0].tolist() == ["1", "2021-03-04", "20210304", "5 mg", "01234", 2021, None]


def test_one_slip_is_an_error_and_many_are_text(put):
    ages = [str(i % 50 + 20) for i in range(40)]
    error = refused(read_table, put("age\n" + "\n".join([*ages[:17], MARK, *ages[17:]])))
    assert (error.row, error.column, error.line) == (18, "age", 19)
    assert read_table(put("age\n" + "\n".join([*ages, MARK, MARK, MARK]))).attrs["kinds"] == {
        "age": "kept"
    }
    assert read_table(put("age\n" + "\n".join([*ages, MARK])), ignore="age").attrs["kinds"] == {
        "age": "kept"
    }


@pytest.mark.parametrize(
    "task, good, bad",
    [
        ("binary", {"1": 1, "0.0": 0, "TRUE": 1, "no": 0, "Yes": 1}, ["2", "maybe", ".5", "-1"]),
        ("ordinal", {"3": 3, "-2": -2, "4.0": 4}, ["3.5", "high"]),
        ("count", {"3": 3, "0": 0}, ["-1", "1.5", "few"]),
        (
            "regression",
            {"1e3": 1000, "-.5": -0.5},
            ["1e999", "-inf", "Infinity", "1_000", "0x10", "１", "5%", "1,5"],
        ),
    ],
)
def test_outcomes(put, task, good, bad):
    frame = read_table(put("y\n" + "\n".join(good)), outcomes={"y": task})
    assert frame.y.tolist() == list(good.values()) and frame.y.dtype == float
    for cell in bad:
        error = refused(read_table, put(f'x,y\n1,1\n2,"{cell}"\n'), outcomes={"y": task})
        assert (error.row, error.column, error.line) == (
            2,
            "y",
            3,
        ) and f"{len(cell)} characters" in str(error)


def test_decimal_commas(put):
    path = put("x;y\n1,5;2\n-0,25;3\n")
    assert 'decimal=","' in str(refused(read_table, path, numeric="x"))
    assert read_table(path).attrs["why"]["x"] == "numbers with another separator than --decimal ."
    assert read_table(path, decimal=",").x.tolist() == [1.5, -0.25]
    assert 'decimal="."' in str(refused(read_table, put("x;y\n1.5;2\n"), numeric="x", decimal=","))
    assert refused(read_table, put("x;y\n1.234,5;2\n"), numeric="x", decimal=",").column == "x"
    assert "decimal comma too" in str(refused(read_table, put("x,y\n1,5,2\n")))


def test_missing_words(put):
    path = put("x,note\n-,-\n 1 , NA \nnull,  \nN/A,none\n")
    assert read_table(
        path, text="note", missing=["-", "NA", "null", "N/A"], numeric="x"
    ).x.isna().tolist() == [True, False, True, True]
    assert read_table(path, text="note", missing="-", ignore="x").note.tolist() == [
        None,
        " NA ",
        None,
        "none",
    ]


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "empty file"),
        ("\n \n", "only blank lines"),
        ("a,b\n", "got only column names"),
        ("a,b\n\n\n", "got only column names"),
        ("a,b,a\n1,2,3\n", "the same in columns 1 and 3"),
        ("a,,c\n1,2,3\n", "got none for column 2 of 3"),
        (b"PK\x03\x04abc", "spreadsheet"),
        (b"\x1f\x8babc", "compressed"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16 without its mark"),
        (b"\xff\xfea\x00,\x00b\x00\n\x00\xd8", "line 2: expected utf-16"),
        (b"\xef\xbb\xbfa\n\xff\n", "line 2: expected utf-8-sig"),
        (b"PAR1abcdPAR1", "expected a Parquet file"),
    ],
)
def test_what_is_no_table(put, content, message):
    assert message in str(refused(read_table, put(content)))


def test_no_file_and_no_path(tmp_path):
    assert "got 'No such file or directory'" in str(refused(read_table, tmp_path / "none.csv"))
    assert "got 'Is a directory'" in str(refused(read_table, tmp_path))
    assert "got int" in str(refused(read_table, 3))


@pytest.mark.parametrize(
    "asked, message",
    [
        (
            dict(text="Notes"),
            "expected the column 'Notes', got none of that name among 3; did you mean 'note'?",
        ),
        (dict(text=["a", "b"]), "expected the columns 'a', 'b'"),
        (dict(text="note", numeric="note"), "got numeric and text"),
        (dict(text="note", outcomes={"note": "binary"}), "got text and outcome"),
        (dict(outcomes={"x": "logistic"}), "task type of 'x': expected one of"),
        (dict(text=3.5), "text: expected names of columns"),
        (dict(keep="who"), "expected the column 'who'"),
        (dict(decimal="'"), "decimal: expected"),
        (dict(encoding="no-such"), "encoding: expected a name"),
        (dict(delimeter=","), "reading: expected some of"),
    ],
)
def test_what_cannot_be_asked(put, asked, message):
    with pytest.raises(ValueError) as caught:
        read_table(put("id,note,x\n1,a,2\n"), **asked)
    assert message in str(caught.value)


def test_names_of_a_file_without_names_stay_private(put):
    path = put(f"{MARK} slept badly,{MARK},4\nx,y,5\n")
    refused(read_table, path, text="note")
    refused(read_table, put(f"{MARK},{MARK},4\nx,y,5\n"))


def test_row_names_of_r_and_pandas(put):
    assert (
        table_columns(put(",x\n1,5\n")) == ["Unnamed: 0", "x"]
        and read_table(put(",x\n1,5\n2,6\n")).attrs["kinds"]["Unnamed: 0"] == "kept"
    )


def test_problems_are_listed_in_the_order_of_the_rows(put):
    error = refused(read_table, put("a,b\n" + f"1,{MARK}\n{MARK},1\n" * 30), numeric=["a", "b"])
    assert [(p.row, p.column) for p in error.problems[:3]] == [
        (1, "b"),
        (2, "a"),
        (3, "b"),
    ] and len(error.problems) == SHOWN
    assert str(error).endswith("59 more such cells")


def test_lines_and_rows_part_where_notes_run_over_lines(put):
    error = refused(
        read_table, put(f'note,x\n"one\ntwo\nthree",1\n\nfour,{MARK}\n'), text="note", numeric="x"
    )
    assert (error.row, error.line) == (2, 6)


def test_quotes_that_are_not_closed(put):
    rows = "".join(f'{i},"fine, {i}",5\n' for i in range(30))
    for later in (rows, "31,plain,5\n", ""):
        error = refused(
            read_table, put(f'id,note,x\n{rows}30,"{MARK} never closed,5\n{later}'), text="note"
        )
        assert (error.row, error.column, error.line) == (31, "note", 32)


def test_the_csv_module_keeps_its_limit(put):
    before = csv.field_size_limit()
    refused(read_table, put("a,b\n1," + "x" * 2000 + "\n"), limit=1000)
    parts = stream_table(put("a,b\n1,2\n3,4\n"), numeric="a", rows=1, limit=1000)
    next(parts)
    assert csv.field_size_limit() == before
    assert len(read_table(put("a,b\n1," + "x" * 500_000 + "\n"), text="b").b[0]) == 500_000


def test_a_long_line_is_refused_before_it_fills_memory(put):
    assert "at most 1,000 characters" in str(
        refused(read_table, put("a,b\n1," + "x" * 100_000), limit=1000)
    )


# Parts, schemas, Parquet


def cohort(n=50):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(n)],
            "note": [None if i % 7 == 0 else f"slept {i} hours\n" for i in range(n)],
            "age": np.where(rng.random(n) < 0.2, np.nan, rng.normal(50, 9, n)),
            "site": rng.choice(["A", "B"], n),
            "y": rng.normal(size=n),
        }
    )


SCHEMA = Schema(text="note", numeric="age", categorical="site", tasks={"y": "regression"})


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet"])
@pytest.mark.parametrize("rows", [1, 7, 50, 1000])
def test_parts_are_the_whole(tmp_path, name, rows):
    path = write_table(cohort(), tmp_path / name)
    parts = list(stream_table(path, like=SCHEMA, outcomes=SCHEMA.tasks, keep="id", rows=rows))
    assert [len(p) for p in parts] == [min(rows, 50 - i) for i in range(0, 50, rows)]
    whole = read_table(path, text="note", categorical="site", outcomes=SCHEMA.tasks)
    pd.testing.assert_frame_equal(
        pd.concat(parts)[list(cohort())], whole, check_index_type=False, check_exact=True
    )
    for c in ("age", "y"):
        np.testing.assert_array_equal(whole[c], cohort()[c])
    assert whole.note.tolist() == [v if isinstance(v, str) else None for v in cohort().note]


def test_parts_need_names_and_name_rows_of_the_file(put):
    path = put("x\n" + "1\n" * 30 + MARK)
    with pytest.raises(TableError, match="needs the whole table"):
        next(stream_table(path, numeric="auto"))
    with pytest.raises(TableError, match="rows: expected at least 1"):
        next(stream_table(path, numeric="x", rows=0))
    error = refused(lambda: list(stream_table(path, numeric="x", rows=10)))
    assert (error.row, error.line) == (31, 32)


def test_like_does_not_need_the_outcomes(put):
    frame = read_table(put("note,age,site,more\nwell,31,A,x\n"), like=SCHEMA, keep=())
    assert list(frame) == ["note", "age", "site"]
    assert refused(read_table, put("note,age\nwell,31\n"), like=SCHEMA).column == "site"


@pytest.mark.parametrize(
    "values, asked, message",
    [
        ([1.0, np.inf], dict(numeric="x"), "an infinite value"),
        (["1", MARK], dict(numeric="x"), f"text of {len(MARK)} characters"),
        ([[MARK], [MARK]], dict(numeric="x"), "type list"),
        (pd.to_datetime(["2021-03-04"] * 2), dict(numeric="x"), "type datetime"),
        ([MARK.encode()] * 2, dict(text="x"), "type bytes"),
        ([1, 2], dict(text="x"), "type int"),
        ([1.0, np.inf], dict(categorical="x"), "an infinite value"),
        ([[MARK], None], dict(categorical="x"), "type list"),
    ],
)
def test_parquet_cells(tmp_path, values, asked, message):
    write_table(pd.DataFrame({"x": values, "z": [1, 2]}), tmp_path / "t.parquet")
    error = refused(read_table, tmp_path / "t.parquet", **asked)
    assert (
        message in str(error) and error.column == "x" and error.line is None and error.row in (1, 2)
    )


def test_parquet_kinds(tmp_path):
    day = pd.to_datetime(["2021-03-04", None])
    frame = pd.DataFrame(
        {
            "id": [1, 2],
            "flag": [True, None],
            "day": day,
            "n": [3, 4],
            "text": ["a", None],
            "level": pd.Categorical(["u", "v"]),
            "site": [1.0, np.nan],
        }
    )
    back = read_table(
        write_table(frame, tmp_path / "t.parquet"),
        text="text",
        categorical=["level", "site"],
        outcomes={"flag": "binary"},
    )
    assert back.attrs["kinds"] == dict(
        id="kept",
        flag="binary",
        day="kept",
        n="numeric",
        text="text",
        level="categorical",
        site="categorical",
    )
    assert (
        back.flag[0] == 1
        and np.isnan(back.flag[1])
        and back.day[0] == day[0]
        and back.site.tolist() == ["1", None]
    )


def test_a_damaged_parquet_file(tmp_path):
    path = write_table(
        pd.DataFrame({"note": [f"{MARK} {i}" for i in range(5000)]}), tmp_path / "t.parquet"
    )
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data)
        for at in rng.integers(4, len(data) - 8, 20):
            broken[at] = rng.integers(256)
        path.write_bytes(broken if rng.random() < 0.7 else data[: rng.integers(5, len(data))])
        try:
            read_table(path, text="note")
        except TableError as e:
            quiet(e)


# Writing


def test_nothing_is_left_of_a_writing_that_failed(tmp_path):
    path = write_table(cohort(5), tmp_path / "t.csv")
    before = path.read_bytes()
    for broken in ("t.csv", "t.parquet", "new.csv"):
        with pytest.raises(RuntimeError), TableWriter(tmp_path / broken) as out:
            out.write(cohort(9))
            raise RuntimeError
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["t.csv"]
    for name in ("t.xlsx", "no/t.csv"):
        refused(write_table, cohort(3), tmp_path / name)


def test_cells_of_mixed_types_are_not_echoed(tmp_path):
    assert "one type" in str(
        refused(
            write_table,
            pd.DataFrame({"x": [1, MARK, [MARK]]}, dtype=object),
            tmp_path / "t.parquet",
        )
    )
    with TableWriter(tmp_path / "u.parquet") as out:
        out.write(pd.DataFrame({"x": [1.0]}))
        refused(out.write, pd.DataFrame({"x": [MARK]}))


def test_a_column_that_begins_with_nothing(tmp_path):
    for name in ("t.csv", "t.parquet"):
        with TableWriter(tmp_path / name) as out:
            out.write(pd.DataFrame({"a": [1.0], "b": [None]}))
            out.write(pd.DataFrame({"a": [2.0], "b": ["x"]}))
        assert read_table(tmp_path / name).b.tolist() == [None, "x"]


# Ten thousand broken files

NAMES = ["id", "note", "age", "site", "y"]
DEFECTS = {
    "none": 0,
    "word": 1,
    "unit": 1,
    "comma": 1,
    "infinite": 1,
    "overflow": 1,
    "control": 1,
    "nul": 1,
    "huge": 1,
    "open quote": 1,
    "stray quote": 1,
    "other digits": 1,
    "category": 1,
    "long": 0,
    "short": 0,
    "encoding": 0,
    "bytes": 0,
    "shuffle": 0,
    "cut": 0,
    "header": 0,
}  # 1: a bad cell


def broken_file(rng):
    "A small file with one defect: its bytes, the defect, and row and column of the bad cell."
    n, delimiter = int(rng.integers(1, 7)), rng.choice([",", ";", "\t", "|"])
    word = lambda: " ".join(
        rng.choice(
            ["slept", "badly,", "tired;", "5 days", "ok|", "né", "\n", 'said "no"'],
            rng.integers(1, 6),
        )
    )
    rows = [
        [
            f"p{i}",
            MARK + " " + word(),
            str(int(rng.integers(18, 90))),
            str(rng.choice(["A", "B", "NA", ""])),
            f"{rng.normal():.3f}",
        ]
        for i in range(n)
    ]
    kind, i, j = str(rng.choice(list(DEFECTS))), int(rng.integers(n)), int(rng.choice([2, 4]))
    bad = {
        "word": MARK,
        "unit": "5 " + MARK,
        "comma": "1,5",
        "infinite": str(rng.choice(["inf", "-Infinity", "INF"])),
        "overflow": "1e999",
        "control": f"5{chr(rng.integers(1, 9))}{MARK}",
        "nul": f"5\0{MARK}",
        "huge": MARK * 300,
        "other digits": "٣" + MARK,
        "category": "0x1F",
    }
    raw = None
    if kind in bad:
        rows[i][j] = bad[kind]
    elif kind == "long":
        rows[i].append(MARK)
    elif kind == "short":
        rows[i].pop()
    elif kind.endswith("quote"):
        j, raw = 1, {"open quote": f'"{MARK} open', "stray quote": f'"{MARK}" {MARK}'}[kind]
    if kind == "huge" and rng.random() < 0.5:
        j, rows[i][2], rows[i][4] = 1, "5", "5"
        rows[i][1] = MARK * 300
    if kind == "nul" and rng.random() < 0.5:
        j, rows[i][2], rows[i][4] = 1, "5", "5"
        rows[i][1] = f"\0{MARK}"
    out = io.StringIO()
    pen = csv.writer(
        out,
        delimiter=delimiter,
        lineterminator=str(rng.choice(["\n", "\r\n"])),
        quoting=int(rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )
    pen.writerow({"header": [MARK, MARK, "age", "site", "y"]}.get(kind, NAMES))
    for row in rows:
        if raw and row is rows[i]:
            row[1] = "PLACE"
        pen.writerow(row)
    text = out.getvalue()
    if raw:
        text = text.replace('"PLACE"', raw).replace("PLACE", raw)
    data = text.encode(
        str(rng.choice(["utf-8", "utf-8-sig", "utf-16"]))
        if kind != "encoding"
        else str(rng.choice(["cp1252", "latin-1", "utf-16-le", "utf-32", "cp037"]))
    )
    if kind == "bytes":
        data = bytes(b if rng.random() > 0.02 else int(rng.integers(256)) for b in data)
    elif kind == "shuffle":
        data = b"".join(rng.permutation([data[k : k + 9] for k in range(0, len(data), 9)]).tolist())
    elif kind == "cut":
        data = data[: rng.integers(len(data))]
    return data, kind, i + 1, NAMES[j], delimiter


@pytest.fixture
def quick_path(tmp_path):
    "A place for thousands of small files: in memory where there is one."
    shared = "/dev/shm"
    with tempfile.TemporaryDirectory(
        dir=shared if os.access(shared, os.W_OK) else tmp_path
    ) as folder:
        yield Path(folder)


@pytest.mark.parametrize("worker", range(4))
def test_ten_thousand_broken_files(quick_path, worker):
    rng, path, named, bad, seen = (
        np.random.default_rng([6, worker]),
        quick_path / "t.csv",
        0,
        0,
        set(),
    )
    schema = Schema(text="note", numeric="age", categorical="site", tasks={"y": "regression"})
    for _ in range(2500):
        data, kind, row, column, delimiter = broken_file(rng)
        path.write_bytes(data)
        error = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                frame = read_table(
                    path,
                    like=schema,
                    outcomes=schema.tasks,
                    limit=3000,
                    delimiter=str(delimiter) if rng.random() < 0.5 else None,
                )
            except TableError as e:
                error = e  # anything else fails the test
        if error is not None:
            quiet(error)
        else:
            assert (
                len(frame)
                and frame.age.dtype == frame.y.dtype == float
                and not np.isinf(frame[["age", "y"]].to_numpy()).any()
            )
        if kind == "none":
            assert error is None
        if DEFECTS[kind]:
            assert error is not None, kind
            bad, named = bad + 1, named + ((error.row, error.column) == (row, column))
            if (error.row, error.column) != (row, column):
                seen.add(kind)
    print(f"{bad} bad cells, {named} named")
    assert bad > 1000 and named >= 0.99 * bad, (named, bad, seen)


# parts


def test_the_first_bytes(put):
    assert reader._read_head(put(b"age\n5\n")) == b"age\n5\n"
    error = refused(reader._read_head, put(""))
    assert str(error) == "t.csv: expected a row of column names and data, got an empty file"


def test_a_scan_finds_foreign_bytes_and_nul(put):
    assert reader._scan_bytes(put(b"name\nM\xfcller\n"), "utf-8") == (2, False)
    assert reader._scan_bytes(put("name\nMüller\n"), "utf-8") == (None, False)
    assert reader._scan_bytes(put(b"name\na\0b\n"), "utf-8").nul


@pytest.mark.parametrize(
    "text, limit, cell",
    [
        ('1,"a ""quote"", closed",3', 99, 2),
        ('1,"never closed,3\n4,5,6', 99, 1),
        ('1,2,"closed" too early', 99, 2),
        ("1," + 30 * "x" + ",3", 20, 1),
    ],
)
def test_the_walk_ends_in_the_cell_at_fault(text, limit, cell):
    assert reader._find_faulty_cell(text, ",", limit) == cell


def test_lines_of_a_record_are_kept(put):
    with open(put('1,"two\nlines"\n')) as opened:
        lines = reader._KeptLines(opened, 99)
        assert next(csv.reader(lines)) == ["1", "two\nlines"]
        assert lines.kept == ['1,"two\n', 'lines"\n']


def test_column_names():
    path = Path("a.csv")
    assert reader._check_names(path, [" id", "note "]) == ["id", "note"]
    assert reader._check_names(path, ["", "age"])[0] == "Unnamed: 0"
    error = refused(reader._check_names, path, ["a", "b", "a"])
    assert str(error) == "a.csv: expected different column names, got the same in columns 1 and 3"


def test_parquet_by_name_or_by_bytes(put):
    assert reader._is_parquet(Path("visits.pq"))
    assert reader._is_parquet(put(b"PAR1...", "export.dat"))
    assert not reader._is_parquet(put("id\n1\n"))


def test_a_path_is_a_path():
    error = refused(reader.open_table, 5, reader.Reading())
    assert str(error) == "table: expected the path of a file, got int"


@pytest.mark.parametrize(
    "cell, kind",
    [
        ("5 mg", "a number with something behind it of 4 characters"),
        ("five", "text of 4 characters"),
        ("2021-03-04", "what looks like a date of 10 characters"),
        ([5], "a value of type list"),
    ],
)
def test_kinds_of_cells(cell, kind):
    assert tables._describe_cell(cell, ".") == kind


def test_words_of_cells():
    how = reader.Reading()
    assert tables._read_word(" A ", "categorical", how) == "A"
    assert tables._read_word(" as typed ", "text", how) == " as typed "
    assert tables._read_word("N/A", "text", how) is None
    assert tables._read_word(2.0, "categorical", how) == "2"


def test_a_ward_of_women_keeps_its_letter(tmp_path):
    "DuckDB makes a logical column of nothing but f, T and F, or no and yes (findings/)."
    path = tmp_path / "t.csv"
    path.write_text("sex,seen,phq9\n" + "".join(f"f,no,{k}\n" for k in range(4)))
    read = read_table(path, categorical=["sex", "seen"], outcomes={"phq9": "regression"})
    assert read["sex"].tolist() == ["f"] * 4 and read["seen"].tolist() == ["no"] * 4


def test_none_is_a_band_and_a_blank_cell_is_a_gap(tmp_path):
    "The lowest band of many scales is called None; tableone counts gaps in it (findings/)."
    bands = ["None", "Mild", "", "NA", "None"]
    path = tmp_path / "t.csv"
    path.write_text("band,phq9\n" + "".join(f"{b},{k}\n" for k, b in enumerate(bands)))
    read = read_table(path, categorical=["band"], outcomes={"phq9": "regression"})
    assert read["band"].isna().tolist() == [False, False, True, True, False]
    assert set(read["band"].dropna()) == {"None", "Mild"}
