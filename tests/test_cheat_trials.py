"""Trials of the verifier: each cheat is caught and named, honest runs pass, costs are counted, and tables count what they are given."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from adaroute.lab import cheat_tables as ct
from adaroute.lab import cheat_trials as pt
from adaroute.lab.cheats import CHEATS
from adaroute.lab.paper import read_result
from adaroute.lab.promises import as_markdown

ROOT = Path(__file__).resolve().parents[1]
SMALL = dict(n=160, steps=60, every=15)
pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")


@pytest.fixture(scope="module")
def trials():
    return {
        name: pt.run_provenance_trial(dict(kind="cheat", name=name, seed=105, world=SMALL))
        for name in CHEATS
    }


@pytest.mark.parametrize("name", CHEATS)
def test_each_cheat_is_caught(trials, name):
    assert trials[name]["caught"] and trials[name]["called"]


def test_plain_numbers(trials):
    for t in trials.values():
        assert json.loads(json.dumps(t)) == t
        assert list(t) == [
            "cheat",
            "seed",
            "how",
            "status",
            "caught",
            "called",
            "named",
            "wrong",
            "distance",
            "failed",
            "training",
            "verification",
        ]


@pytest.mark.parametrize(
    "how",
    [dict(), dict(selection="soft", members=2), dict(selection="hard", starts=2, resumed=True)],
)
def test_an_honest_run_passes(how):
    t = pt.honest_trial(105, **how, world=SMALL)
    assert (
        t["status"] == 0
        and t["named"]
        and t["called"] == ""
        and t["distance"] == 0
        and t["wrong"] == 0
        and 0 <= t["early"] <= 1
    )


def test_another_process_says_the_same():
    t = pt.other_machine_trial(105, "here", world=SMALL)
    assert (
        t["status"] == 0
        and [s["distance"] for s in t["segments"]] == [0] * 4
        and t["same_environment"]
    )


def test_a_process_that_fails_says_why(monkeypatch):
    monkeypatch.setitem(pt.ELSEWHERE, "broken", dict(PYTHONPATH="/nowhere"))
    monkeypatch.setattr(pt, "_ASK", "raise SystemExit('no such machine')")
    with pytest.raises(RuntimeError, match="broken: expected an answer, got: no such machine"):
        pt._ask_elsewhere("broken", 1)


def test_the_best_of_k_is_counted_over_all_choices():
    rng = np.random.default_rng(0)
    trial = dict(test=rng.normal(size=7), fresh=rng.normal(size=7))
    for k in (1, 3, 7):
        best = [max(c, key=lambda i: trial["test"][i]) for c in combinations(range(7), k)]
        found = pt.shopping_gain(trial, [k])
        assert np.isclose(found["seeming"][0], trial["test"][best].mean() - trial["test"].mean())
        assert np.isclose(found["true"][0], trial["fresh"][best].mean() - trial["fresh"].mean())


def test_tables_count_what_they_are_given(trials):
    t = trials["gluing"]
    table = ct.cheat_table(
        [
            t,
            t | dict(called="replacement", named=False),
            t | dict(how="strength 0.1", caught=False, called="", named=False),
        ]
    )
    assert (
        table[["runs", "caught", "named"]].to_numpy().tolist() == [[2, 2, 1], [1, 0, 0]]
        and table.otherwise[0] == "replacement (1)"
    )
    passed = dict(caught=False, status=0, training=1.0, verification=1.3, capability="avx2")
    value = dict(
        cheats=[t, t | dict(caught=False, named=False)],
        variants=[],
        honest=[passed],
        elsewhere=[passed | dict(caught=True, status=1)],
        transcript=[],
        commitment=[dict(rows=9, seconds=16, proof_bytes=10)],
        dictionary=[dict(guesses=9, salted=1, unsalted=9)],
    )
    assert ct.promise_table(value).reached.tolist() == ["yes", "no", "no", "no", "no", "no", "no"]


@pytest.mark.parametrize(
    "line, words",
    [
        (dict(world=1), "line 2: expected 'regime'"),
        (
            dict(
                world=100, regime="over", kappa=0, leak=0, p_value=1, leak_p_value=1, stated_power=0
            ),
            "line 2: expected a world from 0 to 99, got 100",
        ),
    ],
)
def test_scores_are_checked(tmp_path, line, words):
    good = dict(world=1, regime="over", kappa=0, leak=0, p_value=1, leak_p_value=1, stated_power=0)
    (tmp_path / "s.jsonl").write_text(json.dumps(good) + "\n" + json.dumps(line))
    with pytest.raises(ValueError, match=f"s.jsonl, {words}"):
        ct.read_scores(tmp_path / "s.jsonl")


def test_power_is_counted_by_regime_and_share():
    score = lambda kappa, leak, p, q: dict(
        world=0, regime="over", kappa=kappa, leak=leak, p_value=p, leak_p_value=q, stated_power=0.5
    )
    scores = [
        score(0, 0, 0.5, 0.5),
        score(0.2, 0, 0.01, 0.5),
        score(0.2, 0, 0.2, 0.5),
        score(0, 0.5, 0.5, 0.05),
    ]
    assert [(r["kappa"], r["found"]) for r in ct.power_table(scores)] == [(0, 0), (0.2, 0.5)]
    assert [(r["kappa"], r["found"]) for r in ct.power_table(scores, leak=True)] == [
        (0, 0),
        (0.5, 1),
    ]
    assert ct.power_table([]) == []


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: pt.cheat_trial("alchemy", 1), "cheat: expected one of addition"),
        (lambda: pt.other_machine_trial(1, "quantum"), "capability: expected one of default"),
        (lambda: pt.shopping_trial(1, "oracle"), "model: expected one of adaroute, ridge"),
        (lambda: pt.run_provenance_trial({"kind": "x"}), "kind: expected one of cheat"),
    ],
)
def test_what_nobody_knows_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# what is committed


@pytest.fixture(scope="module")
def value():
    return read_result(ROOT / "paper" / "results", "provenance")


def test_committed_trials_are_of_scoring_worlds():
    for name in ("provenance", "memorisation"):
        record = read_result(ROOT / "paper" / "results", name, record=True)
        assert record["made_by"] == "61_provenance" and all(seed < 100 for seed in record["seeds"])


def test_committed_tables_follow_from_the_result(value):
    text = (ROOT / "paper" / "tables" / "provenance.md").read_text()
    table = ct.cheat_table(value["cheats"] + value["variants"])
    assert as_markdown(ct.promise_table(value)) in text
    assert (
        as_markdown(
            table.assign(distance=table.distance.map(lambda d: "" if d != d else f"{d:.2g}"))
        )
        in text
    )


def test_committed_trials_cover_all_that_was_asked(value):
    assert {(t["cheat"], t["seed"]) for t in value["cheats"]} == {
        (c, s) for c in CHEATS for s in range(20)
    }
    assert {t["selection"] for t in value["honest"]} == {"likelihood", "soft", "hard"} and any(
        t["resumed"] for t in value["honest"]
    )
    assert value["dictionary"][0]["guesses"] == 89_936 and value["commitment"][0]["rows"] == 100_000
