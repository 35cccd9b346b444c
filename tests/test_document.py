"""The report: it says what is so, shows no note, and is read in a real browser."""

import os
import re
import stat
import time

import numpy as np
import pandas as pd
import pytest

from adaroute import AdaRoute, datasets
from adaroute.report import document as report
from adaroute.report.html import document, esc, figure_html, paragraph, table_html, write_page
from adaroute.report.policy_figures import figure_svg
from adaroute.report.document import write_report
from adaroute.report.opening import headline
from adaroute.synthetic import make_cohort
from adaroute.uncertainty.conformal import Cells, calibrate

TRAP = "<script>document.title='broken'</script>"
COLUMN = "<img src=x onerror=\"document.title='broken'\">"


def world(seed=102, n=420):
    "A cohort whose column names, levels, labels and notes are tags."
    cohort = make_cohort(n, "missing", seed=seed)
    frame, rng = cohort.frame.copy(), np.random.default_rng(seed)
    note, age = cohort.schema.text[0], cohort.schema.numeric[0]
    frame[note] = [
        f"{TRAP} zebraword{i} {v}" if isinstance(v, str) else None
        for i, v in enumerate(frame[note])
    ]
    frame = frame.rename(columns={age: COLUMN})
    frame["</style><b>place"] = rng.choice(["<i>north</i>", "south"], n)
    frame.index = [f"<u>{i}</u>" for i in range(n)]
    s = cohort.schema
    roles = dict(
        text=list(s.text),
        numeric=[COLUMN if c == age else c for c in s.numeric],
        categorical=[*s.categorical, "</style><b>place"],
        tasks=dict(s.tasks),
    )
    return frame, roles


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    frame, roles = world()
    model = AdaRoute(**roles, members=2, starts=1, steps=150).fit(frame[:200])
    fresh, folder = frame[200:340], tmp_path_factory.mktemp("report")
    calibration = calibrate(model, frame[340:], by=Cells(least=20))
    hidden = write_report(model, fresh, folder / "hidden.html", calibration)
    shown = write_report(model, fresh, folder / "shown.html", calibration, show_text=True)
    return model, frame, fresh, hidden, shown


def opened(browser, path, **look):
    "A tab with the report, what went wrong in it and what it asked the network for."
    tab, wrong, asked = browser.new_page(**look), [], []
    tab.on("console", lambda m: wrong.append(m.text))
    tab.on("pageerror", lambda e: wrong.append(str(e)))
    tab.on("request", lambda r: asked.append(r.url))
    tab.goto(path.as_uri())
    return tab, wrong, asked


@pytest.mark.parametrize("width", (375, 1280))
@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_browser_is_content(made, browser, width, scheme):
    *_, hidden, shown = made
    for path in (hidden, shown):
        tab, wrong, asked = opened(
            browser, path, viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        assert not wrong and asked == [path.as_uri()]
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert (
            "broken" not in tab.title() and tab.locator("script").count() == 2
        )  # the model and the explorer
        assert tab.locator("main img, main u, main i").count() == 0
        assert (
            tab.locator(".narrow:visible").count() == 0
            if width > 600
            else tab.locator(".wide:visible").count() == 0
        )
        tab.close()


def test_dragging_a_number_moves_the_route(made, browser):
    tab, wrong, _ = opened(browser, made[3], viewport={"width": 375, "height": 800})
    shares = lambda: tab.eval_on_selector_all(
        ".xp-fill", "nodes => nodes.map(n => parseFloat(n.style.width))"
    )
    before, moved = shares(), 0.0
    for i in range(tab.locator("input[type=range]").count()):
        slider = tab.locator("input[type=range]").nth(i)
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tab.mouse.down()
        tab.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2, steps=4)
        tab.mouse.up()
        moved = max(moved, max(abs(a - b) for a, b in zip(before, shares())))
    assert moved > 0.5 and abs(sum(shares()) - 100) < 0.1 and not wrong
    top = tab.locator(".xp-bars").bounding_box()["y"]
    assert -1 <= top < 400  # the bars stay in sight while numbers are dragged
    tab.close()


