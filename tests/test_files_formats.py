"Each export is read to the right table and the right codebook."

import numpy as np
import pandas as pd
import pytest
from clinic_files import ANSWERS, LABEL, MAKERS, N, PEOPLE, PHQ1, REFUSED, SEX, SITES

from adaroute.files.exports import read_export


@pytest.fixture(scope="module", params=list(MAKERS))
def clinic(request, tmp_path_factory):
    made = MAKERS[request.param](tmp_path_factory.mktemp(request.param))
    return request.param, read_export(made.path, **made.more)


def find(export, name):
    "A column under the name that the format gave it."
    frame, book, reasons = export
    others = {
        "record_id": ["ResponseId", "src_subject_id", "participant_id", "subject", "id", "ID"]
    }
    others |= {"seen": ["interview_date"], "age": ["interview_age"]}
    for other in (name, name.upper(), *others.get(name, ())):
        if other in frame:
            return frame[other], book[other], reasons[other] if other in reasons else None
    return None, None, None


def test_every_row_is_there(clinic):
    kind, export = clinic
    assert len(export.frame) == N
    assert list(export.frame) == export.codebook.names


def test_answers_are_ordered_codes(clinic):
    kind, export = clinic
    values, column, reasons = find(export, "phq1")
    if kind == "rtf":
        assert values is None
        return
    if kind in ("por", "xpt", "nda"):  # these files do not say what a code means
        assert column.kind == "number"
    else:
        assert column.kind == "ordered"
        assert [label for _, label in column.levels] == list(ANSWERS.values())
    assert np.array_equal(values.to_numpy(), PHQ1.to_numpy(), equal_nan=True)


def test_labels_are_kept(clinic):
    kind, export = clinic
    _, column, _ = find(export, "phq1")
    if kind in (
        "sav",
        "zsav",
        "por",
        "dta",
        "xpt",
        "rda",
        "redcap",
        "qualtrics",
        "bids",
        "fhir_r4",
        "fhir_r5",
    ):
        assert column.label == LABEL


def test_reasons_are_told_where_the_file_knows_them(clinic):
    kind, export = clinic
    _, column, reasons = find(export, "phq1")
    if kind in ("sav", "zsav", "dta", "rda", "redcap"):
        told = [isinstance(r, str) and r.casefold() == "refused" for r in reasons]
        assert told == list(REFUSED)
        assert [reason.casefold() for _, reason in column.missing] == ["refused"]
    else:
        assert reasons is None


def test_ids_are_no_inputs(clinic):
    _, export = clinic
    _, column, _ = find(export, "record_id")
    assert column.kind == "id" and not column.use


def test_dates_are_dates(clinic):
    kind, export = clinic
    values, column, _ = find(export, "seen")
    if values is not None:
        assert column.kind == "date" and list(values) == list(PEOPLE["seen"])
    else:
        assert kind == "rtf"


def test_lengths_of_time_are_hours(clinic):
    kind, export = clinic
    values, column, _ = find(export, "slept")
    if kind in ("sav", "zsav", "por", "xpt", "rda", "xlsx", "parquet"):
        assert column.kind == "duration" and column.unit == "h"
    if values is not None:
        assert np.allclose(values.to_numpy(float), PEOPLE["slept"])


def test_categories_are_words(clinic):
    _, export = clinic
    for name, words in (("sex", SEX), ("site", [SITES[i % 3] for i in range(N)])):
        values, column, _ = find(export, name)
        if values is not None:
            assert column.kind == "category" and list(values) == list(words)


def test_notes_are_text(clinic):
    _, export = clinic
    values, column, _ = find(export, "note")
    assert column.kind == "text" and column.use
    assert list(values) == list(PEOPLE["note"])


def test_the_inputs_of_a_model(clinic):
    kind, export = clinic
    inputs = export.codebook.apply(export.frame, export.reasons)
    assert all(pd.api.types.is_float_dtype(inputs.frame[name]) for name in inputs.numeric)
    assert len(inputs.text) == 1
    assert not {"record_id", "ID", "subject", "subjectkey", "Progress", "phq9_complete"} & set(
        inputs.frame
    )
    assert (kind == "rtf") == (not inputs.numeric)


def test_at_least_twelve_formats():
    assert len(MAKERS) >= 12
