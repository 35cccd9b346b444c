"A hundred strings are planted in notes and looked for in everything that the package writes, shows or raises."

import base64
import gzip
import hashlib
import io
import json
import logging
import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
import zlib
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.text import Text
from nbclient import NotebookClient

from adaroute import AdaRoute
from adaroute.command.main import main
from adaroute.policy.attribution import deletion_test, moved_by
from adaroute.report.style import savefig
from adaroute.policy.cards import route_agreement, route_card, route_map, usage_by, wanted_evidence
from adaroute.report.policy_figures import (
    card_picture,
    figure_svg,
    route_map_picture,
    ternary_picture,
)
from adaroute.report.document import write_report
from adaroute.saving import load_model
from adaroute.policy.rules import surrogate_tree
from adaroute.synthetic import make_cohort
from adaroute.tables import read_table, stream_table
from adaroute.table_writer import write_table
from adaroute.uncertainty.conformal import Cells, calibrate
from adaroute.features.words import mark

pytestmark = [pytest.mark.filterwarnings("ignore:the router collapsed"), pytest.mark.slow]


# the searcher: letters as they are, whatever their case, or in hex, base64, zlib, gzip, PNG, zip, in any order

PIECE = 9  # letters of a canary that give it away
LETTERS = re.compile(
    rb"[A-Za-z](?:\0{0,3}[A-Za-z]){8,}"
)  # also two or four bytes a letter, either end first
HEX, BASE64 = re.compile(rb"[0-9a-fA-F]{18,}"), re.compile(rb"[A-Za-z0-9+/_-]{12,}")
SPACED = re.compile(rb"[)>]\s*-?[\d.]*\s*[(<]")
PACKED, PNG = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]"), b"\x89PNG\r\n\x1a\n"


def unpacked(data):
    "What zlib and gzip streams, wherever they begin, PNG images and zip archives hold."
    for m in PACKED.finditer(data):
        try:
            yield zlib.decompressobj(47).decompress(data[m.start() :], 1 << 26)
        except zlib.error:
            pass
    at = data.find(PNG)
    while at >= 0:  # pixels lie in chunks, which are one stream together
        pixels, here, at = b"", at + 8, data.find(PNG, at + 8)
        while (kind := data[here + 4 : here + 8]) and kind != b"IEND":
            size = int.from_bytes(data[here : here + 4], "big")
            if kind == b"IDAT":
                pixels += data[here + 8 : here + 8 + size]
            here += size + 12
        yield from unpacked(pixels)
    if data.startswith(b"PK\3\4"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from map(archive.read, archive.namelist())
        except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, NotImplementedError):
            pass


