"What readers do at the edges: bad input, odd files, and what is not what it seems."

import gc
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clinic_files import MAKERS, N, make_redcap, make_sav

from adaroute.files import codebook as codebook_module
from adaroute.files.codebook import Codebook, Column, read_codebook, write_codebook
from adaroute.files.exports import read_export, tells_more
from adaroute.files.fhir import read_fhir
from adaroute.files.guess import guess_column, is_id_name
from adaroute.files.rtf import read_rtf, remove_hidden
from adaroute.files.statistical import find_clock, read_clock
from adaroute.files.suspects import find_codes, find_suspects
from adaroute.tables import TableError


def write(path, text):
    Path(path).write_text(text, encoding="utf-8")
    return path


# a package that is absent


@pytest.mark.parametrize(
    "kind, module", [("sav", "pyreadstat"), ("xlsx", "python_calamine"), ("rtf", "striprtf")]
)
def test_an_absent_package_is_one_line_that_names_the_extra(kind, module, tmp_path, monkeypatch):
    made = MAKERS[kind](tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(TableError, match=r'pip install "adaroute\[clinical\]"') as caught:
        read_export(made.path, **made.more)
    assert module.split(".")[0] in str(caught.value)


def test_importing_the_wing_imports_no_reader():
    import subprocess

    heavy = ("pyreadstat", "rdata", "python_calamine", "striprtf", "torch")
    ask = "import sys, adaroute.files, adaroute.files.exports; "
    ask += f"print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# SPSS, Stata, SAS


def test_a_wrong_ending_does_not_matter(tmp_path):
    made = make_sav(tmp_path)
    other = made.path.rename(tmp_path / "cohort.csv")
    assert len(read_export(other).frame) == N


def test_stata_points_after_a_letter_stay_missing(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat is not installed")
    table = pd.DataFrame({"phq1": pd.Series([0, "a", None, 2, None], dtype=object)})
    labels = {"phq1": {0: "never", 1: "some", 2: "daily", "a": "refused"}}
    more = {"missing_user_values": {"phq1": ["a"]}, "variable_value_labels": labels}
    pyreadstat.write_dta(table, str(tmp_path / "a.dta"), **more)
    frame, book, reasons = read_export(tmp_path / "a.dta")
    assert np.array_equal(frame["phq1"], [0, np.nan, np.nan, 2, np.nan], equal_nan=True)
    assert reasons["phq1"][1] == "refused" and reasons["phq1"].isna().sum() == 4
    assert book["phq1"].missing == ((".a", "refused"),)


def test_a_range_of_codes_for_missing(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat is not installed")
    table = pd.DataFrame({"age": [31.0, 997.0, 998.0, 44.0]})
    more = {"missing_ranges": {"age": [{"lo": 900, "hi": 999}]}}
    more["variable_value_labels"] = {"age": {998.0: "does not know"}}
    pyreadstat.write_sav(table, str(tmp_path / "a.sav"), **more)
    frame, book, reasons = read_export(tmp_path / "a.sav")
    assert list(frame["age"].dropna()) == [31, 44] and book["age"].kind == "number"
    assert list(reasons["age"].dropna()) == ["a code for missing", "does not know"]


def test_a_number_with_labels_at_its_ends_stays_a_number(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat is not installed")
    table = pd.DataFrame({"phq9": [0.0, 13.0, 27.0], "pain": [0.0, 1.0, 2.0]})
    labels = {"phq9": {0: "none", 27: "all"}, "pain": {0: "none", 1: "some", 2: "much"}}
    pyreadstat.write_sav(table, str(tmp_path / "a.sav"), variable_value_labels=labels)
    _, book, _ = read_export(tmp_path / "a.sav")
    assert book["phq9"].kind == "number" and book["pain"].kind == "ordered"


def test_missing_adds_to_what_the_file_declares(tmp_path):
    made = make_sav(tmp_path)
    frame, book, reasons = read_export(made.path, missing=("3",))
    assert set(frame["phq1"].dropna()) == {0, 1, 2}
    assert {"refused", "3"} == set(reasons["phq1"].dropna())
    assert book.missing == ("3",)


def test_two_data_sets_in_a_transport_file_are_refused(tmp_path):
    made = MAKERS["xpt"](tmp_path)
    content = made.path.read_bytes()
    second = content[content.index(b"HEADER RECORD*******MEMB") :]
    made.path.write_bytes(content + second)
    with pytest.raises(TableError, match="expected one data set, got 2"):
        read_export(made.path)


@pytest.mark.parametrize("last", ["", "tired", "no complaints"])
def test_the_last_person_of_a_transport_file_stays(last, tmp_path):
    "pandas takes a short last note for the blanks that end the file (findings/)."
    pyreadstat = pytest.importorskip("pyreadstat")
    table = pd.DataFrame({"id": [1.0, 2.0], "phq9": [4.0, 24.0], "note": ["no complaints", last]})
    pyreadstat.write_xport(table, str(tmp_path / "a.xpt"), file_format_version=5)
    frame, _, _ = read_export(tmp_path / "a.xpt")
    assert frame["phq9"].tolist() == [4, 24]


def test_letters_that_are_not_utf8_get_a_hint(tmp_path):
    made = MAKERS["xpt"](tmp_path)
    made.path.write_bytes(made.path.read_bytes().replace(b"Graz", b"Gr\xe4z"))
    with pytest.raises(TableError, match="--encoding cp1252"):
        read_export(made.path)
    assert "Gräz" in set(read_export(made.path, encoding="cp1252").frame["site"])


@pytest.mark.parametrize("number", [np.inf, 1e300, -1e300, np.nan])
def test_no_number_is_too_odd_for_a_date(number):
    for program, format in (
        ("spss", "DATE11"),
        ("stata", "%tm"),
        ("stata", "%tw"),
        ("xport", "DATE9"),
    ):
        assert read_clock(np.array([number]), find_clock(program, format)).isna().all()


@pytest.mark.parametrize(
    "format, number, day",
    [
        ("%td", 0, "1960-01-01"),
        ("%tq", 1, "1960-04-01"),
        ("%th", 3, "1961-07-01"),
        ("%ty", 2020, "2020-01-01"),
    ]
    + [("%tw", 52, "1961-01-01"), ("%tm", -1, "1959-12-01"), ("%tc", 86400000, "1960-01-02")],
)
def test_periods_of_stata(format, number, day):
    assert read_clock(np.array([float(number)]), find_clock("stata", format))[0] == pd.Timestamp(
        day
    )


# Excel


def save_sheet(path, rows, formats=(), merge=None):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    pytest.importorskip("python_calamine", reason="python-calamine is not installed")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place, format in formats:
        book.active[place].number_format = format
    if merge:
        book.active.merge_cells(merge)
    book.save(path)
    return path


def test_hours_beyond_a_day_in_a_clock_format(tmp_path):
    rows = [["slept"], [7.5 / 24], [30 / 24], [1.0]]
    path = save_sheet(tmp_path / "a.xlsx", rows, [("A2", "h:mm"), ("A3", "h:mm"), ("A4", "[h]:mm")])
    frame, book, _ = read_export(path)
    assert np.allclose(frame["slept"], [7.5, 30, 24]) and book["slept"].kind == "duration"


def test_merged_names_are_refused(tmp_path):
    path = save_sheet(tmp_path / "a.xlsx", [["phq", None], [1, 2]], merge="A1:B1")
    with pytest.raises(TableError, match="expected one row of names, got 1 merged"):
        read_export(path)


@pytest.mark.parametrize(
    "rows, got", [([["a", "a"], [1, 2]], "twice"), ([["a", None], [1, 2]], "none for column 2")]
)
def test_names_of_a_sheet(rows, got, tmp_path):
    with pytest.raises(TableError, match=got):
        read_export(save_sheet(tmp_path / "a.xlsx", rows))


def test_a_sheet_that_is_not_there(tmp_path):
    path = save_sheet(tmp_path / "a.xlsx", [["a"], [1]])
    with pytest.raises(
        TableError, match="expected a sheet 'x', got none of that name among 'Sheet'"
    ):
        read_export(path, sheet="x")


# tables of text


def test_words_for_missing_among_numbers(tmp_path):
    rows = ["phq1,gad1", *["1,2"] * 20, ".a,.", "#NULL!,n.a.", "--,NA"]
    frame, book, reasons = read_export(write(tmp_path / "a.csv", "\n".join(rows)))
    assert frame.isna().sum().tolist() == [3, 3]
    assert list(reasons["phq1"].dropna()) == [".a", "#null!", "--"]


def test_a_comma_that_nobody_asked_for_is_no_thousand(tmp_path):
    path = write(tmp_path / "a.csv", "id;dose\n1;1,234\n2;2,5\n3;3,5\n")
    frame, book, _ = read_export(path)
    assert book["dose"].kind != "number"
    assert list(read_export(path, decimal=",").frame["dose"]) == [1.234, 2.5, 3.5]


@pytest.mark.parametrize("cells", [["0,5", "1,0", "1,5"], [f"{i},{i % 7}" for i in range(60)]])
def test_numbers_with_the_other_separator_are_neither_words_nor_a_category(cells, tmp_path):
    "Doses of 0,5 and 1,0 were a category, and hours of sleep 'different words'."
    rows = [["age", "dose"], *([30 + i % 40, cells[i % len(cells)]] for i in range(60))]
    text = "\n".join(f"{age};{dose}" for age, dose in rows)
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    frame.to_parquet(tmp_path / "a.parquet")
    made = [write(tmp_path / "a.csv", text), save_sheet(tmp_path / "a.xlsx", rows)]
    for path in (*made, tmp_path / "a.parquet"):
        column = read_export(path).codebook["dose"]
        assert column.why == "numbers with another separator than --decimal ." and not column.use
        read = read_export(path, decimal=",")
        assert read.codebook["dose"].kind == "number"
        assert read.frame["dose"][1] == float(cells[1].replace(",", "."))
        with pytest.raises(TableError, match="another separator than --decimal .$"):
            read_export(path, codebook=read.codebook)


def test_thousands_are_not_said_to_be_decimals(tmp_path):
    text = "id;cells\n" + "\n".join(f"{i};{i},{i % 7}00" for i in range(1, 40))
    assert "separator" not in read_export(write(tmp_path / "a.csv", text)).codebook["cells"].why


def test_a_dictionary_is_no_table_of_people(tmp_path):
    made = make_redcap(tmp_path)
    with pytest.raises(TableError, match="got a data dictionary; give it as --dictionary"):
        read_export(made.more["dictionary"])


def test_repeated_redcap_ids_are_told(tmp_path):
    text = "record_id,redcap_repeat_instance,phq1\n1,1,0\n1,2,3\n2,1,1\n"
    export = read_export(write(tmp_path / "a.csv", text))
    told = [suspect for suspect in find_suspects(export) if suspect.kind == "repeats"]
    assert [(suspect.column, suspect.count) for suspect in told] == [("record_id", 1)]
    assert not find_suspects(export, group="record_id")
    assert not any("repeats" in note for note in export.codebook.notes)  # once is enough
    assert [c.name for c in export.codebook if c.use] == ["phq1"]


def write_redcap_pair(folder: Path) -> tuple[Path, Path, Path]:
    "The same rows as codes and as labels, and their dictionary."
    head = '"Variable / Field Name","Field Type","Field Label",'
    fields = [head + '"Choices, Calculations, OR Slider Labels"', "record_id,text,Record,"]
    fields += ['pain,radio,Pain,"0, None | 1, Some | 2, Strong | -99, Refused"']
    fields += ['site,dropdown,Site,"1, North | 5, South | 9, Unknown"', "smoker,yesno,Smoker,"]
    fields += ['drug,checkbox,Drug,"1, SSRI | 2, SNRI"']
    codes = ["0,1,0,1,0", "1,5,1,0,1", "2,9,,0,0", "-99,1,1,1,1"] * 10
    labels = ["None,North,No,Checked,Unchecked", "Some,South,Yes,Unchecked,Checked"]
    labels += ["Strong,Unknown,,Unchecked,Unchecked", "Refused,North,Yes,Checked,Checked"]
    names = "record_id,pain,site,smoker,drug___1,drug___2,form_complete"
    for name, rows in (("codes", codes), ("labels", labels * 10)):
        lines = [f"{i},{row},2" for i, row in enumerate(rows, 1)]
        write(folder / f"{name}.csv", "\n".join([names, *lines]))
    described = write(folder / "fields.csv", "\n".join(fields))
    return folder / "codes.csv", folder / "labels.csv", described


def test_an_export_of_labels_is_the_table_of_its_codes(tmp_path):
    codes, labels, fields = write_redcap_pair(tmp_path)
    frame, book, reasons = read_export(codes, dictionary=fields)
    again = read_export(labels, dictionary=fields)
    assert frame["pain"].tolist()[:3] == [0, 1, 2] and frame["drug___1"].sum() == 20
    pd.testing.assert_frame_equal(again.frame, frame)
    assert again.codebook.columns == book.columns
    assert again.reasons.astype(str).equals(reasons.astype(str))


def test_a_codebook_reads_labels_and_codes_alike(tmp_path):
    codes, labels, fields = write_redcap_pair(tmp_path)
    book = read_export(codes, dictionary=fields).codebook
    one, two = (read_export(path, codebook=book) for path in (codes, labels))
    pd.testing.assert_frame_equal(two.frame, one.frame)
    assert two.reasons.astype(str).equals(one.reasons.astype(str))
    assert not one.codebook.notes and not two.codebook.notes  # the labels are there
    assert "adaroute columns" in read_export(codes).codebook.notes[0]


def test_nda_downloads_have_descriptions_below_the_names(tmp_path):
    names = "subjectkey\tsrc_subject_id\tinterview_date\tinterview_age\tphq1"
    said = "The Global Unique Identifier\tSubject ID\tDate\tAge in months\tLittle interest"
    rows = "NDAR_INV1\t7\t03/25/2024\t400\t2\nNDAR_INV2\t8\t04/05/2024\t380\t0"
    frame, book, _ = read_export(write(tmp_path / "a.txt", f"{names}\n{said}\n{rows}\n"))
    assert list(frame["phq1"]) == [2, 0] and book["phq1"].label == "Little interest"
    assert list(frame["interview_date"].dt.month) == [3, 4]


def test_what_limesurvey_adds_is_no_input_and_an_empty_box_is_not_ticked(tmp_path):
    "The seed of random orders was a number to learn from, and boxes were constants, left out."
    names = "id,submitdate,lastpage,startlanguage,seed,startdate,ipaddr,age,smoke,interviewtime"
    rows = [f'"{names},drug[1],drug[2],drug[other]"'.strip('"')]
    for i in range(1, 61):
        sent = "" if i % 10 == 0 else f"2024-03-{i % 28 + 1:02d} 10:00:00"
        own = f"{i},{sent},{i % 4},{['de', 'en'][i % 2]},{i * 7919 + 10**8},2024-03-01 09:00:00"
        ticks = f"{'Y' if i % 3 == 0 else ''},{'Y' if i % 7 == 0 else ''},{'tea' if i < 4 else ''}"
        rows.append(f"{own},10.0.0.{i},{20 + i % 50},{['Y', 'N'][i % 2]},{300 + i}.5,{ticks}")
    path = write(tmp_path / "a.csv", "\n".join(rows))
    frame, book, _ = read_export(path)
    assert tells_more(path) and book.source == "an export of LimeSurvey"
    assert [c.name for c in book if c.use] == ["age", "smoke", "drug[1]", "drug[2]"]
    assert frame["drug[1]"].tolist()[:3] == [0, 0, 1] and np.isnan(frame["drug[1]"][9])
    assert frame["drug[2]"].sum() == 8 and book.notes == (
        "6 rows of answers that were not sent off",
    )


@pytest.mark.parametrize(
    "name", ["id", "ID", "record_id", "PatientID", "subject no", "src_subject_id", "ResponseId"]
)
def test_names_of_ids(name):
    assert is_id_name(name)


@pytest.mark.parametrize(
    "name",
    ["idle", "paid", "acid", "phq9", "grid", "video", "age", "covid", "case", "resp", "code"],
)
def test_names_that_are_no_ids(name):
    assert not is_id_name(name)


def test_a_date_with_an_hour_keeps_its_day(tmp_path):
    "polars-readstat makes the next day of it before 1970 (findings/)."
    pyreadstat = pytest.importorskip("pyreadstat")
    born = ["1950-06-15", "1950-06-15T12:00", "1969-12-31T23:59", "1980-06-15T23:00"]
    born = pd.Series(pd.to_datetime(born, format="ISO8601"))
    seconds = (born - pd.Timestamp("1582-10-14")).dt.total_seconds()
    table, path = pd.DataFrame({"born": seconds, "phq9": [1.0, 2, 3, 4]}), tmp_path / "a.sav"
    pyreadstat.write_sav(table, path, variable_format={"born": "DATE11"})
    assert read_export(path).frame["born"].tolist() == born.tolist()


@pytest.mark.parametrize("form", ["{} kg", "{},5 mg", "{}%", "{} years", " {}h"])
def test_numbers_with_a_unit_are_no_category(form):
    "Forty weights in kg were a category of forty words, in silence."
    column = guess_column("x", [form.format(60 + i % 40) for i in range(160)]).column
    assert not column.use and "with a unit" in column.why
    few = guess_column("x", [form.format(6 * (1 + i % 2)) for i in range(160)]).column
    assert few.kind == "category" and few.use  # two of them may be visits


def test_rooms_and_bands_stay_categories():
    for form in ("{}A", "{}-99", "ward {}"):
        assert guess_column("x", [form.format(i % 12) for i in range(90)]).column.kind == "category"


@pytest.mark.parametrize(
    "cells, found",
    [
        ([6, 7, 7, 8, 8, 9, 9], {}),
        ([5.5, 6.25, 7, 7, 8, 8], {}),
        ([0, 1, 7, 7, 9, 9], {7: 2, 9: 2}),
        ([6, 7, 7, 99, 99], {99: 2}),
        ([1, 2, 3, -1, -1], {-1: 2}),
    ],
)
def test_a_scale_that_goes_on_holds_no_codes(cells, found):
    "Six to nine hours of sleep: 7, 8 and 9 were said to be far from the rest."
    assert find_codes(np.array(cells, float)) == found


def test_a_huge_number_is_no_number():
    guess = guess_column("x", ["9" * 401, "1", "2"])
    assert guess.column.kind != "number" or np.isfinite(guess.values.dropna()).all()


# FHIR

URL = "http://hl7.org/fhir/StructureDefinition/"


def respond(answers, **more):
    item = [{"linkId": "q", "text": "Q?", "answer": answers}]
    return {"resourceType": "QuestionnaireResponse", "item": item} | more


def weigh(code, value, place):
    extension = [
        {
            "url": URL + ("itemWeight" if place == "answer" else "ordinalValue"),
            "valueDecimal": value,
        }
    ]
    coding = {"code": code, "display": code}
    if place == "answer":
        return {"valueCoding": coding, "extension": extension}
    return {"valueCoding": coding | {"extension": extension}}


@pytest.mark.parametrize("place", ["answer", "coding"])
def test_weights_of_a_response(place, tmp_path):
    lines = [respond([weigh("a", 0, place)]), respond([weigh("b", 3, place)]), respond([])]
    path = write(tmp_path / "a.ndjson", "\n".join(map(json.dumps, lines)))
    frame, book, _ = read_fhir(path)
    assert (
        np.array_equal(frame["q"], [0, 3, np.nan], equal_nan=True) and book["q"].kind == "ordered"
    )


def test_several_answers_become_several_columns(tmp_path):
    a, b = ({"valueCoding": {"code": c, "display": c.upper()}} for c in "ab")
    lines = [respond([a, b]), respond([b]), respond([])]
    frame, book, _ = read_fhir(write(tmp_path / "a.ndjson", "\n".join(map(json.dumps, lines))))
    assert np.array_equal(frame["q=a"], [1, 0, np.nan], equal_nan=True)
    assert book["q=b"].label == "Q?: B"


def test_units_that_differ_are_no_input(tmp_path):
    lines = [respond([{"valueQuantity": {"value": 70, "unit": u}}]) for u in ("kg", "lb")]
    _, book, _ = read_fhir(write(tmp_path / "a.ndjson", "\n".join(map(json.dumps, lines))))
    assert not book["q"].use and "2 units" in book["q"].why


def test_responses_in_error_are_left_out(tmp_path):
    lines = [
        respond([{"valueInteger": 1}]),
        respond([{"valueInteger": 9}], status="entered-in-error"),
    ]
    frame, book, _ = read_fhir(write(tmp_path / "a.ndjson", "\n".join(map(json.dumps, lines))))
    assert len(frame) == 1 and book.notes == ("1 response left out: entered in error",)


@pytest.mark.parametrize(
    "content", ['{"resourceType": "Patient"}', "[]", '{"resourceType": "Bundle", "entry": 3}']
)
def test_no_response_is_one_line(content, tmp_path):
    with pytest.raises(TableError, match="expected a QuestionnaireResponse"):
        read_fhir(write(tmp_path / "a.json", content))


# RTF


@pytest.mark.parametrize(
    "rtf, text",
    [
        (r"{\rtf1 a{\deleted b}c}", "ac"),
        (r"{\rtf1 a\deleted b\deleted0 c}", "ac"),
        (r"{\rtf1 a{\v b\par c}d}", "ad"),
        (r"{\rtf1 a{\v b\plain c}d}", "acd"),
        (r"{\rtf1\ansi caf\'e9}", "café"),
        (r"{\rtf1 {\b bold} \i it\i0  end}", "bold it end"),
    ],
)
def test_what_a_reader_sees(rtf, text):
    pytest.importorskip("striprtf", reason="striprtf is not installed")
    assert read_rtf(rtf) == text


def test_unbalanced_braces_do_no_harm():
    assert remove_hidden("}}}{{{") == "}}}{{{"


# the file of columns


def test_columns_survive_yaml(tmp_path):
    levels = ((0, "no"), (1, "yes: sometimes"), (2, "ja, täglich"))
    columns = [
        Column(
            "a",
            "ordered",
            "A?",
            levels,
            ((-9, "refused"), (".a", "skipped")),
            indicators=("refused",),
        )
    ]
    book = Codebook(
        [*columns, Column("b", "id", use=False)],
        ("a note",),
        "SPSS",
        {"y": "regression:0..27"},
        "b",
        ("-99",),
    )
    assert read_codebook(write_codebook(book, tmp_path / "c.yaml")) == book


@pytest.mark.parametrize(
    "text, message",
    [
        ("- 1", "expected 'format: adaroute-columns-1'"),
        ("format: adaroute-columns-1\ncolumns: 3", "expected a list of columns, got int"),
        ("format: adaroute-columns-1\ncolumns: [{name: a}]", "column 1: expected name and kind"),
        ("format: adaroute-columns-1\ncolumns: [{name: a, kind: odd}]", "got 'odd'"),
        (
            "format: adaroute-columns-1\ncolumns: [{name: a, kind: number, use: 1}]",
            "use: expected bool, got int",
        ),
        (
            "format: adaroute-columns-1\ncolumns: [{name: a, kind: number, levels: 3}]",
            "expected pairs",
        ),
        (
            "format: adaroute-columns-1\noutcomes: {y: guess}\ncolumns: []",
            "expected one of regression",
        ),
        ("format: adaroute-columns-1\nodd: 1\ncolumns: []", "got 'odd'"),
        ("a: [", r"\(line 1\): expected YAML"),
    ],
)
def test_a_broken_file_of_columns_is_one_line(text, message, tmp_path):
    with pytest.raises(TableError, match=message) as caught:
        read_codebook(write(tmp_path / "c.yaml", text))
    assert "\n" not in str(caught.value)


def test_a_file_of_columns_has_the_last_word(tmp_path):
    rows = [
        "id,mood,site,dose",
        *[f"{i},{['low', 'mid', 'high'][i % 3]},{i % 2},{i}" for i in range(12)],
        "12,odd,1,-9",
    ]
    path = write(tmp_path / "a.csv", "\n".join(rows))
    levels = ((0, "low"), (1, "mid"), (2, "high"))
    wanted = [
        Column("mood", "ordered", levels=levels),
        Column("site", "category", levels=((0, "A"), (1, "B"))),
    ]
    wanted += [Column("dose", "number", missing=((-9, "not taken"),))]
    frame, book, reasons = read_export(path, codebook=Codebook(wanted))
    assert list(frame["mood"][:3]) == [0, 1, 2] and np.isnan(frame["mood"][12])
    assert list(frame["site"][:2]) == ["A", "B"]
    assert np.isnan(frame["dose"][12]) and reasons["dose"][12] == "not taken"
    assert "mood: 1 cell with none of its 3 levels, read as missing" in book.notes


def test_a_column_that_is_gone_is_told(tmp_path):
    path = write(tmp_path / "a.csv", "a\n1\n2\n")
    with pytest.raises(TableError, match="expected the columns 'b'"):
        read_export(path, codebook=Codebook([Column("b", "number")]))


def test_new_rows_get_the_columns_of_the_old(tmp_path):
    made = make_sav(tmp_path)
    export = read_export(made.path)
    book = codebook_module.settle_indicators(export.codebook, export.reasons, least=2)
    assert book["phq1"].indicators == ("refused",)
    few = export.frame[:3]
    inputs = book.apply(few, export.reasons[:3])
    assert list(inputs.frame["phq1 is refused"]) == [0, 0, 0]


def test_qualtrics_as_it_writes_tsv(tmp_path):
    made = MAKERS["qualtrics"](tmp_path)
    text = pd.read_csv(made.path, header=None, dtype=str).to_csv(
        sep="\t", header=False, index=False
    )
    (tmp_path / "survey.tsv").write_bytes(text.encode("utf-16"))
    export = read_export(tmp_path / "survey.tsv")
    assert export.codebook.source == "an export of Qualtrics" and len(export.frame) == N


# a long table of text


def draw_kinds(rows=3000):
    "Cells of every kind that is guessed, and what each column has to be taken for."
    i = np.arange(rows)
    return {
        "patient_id": (i // 2, "id", "whole numbers under the name of an id"),
        "age": (18 + i % 60, "number", f"{rows} of {rows} cells are numbers"),
        "dose": ([["1", " 2.50 ", "NA", ""][k % 4] for k in i], "number", "1500 of 3000 cells"),
        "lab": ([["1e1", "+.5", "lost"][(k % 50 == 0) * 2 or k % 2] for k in i], "number", "; 60"),
        "born": ([f"19{k % 90 + 10}0{k % 9 + 1}17" for k in i], "date", "eight digits that are"),
        "seen": ([f"2024-0{k % 9 + 1}-17" for k in i], "date", "dates as 2024-01-31"),
        "slept": ([f"{k % 12}:30" for k in i], "duration", "clock times as 7:30"),
        "post": ([f"0{k % 9000 + 1000}" for k in i], "id", "digits with leading zeros"),
        "ward": ([["A", "B ", "n/a"][k % 3] for k in i], "category", "2 different words"),
        "felt": ([["not at all", "Several days"][k % 2] for k in i], "ordered", "well-known"),
        "note": ([f"slept badly in night {k} again" for k in i], "text", "more than three words"),
        "same": (["7"] * rows, "number", "the same number in all rows"),
        "none": ([["", "NA"][k % 2] for k in i], "text", "no cell is filled"),
        "drug": ([f"w{k}" for k in i], "text", "3000 different words in 3000 cells"),
    }


def test_a_long_table_of_text_is_taken_for_what_it_is(tmp_path):
    drawn = draw_kinds()
    path = tmp_path / "long.csv"
    pd.DataFrame({name: cells for name, (cells, *_) in drawn.items()}).to_csv(path, index=False)
    collecting = gc.isenabled()
    frame, book, reasons = read_export(path)
    assert gc.isenabled() == collecting
    for name, (_, kind, why) in drawn.items():
        assert book[name].kind == kind and why in book[name].why, name
    assert frame["patient_id"].tolist() == [str(k // 2) for k in range(3000)]
    assert frame["dose"][:2].tolist() == [1, 2.5] and frame["dose"][2:4].isna().all()
    assert frame["lab"][1:3].tolist() == [0.5, 10] and reasons["lab"].notna().sum() == 60
    assert frame["ward"][:3].tolist() == ["A", "B", None] and frame["felt"][:2].tolist() == [0, 1]
    assert frame["born"][0] == pd.Timestamp("1910-01-17") and frame["slept"][7] == 7.5
    assert frame["none"].isna().all() and list(reasons) == ["lab"]


def test_a_table_that_breaks_leaves_the_collector_as_it_was(tmp_path):
    path = write(tmp_path / "broken.csv", 'a,b\n1,"2\n')
    collecting = gc.isenabled()
    with pytest.raises(TableError, match="never closed"):
        read_export(path)
    assert gc.isenabled() == collecting


def test_columns_that_sum_to_an_outcome_are_named_as_they_are_typed():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.integers(0, 4, (200, 3)).astype(float), columns=["a", "b", "c"])
    frame["total"] = frame["a"] + frame["b"]
    book = Codebook([Column(name, "number") for name in frame])
    suspects = find_suspects(codebook_module.Export(frame, book, pd.DataFrame()), ["total"])
    assert [str(suspect) for suspect in suspects] == [
        "'total': is a weighted sum of 'a', 'b'; --ignore a --ignore b"
    ]
