#!/usr/bin/env bash
# feature-engine's OutlierTrimmer, told to ignore missing values, sends home whoever has one.
#
# The transformer learns limits for each number and takes rows beyond them out of the table. Missing cells
# stop it with an error, and missing_values="ignore" lets them pass, as in the other steps of the library:
# the Winsorizer, which has the same limits, leaves a gap a gap. The trimmer asks which rows lie within,
# and a gap lies within nothing. With a fifth of the hours of sleep missing, a fifth of the people goes with
# three outliers, and with several columns everybody who has one gap anywhere; the rates among those who
# stay are those of people who answer. Nothing is said, and a paper will speak of outliers. The docstring
# has it that missing data are ignored when limits are learned and when rows are transformed. Guess before
# the run: rows with a gap stay. adaroute leaves no row out for a gap or an outlier.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  feature-engine==1.9.4 pandas==3.1.1 numpy==2.4.6 scikit-learn==1.9.1 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from feature_engine.outliers import OutlierTrimmer, Winsorizer

draw = numpy.random.default_rng(0)
people = pandas.DataFrame(draw.normal(7, 1, (1000, 4)), columns=["slept", "worked", "walked", "sat"])
people.iloc[:3] = 40
ill = pandas.Series(draw.uniform(size=1000) < 0.2)
gaps = people.copy()
for name in gaps:  # who is ill answers less often
    gaps.loc[draw.uniform(size=1000) < numpy.where(ill, 0.4, 0.15), name] = numpy.nan
how = dict(capping_method="iqr", tail="right", fold=3, missing_values="ignore")
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for label, table, names in (("complete", people, None), ("gaps in one", gaps, ["slept"]),
                                ("gaps in four", gaps, None)):
        stay = OutlierTrimmer(variables=names, **how).fit_transform(table)
        capped = Winsorizer(variables=names, **how).fit_transform(table)
        beyond = (table[names or list(table)] > 11).any(axis=1).sum()
        got[label] = len(stay), int(beyond), float(ill[stay.index].mean()), len(capped)
        print(f"{label}: {beyond} with an outlier, {len(stay)} of 1000 stay, of them ill"
              f" {got[label][2]:.0%} (of all {ill.mean():.0%}); Winsorizer keeps {len(capped)}")
print(*(f"{n} {version(n)}" for n in ("feature-engine", "pandas")), "warnings:", len(said))
assert got["complete"][:2] == (997, 3) and all(part[3] == 1000 for part in got.values())
known = int(gaps["slept"].notna().sum())
assert got["gaps in one"][0] == known - got["gaps in one"][1] < 850, "feature-engine has changed"
assert got["gaps in four"][0] < 550 and got["gaps in four"][2] < 0.1, "feature-engine has changed"
assert not said, "feature-engine has changed"
PYTHON
