#!/usr/bin/env bash
# In statsmodels two raters who did not rate agree with each other: "no rating" is one more category.
#
# aggregate_raters and to_table turn ratings into the counts that fleiss_kappa and cohens_kappa want. A
# rating that is missing, NaN, becomes a category like any other, for numpy.unique lists it. Where all
# raters skip the same interviews, as they do when a recording is bad, they agree there perfectly, and
# kappa of raters who answer by chance rises from 0.1 to 0.5. Nothing is said; the list of
# categories that comes back has a nan at its end. scikit-learn's cohen_kappa_score stops with an error,
# krippendorff leaves such cells out. The docstrings do not speak of missing ratings; what the tracker has
# is about tables with fewer ratings in a row. Guess before the run: an error. adaroute's kappa is of
# routes, which every row has.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  statsmodels==0.15.0 scikit-learn==1.9.1 krippendorff==0.9.0 pandas==3.1.1 numpy==2.4.6 \
  scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import warnings
from importlib.metadata import version

import krippendorff
import numpy
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa, to_table

draw = numpy.random.default_rng(0)
heard = draw.integers(0, 4, size=(80, 3)).astype(float)  # three raters, severity from 0 to 3, by chance
silent = heard.copy()
silent[40:] = numpy.nan  # bad recordings, which nobody rated
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, ratings in (("rated only", heard[:40]), ("with the rest", silent)):
        table, levels = aggregate_raters(ratings)
        pair = to_table(ratings[:, :2])[0]
        alpha = krippendorff.alpha(ratings.T, level_of_measurement="nominal")
        got[name] = fleiss_kappa(table), cohens_kappa(pair).kappa, alpha
        print(f"{name:14}Fleiss {got[name][0]:5.2f}, Cohen {got[name][1]:5.2f}, Krippendorff"
              f" {alpha:5.2f}, categories {levels.tolist()}")
print("warnings:", len(said), *(f"{n} {version(n)}" for n in ("statsmodels", "scikit-learn", "numpy")))
try:
    cohen_kappa_score(silent[:, 0], silent[:, 1])
except ValueError:
    print("scikit-learn: refused")
else:
    raise AssertionError("scikit-learn has changed")
assert abs(got["rated only"][2] - got["with the rest"][2]) < 1e-12 and not said
for of in (0, 1):
    assert abs(got["rated only"][of]) < 0.15, "the draw has changed"
    assert got["with the rest"][of] > 0.4, "statsmodels has changed"
PYTHON
