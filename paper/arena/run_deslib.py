"DESlib's KNORA-U: for each row, the classifiers that were right on its neighbours vote. One pool per outcome."

import numpy as np
from deslib.des.knora_u import KNORAU
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from arena_io import run


def pool(job):
    "Numbers only, text only, both, and a forest on both."
    cut = lambda *kinds: ColumnTransformer([("cut", "passthrough", job.block(*kinds))])
    linear = lambda *kinds: make_pipeline(cut(*kinds), LogisticRegression(C=0.1, max_iter=1000))
    return [
        linear("numbers"),
        linear("facts", "text"),
        linear("numbers", "facts", "text"),
        RandomForestClassifier(200, min_samples_leaf=2, random_state=job.seed),
    ]


def fit(job):
    said, (t, v) = [], (~job.valid, job.valid)
    for y in job.Y.T.astype(int):
        members = [m.fit(job.Z[t], y[t]) for m in pool(job)]
        said.append(
            KNORAU(members, random_state=job.seed)
            .fit(job.Z[v], y[v])
            .predict_proba(job.Z_test)[:, 1]
        )
    return np.column_stack(said), ""


if __name__ == "__main__":
    run(fit, "deslib", "scikit-learn")
