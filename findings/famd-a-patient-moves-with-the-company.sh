#!/usr/bin/env bash
# With prince's FAMD the same patient lies elsewhere in other company, and elsewhere again when alone.
#
# Factor analysis of mixed data is fitted on a cohort and then asked where new patients lie. transform()
# scales numbers by the cohort, but words, a column for each of them, by how frequent they are among the
# rows that it is given: in a batch of one every word is a constant and counts for nothing. So a person of
# the cohort moves when others are left out, and by more than the scatter of everybody when transformed
# alone; a cluster or a model on the coordinates then depends on who came on the same day. Nothing is
# said. MCA of the same library gives each person one place. A comment in the source keeps it on purpose,
# for older results; the tracker has it since 2019, the page on FAMD does not. Guess before the run: the
# fitted frequencies. adaroute scales and encodes by its training rows, whoever comes later.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  prince==0.23.0 pandas==2.3.3 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy
import pandas
import prince

draw = numpy.random.default_rng(0)
severe = draw.uniform(size=100) < 0.5
cohort = pandas.DataFrame({
    "phq9": numpy.where(severe, 18.0, 5.0) + draw.normal(0, 2, 100),
    "gad7": numpy.where(severe, 14.0, 4.0) + draw.normal(0, 2, 100),
    "sleep": numpy.where(severe ^ (draw.uniform(size=100) < 0.1), "poor", "good"),
    "ward": draw.choice(["A", "B", "C"], 100),
})
words = ["sleep", "ward"]
places = {}
for name, model, columns in (
    ("FAMD", prince.FAMD(n_components=2, random_state=0), list(cohort)),
    ("MCA", prince.MCA(n_components=2, random_state=0), words),
):
    table = cohort[columns]
    model = model.fit(table)
    groups = {"all 100": table, "the first ten": table.head(10), "alone": table.head(1)}
    for company, rows in groups.items():
        places[name, company] = numpy.asarray(model.transform(rows))[0]
        print(f"{name} of the first patient, with {company}: {places[name, company].round(2).tolist()}")
    spread = numpy.asarray(model.transform(table)).std(axis=0)
    print(f"{name} scatter of the cohort: {spread.round(2).tolist()}")
    places[name, "scatter"] = spread
print(*(f"{n} {version(n)}" for n in ("prince", "pandas", "scikit-learn", "numpy")))
for company, least in (("the first ten", 0.15), ("alone", 0.8)):
    assert numpy.allclose(places["MCA", company], places["MCA", "all 100"])
    moved = abs(places["FAMD", company] - places["FAMD", "all 100"]) / places["FAMD", "scatter"]
    print(f"FAMD with {company}: moved by {moved.max():.2f} of the scatter")
    assert moved.max() > least, "prince has changed"
PYTHON
