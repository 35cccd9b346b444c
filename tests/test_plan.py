"""Plans: what is filed before training, and that seed, split and folds follow from it and from nothing else."""

import hashlib
import hmac
import json
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import Ridge

from adaroute.provenance import plan as pl
from adaroute.provenance.commitment import canonical_json, commit_records
from adaroute.estimator import AdaRoute
from adaroute.schema import Schema

SCHEMA = Schema(numeric="age", tasks={"phq9": "count"})
TABLE = pd.DataFrame(
    dict(age=range(20, 32), phq9=range(12), patient=[f"p{i // 2}" for i in range(12)])
)
KEY = hashlib.sha256(b"key").digest()
ROOT = commit_records(TABLE, SCHEMA, KEY, groups="patient").to_dict()
PLAN = pl.Plan(
    ROOT, dict(members=1, routes=("N1/STL",), prior=dict(noise=0.5)), "ab" * 32, "cd" * 32
)
NONCE = pl.Nonce("4162 5531", "dice")
seeds = lambda n, word=b"seed": [hashlib.sha256(word + b"%d" % i).digest() for i in range(n)]


# the plan


def test_a_plan_comes_back():
    assert pl.Plan.from_dict(json.loads(json.dumps(PLAN.to_dict()))) == PLAN
    assert PLAN.config["routes"] == ["N1/STL"] and PLAN.test == 0.2
    assert PLAN.digest == hashlib.sha256(canonical_json(PLAN.to_dict()).encode()).hexdigest()
    large = replace(PLAN, config=dict(a=1e20, b=-1e300, c=2.0**53))
    assert (
        pl.Plan.from_dict(
            pl.parse_canonical(canonical_json(large.to_dict()).encode(), "plan")
        ).digest
        == large.digest
    )


def test_a_plan_keeps_a_copy():
    config = dict(prior=dict(noise=1))
    plan = replace(PLAN, config=config)
    before = plan.digest
    config["prior"]["noise"] = 2
    assert plan.digest == before


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "change",
    [
        dict(config=[1]),
        dict(config=None),
        dict(config=dict(seed=0)),
        dict(config=dict(checkpoint="x")),
        dict(config=dict(transcript=None)),
        dict(config=dict(progress=True)),
        dict(config=dict(a=float("nan"))),
        dict(config=dict(a=float("inf"))),
        dict(config={1: 2}),
        dict(config=dict(a=b"secretword")),
        dict(config=dict(a=2**53)),
        dict(config=dict(a="secretword\ud800")),
        dict(config=dict(a=nested(100_000))),
        dict(code="AB" * 32),
        dict(code="ab" * 31),
        dict(code=None),
        dict(lock=3),
        dict(lock="gh" * 32),
        dict(test=0),
        dict(test=1),
        dict(test=True),
        dict(test=float("nan")),
        dict(test=float("inf")),
        dict(test="secretword"),
        dict(test=None),
        dict(commitment=None),
        dict(commitment={}),
        dict(commitment={**ROOT, "root": "secretword"}),
        dict(commitment={**ROOT, "count": 0}),
        dict(commitment={**ROOT, "more": 1}),
        dict(format="adaroute-plan-2"),  # which knows no columns
        dict(format="adaroute-plan-4"),
        dict(columns="ab"),
        dict(format=None),
        dict(more=1),
    ],
    ids=lambda c: next(iter(c)),
)
def test_what_is_no_plan(change):
    with pytest.raises(pl.PlanError) as e:
        pl.Plan.from_dict({**PLAN.to_dict(), **change})
    assert "secretword" not in str(e.value) and e.value.__cause__ is e.value.__context__ is None


@pytest.mark.parametrize("name", list(PLAN.to_dict()))
def test_no_field_may_be_missing(name):
    with pytest.raises(pl.PlanError, match="expected the keys"):
        pl.Plan.from_dict({k: v for k, v in PLAN.to_dict().items() if k != name})
    for other in (None, 3, [PLAN.to_dict()], "plan"):
        with pytest.raises(pl.PlanError):
            pl.Plan.from_dict(other)


