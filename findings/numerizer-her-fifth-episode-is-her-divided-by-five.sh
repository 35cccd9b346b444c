#!/usr/bin/env bash
# numerizer makes of "her fifth episode" "her/5 episode", and of a fourth visit a quarter of one.
#
# numerizer writes the numbers of a text as digits: two and a half tablets are 2.5, a quarter of a
# pill 1/4. From the third on, English has one word for a place in a row and for a part, and behind
# any other word than "the" numerizer takes it for the part: a fourth visit is 1/4 visit, her third
# episode "her/3 episode", and half a tablet "1/2 1 tablet", with a 1 for the article. The second
# week is the 2nd, and the third time the 3rd. Who counts episodes or doses from such a text finds
# fractions that nobody wrote, and an expression that divides by five. The readme shows "three
# quarters" and no place in a row. Guess before the run: 5th, as for the second, or the words as
# they were. adaroute takes amounts from digits beside a unit and leaves numbers that are written as
# words to the words.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check numerizer==0.2.4 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from numerizer import numerize

print("numerizer", version("numerizer"))
wanted = {
    "two and a half tablets": "2.5 tablets",
    "a quarter of a pill": "1/4 of a pill",
    "the second week": "the 2nd week",
    "third time": "3rd time",
    "her third episode": "her/3 episode",
    "her fifth episode": "her/5 episode",
    "a fourth visit": "1/4 visit",
    "half a tablet": "1/2 1 tablet",
}
for text, expected in wanted.items():
    got = numerize(text)
    print(f"{text:24}{got}")
    assert got == expected, f"numerizer has changed: {text!r} gave {got!r}"
PYTHON
