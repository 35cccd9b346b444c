"Words, directions and encoders: properties, bad input, and that nobody's words leak."

import json
import re
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings, strategies as st
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import Ridge

from adaroute.features import encoder as enc
from adaroute.features.axes import Centred, weigh_blocks, directions, fit_vectors, fit_words
from adaroute.features.axes import project_vectors, project_words
from adaroute.features.encoder import (
    Encoder,
    fit_columns,
    fit_levels,
    one_hot,
    scale_columns,
    verbalise,
)
from adaroute.schema import Batch, Schema, read
from adaroute.features.words import (
    HASHED,
    Cache,
    amounts,
    count,
    embed,
    mark,
    places,
    terms,
    units,
    vocabulary,
)

CANARY = "the canary sang at dawn"
SCHEMA = Schema(
    text=["note", "plan"],
    numeric=["age", "item"],
    categorical=["site"],
    tasks={"phq9": "regression"},
)
WORDS = "low mood sleep tired worry calm well work walk friend no not never very better worse denies".split()
quick = settings(max_examples=40, deadline=None)
notes = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)


def table(n=60, seed=0, **columns):
    rng = np.random.default_rng(seed)
    some = lambda size: [" ".join(rng.choice(WORDS, size)) for _ in range(n)]
    base = dict(
        note=[f"sleeps {h} hours. {s}" for h, s in zip(rng.integers(2, 9, n), some(12))],
        plan=some(5),
        age=rng.normal(40, 10, n),
        item=rng.integers(0, 4, n).astype(float),
        site=rng.choice(["A", "B"], n),
        phq9=np.arange(n),
    )
    return pd.DataFrame({**base, **columns})


def rows(n=60, seed=0, **columns):
    return read(table(n, seed, **columns), SCHEMA)


def same(a, b):
    return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def sound(features):
    for name in ("numbers", "text", "facts"):
        assert (
            getattr(features, name).dtype == np.float32
            and np.isfinite(getattr(features, name)).all()
        )
    return features


def message(f, *args, **kwargs):
    with pytest.raises(ValueError) as caught:
        f(*args, **kwargs)
    text = str(caught.value)
    assert "\n" not in text and text, "one clear line"
    assert "canary" not in text and caught.value.__cause__ is None
    return text


class Toy:
    "Counts letters, and how many texts it was asked for."

    def __init__(self, name="toy", letters="abcde"):
        self.name, self.letters, self.asked = name, letters, 0

    def encode(self, texts):
        self.asked += len(texts)
        return np.array([[t.count(c) for c in self.letters] for t in texts], float)


# Words


@quick
@given(notes, st.integers(0, 8))
def test_marks_change_nothing_but_the_prefix(text, window):
    plain, marked = mark(text, 0), mark(text, window)
    assert [w.removeprefix("not_") for w in marked] == plain and not any("_" in w for w in plain)
    assert window or plain == marked


@pytest.mark.parametrize(
    "text, expected",
    [
        ("denies low mood", "denies not_low not_mood"),
        ("he doesn’t sleep", "he doesn't not_sleep"),
        ("no pain. Mood low", "no not_pain mood low"),
        ("no pain\nmood low", "no not_pain mood low"),
        ("without, alas, hope", "without alas hope"),
        ("nothing not said", "nothing not_not not_said"),
        ("", ""),
        ("...", ""),
    ],
)
def test_negation(text, expected):
    assert " ".join(mark(text)) == expected


@quick
@given(notes)
def test_amounts_are_finite(text):
    assert all(np.isfinite(x) and unit for unit, x in amounts(text).items())


@pytest.mark.parametrize(
    "text, expected",
    [
        ("7 episodes, twelve drinks", {"episode": 7, "drink": 12}),
        ("slept 4. Hours later", {}),
        ("1 hour then 3 hours", {"hour": 1}),
        ("a 3-day stay", {"day": 3}),
        ("one of them", {}),
        ("9" * 400 + " days", {}),
        ("v1.2 days", {}),
        ("someone said", {}),
    ],
)
def test_amounts(text, expected):
    assert amounts(text) == expected


def test_rare_words_units_and_levels_are_not_kept():
    said = [[["common"] + (["rare"] if i < 4 else [])] for i in range(20)]
    assert vocabulary([[row[0] for row in said]]) == ["common"]
    assert units([{"hour": 1.0}] * 10 + [{"day": 1.0}] * 9 + [{}] * 100) == ["hour"]
    assert units([{"hour": 1.0}] * 10 + [{}] * 200) == []
    assert fit_levels(np.array([["A"]] * 5 + [["B"]] * 4, dtype=object))["levels"] == [["A"]]


