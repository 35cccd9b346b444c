"The committed results say where they come from, and are the ones that figures and text were made of."

import json
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parents[1]
RESULTS = sorted((ROOT / "paper" / "results").glob("*.json"))


def test_there_are_results():
    assert {"planted", "scenarios", "real", "speed", "training", "policy"} <= {
        p.stem for p in RESULTS
    }


@pytest.mark.parametrize("path", RESULTS, ids=lambda p: p.stem)
def test_each_result_names_its_origin(path):
    record = json.loads(path.read_text())
    name = record["made_by"] if "/" in record["made_by"] else f"paper/{record['made_by']}"
    assert (ROOT / "nbs" / f"{name}.ipynb").exists()
    assert record["commit"] and {"python", "numpy", "torch", "adaroute"} <= set(record["versions"])


def test_worlds_that_were_tuned_on_are_not_scored():
    for name in ("planted", "scenarios"):
        assert all(
            seed < 100
            for seed in json.loads((ROOT / "paper/results" / f"{name}.json").read_text())["seeds"]
        )


def test_every_figure_has_both_forms():
    figs = ROOT / "paper" / "figs"
    assert {p.stem for p in figs.glob("*.pdf")} == {p.stem for p in figs.glob("*.png")} and len(
        list(figs.glob("fig*.pdf"))
    ) == 14
    assert (ROOT / "paper" / "adaroute.pdf").stat().st_size > 50_000


def test_planted_compares_with_every_corner_at_every_size():
    value = json.loads((ROOT / "paper/results/planted.json").read_text())["value"]
    for n in map(str, value["sizes"]):
        for how in ("single", "ensemble"):
            minus = value["comparison"][n][how]["rival_minus_routed"]
            assert sum("/" in m for m in minus) == 8 and "wide" in minus
            assert all({"estimate", "low", "high"} <= set(d) for d in minus.values())
