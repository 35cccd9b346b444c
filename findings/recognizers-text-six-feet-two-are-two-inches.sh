#!/usr/bin/env bash
# For Recognizers-Text a height of 6 ft 2 in is two inches, and a weight of 12 st 4 lb four pounds.
#
# recognize_dimension finds amounts with their units in a text. Heights and weights in two units are
# how people in Britain and America write them. It finds the second half alone: 6 ft 2 in is 2
# inches, 12 st 4 lb 4 pounds, and a person of 5 stone more weighs the same. Of "1 m 70" it keeps
# the metre, and "twice daily" is every day for recognize_datetime, "3 times a week" a length of one
# week. Each answer looks sound by itself, with value and unit. "170 cm", "72 inches", "7.5mg" and
# "1/2 mg" are right, "50 mcg" and "half an hour" are not found, which is seen. Guess before the
# run: both halves, or an amount in one unit. adaroute takes amounts from digits beside a unit as
# well, one of each unit: of these two the six feet, and the four pounds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  recognizers-text-number-with-unit==1.0.2a2 recognizers-text-date-time==1.0.2a2 emoji==1.7.0 \
  2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import datetime
from importlib.metadata import version

from recognizers_date_time import recognize_datetime
from recognizers_number_with_unit import recognize_dimension
from recognizers_text import Culture

print("recognizers-text-number-with-unit", version("recognizers-text-number-with-unit"))
wanted = {
    "He is 170 cm": [("170", "Centimeter")],
    "takes 7.5mg": [("7.5", "Milligram")],
    "takes 1/2 mg": [("0.5", "Milligram")],
    "He is 6 ft 2 in": [("2", "Inch")],
    "He weighs 12 st 4 lb": [("4", "Pound")],
    "He weighs 17 st 4 lb": [("4", "Pound")],
    "He is 1 m 70": [("1", "Meter")],
}
for text, expected in wanted.items():
    found = recognize_dimension(text, Culture.English)
    got = [(part.resolution["value"], part.resolution["unit"]) for part in found]
    print(f"{text:22}", *(f"{value} {unit}" for value, unit in got))
    assert got == expected, f"Recognizers-Text has changed: {text!r} gave {got}"
day = datetime.datetime(2026, 6, 15, 12)
for text, expected in {
    "every 8 hours": ["PT8H"],
    "every other day": ["P2D"],
    "twice daily": ["P1D"],
    "3 times a week": ["P1W"],
}.items():
    found = recognize_datetime(text, Culture.English, reference=day)
    got = [part.resolution["values"][0]["timex"] for part in found]
    print(f"{text:22}", *got)
    assert got == expected, f"Recognizers-Text has changed: {text!r} gave {got}"
PYTHON
