"AdaRoute on the raw columns, all outcomes in one model, as its defaults have it; the project's own environment."

from adaroute.estimator import AdaRoute

from arena_io import run


def fit(job):
    train, test = job.frames()
    about = {kind: tuple(job.columns[kind]) for kind in ("text", "numeric", "categorical")}
    model = AdaRoute(**about, tasks=dict(job.tasks), seed=job.seed, **job.options)
    said = model.fit(train, groups=job.columns["groups"]).predict(
        test.drop(columns=list(job.tasks), errors="ignore")
    )
    return (said[job.names].to_numpy() - job.centre) / job.spread, ""


if __name__ == "__main__":
    run(fit, "adaroute", "torch")
