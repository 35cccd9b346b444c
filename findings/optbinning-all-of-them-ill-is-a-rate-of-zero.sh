#!/usr/bin/env bash
# optbinning's table has an event rate of 0 for people without a value if every one of them is ill.
#
# Binning puts whoever has no value, or a special one such as "refused", into a bin of its own, since that
# often says most of all. Its rate is the share of events in it, 0.99 where 299 of 300 are ill. Let the
# last one be ill as well, and rate, weight of evidence and share in the information value are 0: as if
# nobody were, beside a column that counts 300 events. The same with nobody ill, where 0 is right by
# accident and the weight is not. transform() with metric_missing="empirical", which asks for the rates as
# they were seen, hands on the 0. Nothing is said. Bins of values cannot be of one kind alone, so it
# strikes missing and special ones only. The pages give the formula of the rate and the default of
# transform, 0, not this. Guess before the run: 1.0, and a weight that is smoothed, or -inf. adaroute keeps
# an indicator for missing evidence, whose weight is learned with shrinkage.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  optbinning==1.0.0 scikit-learn==1.9.1 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
from optbinning import OptimalBinning

draw = numpy.random.default_rng(0)
hours = draw.normal(7, 1, 2000)
ill = (draw.uniform(size=2000) < 1 / (1 + numpy.exp(2 * (hours - 7)))).astype(int)
hours[1700:] = numpy.nan  # did not say how long they sleep
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, well in (("299 of 300 ill", 1), ("300 of 300 ill", 0)):
        outcome = numpy.r_[ill[:1700], numpy.zeros(well, int), numpy.ones(300 - well, int)]
        bins = OptimalBinning(name="hours", dtype="numerical").fit(hours, outcome)
        table = bins.binning_table.build()
        row = table[table["Bin"] == "Missing"].iloc[0]
        rate = bins.transform([numpy.nan], metric="event_rate", metric_missing="empirical")[0]
        got[name] = float(row["Event rate"]), float(row["WoE"]), float(row["IV"]), float(rate)
        print(f"{name}: {row['Event']} events in {row['Count']}, rate {got[name][0]:.3f}, WoE"
              f" {got[name][1]:.2f}, IV {got[name][2]:.2f}, transform {rate:.3f}, {bins.status}")
        assert row["Event"] == 300 - well and row["Count"] == 300
talk = [str(warning.message) for warning in said if "optbinning" in str(warning.filename)]
print(*(f"{n} {version(n)}" for n in ("optbinning", "scikit-learn", "numpy")), "warnings:", len(talk))
assert got["299 of 300 ill"][0] > 0.99 and got["299 of 300 ill"][2] > 0.3 and not talk
assert got["300 of 300 ill"] == (0, 0, 0, 0), "optbinning has changed"
PYTHON
