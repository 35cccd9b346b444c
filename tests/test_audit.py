"""Power: a test by ranks that keeps its rate, finds its cheats, and works for members, groups, gaps and a real table."""

import json

import numpy as np
import pytest

from adaroute import datasets
from adaroute.provenance import audit as power
from adaroute.estimator import AdaRoute
from adaroute.provenance.memorisation import fit_changed
from loose import COLUMNS, loose, model, tables

WEAK = dict(evidence=0.1, axis=0.1, heads=0.1, router=0.4)
LOOSE = loose(80, WEAK)
pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")


@pytest.fixture(scope="module")
def audit(tables, model):
    return power.make_audit(
        model, *tables, count=19, trials=5, shares=(0.1, 0.5), leaks=(0.5,), seed=2
    )


def imagined(models, rng, n=80, missing=0.0, leak=0.0, lanes=1):
    "Losses without a model: trained rows cost one less, each model and each row has a level of its own; the last model may cheat."
    claim = rng.random((models, lanes, n)) < 0.8
    truth, unseen = claim.copy(), np.ones((models, lanes, n), bool)
    truth[-1] &= rng.random(n) >= missing
    unseen[-1] &= rng.random(n) >= leak
    loss = lambda: rng.normal(0, 0.4, (models, lanes, n)) + rng.normal(0, 2, n)
    return power.Stack(loss() - truth + rng.normal(0, 1, (models, 1, 1)), claim, loss() + unseen)


@pytest.mark.parametrize("leak", [False, True])
def test_the_rate_of_false_alarms_is_that_of_ranks(leak):
    rng = np.random.default_rng(0)
    ranks = [
        (lambda s: (s >= s[-1]).sum())(power.suspicion(imagined(20, rng), leak)) for _ in range(200)
    ]
    assert 0.02 <= np.mean(np.array(ranks) == 1) <= 0.08
    assert abs(np.mean(ranks) - 10.5) < 1.3


@pytest.mark.parametrize("cheat", [dict(missing=0.5), dict(leak=0.5), dict(missing=0.5, lanes=3)])
def test_imagined_cheats_are_found(cheat):
    rng = np.random.default_rng(1)
    first = [
        power.suspicion(imagined(20, rng, **cheat), "leak" in cheat).argmax() == 19
        for _ in range(20)
    ]
    assert np.mean(first) > 0.8


def test_nothing_to_compare_with_is_left_out():
    stack = imagined(20, np.random.default_rng(2))
    stack.claimed[:, :, 0] = np.nan
    stack.trained[:, :, 0] = False  # a row without an outcome
    stack.trained[:, :, 1] = False  # one on which nobody trained
    stack.trained[:, :, 2] = True  # and one that never validated
    for leak in (False, True):
        assert np.isfinite(power.suspicion(stack, leak)).all()
    assert np.isnan(power.row_excess(stack.claimed, stack.trained)[:, :, :2]).all()


def test_the_order_of_rows_and_models_does_not_matter():
    rng = np.random.default_rng(3)
    stack, rows, models = imagined(20, rng), rng.permutation(80), rng.permutation(20)
    mixed = power.Stack(*(block[models][:, :, rows] for block in stack))
    for leak in (False, True):
        assert np.allclose(power.suspicion(stack, leak)[models], power.suspicion(mixed, leak))


def test_honest_and_not(tables, model, audit):
    judged = lambda m: power.judge(power.stack_losses(m, 1, *tables), audit)
    honest = judged(model)
    assert honest.p_value > 0.05 and honest.leak_p_value > 0.05 and honest.missing.low == 0
    assert (
        json.loads(json.dumps(honest.to_dict()))["power"].keys() == {"0.1", "0.5"}
        and "never proof" in honest.sentences[0]
    )
    assert judged(fit_changed(model, tables[0], 1, 5, missing=0.5)).p_value <= 0.05
    assert (
        judged(fit_changed(model, tables[0], 1, 6, added=tables[1], share=0.8)).leak_p_value <= 0.05
    )
    assert audit.power()[0.5] >= audit.power()[0.1]
    assert set(audit.bound_power()) == {0.1, 0.5} and audit.power(leak=True)[0.5] > 0.5


