"Real processes that are killed, and two at once: nothing lost, nothing half. 200 kills and 50 pairs: make days."

import os
from pathlib import Path

import pytest

from bad_days import COMMANDS, PAIRS, Kills, Pairs, entries_of

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")


@pytest.fixture(scope="module", autouse=True)
def from_here():
    "The processes find the tests' modules, and threads of no library."
    with pytest.MonkeyPatch.context() as m:
        m.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        m.setenv("JE_ARROW_MALLOC_CONF", "background_thread:false")
        yield


@pytest.fixture(scope="module")
def kills(tmp_path_factory):
    return Kills(tmp_path_factory.mktemp("kills"))


@pytest.mark.parametrize("number", range(10))
def test_a_command_that_was_killed_can_be_run_again(kills, number):
    assert not kills.kill(number)


def test_a_stop_between_the_result_and_the_end(kills, tmp_path):
    "The model is saved before the result is entered, and the same command goes on from there."
    name = "fit with a plan"
    most = kills.operations[name]
    for at in range(most - 4, most + 1):
        day = kills.before[name].copy(tmp_path / f"{at}")
        day.run(name, die_at=at, after=True)
        if any(e["kind"] == "result" for e in entries_of(day.folder / "book")):
            assert (day.folder / "apart" / "manifest.json").exists()
        assert day.run(name)[0] == 0 and day.run(name)[0] == 0, "and as often as one likes"
        assert day.contents() == kills.whole[name]


def test_a_plan_that_has_ended_is_not_trained_elsewhere(kills, tmp_path):
    day = kills.before["verify"].copy(tmp_path / "day")
    other = ["elsewhere" if word == "run" else word for word in COMMANDS["fit with a plan"]]
    status, said = day.run(other)
    assert status == 3 and "ended (result)" in said and not (day.folder / "elsewhere").exists()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return Pairs(tmp_path_factory.mktemp("pairs"))


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=list(PAIRS))
def test_two_commands_at_once(pairs, number):
    assert not pairs.run(number)
