#!/usr/bin/env bash
# Fifty micrograms in plain letters are 50 mg for Unidecode and its kin, and 50 g for scikit-learn.
#
# Unicode has two signs for micro that look alike: the micro sign of many keyboards, and the Greek letter mu,
# which Unicode prefers and formulas and web pages have. Unidecode, text-unidecode, anyascii and clean-text
# make u of the first and m of the second: 50 ug of thyroxine, and 50 mg. Compatibility forms (NFKC, NFKD),
# which tokenizers and cleaners take first, make the second of the first, so that a step that is right alone
# is wrong by a thousand behind another; python-slugify does both in one and knows no ug. What drops letters
# outside of ASCII goes further: strip_accents="ascii" of scikit-learn's vectorizers, as the idiom of NFKD
# and encode("ascii", "ignore"), leaves 50 g. All three are doses, and nothing is said. Unidecode's tracker
# has it, and will not change it (avian2/unidecode 65): a Greek letter has to be m. Guess before the run: ug,
# or an unknown sign. adaroute takes the two signs for one, and a test holds that they give one amount.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  Unidecode==1.4.0 text-unidecode==1.3 anyascii==0.3.3 clean-text==0.7.1 python-slugify==9.2.0 \
  scikit-learn==1.9.1 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" -W ignore::SyntaxWarning - <<'PYTHON'
import unicodedata
import warnings
from importlib.metadata import version

import anyascii
import cleantext
import slugify
import text_unidecode
import unidecode
from sklearn.feature_extraction.text import CountVectorizer

signs = {"micro sign": "\N{MICRO SIGN}", "Greek mu": "\N{GREEK SMALL LETTER MU}"}
tools = {
    "Unidecode": unidecode.unidecode,
    "text-unidecode": text_unidecode.unidecode,
    "anyascii": anyascii.anyascii,
    "clean-text": cleantext.clean,
    "python-slugify": lambda text: slugify.slugify(text, separator=" "),
    "NFKC, Unidecode": lambda text: unidecode.unidecode(unicodedata.normalize("NFKC", text)),
    "scikit-learn ascii": CountVectorizer(strip_accents="ascii").build_preprocessor(),
}
got = {}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name, change in tools.items():
        got[name] = [change(f"thyroxine 50 {sign}g") for sign in signs.values()]
        print(f"{name:20}" + ", ".join(f"{sign}: {text}" for sign, text in zip(signs, got[name])))
packages = ("Unidecode", "text-unidecode", "anyascii", "clean-text", "python-slugify", "scikit-learn")
print(*(f"{name} {version(name)}" for name in packages), "warnings:", len(said))
micro, milli, gram = ("thyroxine 50 " + unit for unit in ("ug", "mg", "g"))
for name in packages[:4]:
    assert got[name] == [micro, milli], f"{name} has changed"
for name in ("python-slugify", "NFKC, Unidecode"):
    assert got[name] == [milli, milli], f"{name} has changed"
assert got["scikit-learn ascii"] == [gram, gram], "scikit-learn has changed"
assert not said
PYTHON
