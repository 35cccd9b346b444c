"""Every number of the README's block and of the paper is what the results say, and points to where it was made.

If one of these fails after a change of results or words: `make paper`, copy paper/tables/headline.md into the README,
or, if only words of the paper changed, `python -m adaroute.lab.claims`."""

import json
import re
import shutil
from pathlib import Path

import pytest

from adaroute.lab import claims
from adaroute.lab.paper_tables import summarise

ROOT = Path(__file__).resolve().parents[1]
README, SOURCE = (ROOT / "README.md").read_text(), (ROOT / "paper/adaroute.typ").read_text()
TABLES = ROOT / "paper" / "tables"
ALLOWED = (  # numbers that are typed into the paper, and why they may be
    r"95 % (bootstrap |Wilson )?i",  # a convention
    r"sum to 100 %",  # of rows of a confusion table
    r"r\.(high|estimate) <= 1\.02",  # the bar that was set before there were results
    r"the 2 % set as a ta",  # the same in words
)


@pytest.fixture(scope="module")
def ledger():
    return json.loads((TABLES / "claims.json").read_text())


@pytest.fixture
def copy(tmp_path):
    "What the ledger points to, to be spoiled."
    for what in ("results", "tables"):
        shutil.copytree(ROOT / "paper" / what, tmp_path / "paper" / what)
    return tmp_path


def test_every_claim_is_what_its_result_says(ledger):
    assert claims.drifts(ROOT, ledger) == []


def test_every_number_of_the_readme_is_claimed(ledger):
    assert claims.uncovered(README, ledger) == []


def test_the_ledger_is_the_one_of_these_words(ledger):
    made = claims.build_ledger(
        ROOT, *(ROOT / "paper" / what for what in ("results", "figs", "tables"))
    )
    assert made == ledger, "the paper's words changed: python -m adaroute.lab.claims"


def test_counts_are_those_of_the_results():
    references = json.loads((ROOT / "paper/references.json").read_text())["tables"]
    now = json.loads(json.dumps(summarise(ROOT / "paper/results", references)))
    assert json.loads((TABLES / "summary.json").read_text()) == now, "make paper"


def test_no_number_is_typed_into_the_paper():
    typed = [
        words for words in claims.literals(SOURCE) if not any(re.search(a, words) for a in ALLOWED)
    ]
    assert not typed, "look it up in the results, or say in ALLOWED why it may stand there"


def test_notebooks_and_cells_exist_and_write_what_is_claimed(ledger):
    for notebook, cell, result in sorted({(c["notebook"], c["cell"], c["result"]) for c in ledger}):
        cells = {
            c["id"]: "".join(c["source"])
            for c in json.loads((ROOT / notebook).read_text())["cells"]
        }
        assert cell in cells, f"{notebook} has no cell {cell}"
        assert f'"{Path(result).stem}"' in cells[cell] and re.search(
            r"write_result\(|\btable\(", cells[cell]
        ), f"{notebook}, {cell}: does not write {result}"


def test_both_texts_have_claims_and_ledger_has_all_fields(ledger):
    assert {c["where"] for c in ledger} == {"README.md", "adaroute.typ"}
    assert all(
        set(c) == {"claim", "where", "result", "key", "how", "form", "notebook", "cell", "shown"}
        for c in ledger
    )


# the alarm rings


def nudge(path, key, by):
    "Change one number of a JSON file."
    found = json.loads(path.read_text())
    *way, last = key
    place = found
    for k in way:
        place = place[k]
    place[last] += by
    path.write_text(json.dumps(found))


def test_one_digit_of_a_result_is_noticed(ledger, copy):
    assert claims.drifts(copy, ledger) == []
    nudge(
        copy / "paper/results/planted.json",
        ["value", "summary", "1000", "ensemble", "routed", "estimate"],
        0.01,
    )
    moved = claims.drifts(copy, ledger)
    assert (
        moved
        and {m.partition(":")[0] for m in moved} == {"README.md", "adaroute.typ"}
        and "planted.json says" in moved[0]
    )


def test_one_digit_of_the_readme_is_noticed(ledger):
    block = claims.results_block(README)
    number = claims.numbers_in(block)[3]
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    spoiled = README.replace(block, block.replace(number, other, 1))
    assert claims.uncovered(spoiled, ledger) == [
        f"number 4: README has {other}, ledger has {number}"
    ]


def test_a_number_more_in_the_readme_is_noticed(ledger):
    block = claims.results_block(README)
    assert claims.uncovered(README.replace(block, block + "| better by | 7% |\n"), ledger) == ["7%"]


@pytest.mark.parametrize(
    "words",
    [
        "It closes 0.79 of the headroom.",
        "It closes .79 of it.",
        "It closes 79 % of it.",
        "It closes 79% of it.",
    ],
)
def test_a_number_typed_into_the_paper_is_noticed(words):
    typed = claims.literals(SOURCE.replace("= Results", f"= Results\n\n{words}", 1))
    assert len(typed) == len(claims.literals(SOURCE)) + 1 and not any(
        re.search(a, words) for a in ALLOWED
    )


def test_a_result_that_is_gone_is_noticed(ledger, copy):
    found = json.loads((copy / "paper/results/planted.json").read_text())
    del found["value"]["summary"]
    (copy / "paper/results/planted.json").write_text(json.dumps(found))
    assert any(
        "expected a name that is there, got 'summary'" in m for m in claims.drifts(copy, ledger)
    )


def test_a_number_of_the_summary_is_noticed_when_results_change(copy):
    if not (copy / "paper/results/arena.json").is_file():
        pytest.skip("the arena has not run")
    before = summarise(copy / "paper/results", {})["arena"]
    found = json.loads((copy / "paper/results/arena.json").read_text())
    row = next(r for r in found["value"]["rows"] if r["gap"] is not None and r["gap_low"] > 0)
    row["gap_low"] = -1.0
    (copy / "paper/results/arena.json").write_text(json.dumps(found))
    assert summarise(copy / "paper/results", {})["arena"]["ahead"] == before["ahead"] - 1
