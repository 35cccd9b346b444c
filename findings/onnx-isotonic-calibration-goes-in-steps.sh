#!/usr/bin/env bash
# An isotonic calibration goes in steps as ONNX: 877 different probabilities become 41.
#
# CalibratedClassifierCV(method="isotonic") of scikit-learn has a broken line through the
# probabilities that it met, and reads between them by a straight line. The graph that skl2onnx
# writes answers with the value of a corner: of 2,000 new people four in ten get another
# probability, by up to .05, and 877 different probabilities become 41. Sigmoid calibration agrees
# to five digits. Nothing is said. Guess before the run: equal up to float32. adaroute calibrates
# nothing inside of its graph: intervals and calibrated probabilities are not in it, and docs/use.md
# says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy
import onnxruntime
from skl2onnx import to_onnx
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression

draw = numpy.random.default_rng(0)
burden = draw.normal(size=(300, 2)).astype("float32")
ill = (burden[:, 0] + draw.normal(size=300) > 0).astype(int)
new = draw.normal(size=(2000, 2)).astype("float32")
print(*(f"{n} {version(n)}" for n in ("skl2onnx", "onnxruntime", "scikit-learn")))
for method in ("sigmoid", "isotonic"):
    model = CalibratedClassifierCV(LogisticRegression(), method=method)
    model.fit(burden, ill)
    graph = to_onnx(model, burden[:1], options={id(model): {"zipmap": False}})
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    here, there = model.predict_proba(new)[:, 1], session.run(None, {"X": new})[1][:, 1]
    far = numpy.abs(here - there)
    different = [len(numpy.unique(said.round(5))) for said in (here, there)]
    print(f"{method}: {(far > 0.001).mean():.0%} of 2,000 differ, at most by {far.max():.3f};")
    print(f"  different probabilities: {different[0]} in scikit-learn, {different[1]} as ONNX")
    if method == "sigmoid":
        assert far.max() < 1e-5, "sigmoid calibration has changed"
    else:
        assert (far > 0.001).mean() > 0.1 and far.max() > 0.01, "skl2onnx has changed"
        assert different[1] < different[0] / 5
PYTHON
