"pytorch-frame's ResNet with one output an outcome; the text comes as an embedding column (our text features)."

import copy

import numpy as np
import pandas as pd
import torch
import torch_frame
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss
from torch_frame import NAStrategy, stype
from torch_frame.data import DataLoader, Dataset
from torch_frame.nn import LinearEmbeddingEncoder, LinearEncoder, ResNet

from arena_io import run


def frame(job, Z):
    "Numbers and facts as columns, the text as one column of vectors."
    plain, text = job.block("numbers", "facts"), job.block("text")
    table = pd.DataFrame(Z[:, plain], columns=[f"x{i}" for i in range(len(plain))])
    return table.assign(text=list(Z[:, text].tolist()), row=np.arange(len(Z), dtype=float))


def tensors(job):
    "Training rows as a Dataset, test rows converted in its manner."
    table = frame(job, job.Z)
    kinds = {c: stype.embedding if c == "text" else stype.numerical for c in table}
    data = Dataset(table, col_to_stype=kinds, target_col="row").materialize()
    return data, data.convert_to_tensor_frame(frame(job, job.Z_test))


def error(job, eta, Y):
    binary = torch.tensor([kind == "binary" for kind in job.kinds])
    each = [
        binary_cross_entropy_with_logits(eta[:, k], Y[:, k]) if b else mse_loss(eta[:, k], Y[:, k])
        for k, b in enumerate(binary)
    ]
    return sum(each)


def say(job, model, rows):
    model.eval()
    with torch.no_grad():
        eta = model(rows)
    return torch.where(
        torch.tensor([kind == "binary" for kind in job.kinds]), eta.sigmoid(), eta
    ).numpy()


def fit(job):
    torch.set_num_threads(1)
    torch.manual_seed(job.seed)
    data, test = tensors(job)
    Y, rows = torch.tensor(job.Y, dtype=torch.float32), data.tensor_frame
    encoders = {
        stype.numerical: LinearEncoder(na_strategy=NAStrategy.MEAN),
        stype.embedding: LinearEmbeddingEncoder(),
    }
    model = ResNet(
        channels=32,
        out_channels=len(job.tasks),
        num_layers=2,
        col_stats=data.col_stats,
        col_names_dict=rows.col_names_dict,
        stype_encoder_dict=encoders,
    )
    steps, best, left = (
        torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4),
        (np.inf, None),
        8,
    )
    loader = DataLoader(
        rows[torch.from_numpy(np.flatnonzero(~job.valid))], batch_size=64, shuffle=True
    )
    valid = rows[torch.from_numpy(np.flatnonzero(job.valid))]
    for epoch in range(60):
        model.train()
        for part in loader:
            steps.zero_grad()
            error(job, model(part), Y[part.y.long()]).backward()
            steps.step()
        found = job.loss(say(job, model, valid))
        if found < best[0]:
            best, left = (found, copy.deepcopy(model.state_dict())), 8
        elif (left := left - 1) == 0:
            break
    model.load_state_dict(best[1])
    return say(job, model, test), ""


if __name__ == "__main__":
    run(fit, "pytorch-frame", "torch")
