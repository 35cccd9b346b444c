"Random MMOE and PLE of torch-rechub: weights, inputs and outputs, to compare our own models with. Usage: check_rechub.py FILE"

import json
import sys

import torch
from torch_rechub.basic.features import DenseFeature
from torch_rechub.models.multi_task import MMOE, PLE

TYPES, WIDTH, ROWS = ["regression", "classification"], 5, 7


def models():
    features, towers = [DenseFeature("Z", embed_dim=WIDTH)], [{"dims": [3]}] * 2
    yield (
        "mmoe",
        MMOE(features, TYPES, n_expert=3, expert_params={"dims": [4]}, tower_params_list=towers),
    )
    yield (
        "ple",
        PLE(
            features,
            TYPES,
            n_level=1,
            n_expert_specific=1,
            n_expert_shared=2,
            expert_params={"dims": [4]},
            tower_params_list=towers,
        ),
    )


def stir(model):
    "Batch normalisation that does something: its fresh state is nearly the identity."
    for name, value in model.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_()
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
    return model.eval()  # no dropout, the running moments


def main(path):
    torch.manual_seed(0)
    Z, out = torch.randn(ROWS, WIDTH), {}
    for name, model in models():
        with torch.no_grad():
            out[f"{name}/said"] = stir(model)({"Z": Z}).tolist()
        out |= {
            f"{name}/{k}": v.tolist()
            for k, v in model.state_dict().items()
            if "num_batches" not in k
        }
    rows = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in {"Z": Z.tolist(), **out}.items()]
    with open(path, "w") as file:
        file.write("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1])