def test_the_configuration_of_a_model():
    est = AdaRoute(
        tasks={"phq9": "count"},
        seed=5,
        checkpoint="here",
        routes=("N1/STL", "T1/STL"),
        settings=dict(temperature=(1.0, 0.1)),
    )
    config = pl.plan_config(est)
    assert not {"seed", "checkpoint", "transcript", "progress"} & set(config) and config[
        "routes"
    ] == ["N1/STL", "T1/STL"]
    assert pl.plan_config(AdaRoute(**config)) == config
    with pytest.raises(pl.PlanError):
        pl.plan_config(AdaRoute(encoder=dict(sentence_encoder=object())))
    assert "secret place" not in str(pl.plan_config(AdaRoute(encoder=dict(cache="secret place"))))


# the nonce


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 3",
        "3 ",
        "3\n",
        "a\nb",
        "a\tb",
        "\ud800",
        "e\u0301",
        "x" * 1001,
        3,
        None,
        b"3",
        "a\u2028b",
        "\x00",
    ],
)
def test_what_is_no_nonce(value):
    for fields in ((value, "dice"), ("3", value)):
        with pytest.raises(pl.PlanError):
            pl.Nonce(*fields)
    with pytest.raises(pl.PlanError):
        pl.Nonce.from_dict({**NONCE.to_dict(), "value": value})


def test_a_nonce_comes_back():
    assert pl.Nonce.from_dict(NONCE.to_dict()) == NONCE
    for d in ({}, {**NONCE.to_dict(), "more": 1}, {**NONCE.to_dict(), "format": "x"}, None, []):
        with pytest.raises(pl.PlanError):
            pl.Nonce.from_dict(d)


# the seed


def test_the_formula_of_the_seed():
    bytes_ = b"adaroute-seed-1\x00" + bytes.fromhex(PLAN.digest)
    assert pl.derive_seed(PLAN, NONCE) == hashlib.sha256(bytes_ + b"\x01" + b"41625531").digest()
    assert pl.derive_seed(PLAN, None) == hashlib.sha256(bytes_ + b"\x00").digest()
    assert (
        pl.derive_seed(PLAN, pl.Nonce("é", "x"))
        == hashlib.sha256(bytes_ + b"\x01\xc3\xa9").digest()
    )
    assert pl.derive_seed(PLAN, NONCE) == pl.derive_seed(
        PLAN, pl.Nonce(NONCE.value, "another source")
    )


SPELLINGS = ("4162 5531", "41625531", "4,1,6,2 5-5-3-1", "4162  5531", "\uff14162 5531.")


def test_one_throw_has_one_seed_however_it_is_typed():
    assert {pl.derive_seed(PLAN, pl.Nonce(value, "dice")) for value in SPELLINGS} == {
        pl.derive_seed(PLAN, NONCE)
    }
    old = replace(PLAN, version=2)
    assert len({pl.derive_seed(old, pl.Nonce(value, "dice")) for value in SPELLINGS}) == 5
    with pytest.raises(pl.PlanError, match="expected letters or digits"):
        pl.derive_seed(PLAN, pl.Nonce("...", "dice"))


def test_numbers_that_other_readers_of_json_round_are_not_committed():
    long = TABLE.assign(age=[float(2**53)] * 12)
    with pytest.raises(ValueError, match="longer identifiers as text"):
        pl.file_plan(long, SCHEMA, KEY, {})
    assert pl.file_plan(TABLE.assign(age=[2.0**53 - 1] * 12), SCHEMA, KEY, {})


