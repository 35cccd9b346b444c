#!/usr/bin/env bash
# crepes gives whoever falls in a group that calibration never saw the interval from 0 to 0.
#
# Mondrian intervals are calibrated group by group (ward, route, pattern of missing evidence). When a
# row to be predicted is in a group without calibration rows, crepes neither stops nor warns nor answers
# from -inf to inf, as it does for a group that is too small: both ends are 0, wherever the prediction
# is, and the p-value of a predictive system is 0 too. On a score from 0 to 27 it looks like a person
# who is surely well. A missing group does the same. Guess before the run: an error, or no limits.
# adaroute falls back to the calibration of all rows for a route without enough of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  crepes==0.9.1 numpy==2.4.6 pandas==3.1.1 scikit-learn==1.9.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy
from crepes import ConformalPredictiveSystem, ConformalRegressor

draw = numpy.random.default_rng(0)
residuals, ward = draw.normal(0, 3, 200), numpy.repeat(["A", "B"], 100)
predicted, where = numpy.array([12.0, 12.0, 12.0]), numpy.array(["A", "B", "C"])
intervals = ConformalRegressor().fit(residuals, bins=ward)
got = intervals.predict_int(predicted, bins=where, confidence=0.9)
system = ConformalPredictiveSystem().fit(residuals, bins=ward)
chance = system.predict_p(predicted, bins=where, y=numpy.full(3, 12.0), smoothing=False)
print("crepes", version("crepes"), "numpy", version("numpy"))
for place, (low, high), p in zip(where, got, chance):
    print(f"ward {place}: predicted 12.0, 90 % interval {low:.1f} to {high:.1f}, p of 12.0: {p:.2f}")
assert got[0, 0] < 12 < got[0, 1] and got[1, 0] < 12 < got[1, 1]
assert (got[2] == 0).all() and chance[2] == 0, "crepes has changed"
PYTHON
