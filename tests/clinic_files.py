"Small simulated exports, each written by the format's own writer, and what they hold."

import csv
import json
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

N = 24
ANSWERS = {0: "Not at all", 1: "Several days", 2: "More than half the days", 3: "Nearly every day"}
SITES = ["Vienna", "Graz", "Linz"]
LABEL = "Little interest or pleasure"


class Clinic(NamedTuple):
    "An export and the arguments it is read with."

    path: Path
    more: dict


def make_people():
    "Twenty-four simulated people; phq1 is -99 where they refused, NaN where they were not asked."
    rng = np.random.default_rng(16)
    phq1 = rng.integers(0, 4, N).astype(float)
    phq1[:4] = range(4)
    phq1[[5, 11, 17]] = -99
    phq1[7] = np.nan
    day = pd.Timestamp("2020-03-05")
    return pd.DataFrame(
        {
            "record_id": np.arange(1.0, N + 1),
            "phq1": phq1,
            "sex": 1.0 + np.arange(N) % 2,
            "age": rng.integers(18, 80, N).astype(float),
            "seen": [day + pd.Timedelta(days=int(i)) for i in range(N)],
            "slept": 7.5 + np.arange(N),
            "site": [SITES[i % 3] for i in range(N)],
            "note": [
                f"Person number {i} sleeps badly and feels low; then quaggamire was said"
                for i in range(N)
            ],
        }
    )


CANARY = "quaggamire"  # stands beyond the fortieth character of each note, and nowhere else
PEOPLE = make_people()
PHQ1 = PEOPLE["phq1"].where(PEOPLE["phq1"] >= 0)
REFUSED = (PEOPLE["phq1"] == -99).to_numpy()
SEX = np.where(PEOPLE["sex"] == 1, "male", "female")


def count_spss(dates):
    "Dates as SPSS counts them."
    return [(d - datetime(1582, 10, 14)).total_seconds() for d in dates]


def write_spss(path, **more):
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat is not installed")
    table = PEOPLE.assign(seen=count_spss(PEOPLE["seen"]), slept=PEOPLE["slept"] * 3600)
    pyreadstat.write_sav(
        table,
        str(path),
        column_labels={"phq1": LABEL},
        variable_value_labels={"phq1": ANSWERS | {-99: "refused"}, "sex": {1: "male", 2: "female"}},
        missing_ranges={"phq1": [-99]},
        variable_format={"seen": "DATE11", "slept": "DTIME10"},
        **more,
    )
    return Clinic(path, {})


def make_sav(folder):
    return write_spss(folder / "cohort.sav", variable_measure={"phq1": "ordinal"})


def make_zsav(folder):
    return write_spss(folder / "cohort.zsav", compress=True)


def make_por(folder):
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat is not installed")
    table = PEOPLE.assign(seen=count_spss(PEOPLE["seen"]), slept=PEOPLE["slept"] * 3600)
    table = table.assign(phq1=PHQ1, sex=SEX)  # this writer takes no labels of values
    pyreadstat.write_por(
        # names have eight letters at most
        table.rename(columns={"record_id": "id"}).rename(columns=str.upper),
        str(folder / "cohort.por"),
        column_labels={"PHQ1": LABEL},
        variable_format={"SEEN": "DATE11", "SLEPT": "DTIME10"},
    )
    return Clinic(folder / "cohort.por", {})


def make_dta(folder):
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat is not installed")
    table = PEOPLE.assign(seen=[(d - datetime(1960, 1, 1)).days for d in PEOPLE["seen"]])
    table["phq1"] = [None if np.isnan(v) else "a" if v == -99 else int(v) for v in PEOPLE["phq1"]]
    pyreadstat.write_dta(
        table,
        str(folder / "cohort.dta"),
        column_labels={"phq1": LABEL},
        variable_value_labels={"phq1": ANSWERS | {"a": "refused"}, "sex": {1: "male", 2: "female"}},
        missing_user_values={"phq1": ["a"]},
        variable_format={"seen": "%td"},
    )
    return Clinic(folder / "cohort.dta", {})


