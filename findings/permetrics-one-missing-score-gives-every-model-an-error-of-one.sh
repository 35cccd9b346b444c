#!/usr/bin/env bash
# In permetrics every model has an error of 1 once one score is missing, and a MAPE of 1 if somebody has a 0.
#
# RegressionMetric replaces a result that is not finite by a finite value, 1.0 for errors, unless told not
# to. One NaN in the outcome, or in the predictions, makes MAE, RMSE and MSE 1.0 for any model: on a PHQ-9
# from 0 to 27 that is among the best that there could be, and the good and the useless tie. R2 is 0 then.
# Without a gap MAPE is 1.0 for every model if the outcome of one person is 0, as it is of whoever is well;
# there numpy warns of a division, for the gap nobody does. The arguments are in the docstrings, which give
# 0.0 for the finite value where the signature has 1.0; that a missing outcome comes under them they do not
# say. scikit-learn's scores stop, and so do the classification metrics of the package itself. Guess before
# the run: nan, or an error. adaroute's scores leave out people without an outcome and refuse a missing
# prediction.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  permetrics==2.0.0 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
from permetrics import RegressionMetric

draw = numpy.random.default_rng(0)
score = draw.integers(1, 28, 200).astype(float)
good, useless = score + draw.normal(0, 1.5, 200), draw.normal(14, 8, 200)
missing, well = score.copy(), score.copy()
missing[3], well[3] = numpy.nan, 0
names = ("MAE", "RMSE", "MAPE", "R2")
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for label, outcome in (("complete", score), ("one missing", missing), ("one is 0", well)):
        for model, told in (("good", good), ("useless", useless)):
            metric = RegressionMetric(outcome, told)
            got[label, model] = {name: float(getattr(metric, name)()) for name in names}
    gone = numpy.where(numpy.arange(200) == 3, numpy.nan, good)
    predicted = float(RegressionMetric(score, gone).MAE())
said = [str(w.message) for w in said if "zero" not in str(w.message)]
print("permetrics", version("permetrics"), "numpy", version("numpy"), "warnings of gaps:", len(said))
for (label, model), row in got.items():
    print(f"{label:12}{model:8}", {name: round(value, 2) for name, value in row.items()})
print("one prediction missing: MAE", predicted)
assert got["complete", "good"]["MAE"] < 2 < 7 < got["complete", "useless"]["MAE"]
for model in ("good", "useless"):
    row = got["one missing", model]
    assert (row["MAE"], row["RMSE"], row["R2"]) == (1, 1, 0), "permetrics has changed"
    assert got["one is 0", model]["MAPE"] == 1, "permetrics has changed"
assert predicted == 1 and not said, "permetrics has changed"
PYTHON
