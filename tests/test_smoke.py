"The whole paper at its smallest scale: every notebook runs, and figures come out the same bytes twice."

import hashlib
import subprocess
import sys
from pathlib import Path
import pytest

from adaroute.lab.paper import make_paper

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "paper" / "runs" / "smoke"
FIGURES = {
    "fig1_method",
    "fig2_cohort",
    "fig3_headroom",
    "fig4_recovery",
    "fig6_policy",
    "fig7_real",
    "fig5_training",
    "fig8_evidence",
    "fig10_controls",
    "fig9_ablations",
    "fig11_tables",
    "fig12_provenance",
    "fig13_length",
    "fig14_rules",
}


def drive(*words):
    done = subprocess.run(
        [sys.executable, "-m", "adaroute.lab.paper", "--scale", "smoke", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


def digests():
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in (RUNS / "figs").glob("fig*")  # chapters of the studies draw into it as well
        if p.suffix in (".pdf", ".png")
    }


@pytest.mark.slow
@pytest.mark.usefixtures("quick_kernels")
def test_smoke_paper_runs_and_figures_are_byte_identical():
    make_paper(ROOT, "smoke")  # all that the command does, in kernels that have their libraries
    assert set(digests()) == {f"{name}.{kind}" for name in FIGURES for kind in ("pdf", "png")}
    first = digests()
    # and the command itself, in a process and a kernel of its own
    drive("--only", "59_figures", "--force")
    assert digests() == first