def test_no_rare_word_is_in_the_state():
    note = table()["note"].tolist()
    note[:4] = [f"{CANARY} {i}" for i in range(4)]
    plain, arrays = Encoder().fit(rows(note=note, site=["canaryville"] * 4 + ["A"] * 56)).state()
    assert "canary" not in json.dumps(plain) and all(a.dtype.kind in "fbi" for a in arrays.values())


@quick
@given(st.lists(st.sampled_from(WORDS + ["unheard"]), max_size=30))
def test_counts(said):
    counts = count([said], places(sorted(WORDS)), len(WORDS)).toarray()[0]
    assert counts.tolist() == [said.count(w) for w in sorted(WORDS)]
    assert count([said], places(None), HASHED).sum() == len(said)


# Directions


@quick
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000), st.booleans())
def test_directions_are_those_of_numpy(n, p, seed, sparse):
    X = np.random.default_rng(seed).normal(size=(n, p))
    C = Centred(sp.csr_matrix(X) if sparse else X, np.ones((n, 1)), X.mean(axis=0, keepdims=True))
    dense = X - X.mean(axis=0)
    V = directions(C, 99, np.random.default_rng(0))
    s = np.linalg.svd(dense, compute_uv=False)
    assert V.shape[1] == (s > 1e-6).sum() and np.allclose(
        np.linalg.norm(dense @ V, axis=0), s[: V.shape[1]], atol=1e-6
    )
    assert np.allclose(dense @ V @ V.T, dense, atol=1e-6)
    assert all(V[np.abs(V[:, j]).argmax(), j] > 0 for j in range(V.shape[1]))


@pytest.mark.parametrize("exact", [0, 2500])
def test_directions_repeat(exact):
    X = np.random.default_rng(0).normal(size=(80, 60)).astype(np.float32)
    once, twice = (
        directions(Centred(X, X[:, :0], X[:0]), 5, np.random.default_rng(3), exact)
        for _ in range(2)
    )
    assert np.array_equal(once, twice) and once.shape == (60, 5)


def test_ridge_on_all_directions_is_ridge_on_tfidf():
    said = [[terms(mark(note)) for note in table()["note"]]]
    kept, y = vocabulary(said), np.random.default_rng(0).normal(size=60)
    fitted = fit_words(said, kept, 1000, np.random.default_rng(0))
    z, x = project_words(said, fitted), weigh_blocks(said, kept)[0].toarray()
    scale = (z**2).sum() / ((x - x.mean(axis=0)) ** 2).sum()
    on_words, on_directions = (
        Ridge(0.5).fit(x, y).predict(x),
        Ridge(0.5 * scale).fit(z, y).predict(z),
    )
    assert np.allclose(on_words, on_directions, atol=1e-4)


# Numbers

numbers = st.one_of(st.floats(-1e308, 1e308), st.just(np.nan))


@quick
@given(st.lists(numbers, min_size=1, max_size=20), numbers)
@pytest.mark.filterwarnings("error")
def test_scaled_numbers_are_bounded(train, new):
    fitted = fit_columns(np.array(train)[:, None])
    for z in (
        scale_columns(np.array(train)[:, None], fitted),
        scale_columns(np.array([[new]]), fitted),
    ):
        assert np.isfinite(z).all() and (np.abs(z) <= 8).all() and z.dtype == np.float32


@quick
@given(
    st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=3, max_size=30, unique=True)
)
def test_standardised(train):
    fitted = fit_columns(np.array(train)[:, None])
    z = scale_columns(np.array(train)[:, None], fitted)
    assert abs(z.mean()) < 1e-4 and abs(z.std() - 1) < 1e-3


def test_logs_only_for_skewed_counts():
    skewed = np.array([0.0] * 90 + [5.0] * 8 + [200.0] * 2)
    for column, expected in (
        (skewed, True),
        (skewed + 1, False),
        (skewed / 3, False),
        (np.arange(100.0), False),
        (-skewed, False),
    ):
        assert fit_columns(column[:, None])["log"].tolist() == [expected]
    assert np.isfinite(scale_columns(np.array([[-7.0]]), fit_columns(skewed[:, None]))).all()


