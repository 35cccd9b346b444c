#!/usr/bin/env bash
# Survey weights move the splits of a quantile forest and not one of the quantiles it takes in a leaf.
#
# RandomForestQuantileRegressor.fit takes sample_weight, as the forest of scikit-learn does. There a
# leaf says the weighted mean of its people. Here a leaf keeps its people's outcomes and forgets what
# they weigh: quantiles, and the "mean" among them, are those of the sample. With a ward sampled ten
# times too often the median is that of the ward, and it is even if the ward weighs nothing. An interval
# for a population comes out as one for whoever was asked, and nobody is told; "weighted_quantile" and
# "weighted_leaves" of predict() are about trees and leaves. Guess before the run: weighted quantiles.
# In adaroute a column of weights counts in training and in scores; its intervals count each row once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  quantile-forest==1.4.2 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
from quantile_forest import RandomForestQuantileRegressor
from sklearn.ensemble import RandomForestRegressor

draw = numpy.random.default_rng(0)
ward = draw.uniform(size=1000) < 0.7
score = numpy.where(ward, 18, 6) + draw.normal(0, 2, 1000)
alike = numpy.zeros((1000, 1))  # nothing tells people apart, so that each tree is one leaf
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, weight in (("no weights", None), ("a tenth for the ward", numpy.where(ward, 0.1, 1.0)),
                         ("nothing for the ward", numpy.where(ward, 0.0, 1.0))):
        choice = {"n_estimators": 5, "bootstrap": False, "random_state": 0}
        forest = RandomForestQuantileRegressor(max_samples_leaf=None, **choice)
        forest.fit(alike, score, sample_weight=weight)
        plain = RandomForestRegressor(**choice).fit(alike, score, sample_weight=weight)
        got[name] = (
            plain.predict(alike[:1])[0],
            float(numpy.ravel(forest.predict(alike[:1], quantiles="mean"))[0]),
            float(numpy.ravel(forest.predict(alike[:1], quantiles=[0.5]))[0]),
        )
        print(f"{name:21} scikit-learn's forest {got[name][0]:5.2f}, quantile forest: mean"
              f" {got[name][1]:5.2f}, median {got[name][2]:5.2f}")
print(f"median of all but the ward {numpy.median(score[~ward]):.2f}; warnings: {len(said)}")
print(*(f"{n} {version(n)}" for n in ("quantile-forest", "scikit-learn", "numpy")))
assert got["nothing for the ward"][0] < 7 < 12 < got["no weights"][0]
assert got["no weights"][1:] == got["a tenth for the ward"][1:], "quantile-forest has changed"
assert got["nothing for the ward"][2] > 14, "quantile-forest has changed"
PYTHON
