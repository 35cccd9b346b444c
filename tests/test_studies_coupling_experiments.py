"Saved lanes, kept answers, arms at all scales: what is refused, and what stays intact."

import json
from dataclasses import replace

import pytest
import torch

from adaroute.studies.coupling_arms import EXPERIMENTS, FRESH, list_arms
from adaroute.studies.coupling_experiments import (
    Arm,
    is_fitted,
    measure_far,
    name_answer,
    read_attention,
    run_arm,
    tabulate_arms,
    write_attention,
)
from adaroute.studies.lane_files import resume_training, save_training
from adaroute.studies.lanes import (
    PAPER,
    LaneTraining,
    Recipe,
    draw_test,
    make_rows,
    make_test_rows,
)

TINY = replace(Recipe(), task="copy", steps=6, problems=8, ids=40, width=16, hidden=16)


@pytest.fixture
def saved(tmp_path):
    run = LaneTraining(TINY, [0, 1])
    run.train(until=3)
    return save_training(run, tmp_path / "run.safetensors")


def test_a_run_taken_up_again_ends_at_the_same_numbers(saved):
    whole, again = LaneTraining(TINY, [0, 1]), resume_training(saved, TINY, [0, 1])
    whole.train()
    again.train()
    assert again.step == whole.step == 6 and torch.equal(again.loss, whole.loss)
    for name, weight in whole.decoder.weights.items():
        assert torch.equal(weight, again.decoder.weights[name]), name


@pytest.mark.parametrize(
    "recipe, seeds, message",
    [
        (replace(TINY, task="reverse"), [0, 1], "expected task = reverse, got copy"),
        (replace(TINY, rate=0.1), [0, 1], "expected rate = 0.1, got 0.005"),
        (TINY, [0, 2], r"expected seeds = \[0, 2\], got \[0, 1\]"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused_and_stays(saved, recipe, seeds, message):
    before = saved.read_bytes()
    with pytest.raises(ValueError, match=message) as error:
        resume_training(saved, recipe, seeds)
    assert "\n" not in str(error.value) and saved.read_bytes() == before


def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(tmp_path):
    path = tmp_path / "run.safetensors"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="expected a safetensors file"):
        resume_training(path, TINY, [0])
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, path, metadata={"format": "other"})
    with pytest.raises(ValueError, match="expected format adaroute-lanes-1, got other"):
        resume_training(path, TINY, [0])


def test_a_failed_save_leaves_the_last_good_file(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(*_, **__):
        raise OSError("no space")

    monkeypatch.setattr("adaroute.studies.lane_files.save", fail)
    with pytest.raises(OSError):
        save_training(LaneTraining(TINY, [0, 1]), saved)
    assert saved.read_bytes() == before and list(saved.parent.iterdir()) == [saved]


def test_attention_read_is_attention_used():
    "Shares times values give what the layer hears."
    run = LaneTraining(Recipe(), [0, 1])
    drawn = draw_test(Recipe(), 6, 5, torch.Generator().manual_seed(0))
    rows = make_test_rows(Recipe(), drawn, torch.ones(5, 1, dtype=torch.long), 2)
    decoder, at = run.decoder, rows.answers
    x = decoder.embed(rows.tokens, rows.ids)
    written = write_attention(decoder, rows, read_attention(decoder, rows))
    mixed = decoder.norm(written, "after0")
    logits = decoder.speak(decoder.think(0, x[:, :, at] + mixed))
    assert torch.allclose(logits, decoder(rows), atol=1e-4)


def test_a_window_takes_all_far_mass_away():
    wide = replace(PAPER, ids=80)
    decoder = LaneTraining(wide, [0]).decoder
    assert measure_far(decoder, wide, 40).mass.item() > 0.1
    assert measure_far(decoder, replace(wide, window=12), 40).mass.item() == 0


def test_two_layers_have_no_far_mass_to_read():
    recipe = replace(Recipe(), layers=2)
    with pytest.raises(ValueError, match="layers: expected 1, got 2"):
        measure_far(LaneTraining(recipe, [0]).decoder, recipe, 10)


def test_answers_are_kept_under_everything_that_was_asked(tmp_path):
    arm = Arm("tiny", TINY, seeds=(0,), lengths=(3, 10), problems=4, average=1)
    found = run_arm(arm, tmp_path)
    assert json.loads(json.dumps(found)) == run_arm(arm, tmp_path)
    other = run_arm(replace(arm, test={"window": 3}), tmp_path)
    assert len(list(tmp_path.glob("arm-*.json"))) == 2
    assert len(list(tmp_path.glob("lanes-*.safetensors"))) == 1 and other["cpu_seconds"] < 1
    assert name_answer({"a": 1}) != name_answer({"a": 2})


def test_a_length_out_of_reach_is_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match="ids: expected at least 52 for length 50, got 40"):
        run_arm(Arm("long", TINY, lengths=(50,)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_smoke_runs_every_arm_of_every_experiment(tmp_path):
    for experiment in EXPERIMENTS:
        arms = [run_arm(arm, tmp_path) for arm in list_arms(experiment, "smoke")]
        table = tabulate_arms(arms, (arms[0]["recipe"]["high"],))
        assert len(table.splitlines()) == 2 + len(arms)
        assert not any(map(is_fitted, arms)) and "**no**" in table


def test_scores_are_from_seeds_that_nothing_was_chosen_on():
    for experiment in EXPERIMENTS:
        for arm in list_arms(experiment):
            assert min(arm.seeds) >= 10 and len(arm.seeds) >= 3 and arm.test_seed > 0
    confirmed = list_arms("confirmation")[0]
    assert len(confirmed.seeds) == 10 and not set(FRESH) & set(confirmed.seeds)


def test_rows_of_a_training_step_are_never_longer_than_the_longest_test():
    "What packing shows a model, in tokens: said in the text, held here."
    arm = list_arms("addition")[0]
    tokens = torch.ones(1, 64, 36, dtype=torch.long)
    ids = torch.ones(1, 64, 36, 1, dtype=torch.long)
    rows = make_rows(arm.recipe, tokens, ids, 12, [True])
    assert rows.tokens.shape[2] == 8 * 36 < 3 * 100 + 5
