#!/usr/bin/env bash
# Cochran's Q is far above 0 in pingouin with no and yes as 0 and 1, and below 0 with 1 and 2.
#
# The test asks whether the share of yes changes from visit to visit. pingouin puts the codes as
# they are into a formula that holds for 0 and 1 alone. With 1 and 2, as SPSS and R have yes and no,
# Q is negative, which a sum of squares cannot be, and p is 1.0: the clearest change of all is none.
# With 0 and 2 it is another one again. True and False are refused, and so is text; logistic
# regression of the same package takes 1 and 2 for two classes. Nothing is said; the page asks for a
# binary variable. Guess before the run: the larger code is yes, or an error. adaroute refuses a
# binary outcome of other numbers than 0 and 1, and says where it met one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  pingouin==0.7.0 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy
import pandas
import pingouin

draw = numpy.random.default_rng(0)
visits = pandas.DataFrame({"person": numpy.repeat(range(40), 3), "visit": [1, 2, 3] * 40})
sleeps = draw.random(120) < numpy.tile([0.1, 0.4, 0.9], 40)
print(*(f"{name} {version(name)}" for name in ("pingouin", "pandas", "numpy")))
found = {}
for name, codes in (
    ("0 and 1", sleeps.astype(int)),
    ("1 and 2", sleeps + 1),
    ("0 and 2", sleeps * 2),
):
    rows = visits.assign(slept=codes)
    table = pingouin.cochran(rows, dv="slept", within="visit", subject="person")
    q, p = table["Q"].iloc[0], table.iloc[0, -1]
    found[name] = float(q), float(p)
    print(f"{name:12} Q {q:8.2f}, p {p:.2g}")
assert found["0 and 1"][0] > 20 and found["0 and 1"][1] < 1e-6, "0 and 1 have changed"
assert found["1 and 2"][0] < 0 and found["1 and 2"][1] == 1, "pingouin has changed"
assert found["0 and 2"][0] != found["0 and 1"][0], "pingouin has changed"
PYTHON
