"""The model in the page: it computes what the model computes, and a browser can drive it."""

import json
from types import SimpleNamespace as Made

import numpy as np
import pandas as pd
import pytest

from adaroute import AdaRoute, datasets
from adaroute.policy import page_model as pm
from adaroute.policy.page_model import export_page_model, page_route, pick_rows
from adaroute.report.labels import show_steps
from adaroute.policy.explorer import EXPLORER_SCRIPT, EXPLORER_STYLE, as_json, explorer_markup
from adaroute.schema import ROUTES
from adaroute.synthetic import make_cohort


def world(n=240, seed=101):
    "A cohort with a category, gaps, and outcomes of every kind."
    cohort, rng = make_cohort(n, "planted", seed=seed), np.random.default_rng(seed)
    frame = cohort.frame.copy()
    frame["site"] = np.array(["north", "<b>south</b>", None], object)[np.arange(n) % 3]
    frame["bend"] = np.where(rng.random(n) < 0.1, np.nan, rng.exponential(3, n).round())
    frame["tight"] = frame.phq9.clip(9, 13)
    frame["falls"] = rng.poisson(np.exp(frame.phq9.fillna(8) / 12)).astype(float)
    frame["ill"] = (frame.phq9 > 11).where(frame.phq9.notna()).astype(float)
    frame["grade"] = (frame.gad7 // 5).clip(0, 3)
    frame.loc[frame.index[:15], list(cohort.schema.text)] = None
    return frame, cohort.schema


COUNTS = dict(tasks={"tight": "regression", "falls": "count"}, bounds={"tight": (9, 13)})
KINDS = {
    "counts and bounds": COUNTS,
    "spares": dict(spares=True),
    "a route an outcome": dict(route_per="sample_task", starts=2),
    "two regressions": dict(),
    "mixed": dict(
        tasks={"phq9": "regression", "ill": "binary", "grade": "ordinal"}, router="joint"
    ),
    "curves": dict(encoder=dict(curves=True)),
    "one route": dict(routes="N2/MTL"),
    "numbers only": dict(routes=("N1/STL", "N1/MTL"), text=[]),
    "some routes": dict(routes=("N1/STL", "T2/MTL", "T1/STL")),
}


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    frame, schema = world()
    given = (
        dict(
            text=list(schema.text),
            numeric=[*schema.numeric, "bend"],
            categorical=["site"],
            tasks=dict(schema.tasks),
        )
        | KINDS[request.param]
    )
    model = AdaRoute(**dict(members=2, starts=1, steps=60) | given).fit(frame)
    return model, frame, export_page_model(model, frame, 3)


def changed(model, frame, rng, times):
    "Rows with numbers of other rows, some of them taken away, and the positions they came from."
    at = pick_rows(model.predict_routes(frame), 3)
    source = np.repeat(np.arange(len(at)), times)
    table = frame.iloc[np.array(at)[source]].reset_index(drop=True)
    for name in (*model.schema_.numeric, *model.schema_.categorical):
        other = frame[name].iloc[rng.integers(len(frame), size=len(table))].to_numpy(object)
        pick = rng.choice(3, len(table), p=[0.4, 0.45, 0.15])
        cells = np.where(pick == 0, table[name].to_numpy(object), np.where(pick == 1, other, None))
        table[name] = pd.to_numeric(pd.Series(cells)) if name in model.schema_.numeric else cells
    values = [
        [None if pd.isna(v) else v for v in row]
        for row in table[[*model.schema_.numeric, *model.schema_.categorical]].to_numpy(object)
    ]
    return source.tolist(), table, values


def agree(model, table, routes, prediction):
    assert np.abs(np.array(routes) - model.predict_routes(table).to_numpy()).max() < 1e-5
    assert (
        np.abs(np.array(prediction) - model.predict(table).to_numpy()) / model.scale_.spread
    ).max() < 1e-5


def test_python_and_browser_agree_with_the_model(fitted, browser):
    model, frame, page = fitted
    source, table, values = changed(model, frame, np.random.default_rng(5), 12)
    bare = table.assign(**{name: None for name in model.schema_.text})
    tab = browser.new_page()
    tab.set_content("<!doctype html><title>x</title>")
    tab.add_script_tag(content=EXPLORER_SCRIPT)
    for rows, note in ((table, True), (bare, False)):
        said = [page_route(page, row, v, note) for row, v in zip(source, values)]
        agree(model, rows, *zip(*said))
        answers = tab.evaluate(
            "([page, rows, values, note]) => rows.map((row, i) => adaroute.route(page, row, values[i], note))",
            [page, source, values, note],
        )
        at = [ROUTES.index(e["route"]) for e in page["experts"]]
        routes = np.zeros((len(answers), 8))
        routes[:, at] = [a["routes"] for a in answers]
        agree(model, rows, routes, [a["prediction"] for a in answers])
    tab.close()


def page_of(page):
    return (
        f'<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>x</title><style>{EXPLORER_STYLE}</style>'
        f"<main>{explorer_markup(page)}</main><script>{EXPLORER_SCRIPT}</script>"
    )


@pytest.fixture(scope="module")
def two():
    frame, schema = world()
    model = AdaRoute(
        text=list(schema.text),
        numeric=[*schema.numeric, "bend"],
        categorical=["site"],
        tasks=dict(schema.tasks),
        members=1,
        starts=1,
        steps=200,
    ).fit(frame)
    return model, frame, export_page_model(model, frame)


def shares(tab):
    return tab.eval_on_selector_all(
        ".xp-fill", "nodes => nodes.map(n => parseFloat(n.style.width))"
    )


def test_keys_move_the_route_and_the_button_brings_it_back(two, browser):
    _, _, page = two
    tab, wrong = browser.new_page(viewport={"width": 375, "height": 800}), []
    tab.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda e: wrong.append(str(e)))
    tab.set_content(page_of(page))
    before = shares(tab)
    assert abs(sum(before) - 100) < 0.01
    slider = tab.locator("input[type=range]").first
    slider.focus()
    tab.keyboard.press("End")
    assert max(abs(a - b) for a, b in zip(before, shares(tab))) > 0.01
    tab.get_by_role("button", name="Back to the table's values").click()
    assert shares(tab) == before
    tab.locator("#xp-note").uncheck()
    assert sum(shares(tab)[2:]) == 0
    tab.select_option("#xp-row", "1")
    assert abs(sum(shares(tab)) - 100) < 0.01 and not wrong
    assert tab.evaluate("document.documentElement.scrollWidth") <= 375
    assert tab.locator("b").count() == 0  # a level that looks like a tag stays text
    unnamed = tab.eval_on_selector_all(
        "input, select",
        "nodes => nodes.filter(n => !n.labels.length && !n.getAttribute('aria-label')).length",
    )
    assert unnamed == 0
    tab.close()


