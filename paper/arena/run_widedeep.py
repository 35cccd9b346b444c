"pytorch-widedeep: TabMlp on numbers and facts, a recurrent network on the words, all outcomes in one model."

import re
from collections import Counter

import numpy as np
import torch

# the CPU builds of torch and torchvision do not fit each other: without these declarations the import fails
_OPS = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    _OPS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from pytorch_widedeep import Trainer
from pytorch_widedeep.callbacks import EarlyStopping
from pytorch_widedeep.losses_multitarget import (
    MultiTargetClassificationLoss,
    MultiTargetRegressionLoss,
    MutilTargetRegressionAndClassificationLoss,
)
from pytorch_widedeep.models import BasicRNN, TabMlp, WideDeep

from arena_io import run

LENGTH, WORDS = (
    200,
    4000,
)  # tokens kept of a row, words kept of the training rows; 0: unknown, 1: padding


def tokens(job):
    "Word numbers of training and test rows, (n, LENGTH) each; the vocabulary is that of the rows that train."
    rows = [
        [
            re.findall(r"[a-z']+", " ".join(str(v) for v in row if v is not None).lower())
            for row in frame[job.columns["text"]].to_numpy()
        ]
        for frame in job.frames()
    ]
    counts = Counter(w for words, valid in zip(rows[0], job.valid) if not valid for w in words)
    known = {w: i + 2 for i, (w, n) in enumerate(counts.most_common(WORDS)) if n > 1}
    pad = lambda words: ([known.get(w, 0) for w in words[:LENGTH]] + [1] * LENGTH)[:LENGTH]
    return [np.array([pad(words) for words in part]) for part in rows], len(known) + 2


def loss(kinds):
    numbers, binary = (
        [i for i, kind in enumerate(kinds) if kind == which] for which in ("regression", "binary")
    )
    if not binary:
        return MultiTargetRegressionLoss()
    if not numbers:
        return MultiTargetClassificationLoss(binary_config=binary)
    return MutilTargetRegressionAndClassificationLoss(
        regression_config=numbers, binary_config=binary
    )


def fit(job):
    torch.set_num_threads(1)
    torch.manual_seed(job.seed)
    np.random.seed(job.seed)
    (words, words_test), size = tokens(job)
    plain = job.block("numbers", "facts")
    names = [f"x{i}" for i in plain]
    model = WideDeep(
        deeptabular=TabMlp(column_idx={n: i for i, n in enumerate(names)}, continuous_cols=names),
        deeptext=BasicRNN(vocab_size=size, embed_dim=32, hidden_dim=32),
        pred_dim=len(job.tasks),
    )
    part = lambda rows: dict(
        X_tab=job.Z[rows][:, plain], X_text=words[rows], target=job.Y[rows].astype(np.float32)
    )
    trainer = Trainer(
        model,
        objective="multitarget",
        custom_loss_function=loss(job.kinds),
        verbose=0,
        num_workers=0,
        seed=job.seed,
        callbacks=[EarlyStopping(patience=4, restore_best_weights=True)],
    )
    trainer.fit(X_train=part(~job.valid), X_val=part(job.valid), n_epochs=30, batch_size=64)
    said = np.vstack(
        trainer._predict(X_tab=job.Z_test[:, plain], X_text=words_test)
    )  # `predict` and `predict_proba` refuse mixed outcomes
    said = np.where(np.array(job.kinds) == "binary", 1 / (1 + np.exp(-said)), said)
    return said, "ran only with stand-ins for two operations of torchvision"


if __name__ == "__main__":
    run(fit, "pytorch-widedeep", "torch")
