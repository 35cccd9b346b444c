#!/usr/bin/env bash
# For fastcore's test_eq the answers 1, 2 and none equal the answers 1 and 2 of a shorter form.
#
# nbdev's notebooks test themselves with test_eq. It lays two lists side by side and fills the
# shorter one up with None, so that a missing answer at the end equals nothing at all: [1, None]
# passes for [1], and [None, None] for []. Which is what a person who stopped in the middle looks
# like. An array of three is "equal" to an array of one, and a row to a table of the same row, for
# numpy stretches the one to fit the other. test_close takes two lists of different length, if the
# first numbers agree. Dictionaries, frames and series are compared properly. The page of the module
# shows lists of equal length. Guess before the run: not equal. adaroute's chapters use plain
# assert, and house rules keep fastcore out of its code.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  fastcore==2.2.41 numpy==2.4.6 pandas==3.1.1 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy
import pandas
from fastcore.test import test_close, test_eq

print(*(f"{name} {version(name)}" for name in ("fastcore", "numpy", "pandas")))


def passes(test, one, other):
    try:
        test(one, other)
    except AssertionError:
        return False
    return True


wanted = [
    (test_eq, [1, 2], [1, 2], True),
    (test_eq, [1, 2], [1, 3], False),
    (test_eq, [1, 2, None], [1, 2], True),
    (test_eq, [], [None, None], True),
    (test_eq, [[1, None], [2]], [[1], [2, None]], True),
    (test_eq, {"a": [1, None]}, {"a": [1]}, False),
    (test_eq, numpy.ones(3), numpy.ones(1), True),
    (test_eq, numpy.array([1, 2]), numpy.array([[1, 2], [1, 2]]), True),
    (test_eq, pandas.Series([1, 2]), pandas.Series([1, 2, None]), False),
    (test_close, [1.0, 2.0], [1.0], True),
    (test_close, [1.0, 2.0], [1.0, 3.0], False),
]
for test, one, other, expected in wanted:
    got = passes(test, one, other)
    plain = [cells.tolist() if hasattr(cells, "tolist") else cells for cells in (one, other)]
    print(f"{test.__name__}({plain[0]}, {plain[1]}): {'passes' if got else 'fails'}")
    assert got == expected, "fastcore has changed"
PYTHON
