#!/usr/bin/env bash
# scikit-lego's OrdinalClassifier puts "none" above "moderate", and gives probabilities below 0 for it.
#
# It learns "at most this level" for each level, and takes differences for the levels. Which level is
# higher it settles by sorting: words go by the alphabet, also where the outcome is an ordered categorical
# of pandas that says none, mild, moderate, severe. "At most none" then means anybody but the severe, the
# curves of one person cross, and their differences are negative: -0.6 for a level, balanced by others, so
# that rows still add up to 1. The predictions are those of a worse model, and nothing is said. With
# numbers all is well. The page says that y is compared, speaks of y.max(), and has an example in numbers;
# of words and of categoricals it says nothing. Guess before the run: the order of the categorical, and an
# error for plain words. adaroute asks for the order of words, or takes it from an ordered categorical.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  scikit-lego==0.9.10 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from sklearn.linear_model import LogisticRegression
from sklego.meta import OrdinalClassifier

bands = ["none", "mild", "moderate", "severe"]
draw = numpy.random.default_rng(0)
burden = draw.normal(size=(2000, 1))
level = numpy.clip(numpy.round(1.5 + 1.2 * burden[:, 0] + draw.normal(0, 0.5, 2000)), 0, 3).astype(int)
outcomes = {
    "numbers": level,
    "words": numpy.array(bands)[level],
    "ordered categorical": pandas.Series(pandas.Categorical.from_codes(level, bands, ordered=True)),
}
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, outcome in outcomes.items():
        model = OrdinalClassifier(LogisticRegression()).fit(burden, outcome)
        right = (model.predict(burden) == numpy.asarray(outcome)).mean()
        chance = model.predict_proba(burden)
        got[name] = right, chance.min(), model.classes_.tolist()
        assert numpy.allclose(chance.sum(axis=1), 1)
        print(f"{name}: right {right:.0%}, lowest probability {chance.min():.2f}, order {got[name][2]}")
print(*(f"{n} {version(n)}" for n in ("scikit-lego", "scikit-learn", "pandas")), "warnings:", len(said))
assert got["numbers"][1] >= 0 and not said
for name in ("words", "ordered categorical"):
    assert got[name][2] == sorted(bands) and got[name][1] < -0.5, "scikit-lego has changed"
    assert got[name][0] < got["numbers"][0] - 0.05, "scikit-lego has changed"
PYTHON
