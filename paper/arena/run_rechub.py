"torch-rechub's SharedBottom, MMOE or PLE: all outcomes in one model; up to six configurations, judged on the validation fifth."

import itertools
import random

import numpy as np
import torch
from torch.utils.data import DataLoader
from torch_rechub.basic.features import DenseFeature
from torch_rechub.models.multi_task import MMOE, PLE, SharedBottom
from torch_rechub.trainers import MTLTrainer
from torch_rechub.utils.data import DataGenerator, PredictDataset

from arena_io import run

GRID = [dict(dims=d, weight_decay=w) for d, w in itertools.product((32, 64), (1e-4, 1e-2, 5e-2))]


def build(name, width, types, dims):
    "The model with the sizes of the package's own examples, scaled to tables of this size."
    features, towers = [DenseFeature("Z", embed_dim=width)], [{"dims": [16]} for _ in types]
    expert = {"dims": [dims], "dropout": 0.2}
    if name == "shared":
        return SharedBottom(features, types, bottom_params=expert, tower_params_list=towers)
    if name == "mmoe":
        return MMOE(features, types, n_expert=8, expert_params=expert, tower_params_list=towers)
    return PLE(
        features,
        types,
        n_level=1,
        n_expert_specific=2,
        n_expert_shared=2,
        expert_params=expert,
        tower_params_list=towers,
    )


def ask(trainer, Z):
    return np.array(trainer.predict(trainer.model, DataLoader(PredictDataset({"Z": Z}), 512)))


def train(job, config):
    random.seed(job.seed)
    np.random.seed(job.seed)
    torch.manual_seed(job.seed)
    types = ["regression" if kind == "regression" else "classification" for kind in job.kinds]
    model, (t, v) = (
        build(job.options["model"], job.Z.shape[1], types, config["dims"]),
        (~job.valid, job.valid),
    )
    Z, Y = job.Z.astype(np.float32), job.Y.astype(np.float32)
    parts = {"Z": Z[v]}, Y[v]
    loaders = DataGenerator({"Z": Z[t]}, Y[t]).generate_dataloader(
        *parts, *parts, batch_size=64 if len(Z) < 1000 else 128
    )
    trainer = MTLTrainer(
        model,
        types,
        optimizer_params={"lr": 1e-3, "weight_decay": config["weight_decay"]},
        n_epoch=job.options["epochs"],
        earlystop_patience=4,
        earlystop_mode="min" if types[0] == "regression" else "max",
        model_path=str(job.folder),
    )
    trainer.fit(loaders[0], loaders[1])
    trainer.model.load_state_dict(
        trainer.early_stopper.best_weights
    )  # it does so itself only if it stopped early
    return trainer, job.loss(ask(trainer, Z[v]))


def fit(job):
    torch.set_num_threads(1)
    tried = [(*train(job, config), config) for config in GRID]
    trainer, _, config = min(tried, key=lambda found: found[1])
    return ask(
        trainer, job.Z_test.astype(np.float32)
    ), f"of 6: {config['dims']} units, weight decay {config['weight_decay']:g}"


if __name__ == "__main__":
    run(fit, "torch-rechub", "torch")