def test_answers_in_order_are_chosen_by_name(browser):
    frame, schema = world()
    levels = ["none", "mild", "strong <b>"]
    pain = np.digitize(frame[schema.numeric[0]], frame[schema.numeric[0]].quantile([0.4, 0.8]))
    frame["pain"] = pd.Categorical.from_codes(pain, levels, ordered=True)
    tasks = dict(schema.tasks)
    about = dict(text=list(schema.text), numeric=["pain", schema.numeric[1]], tasks=tasks)
    model = AdaRoute(**about, members=1, starts=1, steps=60).fit(frame)
    page = export_page_model(*show_steps(model, frame))
    at, control = next((j, c) for j, c in enumerate(page["inputs"]) if c["name"] == "pain")
    assert control["named"] == [[0.0, "none"], [1.0, "mild"], [2.0, "strong <b>"]]
    tab = browser.new_page()
    tab.set_content(page_of(page))
    menu = tab.locator(f"#xp-{at}")
    assert menu.locator("option").all_inner_texts() == ["not known", *levels]
    values = list(page["rows"][0]["values"])
    assert menu.input_value() == f"{values[at]:g}"
    for place, name in (*enumerate(levels), (None, "not known")):
        menu.select_option(label=name)
        wanted = [share * 100 for share in page_route(page, 0, changed_at(values, at, place))[0]]
        own = [ROUTES.index(e["route"]) for e in page["experts"]]
        assert np.allclose(shares(tab), np.array(wanted)[own], atol=0.01)
    tab.get_by_role("button", name="Back to the table's values").click()
    assert menu.input_value() == f"{values[at]:g}" and tab.locator("b").count() == 0
    tab.close()


def changed_at(values, at, value):
    return [*values[:at], None if value is None else float(value), *values[at + 1 :]]


def test_no_words_of_a_note_and_a_small_file(two):
    model, frame, page = two
    written = as_json(page)
    assert "<" not in written and len(written) < 1_000_000
    notes = " ".join(frame[list(model.schema_.text)].fillna("").to_numpy().ravel()).lower().split()
    names = " ".join([*model.schema_.inputs, *model.schema_.tasks, *page, "north south"]).lower()
    assert not [
        w
        for w in set(notes)
        if len(w) > 5 and w.isalpha() and w not in names and w in written.lower()
    ]
    assert json.loads(written) == page


