"Faults of the commands, each with the smallest table that shows it."

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from adaroute import AdaRoute
from adaroute.command.common import TrainingTable, describe_table
from adaroute.command.main import main
from adaroute.files.suspects import find_siblings
from adaroute.schema import Schema, infer, read
from adaroute.tables import TableError, read_table


def run(*words, status=0):
    done = CliRunner().invoke(main, [*map(str, words)])
    assert done.exit_code == status, done.output
    return done


def people(n=60, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.normal(50, 9, size=n).round()
    frame = pd.DataFrame({"record_id": np.arange(n) // 2 + 1, "age": age})
    frame["ward"] = np.array(["1", "2", None], object)[np.arange(n) % 3]
    frame["note"] = ["slept\nbadly again" if a > 50 else "a good week" for a in age]
    frame["phq9"] = (age / 4 + rng.normal(size=n)).round()
    frame["depressed"] = 0
    frame.loc[:9, "depressed"] = 1
    return frame


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    "A table, and a model of it with a fifth kept back."
    folder = tmp_path_factory.mktemp("faults")
    people(240).to_csv(folder / "t.csv", index=False)
    short = "--steps 30 --members 1 --no-spares --quiet".split()
    given = "--text note --categorical ward --ignore depressed --group record_id --outcome phq9:regression".split()
    run("fit", folder / "t.csv", *given, "--out", folder / "model", *short)
    return folder


# the report knows the table of the fit, whatever its bytes


def told(place, name, change):
    "Whether a report is on rows that were kept back, after a change of the file."
    frame = pd.read_csv(place / "t.csv", dtype=str, keep_default_na=False)
    change(frame, place / name)
    done = run("explain", place / "model", place / name, "--out", place / "r.html", "--json")
    return json.loads(done.stdout)["kept_back"]


def save_windows(frame, path):
    path.write_bytes((frame.to_csv(index=False).replace("\n", "\r\n")).encode())


CHANGES = {
    "other line ends": (save_windows, True),
    "one more column": (lambda f, p: f.assign(more=1).to_csv(p, index=False), True),
    "other order of columns": (lambda f, p: f[f.columns[::-1]].to_csv(p, index=False), True),
    "semicolons": (lambda f, p: f.to_csv(p, index=False, sep=";"), True),
    "another age": (lambda f, p: f.assign(age="40").to_csv(p, index=False), False),
    "another order of rows": (lambda f, p: f[::-1].to_csv(p, index=False), False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_table_of_the_fit_is_known_as_it_is_read(place, change, monkeypatch):
    monkeypatch.setattr("adaroute.report.document.write_report", lambda *args, **more: None)
    how, same = CHANGES[change]
    assert told(place, f"{change}.csv".replace(" ", "_"), how) == same


# predict


@pytest.mark.parametrize("name", ["similarity", "phq9_predicted", "row", "route", "presence"])
def test_a_kept_column_is_never_overwritten(place, name):
    frame = pd.read_csv(place / "t.csv").rename(columns={"record_id": name})
    frame.to_csv(place / "named.csv", index=False)
    out = place / "kept.csv"
    done = run(
        "predict", place / "model", place / "named.csv", "--out", out, "--keep", name, status=2
    )
    assert (
        f"--keep: expected names that are free in the output, but predict writes a column '{name}'"
        in done.output
    )
    assert not out.exists()


def test_levels_are_read_alike_by_both_doors(place):
    frame = pd.read_csv(place / "t.csv")  # whose ward is 1.0, 2.0 or missing
    assert frame.ward.dtype == float
    frame.to_csv(place / "float.csv", index=False)
    for name in ("t", "float"):
        done = run(
            "predict", place / "model", place / f"{name}.csv", "--out", place / "p.csv", "--json"
        )
        assert json.loads(done.stdout)["unseen"] == {}
        shutil.copy(place / "p.csv", place / f"p-{name}.csv")
    assert (place / "p-t.csv").read_bytes() == (place / "p-float.csv").read_bytes()


def test_no_probability_is_called_calibrated_without_cases(place, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(size=150), "ill": 0})
    table = tmp_path / "t.csv"
    from adaroute.uncertainty import calibrate

    frame.loc[:29, "ill"] = 1
    model = AdaRoute(numeric="age", tasks={"ill": "binary"}, members=1, starts=1, steps=20)
    model.fit(frame.iloc[:90])
    found = calibrate(model, frame.iloc[90:])
    model.extras_["calibration"] = found.to_dict()
    model.save(tmp_path / "m")
    frame.iloc[90:].to_csv(table, index=False)
    with pytest.warns(UserWarning, match="ill: no calibrated probability"):
        assert found.probability(model, frame).isna().all(axis=None)
    done = run("predict", tmp_path / "m", table, "--out", tmp_path / "p.csv")
    assert "no calibrated probability" in done.output
    out = pd.read_csv(tmp_path / "p.csv")
    assert out.ill_calibrated.isna().all() and out.ill_predicted.notna().all()


# columns that nobody named


def test_ids_and_days_are_no_evidence_in_either_door(tmp_path):
    frame = pd.DataFrame({"record_id": [1, 1, 2, 2] * 5, "PatientID": [7, 8] * 10})
    frame["redcap_repeat_instance"] = [1, 2] * 10
    frame["visit"] = [20240100 + i for i in range(1, 21)]
    frame["age"], frame["y"] = range(20), range(20)
    assert infer(frame, {"y": "regression"}).inputs == ("age",)
    for ending in ("csv", "parquet"):
        path = tmp_path / f"t.{ending}"
        frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
        read = read_table(path, outcomes={"y": "regression"})
        kinds = {name for name, kind in read.attrs["kinds"].items() if kind == "numeric"}
        assert kinds == {"age"}
        assert read.attrs["why"]["record_id"] == "ids" and read.attrs["why"]["visit"] == "days"


def test_numbers_with_another_separator_stop_nothing_and_say_why(tmp_path):
    path = tmp_path / "t.csv"
    frame = people().assign(dose="1,5", city="Graz")
    frame.to_csv(path, index=False)
    table = TrainingTable(path, (), ("auto",), (), [("phq9", "regression", None)], None, ())
    assert table.roles["numeric"] == ["age", "depressed"] or "ward" in table.roles["numeric"]
    text = "\n".join(describe_table(table.summarise()))
    assert "dose (numbers with another separator than --decimal .)" in text
    assert "record_id (ids)" in text and "city" in text
    with pytest.raises(TableError, match="decimal comma"):
        read_table(path, numeric="dose")


@pytest.mark.parametrize(
    "cell, decimal, thousands, other",
    [
        ("1,234", ".", True, True),
        ("12,345,678", ".", True, False),
        ("1,234.5", ".", True, False),
        ("1.234", ",", True, True),
        ("1.234,5", ",", True, False),
        ("1,5", ".", False, True),
        ("1,2345", ".", False, True),
    ],
)
def test_the_hint_for_a_thousand_leads_to_a_thousand(tmp_path, cell, decimal, thousands, other):
    path = tmp_path / "t.csv"
    path.write_text(f"x;y\n{cell};1\n")
    with pytest.raises(TableError) as error:
        read_table(path, numeric="x", delimiter=";", decimal=decimal)
    text = str(error.value)
    assert ("for thousands (write it without)" in text) == thousands
    assert ("reads it)" in text) == other and cell not in text


def test_other_feelings_on_the_same_scale_are_pointed_out(tmp_path, recwarn):
    rng = np.random.default_rng(0)
    fear = rng.integers(1, 10, size=90)
    frame = pd.DataFrame({"fear": fear, "anxiety": (fear + rng.integers(0, 2, 90)).clip(1, 9)})
    frame.loc[:1, "anxiety"] = 1, 9
    frame["age"] = rng.integers(1, 10, size=90)
    found = find_siblings(frame, ["anxiety", "age"], ("fear",))
    assert [s.column for s in found] == ["fear"] and "--ignore anxiety" in found[0].advice
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    with pytest.warns(UserWarning, match="'fear': predicted from 'anxiety', on the same scale"):
        TrainingTable(path, (), ("auto",), (), [("fear", "regression", None)], None, ())
    recwarn.clear()
    TrainingTable(path, (), ("age", "anxiety"), (), [("fear", "regression", None)], None, ())
    assert not any("same scale" in str(w.message) for w in recwarn)


# frames with numbered columns


def test_columns_with_numbers_for_names_do_not_vanish():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 4)))
    frame[3] = frame[0] + rng.normal(size=40) / 9
    model = AdaRoute(tasks={3: "regression"}, members=1, starts=1, steps=150).fit(frame)
    assert model.schema_.numeric == ("0", "1", "2")
    assert model.score(frame) > 0.5
    assert Schema(numeric=[0, 1], tasks={2: "count"}).inputs == ("0", "1")
    with pytest.raises(ValueError, match="each column name once"):
        read(pd.DataFrame([[1, 2, 3]], columns=[1, "1", 2]), Schema(numeric=1, tasks={2: "count"}))


def test_the_score_of_a_table_needs_no_y():
    frame = people()
    model = AdaRoute(text="note", numeric="age", categorical="ward", tasks={"phq9": "regression"})
    model.set_params(members=1, starts=1, steps=30).fit(frame)
    assert model.score(frame) == pytest.approx(model.score(frame, frame[["phq9"]]))
    arrays = AdaRoute(members=1, starts=1, steps=5).fit(np.eye(9), np.arange(9.0))
    with pytest.raises(ValueError, match="score: expected y beside arrays"):
        arrays.score(np.eye(9))
