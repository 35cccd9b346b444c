#!/usr/bin/env bash
# On a CPU, torch's attention over float64 tensors misreads a float32 mask, in silence, from some width on.
#
# scaled_dot_product_attention refuses a mask whose type is neither bool, float32 nor the query's, so a
# float32 mask beside float64 queries is allowed by its own message. With few keys the answer is right.
# From a certain number of keys on (8 with vectors of AVX2) the fused kernel reads something else than the
# mask: a mask of zeros, which should change nothing, moves outputs by as much as the values themselves.
# No warning. The same call with the mask in float64, or with the kernel "math", is right; bfloat16 and
# float16 queries with a float32 mask are right too. Who checks a model in double precision (as we did, to
# prove an identity to twelve digits) is told that the model is wrong, or that a wrong one is right.
# Guess before the run: the mask is converted, or the pair is refused.
# adaroute gives attention a mask of the query's own type (studies, chapter on the decoder; a test holds it).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention as attend

torch.manual_seed(0)


def measure_errors(keys):
    "Largest error with a float32 mask, with a float64 mask, and with a float32 mask under the kernel math."
    query, key, value = (torch.randn(4, 2, rows, 8, dtype=torch.float64) for rows in (1, keys, keys))
    mask = torch.zeros(4, 1, 1, keys)
    right = (query @ key.mT / 8**0.5).softmax(-1) @ value
    single = attend(query, key, value, attn_mask=mask)
    double = attend(query, key, value, attn_mask=mask.double())
    with sdpa_kernel(SDPBackend.MATH):
        plain = attend(query, key, value, attn_mask=mask)
    return [(answer - right).abs().max().item() for answer in (single, double, plain)]


print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability())
for keys in (2, 4, 40, 64):
    single, double, plain = measure_errors(keys)
    print(f"{keys:2d} keys: float32 mask {single:.0e}, float64 mask {double:.0e}, kernel math {plain:.0e}")
    assert double < 1e-12 and plain < 1e-12
    assert single < 1e-12 if keys < 8 else single > 0.1, "torch has changed"
PYTHON
