"A run folder that somebody tampered with is refused or fails a check, whatever the bytes are; and nothing but our errors comes out."

import copy
import hashlib
import json
import os
import random
import shutil
from collections import Counter

import numpy as np
import pytest

from adaroute.provenance.commitment import canonical_json
from adaroute.provenance.derivation import check_derivation
from adaroute.provenance.plan import PlanError
from adaroute.provenance.run_folder import LINES, RunFolder, check_integrity
from adaroute.synthetic import make_cohort
from adaroute.provenance.transcript import TranscriptError
from rechain import lines_of, planned, rechain, sum_of

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")
OURS = (TranscriptError, PlanError)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    planned(folder / "honest", make_cohort(60, seed=101), steps=20, groups=np.arange(60) // 2)
    shutil.copytree(folder / "honest", folder / "public", ignore=shutil.ignore_patterns("segments"))
    return folder


def caught(folder):
    "What becomes of a folder: refused, the first check that fails, or None."
    try:
        run = RunFolder.open(folder)
        for check in (check_integrity, check_derivation):
            for c in check(run):
                assert c.passed in (True, False, None) and isinstance(c.detail, str)
                if c.passed is False:
                    return c.name
    except OURS as error:
        assert "secretword" not in str(error) and str(folder) not in str(error)
        return "refused"


# 10,000 mutations


def any_bytes(content, rng):
    "The bytes of a file, in some way damaged."
    out, at, lines = bytearray(content), rng.randrange(len(content)), content.split(b"\n")
    kind = rng.choice(
        [
            "flip",
            "flip",
            "delete",
            "insert",
            "digit",
            "cut",
            "double",
            "swap",
            "drop",
            "end",
            "front",
        ]
    )
    if kind == "flip":
        out[at] ^= 1 << rng.randrange(8)
    elif kind == "delete":
        del out[at : at + rng.choice([1, 2, 7, 64])]
    elif kind == "insert":
        out[at:at] = rng.choice(
            [b"0", b'"', b"{", b"\xff", b"\n", b"\0", b",", b"\\ud800", b"[" * 9, rng.randbytes(3)]
        )
    elif kind == "digit":
        out[at] = rng.choice(b'0123456789abcdef-.,:[]{}"')
    elif kind == "cut":
        del out[at:]
    elif kind == "end":
        out += rng.choice([b"\n", b"x", b"{}\n", b" ", content])
    elif kind == "front":
        out[:0] = rng.choice([b"\n", b"\xef\xbb\xbf", b" ", b"[]\n"])
    elif len(lines) > 2:
        i, j = rng.sample(range(len(lines) - 1), 2)
        if kind == "double":
            lines.insert(j, lines[i])
        elif kind == "swap":
            lines[i], lines[j] = lines[j], lines[i]
        else:
            del lines[i]
        out = b"\n".join(lines)
    return bytes(out)


def places(value, path=()):
    "All places in a value."
    yield path
    for key, inner in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    ):
        yield from places(inner, (*path, key))


ODD = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**53,
    1e300,
    -1e-300,
    0.5,
    "",
    "secretword",
    "0" * 64,
    "0" * 8,
    [],
    {},
    [[]],
    {"secretword": 1},
    [None],
    10**9,
    "main",
    [0],
    ["0"],
    "é\u2028",
]


def odd_value(old, rng):
    "Something else in the place of a value."
    near = []
    if isinstance(old, bool):
        near = [not old, int(old)]
    elif isinstance(old, (int, float)):
        near = [-old, old + 1, old - 1, old * 10, old / 3, str(old), [old]]
    elif isinstance(old, str):
        near = [old + "0", old[1:], old[::-1], old.upper(), old.replace("a", "b"), [old]] + [
            rng.choice("0123456789abcdef") + old[1:]
        ] * 4
    elif isinstance(old, list):
        near = [old[1:], old + old, old[::-1], old + [None], dict(enumerate(map(str, old)))]
    elif isinstance(old, dict):
        near = [dict(list(old.items())[1:]), old | {"secretword": 1}, list(old)]
    return copy.deepcopy(rng.choice(near + [rng.choice(ODD)]))


