#!/usr/bin/env bash
# A CPU generator of torch keeps the low 32 bits of a seed: seeds that differ by 2**32 draw the same.
#
# torch.Generator().manual_seed takes any whole number of 64 bits, and initial_seed() gives all of it
# back. The Mersenne twister behind a CPU generator is seeded with the low 32 bits alone, so seed s and
# seed s + 2**32 give the same numbers, without a word. Whoever keeps two streams apart by adding
# 2**32 to a seed (as in "weights from s, batches from s + 2**32") has one stream twice; adding
# 2**31 + 1, or hashing, keeps them apart. numpy's SeedSequence uses all bits. In adaroute the streams
# of first weights and of batches begin alike for this reason; they are drawn in different shapes and
# for different ends, and changing it would change every pinned model, so it is written down instead.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import numpy
import torch


def draw(seed):
    return torch.rand(4, generator=torch.Generator().manual_seed(seed)).tolist()


high = torch.Generator().manual_seed(7 + 2**32)
print("torch", torch.__version__, "numpy", numpy.__version__)
print("seed 7:          ", [round(x, 4) for x in draw(7)])
print("seed 7 + 2**32:  ", [round(x, 4) for x in draw(7 + 2**32)])
print("initial_seed() says", high.initial_seed(), "of the second")
assert draw(7) == draw(7 + 2**32) and high.initial_seed() == 7 + 2**32, "torch has changed"
assert draw(7) != draw(7 + 2**31 + 1)
apart = [numpy.random.default_rng(seed).random() for seed in (7, 7 + 2**32)]
assert apart[0] != apart[1]
PYTHON
