"""Pictures of an audit: drawn from plain lists, the same bytes twice, and honest about what was not measured."""

import hashlib

import numpy as np
import pytest
from matplotlib import pyplot as plt

from adaroute.lab import provenance_figures as pp
from adaroute.report.style import savefig

NOISE = [
    {
        "distances": {
            "honest, other instructions": [0.0, 1e-6, 2e-6],
            "one record replaced": [0.1, 0.2, 0.0],
        },
        "noise": [0.1, 1e-7, None],
    }
]
CURVES = {
    "ridge": dict(counts=[1, 2, 5], seeming=[[0, 0.1, 0.2]], true=[[0, 0, 0.01]], committed=[0.02])
}
POWER = [
    dict(regime="over", kappa=k, stated=s, found=0.5, low=0.4, high=0.6)
    for k, s in ((0, 0.05), (0.2, None))
]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def dots(ax):
    return np.concatenate(
        [l.get_xdata() for l in ax.lines if l.get_marker() == "o" and len(l.get_xdata())]
    )


def test_distances_of_zero_are_left_out():
    ax = pp.noise_picture(NOISE).axes[0]
    assert sorted(dots(ax)) == [1e-6, 2e-6, 0.1, 0.2]
    assert {
        l.get_xdata()[0]
        for l in ax.lines
        if l.get_linestyle() == "--" or len(l.get_xdata()) == 2 and l.get_marker() == "None"
    } >= {1e-5}


def test_one_world_has_no_band():
    assert len(pp.shopping_picture(CURVES).axes[0].lines) >= 4


def test_a_power_that_was_not_stated_is_no_line():
    line = next(l for l in pp.power_picture(POWER).axes[0].lines if l.get_label() == "over-fitted")
    assert list(line.get_ydata()) == [0.05]


def test_heat_must_be_a_table():
    with pytest.raises(ValueError, match=r"heat: expected segments by blocks, got shape \(3,\)"):
        pp.heat_picture([1, 2, 3])


def test_parts_that_were_not_measured_say_so():
    fig = pp.provenance_picture(None, CURVES, [], None)
    assert sum("not measured" in t.get_text() for ax in fig.axes for t in ax.texts) == 3


def test_same_bytes_twice(tmp_path):
    for draw in (
        lambda: pp.provenance_picture(NOISE, CURVES, POWER, np.eye(3)),
        lambda: pp.cheats_picture([dict(cheat="a", seed=0, caught=True, named=False, called="b")]),
    ):
        a, b = (savefig(draw(), tmp_path / name) for name in "ab")
        assert [hashlib.sha256(p.read_bytes()).digest() for p in a] == [
            hashlib.sha256(p.read_bytes()).digest() for p in b
        ]


def test_each_trial_has_a_cell():
    trial = lambda caught, named: dict(
        cheat="gluing",
        how="",
        seed=int(caught) + int(named),
        caught=caught,
        named=named,
        called="gluing" if named else "addition",
    )
    ax = pp.cheats_picture([trial(True, True), trial(True, False), trial(False, False)]).axes[0]
    assert (
        len(ax.patches) == 3
        and [t.get_text() for t in ax.texts] == ["ad"]
        and len({p.get_facecolor() for p in ax.patches}) == 3
    )
