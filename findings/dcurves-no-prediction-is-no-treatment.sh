#!/usr/bin/env bash
# For dcurves a person without a prediction is one whom the model would leave untreated, and counts.
#
# A decision curve compares a model with treating everybody. Where predictions are missing, because a
# laboratory value was, dca() compares them with the threshold, finds them not above it, and keeps the
# people in the denominator: the model seems to miss a third of the ill and falls below "treat all",
# whose line is drawn for everybody. With the same rows left out the model is the better one. A missing
# outcome makes all lines missing, which is seen; this is not. Nothing is said. Guess before the run: an
# error, or rows left out for all lines. adaroute predicts whoever has any evidence, and its scores
# refuse a prediction that is missing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  dcurves==1.1.7 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from dcurves import dca

draw = numpy.random.default_rng(0)
chance = draw.uniform(size=900)
table = pandas.DataFrame({"ill": (draw.uniform(size=900) < chance).astype(int), "model": chance})
holed = table.assign(model=table["model"].where(draw.uniform(size=900) < 0.67))
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, rows in {"complete": table, "gaps left in": holed, "gaps left out": holed.dropna()}.items():
        lines = dca(data=rows, outcome="ill", modelnames=["model"], thresholds=[0.2])
        got[name] = lines.set_index("model")["net_benefit"].astype(float)
        print(f"{name:14} {len(rows)} people, net benefit at 20 %: model {got[name]['model']:.3f},"
              f" treat all {got[name]['all']:.3f}")
about = [str(one.message)[:70] for one in said if "missing" in str(one.message).lower()]
print("warnings about missing values:", len(about))
print(*(f"{name} {version(name)}" for name in ("dcurves", "pandas", "numpy")))
assert got["complete"]["model"] > got["complete"]["all"] and not about
assert got["gaps left out"]["model"] > got["gaps left out"]["all"]
assert got["gaps left in"]["model"] < got["gaps left in"]["all"] - 0.05, "dcurves has changed"
PYTHON
