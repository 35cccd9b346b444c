#!/usr/bin/env bash
# For fhirpathpy 600 mg and 1,400 mg are 1 g, one pound is one kilogram, and 175 cm are not 1.75 m.
#
# FHIRPath compares amounts across units: 1 'g' = 1000 'mg' is true by its specification, and so it is
# here. But the amount on the left is turned into the unit on the right and rounded to a whole number of
# it, upwards from pounds to kilograms, before the two are compared. So a rule that looks for a dose of
# 1 g finds 600 mg and 1.4 g, one for 0.5 g does not find 500 mg, and turned round all of them answer
# otherwise; 1 pound is 1 kg. Between metres and centimetres nothing is rounded, not even the error of a
# binary fraction: 1.75 m are not 175 cm in either direction. "greater than" is refused with an error.
# The readme tells no limits of units. Guess before the run: true for equal amounts, or an empty answer.
# In adaroute an answer whose unit differs between people is no input, and a line says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check fhirpathpy==2.2.4 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from fhirpathpy import evaluate

wanted = {
    "1 'g' = 1000 'mg'": True,
    "1 'cm' = 10 'mm'": True,
    "100 'mg' = 1 'g'": False,
    "600 'mg' = 1 'g'": True,
    "1400 'mg' = 1 'g'": True,
    "1 'g' = 600 'mg'": False,
    "500 'mg' = 0.5 'g'": False,
    "0.5 'g' = 500 'mg'": True,
    "1 '[lb_av]' = 1 'kg'": True,
    "2 '[lb_av]' = 1 'kg'": True,
    "1.75 'm' = 175 'cm'": False,
    "175 'cm' = 1.75 'm'": False,
}
print("fhirpathpy", version("fhirpathpy"))
for expression, expected in wanted.items():
    got = evaluate({}, expression, {})
    print(f"{expression:24}{got[0]}")
    assert got == [expected], f"fhirpathpy has changed: {expression}"
try:
    evaluate({}, "600 'mg' > 1 'g'", {})
except TypeError as error:
    print("600 'mg' > 1 'g'        refused,", type(error).__name__)
else:
    raise AssertionError("fhirpathpy has changed")
PYTHON
