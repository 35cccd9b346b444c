"A language model as a plug-in: a tiny random one built from a config, nothing fetched. Needs the extra llm."

import json

import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from adaroute.studies.language_model import (
    LanguagePlan,
    TuneRecipe,
    Tuning,
    add_lora,
    answer_greedily,
    draw_plan,
    encode_example,
    load_language_model,
    response_loss,
    pad_batch,
    resume_tuning,
    save_tuning,
    study_language_model,
    tune,
)
from adaroute.studies.rule_formats import RuleExample
from adaroute.studies.study_command import study

transformers = pytest.importorskip("transformers", reason="needs the extra llm")
pytest.importorskip("peft", reason="needs the extra llm")

SUMS = [RuleExample("add", 1, "direct", f"{a}+1 ", str(a + 1), a + 1, 0) for a in range(1, 7)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "A saved Llama of some thousand weights with a token for each letter."
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    place = tmp_path_factory.mktemp("tiny")
    letters = ["<end>", *map(chr, range(9, 127))]
    words = models.WordLevel({c: k for k, c in enumerate(letters)}, unk_token="<end>")
    raw = Tokenizer(words)
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.Split("", "isolated"), decoders.Fuse()
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end>")
    made.save_pretrained(place)
    shape = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)
    config = transformers.LlamaConfig(
        vocab_size=len(letters),
        max_position_embeddings=2048,
        bos_token_id=None,
        **shape,
        eos_token_id=0,
        pad_token_id=0,
    )
    generator = torch.Generator().manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))
    model.save_pretrained(place)
    return place


def test_letters_come_back(folder):
    _, tokenizer = load_language_model(str(folder))
    text = "for x in xs | enter; x: unset -> 7\nanswer: [1, 2]"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_only_the_response_is_learned(folder):
    model, tokenizer = load_language_model(str(folder))
    tokens, labels = encode_example(tokenizer, SUMS[0], 50)
    asked = [label for label in labels if label != -100]
    assert tokenizer.decode(asked[:-1]) == "2" and asked[-1] == tokenizer.eos_token_id
    both = pad_batch([(tokens, labels), (tokens[:2] + tokens, [-100] * 2 + labels)], 0)
    theirs = model(**both).loss
    assert torch.isclose(response_loss(model, both), theirs, rtol=1e-5)


def test_lora_leaves_the_model_and_learns(folder, tmp_path):
    model, tokenizer = load_language_model(str(folder))
    before = {name: w.clone() for name, w in model.named_parameters()}
    model = add_lora(model, rank=4)
    run = Tuning(model, tokenizer, SUMS, TuneRecipe(steps=60, batch=6, rate=0.02, most=50))
    assert (
        0 < sum(w.numel() for w in run.trained.values()) < sum(w.numel() for w in before.values())
    )
    assert all("lora_" in name for name in run.trained)
    first = response_loss(model, pad_batch(run.pairs, 0)).item()
    tune(run, tmp_path / "run.safetensors")
    assert response_loss(model, pad_batch(run.pairs, 0)).item() < 0.7 * first
    kept = {
        n.removeprefix("base_model.model.").replace("base_layer.", ""): w
        for n, w in model.named_parameters()
        if "lora_" not in n
    }
    assert all(torch.equal(kept[name], w) for name, w in before.items())


def test_stopped_and_resumed_is_the_same_to_the_bit(folder, tmp_path):
    recipe = TuneRecipe(steps=8, batch=2, rate=0.01, most=50)

    def start():
        model, tokenizer = load_language_model(str(folder))
        return Tuning(add_lora(model, rank=2), tokenizer, SUMS, recipe, seed=3)

    whole = tune(start(), tmp_path / "whole.safetensors")
    part = start()
    for _ in range(3):
        part.take_step()
    save_tuning(part, tmp_path / "part.safetensors")
    again = tune(start(), tmp_path / "part.safetensors")
    assert all(torch.equal(w, again.trained[name]) for name, w in whole.trained.items())
    full, tokenizer = load_language_model(str(folder))
    with pytest.raises(
        ValueError, match="part.safetensors: expected .* trained weights of this model"
    ):
        resume_tuning(Tuning(full, tokenizer, SUMS, recipe), tmp_path / "part.safetensors")


def test_greedy_answers_are_those_of_the_library(folder):
    model, tokenizer = load_language_model(str(folder))
    for prompt in ("2+3 ", "def f(xs):\n", "x"):
        asked = tokenizer(prompt, return_tensors="pt")
        asked.pop("token_type_ids", None)
        theirs = model.generate(**asked, do_sample=False, max_new_tokens=12)
        theirs = tokenizer.decode(
            theirs[0, asked["input_ids"].shape[1] :], skip_special_tokens=True
        )
        assert answer_greedily(model, tokenizer, prompt, 12) == theirs


def test_whole_model_learns_sums_by_heart(folder, tmp_path):
    model, tokenizer = load_language_model(str(folder))
    run = Tuning(model, tokenizer, SUMS, TuneRecipe(steps=150, batch=6, rate=0.01, most=50))
    tune(run, tmp_path / "sums.safetensors")
    said = [answer_greedily(model, tokenizer, e.prompt, 4) for e in SUMS]
    assert said == [e.response for e in SUMS]


def test_both_stages_resume(folder, tmp_path):
    plan = LanguagePlan(2, (1,), 2, ("total_change", "sort_up"), (1,), 2, (2,), 3)
    recipe = TuneRecipe(steps=2, batch=2, most=4000)
    tables = []
    for _ in range(2):
        model, tokenizer = load_language_model(str(folder))
        model = add_lora(model, rank=2)
        tables.append(study_language_model(model, tokenizer, plan, (recipe, recipe), tmp_path))
    pd.testing.assert_frame_equal(*tables)
    assert tables[0].index.tolist() == [("total_change", 2), ("sort_up", 2)]
    assert len(list(tmp_path.glob("*.safetensors"))) == 3


def test_command_reaches_it(folder, tmp_path):
    out = tmp_path / "out"
    words = ["rules", "--model", str(folder), "--train", "1", "--test", "5", "--steps", "2"]
    words += ["--tasks", "2", "--held-out", "total_change", "--out", str(out), "--quiet"]
    words += ["--rank", "2", "--questions", "2", "--context", "4000"]
    done = CliRunner().invoke(study, words)
    assert done.exit_code == 0, done.output
    assert "total_change" in done.output and "at length 5" in done.output
    found = json.loads((out / "rules_model.json").read_text())
    assert {row["length"] for row in found["scores"]} == {1, 2, 3, 4, 5}
    assert CliRunner().invoke(study, words).stdout == done.stdout, "resumed"
    lost = CliRunner().invoke(study, ["rules", "--model", str(tmp_path / "nowhere")])
    assert lost.exit_code == 2 and "nowhere" in lost.output and len(lost.output.splitlines()) == 1


def test_a_plan_asks_the_same_whoever_answers():
    plan = LanguagePlan(3, (1, 2), 1, ("halve_all",), (1,), 1, (3,), 2)
    assert draw_plan(plan) == draw_plan(plan)
    with pytest.raises(ValueError, match="tasks: expected 1 to"):
        draw_plan(LanguagePlan(tasks=1000))
