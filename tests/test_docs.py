"""The site: built small, from a few chapters in folders, and opened from a folder."""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))
import hooks  # noqa: E402
import make_nav  # noqa: E402
import make_reference  # noqa: E402


# A small repository: the shortest chapters of three parts, laid into folders, and their modules.


def module_of(chapter: str) -> Path | None:
    "The module that a chapter is exported to."
    name = re.escape(Path(chapter).name)
    for file in sorted((ROOT / "adaroute").rglob("*.py")):
        if re.search(rf"File to edit: \S*/{name}\.", file.read_text("utf-8")[:4000]):
            return file
    return None


def shortest(part: str, among: list) -> make_nav.Chapter:
    own = [c for c in among if c.part == part and module_of(c.path)]
    return min(own, key=lambda c: (ROOT / c.path).stat().st_size)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    "Where the small repository is, and which chapters are in it."
    root = tmp_path_factory.mktemp("small") / "repo"
    shutil.copytree(ROOT / "docs", root / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mkdocs.yml", *hooks.PAGES):
        if (ROOT / name).is_file() and "/" not in name:
            shutil.copy(ROOT / name, root / name)
    shutil.copy(ROOT / "LICENSE", root)
    (root / "paper/figs").mkdir(parents=True)
    shutil.copy(ROOT / "paper/figs/fig1_method.png", root / "paper/figs")
    chapters = make_nav.find_chapters()
    parts = [c.part for c in chapters if module_of(c.path)]
    chosen = [shortest(part, chapters) for part in dict.fromkeys(parts)][:3]
    for chapter in chosen:
        lay(root, chapter, Path(chapter.path).parent.name)
    write_index(root / "nbs/index.ipynb", "Overview of all")
    for chapter in chosen:
        write_index(root / Path(chapter.path).parent / "index.ipynb", chapter.part)
    return root, chosen


def lay(root: Path, chapter: make_nav.Chapter, folder: str):
    "A chapter into a folder of its part, and its module with the new place in its head."
    name, module = Path(chapter.path).name, module_of(chapter.path)
    place = root / "nbs" / folder / f"01_{hooks.without_number(name)}"
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / chapter.path, place)
    text = re.sub(
        r"(\.\./)+nbs/\S*" + re.escape(name),
        f"../../nbs/{folder}/{place.name}",
        module.read_text("utf-8"),
    )
    target = root / "adaroute" / folder[2:] / module.name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")


def write_index(file: Path, title: str):
    cell = dict(
        cell_type="markdown", id="a1", metadata={}, source=f"# {title}\n\n> What is asked here"
    )
    hidden = dict(
        cell_type="code",
        id="a2",
        metadata={},
        outputs=[],
        execution_count=None,
        source="#| hide\nnot_to_be_read = 1",
    )
    kernel = dict(kernelspec=dict(name="python3", display_name="python3", language="python"))
    file.write_text(
        json.dumps(dict(cells=[cell, hidden], metadata=kernel, nbformat=4, nbformat_minor=5))
    )


@pytest.fixture(scope="module")
def site(small):
    root, _ = small
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet"]
    env = os.environ | dict(NO_MKDOCS_2_WARNING="1")
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    return root / "site"


@pytest.fixture(scope="module")
def pages(site):
    found = {p.relative_to(site).as_posix(): p.read_text("utf-8") for p in site.rglob("*.html")}
    assert len(found) >= 12
    return found


def test_formulas_find_their_script(site, pages):
    for name, text in pages.items():
        for link in re.findall(r'src="([^"]*mathjax\.js)"', text):
            assert (site / name).parent.joinpath(link).is_file(), name
    assert any("mathjax.js" in text for text in pages.values())
    assert (site / "assets/tex-svg-full.js").stat().st_size > 1e6


class Reader(HTMLParser):
    "Links, ids and words of a page."

    def __init__(self, text: str):
        super().__init__()
        self.links, self.ids, self.loads = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if told.get("id"):
            self.ids.add(told["id"])
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
        if tag in ("script", "link", "img", "iframe", "source", "object", "embed"):
            self.loads += [told[k] for k in ("src", "href", "data") if told.get(k)]


def test_no_line_is_for_nbdev(pages):
    chapters = [text for name, text in pages.items() if name.startswith("nbs/")]
    assert len(chapters) == 7  # three chapters, the page of each part, the overview
    for text in chapters:
        assert not re.search(r"#\|\s*(export|default_exp|hide)", re.sub(r"<[^>]+>", "", text))
        assert "not_to_be_read" not in text


def test_chapters_are_read_with_their_code(pages, small):
    _, chosen = small
    for chapter in chosen:
        name = make_reference.Module(module_of(chapter.path), ROOT / "adaroute").public[0]
        page = next(
            t
            for n, t in pages.items()
            if n.endswith(hooks.without_number(Path(chapter.path).stem) + ".html")
        )
        assert name in re.sub(r"<[^>]+>", "", page) and chapter.title in page