@given(st.lists(st.sampled_from(["A", "B", "new", None]), min_size=1, max_size=10))
def test_one_hot(cells):
    fitted = fit_levels(np.array([["A"]] * 6 + [["B"]] * 6 + [[None]] * 3, dtype=object))
    out = one_hot(np.array(cells, dtype=object)[:, None], fitted)
    assert [tuple(row) for row in out] == [
        {"A": (1, 0, 0), "B": (0, 1, 0), "new": (0, 0, 0), None: (0, 0, 1)}[c] for c in cells
    ]


# The encoder

KINDS = [
    dict(),
    dict(text_features="hashing"),
    dict(text_dim=3, ngrams=1, window=0),
    dict(sentence_encoder=Toy(), verbalise_numbers=True),
]
kinds = pytest.mark.parametrize("kind", KINDS, ids=["tfidf", "hashing", "small", "sentences"])


@kinds
def test_there_and_back_bit_for_bit(kind, tmp_path):
    note = [None if i % 7 == 0 else s for i, s in enumerate(table()["note"])]
    encoder = Encoder(**kind).fit(
        rows(note=note, age=[np.nan if i % 5 == 0 else i for i in range(60)]), seed=1
    )
    plain, arrays = encoder.state()
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, tmp_path / "a.safetensors")
    back = Encoder.from_state(
        json.loads(json.dumps(plain)),
        load_file(tmp_path / "a.safetensors"),
        kind.get("sentence_encoder"),
    )
    test = rows(20, 5)
    assert (
        same(encoder.transform(test), back.transform(test))
        and back.feature_names() == encoder.feature_names()
    )
    if "sentence_encoder" in kind:
        assert np.array_equal(encoder.spoken(test), back.spoken(test))


@kinds
def test_same_seed_same_state_and_test_rows_do_not_matter(kind):
    a, b = (Encoder(**kind).fit(rows(), seed=np.random.default_rng(4)) for _ in range(2))
    a.transform(rows(30, 9))
    assert same(a.state()[1].values(), b.state()[1].values()) and a.state()[0] == b.state()[0]


@kinds
def test_row_by_row_equals_batch(kind):
    encoder, test = Encoder(**kind).fit(rows()), rows(15, 3)
    single = [encoder.transform(test.take([i])) for i in range(len(test))]
    for one, whole in zip(zip(*single), sound(encoder.transform(test))):
        assert np.allclose(np.vstack(one), whole, atol=1e-5)
    if "sentence_encoder" not in kind:
        assert same([np.vstack(one) for one in zip(*single)], encoder.transform(test))


@kinds
def test_widths_names_and_scale(kind):
    encoder = Encoder(**kind).fit(batch := rows())
    features, names = encoder.transform(batch), encoder.feature_names()
    for part, width in encoder.widths.items():
        assert (
            getattr(features, part).shape == (60, width)
            and len(names[part]) == len(set(names[part])) == width
        )
    assert np.isclose((features.text**2).sum(axis=1).mean(), features.text.shape[1], rtol=1e-3)


@kinds
def test_gaps_of_every_kind(kind):
    gaps = dict(
        note=[None if i % 3 == 0 else s for i, s in enumerate(table()["note"])],
        age=[np.nan if i % 4 == 0 else 1.0 * i for i in range(60)],
        site=[None if i % 5 == 0 else "A" for i in range(60)],
    )
    encoder = Encoder(**kind).fit(rows(**gaps))
    names = encoder.feature_names()
    assert "note missing" in names["text"] and {"age missing", "site missing"} <= set(
        names["numbers"]
    )
    nothing = sound(
        encoder.transform(rows(3, note=None, plan=None, age=np.nan, item=np.nan, site=None))
    )
    k = len([n for n in names["text"] if n.startswith("direction")])
    assert not nothing.text[:, :k].any() and not nothing.presence.any()


@kinds
def test_all_missing_in_training(kind):
    encoder = Encoder(**kind).fit(rows(note=None, plan=None, age=np.nan, item=np.nan, site=None))
    features = sound(encoder.transform(rows(4, 8)))
    assert (
        encoder.widths == {"numbers": 2, "text": 0, "facts": 3}
        and not features.numbers.any()
        and not features.facts.any()
    )


@kinds
@pytest.mark.parametrize("n", [1, 2, 3])
def test_very_few_rows(kind, n):
    encoder = Encoder(**kind).fit(rows(n))
    sound(encoder.transform(rows(5, 2))), sound(encoder.transform(rows(5, 2).take([])))


