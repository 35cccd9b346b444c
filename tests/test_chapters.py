"""Each chapter, run afresh, says what its committed outputs say: the same words, and the same numbers
to the digits that are printed. On another processor a last digit may round the other way."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"
CHAPTERS = sorted(p for p in NBS.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
CHAPTERS = [p for p in CHAPTERS if p.parent.name != "paper"]
BAR = re.compile(r"\x1b\[[0-9;]*m|.*\r")  # colours, and lines that a progress bar overwrote
NUMBER = re.compile(r"(?<![\w.])[-−+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])")


def text_outputs(notebook):
    "Per code cell: its id, and everything that it printed or showed as text."
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        told = []
        for out in cell.outputs:
            if out.output_type == "stream" and out.name == "stdout":
                told.append(out.text)
            elif "data" in out and "image/png" not in out.data:
                told.append(out.data.get("text/plain", ""))
        yield cell.id, BAR.sub("", "\n".join(told))


def value(number: str) -> float:
    return float(number.replace(",", "").replace("−", "-"))


def last_digit(number: str) -> float:
    "What one unit of the last printed digit is worth; whole numbers are counts, and exact."
    digits, _, exponent = number.partition("e")
    decimals = len(digits.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals) if decimals or exponent else 0.0


def differences(stored: str, fresh: str) -> list[str]:
    "Where two outputs differ in words, or in numbers by more than the last digit and 1 %."
    words = [re.sub(r"[\s─-]+", " ", NUMBER.sub("#", text)).strip() for text in (stored, fresh)]
    if words[0] != words[1]:
        return [f"words: {words[0]!r}, now {words[1]!r}"]
    found = []
    for old, new in zip(NUMBER.findall(stored), NUMBER.findall(fresh), strict=True):
        apart = abs(value(old) - value(new))
        unit = max(last_digit(old), last_digit(new))
        if apart > max(1.001 * unit, 0.01 * abs(value(old)) if unit else 0.0):
            found.append(f"{old}, now {new}")
    return found


@pytest.mark.chapters
@pytest.mark.parametrize(
    "path", CHAPTERS, ids=lambda p: p.relative_to(NBS).with_suffix("").as_posix()
)
@pytest.mark.usefixtures("quick_kernels")
def test_outputs_are_unchanged(path):
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.from_dict(stored.copy())
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(fresh, timeout=1200, kernel_name="python3", resources=where).execute()
    changed = []
    for (name, old), (_, new) in zip(text_outputs(stored), text_outputs(fresh), strict=True):
        changed += [f"cell {name}: {what}" for what in differences(old, new)]
    where = path.relative_to(ROOT)
    assert not changed, "\n".join([f"make refresh NB={where}", *changed])


def test_there_are_chapters():
    assert len(CHAPTERS) >= 70


@pytest.mark.parametrize(
    "stored, fresh",
    [
        ("error 0.123, route N1/STL", "error 0.124, route N1/STL"),  # the last digit
        ("8.07 [0.00, 0.12]", "8.08 [-0.00, 0.12]"),
        ("1,234.5 s", "1,240.5 s"),  # 1 %
        ("   a      b\n0  0.1  10.20", "   a     b\n0  0.1  10.2"),  # columns of another width
        ("1.2e-07", "1.3e-07"),
    ],
)
def test_rounding_is_no_difference(stored, fresh):
    assert differences(stored, fresh) == []


@pytest.mark.parametrize(
    "stored, fresh",
    [
        ("error 0.123, route N1/STL", "error 0.123, route T1/STL"),  # a word
        ("error 0.123", "error 0.126"),
        ("400 rows", "401 rows"),  # a count
        ("helps", "does not help"),
        ("0.5", "-0.5"),
        ("0.5 0.5", "0.5"),
    ],
)
def test_a_difference_is_one(stored, fresh):
    assert differences(stored, fresh) != []


def test_kernels_start_afresh(quick_kernels, tmp_path):
    "Nothing of one chapter is there in the next, nor is the package; and none reaches the network."
    ask = (
        "import sys; print('adaroute' in sys.modules, 'left' in globals(),"
        " hasattr(sys, '_adaroute_offline')); left = 1"
    )
    for _ in range(2):
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ask)])
        where = {"metadata": {"path": str(tmp_path)}}
        NotebookClient(book, timeout=60, kernel_name="python3", resources=where).execute()
        assert book.cells[0].outputs[0].text == "False False True\n"