def test_every_picture_has_words_and_headings_are_in_order(made, browser):
    tab, *_ = opened(browser, made[3])
    bare = """nodes => nodes.filter(n => {
      const told = n.closest('[role=img]');
      return !told || !told.getAttribute('aria-label');
    }).length"""
    assert tab.eval_on_selector_all("svg", bare) == 0
    levels = tab.eval_on_selector_all("h1, h2, h3", "nodes => nodes.map(n => +n.tagName[1])")
    assert (
        levels[0] == 1
        and levels.count(1) == 1
        and all(b - a <= 1 for a, b in zip(levels, levels[1:]))
    )
    ids = tab.eval_on_selector_all("[id]", "nodes => nodes.map(n => n.id)")
    assert len(ids) == len(set(ids))
    links = tab.eval_on_selector_all(
        "nav a", "nodes => nodes.map(n => n.getAttribute('href').slice(1))"
    )
    assert links and set(links) <= set(ids)
    tab.emulate_media(media="print")
    assert tab.locator("nav").is_hidden()
    tab.close()


def test_no_note_unless_asked_for(made):
    model, frame, fresh, hidden, shown = made
    page = hidden.read_text()
    assert "zebraword" not in page and "document.title='broken'</script>" not in page
    vocabulary = {w.removeprefix("not_") for w in model.encoder_.loadings()[0]}
    words = {
        w
        for note in fresh[list(model.schema_.text)[0]].dropna()
        for w in re.findall(r"[a-z]{7,}", note.lower())
    }
    assert not [
        w
        for w in words - vocabulary
        if re.search(
            rf"\b{w}\b", re.sub(r"<(style|script)[^>]*>.*?</\1>", "", page, flags=re.S).lower()
        )
        and w not in NAMES
    ]
    asked_for = shown.read_text()
    assert 1 <= len(set(re.findall(r"zebraword\d+", asked_for))) <= 4 and TRAP not in asked_for


NAMES = {"document", "another", "everything", "together", "numbers", "outcomes", "prediction"}


def test_one_private_file_that_forbids_the_network(made):
    path = made[3]
    page = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and not list(path.parent.glob(".*"))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert (
        policy.startswith("default-src 'none'")
        and "unsafe-eval" not in policy
        and "script-src 'sha256-" in policy
    )
    outside = re.findall(
        r"""(?:src|href|action)\s*=\s*["'](?!#|data:)[^"']*|@import|url\((?!#)[^)]*""",
        re.sub(r"&lt;.*?&gt;", "", page),
    )
    assert not outside
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }  # names, not addresses


def test_same_report_twice(made, tmp_path):
    model, frame, fresh, *_ = made
    pages = [
        write_report(model, fresh.iloc[:45], tmp_path / f"{i}.html").read_bytes() for i in (1, 2)
    ]
    assert pages[0] == pages[1]


def test_verdicts(made, tmp_path, monkeypatch):
    model, frame, fresh, hidden, _ = made
    assert re.search(r'class="verdict[^"]*"><strong>Routing ', hidden.read_text())
    monkeypatch.setattr(report, "_SECTIONS", report._SECTIONS[:3])
    taught = write_report(model, frame[:200], tmp_path / "a.html").read_text()
    assert "No verdict: the model learned from these very rows." in taught
    assert "How good the predictions are" not in taught
    blind = write_report(
        model, fresh.drop(columns=list(model.schema_.tasks)), tmp_path / "b.html"
    ).read_text()
    assert "No verdict yet." in blind and "Where the rows go" in blind
    s = model.schema_
    empty = fresh.assign(
        **{c: None for c in s.text + s.categorical}, **{c: np.nan for c in s.numeric}
    )
    for rows, groups in ((empty, None), (fresh, np.arange(len(fresh)) % 3)):
        assert (
            "No verdict yet."
            in write_report(model, rows, tmp_path / "c.html", groups=groups).read_text()
        )