def make_xpt(folder):
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat is not installed")
    table = PEOPLE.assign(seen=[(d - datetime(1960, 1, 1)).days for d in PEOPLE["seen"]], sex=SEX)
    table = table.assign(phq1=PHQ1, slept=PEOPLE["slept"] * 3600)
    formats = {"seen": "DATE9", "slept": "TIME8"}
    path = folder / "cohort.xpt"
    pyreadstat.write_xport(table, str(path), column_labels={"phq1": LABEL}, variable_format=formats)
    return Clinic(path, {})


R_CODE = """
d <- read.csv("people.csv")
answers <- c("Not at all"=0, "Several days"=1, "More than half the days"=2, "Nearly every day"=3)
label <- "Little interest or pleasure"
d$phq1 <- haven::labelled_spss(d$phq1, c(answers, "refused"=-99), na_values=-99, label=label)
d$sex <- factor(d$sex, 1:2, c("male", "female"))
d$seen <- as.Date(d$seen)
d$slept <- as.difftime(d$slept * 60, units="mins")
other <- list(1)
save(d, other, file="cohort.rda")
"""


def make_rda(folder):
    pytest.importorskip("rdata", reason="rdata is not installed")
    if not shutil.which("Rscript"):
        pytest.skip("R is not installed")
    PEOPLE.to_csv(folder / "people.csv", index=False)
    done = subprocess.run(["Rscript", "-e", R_CODE], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("R has no package haven")
    return Clinic(folder / "cohort.rda", {})


def make_xlsx(folder):
    pytest.importorskip("python_calamine", reason="python-calamine is not installed")
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    book = openpyxl.Workbook()
    book.active.title = "cohort"
    table = PEOPLE.assign(sex=SEX, slept=[timedelta(hours=h) for h in PEOPLE["slept"]])
    table["phq1"] = [None if np.isnan(v) else ANSWERS.get(v, "") or None for v in PHQ1]
    table["record_id"] = [f"{i:03.0f}" for i in PEOPLE["record_id"]]
    book.active.append(list(table))
    for row in table.itertuples(index=False):
        book.active.append(list(row))
    book.create_sheet("codes").append(["code"])
    book.save(folder / "cohort.xlsx")
    return Clinic(folder / "cohort.xlsx", {"sheet": "cohort"})


def write_rows(path, rows, delimiter=","):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def show(value):
    "A cell as the systems write it."
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:g}"
    return str(value)


def show_rows(table):
    return [[show(v) for v in row] for row in table.itertuples(index=False)]


def make_redcap(folder):
    table = PEOPLE.assign(phq9_complete=2.0, sleep___1=1.0, sleep___2=0.0)
    table.insert(1, "redcap_event_name", "baseline_arm_1")
    path = write_rows(folder / "cohort.csv", [list(table), *show_rows(table)])
    choices = " | ".join(f"{code}, {label}" for code, label in (ANSWERS | {-99: "Refused"}).items())
    names = [
        "Variable / Field Name",
        "Field Type",
        "Field Label",
        "Choices, Calculations, OR Slider Labels",
    ]
    names.append("Text Validation Type OR Show Slider Number")
    fields = [
        ["record_id", "text", "Record", "", ""],
        ["phq1", "radio", f"<b>{LABEL}</b>", choices, ""],
        ["sex", "dropdown", "Sex", "1, male | 2, female", ""],
        ["age", "text", "Age", "", "integer"],
        ["seen", "text", "Seen", "", "date_ymd"],
        ["slept", "text", "Slept", "", "number"],
        ["site", "text", "Site", "", ""],
        ["note", "notes", "Note", "", ""],
        ["sleep", "checkbox", "Trouble", "1, falling asleep | 2, staying asleep", ""],
    ]
    return Clinic(path, {"dictionary": write_rows(folder / "fields.csv", [names, *fields])})


def make_qualtrics(folder):
    table = PEOPLE.assign(phq1=[ANSWERS.get(v, "") for v in PHQ1], sex=SEX, Progress=100.0)
    table = table.rename(columns={"record_id": "ResponseId"})
    questions = [LABEL if name == "phq1" else name for name in table]
    imports = [json.dumps({"ImportId": f"QID{i}"}) for i in range(table.shape[1])]
    return Clinic(
        write_rows(folder / "survey.csv", [list(table), questions, imports, *show_rows(table)]), {}
    )


