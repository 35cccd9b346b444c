"""The tests as another processor would run them: other kernels, other numbers of threads.

    python tests/elsewhere.py                      all tests in all places
    python tests/elsewhere.py --places "plain torch" -- tests/test_pins.py -q

What fails in one of these places fails at somebody's desk.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = {  # name -> what is different there
    "plain torch": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    "torch with AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "compatible MKL": {"MKL_CBWR": "COMPATIBLE", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "OpenBLAS for Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "OpenBLAS for Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "plain numpy": {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX"},
    "two threads": {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
}


def run_there(place: str, words: list[str]) -> tuple[int, str]:
    "Exit status and last line of pytest in a place."
    there = {**os.environ, "PYTHONWARNINGS": "ignore::ImportWarning", **PLACES[place]}
    command = [sys.executable, "-m", "pytest", *words]
    done = subprocess.run(command, cwd=ROOT, env=there, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return done.returncode, "\n    ".join([*failed, *(lines[-1:] or done.stderr.splitlines()[-1:])])


def main(words: list[str]) -> int:
    ask = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    ask.add_argument("--places", nargs="+", choices=PLACES, default=list(PLACES), metavar="PLACE")
    ask.add_argument("words", nargs="*", default=["tests", "-q"], help="for pytest, after --")
    asked, worst = ask.parse_args(words), 0
    for place in asked.places:
        start = time.monotonic()
        status, line = run_there(place, asked.words)
        worst = max(worst, status)
        print(f"{place:<22} {time.monotonic() - start:>6.0f} s  {line}", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
