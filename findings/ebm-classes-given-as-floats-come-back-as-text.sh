#!/usr/bin/env bash
# An explainable boosting classifier that learned 0.0 and 1.0 predicts the words "0.0" and "1.0".
#
# Tables from SPSS or with a gap anywhere hold their yes and no as floats. interpret's classifier takes
# them and keeps the classes as text, so that "predicted == true" is False for everybody: an accuracy of
# 0 in numpy or pandas, a table of agreement with four empty cells, and a filter for 1 that finds
# nobody. With integers or booleans the classes come back as they were. The probabilities are right
# throughout, so a ranking score shows nothing. Guess before the run: floats, as with every other
# classifier at hand. adaroute's binary outcomes are read as probabilities, also from rivals.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  interpret-core==0.7.8 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
from interpret.glassbox import ExplainableBoostingClassifier
from sklearn.linear_model import LogisticRegression

draw = numpy.random.default_rng(0)
table = draw.normal(size=(600, 2))
ill = table[:, 0] > 0
agreed = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for kind in ("bool", "int64", "float64"):
        true = ill.astype(kind)
        model = ExplainableBoostingClassifier(n_jobs=1, outer_bags=2, interactions=0).fit(table, true)
        got = model.predict(table)
        agreed[kind] = numpy.mean(got == true)
        plain = numpy.mean(LogisticRegression().fit(table, true).predict(table) == true)
        print(f"classes as {kind}: {model.classes_}, agreement {agreed[kind]:.2f}, rank of the ill"
              f" {model.predict_proba(table)[ill, 1].min():.2f} and up; LogisticRegression {plain:.2f}")
print("warnings:", len(said))
print(*(f"{n} {version(n)}" for n in ("interpret-core", "scikit-learn", "numpy")))
assert min(agreed["bool"], agreed["int64"]) > 0.95 and plain > 0.95
assert agreed["float64"] == 0 and list(model.classes_) == ["0.0", "1.0"], "interpret has changed"
PYTHON