def make_nda(folder):
    table = PEOPLE.rename(columns={"record_id": "src_subject_id", "age": "interview_age"})
    table = table.assign(
        phq1=PHQ1, sex=SEX, interview_date=[d.strftime("%m/%d/%Y") for d in PEOPLE["seen"]]
    )
    table.insert(0, "subjectkey", [f"NDAR_INV{i:08d}" for i in range(N)])
    table = table.drop(columns="seen")
    title = ["phq9", "01", *[""] * (table.shape[1] - 2)]
    return Clinic(write_rows(folder / "phq901.csv", [title, list(table), *show_rows(table)]), {})


def make_bids(folder):
    table = PEOPLE.rename(columns={"record_id": "participant_id"}).assign(phq1=PHQ1, sex=SEX)
    rows = [[cell or "n/a" for cell in row] for row in show_rows(table)]
    path = write_rows(folder / "phq.tsv", [list(table), *rows], "\t")
    levels = {str(code): label for code, label in ANSWERS.items()}
    said = {"phq1": {"Description": LABEL, "Levels": levels}, "slept": {"Units": "h"}}
    (folder / "phq.json").write_text(json.dumps(said))
    return Clinic(path, {})


SPOT = "http://hl7.org/fhir/StructureDefinition/"


def write_fhir(path, url, on_answer):
    "Responses whose weights stand on the option (R4) or on the answer's coding (R5)."

    def code(value):
        extension = {"extension": [{"url": SPOT + url, "valueDecimal": value}]}
        coding = {"code": f"LA{value}", "display": ANSWERS[value]}
        return {"valueCoding": coding | (extension if on_answer else {})}

    options = [code(v) | {"extension": [{"url": SPOT + url, "valueDecimal": v}]} for v in ANSWERS]
    items = [{"linkId": "phq1", "text": LABEL, "answerOption": [] if on_answer else options}]
    form = {"resourceType": "Questionnaire", "url": "http://example.org/q", "item": items}
    entries = [form]
    for i, row in enumerate(PEOPLE.itertuples()):
        answers = [] if np.isnan(PHQ1[i]) else [code(int(PHQ1[i]))]
        inside = [{"linkId": "note", "answer": [{"valueString": row.note}]}]
        inside.append({"linkId": "age", "answer": [{"valueInteger": int(row.age)}]})
        inside.append({"linkId": "seen", "answer": [{"valueDate": show(row.seen)}]})
        response = {
            "resourceType": "QuestionnaireResponse",
            "questionnaire": "http://example.org/q",
        }
        response |= {"subject": {"reference": f"Patient/{i}"}, "status": "completed"}
        response["item"] = [
            {"linkId": "phq1", "answer": answers},
            {"linkId": "all", "item": inside},
        ]
        entries.append(response)
    bundle = {"resourceType": "Bundle", "entry": [{"resource": entry} for entry in entries]}
    path.write_text(json.dumps(bundle))
    return Clinic(path, {})


def make_fhir_r4(folder):
    return write_fhir(folder / "r4.json", "ordinalValue", False)


def make_fhir_r5(folder):
    return write_fhir(folder / "r5.json", "itemWeight", True)


def make_parquet(folder):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = PEOPLE.assign(sex=SEX, slept=pd.to_timedelta(PEOPLE["slept"], unit="h"))
    words = [None if np.isnan(v) else ANSWERS[v] for v in PHQ1]
    table["phq1"] = pd.Categorical(words, list(ANSWERS.values()), ordered=True)
    table.to_parquet(folder / "cohort.parquet", index=False)
    return Clinic(folder / "cohort.parquet", {})


def make_rtf(folder):
    pytest.importorskip("striprtf", reason="striprtf is not installed")
    notes = folder / "notes"
    notes.mkdir()
    for i, note in enumerate(PEOPLE["note"]):
        hidden = r"{\deleted gone}{\v hidden}"
        (notes / f"k{i:02d}.rtf").write_text(r"{\rtf1\ansi " + hidden + note + "}")
    return Clinic(notes, {})


MAKERS = {
    name.removeprefix("make_"): maker
    for name, maker in list(globals().items())
    if name.startswith("make_") and name != "make_people"
}
