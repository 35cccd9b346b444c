#!/usr/bin/env bash
# category_encoders' HashingEncoder forgets which question an answer was given to.
#
# It hashes each cell and adds one to the column that the hash falls on. The name of the question is not
# hashed with it, so that "nearly every day" to sleep and "nearly every day" to thoughts of death are the
# same thing, however many columns are asked for: what is left of nine items is how often each word was
# given. Two people who gave the same answers to opposite questions are one row, and a forest that is to
# find the ninth item finds the total instead. Yes and no on a list of symptoms end in the same way.
# scikit-learn's FeatureHasher hashes the name with the word. No warning; the page calls it a multivariate
# hashing, and an entry of the tracker (350), closed as a question, asks whether it is meant for several
# columns at a time; one encoder for each column keeps them apart. Guess before the run: the name counts.
# adaroute hashes no answers: each question has an input of its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  category-encoders==2.11.2 pandas==2.3.3 numpy==2.4.6 scikit-learn==1.9.1 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from category_encoders import HashingEncoder, OneHotEncoder
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import FeatureHasher
from sklearn.metrics import roc_auc_score

words = numpy.array(["not at all", "several days", "more than half the days", "nearly every day"])
draw = numpy.random.default_rng(0)
codes = draw.integers(0, 4, (1500, 9))
answers = pandas.DataFrame(words[codes], columns=[f"q{i}" for i in range(1, 10)])
danger = codes[:, 8] == 3  # thoughts of death, nearly every day
pair = pandas.DataFrame([["nearly every day", "not at all"], ["not at all", "nearly every day"]],
                        columns=["sleep", "death"])
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    alike = {}
    for width in (8, 64, 4096):
        one, other = HashingEncoder(n_components=width, max_process=1).fit_transform(pair).to_numpy()
        alike[width] = bool((one == other).all())
    tables = {
        "HashingEncoder": HashingEncoder(n_components=64, max_process=1).fit_transform(answers),
        "OneHotEncoder": OneHotEncoder().fit_transform(answers),
        "FeatureHasher": FeatureHasher(n_features=64).transform(answers.to_dict("records")).toarray(),
    }
auroc = {}
for name, table in tables.items():
    forest = RandomForestClassifier(100, random_state=0).fit(table[:1000], danger[:1000])
    auroc[name] = roc_auc_score(danger[1000:], forest.predict_proba(table[1000:])[:, 1])
print(*(f"{name} {version(name)}" for name in ("category-encoders", "scikit-learn", "pandas")))
print("warnings:", len(said))
print("opposite answers make one row, by number of columns:", alike)
print("AUROC of the ninth item from all nine:", {name: round(part, 2) for name, part in auroc.items()})
assert auroc["OneHotEncoder"] > 0.98 and auroc["FeatureHasher"] > 0.9
assert all(alike.values()) and auroc["HashingEncoder"] < 0.8, "category_encoders has changed"
assert not said, "category_encoders has changed"
PYTHON
