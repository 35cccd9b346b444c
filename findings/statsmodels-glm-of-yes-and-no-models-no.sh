#!/usr/bin/env bash
# A logistic model written as a formula in statsmodels models "no" and False; R's models "yes" and TRUE.
#
# smf.glm("ill ~ burden", family=Binomial()) with a column of True and False, or of "yes" and "no",
# makes two columns of the outcome and takes the first for the successes: the coefficient has the other
# sign, predict() gives the chance of being well, and an odds ratio is turned over. With 0 and 1 in the
# same column all is as expected, and smf.logit refuses such a column. The summary names both columns
# and gives no warning. Open since 2015 (statsmodels/statsmodels issue 2181), and still so with the
# formula engine of 0.15. Guess before the run: True is the event. adaroute takes yes and
# true for 1, and its probabilities carry the name of their level.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  statsmodels==0.15.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
import statsmodels.formula.api as formula
from statsmodels.genmod.families import Binomial

draw = numpy.random.default_rng(0)
table = pandas.DataFrame({"burden": draw.normal(size=500)})
ill = table["burden"] + draw.logistic(size=500) > 0.5
asked = pandas.DataFrame({"burden": [2.0]})
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, outcome in {
        "0 and 1": ill.astype(int), "False and True": ill, "no and yes": ill.map({True: "yes", False: "no"})
    }.items():
        table["ill"] = outcome
        model = formula.glm("ill ~ burden", table, family=Binomial()).fit()
        got[name] = model.params["burden"], float(numpy.ravel(model.predict(asked))[0])
        print(f"{name:14} coefficient of burden {got[name][0]:5.2f}, predicted at high burden"
              f" {got[name][1]:.2f}, outcome called {model.model.endog_names}")
    table["ill"] = ill
    try:
        formula.logit("ill ~ burden", table)
    except ValueError as error:
        print("logit:", str(error)[:75])
    else:
        raise AssertionError("logit has changed")
print("warnings:", len(said))
print(*(f"{n} {version(n)}" for n in ("statsmodels", "pandas", "numpy")))
assert got["0 and 1"][0] > 0.5 and got["0 and 1"][1] > 0.6
for name in ("False and True", "no and yes"):
    assert abs(got[name][0] + got["0 and 1"][0]) < 1e-6 and got[name][1] < 0.4, "statsmodels has changed"
PYTHON
