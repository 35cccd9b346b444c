"The tool's trials: what is taken away is gone, commands are measured, targets are judged as written."

import json
from pathlib import Path

import pandas as pd
import pytest

from adaroute.lab import promises as tt
from adaroute.lab.paper import read_result
from adaroute.schema import read
from adaroute.synthetic import make_cohort

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")


@pytest.fixture(scope="module")
def value():
    "The committed result."
    return read_result(ROOT / "paper" / "results", "tool")


@pytest.mark.parametrize("what, column", [("notes", 1), ("numbers", 0)])
def test_what_is_taken_away_is_gone_and_the_rest_is_there(what, column):
    c = make_cohort(50, "missing", seed=100)
    before, after = (
        read(f, c.schema).presence for f in (c.frame, tt.take_away(c.frame, c.schema, what))
    )
    assert not after[:, column].any() and (after[:, 1 - column] == before[:, 1 - column]).all()


def test_other_evidence_is_refused():
    c = make_cohort(10, seed=100)
    with pytest.raises(ValueError, match="notes, numbers"):
        tt.take_away(c.frame, c.schema, "letters")
    with pytest.raises(ValueError, match="T2, T1, N2"):
        tt.price_job("N1", 100, 0)
    with pytest.raises(ValueError, match="0 to 99"):
        tt.removal_job("planted", 100, 100)


@pytest.mark.parametrize("scenario", ["planted", "missing"])
def test_removal_uses_complete_rows_only(scenario):
    found = tt.removal_job(scenario, 120, 1, steps=20, test=100)
    assert (found["rows"] == 120) == (scenario == "planted") and found["rows"] <= 120
    assert (
        all(set(found[what]) == {"routed", "bare", "alone"} for what in tt.TAKEN)
        and json.loads(json.dumps(found)) == found
    )


def test_a_long_table_has_the_rows_asked_for(tmp_path):
    frame = pd.DataFrame({"a": [1, 2, 3], "note": ['he said "no"', "two\nlines", None]})
    tt._write_repeated(frame, tmp_path / "long.csv", 8)
    back = pd.read_csv(tmp_path / "long.csv")
    assert back.a.tolist() == [1, 2, 3, 1, 2, 3, 1, 2] and back.note[4] == "two\nlines"


def test_streaming_is_measured_from_the_command_line():
    found = tt.stream_speed(120, 500, steps=20, distinct=200)
    assert (
        found["rows"] == 500
        and found["calibrated"]
        and 0 < found["cpu"] < 100
        and 0.05 < found["memory"] < 3
    )


def test_a_failing_command_says_so(tmp_path):
    with pytest.raises(RuntimeError, match="adaroute fit: expected status 0, got"):
        tt.run_command("fit", tmp_path / "none.csv", "--out", tmp_path / "m")


def test_targets_are_judged_as_written():
    removal = lambda cost: {
        "rows": 1,
        "whole": 0.1,
        **{w: {"routed": 0.5 + cost, "bare": 0.9, "alone": 0.5} for w in tt.TAKEN},
    }
    rows = pd.DataFrame(tt._removal_rows({"a": [removal(0.01)], "b": [removal(0.05)]}))
    assert rows.reached.tolist() == ["in 1 of 2", "in 1 of 2", "no", "no"]
    loss = lambda x: {"saved": 0.5, "loss": x, "loss_noise_free": x}
    assert [
        r["reached"]
        for r in tt._price_rows(
            {"T1": [loss(0.01)], "T2": [loss(0.011)], "N2": [loss(-0.1), loss(0.2)]}
        )
    ] == ["yes", "no", "in 1 of 2"]
    speed = {
        "cached": {"rows": 9, "cpu": [5.1]},
        "stream": {"rows": 9, "memory": 1.4, "wall": 3, "cpu": 2},
        "report": {},
    }
    assert [r["reached"] for r in tt._speed_rows(speed)] == ["no", "yes", "", "", ""]


# what is committed


def test_committed_trials_are_of_scoring_worlds():
    record = read_result(ROOT / "paper" / "results", "tool", record=True)
    assert record["made_by"] == "60_tool" and all(seed < 100 for seed in record["seeds"])


def test_committed_table_follows_from_the_result(value):
    text = (ROOT / "paper" / "tables" / "tool.md").read_text()
    assert (
        tt.as_markdown(tt.target_table(value)) in text
        and tt.as_markdown(tt.removal_table(value["removal"])) in text
    )


def test_committed_trials_cover_all_that_was_asked(value):
    from adaroute.synthetic import SCENARIOS

    assert set(value["removal"]) == set(SCENARIOS) and set(value["price"]) == set(tt.NEEDY)
    assert (
        value["speed"]["cached"]["rows"] == 100_000
        and value["speed"]["stream"]["rows"] == 1_000_000
    )