def test_small_tables_and_single_routes(tmp_path, monkeypatch):
    frame, roles = world(seed=103, n=120)
    fixed = AdaRoute(**roles, routes="N1/STL", members=1, starts=1, steps=40).fit(frame[:80])
    assert "Try it" not in write_report(fixed, frame[80:], tmp_path / "a.html").read_text()
    bare = AdaRoute(**roles | dict(text=[], categorical=[]), members=1, starts=1, steps=40).fit(
        frame[:80]
    )
    for rows in (1, 40):
        assert (
            write_report(bare, frame.iloc[80 : 80 + rows], tmp_path / "b.html").stat().st_size
            > 10_000
        )
    monkeypatch.setattr(report, "_SECTIONS", [s for s in report._SECTIONS if s[0] == "groups"])
    assert (
        write_report(
            bare,
            frame.iloc[80:],
            tmp_path / "b.html",
            by=np.arange(40) % 2,
            groups=np.arange(40) // 2,
            title="<b>",
        )
        and "<h1>&lt;b&gt;</h1>" in (tmp_path / "b.html").read_text()
    )
    with pytest.raises(ValueError, match="groups: expected 40 labels"):
        write_report(bare, frame.iloc[80:], tmp_path / "c.html", groups=[1])
    with pytest.raises(OSError, match="expected a place that can be written"):
        write_report(bare, frame.iloc[80:], tmp_path / "no" / "c.html")
    assert not (tmp_path / "c.html").exists()


