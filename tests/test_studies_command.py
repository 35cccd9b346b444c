"The study command as a stranger meets it: one line of error, files that are whole."

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from adaroute.studies.study_command import choose_recipe, plan_study, study


def ask(words, folder):
    return CliRunner().invoke(study, ["coupling", "--quiet", "--out", str(folder), *words.split()])


@pytest.mark.parametrize(
    "words, message",
    [
        ("--task division", "task: expected one of addition"),
        ("--train 0", "train: expected at least 1, got 0"),
        ("--train 10 --test 5", "test: expected at least the trained length 10, got 5"),
        ("--seeds 0", "seeds: expected at least 1, got 0"),
        ("--task many_sums --train 4 --test 12", "numbers: expected at most 10"),
    ],
)
def test_what_cannot_be_is_refused_before_training(words, message, tmp_path):
    answer = ask(words, tmp_path / "out")
    assert answer.exit_code == 2 and message in answer.output
    assert len(answer.output.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_results_carry_their_settings_and_the_picture_is_there(tmp_path):
    answer = ask("--task reverse --train 2 --test 4 --seeds 2 --steps 2", tmp_path)
    assert answer.exit_code == 0, answer.output
    kept = json.loads((tmp_path / "coupling_reverse.json").read_text())
    arm = kept["arms"][0]
    assert arm["seeds"] == [0, 1] and arm["recipe"]["steps"] == 2
    assert set(arm["exact"]) == {"1", "2", "3", "4"}
    assert (tmp_path / "coupling_reverse.png").stat().st_size > 5000


@pytest.mark.parametrize(
    "task, train, test", [("copy", 3, 3), ("addition", 10, 100), ("merge", 4, 30)]
)
def test_a_chosen_recipe_reaches_its_lengths(task, train, test):
    recipe = choose_recipe(task, train, test)
    assert recipe.problems % recipe.neighbours == 0
    plan_study(task, train, test, seeds=1, steps=1, compare=True)


def test_it_runs_as_a_module(tmp_path):
    command = [sys.executable, "-m", "adaroute.studies.study_command", "coupling"]
    words = ["--task", "nonsense", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        command + words, capture_output=True, text=True, env=os.environ, timeout=120
    )
    assert done.returncode == 2 and done.stderr.startswith("error: task: expected one of")


@pytest.mark.parametrize(
    "words, message",
    [
        ("--train 0", "train: expected at least 1, got 0"),
        ("--test 4", "test: expected at least 5, the trained lengths, got 4"),
        ("--seeds 0", "seeds: expected at least 1, got 0"),
        ("--steps 0", "steps: expected at least 1, got 0"),
    ],
)
def test_a_study_of_rules_that_cannot_be_is_refused_before_training(words, message, tmp_path):
    asked = ["rules", "--quiet", "--out", str(tmp_path / "out"), *words.split()]
    answer = CliRunner().invoke(study, asked)
    assert answer.exit_code == 2 and message in answer.output
    assert len(answer.output.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_study_of_rules_names_the_worst_rule_and_goes_on_where_it_was(tmp_path):
    asked = ["rules", "--quiet", "--out", str(tmp_path), "--test", "6", "--seeds", "1"]
    answers = [CliRunner().invoke(study, [*asked, "--steps", "2"]) for _ in range(2)]
    assert answers[0].exit_code == 0 and answers[0].output == answers[1].output
    assert "worst rule at 6: " in answers[0].output and "not fitted in range" in answers[0].output
    kept = json.loads((tmp_path / "rules.json").read_text())
    assert kept["arms"][0]["arm"]["neighbours"] == 2