def test_the_navigation_has_parts(pages, small):
    _, chosen = small
    home = re.sub(r"<[^>]+>|\s+", " ", pages["index.html"])
    for title in ("Chapters", "Reference", "Formats and terms", "Project"):
        assert title in home
    nav = pages[next(n for n in pages if n.startswith("nbs/1_") and "01_" in n)]
    for i, chapter in enumerate(chosen, 1):
        assert f"{i}.1 {chapter.title}" in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", nav))
        assert re.search(rf">\s*{re.escape(chapter.part)}\s*<", nav)


def test_nothing_is_loaded_from_elsewhere(site, pages):
    assert hooks.external_loads(site) == []
    for name, text in pages.items():
        away = [link for link in Reader(text).loads if re.match(r"(https?:)?//", link)]
        assert not away, (name, away)
    page = site / "loads.html"
    for bad in ('<script src="https://unpkg.com/x"></script>', "<link rel=a href=//fonts.x/y>"):
        page.write_text(bad)
        assert hooks.external_loads(site) == ["loads.html"]
    page.unlink()


def test_what_a_page_loads_is_there(site, pages):
    for name, text in pages.items():
        if name == "404.html":
            continue  # written for the root of a server
        for link in Reader(text).loads:
            if link.startswith("data:"):
                continue
            assert (
                (site / name).parent.joinpath(unquote(link.split("?")[0].split("#")[0])).exists()
            ), (name, link)


def test_search_needs_no_server(site, pages):
    index = (site / "search/search_index.js").read_text("utf-8")
    assert index.startswith("var __index = {") and "Merkle" in index and "Copied!" not in index
    assert "assets/iframe-worker.js" in pages["index.html"]
    assert "IFrameWorker" in (site / "assets/iframe-worker.js").read_text()


def test_a_long_style_is_told_once(site, pages):
    assert len(list((site / "assets").glob("chapter-*.css"))) == 1
    for text in pages.values():
        assert max(map(len, re.findall(r"(?s)<style[^>]*>(.*?)</style>", text)), default=0) < 1e5


def test_light_and_dark(pages):
    for scheme in ("default", "slate"):
        assert f'data-md-color-scheme="{scheme}"' in pages["index.html"]
    assert "Dark scheme" in pages["index.html"] and "Light scheme" in pages["index.html"]


def test_links_of_the_site_hold(site, pages, small):
    root, _ = small
    read = {name: Reader(text) for name, text in pages.items()}
    seen = 0
    for name, page in read.items():
        for link in page.links:
            if re.match(r"[a-z]+:|//", link) or name == "404.html":
                continue
            target, _, anchor = unquote(link).partition("#")
            file = (site / name).parent.joinpath(target).resolve() if target else site / name
            if file.is_dir():
                file /= "index.html"
            assert file.is_file(), (name, link)
            if anchor and file.suffix == ".html" and not anchor.startswith("__"):
                assert anchor in read[file.relative_to(site.resolve()).as_posix()].ids, (name, link)
            seen += 1
    assert seen > 200


# The reference

SOURCE = '''"""Sums"""

# AUTOGENERATED! DO NOT EDIT! File to edit: ../../nbs/1_method/02_sums.ipynb.

# %% auto #0
__all__ = ['LEAST', 'add', 'Pair', 'Box']

# %% ../../nbs/1_method/02_sums.ipynb #c03
from dataclasses import dataclass
LEAST, MOST = 1, 2

# %% ../../nbs/1_method/02_sums.ipynb #c05
def add(
    a: int,             # the first | of two
    b: int | None = 3,  # the second
    *rest, scale: float = 1.,  # what it is `times`
) -> dict[str, int]:    # the sum
    "Add two numbers."
    def inner(): return a  # not this
    return a + b

# %% ../../nbs/1_method/02_sums.ipynb #c07
@dataclass
class Pair:
    "Two numbers."
    left: int       # (n,) first
    right: int = (
        0  # second, in brackets
    )
    def total(self) -> int:  # of both
        "Their sum."
        return self.left + self.right
    @property
    def first(self): return self.left
    def _hidden(self): "No."

# %% ../../nbs/1_method/02_sums.ipynb #c09
class Box:
    "A box."
    def __init__(self,
        size: int,  # in cm
    ): self.size = size
'''


@pytest.fixture
def sums(tmp_path):
    "A page of the reference, made from one module."
    (tmp_path / "adaroute/method").mkdir(parents=True)
    (tmp_path / "adaroute/method/sums.py").write_text(SOURCE)
    chapter = make_nav.Chapter("nbs/1_method/02_sums.ipynb", "Method", "1.2", "Sums")
    return make_reference.make_pages(tmp_path, [chapter])["Method"]