def test_one_changed_byte_changes_everything():
    flip = lambda text, i: text[:i] + ("0" if text[i] != "0" else "1") + text[i + 1 :]
    changed = [replace(PLAN, code=flip(PLAN.code, i)) for i in range(0, 64, 9)] + [
        replace(PLAN, lock=flip(PLAN.lock, i)) for i in range(0, 64, 9)
    ]
    changed += [
        replace(PLAN, commitment={**ROOT, name: flip(ROOT[name], i)})
        for name in ("root", "schema_digest")
        for i in (0, 31, 63)
    ]
    changed += [
        replace(PLAN, commitment={**ROOT, "count": 13}),
        replace(PLAN, test=0.2 + 1e-16 * 2),
        replace(PLAN, config={**PLAN.config, "members": 2}),
        replace(PLAN, config={**PLAN.config, "prior": dict(noise=np.nextafter(0.5, 1).item())}),
        replace(PLAN, config={}),
        replace(
            PLAN,
            commitment=commit_records(
                TABLE.assign(phq9=TABLE.phq9 + (TABLE.index == 3)), SCHEMA, KEY, groups="patient"
            ).to_dict(),
        ),
        replace(
            PLAN,
            commitment=commit_records(
                TABLE, SCHEMA, KEY, groups=[f"p{i // 3}" for i in range(12)]
            ).to_dict(),
        ),
    ]
    found = [pl.derive_seed(p, NONCE) for p in (PLAN, *changed)] + [
        pl.derive_seed(PLAN, n)
        for n in (None, pl.Nonce("4162 5532", "dice"), pl.Nonce("4162553", "dice"))
    ]
    assert len(set(found)) == len(found) == 3 + 1 + len(changed)
    assert len({pl.model_seed(s) for s in found}) == len(found)
    groups = np.repeat(np.arange(100), 2)
    assert len({pl.derived_test(s, groups, 0.2).tobytes() for s in found}) == len(found)
    assert len({pl.derived_folds(s, groups, 5).tobytes() for s in found}) == len(found)
    bits = np.unpackbits(
        np.frombuffer(
            b"".join(bytes(a ^ b for a, b in zip(found[0], s)) for s in found[1:]), np.uint8
        )
    )
    assert 0.45 < bits.mean() < 0.55


def test_labels_do_not_know_each_other():
    seed = seeds(1)[0]
    assert (
        pl.derive_whole(seed, "model")
        == pl.model_seed(seed)
        == int.from_bytes(hmac.digest(seed, b"model", "sha256")[:6], "big")
        < 2**48
    )
    assert len({pl.derive_whole(seed, f"label {i}") for i in range(1000)}) == 1000
    for bad in ((b"short", "x"), ("x" * 32, "x"), (seed, 3), (None, "x")):
        with pytest.raises(pl.PlanError):
            pl.derive_whole(*bad)


@pytest.mark.parametrize(
    "bad", [(None, NONCE), (PLAN, "4162"), ({}, None), (PLAN.to_dict(), NONCE)]
)
def test_a_seed_wants_a_plan_and_a_nonce(bad):
    with pytest.raises(pl.PlanError):
        pl.derive_seed(*bad)


# the split


def test_names_of_groups_do_not_matter():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 30, 200)
    named = [
        codes,
        [f"patient {c}" for c in codes],
        (codes * 7919) % 1009,
        pd.Series(codes, index=rng.permutation(200)),
        [str(c) for c in codes],
        pd.Series([f"x{99 - c}" for c in codes], dtype="category"),
        pd.Series(codes, dtype="Int64"),
        tuple(codes.tolist()),
    ]
    for seed in seeds(5):
        for f in (lambda g: pl.derived_test(seed, g, 0.2), lambda g: pl.derived_folds(seed, g, 4)):
            first = f(named[0])
            assert all((f(g) == first).all() for g in named[1:])
    assert (pl.group_codes(named[1]) == pd.factorize(codes)[0]).all()
    assert pl.group_codes([1, "1", "e\u0301", "\u00e9"]).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    "groups",
    [
        ["a", None],
        ["a", float("nan")],
        [1.5, 2.5],
        ["a", ""],
        [True, False],
        "ab",
        7,
        None,
        [["a"], ["b"]],
        ["a", "\ud800"],
    ],
)
def test_what_are_no_groups(groups):
    with pytest.raises(pl.PlanError, match="groups"):
        pl.group_codes(groups)
    with pytest.raises(pl.PlanError):
        pl.derived_test(seeds(1)[0], groups, 0.2)


