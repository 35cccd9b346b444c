#!/usr/bin/env bash
# Weighted kappa shrinks "not at all against nearly every day" where nobody chose a level between them.
#
# The weights of Cohen's kappa are there to count how far apart two answers are. scikit-learn takes the
# levels that one of the raters used and measures by their places among those, not by their codes: with
# 0, 1 and 3 on an item from 0 to 3 the distance from 1 to 3 is one step. The same two raters get
# another kappa as soon as somebody answers 2, and a fold or a small ward without a level is not
# comparable with the rest. statsmodels does the same by way of its own table of agreements. Nothing is
# said. scikit-learn's labels= cures it, but its page speaks of a choice of levels, not of distances.
# Guess before the run: distances of the numbers given. adaroute hands over every level between the
# lowest and the highest, and a test holds it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  scikit-learn==1.9.1 statsmodels==0.15.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa, to_table

first = numpy.array([0, 0, 0, 3, 3, 0, 1, 3, 0, 3, 1, 0])
second = numpy.array([0, 1, 3, 3, 1, 0, 1, 3, 0, 3, 3, 0])


def by_hand(scheme):
    far = {"linear": lambda a, b: abs(a - b), "quadratic": lambda a, b: (a - b) ** 2}[scheme]
    return 1 - far(first, second).mean() / far(first[:, None], second[None]).mean()


got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for scheme in ("linear", "quadratic"):
        table = to_table(numpy.column_stack([first, second]))[0]
        got[scheme] = (
            cohen_kappa_score(first, second, weights=scheme),
            cohens_kappa(table, wt=scheme).kappa,
            cohen_kappa_score(first, second, weights=scheme, labels=[0, 1, 2, 3]),
        )
        print(f"{scheme:9} scikit-learn {got[scheme][0]:.3f}, statsmodels {got[scheme][1]:.3f},"
              f" scikit-learn with labels 0 to 3 {got[scheme][2]:.3f}, by hand {by_hand(scheme):.3f}")
print("warnings:", len(said))
print(*(f"{n} {version(n)}" for n in ("scikit-learn", "statsmodels", "numpy")))
for scheme, (sklearn, statsmodels, told) in got.items():
    assert abs(told - by_hand(scheme)) < 1e-12 and not said
    assert abs(sklearn - told) > 0.03 and abs(statsmodels - sklearn) < 1e-12, "one of them has changed"
PYTHON