def decoded(data):
    "What hex and base64 stand for, wherever they begin; lines may be broken. In a PDF, letters are moved apart."
    if b"TJ" in data:
        yield SPACED.sub(b"", data)
    data = re.sub(rb"\\[nr]|[\r\n]", b"", data)
    for m in HEX.finditer(data):
        for start in (0, 1):
            yield bytes.fromhex(m[0][start:][: (len(m[0]) - start) // 2 * 2].decode())
    for m in BASE64.finditer(data):
        run = m[0].translate(bytes.maketrans(b"-_", b"+/"))
        for start in range(4):
            yield base64.b64decode(run[start:][: (len(run) - start) // 4 * 4])


def find(data: bytes, canaries, depth: int = 4) -> set[int]:
    "Which canaries are in some bytes, by number; nine letters of one are enough."
    pieces = {
        c.lower()[i : i + PIECE]: k
        for k, c in enumerate(canaries)
        for i in range(len(c) - PIECE + 1)
    }
    out, todo, seen = set(), [(data, depth)], set()
    while todo:
        data, left = todo.pop()
        if len(data) < PIECE or (key := hashlib.sha256(data).digest()) in seen:
            continue
        seen.add(key)
        for m in LETTERS.finditer(data):
            run = m[0].replace(b"\0", b"").decode().lower()
            out |= {
                pieces[run[i : i + PIECE]]
                for i in range(len(run) - PIECE + 1)
                if run[i : i + PIECE] in pieces
            }
        if left:
            todo += [(inner, left - 1) for way in (unpacked, decoded) for inner in way(data)]
    return out


PLANTED = ["QuixotrYzbel", "wmfukjdhapqo"]


def png(note):
    from PIL import Image, PngImagePlugin

    info, out = PngImagePlugin.PngInfo(), io.BytesIO()
    info.add_text("Comment", note, zip=True)
    Image.new("RGB", (4, 4)).save(out, "png", pnginfo=info)
    return out.getvalue()


def pixels(note):
    stream = zlib.compress(np.random.default_rng(0).bytes(3000) + note.encode())
    chunk = lambda kind, body: (
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
    )
    return (
        PNG
        + chunk(b"IHDR", bytes(13))
        + b"".join(chunk(b"IDAT", stream[i : i + 1000]) for i in range(0, len(stream), 1000))
        + chunk(b"IEND", b"")
    )


def pdf(note, font=3):
    with matplotlib.rc_context({"pdf.compression": 9, "pdf.fonttype": font}):
        fig, out = plt.figure(), io.BytesIO()
        fig.text(0, 0, note)
        fig.savefig(out, format="pdf", metadata={"CreationDate": None})
        plt.close(fig)
    assert note.encode() not in out.getvalue()
    return out.getvalue()


def archived(note):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a", "x" * 99 + note)
    return out.getvalue()


WAYS = {
    "plain": str.encode,
    "lower": lambda s: s.lower().encode(),
    "upper": lambda s: s.upper().encode(),
    "part": lambda s: s[1:].encode(),
    "utf-16-le": lambda s: s.encode("utf-16-le"),
    "utf-16-be": lambda s: s.encode("utf-16-be"),
    "utf-32": lambda s: s.encode("utf-32"),
    "hex": lambda s: s.encode().hex().encode(),
    "hex, odd": lambda s: b"f" + s.encode().hex().upper().encode(),
    "base64": lambda s: base64.b64encode(s.encode()),
    "base64, second": lambda s: base64.b64encode(b"." + s.encode() + b"!"),
    "base64, third": lambda s: base64.b64encode(b".." + s.encode() + b"??"),
    "base64, in a word": lambda s: b"abc" + base64.b64encode(b"." + s.encode()),
    "base64 of utf-16": lambda s: base64.urlsafe_b64encode(s.encode("utf-16")),
    "base64 in lines": lambda s: base64.encodebytes(b"#" * 50 + s.encode()),
    "base64 in json": lambda s: json.dumps(
        base64.encodebytes(b"#" * 50 + s.encode()).decode()
    ).encode(),
    "gzip": lambda s: gzip.compress(s.encode()),
    "zlib": lambda s: zlib.compress(s.encode()),
    "fast zlib": lambda s: zlib.compress(s.encode(), 1),
    "zlib, cut": lambda s: zlib.compress(s.encode() + os.urandom(99))[:-9],
    "gzip in base64": lambda s: base64.b64encode(gzip.compress(s.encode())),
    "base64 in gzip of utf-16": lambda s: gzip.compress(base64.b64encode(s.encode("utf-16-le"))),
    "PNG text": png,
    "PNG pixels": pixels,
    "PDF": pdf,
    "PDF of another font": lambda s: pdf(s, 42),
    "zip": archived,
    "PNG in a page": lambda s: (
        b"<img src='data:image/png;base64," + base64.b64encode(png(s)) + b"'>"
    ),
    "pickle": lambda s: pickle.dumps({s: 1}),
    "JSON": lambda s: json.dumps(["é" + s]).encode(),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_searcher_finds(way):
    hidden = WAYS[way](PLANTED[0])
    for before, after in (
        (b"", b""),
        (b"\x80words, ", b". More\xff"),
        (os.urandom(1000), os.urandom(1000)),
    ):
        if way == "zip" and before:
            continue  # an archive is a file of its own
        assert find(before + hidden + after, PLANTED) == {0}


def test_the_searcher_finds_nothing_where_nothing_is(root):
    chapter, noise = (
        (root / "nbs" / "index.ipynb").read_bytes(),
        np.random.default_rng(0).bytes(1 << 20),
    )
    assert (
        find(chapter + noise + base64.b64encode(noise) + gzip.compress(chapter), PLANTED) == set()
    )
    assert find(b"QuixotrY zbel", PLANTED) == set()


# the cohort


def sow(notes: list[str], patient, rng) -> list[str]:
    "Plant the canaries, each with one to four patients; every tenth with one, in all of many rows. Return them."
    shapes = ["{}", "{} {}", "no {}", "3 {}", "three {}", "({})", "{}, {}."]
    canaries = [
        "".join(rng.choice(list("abcdefghijklmnopqrtuvwxyz"), 12)) for _ in range(100)
    ]  # no s: a final one is cut off
    for k, canary in enumerate(
        canaries := [
            [c, c.upper(), c.title(), c[:6] + c[6:].upper()][k % 4] for k, c in enumerate(canaries)
        ]
    ):
        heavy = k % 10 == 0
        who = (
            [k // 10]
            if heavy
            else rng.choice(np.arange(10, max(patient) + 1), 1 + k % 4, replace=False)
        )
        for row in np.flatnonzero(np.isin(patient, who)):
            words = notes[row].split()
            shape = "12 {}" if k % 20 == 0 else shapes[row % len(shapes)]
            words.insert(int(rng.integers(len(words) + 1)), shape.format(canary, canary))
            notes[row] = " ".join(words)
    return canaries


class World:
    "A cohort with canaries, and a folder for all that is written."

    def __init__(self, home: Path):
        self.home, self.given = home / "out", home / "given"
        for folder in (self.home, self.given, self.home / "home", self.home / "tmp"):
            folder.mkdir()
        self.patient = np.concatenate(
            [np.repeat(np.arange(10), 25), np.repeat(np.arange(10, 100), 2)]
        )
        cohort = make_cohort(len(self.patient), seed=101)
        notes = cohort.frame["note"].tolist()
        self.canaries = sow(notes, self.patient, np.random.default_rng(7))
        self.frame = cohort.frame.assign(note=notes)
        self.schema = dict(
            text=["note"],
            numeric=list(cohort.schema.numeric),
            categorical=list(cohort.schema.categorical),
            tasks=dict(cohort.schema.tasks),
        )
        self.csv = self.given / "table.csv"
        write_table(self.frame.assign(patient=[f"P{p:03d}" for p in self.patient]), self.csv)
        self.train, self.known = (
            self.patient % 10 != 9,
            {},
        )  # the others calibrate; what was searched before

    def estimator(self, **given):
        return AdaRoute(
            **{
                **self.schema,
                "members": 2,
                "starts": 1,
                "steps": 100,
                "settings": {"every": 20},
                **given,
            }
        )

    def fit(self, **given):
        return self.estimator(**given).fit(self.frame[self.train], groups=self.patient[self.train])

    def clean(self, *said):
        "Nothing in the folder, in its file names or in what was said."
        for path in self.home.rglob("*"):
            assert not self.leaks(str(path.relative_to(self.home))), "a canary in a file's name"
            if path.is_file():
                assert not (found := self.leaks(path.read_bytes())), (
                    f"{path.relative_to(self.home)}: {len(found)} canaries"
                )
        for k, words in enumerate(said):
            assert not (found := self.leaks(words)), (
                f"what was said, part {k}: {len(found)} canaries"
            )

    def leaks(self, words) -> set[int]:
        data = words if isinstance(words, bytes) else str(words).encode("utf-8", "surrogatepass")
        key = hashlib.sha256(data).digest()
        if key not in self.known:
            self.known[key] = find(data, self.canaries)
        return self.known[key]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with pytest.MonkeyPatch.context() as m:
        world = World(tmp_path_factory.mktemp("canary"))
        m.setenv("MPLCONFIGDIR", matplotlib.get_configdir())  # its list of fonts takes long to make
        for name in (
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "HOME",
            "IPYTHONDIR",
            "JUPYTER_RUNTIME_DIR",
            "JUPYTER_DATA_DIR",
        ):
            m.setenv(name, str(world.home / "home"))
        m.setenv("TMPDIR", str(world.home / "tmp"))
        m.setattr(tempfile, "tempdir", None)
        yield world


@pytest.fixture(scope="module")
def model(world):
    return world.fit(checkpoint=world.home / "run.safetensors")


@pytest.fixture
def heard(capfd):
    "All that is printed, logged and warned of until it is asked for."
    log, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(log), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield lambda: [
            *capfd.readouterr(),
            log.getvalue(),
            "\n".join(f"{w.message!r} {w.message} {w.filename} {w.line}" for w in warned),
        ]
    root.removeHandler(handler)
    root.setLevel(level)


def test_the_canaries_are_where_they_should_be(world):
    assert len({c.lower() for c in world.canaries}) == 100 and all(
        re.fullmatch("[A-Za-z]{12}", c) for c in world.canaries
    )
    for k, canary in enumerate(world.canaries):
        rows = world.frame["note"].str.contains(canary).to_numpy()
        assert 1 <= len(set(world.patient[rows])) <= 4 and (k % 10 or rows.sum() == 25)
    assert world.leaks(world.csv.read_bytes()) == set(range(100)), "and the searcher sees them all"


# what is written and shown


def test_fit_predict_describe_save_calibrate(world, model, heard):
    f, new = world.frame, world.frame[~world.train]
    again = world.fit(checkpoint=world.home / "again.safetensors", progress=True)
    assert again.predict(f).equals(model.predict(f))
    calibration = calibrate(model, new, groups=world.patient[~world.train], by=Cells(least=10))
    model.extras_["calibration"] = calibration.to_dict()
    loaded = load_model(model.save(world.home / "model"), AdaRoute)
    said = [
        model.predict(f),
        model.predict_routes(f),
        model.predict_experts(f),
        model.predict_interval(f),
        model.describe(f),
        calibration.interval(model, f),
        calibration.similarity(model, f),
        calibration,
        model,
        loaded,
        vars(loaded),
        loaded.encoder_.feature_names(),
        model.extras_,
    ]
    text = [x.to_csv() if hasattr(x, "to_csv") else repr(x) for x in said]
    held = [
        pickle.dumps(x) for x in (model, loaded, calibration, model.encode(f), model.describe(f))
    ]  # all that they hold, in use or not
    world.clean(*text, *held, *heard())


def test_words_of_fewer_than_five_patients_are_not_stored(world, model):
    used = {}
    for note, who in zip(world.frame["note"][world.train], world.patient[world.train]):
        for word in mark(note):
            used.setdefault(word, set()).add(who)
    enough, rare = (
        {w for w, who in used.items() if len(who) >= 5},
        {w for w, who in used.items() if len(who) < 5},
    )
    assert set(model.encoder_.loadings()[0]) == enough, (
        "all that five patients use, and nothing else"
    )
    assert len(rare & {c.lower() for c in world.canaries}) > 50 and len(enough) > 50
    folder = model.save(world.home / "vocabulary")
    about, tensors = (
        (folder / name).read_bytes() for name in ("model.json", "weights.safetensors")
    )
    strings = set(re.findall(r'"((?:[^"\\]|\\.)*)"', about.decode()))
    assert len(strings & enough) > 50 and not strings & {w for w in rare if len(w) > 5}
    world.clean(about, tensors, tensors[: 8 + int.from_bytes(tensors[:8], "little")])


@pytest.mark.parametrize(
    "encoder",
    [dict(ngrams=2), dict(text_features="hashing"), dict(window=0, min_df=5)],
    ids=lambda e: next(iter(e)),
)
def test_other_ways_to_read(world, heard, encoder):
    model = world.fit(encoder=encoder, steps=20, members=1)
    if "hashing" not in encoder.values():
        assert model.encoder_.loadings()[0]
    model.save(world.home / f"read by {next(iter(encoder))}")
    world.clean(pickle.dumps(model), *heard())


class Sentences:
    "A sentence encoder that does nothing clever."

    name = "toy"

    def encode(self, texts):
        return np.array(
            [np.frombuffer(hashlib.sha256(t.encode()).digest(), np.uint8) for t in texts],
            np.float32,
        )


class Talkative(Sentences):
    "One that fails, and says on what."

    def encode(self, texts):
        raise RuntimeError(f"cannot encode {texts}")


def test_sentence_vectors_and_their_cache(world, heard):
    given = dict(sentence_encoder=Sentences(), cache=world.home / "cache")
    model = world.fit(encoder=given, steps=20, members=1)
    model.save(world.home / "sentences")
    load_model(world.home / "sentences", AdaRoute, **given).predict(world.frame)
    assert list((world.home / "cache").iterdir())
    world.clean(pickle.dumps(model), *heard())


def test_explain_and_report(world, model, heard):
    f, calibration = (
        world.frame,
        calibrate(
            model, world.frame[~world.train], groups=world.patient[~world.train], by=Cells(least=10)
        ),
    )
    card = route_card(model, f, 0)
    said = [
        card,
        card._repr_html_() if hasattr(card, "_repr_html_") else "",
        surrogate_tree(model, f, "path"),
        deletion_test(model, f.head(60), repeats=2),
    ]
    tables = [
        moved_by(model, f).parts,
        moved_by(model, f).ranking(),
        route_map(model, f),
        usage_by(model, f, "site"),
        route_agreement(model, f),
        wanted_evidence(model, f),
    ]
    write_report(
        model, f, world.home / "report.html", calibration=calibration, groups=world.patient
    )
    assert len((world.home / "report.html").read_bytes()) > 50_000
    world.clean(*map(str, said), *map(repr, said), *(t.to_csv() for t in tables), *heard())
    assert world.leaks(route_card(model, f, 0, show_text=True)), (
        "asked for, the text is shown, and the searcher sees it"
    )


def test_figures(world, model, heard):
    f = world.frame
    card, routes = route_card(model, f, 0), model.predict_routes(f)
    drawn = dict(
        map=route_map_picture(routes),
        ternary=ternary_picture(routes),
        card=card_picture(
            card.experts.probability, card.experts[list(card.prediction)], card.prediction
        ),
    )
    texts = [t.get_text() for fig in drawn.values() for t in fig.findobj(Text)]
    for name, fig in drawn.items():
        savefig(fig, world.home / "figures" / name)
        for kind in ("png", "svg", "pdf"):
            fig.savefig(world.home / "figures" / f"plain-{name}.{kind}")
        texts.append(figure_svg(fig, name, "a figure"))
    assert len(list((world.home / "figures").iterdir())) == 15 and len("".join(texts)) > 1000
    world.clean(*texts, *heard())


# what is raised


def everything(error: BaseException) -> str:
    "All that an error and the errors behind it say, shown or suppressed."
    out, todo, seen = [], [error], set()
    while todo:
        e = todo.pop()
        if e is None or id(e) in seen:
            continue
        seen.add(id(e))
        out += [
            str(e),
            repr(e),
            repr(e.args),
            repr({k: v for k, v in vars(e).items() if k != "obj"}),
            "".join(traceback.format_exception(e, chain=False)),
        ]
        todo += [e.__cause__, e.__context__]
    return "\n".join(out)


def mixed_up(world, column, row=0, cell=None):
    "The cohort with a note in a cell of another column."
    values = world.frame[column].astype(object)
    values.iloc[row] = world.frame["note"].iloc[row] if cell is None else cell
    return world.frame.assign(**{column: values})


def raw(world, name, content):
    path = world.given / name
    path.write_bytes(
        content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    )
    return path


def wrong_folder(world, model, spoil):
    "A saved model in which something was replaced, the manifest made to agree."
    folder = model.save(world.given / "spoilt")
    spoil(folder)
    (folder / "MODEL_CARD.md").unlink(missing_ok=True)
    names = ("model.json", "weights.safetensors")
    (folder / "manifest.json").write_text(
        json.dumps({n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in names})
    )
    return folder


def about(folder, **new):
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **new}))


FIT = {
    "a note among numbers": lambda w: w.estimator().fit(mixed_up(w, "age")),
    "a note among outcomes": lambda w: w.estimator().fit(mixed_up(w, "phq9", 7)),
    "notes as numbers": lambda w: w.estimator(text=[], numeric=["note"]).fit(w.frame),
    "notes as an outcome": lambda w: w.estimator(text=[], tasks={"note": "regression"}).fit(
        w.frame
    ),
    "notes as classes": lambda w: w.estimator(text=[], tasks={"note": "binary"}).fit(w.frame),
    "notes as levels": lambda w: w.estimator(text=[], tasks={"note": "ordinal"}).fit(w.frame),
    "notes as counts": lambda w: w.estimator(text=[], tasks={"note": "count"}).fit(w.frame),
    "a list of notes": lambda w: w.estimator().fit(
        mixed_up(w, "note", cell=w.frame["note"].tolist())
    ),
    "a note as bytes": lambda w: w.estimator().fit(
        mixed_up(w, "note", cell=w.frame["note"][0].encode())
    ),
    "a dictionary among categories": lambda w: w.estimator().fit(
        mixed_up(w, "site", cell={w.frame["note"][0]: 1})
    ),
    "a list among numbers": lambda w: w.estimator().fit(
        mixed_up(w, "age", cell=[w.frame["note"][0]])
    ),
    "rows as lists": lambda w: w.estimator().fit(w.frame.values.tolist()),
    "notes as an array": lambda w: AdaRoute(steps=20).fit(
        w.frame[["note"]].to_numpy(), w.frame["age"].to_numpy()
    ),
    "notes as a frame of features": lambda w: AdaRoute(steps=20).fit(
        w.frame[["note"]], w.frame["age"]
    ),
    "rows as an array": lambda w: w.estimator(tasks=None).fit(
        w.frame.to_numpy(), w.frame["note"].to_numpy()
    ),
    "notes for an array": lambda w: AdaRoute(steps=20).fit(
        w.frame[["age"]].to_numpy(), w.frame["note"].to_numpy()
    ),
    "notes as groups of another length": lambda w: w.estimator().fit(
        w.frame, groups=w.frame["note"][:-1]
    ),
    "one note as all groups": lambda w: w.estimator().fit(
        w.frame, groups=[w.frame["note"][0]] * len(w.frame)
    ),
    "bounds made of notes": lambda w: w.estimator(bounds={"phq9": (w.frame["note"][0], 27)}).fit(
        w.frame
    ),
    "a talkative sentence encoder": lambda w: w.fit(encoder=dict(sentence_encoder=Talkative())),
    "a checkpoint that is a table": lambda w: w.fit(checkpoint=w.csv),
    "a checkpoint in no folder": lambda w: w.fit(checkpoint=w.home / "absent" / "run"),
    "half a surrogate": lambda w: w.estimator(
        encoder=dict(sentence_encoder=Sentences(), cache=w.home / "cache")
    ).fit(mixed_up(w, "note", cell=w.frame["note"][0] + "\ud800")),
}
USE = {
    "a note among numbers": lambda w, m: m.predict(mixed_up(w, "age")),
    "a list of notes": lambda w, m: m.describe(mixed_up(w, "note", cell=w.frame["note"].tolist())),
    "no notes": lambda w, m: m.predict(w.frame.drop(columns="note")),
    "an array of notes": lambda w, m: (
        AdaRoute(steps=20, members=1)
        .fit(w.frame[["age"]].to_numpy(), w.frame["phq9"])
        .predict(w.frame[["note"]].to_numpy())
    ),
    "notes twice": lambda w, m: m.predict(pd.concat([w.frame, w.frame[["note"]]], axis=1)),
    "a single row": lambda w, m: m.predict(w.frame.iloc[0]),
    "only notes": lambda w, m: m.predict(w.frame["note"]),
    "a note as coverage": lambda w, m: m.predict_interval(w.frame, coverage=w.frame["note"][0]),
    "calibrated on notes": lambda w, m: calibrate(m, mixed_up(w, "gad7")),
    "calibrated by short groups": lambda w, m: calibrate(m, w.frame, groups=w.frame["note"][:-1]),
    "a card of a row that is not there": lambda w, m: route_card(m, w.frame, 10**6),
    "used by notes": lambda w, m: usage_by(m, w.frame, w.frame["note"][:-1]),
    "a report of a bad cell": lambda w, m: write_report(m, mixed_up(w, "age"), w.home / "bad.html"),
    "saved onto something else": lambda w, m: m.save(w.given),
    "loaded from a folder of notes": lambda w, m: load_model(w.given, AdaRoute),
    "loaded from no folder": lambda w, m: load_model(w.home / "absent", AdaRoute),
    "a table in place of JSON": lambda w, m: load_model(
        wrong_folder(w, m, lambda f: (f / "model.json").write_bytes(w.csv.read_bytes())),
        AdaRoute,
    ),
    "a table in place of weights": lambda w, m: load_model(
        wrong_folder(w, m, lambda f: (f / "weights.safetensors").write_bytes(w.csv.read_bytes())),
        AdaRoute,
    ),
    "notes in a model's parameters": lambda w, m: load_model(
        wrong_folder(w, m, lambda f: about(f, params={"notes": w.frame["note"].tolist()})),
        AdaRoute,
    ),
    "notes in a model's schema": lambda w, m: load_model(
        wrong_folder(w, m, lambda f: about(f, schema=w.frame["note"].tolist())),
        AdaRoute,
    ),
    "a table that is not signed": lambda w, m: (
        w_folder := m.save(w.given / "unsigned"),
        (w_folder / "model.json").write_bytes(w.csv.read_bytes()),
        load_model(w_folder, AdaRoute),
    ),
}
READ = {
    "notes as numbers": lambda w: read_table(w.csv, numeric=["note"]),
    "notes as an outcome": lambda w: read_table(
        w.csv, text=["note"], outcomes={"note": "regression"}
    ),
    "notes as classes": lambda w: read_table(w.csv, outcomes={"note": "binary"}),
    "one bad cell": lambda w: read_table(
        raw(w, "cell.csv", f"note,age\nfine,3\nfine,{w.canaries[0]}\n"),
        text=["note"],
        numeric=["age"],
    ),
    "a ragged row": lambda w: read_table(
        raw(w, "ragged.csv", f"note,age\nfine,3\nfine,{w.canaries[0]},{w.canaries[1]}\n"),
        text=["note"],
    ),
    "an open quote": lambda w: read_table(
        raw(w, "quote.csv", f'note,age\nfine,3\n"{w.canaries[0]}, 4\n'),
        text=["note"],
        numeric=["age"],
    ),
    "a NUL": lambda w: read_table(
        raw(w, "nul.csv", f"note,age\n{w.canaries[0]}\0,x\n"), text=["note"], numeric=["age"]
    ),
    "not UTF-8": lambda w: read_table(
        raw(w, "latin.csv", f"note,age\n{w.canaries[0]},3\n".encode() + b"\xff\xfe,4\n"),
        text=["note"],
        numeric=["age"],
        encoding="utf-8",
    ),
    "not ASCII": lambda w: read_table(
        raw(w, "ascii.csv", f"note,age\n{w.canaries[0]}é,3\n"), text=["note"], encoding="ascii"
    ),
    "a cell of a megabyte": lambda w: read_table(
        raw(w, "huge.csv", f"note,age\nx,{w.canaries[0] * 90_000}\n"),
        text=["note"],
        numeric=["age"],
    ),
    "not Parquet": lambda w: read_table(raw(w, "text.parquet", w.csv.read_bytes()), text=["note"]),
    "cut Parquet": lambda w: (
        write_table(w.frame, w.given / "whole.parquet"),
        read_table(
            raw(w, "cut.parquet", (w.given / "whole.parquet").read_bytes()[:-99]), text=["note"]
        ),
    ),
    "a column that is not there": lambda w: read_table(w.csv, text=["notes"]),
    "a late bad cell": lambda w: list(
        stream_table(
            raw(w, "late.csv", "note,age\n" + "fine,3\n" * 50 + f"fine,{w.canaries[0]}\n"),
            text=["note"],
            numeric=["age"],
            rows=20,
        )
    ),
    "lists to Parquet": lambda w: write_table(
        mixed_up(w, "age", cell=[w.frame["note"][0]]), w.given / "mixed.parquet"
    ),
}


def refused(world, heard, action, *given):
    with pytest.raises(Exception) as caught:
        action(world, *given)
    world.clean(everything(caught.value), *heard())


@pytest.mark.parametrize("case", FIT)
def test_fits_that_fail(world, heard, case):
    refused(world, heard, FIT[case])


@pytest.mark.parametrize("case", USE)
def test_models_that_are_misused(world, model, heard, case):
    refused(world, heard, USE[case], model)


@pytest.mark.parametrize("case", READ)
def test_tables_that_cannot_be_read(world, heard, case):
    refused(world, heard, READ[case])


# the command line

COLUMNS = [
    *"--text note --categorical sex --categorical site --group patient --outcome phq9:regression --outcome gad7:regression".split()
]


IN_ORDER = """import json, sys
from adaroute.command.main import main
for words in json.load(sys.stdin):
    try: main(words)
    except SystemExit as e:
        if e.code: raise"""


def run(world, *commands):
    "In one process of its own, which loads the libraries once."
    words = json.dumps([list(map(str, c)) for c in commands])
    return subprocess.run(
        [sys.executable, "-c", IN_ORDER],
        input=words,
        cwd=world.home,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_the_command_line_killed_and_run_again(world):
    out = world.home / "cli"
    out.mkdir()
    fit = [
        "fit",
        world.csv,
        *COLUMNS,
        "--members",
        "1",
        "--out",
        out / "model",
        "--checkpoint",
        out / "run.safetensors",
    ]
    with open(out / "killed.log", "wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "adaroute.command.main", *map(str, fit)],
            cwd=world.home,
            stdout=log,
            stderr=log,
        )
        begin = time.monotonic()
        while (
            not (out / "run.safetensors").exists()
            and child.poll() is None
            and time.monotonic() - begin < 120
        ):
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait(60) == -signal.SIGKILL, "killed in the middle of training"
    assert (out / "run.safetensors").exists() and not (out / "model").exists()
    world.clean()
    (out / "run.safetensors").unlink()  # what follows needs fewer steps
    steps = ["--steps", "60"]
    done = run(
        world,
        [*fit, *steps],
        [
            "predict",
            out / "model",
            world.csv,
            "--out",
            out / "predictions.csv",
            "--keep",
            "patient",
        ],
        ["explain", out / "model", world.csv, "--out", out / "report.html"],
        [
            "evaluate",
            world.csv,
            *COLUMNS,
            "--members",
            "1",
            "--folds",
            "2",
            "--rival",
            "mean",
            *steps,
            "--json",
        ],
    )
    assert done.returncode == 0 and '"folds": 2' in done.stdout, (
        "" if world.leaks(done.stderr) else done.stderr[-500:]
    )
    assert all(
        (out / name).exists() for name in ("model", "predictions.csv", "report.html")
    ) and len(pd.read_csv(out / "predictions.csv")) == len(world.frame)
    world.clean(done.stdout, done.stderr)


FAILING = {
    "a note among numbers": lambda w, m: [
        "predict",
        m,
        raw(w, "bad.csv", mixed_up(w, "age").to_csv(index=False)),
        "--out",
        w.home / "p.csv",
    ],
    "notes as numbers": lambda w, m: [
        "fit",
        w.csv,
        "--numeric",
        "note",
        "--outcome",
        "phq9:regression",
        "--out",
        w.home / "m",
    ],
    "notes as an outcome": lambda w, m: [
        "fit",
        w.csv,
        "--outcome",
        "note:regression",
        "--out",
        w.home / "m",
    ],
    "notes as groups": lambda w, m: [
        "fit",
        raw(w, "gap.csv", mixed_up(w, "note", 5, "").to_csv(index=False)),
        "--group",
        "note",
        "--outcome",
        "phq9:regression",
        "--out",
        w.home / "m",
    ],
    "no notes": lambda w, m: [
        "explain",
        m,
        raw(w, "no.csv", w.frame.drop(columns="note").to_csv(index=False)),
        "--out",
        w.home / "r.html",
    ],
    "notes kept": lambda w, m: ["predict", m, w.csv, "--keep", "note", "--out", w.home / "p.csv"],
    "a folder of notes": lambda w, m: ["predict", w.given, w.csv, "--out", w.home / "p.csv"],
    "a table as a model": lambda w, m: ["predict", w.csv, w.csv, "--out", w.home / "p.csv"],
    "a model as a table": lambda w, m: [
        "predict",
        m,
        Path(m) / "weights.safetensors",
        "--out",
        w.home / "p.csv",
    ],
    "a model onto a table": lambda w, m: ["fit", w.csv, *COLUMNS, "--out", w.given],
    "ragged": lambda w, m: [
        "evaluate",
        raw(w, "tail.csv", w.csv.read_bytes() + f"a,{w.canaries[0]}\n".encode()),
        *COLUMNS,
    ],
    "a note as a step": lambda w, m: ["evaluate", w.csv, *COLUMNS, "--check", "--folds", "1"],
}


@pytest.mark.parametrize("case", FAILING)
def test_commands_that_fail(world, model, heard, case):
    folder = model.save(world.home / "model")
    done = CliRunner().invoke(main, [str(word) for word in FAILING[case](world, folder)])
    assert done.exit_code, "it fails"
    world.clean(done.output, done.stderr, everything(done.exception), *heard())


# a notebook

CELLS = """import warnings
warnings.simplefilter("ignore")
from adaroute import AdaRoute
from adaroute.tables import read_table
frame = read_table(path, text=["note"], categorical=["sex", "site"], outcomes=tasks, ignore=["patient"])
groups = frame.pop("patient")
model = AdaRoute(text=["note"], categorical=["sex", "site"], tasks=tasks, members=1, starts=1, steps=60, progress=True).fit(frame, groups=groups)
---
model.describe(frame)
---
from adaroute.policy.cards import route_card
route_card(model, frame, 0)
---
from adaroute.report.policy_figures import route_map_picture
route_map_picture(model.predict_routes(frame));
---
model
---
model.predict(frame.assign(age=frame["note"]))
---
AdaRoute(text=[], numeric=["note"], tasks=tasks).fit(frame)"""


def test_a_notebook_and_its_page(world, heard):
    nbconvert = pytest.importorskip("nbconvert")
    cells = [
        nbformat.v4.new_code_cell(
            f"path, tasks = {str(world.csv)!r}, {world.schema['tasks']!r}",
            metadata={"tags": ["parameters"]},
        )
    ]
    for source in CELLS.split("\n---\n"):
        cells.append(nbformat.v4.new_code_cell(source))
    for cell in cells[-2:]:
        cell.metadata["tags"] = ["raises-exception"]
    book = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(world.home)}}
    ).execute()
    kinds = [
        sorted(
            o.output_type if o.output_type != "display_data" else "figure"
            for o in c.outputs
            if o.output_type != "stream"
        )
        for c in book.cells
    ]
    assert (
        kinds[2] == ["execute_result"]
        and "figure" in kinds[4]
        and kinds[-1] == kinds[-2] == ["error"]
    )
    nbformat.write(book, world.home / "executed.ipynb")
    (world.home / "executed.html").write_text(nbconvert.HTMLExporter().from_notebook_node(book)[0])
    world.clean(*heard())