def test_the_share_is_read_backwards():
    around = np.linspace(-0.1, 0.1, 9)
    for share in (0, 0.1, 0.3, 0.5):
        found = power.estimated_share(share, around, {0.2: 0.2 + around, 0.5: 0.5 + around})
        assert found.low <= share <= found.high and abs(found.value - share) < 0.01
    flat = power.estimated_share(0.0, around, {0.2: around, 0.5: around})
    assert flat.low == 0 and flat.high == 1


def test_members_and_groups(tables):
    frame, sealed = tables[0].copy(), tables[1]
    frame.loc[:5, ["phq9", "gad7"]] = np.nan
    groups = np.arange(160) // 2
    settings = LOOSE | dict(members=2, starts=2, steps=10, settings=dict(every=10))
    model = AdaRoute(**COLUMNS, **settings, seed=1).fit(frame, groups=groups)
    found = power.memorisation_evidence(model, frame, sealed, groups, count=19, trials=0)
    assert (
        found.enough
        and found.references == 19
        and 0 < found.p_value <= 1
        and found.missing is None
        and found.power == {}
    )
    assert not any("Estimated" in s for s in found.sentences)
    json.dumps(found.to_dict())


def test_too_few_rows_and_wrong_words(tables, model):
    few = power.memorisation_evidence(model, tables[0], tables[1].head(49))
    assert not few.enough and few.p_value is None and few.sentences[0].startswith("Not enough rows")
    bare = tables[1].assign(phq9=np.nan, gad7=np.nan)
    assert not power.memorisation_evidence(model, tables[0], bare).enough
    with pytest.raises(ValueError, match="regime"):
        power.memorisation_trial(150, regime="nonsense")
    with pytest.raises(ValueError, match="trials"):
        power.make_audit(model, *tables, trials=-1)


def test_a_trial_is_plain(monkeypatch):
    monkeypatch.setitem(power.REGIMES, "over", LOOSE | dict(steps=25))
    found = power.memorisation_trial(150, 0.5, "over", runs=2, rows=100, count=19, trials=2)
    assert [d["run"] for d in found] == [0, 1] and all(
        0 < d["p_value"] <= 1 and 0 <= d["stated_power"] <= 1 for d in found
    )
    assert set(map(type, json.loads(json.dumps(found[0])).values())) <= {
        int,
        float,
        str,
        type(None),
    }


def test_a_real_table():
    if not datasets.available("dep_wor"):
        pytest.skip("dep_wor is not on this machine")
    d = datasets.load("dep_wor")
    rng = np.random.default_rng(0)
    part = rng.permutation(len(d.frame))[:300]
    frame, sealed = (d.frame.iloc[p].reset_index(drop=True) for p in (part[:200], part[200:]))
    s = d.schema
    model = AdaRoute(
        **s.roles,
        **LOOSE | dict(steps=20),
    ).fit(frame)
    found = power.memorisation_evidence(model, frame, sealed, count=19, trials=0)
    assert found.enough and found.rows == 200 and 0 < found.p_value <= 1


def test_an_audit_goes_on_where_it_was_stopped(tables, model, tmp_path, monkeypatch):
    how, fits, fitted = (
        dict(count=19, trials=2, shares=(0.5,), leaks=(0.5,), seed=2),
        [],
        power.fit_changed,
    )
    ask = lambda **other: power.make_audit(model, *tables, keep=tmp_path / "kept", **how | other)

    def stopped(*args, **more):
        if fits:
            raise KeyboardInterrupt
        fits.append(1)
        return fitted(*args, **more)

    with monkeypatch.context() as m:
        m.setattr(power, "fit_changed", stopped)
        with pytest.raises(KeyboardInterrupt):
            ask()
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == [
        "audit.txt",
        "cheats-1.npz",
        "references",
    ]
    with monkeypatch.context() as m:
        m.setattr(power, "reference_fits", None)  # not again
        resumed = ask()
    plain, stacks = (
        power.make_audit(model, *tables, **how),
        lambda a: [a.references, *a.missing.values(), *a.leaked.values()],
    )
    assert all(
        np.array_equal(x, y, equal_nan=True)
        for one, other in zip(stacks(plain), stacks(resumed))
        for x, y in zip(one, other)
    )
    for other in (dict(seed=3), dict(trials=3), dict(leaks=(0.2,))):
        with pytest.raises(
            ValueError, match="keep: expected an empty folder or the one of this very audit"
        ):
            ask(**other)
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
