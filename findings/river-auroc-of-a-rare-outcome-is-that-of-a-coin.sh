#!/usr/bin/env bash
# River's area under the ROC curve of a rare outcome is near that of a coin, however good the model.
#
# metrics.ROCAUC counts at ten thresholds between 0 and 1 and draws straight lines between. The docstring
# says that it is an approximation, that its error does not matter where chances are calibrated, and that
# models can be compared by it in any case. Of an attempted suicide in one of eighty people the calibrated
# chances lie nearly all below the second threshold: an area of 0.84 reads 0.52, and a model that puts each
# case above all others, at 2 % to 1 %, has 0.50. A worse model of 0.69 that exaggerates its chances keeps
# its 0.69, so that the comparison is turned round. With an outcome in one of three people 0.780 is 0.772,
# and a first try passes. Nothing is said. n_thresholds=500 mends it, and RollingROCAUC of the same library
# is exact. Guess before the run: a second digit that is off. adaroute's scores rank all rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  river==0.26.1 narwhals==2.29.0 scikit-learn==1.9.1 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
from river import metrics
from sklearn.metrics import roc_auc_score


def measure(metric, truth, told):
    for one, chance in zip(truth, told):
        metric.update(bool(one), float(chance))
    return metric.get()


draw = numpy.random.default_rng(0)
burden = draw.normal(size=5000)
low = {"one in three": 1, "rare": 5}
chance = {name: 1 / (1 + numpy.exp(by - 1.2 * burden)) for name, by in low.items()}
coin = draw.uniform(size=5000)
rare = coin < chance["rare"]
noisy = burden + draw.normal(size=5000) * 1.6
cases = {
    "one in three, calibrated": (coin < chance["one in three"], chance["one in three"]),
    "rare, calibrated": (rare, chance["rare"]),
    "rare, perfect order": (rare, numpy.where(rare, 0.02, 0.01)),
    "rare, worse and exaggerated": (rare, 1 / (1 + numpy.exp(-noisy))),
}
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, (truth, told) in cases.items():
        got[name] = measure(metrics.ROCAUC(), truth, told), roc_auc_score(truth, told)
        exact = measure(metrics.RollingROCAUC(window_size=5000), truth, told)
        more = measure(metrics.ROCAUC(n_thresholds=500), truth, told)
        print(f"{name} ({truth.mean():.1%}): ROCAUC {got[name][0]:.3f}, with 500 thresholds {more:.3f},"
              f" RollingROCAUC {exact:.3f}, scikit-learn {got[name][1]:.3f}")
        assert abs(exact - got[name][1]) < 1e-6
print(*(f"{n} {version(n)}" for n in ("river", "scikit-learn", "numpy")), "warnings:", len(said))
assert abs(got["one in three, calibrated"][0] - got["one in three, calibrated"][1]) < 0.02
right, wrong = got["rare, calibrated"], got["rare, worse and exaggerated"]
assert right[1] > 0.77 and right[0] < 0.62, "river has changed"
assert wrong[1] < right[1] - 0.05 and wrong[0] > right[0] + 0.05, "river has changed"
assert got["rare, perfect order"] == (0.5, 1.0) and not said, "river has changed"
PYTHON