def test_other_outcomes(tmp_path):
    frame, roles = world(seed=104, n=200)
    frame["ill"] = (frame.phq9 > 11).where(frame.phq9.notna()).astype(float)
    frame["grade"] = (frame.gad7 // 5).clip(0, 3)
    model = AdaRoute(
        **roles | dict(tasks={"ill": "binary", "grade": "ordinal"}), members=1, starts=1, steps=60
    ).fit(frame[:100])
    page = write_report(
        model, frame[100:], tmp_path / "a.html", calibrate(model, frame[100:], by=Cells(least=20))
    ).read_text()
    assert "weighted kappa" in page and "Routing" in page
    assert "sensitivity is" in page and "ill: of a person who has it" in page


def test_a_real_table_in_half_a_minute(tmp_path):
    if not datasets.available("dep_wor"):
        pytest.skip("dep_wor is not on this machine")
    data = datasets.load("dep_wor")
    s, frame = data.schema, data.frame
    model = AdaRoute(
        **s.roles,
        members=3,
        starts=1,
        steps=30,
    ).fit(frame.iloc[:300])
    start = time.process_time()
    path = write_report(model, frame, tmp_path / "a.html")
    assert time.process_time() - start < 30 and path.stat().st_size < 1_500_000


def test_pieces():
    assert esc(TRAP).count("<") == 0 and TRAP not in document(
        TRAP, paragraph(TRAP) + table_html(pd.DataFrame({TRAP: [TRAP]}, [TRAP]), TRAP, first=TRAP)
    )
    from types import SimpleNamespace as Made
    from adaroute.evaluation.metrics import Interval

    unclear = Made(gain=Interval(0.01, -0.01, 0.03), gap=Interval(0.03, 0.01, 0.05), can_help=True)
    assert headline(unclear) == ("Routing might help here, but this model does not show it.", "")


def test_names_in_pictures_stay_names():
    from matplotlib import pyplot as plt

    fig, ax = plt.subplots(figsize=(1, 1))
    ax.set_title(TRAP + " $x_1$ \u6f22")
    svg = figure_svg(fig, "one", TRAP)
    assert (
        "<script" not in svg
        and "$x_1$" in svg
        and figure_html(svg, TRAP).count("<script") == 0
        and not plt.get_fignums()
    )


def test_a_page_replaces_another_and_a_failure_leaves_it(tmp_path):
    path = write_page(tmp_path / "a.html", "one")
    os.chmod(path, 0o644)
    assert (
        write_page(path, "two").read_text() == "two" and stat.S_IMODE(path.stat().st_mode) == 0o600
    )


def test_a_row_that_is_picked_twice_gets_one_card_with_the_graver_reason():
    from types import SimpleNamespace as Made

    routes = np.zeros((4, 8))
    routes[[0, 1, 2, 3], [0, 0, 0, 7]] = [0.6, 0.7, 0.9, 0.8]  # three on N1/STL, one on T2/MTL
    odd = Made(similarity=lambda model, frame: pd.Series([0.50, 0.01, 0.40, 0.30]))
    about = Made(asked=Made(routes=routes), chooses=False, calibration=odd, model=None, frame=None)
    strange = "An unusual row: low confidence"
    assert report._choose_cards(about) == [(strange, 1), ("A typical row", 3)]


def test_a_rule_in_words():
    from types import SimpleNamespace as Made

    def write(conditions, fidelity):
        rule = Made(conditions=conditions, answer="T2", share=0.4, fidelity=fidelity)
        return report._write_rule(rule)

    assert write((), np.nan) == "Always text + numbers (40% of rows)"
    when = "If age is above 40 and a note is there"
    said = write(("age is above 40", "a note is there"), 0.9)
    assert said == f"{when}: text + numbers (40% of rows, right for 90%)"


def test_the_limits_say_whether_notes_are_in_the_file():
    from types import SimpleNamespace as Made
    from adaroute.model import Design

    model = Made(design_=Design())
    hidden = report._explain_words(Made(model=model, show_text=False, has_members=True))
    assert "No text of a note is in this file." in hidden
    shown = report._explain_words(Made(model=model, show_text=True, has_members=False))
    assert "because that was asked for" in shown
    assert hidden.count("<dt>") == len(report._WORDS)
    assert "unstable route" in hidden and "unstable route" not in shown, "no copies, no word"


def test_names_in_a_picture_are_cut_to_fit():
    from adaroute.report.policy_figures import _cut_name

    names = ("phq9", "sixsix", "wellbeing", 2024)
    assert [_cut_name(name, 6) for name in names] == ["phq9", "sixsix", "wellb…", "2024"]


def test_an_option_that_nobody_knows_is_refused(made, tmp_path):
    model, frame, fresh, *_ = made
    with pytest.raises(
        TypeError, match="expected by, show_text, title, taught, progress, got colour"
    ):
        write_report(model, fresh, tmp_path / "a.html", colour="red")
    assert not list(tmp_path.iterdir())


def test_quality_comes_first_and_every_picture_gives_its_values_once(made):
    page = made[3].read_text()
    order = [page.index(f'id="{name}"') for name in ("quality", "verdict", "where", "rows")]
    assert order == sorted(order)
    labels = re.findall(r'role="img" aria-label="([^"]*)"', page)
    captions = re.findall(r"<figcaption>([^<]*)</figcaption>", page)
    assert len(labels) >= 4 and not set(labels) & set(captions)
    assert all(re.search(r"\d", label) for label in labels)
    assert page.count("<svg") == page.count('aria-hidden="true">\n <defs>') > len(labels)


def test_what_is_read_has_a_plain_name(made):
    page = re.sub(r"<(style|script)[^>]*>.*?</\1>", "", made[3].read_text(), flags=re.S)
    codes = re.findall(r"[NT][12]/(?:STL|MTL)", page)
    assert len(codes) <= 2  # what to type, and how codes are made
    assert "What to do:" in page and "text + numbers" in page


def test_a_ridge_regression_of_the_same_rows_takes_part(made, tmp_path, monkeypatch):
    model, frame, fresh, hidden, _ = made
    monkeypatch.setattr(report, "_SECTIONS", report._SECTIONS[:2])
    fair = write_report(model, fresh, tmp_path / "a.html", taught=frame[:200]).read_text()
    said = "learned from the rows that the model learned from"
    assert said in fair and said not in hidden.read_text()
    assert "each fifth predicted from the others" in hidden.read_text().replace("\n", " ")
