"""Memorisation: losses of real fitted models, the paper's quantities, and the fits of an auditor."""

import numpy as np
import pytest

from adaroute.provenance import memorisation as me
from adaroute.estimator import AdaRoute
from loose import COLUMNS, loose, model, tables

LOOSE = loose(60, dict(evidence=0.5, axis=0.5, heads=0.5, router=2.0))
pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")


@pytest.mark.parametrize("selection", ["likelihood", "soft", "hard"])
@pytest.mark.parametrize("route_per", ["sample", "sample_task"])
def test_losses_of_every_kind(tables, selection, route_per):
    frame = tables[0].assign(
        high=lambda d: (d.phq9 > 11) * 1.0, visits_again=tables[0].visits, level=tables[0].item_1
    )
    tasks = dict(phq9="regression", high="binary", level="ordinal", visits_again="count")
    frame.loc[3, list(tasks)] = np.nan
    frame.loc[4, "phq9"] = np.nan
    fitted = AdaRoute(
        text="note",
        numeric=["age", "item_2"],
        tasks=tasks,
        members=2,
        starts=1,
        steps=5,
        selection=selection,
        route_per=route_per,
    ).fit(frame)
    each, whole = me.lane_losses(fitted, frame), me.model_losses(fitted, frame)
    assert each.shape == (2, 160) and whole.shape == (160,)
    assert np.isnan(whole[3]) and np.isfinite(np.delete(whole, 3)).all()
    assert (np.delete(whole, 3) <= np.delete(each.max(axis=0), 3) + 1e-9).all()


def test_no_evidence_no_loss(tables, model):
    frame = tables[0].head(5).copy()
    frame[[c for c in frame if c not in ("phq9", "gad7")]] = np.nan
    assert np.isnan(me.model_losses(model, frame)).all()


def test_trained_rows_are_those_of_the_split(tables, tmp_path):
    groups = np.arange(160) // 2
    model = AdaRoute(**COLUMNS, members=3, starts=2, steps=2, seed=7).fit(tables[0], groups=groups)
    trained = me.trained_rows(model, tables[0], groups)
    assert trained.shape == (3, 160)
    assert (trained[:, ::2] == trained[:, 1::2]).all() and (trained.sum(axis=1) == 128).all()
    assert not (~trained).all(axis=0).any()
    model.save(tmp_path / "model")
    again = AdaRoute.load(tmp_path / "model")
    assert (me.trained_rows(again, tables[0], groups) == trained).all()
    assert np.array_equal(me.lane_losses(again, tables[0]), me.lane_losses(model, tables[0]))


def test_rows_without_an_outcome_never_train(tables):
    frame = tables[0].copy()
    frame.loc[:9, ["phq9", "gad7"]] = np.nan
    model = AdaRoute(**COLUMNS, members=2, starts=1, steps=2, seed=7).fit(frame)
    trained = me.trained_rows(model, frame)
    assert not trained[:, :10].any() and (trained.sum(axis=1) == 120).all()


def test_quantities_of_the_paper():
    line = np.arange(400.0)
    assert me.memorisation(line, line + 1).mean() == 1
    assert me.fraction_below(line, line, 0.5) == 0.5
    two = np.repeat(line, 2)
    single, paired = (
        me.subtraction_bound(two, line, groups=g, draws=100) for g in (None, np.arange(800) // 2)
    )
    assert single.value == paired.value and paired.high - paired.low > single.high - single.low
    assert me.subtraction_bound(line + 500, line, draws=9).high > 0
    with pytest.raises(ValueError, match="p: expected"):
        me.fraction_below(line, line, 2)


@pytest.mark.parametrize(
    "how",
    [
        dict(),
        dict(members=2, starts=2, steps=10, settings=dict(every=5)),
        dict(members=1, starts=1, steps=10, selection="hard"),
    ],
)
def test_unchanged_is_the_estimator(tables, model, how):
    groups = np.arange(160) // 2 if how else None
    fitted = AdaRoute(**COLUMNS, **how, seed=3).fit(tables[0], groups=groups) if how else model
    again = me.fit_changed(fitted, tables[0], fitted.members, fitted.seed, groups=groups)
    assert np.array_equal(me.lane_losses(again, tables[1]), me.lane_losses(fitted, tables[1]))


def test_a_change_changes(tables, model):
    like = lambda **how: me.lane_losses(me.fit_changed(model, tables[0], 2, 5, **how), tables[1])
    plain = like()
    for how in (dict(missing=0.1), dict(added=tables[1], share=0.1), dict(noise=0.1)):
        assert not np.array_equal(like(**how), plain)
    assert np.array_equal(like(missing=0.1, together=2), like(missing=0.1, together=2))


def test_references_have_their_own_seed(tables, model):
    with pytest.raises(ValueError, match="auditor's own"):
        me.reference_fits(model, tables[0], seed=model.seed)
    with pytest.raises(ValueError, match="count"):
        me.reference_fits(model, tables[0], count=5)


def test_heat_map(tables, model):
    heat = me.heat_map(model, *tables, segments=5)
    assert heat.shape == (5, 5) and (heat.argmax(axis=1) == np.arange(5)).mean() > 0.5
    with pytest.raises(ValueError, match="segments"):
        me.heat_map(model, *tables, segments=100)
