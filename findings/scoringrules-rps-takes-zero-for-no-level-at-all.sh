#!/usr/bin/env bash
# scoringrules' ranked probability score gives a perfect forecast of 0 more than the worst that there is.
#
# rps_score counts categories from 1, as its formula says and the list of arguments does not. Answers
# from 0 to 3, and class indices as every classifier at hand gives them, are taken without a check: 0 is
# below all categories and the score leaves its range, each other level is compared with the column
# before its own, and whoever forecasts one level too low is praised. A ranking of models is turned
# round. It is written in the formula, so this is documented; the silence is what costs. Guess before
# the run: indices from 0, or an error for 0. adaroute's ordinal scores go by
# the codes of the levels, whatever the lowest one is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  scoringrules==0.10.0 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import scoringrules

answer = numpy.array([0, 0, 0, 1, 1, 2, 3, 0, 1, 2])
sure = {
    "right": numpy.eye(4)[answer],
    "one too low": numpy.eye(4)[(answer - 1).clip(0)],
    "worst": numpy.eye(4)[numpy.where(answer < 2, 3, 0)],
}
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, chances in sure.items():
        known = chances.cumsum(1) - numpy.eye(4)[answer].cumsum(1)
        got[name] = (
            scoringrules.rps_score(answer, chances),
            scoringrules.rps_score(answer + 1, chances),
            (known**2).sum(1),
        )
        from_0, from_1, by_hand = (part.mean() for part in got[name])
        print(f"forecast {name:11} answers from 0: {from_0:.2f}, from 1: {from_1:.2f},"
              f" by hand {by_hand:.2f}")
print("a right forecast of 0 costs", got["right"][0][0], "where the worst costs", got["worst"][2].max())
print("warnings:", len(said))
print(*(f"{name} {version(name)}" for name in ("scoringrules", "numpy")))
for name, (_, from_1, by_hand) in got.items():
    assert abs(from_1 - by_hand).max() < 1e-12
assert got["right"][0][0] > got["worst"][2].max(), "scoringrules has changed"
assert got["one too low"][0].mean() < got["right"][0].mean(), "scoringrules has changed"
PYTHON
