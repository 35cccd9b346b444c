"The parts of a run folder's reader: forms, files, lines, and each question of level 0."

import os
from dataclasses import replace

import numpy as np
import pytest

import adaroute.provenance.run_folder as rf
from adaroute.model import Design
from adaroute.provenance.commitment import canonical_json
from adaroute.provenance.ledger import SHA256
from adaroute.provenance.transcript import segment_file
from adaroute.synthetic import make_cohort
from rechain import planned

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")
LINE = dict(kind="lanes", before="0" * 64, run="main", seeds=["1"], train="a" * 64, valid="b" * 64)
COLUMNS = dict(numeric=["age"], categorical=[], text=["note"], tasks=[["phq9", "regression"]])


def refused(call, *args):
    with pytest.raises(ValueError) as error:
        call(*args)
    return str(error.value)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    home = tmp_path_factory.mktemp("runs") / "honest"
    planned(home, make_cohort(60, seed=101), steps=20, groups=np.arange(60) // 2)
    return rf.RunFolder.open(home)


def test_forms():
    good, words = rf._whole_number(1)
    assert good(1) and not good(0) and not good(True) and words == "a whole number of at least 1"
    assert rf._is_seed("7") and not rf._is_seed("07") and not rf._is_seed(7)
    assert rf._or_null(SHA256).is_good(None) and not rf._or_null(SHA256).is_good("ab")
    assert rf._hex_digits(24).is_good("a" * 24) and not rf._hex_digits(24).is_good("a" * 8)
    assert rf._are_columns(COLUMNS)
    for tasks in ([["phq9", "magic"]], [], [["a", "count"], ["a", "count"]], [["a"]], "ab"):
        assert not rf._are_columns(COLUMNS | dict(tasks=tasks))
    assert not rf._are_columns(COLUMNS | dict(text="note")) and not rf._are_columns({})


def test_a_line_has_its_fields():
    assert rf._check_form(LINE, 4) is None
    assert set(rf.LINES["lanes"]) == LINE.keys() - {"kind", "before"}
    why = refused(rf._check_form, LINE | dict(run="somebody's"), 4)
    assert why == "transcript.jsonl, line 4: expected main or a spare as run, got str"
    why = refused(rf._check_form, LINE | dict(more=1), 4)
    wanted = "the fields before, kind, run, seeds, train, valid"
    assert why.endswith(f"expected {wanted}, got 7 fields")


def test_files_are_read_and_links_are_not(tmp_path):
    (tmp_path / "rows.json").write_text("[]")
    os.symlink(tmp_path / "rows.json", tmp_path / "link")
    os.mkdir(tmp_path / "model")
    assert rf._read_part(tmp_path, "rows.json") == b"[]"
    assert rf._read_part(tmp_path, "nothing", needed=False) is None
    why = refused(rf._read_part, tmp_path, "link")
    assert why == "link: expected a file in the run folder, got something else"
    assert rf._digest_files(tmp_path, "model") == rf._digest_files(tmp_path, "nothing") == {}
    why = refused(rf._digest_files, tmp_path, "rows.json")
    assert why == "rows.json: expected a folder, got something else"


def test_lines_and_the_first_that_is_loose():
    content = canonical_json(LINE).encode() + b"\n"  # hangs on nothing, as a first line does
    assert rf._parse_lines(content) == ([LINE], None)
    assert rf._parse_lines(content * 2) == ([LINE, LINE], 2)
    why = refused(rf._parse_lines, content[:-1])
    assert why.endswith("expected whole lines, got none or a part of one at the end")


def test_positions_and_groups_are_written_in_one_way():
    assert rf._parse_positions([0, 0, 1, 0, 2], "groups", True).tolist() == [0, 0, 1, 0, 2]
    assert rf._parse_positions([0, 3, 4], "used", False).tolist() == [0, 3, 4]
    for groups in ([0, 2, 1], [1, 0], [0, 0], [0, -1], [], [0.0, 1.0], "01"):
        assert "first appearance" in refused(rf._parse_positions, groups, "groups", True)
    for used in ([3, 0], [0, 0], [True]):
        assert "rising" in refused(rf._parse_positions, used, "used", False)
    why = refused(rf._parse_rows, dict(groups=[0, 1, 1], used=[0, 1]))
    assert why == "rows.json: expected one group each row and 3 rows at least, got 3 and 2"


def test_small_files_are_canonical():
    assert rf._parse_part("groups.json", b"[0,1]").tolist() == [0, 1]
    assert rf._parse_part("plan.json", None) is None
    why = refused(rf._parse_part, "groups.json", b"[0, 1]")
    assert why == "groups.json: expected canonical JSON (RFC 8785), got 6 bytes that are not"


def test_models_and_configurations_that_cannot_be_made(tmp_path):
    assert rf._open_model(tmp_path, ()) == (None, "it cannot be opened (FileNotFoundError)")
    why = refused(rf.settle_config, '{"magic":1}', 7)
    assert why.endswith("expected parameters that AdaRoute takes, got others (TypeError)")
    size = rf.count_numbers(Design(), (12, 2, 16), 2, 2, 15)
    assert size < rf.MOST_NUMBERS < rf.count_numbers(Design(), (12, 2, 10**9), 2, 2, 15)


def test_questions_about_lines(honest):
    count = len(honest.lines)
    chained = f"Each of {count} lines carries the digest of the line before it."
    assert rf._check_chain(honest) == (True, chained)
    assert rf._check_chain(replace(honest, loose=5))[0] is False
    assert rf._check_lines(replace(honest, disorder="Why."))[1] == "Why."


def test_questions_about_small_files(honest):
    assert rf._check_rows_file(honest)[0] and rf._check_named_files(honest)[0]
    fewer = rf._check_rows_file(replace(honest, used=honest.used[1:]))
    why = "transcript.jsonl, line 3, rows: expected what rows.json gives, got another."
    assert fewer == (False, why)
    no_nonce = rf._check_named_files(replace(honest, nonce=None))
    why = "transcript.jsonl, line 1, nonce: expected that of nonce.json, got another."
    assert no_nonce == (False, why)


def test_questions_about_segment_files(honest):
    promised = rf._list_promised(honest)
    name, (number, line) = list(promised.items())[1]
    assert rf._check_segment_files(honest)[0] and len(promised) == len(honest.trained[0].segments)
    other = replace(honest, files=honest.files | {name: "0" * 64})
    why = f"transcript.jsonl, line {number}, file: {name} has another digest."
    assert rf._check_segment_files(other) == (False, why)
    more = replace(honest, files=honest.files | {"segments/more": ""})
    why = "segments/more: no line of the transcript speaks of it."
    assert rf._check_segment_files(more) == (False, why)


def test_a_segment_says_what_its_line_reports(honest, tmp_path):
    line = honest.trained[0].segments[-1]
    file = segment_file(honest.folder, "main", line["stop"])
    says, mark = rf._expect_of_segment(file, line["file"])
    assert {k: line[k] for k in says} == says and says["stop"] == line["stop"]
    assert rf._expect_of_segment(honest.folder / "rows.json", "") is None  # no state of a run


def test_questions_about_the_model(honest):
    assert rf._check_model_files(honest)[0] and rf._check_model_contents(honest)[0]
    lost = {name: digest for name, digest in honest.files.items() if name != "model/model.json"}
    last = len(honest.lines)
    why = f"transcript.jsonl, line {last}, files: model/model.json is missing."
    assert rf._check_model_files(replace(honest, files=lost)) == (False, why)
    seeded = replace(honest, lines=[honest.begin | dict(seed=1), *honest.lines[1:]])
    why = "transcript.jsonl, line 1, seed: another than in the saved model."
    assert rf._check_model_contents(seeded) == (False, why)


def test_final_weights_and_questions_that_are_not_asked(honest):
    main = honest.trained[0]
    weights = main.finished["weights"] | {"trust": "00000000"}
    other = main._replace(finished=main.finished | dict(weights=weights))
    assert rf._check_final_weights(honest)[0]
    found = rf._check_final_weights(replace(honest, trained=[other, *honest.trained[1:]]))
    assert found[0] is False and found[1].endswith("weights: trust is another in the saved model.")
    astray = replace(honest, disorder="Why.")
    checks = rf.ask_questions(astray, 0, rf._ALWAYS | rf._INTEGRITY)
    assert [c.passed for c in checks] == [True, False, *[None] * 9]
