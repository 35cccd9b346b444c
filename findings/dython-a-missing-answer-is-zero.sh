#!/usr/bin/env bash
# In dython's table of associations a missing answer is 0: .82 becomes .30, and unrelated items are related.
#
# associations() shows how any two columns of a mixed table go together. Missing cells are set to 0 first,
# in numbers and in words, and nothing is said of it: where a fifth of the scores are missing, their
# correlation with age falls from .82 to .30. Two items that have nothing to do with each other, answered
# from 4 to 7 and skipped by the same people, rise from 0 to .83, for their zeros lie together, far from all
# answers. A word that is missing is a further word, "0.0". The library's single measures do alike. The list
# of arguments has it, nan_strategy "replace" and nan_replace_value 0.0; "drop_sample_pairs" leaves pairs
# out, as pandas' corr does. Guess before the run: pairs left out, or nan. adaroute gives a missing cell an
# input of its own, and counts none as a number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  dython==0.7.12 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 2>/dev/null
MPLBACKEND=agg "$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from dython.nominal import associations

draw = numpy.random.default_rng(0)
age = draw.normal(50, 10, 500)
score = 0.8 * age + draw.normal(0, 6, 500)
items = draw.integers(4, 8, (500, 2)).astype(float)  # two answers on a scale from 4 to 7, unrelated
people = pandas.DataFrame({"age": age, "score": score, "item a": items[:, 0], "item b": items[:, 1]})
gaps = people.copy()
gaps.loc[draw.uniform(size=500) < 0.2, "score"] = numpy.nan
gaps.loc[draw.uniform(size=500) < 0.2, ["item a", "item b"]] = numpy.nan  # skipped together
pairs = [("age", "score"), ("item a", "item b")]
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    tables = {
        "complete": associations(people, compute_only=True)["corr"],
        "with gaps": associations(gaps, compute_only=True)["corr"],
        "pairs": associations(gaps, compute_only=True, nan_strategy="drop_sample_pairs")["corr"],
        "pandas": gaps.corr(),
    }
    said = [w for w in said if "nan" in str(w.message).lower() or "missing" in str(w.message).lower()]
got = {name: [float(table.loc[pair]) for pair in pairs] for name, table in tables.items()}
print(*(f"{n} {version(n)}" for n in ("dython", "pandas", "numpy")), "warnings of gaps:", len(said))
for name, (one, two) in got.items():
    print(f"{name:10}age and score {one:.2f}, two unrelated items {two:.2f}")
assert got["complete"][0] > 0.75 and abs(got["complete"][1]) < 0.15
assert numpy.allclose(got["pairs"], got["pandas"]) and abs(got["pandas"][1]) < 0.15
assert got["with gaps"][0] < 0.5 and got["with gaps"][1] > 0.8, "dython has changed"
assert not said, "dython has changed"
PYTHON
