"What `make mutants` found last; apart, since that runs the tests of test_mutants.py."

import json

import pytest
from mutants import REASONS, RESULTS, TARGETS, name_fault, spoiled


@pytest.mark.parametrize("name", TARGETS)
def test_nearly_all_faults_are_noticed(name):
    "Of what `make mutants` tried last: all of each target, 95 % noticed, the rest with a reason."
    found = json.loads(RESULTS.read_text())[name]
    assert found["tried"] == found["mutants"] > 10
    assert found["killed"] >= 0.95 * found["tried"]
    assert found["killed"] + len(found["survivors"]) == found["tried"]
    assert all(name_fault(words) in REASONS for words in found["survivors"])


def test_faults_are_faults():
    source = "def f(a):\n    if not a:\n        return None\n    return min(a) + 1\n"
    texts = {words.partition(": ")[2]: text for words, text in spoiled(source, ("f",))}
    assert len(texts) == len(set(texts.values())) == 6, "each is another program"
    assert "return min(a) - 1" in texts["'min(a) + 1' -> Sub"]
