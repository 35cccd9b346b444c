"The speed bench: seconds, floors and a picture, into the paper's folders. `make bench` runs it."

import argparse
import tempfile
from pathlib import Path

from adaroute.lab.results import write_result
from adaroute.lab.speed import draw_costs, run_bench
from adaroute.report.style import savefig

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[2**k for k in range(7, 13)])
    parser.add_argument("--most", type=int, default=512, help="rows of the largest fit")
    parser.add_argument("--learning", type=int, default=256, help="rows of the model asked")
    parser.add_argument("--note", default="", help="what else the machine did meanwhile")
    parser.add_argument("--paper", type=Path, default=ROOT / "paper")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = run_bench(Path(place) / "model", sorted(told.rows), told.most, told.learning)
    found["note"] = told.note
    write_result(told.paper / "results", "bench", found, seeds=[0, 1], notebook="8_lab/21_speed")
    savefig(draw_costs(found), told.paper / "figs" / "bench_costs")


if __name__ == "__main__":
    main()
