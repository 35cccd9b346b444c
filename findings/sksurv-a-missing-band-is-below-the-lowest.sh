#!/usr/bin/env bash
# In scikit-survival a missing severity band is -1, as if it were one step milder than "none".
#
# categorical_to_numeric makes numbers of columns in words. For a pandas categorical it hands over the
# codes of pandas, where -1 stands for missing: nobody's band becomes a band, one step milder than the
# mildest, and a Cox model or a forest takes it for a low answer. The same column as plain words has NaN
# there, and its levels in the order of the alphabet, so "none" lies between "moderate" and "severe".
# encode_categorical and the OneHotEncoder keep the gap. Nothing is said; the page speaks of "an integer
# value" for each category, not of missing ones or of the order. Guess before the run: NaN in both.
# In adaroute a missing answer stays missing, and the order of words is never guessed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  scikit-survival==0.28.0 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from sksurv.column import categorical_to_numeric, encode_categorical
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

bands = ["none", "mild", "moderate", "severe"]
draw = numpy.random.default_rng(0)
level = draw.integers(0, 4, 600)
missing = (level == 3) & (draw.uniform(size=600) < 0.8)  # who is worst seldom fills in the form
words = pandas.Series(bands)[level].reset_index(drop=True).mask(missing)
ordered = pandas.Series(pandas.Categorical(words, bands, ordered=True))
seen = pandas.DataFrame({"as a categorical": ordered, "as words": words.astype(object)})
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    numbers = categorical_to_numeric(seen)
    dummies = encode_categorical(pandas.DataFrame({"band": ordered}))
    time = draw.exponential(10 / numpy.exp(0.5 * level))
    outcome = Surv.from_arrays(numpy.ones(600, bool), time)
    hazard = {}
    for name, rows in (("all rows", slice(None)), ("answered", ~missing)):
        cox = CoxPHSurvivalAnalysis().fit(numbers.loc[rows, ["as a categorical"]], outcome[rows])
        hazard[name] = cox.coef_[0]
codes = {}
for name in seen:
    told = pandas.DataFrame({"band": words.fillna("(missing)"), "code": numbers[name]})
    codes[name] = told.groupby("band")["code"].first().to_dict()
    gap = numbers.loc[missing, name].iloc[0]
    print(f"{name}: {({band: codes[name][band] for band in bands})}, missing {gap}")
print("log hazard a band (true: 0.5):", {name: round(float(h), 2) for name, h in hazard.items()})
print("encode_categorical, missing:", dummies[missing].iloc[0].tolist())
print(*(f"{n} {version(n)}" for n in ("scikit-survival", "pandas")), "warnings:", len(said))
assert dummies[missing].isna().all(axis=None) and not said
assert (numbers.loc[missing, "as a categorical"] == -1).all(), "scikit-survival has changed"
assert numbers.loc[missing, "as words"].isna().all()
assert codes["as words"]["none"] == 2, "scikit-survival has changed"
assert hazard["answered"] > 0.4 > 0.2 > hazard["all rows"], "scikit-survival has changed"
PYTHON