def odd_line(line, rng):
    "A line with one value changed, and where."
    line, path = (
        copy.deepcopy(line),
        rng.choice([p for p in places(line) if p and p != ("before",)]),
    )
    inner, kind = line, line["kind"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = odd_value(inner[path[-1]], rng)
    if isinstance(inner[path[-1]], dict):
        inner[path[-1]] = {str(k): v for k, v in inner[path[-1]].items()}
    return line, (kind, path[0])


def spliced(raw, at, line):
    "The bytes of a transcript in which line `at` is another, chained anew; only what changes is written again."
    out, raw = [], [*raw[:at], canonical_json(line).encode(), *raw[at + 1 :]]
    before = old = "0" * 64
    for k, one in enumerate(raw):
        if k > at:
            one = (
                one.replace(json.loads(one)["before"].encode(), before.encode(), 1)
                if k == at + 1
                else one.replace(old.encode(), before.encode(), 1)
            )
        out.append(one + b"\n")
        before, old = (
            hashlib.sha256(out[-1]).hexdigest(),
            hashlib.sha256(raw[k] + b"\n").hexdigest(),
        )
    return b"".join(out)


def put(file, content):
    file.unlink()  # a new file is written faster than an old one is emptied
    file.write_bytes(content)


ONLY_DATA = {
    ("prepared", "evidence"),
    ("prepared", "outcomes"),
}  # what nobody can check without the table
SAID = {
    ("environment", name) for name in LINES["environment"]
}  # what the trainer says of his machine
SEGMENTS = {
    ("segment", name) for name in ("loss", "validation", "usage", "weights", "file")
}  # what nobody can check where segments are withheld
WITHHELD = SEGMENTS | {("finished", "weights")}


def test_ten_thousand_mutations(home):
    "Each is refused or fails a check, or changed a value that only data could check; no exception but ours."
    rng, count = random.Random(5), Counter()
    for source, of_bytes, of_values in (("honest", 5500, 2600), ("public", 900, 1000)):
        file, lines = home / source / "transcript.jsonl", lines_of(home / source)
        kept = file.read_bytes()
        for i in range(of_bytes + of_values):
            changed, where = (
                (any_bytes(kept, rng), ("", "bytes"))
                if i < of_bytes
                else with_odd_value(kept, lines, rng)
            )
            if changed == kept:
                count["same"] += 1
                continue
            put(file, changed)
            found = caught(home / source)
            count[
                where[1]
                if i < of_bytes
                else "values"
                if found
                else "only data"
                if where in ONLY_DATA
                else "said"
                if where in SAID
                else "withheld"
            ] += 1
            assert found or where in ONLY_DATA | SAID | (
                WITHHELD if source == "public" else set()
            ), (i, where)
        put(file, kept)
        assert caught(home / source) is None
    print(dict(count))
    assert count["bytes"] > 6000 and count["values"] > 2500 and count["only data"] and count["said"]


def with_odd_value(kept, lines, rng):
    "A transcript with a value changed, chained anew; unchanged where JSON cannot hold the value."
    at = rng.randrange(len(lines))
    line, where = odd_line(lines[at], rng)
    try:
        return spliced(kept.split(b"\n")[:-1], at, line), where
    except ValueError:
        return kept, where


def only_said(folder, name, kept):
    "Whether only a table could contradict: the nonce's source, blanks in a manifest, and who belongs together where that leaves the pattern of the used rows."
    new, old = (json.loads(content) for content in ((folder / name).read_bytes(), kept))
    if name == "nonce.json":
        return new["value"] == old["value"]
    return (
        new == old
        if name == "model/manifest.json"
        else name == "groups.json" and len(new) == len(old)
    )


def test_other_files_of_the_folder(home, tmp_path):
    "Four hundred and ninety mutations of the files beside the transcript."
    rng, folder = random.Random(6), shutil.copytree(home / "honest", tmp_path / "run")
    names = [
        "rows.json",
        "groups.json",
        "plan.json",
        "nonce.json",
        "model/model.json",
        "model/manifest.json",
        "segments/main-000010.safetensors",
    ]
    for i in range(490):
        name = names[i % len(names)]
        kept = (folder / name).read_bytes()
        (folder / name).write_bytes(new := any_bytes(kept, rng))
        assert caught(folder) or new == kept or only_said(folder, name, kept), (i, name)
        (folder / name).write_bytes(kept)
    assert caught(folder) is None


def test_values_of_rows_groups_plan_and_nonce(home, tmp_path):
    "Canonical JSON of odd content, with a transcript that names it."
    rng, folder, seen = (
        random.Random(7),
        shutil.copytree(home / "honest", tmp_path / "run"),
        Counter(),
    )
    lines = lines_of(folder)
    for i in range(400):
        name = ("rows.json", "groups.json", "plan.json", "nonce.json")[i % 4]
        kept = (folder / name).read_bytes()
        value = json.loads(kept)
        box = {"": copy.deepcopy(value)}
        path = ("", *rng.choice(list(places(value))))
        inner = box
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = odd_value(inner[path[-1]], rng)
        try:
            content = canonical_json(box[""]).encode()
        except ValueError:
            continue
        (folder / name).write_bytes(content)
        changed = copy.deepcopy(lines)
        changed[2]["rows_file"] = sum_of(folder / "rows.json")
        if name == "plan.json":
            changed[0]["plan"] = hashlib.sha256(content).hexdigest()
        if (
            name == "nonce.json"
            and isinstance(box[""], dict)
            and isinstance(box[""].get("value"), str)
        ):
            changed[0]["nonce"] = box[""]["value"]
        rechain(changed, folder)
        found = caught(folder)
        seen[name, bool(found)] += 1
        assert found or content == kept or only_said(folder, name, kept), (i, name, path)
        (folder / name).write_bytes(kept)
    assert all(
        seen[name, True] > 50 for name in ("rows.json", "groups.json", "plan.json", "nonce.json")
    )


# single evils

DEEP, LONG = b"[" * 200_000, b"9" * 10_000


@pytest.mark.parametrize(
    "name", ["transcript.jsonl", "rows.json", "groups.json", "plan.json", "nonce.json"]
)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        DEEP,
        DEEP + b"\n",
        LONG,
        LONG + b"\n",
        b"NaN\n",
        b'{"a":1,"a":1}',
        b'{"a":1e999}',
        b"\xff\xfe\n",
        b"null",
        b"[]",
        b"{}\n",
        b"[1e30]",
        b'"\\ud800"',
        '{"groups":[0,1],"used":[0,1]}'.encode(),
        b'{"groups":[],"used":[]}',
        b"[0,0,0]",
        b"[0,2]",
        b"[0,true]",
        b"[0,1.5]",
        b'{"kind":[]}\n',
    ],
    ids=lambda c: c[:12].decode("latin-1").encode("unicode_escape").decode(),
)
def test_evil_content_is_refused(home, tmp_path, name, content):
    (folder := tmp_path / "run").mkdir()
    for f in ("transcript.jsonl", "rows.json", "groups.json", "plan.json", "nonce.json"):
        shutil.copy(home / "honest" / f, folder)
    (folder / name).write_bytes(content)
    with pytest.raises(OURS):
        RunFolder.open(folder)


