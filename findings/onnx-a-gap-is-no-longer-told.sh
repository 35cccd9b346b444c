#!/usr/bin/env bash
# A model that learned from whether an answer is missing no longer sees it after skl2onnx.
#
# SimpleImputer(add_indicator=True) hands on, beside the filled columns, which cells were missing.
# skl2onnx leaves these columns out without a word, and the linear model behind reads the first of its
# coefficients alone: complete people agree to six digits, so a check on them passes, and whoever left
# out what gives the illness away is predicted as one who answered. Two encoders lose the same thing:
# a missing cell that OrdinalEncoder was taught (encoded_missing_value) or that TargetEncoder saw in
# training is a level like others in scikit-learn and one never seen in the graph. Guess before the
# run: equal, or refused, as other settings are. adaroute exports no ONNX; a missing cell has an input
# of its own there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import onnxruntime
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, TargetEncoder


def by_graph(model, rows):
    kind = [("table", FloatTensorType([None, rows.shape[1]]))]
    graph = convert_sklearn(model, initial_types=kind).SerializeToString()
    run = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run
    return numpy.ravel(run(None, {"table": rows.astype("float32")})[0])


draw = numpy.random.default_rng(0)
ill = draw.uniform(size=400) < 0.3
table = draw.normal(size=(400, 2))
table[:, 1] = numpy.where(ill & (draw.uniform(size=400) < 0.8), numpy.nan, table[:, 1])
score = 5 + 10 * ill + table[:, 0]
level = draw.integers(0, 4, (400, 1)).astype(float)
level[ill] = numpy.nan
asked = numpy.array([[0.0], [3.0], [numpy.nan]])
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    model = make_pipeline(SimpleImputer(add_indicator=True), LinearRegression()).fit(table, score)
    here, there = model.predict(table), by_graph(model, table)
    ordinal = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=9
    ).fit(level)
    target = TargetEncoder(target_type="continuous").fit(level, score)
    codes = {
        type(encoder).__name__: (encoder.transform(asked).ravel(), by_graph(encoder, asked))
        for encoder in (ordinal, target)
    }
gap = numpy.isnan(table[:, 1])
for name, rows in (("complete", ~gap), ("with a gap", gap)):
    print(f"{name}: {rows.sum()} people, true mean {score[rows].mean():.2f}, scikit-learn"
          f" {here[rows].mean():.2f}, graph {there[rows].mean():.2f}")
for name, (plain, graph) in codes.items():
    print(f"{name}: 0, 3, missing are {plain.round(2)} in scikit-learn, {graph.round(2)} in the graph")
print("warnings:", len(said))
print(*(f"{n} {version(n)}" for n in ("skl2onnx", "onnx", "onnxruntime", "scikit-learn", "numpy")))
assert abs(here - there)[~gap].max() < 1e-4
assert abs(here - there)[gap].min() > 5, "skl2onnx has changed"
for plain, graph in codes.values():
    assert abs(plain - graph)[:2].max() < 1e-4 and abs(plain - graph)[2] > 4, "skl2onnx has changed"
PYTHON
