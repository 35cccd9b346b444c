#!/usr/bin/env bash
# In semopy, missing answers do not widen a single standard error: intervals of 95 % hold in half the cases.
#
# A structural equation model of a table with gaps is fitted to covariances of whatever pairs there are,
# and its standard errors are those of as many people as the table has rows. With 30 of 300 answers on
# the outcome left, the estimate scatters three times as widely as the standard error says, and p-values
# and chi-squared go the same way. obj="FIML", which reads each row for what it has, keeps the errors too
# small as well. Nothing is said; lavaan in R leaves incomplete rows out unless told otherwise, and says
# how many it used. The function that makes the covariances notes that it takes missing values into
# account; of the standard errors neither it nor the guide speaks. Guess before the run: rows left out,
# or an error. adaroute's intervals come from its errors on people whom it was not trained on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  semopy==2.3.11 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 \
  statsmodels==0.15.0 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from semopy import Model

PEOPLE, TRUE = 300, 0.5


def make_people(seed, answered):
    draw = numpy.random.default_rng(seed)
    burden = draw.normal(size=PEOPLE)
    people = pandas.DataFrame({f"item{i}": burden + draw.normal(size=PEOPLE) for i in (1, 2, 3)})
    people["days_off"] = TRUE * burden + draw.normal(size=PEOPLE)
    people.loc[answered:, "days_off"] = numpy.nan  # by chance: rows are drawn in no order
    return people


def fit_effect(people, how):
    model = Model("burden =~ item1 + item2 + item3\ndays_off ~ burden")
    model.fit(people, obj=how)
    found = model.inspect()
    row = found[(found["lval"] == "days_off") & (found["rval"] == "burden")].iloc[0]
    return float(row["Estimate"]), float(row["Std. Err"])


got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for answered, how, draws in ((300, "MLW", 60), (30, "MLW", 60), (30, "FIML", 12)):
        runs = [fit_effect(make_people(seed, answered), how) for seed in range(draws)]
        effects, errors = numpy.array(runs).T
        held = (abs(effects - TRUE) < 1.96 * errors).mean()
        got[answered, how] = errors.mean(), effects.std(), held
        print(f"{answered} of {PEOPLE} answered, {how:4} standard error {errors.mean():.3f}, scatter of"
              f" the estimate {effects.std():.3f}, intervals that hold the effect {held:.0%}")
rows = [fit_effect(make_people(seed, 30).dropna(), "MLW")[1] for seed in range(20)]
print(f"the 30 people alone: standard error {numpy.median(rows):.3f}")
print(*(f"{n} {version(n)}" for n in ("semopy", "pandas", "numpy", "scipy")), "warnings:", len(said))
whole, gaps, rowwise = got[300, "MLW"], got[30, "MLW"], got[30, "FIML"]
assert whole[2] > 0.85 and numpy.median(rows) > 0.2
assert abs(gaps[0] - whole[0]) < 0.02 and gaps[1] > 2 * gaps[0], "semopy has changed"
assert gaps[2] < 0.7 and rowwise[0] < 0.12, "semopy has changed"
PYTHON
