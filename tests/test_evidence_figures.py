"The pictures of the evidence: the same bytes each time, and they show what they are given."

import hashlib
import warnings

import matplotlib

matplotlib.use("agg")

import numpy as np
import pytest
from matplotlib import pyplot as plt

from adaroute.lab import evidence_figures as ep
from adaroute.report.style import savefig


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


CELLS = [
    dict(scenario=s, n=n, gain=-g, best=b, says=v)
    for s, n, g, b, v in (
        ("planted", 1000, -0.2, "wide", "ahead"),
        ("planted", 10000, -0.3, "T2/MTL", "lower"),
        ("homogeneous", 1000, 0.04, "ridge", "behind"),
        ("text_only", 1000, 0.0, "late_router", "tied"),
        ("text_only", 10000, 0.004, "mmoe", "higher"),
    )
]
CURVES = {
    "heterogeneity": [dict(value=v, gain=[v, v / 2]) for v in (0.0, 0.5, 1.0)],
    "rows": [dict(value=v, gain=[0.1]) for v in (250, 3000)],
}
ERROR = {
    m: [0.2 + i / 10, 0.3 + i / 10]
    for i, m in enumerate(
        ("routed", "uniform", "random", "alone", "uniform mix", "shuffled", "drawn", "averaged")
    )
}
STRIPS = [
    dict(name="planted, 1,000", error=ERROR, knock=dict(preferred=0.3, random=-0.01)),
    dict(
        name="missing, 1,000",
        error={"routed": [0.1], "averaged": [0.2]},
        knock=dict(preferred=-0.1, random=0.0),
    ),
]
POINTS = [
    dict(found=[0.3, 0.2], ceiling=[0.3], chance=[0.25]),
    dict(found=[0.9, 0.8], ceiling=[0.95], chance=[0.25]),
]
CLAIMED = {"dealt": dict(estimate=0.03, low=0.01, high=0.06), "true": (1.0, 0.9, 1.0)}
PARTS = {"as it is": [0.2, 0.3], "without": [0.1, 0.5], "single world": [0.4]}
ROWS = {
    m: {250: [0.9], 3000: [0.2 + i]}
    for i, m in enumerate(("routed", "ridge", "mmoe", "ple", "T2/MTL", "wide"))
}
SCORES = {
    m: (0.5 + i / 100, 0.4, 0.6)
    for i, m in enumerate(("routed", "ridge", "T2/MTL", "mmoe", "stacked"))
}
FIGURES = {
    "evidence": lambda: ep.evidence_picture(CELLS, CURVES),
    "controls": lambda: ep.controls_picture(
        STRIPS, CLAIMED, [0, 1], {"path": POINTS, "sharing": POINTS}
    ),
    "ablations": lambda: ep.ablation_picture(PARTS, ROWS),
    "tables": lambda: ep.tables_picture(
        {"a": {"x": SCORES, "y": SCORES}, "b": {"z": SCORES}}, {"a": {"x": [0.58, 0.6]}}
    ),
}


def digests(fig, folder):
    return [hashlib.sha256(p.read_bytes()).hexdigest() for p in savefig(fig, folder / "figure")]


def words(fig):
    return {t.get_text() for t in fig.findobj(matplotlib.text.Text)}


@pytest.mark.parametrize("name", FIGURES)
def test_same_bytes_when_saved_twice_and_when_made_twice(name, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a layout that does not fit, a glyph that is missing
        fig = FIGURES[name]()
        first = digests(fig, tmp_path)
        assert first == digests(fig, tmp_path) == digests(FIGURES[name](), tmp_path)


@pytest.mark.parametrize("name", FIGURES)
def test_own_settings_do_not_change_a_figure(name, tmp_path):
    plain = digests(FIGURES[name](), tmp_path)
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 5}):
        assert digests(FIGURES[name](), tmp_path) == plain


def test_number_of_panels():
    assert {name: len(draw().axes) for name, draw in FIGURES.items()} == dict(
        evidence=3, controls=5, ablations=2, tables=2
    )


def test_controls_without_a_null_have_no_lower_half():
    error = {"routed": [0.2], "uniform": [0.5]}
    strip = dict(name="planted", error=error, knock=dict(preferred=0.3, random=0.02))
    assert len(ep.controls_picture([strip]).axes) == 2


def test_every_verdict_is_in_the_key_and_every_number_in_its_cell():
    shown = words(FIGURES["evidence"]())
    assert {"ahead", "tied", "behind", "lower, one world", "higher, one world", "not run"} <= shown
    assert {"+20.0", "+30.0", "−4.0", "0.0", "−0.4"} <= shown and {
        "wide fused",
        "late router",
        "MMoE",
        "T2/MTL",
    } <= shown


def test_a_worse_cell_never_has_the_colour_of_a_better_one():
    shades = {
        c["gain"]: p.get_facecolor() for c, p in zip(CELLS, FIGURES["evidence"]().axes[0].patches)
    }
    assert shades[0.2][2] > shades[0.2][0] and shades[-0.04][0] > shades[-0.04][2]
    assert shades[0.3] == shades[0.2]  # beyond the limit the colour is full


def test_knocks_keep_their_sign_and_controls_their_mean():
    controls, knock, *_ = FIGURES["controls"]().axes
    assert [round(b.get_width(), 3) for b in knock.patches] == [0.3, -0.01, -0.1, 0]
    centres = sorted(
        float(line.get_xdata()[0]) for line in controls.lines if line.get_marker() == "D"
    )
    assert np.allclose(centres, [0.1, 0.25])


def test_parts_are_sorted_by_their_error():
    labels = [t.get_text() for t in FIGURES["ablations"]().axes[0].get_yticklabels()]
    assert labels == ["as it is", "without", "single world"]


def test_best_rival_is_named_and_references_are_drawn():
    a, b = FIGURES["tables"]().axes
    assert "stacked" in {t.get_text() for t in a.texts}  # the highest score
    assert [float(line.get_xdata()[0]) for line in a.lines if line.get_color() == "#D55E00"] == [
        0.58,
        0.6,
    ]
    assert not [line for line in b.lines if line.get_color() == "#D55E00"]


@pytest.mark.parametrize(
    "x, digits, text", [(0.004, 1, "+0.4"), (-0.004, 0, "0"), (-0.051, 1, "−5.1"), (0, 1, "0.0")]
)
def test_signed(x, digits, text):
    assert ep.signed(x, digits) == text
