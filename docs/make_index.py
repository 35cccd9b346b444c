"""The tables of chapters in the index and in the parts' own pages, from titles and subtitles.

Usage: python docs/make_index.py            writes them
       python docs/make_index.py --check    says which would change, and fails if any would

A table stands between the lines `<!-- chapters -->` and `<!-- /chapters -->` of a markdown cell.
"""

import json
import os
import re
import sys
from pathlib import Path

from make_nav import find_chapters

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"<!-- chapters -->\n.*?<!-- /chapters -->", re.S)


def subtitle(notebook: Path) -> str:
    "The line below a chapter's title."
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        found = re.search(r"(?m)^# .+\n\n> (.+)", "".join(cell["source"]))
        if cell["cell_type"] == "markdown" and found:
            return found[1].strip()
    return ""


def chapter_table(chapters: list, page: Path) -> str:
    "One line a chapter, linked from a page."
    rows = ["| chapter | what it settles |", "| --- | --- |"]
    for chapter in chapters:
        path = ROOT / chapter.path
        link = Path(os.path.relpath(path, page.parent)).as_posix()
        rows.append(f"| [{chapter.label}]({link}) | {subtitle(path)} |")
    return "\n".join(rows)


def index_text(chapters: list, page: Path) -> str:
    "The table of a part's page; of the whole index, a table a part."
    own = [c for c in chapters if (ROOT / c.path).parent == page.parent and c.path != str(page)]
    own = [c for c in own if not c.path.endswith("index.ipynb")]
    if page.parent.name != "nbs":
        return chapter_table(own, page)
    parts = []
    for part in dict.fromkeys(c.part for c in chapters):
        inside = [c for c in chapters if c.part == part]
        opening = [c for c in inside if c.path.endswith("index.ipynb")]
        rest = [c for c in inside if not c.path.endswith("index.ipynb")]
        if rest:
            title = f"### {part}"
            if opening:
                link = Path(os.path.relpath(ROOT / opening[0].path, page.parent)).as_posix()
                title = f"### [{part}]({link})\n\n{subtitle(ROOT / opening[0].path)}"
            parts.append(f"{title}\n\n{chapter_table(rest, page)}")
    return "\n\n".join(parts)


def renew(page: Path, chapters: list) -> str | None:
    "The page with its table made anew; None where it has none."
    notebook, found = json.loads(page.read_text("utf-8")), False
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and BLOCK.search(text):
            table = f"<!-- chapters -->\n{index_text(chapters, page)}\n<!-- /chapters -->"
            cell["source"] = BLOCK.sub(lambda _: table, text).splitlines(keepends=True)
            found = True
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n" if found else None


def main(check: bool) -> int:
    chapters, changed = find_chapters(ROOT), []
    for page in sorted((ROOT / "nbs").rglob("index.ipynb")):
        text = renew(page, chapters)
        if text is not None and text != page.read_text("utf-8"):
            changed.append(page.relative_to(ROOT).as_posix())
            if not check:
                page.write_text(text, "utf-8")
    print("\n".join(changed) or "the indexes are up to date")
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
