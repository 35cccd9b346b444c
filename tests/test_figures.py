"""Figures: the same bytes each time, whole or not at all, and bad input refused."""

import hashlib
import json
import os
import warnings

import matplotlib

matplotlib.use("agg")

import numpy as np
import pytest
from matplotlib import pyplot as plt

from adaroute.report import figures as plots
from adaroute.report.style import savefig
from adaroute.evaluation.metrics import Interval
from adaroute.schema import PATHS, ROUTES, SHARINGS


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


rng = np.random.default_rng(0)
N = 120
ROUTE = np.tile(np.arange(8), N // 8)
PROBABILITIES = rng.dirichlet(np.ones(8), N)
MEAN, NOISE = rng.normal(size=(2, N, 2))
GAPS = np.where(rng.random((N, 2)) < 0.1, np.nan, MEAN + NOISE)
CURVES = {
    m: {"500": [0.5, 0.4, 0.6], "3000": [0.4, 0.35, 0.45]}
    for m in (*ROUTES, "routed", "soft", "hard", "wide", "oracle", "bayes", "a rival")
}
FOREST = {o: {m: (0.5, 0.4, 0.6) for m in ("ridge", *ROUTES, "routed")} for o in ("PHQ-9", "GAD-7")}
HISTORY = dict(
    train=np.ones(5),
    validation=np.ones(5),
    usage=np.full((5, 8), 1 / 8),
    width=np.ones(5),
    decisiveness=np.zeros(5),
)
FIGURES = {
    "method": lambda: plots.method_picture(),
    "cohort": lambda: plots.cohort_picture(ROUTE, PROBABILITIES, MEAN, GAPS),
    "curves": lambda: plots.learning_curves(CURVES),
    "confusion": lambda: plots.confusion_picture(
        np.arange(16).reshape(4, 4), np.array([[3, 1], [0, 0]])
    ),
    "policy": lambda: plots.policy_picture(
        PROBABILITIES, {"site": ROUTE % 2, "score": GAPS[:, 0], "never asked": np.full(N, np.nan)}
    ),
    "real": lambda: plots.real_table_picture(FOREST, usage=np.full(8, 1 / 8)),
    "training": lambda: plots.training_picture(HISTORY, best=3),
}


def digests(fig, folder):
    return [hashlib.sha256(p.read_bytes()).hexdigest() for p in savefig(fig, folder / "figure")]


@pytest.mark.parametrize("name", FIGURES)
def test_same_bytes_when_saved_twice_and_when_made_twice(name, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a layout that does not fit, a glyph that is missing
        fig = FIGURES[name]()
        first = digests(fig, tmp_path)
        assert first == digests(fig, tmp_path) == digests(FIGURES[name](), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figure.pdf", "figure.png"]


@pytest.mark.parametrize("name", FIGURES)
def test_own_settings_do_not_change_a_figure_and_are_left_alone(name, tmp_path):
    plain = digests(FIGURES[name](), tmp_path)
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 5, "axes.spines.top": True}):
        before = dict(matplotlib.rcParams)
        assert digests(FIGURES[name](), tmp_path) == plain
        assert dict(matplotlib.rcParams) == before


def words(fig):
    return {t.get_text() for t in fig.findobj(matplotlib.text.Text)}


def test_every_route_is_named():
    assert set(PATHS) | set(SHARINGS) <= words(FIGURES["method"]())
    for name in ("cohort", "policy", "real"):
        assert set(ROUTES) <= words(FIGURES[name]()), name


def test_number_of_panels():
    panels = {name: len(draw().axes) for name, draw in FIGURES.items()}
    assert panels == dict(method=1, cohort=4, curves=1, confusion=2, policy=4, real=3, training=3)


def test_few_values_are_not_cut_and_missing_ones_have_their_bar():
    fig = FIGURES["policy"]()
    labels = [[t.get_text() for t in ax.get_xticklabels()] for ax in fig.axes[:3]]
    assert (
        labels[0] == ["0", "1"]
        and len(labels[1]) == 6
        and labels[1][-1] == labels[2][0] == "missing"
    )


def test_a_planted_class_without_rows_is_said_to_be_empty():
    assert "none" in words(FIGURES["confusion"]())


@pytest.mark.parametrize(
    "form",
    [
        lambda t: list(t),
        lambda t: Interval(*t),
        lambda t: dict(zip(("estimate", "low", "high"), t)),
    ],
)
def test_intervals_come_in_any_form(form, tmp_path):
    results = {m: {n: form(t) for n, t in points.items()} for m, points in CURVES.items()}
    assert digests(plots.learning_curves(results), tmp_path) == digests(
        plots.learning_curves(json.loads(json.dumps(CURVES))), tmp_path
    )


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        OSError, match="figure one: expected a folder that can be written, got .* at .*file"
    ):
        savefig(plt.figure(), tmp_path / "file" / "one")