def test_a_function_is_described_by_its_docments(sums):
    assert "add(a, b=3, *rest, scale=1.0) -> dict[str, int]" in sums
    assert "| <code>a</code> | <code>int</code> |  | the first \\| of two |" in sums
    assert "| <code>b</code> | <code>int &#124; None</code> | <code>3</code> | the second |" in sums
    scale = (
        "<code>scale</code> | <code>float</code> | <code>1.0</code> | what it is <code>times</code>"
    )
    assert f"| {scale} |" in sums
    assert "| <code>returns</code> | <code>dict[str, int]</code> |  | the sum |" in sums
    assert "Add two numbers." in sums and "not this" not in sums
    assert "(../nbs/1_method/02_sums.ipynb#cell-id=c05)" in sums


def test_classes_and_values_are_described(sums):
    assert "| <code>left</code> | <code>int</code> |  | (n,) first |" in sums
    assert (
        "| <code>right</code> | <code>int</code> | <code>0</code> | second, in brackets |" in sums
    )
    assert "<code>total() -&gt; int</code>: Their sum." in sums
    assert "<code>first</code>" in sums and "_hidden" not in sums
    assert "| <code>size</code> | <code>int</code> |  | in cm |" in sums
    assert "```python\nLEAST, MOST = 1, 2\n```" in sums


def test_every_public_name_of_the_package_is_in_the_reference():
    chapters = make_nav.find_chapters()
    pages = "\n".join(make_reference.make_pages(ROOT, chapters).values())
    headings = set(re.findall(r"(?m)^### (\w+) ", pages))
    names = set()
    for file in (ROOT / "adaroute").rglob("*.py"):
        if file.name in ("_modidx.py", "__init__.py"):
            continue
        names |= set(make_reference.Module(file, ROOT / "adaroute").public)
    assert len(names) > 500 and not names - headings
    assert pages.count("Defined elsewhere.") == 0


# Parts and links


def test_parts_come_from_folders(tmp_path):
    for place in (
        "index",
        "10_last/01_z",
        "2_middle/10_b",
        "2_middle/09_a",
        "2_middle/index",
        "paper/50_planted",
        "guides/40_own",
        "studies/20_x",
        "2_middle/09b_c",
    ):
        file = tmp_path / f"nbs/{place}.ipynb"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_index(file, place.rpartition("/")[2] + " title")
    nav = make_nav.chapters_nav(make_nav.find_chapters(tmp_path))
    assert nav[0] == {"Overview": "nbs/index.ipynb"}
    assert [next(iter(e)) for e in nav[1:]] == ["index title", "Last", "Guides", "Studies", "Paper"]
    assert nav[1]["index title"] == [
        "nbs/2_middle/index.ipynb",
        {"2.9 09_a title": "nbs/2_middle/09_a.ipynb"},
        {"2.9b 09b_c title": "nbs/2_middle/09b_c.ipynb"},
        {"2.10 10_b title": "nbs/2_middle/10_b.ipynb"},
    ]
    assert nav[-1]["Paper"] == [{"50 50_planted title": "nbs/paper/50_planted.ipynb"}]


def test_every_chapter_is_in_a_part_and_in_the_navigation_once():
    chapters = make_nav.find_chapters()
    text = json.dumps(make_nav.chapters_nav(chapters))
    files = [
        p.relative_to(ROOT).as_posix()
        for p in (ROOT / "nbs").rglob("*.ipynb")
        if ".ipynb_checkpoints" not in p.parts
    ]
    assert len(files) >= 80 and all(text.count(f'"{name}"') == 1 for name in files)
    assert [c.path for c in chapters if not c.part] == ["nbs/index.ipynb"]


def test_no_link_of_a_page_leads_nowhere(tmp_path):
    "Where this fails because chapters have moved: python docs/mend_links.py"
    found = hooks.Gathered(ROOT, tmp_path, make_nav.find_chapters())
    found.gather()
    assert found.lost == [] and found.moved == []
    assert len(found.done) > 85