@pytest.mark.parametrize(
    "schema",
    [
        Schema(text=["note"], tasks={"phq9": "regression"}),
        Schema(numeric=["age"], tasks={"phq9": "regression"}),
        Schema(categorical=["site"], tasks={"phq9": "regression"}),
    ],
    ids=["text", "numbers", "categories"],
)
def test_one_kind_of_column_alone(schema):
    batch = read(table(), schema)
    encoder = Encoder().fit(batch)
    features = sound(encoder.transform(batch))
    assert [getattr(features, k).shape[1] for k in ("numbers", "text", "facts")] == [
        encoder.widths[k] for k in ("numbers", "text", "facts")
    ]
    assert (encoder.widths["text"] > 0) == bool(schema.text) and (
        encoder.widths["numbers"] > 0
    ) != bool(schema.text)


@quick
@given(st.lists(notes, min_size=2, max_size=12), st.lists(notes, min_size=1, max_size=3))
def test_any_text_goes(train, test):
    schema = Schema(text=["note"], tasks={"y": "regression"})
    for kind in (dict(min_df=1), dict(text_features="hashing")):
        encoder = Encoder(**kind).fit(read(pd.DataFrame(dict(note=train, y=0)), schema))
        sound(encoder.transform(read(pd.DataFrame(dict(note=test, y=0)), schema)))


def test_unseen_word_changes_no_text_feature():
    encoder = Encoder().fit(rows())
    with_word, without = (
        encoder.transform(rows(1, note=["low mood" + extra])).text for extra in (" xylophone", "")
    )
    assert np.array_equal(with_word, without)


def test_negation_moves_the_text_and_the_facts():
    encoder = Encoder().fit(rows())
    denied, said = (
        encoder.transform(rows(1, note=[s])) for s in ("no low mood tired", "no. low mood tired")
    )
    where = encoder.feature_names()["facts"].index("share denied")
    assert not np.allclose(denied.text, said.text) and denied.facts[0, where] > said.facts[0, where]


def test_found_numbers_become_facts():
    encoder = Encoder().fit(rows())
    where = encoder.feature_names()["facts"].index("hour in text")
    short, long = (
        encoder.transform(rows(1, note=[f"sleeps {h} hours"])).facts[0, where] for h in ("two", "8")
    )
    assert short < 0 < long


def test_a_very_long_note():
    encoder = Encoder().fit(rows())
    start = time.perf_counter()
    features = sound(
        encoder.transform(rows(1, note=["no sleep, low mood " * 25_000 + "9" * 10_000]))
    )
    assert (
        time.perf_counter() - start < 5
        and np.linalg.norm(features.text) < 10 * encoder.widths["text"] ** 0.5
    )


@pytest.mark.slow
def test_ten_thousand_notes_in_seconds():
    batch = rows(
        10_000, note=[" ".join(np.random.default_rng(i).choice(WORDS, 60)) for i in range(10_000)]
    )
    encoder = Encoder().fit(batch.take(range(500)))
    start = time.perf_counter()
    encoder.transform(batch)
    assert time.perf_counter() - start < 10  # about two on a free core


def test_outcomes_are_never_read():
    batch = rows()
    blind = Batch(
        batch.text,
        batch.numeric,
        batch.categorical,
        np.full_like(batch.outcome, np.nan),
        batch.index,
        batch.schema,
    )
    assert same(Encoder().fit(batch).transform(batch), Encoder().fit(blind).transform(blind))
    assert not any("phq9" in sentence for sentence in verbalise(batch))


# Bad settings and bad use


@pytest.mark.parametrize(
    "kwargs, expected",
    [
        (dict(text_features="bert"), "text_features: expected tfidf or hashing, got 'bert'"),
        (dict(text_dim=0), "text_dim: expected a whole number of at least 1, got 0"),
        (dict(text_dim=2.5), "text_dim: expected a whole number of at least 1, got 2.5"),
        (dict(min_df=True), "min_df: expected a whole number of at least 1, got True"),
        (dict(window=-1), "window: expected a whole number of at least 0, got -1"),
        (dict(ngrams=3), "ngrams: expected 1 or 2, got 3"),
        (dict(max_terms="many"), "max_terms: expected a whole number of at least 1, got 'many'"),
        (dict(sentence_encoder=42), "sentence_encoder: expected an object with `encode`, got int"),
        (dict(cache="somewhere"), "cache: expected a sentence_encoder with it, got none"),
        (
            dict(verbalise_numbers=True),
            "verbalise_numbers: expected a sentence_encoder with it, got none",
        ),
    ],
)
def test_settings(kwargs, expected):
    assert message(Encoder, **kwargs) == expected


