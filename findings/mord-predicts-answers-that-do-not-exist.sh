#!/usr/bin/env bash
# mord's OrdinalRidge and LAD predict 0 on a scale from 1 to 5, and nothing below 0 on a scale around 0.
#
# Both round a linear prediction and cut it off at 0 below and at the highest level seen above. That
# suits answers coded 0, 1, 2, ...; with the K10's 1 to 5 some people get a 0 that is on no form, and
# with -2 to 2 (much worse to much better) everybody is at least "unchanged". mord's threshold models
# accept the same codings and stay inside of them, so that a comparison within the package is not one of
# like with like. No word is said. Guess before the run: predictions among the levels seen. adaroute's
# ordinal outcomes are predicted among their own levels, whatever their codes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  mord==0.7 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import mord
import numpy

warnings.simplefilter("ignore", DeprecationWarning)
draw = numpy.random.default_rng(0)
table = draw.normal(size=(600, 3))
level = numpy.digitize(table[:, 0] * 1.5 + draw.normal(size=600), [-2, -0.7, 0.7, 2])
got = {}
for model in (mord.LogisticAT, mord.OrdinalRidge, mord.LAD):
    for lowest in (1, -2):
        said = numpy.asarray(model().fit(table, level + lowest).predict(table)).astype(int)
        got[model.__name__, lowest] = set(said.tolist())
        print(f"{model.__name__:12} answers {lowest} to {lowest + 4}: predicts",
              dict(zip(*(part.tolist() for part in numpy.unique(said, return_counts=True)))))
print(*(f"{n} {version(n)}" for n in ("mord", "scikit-learn", "numpy")))
assert got["LogisticAT", 1] <= {1, 2, 3, 4, 5} and min(got["LogisticAT", -2]) < 0
for name in ("OrdinalRidge", "LAD"):
    assert 0 in got[name, 1] and min(got[name, -2]) == 0, "mord has changed"
PYTHON
