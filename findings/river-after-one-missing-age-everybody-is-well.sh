#!/usr/bin/env bash
# In River everybody is well from the first missing value on, for good.
#
# A model of River learns from one person at a time, and iter_frame hands it NaN for the gaps of a table. The
# scaler before a logistic regression then has a mean of NaN, the weights become NaN, and from there on no
# chance is a number. predict_one compares it with one half and says False: a model that is right about nine
# in ten calls each further person well, whatever comes, and its accuracy settles at the share of those who
# are. No warning, at the gap or later. What is not in the dictionary is a gap to River and does no harm,
# None stops with an error, and its Hoeffding tree goes on learning. scikit-learn's partial_fit stops at
# NaN. Guess before the run: an error, or the gap left out. adaroute has an input of its own for a missing
# cell, and learns from whole tables.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  river==0.26.1 narwhals==2.29.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from river import compose, linear_model, metrics, preprocessing, stream, tree

draw = numpy.random.default_rng(0)
burden = draw.normal(10, 4, 2000)
ill = burden + draw.normal(size=2000) > 10
gap = burden.copy()
gap[500] = numpy.nan
tables = {"complete": burden, "one missing": gap}
models = {
    "logistic regression": lambda: compose.Pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression()),
    "Hoeffding tree": tree.HoeffdingTreeClassifier,
}
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for kind, make in models.items():
        for name, column in tables.items():
            model, whole = make(), metrics.Accuracy()
            late = []
            for row, truth in stream.iter_frame(pandas.DataFrame({"burden": column}), pandas.Series(ill)):
                told = model.predict_one(row)
                whole.update(bool(truth), bool(told))
                late.append(bool(told))
                model.learn_one(row, bool(truth))
            chance = model.predict_proba_one({"burden": 25.0})[True]
            got[kind, name] = whole.get(), sum(late[501:]) / len(late[501:]), chance
print(*(f"{n} {version(n)}" for n in ("river", "pandas", "numpy")), "warnings:", len(said))
for (kind, name), (right, found, chance) in got.items():
    print(f"{kind}, {name}: accuracy {right:.2f}, told ill after the 500th person {found:.2f} (of them"
          f" {ill[501:].mean():.2f} are), chance of the worst off {chance:.2f}")
assert got["logistic regression", "complete"][0] > 0.9
assert got["Hoeffding tree", "one missing"][0] > 0.85
right, found, chance = got["logistic regression", "one missing"]
assert found == 0 and numpy.isnan(chance) and right < 0.7, "river has changed"
assert not said, "river has changed"
PYTHON
