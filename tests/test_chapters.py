"Each chapter, run afresh, says what its committed outputs say."

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"
CHAPTERS = sorted(
    p
    for p in NBS.rglob("*.ipynb")
    if p.parent.name != "paper" and ".ipynb_checkpoints" not in p.parts
)
BAR = re.compile(r"\x1b\[[0-9;]*m|.*\r")  # colours, and lines that a progress bar overwrote


def text_outputs(notebook):
    "Per code cell: its id, what it printed and the text of its last value."
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        printed, shown = "", []
        for out in cell.outputs:
            if out.output_type == "stream" and out.name == "stdout":
                printed += out.text
            elif (
                out.output_type in ("execute_result", "display_data")
                and "image/png" not in out.data
            ):
                shown.append(out.data.get("text/plain", ""))
        yield cell.id, cell.source, BAR.sub("", printed), shown


@pytest.mark.chapters
@pytest.mark.parametrize(
    "path", CHAPTERS, ids=lambda p: p.relative_to(NBS).with_suffix("").as_posix()
)
@pytest.mark.usefixtures("quick_kernels")
def test_outputs_are_unchanged(path):
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.from_dict(stored.copy())
    os.environ["OMP_NUM_THREADS"] = "1"
    NotebookClient(
        fresh,
        timeout=1200,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    changed = [
        f"cell {old[0]}:\n  stored {old[2:]}\n  now    {new[2:]}"
        for old, new in zip(text_outputs(stored), text_outputs(fresh), strict=True)
        if old[2:] != new[2:]
    ]
    assert not changed, f"{path.name}: make refresh NB={path.relative_to(ROOT)}\n" + "\n".join(
        changed
    )


def test_kernels_start_afresh(quick_kernels, tmp_path):
    "Nothing of one chapter is there in the next, nor is the package; and none reaches the network."
    ask = "import sys; print('adaroute' in sys.modules, 'left' in globals(), hasattr(sys, '_adaroute_offline')); left = 1"
    for _ in range(2):
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ask)])
        NotebookClient(
            book, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
        ).execute()
        assert book.cells[0].outputs[0].text == "False False True\n"