def test_a_cache_needs_a_named_encoder(tmp_path):
    class Nameless:
        def encode(self, texts):
            return np.zeros((len(texts), 2))

    assert "expected a sentence encoder with a `name`" in message(
        Encoder, sentence_encoder=Nameless(), cache=tmp_path
    )


def test_misuse():
    encoder = Encoder()
    for f in (
        lambda: encoder.transform(rows()),
        encoder.state,
        encoder.feature_names,
        lambda: encoder.widths,
    ):
        assert (
            message(f) == "encoder: expected fit before use, got an encoder that was never fitted"
        )
    encoder.fit(rows())
    other = read(
        table().rename(columns={"age": "years"}),
        Schema(["note", "plan"], ["years", "item"], ["site"], {"phq9": "regression"}),
    )
    assert (
        message(encoder.transform, other)
        == "numeric columns: expected 'age', 'item' as in training, got 'years', 'item'"
    )
    assert "expected an encoder made with verbalise_numbers=True" in message(encoder.spoken, rows())


def test_damaged_states():
    plain, arrays = Encoder().fit(rows()).state()
    arrays.pop("text.projection")
    assert message(Encoder.from_state, plain, arrays).startswith(
        "encoder: expected the array text.projection, got "
    )
    assert "expected a state with settings, parts and sentence_encoder" in message(
        Encoder.from_state, {"settings": {}}, {}
    )
    plain, arrays = Encoder(sentence_encoder=Toy()).fit(rows()).state()
    assert (
        message(Encoder.from_state, plain, arrays, Toy("other"))
        == "sentence_encoder: expected toy as in training, got other"
    )


@pytest.mark.parametrize(
    "encode, expected",
    [
        (
            lambda texts: np.zeros(len(texts)),
            r"expected finite vectors \(\d+, d\), got shape \(\d+,\)",
        ),
        (lambda texts: np.zeros((1, 3)), r"expected finite vectors \(\d+, d\), got shape \(1, 3\)"),
        (lambda texts: np.full((len(texts), 2), np.nan), r"expected finite vectors"),
        (lambda texts: 1 / 0, r"sentence encoder: ZeroDivisionError while encoding \d+ texts"),
        (lambda texts: [][texts[0]], r"sentence encoder: TypeError while encoding \d+ texts"),
        (
            lambda texts: (_ for _ in ()).throw(RuntimeError(texts)),
            r"sentence encoder: RuntimeError while encoding \d+ texts",
        ),
    ],
)
def test_bad_sentence_encoders_say_so_and_quote_nothing(encode, expected):
    broken = Toy()
    broken.encode = encode
    assert re.search(
        expected, message(Encoder(sentence_encoder=broken).fit, rows(note=[CANARY] * 60))
    )


def test_a_sentence_encoder_of_another_size():
    encoder = Encoder(sentence_encoder=Toy()).fit(rows())
    encoder.sentence_encoder = Toy(letters="ab")
    assert (
        message(encoder.transform, rows())
        == "sentence encoder: expected vectors of length 5 as in training, got 2"
    )


# The cache


def test_each_text_is_encoded_once(tmp_path):
    toy, texts = Toy(), ["low", None, "low", "mood"]
    first = embed(texts, toy, Cache(tmp_path))
    assert toy.asked == 2 + 1 and not first[1].any()  # and the probe, each time
    assert np.array_equal(embed(texts, toy, Cache(tmp_path)), first) and toy.asked == 2 + 2
    embed(texts + ["new"], toy, Cache(tmp_path))
    assert toy.asked == 3 + 3
    other = Toy("other", "low")
    assert embed(texts, other, Cache(tmp_path)).shape == (4, 3) and other.asked == 2 + 1


def test_a_cache_keeps_encoders_of_one_name_apart(tmp_path):
    first = embed(["cab"], Toy(), Cache(tmp_path))
    other = Toy(letters="xyzuv")  # the same name and width, other weights
    assert not np.array_equal(embed(["cab"], other, Cache(tmp_path)), first)
    toy = Toy()
    toy.digest = "a digest"  # which stands for the probe
    embed(["cab"], toy, Cache(tmp_path))
    assert toy.asked == 1


def test_the_cache_serves_the_encoder(tmp_path):
    toy, batch = Toy(), rows()
    encoder = Encoder(sentence_encoder=toy, cache=tmp_path).fit(batch)
    asked = toy.asked
    assert asked == len({s for s in batch.text.ravel()}) + 1  # and the probe
    assert same(encoder.transform(batch), Encoder(sentence_encoder=toy).fit(batch).transform(batch))
    encoder.transform(batch)
    # the two calls without a cache, and the probe of the two with it
    assert toy.asked == asked + 2 * (asked - 1) + 2


