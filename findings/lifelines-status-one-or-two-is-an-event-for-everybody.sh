#!/usr/bin/env bash
# For lifelines a status of 1 or 2, as R codes it, means that everybody had the event.
#
# In R's survival package, and in the tables that come from it, 1 is censored and 2 is the event.
# lifelines makes True of whatever is not 0: with such a column nobody is censored, the median time to
# relapse shrinks to the median of all follow-ups and the hazard ratio moves, with no warning. (Other
# values that stand for no event, such as -1, are events as well.) Guess before the run: R's reading, or
# an error, since a column without a 0 cannot be a flag. R's Surv() tells the two codings apart.
# adaroute has no outcome of time to event.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  lifelines==0.30.3 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from lifelines import CoxPHFitter, KaplanMeierFitter

draw = numpy.random.default_rng(0)
burden = draw.normal(size=600)
relapse, end = draw.exponential(20 * numpy.exp(-0.7 * burden)), draw.uniform(2, 30, 600)
table = pandas.DataFrame({"months": numpy.minimum(relapse, end), "burden": burden})
got = {}
for name, status in (("0 or 1", relapse <= end), ("1 or 2", (relapse <= end) + 1)):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        table["status"] = numpy.asarray(status, int)
        median = KaplanMeierFitter().fit(table["months"], table["status"]).median_survival_time_
        cox = CoxPHFitter().fit(table, "months", "status")
    got[name] = cox.event_observed.sum(), median, cox.params_["burden"]
    print(f"status {name}: {got[name][0]} events of {len(table)}, median {median:.1f} months,"
          f" log hazard ratio {got[name][2]:.2f}, warnings {len(said)}")
print(*(f"{n} {version(n)}" for n in ("lifelines", "pandas", "numpy")))
assert got["0 or 1"][0] == (relapse <= end).sum() and abs(got["0 or 1"][2] - 0.7) < 0.15
assert got["1 or 2"][0] == len(table) and got["1 or 2"][1] < got["0 or 1"][1], "lifelines has changed"
PYTHON
