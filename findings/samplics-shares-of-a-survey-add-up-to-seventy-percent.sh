#!/usr/bin/env bash
# In samplics the shares of yes and no add up to 70 % where three in ten did not answer.
#
# The Taylor estimator of a proportion goes through the answers that occur and divides what each
# weighs by the weight of everybody, those without an answer included. So 32 % who say yes become 22
# %, and the shares do not add up to one, which shows only to who adds them; with one answer asked
# for it does not show at all. Intervals are those of the wrong share. Mean and total of the same
# estimator answer nan for such a column, which is seen. remove_nan=True leaves the rows out; it is
# False unless typed, and the page of the class calls it "remove missing values" without saying what
# else happens. Guess before the run: nan, as for the mean. adaroute leaves a row without an outcome
# out of its scores.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  samplics==0.6.1 pandas==3.1.1 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy
from samplics.estimation import TaylorEstimator
from samplics.utils.types import PopParam

draw = numpy.random.default_rng(0)
weight = draw.uniform(1, 3, 600)
smokes = numpy.where(draw.random(600) < 1 / 3, 1.0, 0.0)
asked = draw.random(600) > 0.3
answer = numpy.where(asked, smokes, numpy.nan)


def estimate(what, cells, **more):
    taylor = TaylorEstimator(what)
    taylor.estimate(y=cells, samp_weight=weight, **more)
    return taylor.point_est


print(*(f"{n} {version(n)}" for n in ("samplics", "numpy", "pandas")))
shares = {}
for name, cells, more in (
    ("all answered", smokes, {}),
    ("three in ten missing", answer, {}),
    ("the same, remove_nan=True", answer, {"remove_nan": True}),
):
    found = estimate(PopParam.prop, cells, **more)
    shares[name] = {float(level): float(share) for level, share in found.items()}
    yes, total = shares[name][1.0], sum(shares[name].values())
    print(f"{name:26} smokes {yes:.2f}, shares add up to {total:.2f}")
mean = estimate(PopParam.mean, answer)
print("the mean of the same column:", mean)
assert numpy.isnan(float(mean)), "the mean has changed"
total = sum(shares["three in ten missing"].values())
known = weight[asked].sum() / weight.sum()
assert abs(total - known) < 1e-9 and total < 0.75, "samplics has changed"
assert abs(sum(shares["the same, remove_nan=True"].values()) - 1) < 1e-9
PYTHON
