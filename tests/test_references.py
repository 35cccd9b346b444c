"""One bibliography for the paper and the chapters: whole entries, and one for every work named."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BIB = (ROOT / "paper/references.bib").read_text("utf-8")
FIELD = re.compile(r"(?m)^  (\w+) *= \{(.*)\},?$")


def entries() -> dict:
    "Key -> fields."
    found = re.findall(r"(?ms)^@(\w+)\{(\w+),\n(.*?)^\}", BIB)
    assert len(found) == len({key for _, key, _ in found}) == BIB.count("\n@")
    return {key: dict(FIELD.findall(body), kind=kind) for kind, key, body in found}


def prose() -> list[tuple[str, str]]:
    "Every Markdown cell, with the name of its chapter."
    out = []
    for file in sorted((ROOT / "nbs").rglob("*.ipynb")):
        if ".ipynb_checkpoints" in file.parts:
            continue
        cells = json.loads(file.read_text("utf-8"))["cells"]
        out += [(file.stem, "".join(c["source"])) for c in cells if c["cell_type"] == "markdown"]
    return out


def test_entries_are_whole():
    for key, one in entries().items():
        assert one.get("title", "").startswith("{") and one.get("author"), key
        assert re.fullmatch(r"(19|20)\d\d", one.get("year", "2000")), key
        assert one["kind"] == "misc" or "year" in one, key
        venue = {"article": "journal", "inproceedings": "booktitle", "book": "publisher"}
        assert venue.get(one["kind"], "title") in one, key


def test_numbers_have_the_form_of_numbers():
    for key, one in entries().items():
        assert re.fullmatch(r"10\.\d{4,}/\S+", one.get("doi", "10.1000/x")), key
        for number in re.findall(r"arXiv:(\S+)", " ".join(one.values())):
            assert re.fullmatch(r"\d{4}\.\d{4,5}", number.rstrip("}")), key
        assert re.fullmatch(r"https://\S+", one.get("url", "https://x")), key


def test_the_paper_cites_what_is_there():
    text = (ROOT / "paper/adaroute.typ").read_text("utf-8")
    assert '#bibliography("references.bib"' in text and "bibliography(bytes" not in text
    labels = set(re.findall(r"<([a-z]\w+)>", text))
    cited = set(re.findall(r"(?<![\w.])@([a-z]\w+)", text)) - labels
    assert len(cited) >= 9 and cited <= set(entries()), cited - set(entries())


NAME = r"[A-ZÉÖŠ][\w'’-]+"
NAMED = re.compile(
    rf"({NAME})((?:, {NAME})*,? (?:and [A-ZÉÖŠ]?[\w'’-]+|et al\.?))?,? \(?((?:19|20)\d\d)\b"
)
NOBODY = {
    "ACL",
    "April",
    "January",
    "NeurIPS",
    "Machine",
    "Python",
    "Worlds",
    "November",
    "UTC",
    "Rows",
    "Of",
}


def named_works() -> list[tuple[str, str, str]]:
    "Chapter, first author and year of every work that a chapter names in the usual way."
    found = []
    for stem, text in prose():
        found += [(stem, m[1], m[3]) for m in NAMED.finditer(text) if m[1] not in NOBODY]
    return found


def test_works_named_in_chapters_have_an_entry():
    known = {}
    for one in entries().values():
        first = re.split(r",| and ", one["author"].strip("{}"))[0].split()[-1]
        known.setdefault(first, set()).add(one.get("year", ""))
    works = [w for w in named_works() if w[1] in known or not w[1].isupper()]
    assert len(works) >= 20
    lost = [w for w in works if w[1] not in known]
    assert not lost, lost
    # a preprint and its printing may be a year apart
    other = [w for w in works if not any(abs(int(w[2]) - int(y)) <= 1 for y in known[w[1]] if y)]
    assert not other, other


@pytest.mark.parametrize("number", ["6962", "8785", "9162"])
def test_standards_named_have_an_entry(number):
    assert any(f"RFC {number}" in text for _, text in prose())
    assert f"rfc{number}" in entries()