def test_a_split_keeps_groups_whole_and_is_as_near_as_they_allow():
    rng = np.random.default_rng(1)
    for i, seed in enumerate(seeds(200)):
        n, share = int(rng.integers(2, 120)), float(rng.choice([0.01, 0.2, 0.5, 0.9, 0.99]))
        groups = rng.permutation(
            np.r_[0, 1, rng.integers(0, max(2, n // int(rng.integers(1, 8))), n - 2)]
        )
        test = pl.derived_test(seed, groups, share)
        assert test.any() and not test.all()
        size, taken = np.bincount(groups), {g for g in groups if test[groups == g].any()}
        assert all(test[groups == g].all() for g in taken)
        left = [g for g in np.flatnonzero(size) if g not in taken]
        if len(left) > 1 and len(taken) > 1:
            assert not [
                g
                for g in left
                if abs(test.sum() + size[g] - share * n) < abs(test.sum() - share * n)
            ], i


def test_single_rows_give_the_exact_share():
    for seed in seeds(20):
        assert (
            pl.derived_test(seed, range(100), 0.2).sum() == 20
            and pl.derived_test(seed, range(2), 0.5).sum() == 1
        )
        assert np.bincount(pl.derived_folds(seed, range(100), 7)).tolist() == [
            15,
            15,
            14,
            14,
            14,
            14,
            14,
        ]


def test_folds_are_even_and_whole():
    rng = np.random.default_rng(2)
    for seed in seeds(50):
        groups = rng.permutation(np.r_[np.arange(12), rng.integers(0, 12, 60)])
        folds = pl.derived_folds(seed, groups, 4)
        rows = np.bincount(folds, minlength=4)
        assert (
            all(len(set(folds[groups == g])) == 1 for g in range(12))
            and rows.max() - rows.min() <= np.bincount(groups).max()
        )
    for k in (1, 0, -1, 2.5, "3", True, 13):
        with pytest.raises(pl.PlanError):
            pl.derived_folds(seeds(1)[0], np.arange(12), k)


@pytest.mark.parametrize("share", [0, 1, -1, 2, True, None, "x", float("nan")])
def test_what_is_no_share(share):
    with pytest.raises(pl.PlanError, match="test"):
        pl.derived_test(seeds(1)[0], [1, 2], share)


def test_one_group_cannot_be_split():
    with pytest.raises(pl.PlanError, match="at least 2"):
        pl.derived_test(seeds(1)[0], ["a"] * 5, 0.2)
    with pytest.raises(pl.PlanError):
        pl.derived_test(seeds(1)[0], [], 0.2)


def test_over_many_nonces_every_group_has_the_same_chance():
    drawn = [pl.derive_seed(PLAN, pl.Nonce(f"nonce {i}", "test")) for i in range(1000)]
    tested = np.sum(
        [pl.derived_test(s, range(20), 0.2) for s in drawn], axis=0
    )  # 4 of 20 each time
    folds = np.array([pl.derived_folds(s, range(20), 5) for s in drawn])
    wholes = np.array([pl.model_seed(s) for s in drawn])
    p = [
        stats.chi2.sf(
            ((tested - 200) ** 2 / (200 * 0.8)).sum() * 19 / 20, 19
        ),  # draws without replacement
        stats.chisquare(np.bincount(folds[:, 7], minlength=5)).pvalue,
        stats.chisquare(np.bincount(wholes >> 44, minlength=16)).pvalue,
        stats.chisquare(np.bincount(wholes % 16, minlength=16)).pvalue,
    ]
    assert min(p) > 0.001 and max(p) < 0.999, p
    together = np.mean(folds[:, 3] == folds[:, 11])
    assert abs(together - 3 / 19) < 0.03  # no pair of groups is tied


def test_the_split_is_the_same_in_ten_years():
    seed = hashlib.sha256(b"in ten years").digest()
    assert pl.model_seed(seed) == int(hmac.new(seed, b"model", "sha256").hexdigest()[:12], 16)
    rank = sorted(range(10), key=lambda g: hmac.new(seed, b"test group %d" % g, "sha256").digest())
    assert np.flatnonzero(pl.derived_test(seed, range(10), 0.3)).tolist() == sorted(rank[:3])
    rank = sorted(range(10), key=lambda g: hmac.new(seed, b"folds group %d" % g, "sha256").digest())
    assert pl.derived_folds(seed, range(10), 5)[rank].tolist() == [0, 1, 2, 3, 4] * 2


# code, libraries, filing


def test_digest_of_code(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.py", "sub/b.py"):
        (tmp_path / name).write_text("x = 1\n")
    first = pl._digest_tree(tmp_path)
    (tmp_path / "notes.txt").write_text("not code")
    assert pl._digest_tree(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "c.py")
    assert pl._digest_tree(tmp_path) != first
    (tmp_path / "c.py").rename(tmp_path / "a.py")
    (tmp_path / "sub/b.py").write_text("x = 2\n")
    assert pl._digest_tree(tmp_path) != first
    assert len(pl.code_digest()) == 64


def test_digest_of_libraries(root, tmp_path, monkeypatch):
    lock = root / "requirements.lock"
    assert pl.lock_digest(lock) == hashlib.sha256(lock.read_bytes()).hexdigest()
    with pytest.raises(pl.PlanError) as e:
        pl.lock_digest(tmp_path / "none.lock")
    assert str(tmp_path) not in str(e.value) and "none.lock" in str(e.value)
    before, version = pl.lock_digest(), pl.metadata.version
    monkeypatch.setattr(
        pl.metadata, "version", lambda name: "9.9" if name == "numpy" else version(name)
    )
    assert pl.lock_digest() != before


def test_libraries_are_those_of_the_project(root):
    import re
    import tomllib

    named = {
        re.match(r"[A-Za-z0-9-]+", d)[0]
        for d in tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    }
    named -= {"lazy-loader"}  # it finds names and touches no number
    assert named <= set(pl._NEEDED) <= named | {"scipy"}


def test_file_plan():
    plan, commitment = pl.file_plan(TABLE, SCHEMA, KEY, dict(members=1), groups="patient", test=0.3)
    assert (
        plan.commitment == commitment.to_dict() == ROOT
        and plan.test == 0.3
        and commitment.tree is not None
    )
    assert plan.code == pl.code_digest() and plan.lock == pl.lock_digest()
    assert KEY.hex() not in json.dumps(plan.to_dict()) and "p3" not in json.dumps(plan.to_dict())


# the run folder


def test_plan_and_nonce_in_a_folder(tmp_path):
    folder = tmp_path / "run"
    file = pl.save_plan(PLAN, folder)
    assert (
        pl.save_plan(PLAN, folder) == file
        and file.name == "plan.json"
        and file.stat().st_mode & 0o777 == 0o600
        and folder.stat().st_mode & 0o777 == 0o700
    )
    assert (
        hashlib.sha256(file.read_bytes()).hexdigest() == PLAN.digest
        and pl.load_plan(folder) == PLAN
        and pl.load_nonce(folder) is None
    )
    pl.save_nonce(NONCE, folder)
    assert pl.load_nonce(folder) == NONCE and sorted(p.name for p in folder.iterdir()) == [
        "nonce.json",
        "plan.json",
    ]
    with pytest.raises(pl.PlanError, match="another"):
        pl.save_plan(replace(PLAN, test=0.3), folder)
    with pytest.raises(pl.PlanError, match="another"):
        pl.save_nonce(pl.Nonce("7", "dice"), folder)
    assert pl.load_plan(folder) == PLAN
    (tmp_path / "file").write_text("x")
    with pytest.raises(pl.PlanError) as e:
        pl.save_plan(PLAN, tmp_path / "file")
    assert str(tmp_path) not in str(e.value)
    for where in (tmp_path, tmp_path / "file", tmp_path / "nowhere"):
        with pytest.raises(pl.PlanError) as e:
            pl.load_plan(where)
        assert str(tmp_path) not in str(e.value)
    (tmp_path / "nonce.json").write_text("null")
    with pytest.raises(pl.PlanError):
        pl.load_nonce(tmp_path)


def test_no_mutation_of_a_file_is_accepted(tmp_path):
    good, rng = canonical_json(PLAN.to_dict()).encode(), random.Random(0)
    file, same = tmp_path / "plan.json", 0
    extra = [
        b"",
        b"null",
        b"[]",
        b"{",
        good + b"\n",
        b" " + good,
        good * 2,
        good[:-1],
        b"\xff" + good,
        good.replace(b'"test":0.2', b'"test":0.20'),
        good.replace(b'"test":0.2', b'"test":0.2,"test":0.2'),
        good.replace(b"0.2", b"9" * 5000),
        good.replace(b"0.2", b"NaN"),
        b"[" * 100_000,
        good.replace(b'{"code"', b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b',"code"'),
        json.dumps(PLAN.to_dict(), indent=1).encode(),
    ]
    for i in range(600):
        if i < len(extra):
            bad = extra[i]
        else:
            at, bad = rng.randrange(len(good)), bytearray(good)
            if i % 3 == 0:
                bad[at] ^= 1 << rng.randrange(8)
            elif i % 3 == 1:
                del bad[at : at + rng.randrange(1, 5)]
            else:
                bad[at:at] = bytes([rng.randrange(256)])
        file.write_bytes(bytes(bad))
        try:
            found = pl.load_plan(tmp_path)
        except pl.PlanError:
            continue
        assert found.digest != PLAN.digest
        same += 1  # another plan, and it says so
    assert same < 600 - len(extra)


# shopping


def test_shopping_needs_no_model_of_ours():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(600, 3))
    y = X @ [1, 2, 3.0] + rng.normal(size=600)
    table, fresh = pl.Sample(X[:100], y[:100]), pl.Sample(X[100:], y[100:])
    found = pl.split_shopping(Ridge(), table, range(100), fresh, seeds(5))
    frame = pl.Sample(pd.DataFrame(table.X), pd.Series(table.y, index=range(7, 107)))
    later = pl.Sample(pd.DataFrame(fresh.X), fresh.y)
    again = pl.split_shopping(Ridge(), frame, range(100), later, seeds(5))
    assert found.shape == (5, 2) and np.allclose(found, again)
    assert found.fresh.std() < found.test.std()
    test, model = pl.derived_test(seeds(1)[0], range(100), 0.2), Ridge()
    model.fit(*table.take(~test))
    assert found.fresh[0] == pytest.approx(model.score(*fresh))
    assert found.test[0] == pytest.approx(model.score(X[:100][test], y[:100][test]))
    both = [pl.Sample(s.X, np.column_stack([s.y, s.y])) for s in (table, fresh)]
    two = pl.split_shopping(Ridge(), both[0], range(100), both[1], seeds(1))
    assert np.allclose(two.iloc[0], found.iloc[0])


def test_shopping_with_adaroute():
    from adaroute.synthetic import make_cohort

    cohort, fresh = make_cohort(60, seed=108), make_cohort(30, seed=108, draw=1)
    model = AdaRoute(
        tasks=cohort.schema.tasks, members=1, starts=1, steps=20, routes=("N1/STL", "N1/MTL")
    )
    y = list(cohort.schema.tasks)
    table, later = (pl.Sample(some.frame, some.frame[y]) for some in (cohort, fresh))
    patients = [f"p{i // 3}" for i in range(60)]
    found = pl.split_shopping(model, table, patients, later, seeds(1))
    assert np.isfinite(found.to_numpy()).all()
