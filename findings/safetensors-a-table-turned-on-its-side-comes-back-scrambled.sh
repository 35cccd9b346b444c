#!/usr/bin/env bash
# A matrix that numpy holds by columns comes back from safetensors 0.8 with its numbers elsewhere.
#
# numpy can hold a matrix by rows or by columns, and .T, every other column and reversed rows are
# views of the same numbers. safetensors.numpy.save_file writes the memory as it lies, and the shape
# beside it as if rows came first. The file is valid and loads: same shape, same numbers, each in
# another place, or with a view of every other column numbers that did not belong to it. Loadings of
# scikit-learn's PCA, transposed weights and tables out of pandas are such arrays. Nothing is said;
# torch's part of the same package refuses them by name, and version 0.7 wrote them well. Open in
# the tracker since August 2026 (safetensors/safetensors 825). A masked array loses its mask. Guess
# before the run: a copy is made, as numpy.save does it. adaroute lays its numbers out by rows and
# saves them by torch's part; a test loads what it saves.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  safetensors==0.8.0 numpy==2.4.6 pandas==3.1.1 scikit-learn==1.9.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy
import pandas
from safetensors.numpy import load, save
from sklearn.decomposition import PCA

scores = numpy.arange(12.0).reshape(3, 4)
people = pandas.DataFrame(numpy.random.default_rng(0).normal(size=(50, 4)), columns=list("abcd"))
cases = {
    "by rows": scores,
    "turned": scores.T,
    "every other column": scores[:, ::2],
    "rows reversed": scores[::-1],
    "held by columns": numpy.asfortranarray(scores),
    "loadings of a PCA": PCA().fit(people).components_,
    "other byte order": scores.astype(">f8"),
}
print(*(f"{name} {version(name)}" for name in ("safetensors", "numpy", "scikit-learn")))
same = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, array in cases.items():
        back = load(save({"table": array}))["table"]
        assert back.shape == array.shape
        same[name] = bool((back == array).all())
        print(f"{name:19} {'as it was' if same[name] else 'other numbers in the same shape'}")
print("warnings:", len(said))
assert same["by rows"] and same["other byte order"], "plain arrays have changed"
lost = [name for name in same if not same[name]]
assert len(lost) >= 4 and "turned" in lost and not said, "safetensors has changed"
print("turned:", load(save({"t": scores.T}))["t"][0].astype(int), "for", scores.T[0].astype(int))
PYTHON
