"""What mkdocs does with this repository: pages are gathered, chapters cleaned, nothing is loaded.

The pages of the site lie in several folders, so they are copied into `.cache/pages`, in the places
that they have in the repository; links between them then hold as they are. See `mkdocs.yml`.
"""

import hashlib
import json
import re
import shutil
import sysconfig
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.plugins import get_plugin_logger

import make_nav
import make_reference

log = get_plugin_logger("docs")
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "CODE_OF_CONDUCT.md",
    "docs/use.md",
    "docs/reproduce.md",
    "docs/proof.md",
    "docs/formats.md",
    "docs/glossary.md",
    "docs/vectors/README.md",
)
GUIDES = [
    {"Using adaroute": "docs/use.md"},
    {"Reproducing the paper": "docs/reproduce.md"},
    {"Proof of training data": "docs/proof.md"},
]
MORE = [
    {"Glossary": "docs/glossary.md"},
    {"Formats on disk": "docs/formats.md"},
    {"Test vectors": "docs/vectors/README.md"},
]
PROJECT = [
    {"Contributing": "CONTRIBUTING.md"},
    {"Changes": "CHANGELOG.md"},
    {"Security": "SECURITY.md"},
    {"Conduct": "CODE_OF_CONDUCT.md"},
]
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
DIRECTIVE = re.compile(r"(?m)^#\| *[a-z_]+.*\n?")


def on_config(config):
    "Gather the pages and set the navigation."
    root = Path(config.config_file_path).resolve().parent
    stage = root / ".cache" / "pages"
    shutil.rmtree(stage, ignore_errors=True)
    chapters = make_nav.find_chapters(root)
    gathered = Gathered(root, stage, chapters)
    gathered.gather()
    for page, name, found in sorted({*gathered.lost, *gathered.moved}, key=str):
        log.info("%s: %s", page, f"{name} is now {found}" if found else f"there is no {name}")
    reference = []
    for part, text in make_reference.make_pages(root, chapters).items():
        name = f"reference/{part.lower().replace(' ', '_')}.md"
        write(stage / name, text)
        reference.append({part: name})
    config.docs_dir = str(stage)
    config.nav = navigation(stage, chapters, reference)
    return config


def navigation(stage: Path, chapters: list, reference: list) -> list:
    "The parts of the site, without pages that are not there."

    def there(pages):
        return [p for p in pages if (stage / next(iter(p.values()))).is_file()]

    nav = [
        {"Home": "README.md"},
        {"Guides": there(GUIDES)},
        {"Chapters": make_nav.chapters_nav(chapters)},
        {"Reference": reference},
        {"Formats and terms": there(MORE)},
        {"Project": there(PROJECT)},
    ]
    return [entry for entry in nav if next(iter(entry.values()))]


