#!/usr/bin/env bash
# The "linear trend" of category_encoders runs along the order in which the answers happen to come.
#
# PolynomialEncoder, BackwardDifferenceEncoder and HelmertEncoder are for levels with an order: trend,
# step to the next level, level against those below. category_encoders numbers levels by first
# appearance, for words and for the integers 0 to 3 alike, so the column named for the trend goes from
# 2 to 0 to 1 to 3 if people come in that order, and sorting the table by date turns an effect of 0.9
# into one of nothing or of the other sign. All contrasts together span the same space, so that an
# unpenalised fit predicts alike and nothing looks wrong until somebody reads a coefficient, picks
# columns or shrinks them. With an ordered categorical the order is kept. No warning. Guess before the
# run: sorted levels, as in patsy and R. adaroute takes ordered answers as numbers in their own order.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  category-encoders==2.11.2 scikit-learn==1.9.1 statsmodels==0.15.0 pandas==3.1.1 numpy==2.4.6 \
  2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from category_encoders import BackwardDifferenceEncoder, PolynomialEncoder

warnings.simplefilter("ignore", FutureWarning)
draw = numpy.random.default_rng(0)
answer = draw.integers(0, 4, 400)
score = answer + draw.normal(size=400)
orders = {
    "0 first, then 1, 2, 3": numpy.argsort(answer, kind="stable"),
    "2 first, then 0, 3, 1": numpy.argsort(numpy.array([1, 3, 0, 2])[answer], kind="stable"),
    "3 first, then 1, 2, 0": numpy.argsort(numpy.array([3, 1, 2, 0])[answer], kind="stable"),
}
got = {}
for name, rows in orders.items():
    table = pandas.DataFrame({"phq1": answer[rows]})
    ordered = table.astype(pandas.CategoricalDtype(range(4), ordered=True))
    got[name] = []
    for columns in (table, ordered):
        encoder = PolynomialEncoder(cols=["phq1"], drop_invariant=True).fit(columns)
        trend = encoder.transform(columns).iloc[:, 0]
        got[name].append(numpy.corrcoef(trend, score[rows])[0, 1])
    step = BackwardDifferenceEncoder(cols=["phq1"]).fit(table).ordinal_encoder.mapping[0]["mapping"]
    print(f"{name}: trend against score {got[name][0]:5.2f}, as an ordered categorical"
          f" {got[name][1]:.2f}; steps go along {[int(level) for level in step.index[:4]]}")
print(*(f"{n} {version(n)}" for n in ("category-encoders", "pandas", "numpy")))
plain, kept = numpy.array(list(got.values())).T
assert min(kept) > 0.6 and plain[0] > 0.6
assert plain[2] < -0.5 and abs(plain[1]) < 0.4, "category_encoders has changed"
PYTHON
