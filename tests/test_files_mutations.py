"Damaged exports: a table, or one line that repeats no cell; never a traceback."

import os
import warnings

import numpy as np
import pytest
from clinic_files import CANARY, MAKERS

from adaroute.files.exports import read_export
from adaroute.files.files_command import settle_columns, show_columns
from adaroute.tables import TableError

FULL, FEW = 300, 12
ASKED = bool(os.environ.get("ADAROUTE_ALL_MUTATIONS"))


def damage(content, rng):
    "A file with bytes flipped, cut off, taken out, doubled or overwritten."
    content = bytearray(content)
    n, how = len(content), rng.integers(5)
    start = int(rng.integers(n))
    length = int(rng.integers(1, 200))
    if how == 0:
        for place in rng.integers(0, n, rng.integers(1, 20)):
            content[place] = int(rng.integers(256))
    elif how == 1:
        del content[start:]
    elif how == 2:
        del content[start : start + length]
    elif how == 3:
        content[start:start] = content[start : start + length]
    else:
        content[start : start + length] = bytes(rng.integers(0, 256, length, dtype=np.uint8))
    return bytes(content)


def check_mutations(kind, folder, count):
    made = MAKERS[kind](folder)
    target = sorted(made.path.glob("*"))[0] if made.path.is_dir() else made.path
    whole, rng = target.read_bytes(), np.random.default_rng(16)
    outcomes = {"read": 0, "refused": 0}
    for i in range(count):
        target.write_bytes(damage(whole, rng))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                export = read_export(made.path, **made.more)
                book, suspects = settle_columns(export, {}, None, ())
                said = " ".join(show_columns(book, len(export.frame), suspects))
                book.apply(export.frame, export.reasons)
                if any(CANARY in name for name in export.frame):  # the row of names was broken:
                    said = ""  # what stands in it now is a name
                outcomes["read"] += 1
            except TableError as error:
                said = str(error)
                outcomes["refused"] += 1
                assert "\n" not in said and len(said) < 1000, (kind, i)
        said += " ".join(str(w.message) for w in caught)
        assert CANARY not in said, (kind, i)
    assert sum(outcomes.values()) == count
    return outcomes


@pytest.mark.parametrize("kind", MAKERS)
def test_a_few_mutations(kind, tmp_path):
    check_mutations(kind, tmp_path, FEW)


@pytest.mark.slow
@pytest.mark.skipif(not ASKED, reason="two minutes: set ADAROUTE_ALL_MUTATIONS=1")
@pytest.mark.parametrize("kind", MAKERS)
def test_all_mutations(kind, tmp_path):
    check_mutations(kind, tmp_path, FULL)


def test_the_damage_does_damage():
    rng = np.random.default_rng(0)
    whole = bytes(range(256)) * 4
    assert sum(damage(whole, rng) != whole for _ in range(50)) > 45
