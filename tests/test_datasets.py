"Datasets: only what was pinned is read, nothing is shown, and folds keep groups whole."

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adaroute import datasets
from adaroute.datasets import DatasetError, available, folds, load, names
from adaroute.schema import check_trainable, read

CANARY = "the canary sang at dawn"


def message(f, *args, **kwargs):
    with pytest.raises(DatasetError) as caught:
        f(*args, **kwargs)
    text = str(caught.value)
    assert "\n" not in text and "canary" not in text and text.strip() == text != ""
    return text


def fake(folder, name, column=None):
    "A dataset of the right shape with invented rows, its sums made to fit."
    source = datasets._SOURCES[name]
    schema = next(iter(source.variants.values()))
    rng, parts = np.random.default_rng(0), []
    for part in source.parts:
        frame = pd.DataFrame(
            {c: [f"{CANARY} {i}" for i in range(12)] for c in schema.text + schema.categorical}
            | {c: rng.integers(0, 2, 12) for c in (*schema.numeric, *schema.tasks)}
            | ({source.groups: np.arange(12) // 3} if source.groups else {})
            | {"extra": 1}
        )
        path = Path(folder) / name / part[0].name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(path, index=False)
        parts.append(
            (
                datasets._File(
                    path.name, datasets.hashlib.sha256(path.read_bytes()).hexdigest(), part[-1].url
                ),
            )
        )
    return datasets._Source(
        tuple(parts), source.variants, source.citation, source.licence, source.groups, source.splits
    )


@pytest.fixture
def alone(tmp_path, monkeypatch):
    "No named folder, no shared/data above, an empty cache, no network."
    import pooch

    def refuse(*args, **kwargs):
        raise ConnectionError("no network in the tests")

    monkeypatch.delenv("ADAROUTE_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets, "_cache_folder", lambda: tmp_path / "cache" / "adaroute")
    monkeypatch.setattr(pooch, "retrieve", refuse)
    return tmp_path


def test_unknown_names_and_variants(tmp_path):
    for f in (load, available):
        assert (
            message(f, "mimic") == "dataset: expected one of dep_wor, rwwd, clothing, got 'mimic'"
        )
    assert (
        message(load, "rwwd", tmp_path, variant="poor")
        == "rwwd: expected a variant of rich, lean, got 'poor'"
    )


@pytest.mark.parametrize("name", names())
def test_origins_are_pinned(name):
    source = datasets._SOURCES[name]
    for part in source.parts:
        assert any(f.url for f in part)
        for f in part:
            assert len(f.sha256) == 64 and set(f.sha256) <= set("0123456789abcdef")
            if f.url:
                assert (
                    f.url.split("/")[2] == "raw.githubusercontent.com"
                    and len(f.url.split("/")[5]) == 40
                )
    assert source.citation and source.licence


@pytest.mark.parametrize("name", names())
def test_outcomes_are_never_inputs(name):
    for schema in datasets._SOURCES[name].variants.values():
        assert not set(schema.inputs) & set(schema.tasks)
        assert not {"chosen_emotion", "startdate", "enddate", "Clothing ID"} & set(schema.inputs)


@pytest.mark.parametrize("name", names())
def test_neither_here_nor_to_be_had(alone, name):
    assert not available(name)
    text = message(load, name)
    assert (
        "ADAROUTE_DATA" in text
        and "https://raw.githubusercontent.com/" in text
        and "ConnectionError" in text
    )


def test_a_download_with_another_checksum(alone, monkeypatch):
    import pooch

    def other(*args, **kwargs):
        raise ValueError(CANARY)

    monkeypatch.setattr(pooch, "retrieve", other)
    assert "a download with another checksum" in message(load, "rwwd")


def test_a_cache_that_cannot_be_written(alone, monkeypatch):
    import pooch

    def denied(*args, **kwargs):
        raise PermissionError(CANARY)

    monkeypatch.setattr(pooch, "retrieve", denied)
    assert "PermissionError" in message(load, "rwwd")


def test_a_download_is_kept_and_found_again(alone, monkeypatch):
    import pooch

    source = fake(alone / "origin", "rwwd")
    monkeypatch.setitem(datasets._SOURCES, "rwwd", source)
    calls = []

    def retrieve(url, known_hash, fname, path):
        calls.append((url, known_hash))
        path.mkdir(parents=True, exist_ok=True)
        return shutil.copy(alone / "origin" / "rwwd" / fname, path / fname)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    assert len(load("rwwd")) == 12 and available("rwwd") and len(load("rwwd")) == 12
    assert calls == [(source.parts[0][0].url, f"sha256:{source.parts[0][0].sha256}")]


def test_a_named_place_is_the_only_place(alone, monkeypatch):
    (alone / "empty").mkdir()
    monkeypatch.setitem(datasets._SOURCES, "rwwd", fake(alone / "shared" / "data", "rwwd"))
    assert available("rwwd") and not available("rwwd", alone / "empty")
    assert (
        message(load, "rwwd", "empty") == "rwwd: expected rwwd_full.csv in empty, got no such file"
    )
    monkeypatch.setenv("ADAROUTE_DATA", "nowhere")
    assert not available("rwwd") and message(load, "rwwd").endswith("in nowhere, got no such file")
    assert len(load("rwwd", alone / "shared" / "data")) == 12, (
        "the argument comes before the variable"
    )
    monkeypatch.setenv("ADAROUTE_DATA", str(alone / "shared" / "data" / "rwwd"))
    assert len(load("rwwd")) == 12, "the files may lie in the folder itself"


def test_the_folder_beside_the_repository(alone, monkeypatch):
    monkeypatch.setitem(datasets._SOURCES, "rwwd", fake(alone / "shared" / "data", "rwwd"))
    (alone / "main" / "nbs").mkdir(parents=True)
    monkeypatch.chdir(alone / "main" / "nbs")
    assert available("rwwd") and len(load("rwwd", variant="lean")) == 12


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b + b" ",
        lambda b: b[:-1],
        lambda b: b.replace(b"canary", b"parrot", 1),
        lambda b: b"",
    ],
)
def test_a_changed_file_is_refused(tmp_path, monkeypatch, change):
    monkeypatch.setitem(datasets._SOURCES, "rwwd", fake(tmp_path, "rwwd"))
    path = tmp_path / "rwwd" / "rwwd_full.csv"
    path.write_bytes(change(path.read_bytes()))
    text = message(load, "rwwd", tmp_path)
    assert (
        text.startswith("rwwd_full.csv: expected sha256 ")
        and "got " in text
        and "parrot" not in text
    )


def test_a_reader_that_is_not_installed(tmp_path, monkeypatch):
    (tmp_path / "dep_wor_data.rda").write_bytes(b"abc")
    file = datasets._File("dep_wor_data.rda", datasets.hashlib.sha256(b"abc").hexdigest())
    monkeypatch.setitem(
        datasets._SOURCES,
        "dep_wor",
        datasets._Source(((file,),), datasets._DEP_WOR.variants, "c", "l"),
    )
    monkeypatch.setattr(datasets, "_has_rdata", lambda: False)
    assert not available("dep_wor", tmp_path)
    assert "expected the package rdata to read it" in message(load, "dep_wor", tmp_path)


def test_parts_groups_and_splits(tmp_path, monkeypatch):
    monkeypatch.setitem(datasets._SOURCES, "clothing", fake(tmp_path, "clothing"))
    data = load("clothing", tmp_path)
    assert (
        data.split.tolist() == ["train"] * 12 + ["test"] * 12
        and data.groups.tolist() == list(np.arange(12) // 3) * 2
    )
    assert list(data.frame.columns) == [*data.schema.inputs, *data.schema.tasks]
    assert CANARY not in repr(data) and repr(data).startswith(
        "Dataset(24 rows: 2 text, 2 numeric, 3 categorical"
    )


def test_only_the_empty_field_is_missing(tmp_path):
    frame = datasets._parse_table(b"a,b\nNA,1\nnone,2\nnull,\n,4\n", datasets._File("x.csv", ""))
    assert (
        frame["a"].isna().tolist() == [False, False, False, True] and frame["b"].isna().sum() == 1
    )


# The real tables, where they are at hand

here = pytest.mark.parametrize("name", names())


@here
def test_real_tables_pass_the_door(name):
    if not available(name):
        pytest.skip(f"{name} is not on this machine")
    for variant in datasets._SOURCES[name].variants:
        data = load(name, variant=variant)
        batch = read(data.frame, data.schema)
        check_trainable(batch)
        assert batch.observed.all() and batch.presence.any(axis=1).all()
        assert len(data) == {"dep_wor": 500, "rwwd": 2491, "clothing": 4698}[name]


def test_the_two_formats_of_dep_wor_agree(tmp_path):
    pytest.importorskip("rdata")
    if not available("dep_wor"):
        pytest.skip("dep_wor is not on this machine")
    found = [datasets._find_file("dep_wor", (f,), None) for f in datasets._DEP_WOR.parts[0]]
    if None in found:
        pytest.skip("one of the two formats is not on this machine")
    for i, (path, file) in enumerate(found):
        (tmp_path / str(i)).mkdir()
        shutil.copy(path, tmp_path / str(i) / file.name)
    pd.testing.assert_frame_equal(
        load("dep_wor", tmp_path / "0").frame, load("dep_wor", tmp_path / "1").frame
    )


# Folds

groups = st.lists(st.integers(0, 9), min_size=2, max_size=60).filter(lambda g: len(set(g)) >= 2)


@settings(max_examples=80, deadline=None)
@given(groups, st.integers(2, 10), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_no_group_straddles_and_every_row_is_tested_once(group, k, repeats, seed):
    k, group = min(k, len(set(group))), np.array(group)
    dealt = folds(group, k, repeats, seed)
    assert len(dealt) == k * repeats
    for train, test in dealt:
        assert len(train) and len(test) and not set(group[train]) & set(group[test])
        assert sorted([*train, *test]) == list(range(len(group)))
    for r in range(repeats):
        assert sorted(np.concatenate([test for _, test in dealt[r * k : (r + 1) * k]])) == list(
            range(len(group))
        )


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 80), st.integers(2, 10), st.integers(0, 99))
def test_folds_of_rows_are_even_and_seeded(n, k, seed):
    k = min(k, n)
    dealt = folds(n, k, seed=seed)
    sizes = [len(test) for _, test in dealt]
    assert max(sizes) - min(sizes) <= 1 and all(train.dtype.kind == "i" for train, _ in dealt)
    assert all(
        (a == b).all()
        for x, y in zip(dealt, folds(n, k, repeats=2, seed=seed))
        for a, b in zip(x, y)
    )


def test_folds_differ_by_seed_and_by_repeat_and_not_by_the_groups_names():
    test = lambda dealt: [t.tolist() for _, t in dealt]
    assert test(folds(50, seed=0)) != test(folds(50, seed=1))
    twice = test(folds(50, repeats=2))
    assert twice[:5] != twice[5:]
    assert test(folds(np.array([3, 1, 3, 2]), k=3)) == test(
        folds(np.array(["c", "a", "c", "b"]), k=3)
    )


def test_folds_leave_global_state_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    folds(20)
    assert (np.random.get_state()[1] == before).all()


@pytest.mark.parametrize(
    "args, expected",
    [
        (dict(n_or_groups=3, k=5), "k: expected 2 to 3, the number of groups, got 5"),
        (dict(n_or_groups=9, k=1), "got 1"),
        (dict(n_or_groups=0), "got 5"),
        (dict(n_or_groups=9, repeats=0), "repeats: expected at least 1, got 0"),
        (
            dict(n_or_groups=np.array([1, np.nan, 2.0]), k=2),
            "groups: expected whose row it is on each of 3 rows, got 1 missing, the first in row 1",
        ),
    ],
)
def test_folds_that_cannot_be(args, expected):
    with pytest.raises(ValueError) as caught:
        folds(**args)
    assert expected in str(caught.value)
