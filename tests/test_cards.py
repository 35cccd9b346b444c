"""The policy seen from outside: maps, cards, agreement, groups, and what is wanted."""

import warnings

import numpy as np
import pandas as pd
import pytest

from adaroute import datasets
from adaroute.policy import cards as po
from adaroute.estimator import AdaRoute
from adaroute.schema import PATHS, ROUTES, SHARINGS
from adaroute.synthetic import make_cohort

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed", "ignore:.*rows have nothing")
SECRET = "zyxwvcanary"


def made(schema, **more):
    given = dict(
        **schema.roles,
        members=2,
        starts=1,
        steps=150,
    )
    return AdaRoute(**{**given, **more})


@pytest.fixture(scope="module")
def world():
    train, fresh = (make_cohort(n, "missing", seed=101, draw=d) for d, n in enumerate((400, 150)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made(train.schema, members=3).fit(train.frame), fresh.frame, po


@pytest.fixture(scope="module")
def apart():
    "A model that routes each outcome by itself, with bounds."
    train = make_cohort(300, "planted", seed=102)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = train.frame.assign(phq9=train.frame.phq9.clip(0, 27))
        return made(train.schema, route_per="sample_task", bounds={"phq9": (0, 27)}).fit(
            frame
        ), frame


# asking


def test_asking_agrees_with_the_model(world):
    model, frame, _ = world
    asked = po.ask(model, frame)
    routes, said = po.answer(model, asked.joined, asked.open)
    assert np.allclose(routes, model.predict_routes(frame), atol=1e-6)
    assert np.allclose(model.scale_.decode(said), model.predict(frame), atol=1e-4)
    assert po.ask(model, asked) is asked
    assert np.allclose(po.member_routes(model, asked).mean(0), asked.routes, atol=1e-6)


def test_a_model_that_routes_outcomes_apart(apart):
    model, frame = apart
    each = {task: po.ask(model, frame, outcome=task) for task in ("phq9", "gad7")}
    both = po.ask(model, frame)
    assert np.allclose(both.routes, (each["phq9"].routes + each["gad7"].routes) / 2, atol=1e-6)
    assert np.abs(each["phq9"].routes - each["gad7"].routes).max() > 0.01
    said = po.answer(model, both.joined, both.open)[1]
    assert np.allclose(model.scale_.decode(said), model.predict(frame), atol=1e-4)
    for asked in (both, *each.values()):
        card = po.route_card(model, asked, 0)
        assert card.route == ROUTES[asked.routes[0].argmax()] and 0 <= card.agreement <= 1
    assert len(po.wanted_evidence(model, frame.iloc[:30])) == 30 and len(po.error_by(model, frame))
    with pytest.raises(ValueError, match="outcome: expected one of phq9, gad7"):
        po.ask(model, frame, outcome="mood")


def test_every_column_has_an_input(world, apart):
    for model, frame in (world[:2], apart):
        inputs = po.evidence_inputs(model)
        assert len(inputs) == model.widths_.total and not inputs.isna().any(axis=None)
        for name in model.schema_.numeric + model.schema_.categorical:
            assert name in set(inputs.input)


def test_bends_and_several_texts_have_inputs():
    frame = make_cohort(200, "planted", seed=103).frame.rename(columns={"note": "intake"})
    frame["exit"] = frame.intake.where(np.arange(200) % 3 > 0)[::-1].to_numpy()
    model = AdaRoute(
        text=["intake", "exit"],
        numeric=["age", "visits"],
        categorical=["site"],
        tasks={"phq9": "regression"},
        members=1,
        starts=1,
        steps=30,
        encoder=dict(curves=True),
    ).fit(frame)
    inputs = po.evidence_inputs(model)
    assert len(inputs) == model.widths_.total and (inputs.input == "age").sum() > 2
    assert list(inputs[inputs.kind == "gap"].input) == ["exit missing"]
    assert not po.wanted_evidence(model, frame).wanted.notna().any()


def test_models_of_arrays_are_refused():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    model = AdaRoute(members=1, starts=1, steps=10).fit(x, x[:, 0])
    with pytest.raises(ValueError, match="fitted to a table"):
        po.route_map(model, x)


# maps and usage


def test_the_map_is_complete_and_in_order(world):
    model, frame, _ = world
    table = po.route_map(model, frame)
    assert sorted(table.index) == sorted(frame.index)
    for _, rows in table.groupby("route"):
        assert (np.diff(rows.probability) <= 1e-12).all()
    seen = table.route.dropna()
    assert (seen != seen.shift()).sum() == seen.nunique()  # one block a route
    assert np.allclose(table[list(SHARINGS)].sum(axis=1), table[list(PATHS)].sum(axis=1), atol=1e-5)
    assert (table.loc[table.presence == "numbers", ["T1", "N2", "T2"]] == 0).all(axis=None)
    described = model.describe(frame).loc[table.index]
    assert (described.route.fillna("") == table.route.fillna("")).all() and (
        described.presence == table.presence
    ).all()


def test_usage_counts_rows(world):
    model, frame, _ = world
    table = po.route_usage(model, frame)
    assert table.rows.sum() == po.route_map(model, frame).route.notna().sum() and np.isclose(
        table.share.sum(), 1
    )


def test_polars_frames_work(world):
    pl = pytest.importorskip("polars")
    model, frame, _ = world
    other = pl.from_pandas(frame)
    assert (
        po.route_map(model, other).route.notna().sum()
        == po.route_map(model, frame).route.notna().sum()
    )
    assert np.allclose(
        po.usage_by(model, other, "site"), po.usage_by(model, frame, "site"), equal_nan=True
    )


# cards


def test_every_change_on_a_card_is_true(world):
    model, frame, _ = world
    asked = po.ask(model, frame)
    tried = 0
    for at in range(15):
        card = po.route_card(model, asked, at)
        for name, now, then, route in card.changes.itertuples(index=False):
            other = frame.iloc[[at]].copy()
            other[name] = other[name].astype(object)
            other.loc[other.index[0], name] = then
            assert model.describe(other).route.iloc[0] == route != card.route
            assert then != now
            tried += 1
        shut = {
            "text": ["note"],
            "numbers": list(model.schema_.numeric + model.schema_.categorical),
        }
        for what, left in card.hidden.items():
            other = frame.iloc[[at]].copy()
            other[shut[what]] = None
            assert model.describe(other).route.iloc[0] == left
    assert tried > 5


def test_no_nearer_change_was_missed(world):
    model, frame, _ = world
    at = int(np.flatnonzero(frame.note.notna() & frame.age.notna())[0])
    card = po.route_card(model, frame, at)
    changes = card.changes.set_index("input")
    for name in model.schema_.numeric:
        now = frame[name].iloc[at]
        values = np.unique(
            np.quantile(frame[name].dropna(), np.linspace(0, 1, 41), method="inverted_cdf")
        )
        many = pd.concat([frame.iloc[[at]]] * len(values)).assign(**{name: values})
        flip = values[(model.describe(many).route != card.route).to_numpy()]
        assert (name in changes.index) == (len(flip) > 0)
        if len(flip):
            assert np.isclose(abs(changes.then[name] - now), np.abs(flip - now).min())


def test_closed_experts_say_nothing(world):
    model, frame, _ = world
    asked = po.ask(model, frame)
    at = int(
        np.flatnonzero(po.route_map(model, asked).presence.reindex(frame.index) == "numbers")[0]
    )
    card = po.route_card(model, asked, at)
    assert card.experts.phq9.notna().sum() == 2 and card.hidden == {"numbers": None}
    assert np.isclose(card.experts.probability.sum(), 1, atol=1e-6)


def test_a_card_shows_no_text_unless_asked(world):
    model, frame, _ = world
    frame = frame.copy()
    at = int(np.flatnonzero(frame.note.notna())[0])
    frame.loc[frame.index[at], "note"] = f"{SECRET}. Reports sadness."
    frame.index = [
        f"{SECRET} came on a day in May and said a lot" if i == at else i for i in range(len(frame))
    ]  # a label that is prose
    card = po.route_card(model, frame, at)
    shown = str(card) + card._repr_html_() + repr(card)
    assert SECRET not in shown and SECRET in str(po.route_card(model, frame, at, show_text=True))
    assert (
        "<script>"
        not in po.route_card(model, frame.assign(note="<script>"), at, show_text=True)._repr_html_()
    )


@pytest.mark.parametrize("row", [-1, 150, 1.5, "a", True])
def test_a_wrong_row_is_refused(world, row):
    model, frame, _ = world
    with pytest.raises(ValueError, match="row: expected a position from 0 to 149"):
        po.route_card(model, frame, row)


def test_a_row_with_nothing(world):
    model, frame, _ = world
    asked = po.ask(model, frame)
    at = int(np.flatnonzero(~asked.batch.presence.any(1))[0])
    card = po.route_card(model, asked, at)
    assert (
        card.route is None
        and "nothing to read" in str(card)
        and not card.hidden
        and not len(card.changes)
    )
    assert np.allclose(list(card.prediction.values()), model.scale_.decode(model.fallback_))


# agreement


def test_agreement_counts_members(world):
    model, frame, _ = world
    asked = po.ask(model, frame)
    table = po.route_agreement(model, asked)
    first = po.member_routes(model, asked).argmax(2)
    known = asked.routes.any(1)
    assert (
        np.allclose(table.members[known], (first == asked.routes.argmax(1)).mean(0)[known])
        and table.members[~known].isna().all()
    )
    assert (table.unstable == (table.members < 0.6)).all()
    turned = np.roll(asked.routes, 1, axis=1)
    assert (po.route_agreement(model, asked, others=[turned]).others.dropna() == 0).all()
    with pytest.raises(ValueError, match="by: expected"):
        po.route_agreement(model, asked, by="patient")


def test_one_member_cannot_know():
    train = make_cohort(100, "planted", seed=104)
    model = made(train.schema, members=1, steps=20).fit(train.frame)
    table = po.route_agreement(model, train.frame)
    assert table.members.isna().all() and not table.unstable.any()


# groups


def test_small_groups_show_nothing(world):
    model, frame, _ = world
    group = np.where(np.arange(150) < 60, "a", np.where(np.arange(150) < 64, "b", "c"))
    used, errors = po.usage_by(model, frame, group), po.error_by(model, frame, group)
    assert used.loc["b"].isna().all() and errors.loc["b"].isna().all(axis=None)
    assert used.loc["a"].notna().all() and np.isclose(used.loc["a", list(ROUTES)].sum(), 1)
    shown = errors.rows.dropna()
    assert (shown >= po.SMALLEST_GROUP).all()


def test_numbers_are_cut_and_gaps_have_a_name(world):
    model, frame, _ = world
    used = po.usage_by(model, frame, "age")
    assert len(used) == 5 and "missing" in used.index


def test_labels_that_may_be_notes_are_refused(world):
    model, frame, _ = world
    for by in ("note", frame.note.rename("copy"), np.array([SECRET * 5] * 150)):
        with pytest.raises(ValueError, match="by: expected") as caught:
            po.usage_by(model, frame, by)
        assert SECRET not in str(caught.value)
    with pytest.raises(ValueError, match="150 labels"):
        po.usage_by(model, frame, [1, 2])
    with pytest.raises(ValueError, match="a column of the table"):
        po.error_by(model, frame, "absent")


# what is wanted


def test_the_one_that_matters_is_wanted():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc")).assign(
        y=lambda d: d.b + 0.2 * rng.normal(size=200)
    )
    gap = rng.random((200, 3)) < 0.15
    frame[list("abc")] = frame[list("abc")].mask(gap)
    model = AdaRoute(
        numeric=list("abc"), tasks={"y": "regression"}, members=1, starts=1, steps=200
    ).fit(frame)
    wish = po.wanted_evidence(model, frame)
    some = ~gap.all(1)
    assert (wish.wanted[gap[:, 1] & some] == "b").all() and wish.wanted[~gap[:, 1]].isna().all()
    assert (wish.gain >= 0).all() and (wish["y may move"][wish.wanted.isna()] == 0).all()


def test_a_missing_modality_is_wanted(world):
    model, frame, _ = world
    wish = po.wanted_evidence(model, frame)
    presence = po.route_map(model, frame).presence.reindex(frame.index)
    assert wish.wanted[presence == "both"].isna().all()
    assert set(wish.wanted[presence == "numbers"].dropna()) <= {"note"} and set(
        wish.wanted[presence == "text"].dropna()
    ) <= {"numbers"}
    assert set(wish.wanted[presence == "none"].dropna()) <= {"note", "numbers"}


def test_nothing_alike_nothing_wanted(world):
    model, frame, _ = world
    alone = frame[frame.note.isna() & frame.age.notna()]
    assert po.wanted_evidence(model, alone).wanted.isna().all()  # no note to learn from


@pytest.mark.skipif(not datasets.available("dep_wor"), reason="dep_wor is not on this machine")
def test_a_real_table():
    d = datasets.load("dep_wor")
    model = made(d.schema, members=1, steps=60).fit(d.frame)
    asked = po.ask(model, d.frame)
    assert (
        len(po.route_map(model, asked)) == 500
        and po.wanted_evidence(model, asked).wanted.isna().all()
    )
    card = po.route_card(model, asked, 0)
    assert card.text is None and card.route in ROUTES


# the parts


def test_one_outcome_of_a_router_for_each(world):
    model, _, _ = world
    together, each = np.array([[0.8, 0.2]]), np.array([[[0.8, 0.4], [0.2, 0.6]]])
    assert po._pick_outcome(model, together, "gad7").tolist() == [[0.8, 0.2]]
    assert po._pick_outcome(model, each, "gad7").tolist() == [[0.4, 0.6]]
    assert np.allclose(po._pick_outcome(model, each, None), [[0.6, 0.4]])


def test_a_row_without_a_route_has_no_name():
    routes = np.zeros((2, 8))
    routes[0, [3, 5]] = [0.7, 0.3]
    first, second = po._name_routes(routes)
    assert first.tolist() == [ROUTES[3], None] and second.tolist() == [ROUTES[5], None]


def test_values_to_try_are_those_of_the_table():
    assert po._spread_values(np.array([3.0, 1, 2, np.nan, 5, 4])).tolist() == [1, 2, 3, 4, 5]
    assert not len(po._spread_values(np.full(3, np.nan)))


def test_nothing_changed_is_nothing_turned(world):
    model, frame, _ = world
    asked = po.ask(model, frame)
    numeric, categorical = asked.batch.numeric[[7]], asked.batch.categorical[[7]]
    same = po._ask_what_if(model, asked, 7, numeric, categorical)
    assert np.allclose(same, asked.routes[[7]], atol=1e-6)


def test_a_card_of_nothing_escapes_its_label():
    experts = pd.DataFrame({"probability": np.zeros(8)}, ROUTES)
    bare = po.RouteCard(
        row="<7>",
        presence="none",
        prediction={"phq9": 11.25},
        experts=experts,
        route=None,
        runner_up=None,
        agreement=np.nan,
        changes=pd.DataFrame(),
        hidden={},
    )
    assert str(bare) == "Row <7>: nothing to read; the training mean is predicted: phq9 11.2."
    assert "<p>Row &lt;7&gt;:" in bare._repr_html_()


@pytest.mark.parametrize("wrong, got", [(150, "150"), (-1, "-1"), (True, "True"), ("7", "str")])
def test_a_position_that_the_table_lacks_is_refused(world, wrong, got):
    model, frame, _ = world
    with pytest.raises(ValueError, match=f"row: expected a position from 0 to 149, got {got}$"):
        po.route_card(model, frame, wrong)


def test_labels_of_groups(world):
    model, _, _ = world
    ages = pd.DataFrame({"age": np.arange(40.0), "sex": ["f", None] * 20, "note": "..."})
    assert po._label_groups(model, ages, "age").nunique() == 4
    counts = po._label_groups(model, ages, "sex").value_counts()
    assert counts.to_dict() == {"f": 20, "missing": 20}
    refusals = {
        "note": "a column of groups, got a text column",
        "height": "a column of the table, got 'height'",
        (1, 2): "40 labels, one a row, got 2",
    }
    for wrong, message in refusals.items():
        with pytest.raises(ValueError, match=f"by: expected {message}"):
            po._label_groups(model, ages, wrong)


def test_fillings(world):
    model, frame, _ = world
    asked = po.ask(model, frame)
    n, width = asked.joined.shape
    everything = np.ones(width, bool)
    nearest = po._find_alike(asked, 5, everything, np.arange(n), 1)
    assert nearest.tolist() == [5]  # nobody is nearer than oneself
    block = np.isin(po.evidence_inputs(model).kind, ("number", "category"))
    numbers = po._Piece(block, np.zeros(n, bool), 0)
    full = np.flatnonzero(asked.batch.presence.all(1))
    own = po._vary_piece(model, asked, full[0], full[[0] * 5], numbers)
    assert np.allclose(own, 0, atol=1e-9)  # filled five times with its own
    assert (po._vary_piece(model, asked, full[0], full[1:9], numbers) > 1e-4).all()
