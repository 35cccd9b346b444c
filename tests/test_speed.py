"The committed bench is whole: floors lie beneath, and everybody was timed in the one run."

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOUND = json.loads((ROOT / "paper/results/bench.json").read_text())["value"]


def test_rows_grow_by_powers_of_two():
    rows = [size["rows"] for size in FOUND["sizes"]]
    assert len(rows) >= 4 and all(later == 2 * sooner for sooner, later in zip(rows, rows[1:]))


@pytest.mark.parametrize("size", FOUND["sizes"], ids=lambda size: str(size["rows"]))
def test_nobody_is_below_the_floor(size):
    assert size["floors"]["predict"] <= size["ask"]["network"] <= size["ask"]["predict"]
    assert size["floors"]["commit"] <= size["ask"]["commit"]
    if "fit" in size:
        assert size["floors"]["fit"] <= size["fit"]["ours"]
        assert {"ours", "reading", "ridge", "boosting"} <= set(size["fit"])


def test_the_package_costs_less_than_numpy():
    took = {name: about["seconds"] for name, about in FOUND["imports"].items()}
    assert took["adaroute"] <= 1.1 * took["numpy"] < took["reader in numpy"] < took["estimator"]