def test_the_cache_holds_no_text_and_no_pickle(tmp_path):
    embed([CANARY], Toy(), Cache(tmp_path))
    files = list(tmp_path.iterdir())
    assert [f.suffix for f in files] == [".npz"] and b"canary" not in files[0].read_bytes()
    with np.load(files[0], allow_pickle=False) as file:
        assert sorted(file) == ["keys", "vectors"]


def test_a_damaged_cache_is_skipped(tmp_path):
    embed(["bad"], Toy(), Cache(tmp_path))
    path = next(tmp_path.iterdir())
    path.write_bytes(path.read_bytes()[:40])
    (tmp_path / "a.npz").write_bytes(CANARY.encode())
    toy = Toy()
    with pytest.warns(UserWarning, match="cache: expected keys and vectors") as told:
        assert embed(["bad"], toy, Cache(tmp_path)).any()
    assert toy.asked == 1 + 1 and not any("canary" in str(w.message) for w in told)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        embed(["bad"], toy, Cache(tmp_path))
    assert toy.asked == 1 + 2, "the damaged file was replaced"


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file")
    assert message(embed, [CANARY], Toy(), cache).startswith(
        "cache: expected a folder that can be written, got "
    )
    assert (tmp_path / "file").read_text() == "in the way"


def test_sentence_vectors_of_missing_columns_count_as_average():
    v = np.random.default_rng(0).normal(size=(40, 2, 3)).astype(np.float32)
    known = np.ones((40, 2), bool)
    known[:20, 1] = False
    fitted = fit_vectors(np.where(known[..., None], v, 0), known, 6, np.random.default_rng(0))
    assert not project_vectors(v, np.zeros((40, 2), bool), fitted).any()


def test_verbalised_numbers_are_a_column_of_text():
    said = read(table(2, age=[43.0, np.nan], item=[2.0, np.nan], site=["north", None]), SCHEMA)
    assert verbalise(said) == ["age 43; item 2; site north", ""]
    assert enc._verbalise_column(said).tolist() == [["age 43; item 2; site north"], [None]]


def test_the_first_column_that_names_a_unit_wins():
    notes = ["Low mood, sleeps 4 hours", None]
    said = read(table(2, note=notes, plan=["Sleep 8 hours, 2 walks", "Call on Monday"]), SCHEMA)
    words = enc._mark_words(said, dict(window=5, word_rule="exact"))
    assert words[1, 0] == [] and "monday" in words[1, 1]
    assert enc._find_amounts(said, "exact") == [dict(hour=4, walk=2), {}]


def test_a_sentence_encoder_is_known_by_its_name_or_its_type():
    class Letters:
        def encode(self, texts):
            return [[0.0]] * len(texts)

    letters = Letters()
    assert enc._load_encoder(letters) is letters
    assert enc._name_encoder(letters) == "Letters" and enc._name_encoder(None) is None


def test_an_encoder_with_other_weights_is_refused_by_its_probe():
    plain, arrays = Encoder(sentence_encoder=Toy()).fit(rows()).state()
    assert len(plain["probe"]) == 5
    rounded = Toy()
    rounded.encode = lambda texts, **_: np.round(Toy().encode(texts), 2)
    assert Encoder.from_state(plain, arrays, rounded).parts
    turned = Toy()
    turned.encode = lambda texts, **_: np.asarray(Toy().encode(texts))[:, ::-1] * [1, -1, 1, -1, 1]
    said = message(Encoder.from_state, plain, arrays, turned)
    assert said.startswith("sentence_encoder: expected the weights of the training, got others")
    shorter = message(Encoder.from_state, plain, arrays, Toy(letters="ab"))
    assert "vectors of length 2 in place of 5" in shorter
    old = {key: value for key, value in plain.items() if key != "probe"}
    assert Encoder.from_state(old, arrays, turned).parts  # a state of 0.1.0 has none


def test_arrays_leave_a_tree_and_come_back():
    tree = dict(a=np.arange(3), b=dict(c=np.ones(2), d=["x", 1.5]), e=None)
    plain, arrays = enc._take_arrays(tree)
    assert plain == dict(a={"array": "a"}, b=dict(c={"array": "b.c"}, d=["x", 1.5]), e=None)
    assert sorted(arrays) == ["a", "b.c"]
    assert enc._take_arrays(enc._put_arrays(plain, arrays))[0] == plain
