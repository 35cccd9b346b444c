#!/usr/bin/env bash
# In lifelines those without a ward are one ward more, with nobody in it, and a p of 0.03 becomes 0.10.
#
# multivariate_logrank_test compares survival between groups. Whose group is missing (NaN, or None among
# words) is in none of them, and the statistic is to the last digit that of the others alone. The missing
# value counts as one more group when the degrees of freedom are set, though: two wards are tested with two in
# place of one, three with three. What is significant without these people is not with them; one such
# person is enough, and a hundred do no more. pairwise_logrank_test has lines with a NaN that can be seen,
# here there is p alone. A missing time stops both with an error. No warning, and the docstring speaks of
# labels for each individual and not of missing ones. scikit-survival's compare_survival stops with an
# error. Guess before the run: an error, or the test of the others. adaroute has no outcome of time to
# event.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  lifelines==0.30.3 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
from lifelines.statistics import multivariate_logrank_test

draw = numpy.random.default_rng(14)
ward = draw.integers(0, 2, 300).astype(float)
weeks = draw.exponential(30 + 9 * ward)
relapse = draw.uniform(size=300) < 0.7
one, third = ward.copy(), numpy.where(numpy.arange(300) < 100, numpy.nan, ward)
one[0] = numpy.nan
names = numpy.where(numpy.isnan(one), None, numpy.where(one == 1, "east", "west")).astype(object)
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for label, group in (("complete", ward), ("one missing", one), ("one None", names), ("a third", third)):
        known = numpy.array([cell == cell and cell is not None for cell in group])
        both = [multivariate_logrank_test(weeks[rows], group[rows], relapse[rows])
                for rows in (slice(None), known)]
        got[label] = [(float(test.test_statistic), float(test.p_value)) for test in both]
        print(f"{label:12}statistic {got[label][0][0]:.3f}, p {got[label][0][1]:.3f}; without them"
              f" {got[label][1][0]:.3f}, p {got[label][1][1]:.3f}")
print(*(f"{n} {version(n)}" for n in ("lifelines", "pandas", "numpy")), "warnings:", len(said))
assert got["complete"][0] == got["complete"][1]
for label in ("one missing", "one None", "a third"):
    with_gaps, without = got[label]
    assert abs(with_gaps[0] - without[0]) < 1e-6, "lifelines has changed"
    assert with_gaps[1] > 1.5 * without[1], "lifelines has changed"
assert got["one missing"][1][1] < 0.05 < got["one missing"][0][1], "lifelines has changed"
assert not said, "lifelines has changed"
PYTHON
