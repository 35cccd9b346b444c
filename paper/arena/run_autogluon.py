"AutoGluon tabular on the raw columns, text as n-grams: LightGBM, a forest, extra trees and their weighting; one predictor per outcome."

import numpy as np
from autogluon.tabular import TabularPredictor

from arena_io import run

KINDS = {"regression": "regression", "binary": "binary"}


def fit(job):
    train, test = job.frames()
    inputs, said = [c for c in train if c not in job.tasks], []
    for k, (task, kind) in enumerate(job.tasks.items()):
        table = train[inputs].assign(
            **{"__y": job.Y[:, k] if kind == "regression" else job.Y[:, k].astype(int)}
        )
        p = TabularPredictor(
            label="__y",
            problem_type=KINDS[kind],
            eval_metric="r2" if kind == "regression" else "roc_auc",
            path=str(job.folder / f"predictor{k}"),
            verbosity=0,
        )
        p.fit(
            table[~job.valid],
            tuning_data=table[job.valid],
            hyperparameters={"GBM": {}, "RF": {}, "XT": {}},
            time_limit=job.options["seconds"],
            num_cpus=1,
            num_gpus=0,
        )
        said.append(
            p.predict(test[inputs]) if kind == "regression" else p.predict_proba(test[inputs])[1]
        )
    return np.column_stack(said), ""


if __name__ == "__main__":
    run(fit, "autogluon.tabular", "lightgbm", "scikit-learn")