def test_links_are_followed_and_kept(tmp_path):
    root = tmp_path / "repo"
    for name in ("nbs/1_a/01_x.ipynb", "nbs/1_a/index.ipynb"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_index(root / name, "X")
    (root / "LICENSE").write_text("MIT")
    (root / "README.md").write_text(
        "[a](nbs/07b_x.ipynb#b) [`nbs/`](nbs/1_a/) [l](LICENSE) [no](gone.md) "
        "[w](https://x.y/z) `[c](gone)` [t](#here)\n```\n[d](gone.md)\n```\n"
    )
    found = hooks.Gathered(root, tmp_path / "stage", make_nav.find_chapters(root))
    found.gather()
    assert (tmp_path / "stage/README.md").read_text() == (
        "[a](nbs/1_a/01_x.ipynb#b) [`nbs/`](nbs/1_a/index.ipynb) [l](LICENSE) no "
        "[w](https://x.y/z) `[c](gone)` [t](#here)\n```\n[d](gone.md)\n```\n"
    )
    assert (tmp_path / "stage/LICENSE").read_text() == "MIT"
    assert found.lost == [("README.md", "gone.md", None)]
    assert found.moved == [("README.md", "nbs/07b_x.ipynb", "nbs/1_a/01_x.ipynb")]


def test_the_glossary_has_our_words_in_a_sentence_each():
    text = (ROOT / "docs/glossary.md").read_text("utf-8")
    entries = dict(re.findall(r"(?m)^### (.+)\n(.+)$", text))
    ours = "route path sharing corner lane member start spare headroom rival caution trust presence"
    more = "fold sign plan nonce ledger witness"
    assert {*ours.split(), *more.split()} <= {name.lower() for name in entries}
    assert sorted(re.findall(r"\]\(#([a-z-]+)\)", text.split("\n## ")[0])) == sorted(
        n.lower().replace(" ", "-") for n in entries
    )
    for name, entry in entries.items():
        said, _, links = entry.partition(" → ")
        assert re.findall(r"\]\(\S+\.ipynb\)", links), name
        assert said.count(". ") <= (name == "Start") and said.endswith("."), name


# In a browser, from a folder


@pytest.mark.parametrize("look", [dict(width=1280, scheme="light"), dict(width=390, scheme="dark")])
def test_a_word_is_found_from_a_folder(site, browser, look):
    tab, wrong, asked = (
        browser.new_page(
            viewport=dict(width=look["width"], height=800), color_scheme=look["scheme"]
        ),
        [],
        [],
    )
    tab.on("pageerror", lambda e: wrong.append(str(e)))
    tab.on(
        "request",
        lambda r: (
            asked.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None
        ),
    )
    tab.goto((site / "docs/formats.html").as_uri())
    assert tab.evaluate("getComputedStyle(document.body).colorScheme") in (look["scheme"], "normal")
    narrow = look["width"] < 900
    tab.locator(
        "label.md-header__button[for=__search]" if narrow else "input.md-search__input"
    ).first.click()
    tab.wait_for_timeout(400)
    tab.keyboard.type("tombstone", delay=20)
    tab.wait_for_selector(".md-search-result__item", timeout=15000)
    assert "Formats on disk" in tab.locator(".md-search-result__list").inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth") <= look["width"]
    assert not wrong and not asked
    tab.close()


FAINT = """() => {
  const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const read = colour => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const lay = (over, under) => [0, 1, 2].map(i => over[i] * over[3] + under[i] * (1 - over[3]));
  const linear = v => v <= 10 ? v / 3294 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = c => .2126 * linear(c[0]) + .7152 * linear(c[1]) + .0722 * linear(c[2]);
  const faint = new Set();
  for (const e of document.querySelectorAll('body *')) {
    const look = getComputedStyle(e), box = e.getBoundingClientRect();
    const text = [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim());
    if (!text || !box.width || look.visibility == 'hidden' || e.closest('mjx-container')) continue;
    let under = [255, 255, 255], opacity = 1;
    const around = [];
    for (let p = e; p; p = p.parentElement) around.unshift(getComputedStyle(p));
    for (const p of around) under = lay(read(p.backgroundColor), under);
    for (const p of around) opacity *= p.opacity;
    const ink = read(look.color);
    const [high, low] = [light(lay([...ink.slice(0, 3), ink[3] * opacity], under)), light(under)]
      .sort((a, b) => b - a);
    const ratio = (high + .05) / (low + .05);
    const wanted = parseFloat(look.fontSize) >= 24 ? 3 : 4.5;
    if (opacity && ratio < wanted) faint.add(`${e.tagName}.${e.className} ${ratio.toFixed(2)}`);
  }
  return [...faint];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_read_stands_out(site, pages, browser, scheme):
    "Text has a contrast of 4.5 : 1 with what is behind it, large text of 3 : 1."
    tab = browser.new_page(viewport=dict(width=1280, height=800), color_scheme=scheme)
    chapters = [name for name in pages if name.startswith("nbs/")]
    for page in ("index.html", "docs/formats.html", *chapters):
        tab.goto((site / page).as_uri())
        assert tab.evaluate(FAINT) == [], page
    grey = "Object.assign(document.createElement('i'), {innerText: 'faint', style: 'color: #777'})"
    tab.evaluate(f"document.body.append({grey})")
    assert any(name.startswith("I.") for name in tab.evaluate(FAINT))
    tab.close()
