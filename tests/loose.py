"""Two tables of one world, and a model that knows the first by heart: for the tests of memorisation and of its power."""

import warnings

import pytest

from adaroute.estimator import AdaRoute
from adaroute.synthetic import make_cohort

COLUMNS = dict(
    text="note", categorical=["sex", "site"], tasks=dict(phq9="regression", gad7="regression")
)


def loose(steps, prior):
    "Parameters of a model that nothing holds back."
    return dict(
        members=1,
        starts=1,
        steps=steps,
        settings=dict(every=steps),
        design=dict(start="random"),
        prior=prior,
    )


@pytest.fixture(scope="module")
def tables():
    "Rows to train on, and rows to keep back."
    return [make_cohort(n, seed=150, draw=i).frame for i, n in enumerate((160, 100))]


@pytest.fixture(scope="module")
def model(request, tables):
    "The first table, learned with the LOOSE parameters of the module that asks."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AdaRoute(**COLUMNS, **request.module.LOOSE, seed=1).fit(tables[0])
