"""The order of the site: parts, and the chapters in each.

Usage: python docs/make_nav.py     prints the navigation

A chapter is a notebook below nbs/. In folders, a part is a folder and its `index.ipynb` opens it,
as in `nbs/6_provenance/02_plan.ipynb`; in a flat nbs/, the first two digits of a name say the part.
Nothing here names a chapter.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
# The first two digits of a chapter that lies in no folder, and the part that begins with them.
FLAT = {
    0: "Method",
    10: "Rivals",
    11: "Evaluation",
    12: "Policy",
    13: "Uncertainty",
    14: "Provenance",
    15: "Report",
    16: "Command line",
    17: "Lab",
    20: "Studies",
    40: "Guides",
    50: "Paper",
}


class Chapter(NamedTuple):
    "A notebook and its place."

    path: str  # from the root, with slashes
    part: str  # title of its part
    number: str  # as it is cited: 6.2, or 14a where the folder is flat
    title: str  # its first heading

    @property
    def label(self) -> str:
        "What the navigation shows."
        return f"{self.number} {self.title}" if self.number else self.title


def first_heading(notebook: Path) -> str:
    "The title of a notebook; its name where it has none."
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        found = re.search(r"(?m)^# (.+)$", "".join(cell["source"]))
        if cell["cell_type"] == "markdown" and found:
            return found[1].strip()
    return notebook.stem


def part_order(folder: str) -> tuple:
    "Numbered folders first, by number; then guides, studies and the paper; then the others."
    number = re.match(r"\d+", folder)
    last = ["guides", "studies", "paper"]
    place = last.index(folder) if folder in last else len(last)
    return (0, int(number[0]), folder) if number else (1, place, folder)


def part_title(folder: Path) -> str:
    "The heading of a part's index, else the folder's name without its number."
    index = folder / "index.ipynb"
    words = re.sub(r"^\d+_", "", folder.name).replace("_", " ")
    return first_heading(index) if index.is_file() else words[:1].upper() + words[1:]


def in_folder(file: Path, root: Path) -> Chapter:
    "A chapter of a part that is a folder."
    digits = [re.match(r"(\d+)([a-z]*)(?=_)", name) for name in (file.parent.name, file.name)]
    if not digits[1]:
        number = ""
    elif digits[0]:
        number = f"{int(digits[0][1])}.{int(digits[1][1])}{digits[1][2]}"
    else:
        number = digits[1][0]
    return Chapter(
        file.relative_to(root).as_posix(), part_title(file.parent), number, first_heading(file)
    )


def lying_flat(file: Path, root: Path) -> Chapter:
    "A chapter that lies beside all others."
    digits = re.match(r"(\d\d)[a-z]*(?=_)", file.name)
    if not digits:
        return Chapter(file.relative_to(root).as_posix(), "", "", first_heading(file))
    part = FLAT[max(first for first in FLAT if first <= int(digits[1]))]
    return Chapter(file.relative_to(root).as_posix(), part, digits[0], first_heading(file))


def natural(path: str) -> list:
    "A key that sorts 2 before 10."
    return [int(piece) if piece.isdigit() else piece for piece in re.split(r"(\d+)", path)]


def find_chapters(root: Path = ROOT) -> list[Chapter]:
    "All chapters, part by part, each part's index first."
    nbs = root / "nbs"
    files = [f for f in nbs.rglob("*.ipynb") if ".ipynb_checkpoints" not in f.parts]
    flat = sorted((f for f in files if f.parent == nbs), key=lambda f: natural(f.name))
    folders = sorted({f.parent for f in files} - {nbs}, key=lambda d: part_order(d.name))
    found = [lying_flat(file, root) for file in flat]
    for folder in folders:
        own = sorted((f for f in files if f.parent == folder), key=lambda f: natural(f.name))
        own.sort(key=lambda f: f.stem != "index")
        found += [in_folder(file, root) for file in own]
    return found


def chapters_nav(chapters: list[Chapter]) -> list:
    "The chapters as mkdocs wants its navigation."
    parts, first = {}, []
    for chapter in chapters:
        if not chapter.part:
            first.append(
                {"Overview": chapter.path}
                if chapter.path.endswith("index.ipynb")
                else {chapter.label: chapter.path}
            )
            continue
        opens = chapter.path.endswith("/index.ipynb")
        parts.setdefault(chapter.part, []).append(
            chapter.path if opens else {chapter.label: chapter.path}
        )
    return first + [{title: pages} for title, pages in parts.items()]


if __name__ == "__main__":
    for entry in chapters_nav(find_chapters()):
        for title, pages in entry.items():
            print(title if isinstance(pages, list) else f"{title}: {pages}")
            for page in pages if isinstance(pages, list) else []:
                print("   ", page if isinstance(page, str) else ": ".join(*page.items()))