@pytest.mark.parametrize(
    "name",
    [
        "transcript.jsonl",
        "rows.json",
        "plan.json",
        "nonce.json",
        "groups.json",
        "model/model.json",
        "segments/main-000010.safetensors",
        "model",
        "segments",
    ],
)
@pytest.mark.parametrize("how", ["link", "dangling", "pipe", "folder", "file"])
def test_what_is_no_file_is_not_opened(home, tmp_path, name, how):
    folder = shutil.copytree(home / "honest", tmp_path / "run")
    place = folder / name
    if how == ("folder" if place.is_dir() else "file"):
        return
    shutil.move(place, tmp_path / "away")
    {
        "link": lambda: place.symlink_to(tmp_path / "away"),
        "dangling": lambda: place.symlink_to(tmp_path / "secretword"),
        "pipe": lambda: os.mkfifo(place),
        "folder": place.mkdir,
        "file": lambda: place.write_bytes(b"secretword"),
    }[how]()
    with pytest.raises(OURS) as refusal:
        RunFolder.open(folder)
    assert "secretword" not in str(refusal.value)


def test_sizes_that_nobody_could_build_are_not_built(home, tmp_path):
    "Counts of 10**9 in lines, configuration and saved model: quickly refused or failed."
    source, folder = lines_of(home / "honest"), shutil.copytree(home / "honest", tmp_path / "run")
    for change in (
        dict(members=10**9),
        dict(starts=10**12),
        dict(steps=2**53 - 1),
        dict(steps=10**9, settings=dict(every=10**9)),
        dict(design=dict(width=10**9)),
        dict(design=dict(hidden=10**12)),
        dict(settings=dict(batch=10**12)),
        dict(settings=dict(every=1)),
        dict(validation=0.9, members=2**40),
    ):
        lines = copy.deepcopy(source)
        lines[0]["config"] |= change
        lines[2]["steps"] = lines[0]["config"]["steps"]
        (folder / "plan.json").unlink(missing_ok=True)
        lines[0]["plan"] = None
        rechain(lines, folder)
        assert caught(folder)
    for field, value in (("widths", [10**9, 10**9, 10**9]), ("rows", 10**9), ("steps", 2**53 - 1)):
        lines = copy.deepcopy(source)
        lines[2][field] = value
        rechain(lines, folder)
        assert caught(folder)
    about = json.loads((home / "honest" / "model" / "model.json").read_text())
    for key, value in (
        ("widths", [10**9] * 3),
        ("seeds", list(range(10**5))),
        ("design", about["design"] | dict(width=10**9)),
        ("scale", about["scale"] | dict(levels=[10**9, 0])),
    ):
        folder = shutil.copytree(home / "honest", tmp_path / f"run {key}")
        (folder / "model" / "model.json").write_text(json.dumps(about | {key: value}))
        manifest = {n: sum_of(folder / "model" / n) for n in ("model.json", "weights.safetensors")}
        (folder / "model" / "manifest.json").write_text(json.dumps(manifest))
        lines = copy.deepcopy(source)
        lines[-1]["files"] = manifest
        rechain(lines, folder)
        assert caught(folder) or RunFolder.open(folder).model is None


