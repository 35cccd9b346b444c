#!/usr/bin/env bash
# venn-abers gives a probability of 22, and of -21 for its opposite, where answers are coded 1 and 2.
#
# Yes and no are 2 and 1, or 1 and 2, in many questionnaires and in what SPSS and Stata export. Handed the
# probabilities and outcomes of any model, VennAbersCalibrator fits its two curves to the codes as they
# are: nobody's chance of the higher code is low, those of the ill run far beyond 1, and the other column
# is what is left, below 0, so that rows still add up to 1. Whoever asks for "at least one half" finds
# everybody. Nothing is checked or said. Around an estimator of scikit-learn the same codes are right, as
# are False and True; words stop with an error. The docstrings speak of binary labels and of columns for
# label 0 and 1, and no page that we found of what others do. Guess before the run: the sorted
# classes, as in scikit-learn and around an estimator, or an error. adaroute refuses a binary outcome of
# other numbers than 0 and 1, and says where it met one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  venn-abers==1.5.4 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
from sklearn.linear_model import LogisticRegression
from venn_abers import VennAbersCalibrator

draw = numpy.random.default_rng(0)
burden = draw.normal(size=(1000, 1))
chance = 1 / (1 + numpy.exp(-2 * burden))
ill = draw.uniform(size=1000) < chance[:, 0]
given = numpy.hstack([1 - chance, chance])
old, new = slice(0, 500), slice(500, None)
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for codes, answers in (("0 and 1", ill.astype(int)), ("1 and 2", ill + 1)):
        around = VennAbersCalibrator(
            estimator=LogisticRegression(), inductive=True, cal_size=0.3, random_state=0)
        around.fit(burden[old], answers[old])
        plain = dict(p_cal=given[old], y_cal=answers[old], p_test=given[new])
        found = {
            "probabilities": VennAbersCalibrator().predict_proba(**plain),
            "estimator": around.predict_proba(burden[new]),
        }
        for way, (no, yes) in {way: part.T for way, part in found.items()}.items():
            got[codes, way] = no, yes
            print(f"{codes}, {way:15}yes {yes.min():.2f} to {yes.max():.2f}, no {no.min():.2f} to"
                  f" {no.max():.2f}, at least one half: {(yes >= 0.5).mean():.0%}")
print(*(f"{n} {version(n)}" for n in ("venn-abers", "scikit-learn", "numpy")), "warnings:", len(said))
sound = [got["0 and 1", "probabilities"], got["0 and 1", "estimator"], got["1 and 2", "estimator"]]
assert all(0 < part.min() and part.max() < 1 for pair in sound for part in pair)
no, yes = got["1 and 2", "probabilities"]
assert yes.max() > 2 and no.min() < -1 and (yes >= 0.5).all(), "venn-abers has changed"
assert numpy.allclose(no + yes, 1) and not said, "venn-abers has changed"
PYTHON