def test_a_real_table_is_small_enough():
    if not datasets.available("dep_wor"):
        pytest.skip("dep_wor is not on this machine")
    data = datasets.load("dep_wor")
    s, frame = data.schema, data.frame.iloc[:200]
    model = AdaRoute(
        text=list(s.text),
        numeric=list(s.numeric),
        tasks=dict(s.tasks),
        members=3,
        starts=1,
        steps=30,
    ).fit(frame)
    assert len(as_json(export_page_model(model, frame))) < 1_000_000


def test_a_rare_level_is_not_exported():
    frame, schema = world()
    frame["site"] = frame["site"].astype(object)
    frame.loc[frame.index[30], "site"] = "a village of one"
    model = AdaRoute(
        text=list(schema.text),
        numeric=list(schema.numeric),
        categorical=["site"],
        tasks=dict(schema.tasks),
        members=1,
        starts=1,
        steps=20,
    ).fit(frame)
    page = export_page_model(model, frame, [30])
    assert "village" not in as_json(page)
    routes, prediction = page_route(page, 0, page["rows"][0]["values"])
    agree(model, frame.iloc[[30]], [routes], [prediction])


def test_arrays_are_refused():
    rng = np.random.default_rng(0)
    model = AdaRoute(members=1, starts=1, steps=20).fit(
        rng.normal(size=(40, 2)), rng.normal(size=40)
    )
    with pytest.raises(ValueError, match="expected one that was fitted to a table"):
        export_page_model(model, None)


# the parts


def test_numbers_are_rounded_to_seven_digits():
    rounded = pm._round_lists([[1 / 3, 2e-9], [-12345678.9, 0]])
    assert rounded == [[0.3333333, 2e-9], [-12345680.0, 0.0]]


def test_a_slider_runs_over_the_middle():
    assert pm._set_slider(np.arange(101.0)) == dict(step=1.0, low=1.0, high=99.0)
    bent = pm._set_slider(np.linspace(0, 1, 101))
    assert np.allclose([bent["step"], bent["low"], bent["high"]], [0.01, 0.01, 0.99])


def test_inputs_are_described_as_the_encoder_treats_them():
    "A made-up column of three ages and a gap, and a site."
    numbers = dict(log=[False], mean=[40.0], scale=[10.0], flagged=[True])
    levels = dict(levels=[["north", "south"]], flagged=[False])
    model = Made(
        encoder_=Made(parts=dict(numbers=numbers, levels=levels)),
        schema_=Made(numeric=["age"], categorical=["site"], ordinal={}),
    )
    ages = pd.DataFrame(dict(age=[30.0, 40.0, 50.0, None]))
    age, site = pm._describe_inputs(model, ages)
    ends = dict(step=1.0, low=30.0, high=50.0)
    treated = dict(log=False, mean=40.0, scale=10.0, flagged=True)
    assert age == dict(name="age", kind="number", **treated, **ends)
    assert site == dict(name="site", kind="category", levels=["north", "south"], flagged=False)


def test_bounds_are_on_the_scale_of_the_model():
    "A scale from 0 to 27 with mean 7 and spread 2; another one with an upper end only."
    scale = Made(bounds=((0, 27), (None, 10)), centre=[7.0, 4.0], spread=[2.0, 3.0])
    assert pm._scale_bounds(scale, 0) == [-3.5, 10] and pm._scale_bounds(scale, 1) == [-1e30, 2]
    assert pm._scale_bounds(Made(), 0) is None


def test_outcomes_are_centred_at_their_means(two):
    model, frame, _ = two
    described = pm._describe_outcomes(model)
    names = [outcome["name"] for outcome in described]
    assert [outcome["bounds"] for outcome in described] == [None] * len(names)
    assert np.allclose([outcome["centre"] for outcome in described], frame[names].mean())


def test_a_rare_level_keeps_its_name_to_itself():
    numeric, cells = np.array([[41.0, np.nan]]), np.array([["lighthouse", "north", None]], object)
    values = pm._list_values(
        Made(numeric=numeric, categorical=cells), 0, [["coast"], ["north"], ["yes"]]
    )
    assert values == [41.0, None, pm._OTHER, "north", None]


def test_labels_of_the_table_stand_beside_the_place(two):
    model, frame, _ = two
    labelled = frame.set_axis([f"P{i}" for i in range(len(frame))])
    assert export_page_model(model, labelled, [3])["rows"][0]["label"] == "row 3 ('P3')"


def test_what_a_statement_of_zero_expects():
    ordinal = dict(kind="ordinal", cuts=[[-1.0, 0.0, 1.0]])
    tasks = [dict(kind="regression"), dict(kind="binary"), dict(kind="count"), ordinal]
    meant = [pm._decode_statement(task, np.zeros(1), 0).item() for task in tasks]
    assert meant == [0, 0.5, 1, 1.5]