def test_segments_that_are_no_states(home, tmp_path):
    "A file with the right digest and any content."
    folder, lines = shutil.copytree(home / "honest", tmp_path / "run"), lines_of(home / "honest")
    name = folder / "segments" / "main-000010.safetensors"
    kept = name.read_bytes()
    for content in (
        b"",
        b"secretword",
        kept[:100],
        kept[:-9],
        b"\xff" * 64,
        (folder / "segments" / "main-000000.safetensors").read_bytes(),
        (2**40).to_bytes(8, "little") + kept[8:],
    ):
        name.write_bytes(content)
        lines[5]["file"] = sum_of(name)
        rechain(lines, folder)
        assert caught(folder) == "segment contents"


def test_a_model_that_is_no_model(home, tmp_path):
    folder, lines, rng = (
        shutil.copytree(home / "honest", tmp_path / "run"),
        lines_of(home / "honest"),
        random.Random(8),
    )
    about = json.loads((folder / "model" / "model.json").read_text())
    for i in range(60):
        box = copy.deepcopy(about)
        path = rng.choice([p for p in places(box) if p])
        inner = box
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = odd_value(inner[path[-1]], rng)
        (folder / "model" / "model.json").write_text(json.dumps(box) if i else "[" * 100_000)
        manifest = {n: sum_of(folder / "model" / n) for n in ("model.json", "weights.safetensors")}
        (folder / "model" / "manifest.json").write_text(json.dumps(manifest))
        lines[-1]["files"] = manifest
        rechain(lines, folder)
        caught(
            folder
        )  # what the fallback for rows without evidence is, only data could tell; nothing else may be raised


def test_an_empty_folder(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere", __file__):
        with pytest.raises(
            TranscriptError, match="transcript.jsonl: expected a file in the run folder"
        ):
            RunFolder.open(folder)
