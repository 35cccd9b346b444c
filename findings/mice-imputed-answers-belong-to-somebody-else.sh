#!/usr/bin/env bash
# What statsmodels' MICE fills in stands beside other people than those it was filled in for.
#
# MICEData leaves out rows in which everything is missing and counts the rest anew from 0; the index of
# the frame it was given, record ids or what a filter has left, is gone. pandas aligns by the index, so
# whoever joins the filled columns to the rest of the table, or assigns them, gets each answer in another
# row, from the first dropped row or the first gap in the ids on. Means and correlations inside the
# filled table are right, so nothing shows. A comment in the source says that rows are dropped, and the
# tracker that the shape changes; of the index we found nothing. Guess before the run: the index of the
# frame. adaroute fills nothing in: predictions carry the index of the table that they are for.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  statsmodels==0.15.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from statsmodels.imputation.mice import MICEData

draw = numpy.random.default_rng(0)
severity = draw.normal(size=200)
people = pandas.DataFrame({
    "phq9": 9 + 5 * severity + draw.normal(size=200),
    "gad7": 7 + 4 * severity + draw.normal(size=200),
    "seen_by": severity,  # a clinician's judgement, kept out of the model
})
people.loc[3, ["phq9", "gad7"]] = numpy.nan  # handed in an empty form
people.loc[people.index[10::10], "gad7"] = numpy.nan
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    imputed = MICEData(people[["phq9", "gad7"]])
    imputed.update_all(5)
filled = people.assign(gad7=imputed.data["gad7"], phq9_filled=imputed.data["phq9"])
known = people["phq9"].notna()
same = (filled["phq9"] == filled["phq9_filled"])[known]
before, after = (table["gad7"].corr(people["seen_by"]) for table in (people, filled))
print(f"given {len(people)} rows, filled {len(imputed.data)}, index {imputed.data.index}")
print(f"known PHQ-9 still in their own row: {same.sum()} of {known.sum()}")
print(f"GAD-7 with the clinician's judgement: {before:.2f} before, {after:.2f} after")
print(*(f"{n} {version(n)}" for n in ("statsmodels", "pandas", "numpy")), "warnings:", len(said))
assert before > 0.9 and not said
assert isinstance(imputed.data.index, pandas.RangeIndex) and len(imputed.data) == 199
assert same.sum() == 3 and after < 0.4, "statsmodels has changed"
PYTHON
