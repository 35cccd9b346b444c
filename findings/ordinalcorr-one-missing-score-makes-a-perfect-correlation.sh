#!/usr/bin/env bash
# One missing score makes a correlation of 1 in ordinalcorr, and gaps in two unrelated items one of .57.
#
# The package estimates correlations behind ordered answers: polyserial() of a number and an answer, and
# polychoric() of two. With a single missing number the former is 0.999996, whatever the two columns are,
# since the likelihood that it searches is nan everywhere. For the latter a missing answer is a level above
# all others when thresholds are set, and in no cell of the table that is fitted to them: where three in ten
# leave out either of two unrelated items, at random, they are correlated by .57, and with half of them
# missing related items go from .6 to .9. hetcor(), which makes the matrix of a table for factor
# analysis, calls both. Nothing is said; neither the readme nor the docstrings speak of missing values.
# Complete rows alone give what is right. Guess before the run: rows left out, nan, or an error. adaroute
# has no such correlations; a missing answer is an input of its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  ordinalcorr==0.9.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from ordinalcorr import hetcor, polychoric, polyserial

draw = numpy.random.default_rng(0)
score = draw.normal(10, 4, 1000)
first, second = draw.integers(0, 4, (2, 1000)).astype(float)  # three columns that are unrelated
one_gap = score.copy()
one_gap[3] = numpy.nan
either = draw.uniform(size=(2, 1000)) < 0.3
sparse = [numpy.where(gap, numpy.nan, item) for gap, item in zip(either, (first, second))]
whole = ~either.any(axis=0)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    pairs = {
        "score and item": (polyserial(score, first), polyserial(one_gap, first)),
        "item and item": (polychoric(first, second), polychoric(*sparse)),
    }
    complete = polychoric(first[whole], second[whole])
    table = pandas.DataFrame({"score": one_gap, "first": sparse[0], "second": sparse[1]})
    matrix = hetcor(table).astype(float)
print(*(f"{n} {version(n)}" for n in ("ordinalcorr", "numpy", "scipy")), "warnings:", len(said))
for name, (without, gaps) in pairs.items():
    print(f"{name}: {without:.2f}, with gaps {gaps:.6f}")
print(f"item and item, complete rows alone: {complete:.2f}")
print(matrix.round(2).to_string())
print(table.corr().round(2).to_string())
assert all(abs(without) < 0.1 for without, _ in pairs.values()) and abs(complete) < 0.1
assert pairs["score and item"][1] > 0.999 and pairs["item and item"][1] > 0.5, "it has changed"
assert matrix.loc["first", "second"] > 0.5 and not said, "ordinalcorr has changed"
PYTHON
