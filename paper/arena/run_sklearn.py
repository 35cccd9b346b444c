"The plain reference: a linear model or boosted trees, one per outcome, on all evidence side by side."

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegressionCV, RidgeCV

from arena_io import run


def model(job, kind):
    if job.options["model"] == "boosting":
        new = (
            HistGradientBoostingRegressor
            if kind == "regression"
            else HistGradientBoostingClassifier
        )
        return new(learning_rate=0.05, max_iter=300, early_stopping=True, random_state=job.seed)
    if kind == "regression":
        return RidgeCV(np.logspace(-1, 4, 21))
    return LogisticRegressionCV(
        Cs=np.logspace(-4, 1, 6),
        cv=5,
        scoring="neg_log_loss",
        l1_ratios=(0,),
        use_legacy_attributes=False,
        max_iter=500,
    )


def fit(job):
    said, t, v = [], ~job.valid, job.valid
    for y, kind in zip(job.Y.T, job.kinds):
        m = model(job, kind)
        if job.options["model"] == "boosting":
            m.fit(job.Z[t], y[t], X_val=job.Z[v], y_val=y[v])
        else:
            m.fit(job.Z, y)
        said.append(
            m.predict(job.Z_test) if kind == "regression" else m.predict_proba(job.Z_test)[:, 1]
        )
    return np.column_stack(said), ""


if __name__ == "__main__":
    run(fit, "scikit-learn", "numpy")
