"""Write links to chapters anew, after chapters have moved.

Usage: python docs/mend_links.py [--check]

A link to a chapter that is not where it says, and whose name (without its number) stands once below
nbs/, leads there afterwards: in the Markdown pages of the repository and in the prose of chapters.
Exit status 1 if something leads nowhere, or with --check if something would be written.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

import make_nav
from hooks import Gathered


def find_links(root: Path) -> Gathered:
    "All links of the site's pages, followed."
    with tempfile.TemporaryDirectory() as room:
        found = Gathered(root, Path(room), make_nav.find_chapters(root))
        found.gather()
    return found


def mend_page(root: Path, page: str, name: str, found: str) -> None:
    "One link of a page; a notebook's JSON keeps its form, since a link has no character to escape."
    file = root / page
    new = Path(os.path.relpath(root / found, file.parent)).as_posix()
    text = file.read_text(encoding="utf-8")
    mended = re.sub(rf"\]\({re.escape(name)}(?=[)#])", f"]({new}", text)
    if page.endswith(".ipynb"):
        json.loads(mended)
    file.write_text(mended, encoding="utf-8")


if __name__ == "__main__":
    links = find_links(make_nav.ROOT)
    for page, name, found in sorted({*links.lost, *links.moved}, key=str):
        print(f"{page}: {name} " + (f"-> {found}" if found else "leads nowhere"))
        if found and "--check" not in sys.argv:
            mend_page(make_nav.ROOT, page, name, found)
    sys.exit(bool(links.lost or links.moved and "--check" in sys.argv))
