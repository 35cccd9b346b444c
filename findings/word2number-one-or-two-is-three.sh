#!/usr/bin/env bash
# word2number adds up whatever numbers a phrase has: "one or two drinks" are 3, "five days for three months" 8.
#
# A note says "ten to twelve cigarettes", "one or two drinks", "nineteen ninety nine". word2number takes
# the words that are numbers, leaves out all others, and adds: 22, 3, 1719. "Minus five" is 5, "seven and
# a half" 7. Nothing is refused as long as one word is a number, so that a range, a list and a year become
# one amount that nobody wrote. Guess before the run: an error, or the first of the numbers. adaroute
# takes amounts from digits beside a unit and leaves numbers that are written as words to the words.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check word2number==1.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

from word2number.w2n import word_to_num

seen = {
    "one or two drinks": 3,
    "ten to twelve cigarettes": 22,
    "five days a week for three months": 8,
    "thirty forty": 70,
    "nineteen ninety nine": 1719,
    "minus five": 5,
    "seven and a half": 7,
    "two point five": 2.5,
    "one hundred and five": 105,
}
print("word2number", version("word2number"))
for phrase, number in seen.items():
    got = word_to_num(phrase)
    print(f"{phrase:36}{got}")
    assert got == number, f"word2number has changed: {phrase!r} gave {got}"
PYTHON
