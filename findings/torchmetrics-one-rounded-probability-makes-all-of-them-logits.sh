#!/usr/bin/env bash
# One probability of 1.0000001 makes torchmetrics report the calibration of another model.
#
# A mean of probabilities in float32 can end a hair above 1. If a single number of a batch lies outside
# of 0 to 1, torchmetrics takes the whole batch for logits and squeezes all of it through a sigmoid: 0.1
# becomes 0.52 and 0.9 becomes 0.71, everybody counts as ill, and calibration and accuracy are those of
# another model. The next batch is judged by itself, so an epoch mixes the two. There is no warning. The
# rule is on the pages of the metrics, so this is documented; that a rounding error sets it off is what
# costs. Guess before the run: a clipped value, or an error. adaroute's scores take
# probabilities alone and refuse the first row outside of 0 to 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import torch
from torchmetrics.classification import BinaryAccuracy, BinaryCalibrationError

torch.manual_seed(0)
members = torch.rand(3, 999).square()
sure = torch.tensor([[1.0], [1.0], [1.0]])
share = torch.tensor([0.41, 0.34, 0.25]) + torch.tensor([0.0, 0.0, 1.2e-7])
mean = (torch.cat([members, sure], dim=1) * share[:, None]).sum(0)
ill = (torch.rand(1000) < mean).long()
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, chance in (("cut to 1", mean.clamp(max=1)), ("as it is", mean)):
        got[name] = BinaryCalibrationError()(chance, ill).item(), BinaryAccuracy()(chance, ill).item()
        print(f"{name}: largest {chance.max().item():.8f}, {(chance > 1).sum()} of 1000 above 1,"
              f" calibration error {got[name][0]:.3f}, accuracy {got[name][1]:.3f}")
print("warnings:", len(said))
print(*(f"{n} {version(n)}" for n in ("torchmetrics", "torch")))
assert mean.max() > 1 and (mean > 1).sum() == 1 and mean.max() - 1 < 1e-6
assert got["cut to 1"][0] < 0.06 and got["as it is"][0] > 0.2, "torchmetrics has changed"
assert got["cut to 1"][1] > 0.6 and got["as it is"][1] < 0.5, "torchmetrics has changed"
PYTHON
