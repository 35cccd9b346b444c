#!/usr/bin/env bash
# The synthetic patients that SMOTE makes of whole-number answers have lower scores than the real ones.
#
# SMOTE takes points between two neighbours of the rare class. In a table of integers, such as items
# from 0 to 3, imbalanced-learn casts them back to integers by cutting the fraction off, so that every
# item lies at or below its true place; nine items together lose about two points, and the rare,
# severely ill class looks less ill than it is. The same table as floats gives no such shift. Nothing is
# said. Guess before the run: rounding, or floats. adaroute makes no synthetic rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  imbalanced-learn==0.14.2 scikit-learn==1.9.1 numpy==2.4.6 pandas==3.1.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy
import pandas
from imblearn.over_sampling import SMOTE

draw = numpy.random.default_rng(0)
ill = draw.uniform(size=600) < 0.1
answers = numpy.clip(draw.integers(0, 4, size=(600, 9)) + ill[:, None], 0, 3)
table = pandas.DataFrame(answers, columns=[f"phq{i}" for i in range(1, 10)])


def mean_total(dtype):
    more, _ = SMOTE(random_state=0).fit_resample(table.astype(dtype), ill)
    return more.dtypes.iloc[0], more.iloc[600:].sum(axis=1).mean()


print("imbalanced-learn", version("imbalanced-learn"), "pandas", version("pandas"))
real = table[ill].sum(axis=1).mean()
print(f"real patients of the rare class: mean total {real:.2f}")
kind, whole = mean_total("int64")
print(f"synthetic ones, answers as {kind}: {whole:.2f}")
kind, exact = mean_total("float64")
print(f"synthetic ones, answers as {kind}: {exact:.2f}")
assert kind == "float64" and abs(exact - real) < 0.7, "the float path has changed"
assert whole < real - 1 and whole < exact - 1, "imbalanced-learn no longer cuts"
PYTHON