class Gathered:
    "The files of the site, and those that they link to."

    def __init__(self, root: Path, stage: Path, chapters: list):
        self.root, self.stage, self.done = root, stage, set()
        self.lost, self.moved = (
            [],
            [],
        )  # links that lead nowhere, and to chapters that lie elsewhere now
        self.open = [p for p in (*PAGES, *(c.path for c in chapters)) if (root / p).is_file()]
        paths = [*(c.path for c in chapters), *PAGES]
        names = [without_number(Path(path).name) for path in paths]
        once = [(name, path) for name, path in zip(names, paths) if names.count(name) == 1]
        self.by_name = dict(once)

    def gather(self):
        "Copy page after page, until nothing new is linked to."
        assets = self.root / "docs" / "assets"
        if assets.is_dir():
            shutil.copytree(assets, self.stage / "assets", dirs_exist_ok=True)
        while self.open:
            path = self.open.pop()
            if path not in self.done:
                self.done.add(path)
                self.copy(path)

    def copy(self, path: str):
        "One file; a page's links are followed."
        source, target = self.root / path, self.stage / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".ipynb"):
            notebook = clean_notebook(json.loads(source.read_text(encoding="utf-8")))
            for cell in notebook["cells"]:
                if cell["cell_type"] == "markdown":
                    cell["source"] = self.mend("".join(cell["source"]), path)
            write(target, json.dumps(notebook, ensure_ascii=False))
        elif path.endswith(".md"):
            write(target, self.mend(source.read_text(encoding="utf-8"), path))
        else:
            shutil.copyfile(source, target)

    def mend(self, text: str, page: str) -> str:
        "Links of a page as they hold on the site; what leads nowhere keeps its words."
        pieces = re.split(r"(?m)(^```.*?^```$|`[^`\n]+`)", text, flags=re.S)
        for i in range(0, len(pieces), 2):
            pieces[i] = LINK.sub(lambda found: self.link(found, page), pieces[i])
        text = "".join(pieces)
        # a link whose words are code has been cut in three: mend it as a whole
        return re.sub(
            r"\[(`[^`\n]+`)\]\(([^()\s]+)\)", lambda m: self.link_to(m[1], m[2], page), text
        )

    def link(self, found: re.Match, page: str) -> str:
        return found[1] + self.link_to(found[2], found[3], page, image=bool(found[1]))

    def link_to(self, words: str, target: str, page: str, image: bool = False) -> str:
        "A link from a page, followed if it leads into the repository."
        if re.match(r"[a-z]+:|#", target):
            return f"[{words}]({target})"
        name, _, anchor = target.partition("#")
        place = self.find(page, name)
        if place is None:
            return f"[{words}](missing-image)" if image else words
        self.open.append(place)
        if page.endswith(".ipynb") and place.endswith(".md"):  # mkdocs turns these in pages alone
            place = (
                re.sub(r"(?:README|index)\.md$", "index.md", place).removesuffix(".md") + ".html"
            )
        up = "../" * page.count("/")
        return f"[{words}]({up}{place}{'#' + anchor if anchor else ''})"

    def find(self, page: str, name: str) -> str | None:
        "Where in the repository a link leads; what has moved is found by its name."
        place = (self.root / page).parent.joinpath(name).resolve()
        if place.is_dir():
            inside = [place / "index.ipynb", place / "README.md"]
            place = next((p for p in inside if p.is_file()), None)
            return place and place.relative_to(self.root).as_posix()
        if place.is_file() and place.is_relative_to(self.root):
            return place.relative_to(self.root).as_posix()
        found = self.by_name.get(without_number(place.name))
        found = None if found == page else found  # a namesake elsewhere, not the page itself
        (self.moved if found else self.lost).append((page, name, found))
        return found


def without_number(name: str) -> str:
    "What is left of a chapter's name when it gets another number."
    return re.sub(r"^\d+[a-z]*_", "", name)


def write(file: Path, text: str):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def clean_notebook(notebook: dict) -> dict:
    "A chapter as it is read: without hidden cells, and without the lines that are for nbdev."
    cells = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            if re.search(r"(?m)^#\| *hide\b", text):
                continue
            text = DIRECTIVE.sub("", text).strip("\n")
            if not text and not cell.get("outputs"):
                continue
        cells.append({**cell, "source": text})
    return {**notebook, "cells": cells}


def on_page_content(html, **beside):
    "What the buttons beside the cells say is not searched."
    return re.sub(r'(<span\b[^>]*class="notice")', r"\1 data-search-exclude", html)


def on_post_page(output, page, config):
    "The formulas' script is named from the root of the site; long styles are not told 80 times."
    up = "../" * page.url.count("/")
    output = output.replace('src="assets/mathjax.js"', f'src="{up}assets/mathjax.js"')
    return re.sub(
        r"<style[^>]*>((?:(?!</style>).){100000,}?)</style>",
        lambda found: f'<link rel="stylesheet" href="{up}{keep_style(found[1])}">',
        output,
        flags=re.S,
    )


STYLES = {}  # place on the site -> style, written after the last page


def keep_style(text: str) -> str:
    "Where a style will lie."
    place = f"assets/chapter-{hashlib.sha256(text.encode()).hexdigest()[:8]}.css"
    STYLES[place] = text
    return place


def on_post_build(config):
    "One script for formulas, with its glyphs inside it; and a look whether anything is loaded."
    site = Path(config.site_dir)
    package = Path(sysconfig.get_path("purelib"), "sphinx-mathjax-offline")
    shutil.copy(package / "static/mathjax/tex-svg-full.js", site / "assets")
    for place, text in STYLES.items():
        write(site / place, text)
    loads = external_loads(site)
    if loads:
        raise PluginError("loaded from the network by: " + ", ".join(loads[:5]))


def external_loads(site: Path) -> list[str]:
    "Pages and styles that would load something from elsewhere."
    elements = "script|link|img|iframe|source|object|embed"
    tag = re.compile(rf"<(?:{elements})\b[^>]+(?:src|href|data)=[\"']?(?:https?:)?//")
    style = re.compile(r"(?:url\(|@import )\s*[\"']?(?:https?:)?//")
    found = [f for f in site.rglob("*.html") if tag.search(f.read_text(encoding="utf-8"))]
    found += [f for f in site.rglob("*.css") if style.search(f.read_text(encoding="utf-8"))]
    return [f.relative_to(site).as_posix() for f in sorted(found)]
