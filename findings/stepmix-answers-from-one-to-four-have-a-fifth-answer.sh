#!/usr/bin/env bash
# In StepMix answers from 1 to 4 have a fifth answer, which costs parameters; 0, 10, 20, 30 have 31.
#
# Latent class analysis asks how many kinds of people answer a questionnaire, and BIC picks the
# number. For measurement="categorical" StepMix counts the answers of an item by the largest code
# plus one. Items coded 1 to 4, as most forms are, get a fifth answer that nobody gave, six items
# and two classes 12 parameters more; with 0, 10, 20, 30 there are 31 answers, and BIC finds one
# class where there are two. Likelihood and classes are the same throughout. With "binary", yes and
# no as 1 and 2 have probabilities of 1.00 for everything and a BIC that is better by 90,000.
# Nothing is said; NaN and text are refused. The README and the pages that we found show codes from
# 0. Guess before the run: the answers that occur. adaroute counts the levels that occur, or those
# that somebody names.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  stepmix==3.0.0 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy
from stepmix.stepmix import StepMix

draw = numpy.random.default_rng(0)
chances = numpy.array([[0.5, 0.3, 0.15, 0.05], [0.05, 0.15, 0.3, 0.5]])  # two kinds of people
kind = draw.integers(0, 2, 400)
answers = numpy.array([draw.choice(4, size=6, p=chances[k]) for k in kind])


def fit(codes, classes, measurement="categorical"):
    model = StepMix(
        n_components=classes, measurement=measurement, n_init=3, random_state=0, progress_bar=0
    )
    return model.fit(codes)


print(*(f"{name} {version(name)}" for name in ("stepmix", "scikit-learn", "numpy")))
best, parameters, likelihood = {}, {}, {}
for name, codes in (("0 to 3", answers), ("1 to 4", answers + 1), ("0 to 30", answers * 10)):
    fits = {classes: fit(codes, classes) for classes in (1, 2, 3)}
    scores = {classes: model.bic(codes) for classes, model in fits.items()}
    best[name] = min(scores, key=scores.get)
    parameters[name] = int(fits[2].n_parameters)
    likelihood[name] = fits[2].score(codes)
    print(f"{name:8} {parameters[name]:4} parameters of two classes, BIC picks {best[name]}")
assert parameters == {"0 to 3": 37, "1 to 4": 49, "0 to 30": 361}, "StepMix has changed"
assert best == {"0 to 3": 2, "1 to 4": 2, "0 to 30": 1}, "StepMix has changed"
assert numpy.ptp(list(likelihood.values())) < 1e-6, "the likelihood differs"
yes = (answers > 1).astype(int)
plain, shifted = fit(yes, 2, "binary"), fit(yes + 1, 2, "binary")
print(f"yes as 1: BIC {plain.bic(yes):,.0f}; yes as 2: BIC {shifted.bic(yes + 1):,.0f}")
assert plain.bic(yes) > 0 > shifted.bic(yes + 1), "StepMix has changed"
PYTHON