def test_a_failed_save_leaves_the_old_figure(tmp_path, monkeypatch):
    fig = plt.figure()
    before = digests(fig, tmp_path)

    def broken(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="No space left"):
        savefig(fig, tmp_path / "figure")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figure.pdf", "figure.png"]
    assert [
        hashlib.sha256((tmp_path / f"figure.{k}").read_bytes()).hexdigest() for k in ("pdf", "png")
    ] == before


@pytest.mark.parametrize(
    "call, said",
    [
        (
            lambda: savefig(plt.figure(), "figure.png"),
            "path: expected a name without suffix, got one that ends in .png",
        ),
        (
            lambda: plots.cohort_picture(ROUTE, PROBABILITIES[:-1], MEAN, GAPS),
            "posterior: expected shape (120, 8), got (119, 8)",
        ),
        (
            lambda: plots.cohort_picture(ROUTE, PROBABILITIES, MEAN[:50], GAPS),
            "mean: expected shape (120, n), got (50, 2)",
        ),
        (
            lambda: plots.confusion_picture(np.ones((2, 2)), np.ones((2, 2))),
            "path: expected shape (4, 4), got (2, 2)",
        ),
        (
            lambda: plots.policy_picture(PROBABILITIES[:, :4], {}),
            "routes: expected shape (n, 8), got (120, 4)",
        ),
        (
            lambda: plots.policy_picture(PROBABILITIES, {"age": np.ones(7)}),
            "features['age']: expected shape (120), got (7,)",
        ),
        (
            lambda: plots.real_table_picture(FOREST, usage=[1, 0]),
            "usage: expected shape (8), got (2,)",
        ),
        (
            lambda: plots.training_picture({k: v for k, v in HISTORY.items() if k != "usage"}),
            "got no usage",
        ),
        (
            lambda: plots.training_picture(HISTORY | {"width": np.ones(4)}),
            "history['width']: expected shape (5), got (4,)",
        ),
    ],
)
def test_bad_input_says_what_was_expected(call, said):
    with pytest.raises(ValueError) as caught:
        call()
    assert said in str(caught.value)


def test_corners_are_told_by_line_and_floors_have_no_marker():
    look = plots._choose_look
    assert "marker" not in look("T1/STL") and "marker" not in look("bayes")
    assert look("routed")["marker"] == "D"
    assert look("T1/MTL")["color"] == look("T1/STL")["color"]
    assert look("T1/MTL")["ls"] != look("T1/STL")["ls"]


def test_the_key_names_models_first_and_corners_only_where_there_are_any():
    key = [line.get_label() for line in plots._make_curve_key(["wide", "T1/STL", "routed"])]
    assert key[:2] == ["routed (ours)", "wide fused"] and key[3] == "fixed corners"
    assert len(plots._make_curve_key(["wide", "routed"])) == 2


def test_values_that_are_few_have_a_bin_each_and_missing_ones_the_last():
    bins = list(plots._deal_bins(np.array([1.0, 2, 2, 1, np.nan]), 5))
    assert [label for label, _ in bins] == ["1", "2", "missing"]
    assert [rows.sum() for _, rows in bins] == [2, 2, 1]
