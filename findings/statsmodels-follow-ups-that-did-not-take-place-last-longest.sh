#!/usr/bin/env bash
# In statsmodels follow-ups that did not take place last longest: a median of one year becomes 2.5.
#
# SurvfuncRight estimates a survival curve from times and statuses, and takes them with gaps. A missing time
# sorts behind all others, so whoever was not seen again is at risk to the end and has no event there: with
# a quarter missing at random the median to relapse is 2.51 years for 0.96. A missing status is no event,
# whatever happened, and makes 1.37 of it. No warning; the number at risk that the curve begins with is that
# of complete data. PHReg of the same module leaves such rows out, lifelines and scikit-survival stop. The
# docstring speaks of times and of 0 and 1, and not of missing ones. Guess before the run: an error, or rows
# left out, as in PHReg. adaroute has no outcome of time to event.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  statsmodels==0.15.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight

draw = numpy.random.default_rng(0)
dose = draw.normal(size=1000)
until, leaves = draw.exponential(numpy.exp(-0.5 * dose)) * 1.5, draw.exponential(3, 1000)
years, relapse = numpy.minimum(until, leaves), (until <= leaves).astype(float)
gone = draw.uniform(size=1000) < 0.25
no_time, no_status = years.copy(), relapse.copy()
no_time[gone], no_status[gone] = numpy.nan, numpy.nan
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for label, time, status in (("complete", years, relapse), ("left out", years[~gone], relapse[~gone]),
                                ("time missing", no_time, relapse), ("status missing", years, no_status)):
        curve = SurvfuncRight(time, status)
        covariate = dose[~gone] if label == "left out" else dose
        slope = PHReg(time, covariate[:, None], status=status).fit().params[0]
        got[label] = float(curve.quantile(0.5)), float(slope)
        print(f"{label:15}median {got[label][0]:.2f} years, at risk at first {curve.n_risk[0]:.0f};"
              f" PHReg {got[label][1]:.3f}")
print(*(f"{n} {version(n)}" for n in ("statsmodels", "numpy")), "warnings:", len(said))
right = got["left out"]
assert abs(right[0] - got["complete"][0]) < 0.15
assert all(abs(got[name][1] - right[1]) < 1e-6 for name in ("time missing", "status missing"))
assert got["time missing"][0] > 1.4 * right[0], "statsmodels has changed"
assert got["status missing"][0] > 1.15 * right[0], "statsmodels has changed"
assert not said, "statsmodels has changed"
PYTHON
