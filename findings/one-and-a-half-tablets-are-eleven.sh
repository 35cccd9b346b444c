#!/usr/bin/env bash
# "1½ tablets" are eleven halves, or 11 tablets, to whatever takes compatibility forms or plain letters of a note.
#
# Unicode's compatibility forms (NFKC and NFKD) write ½ as 1⁄2 and a raised 9 as 9, without a space. So
# "1½ tablets" become "11⁄2 tablets", "2¼ mg" 21⁄4, and leukocytes of 5.2 × 10⁹/L are 5.2 × 109/L. The
# forms are applied in passing: scikit-learn's strip_accents="unicode", which people set for umlauts,
# counts the words "11" and "109"; tokenizers' NFKC and the plain letters of anyascii and text-unidecode
# do the same. Unidecode puts a space before the fraction, and ftfy leaves it alone. scikit-learn says
# "NFKD normalization" and "remove accents", not that a dose changes. Guess before the run: 1 1/2.
# adaroute takes NFC, and strips accents without compatibility forms: both leave ½ and ⁹ as they are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 tokenizers==0.23.3 anyascii==0.3.3 \
  text-unidecode==1.3 Unidecode==1.4.0 ftfy==6.3.1 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import anyascii
import ftfy
import text_unidecode
import unidecode
from sklearn.feature_extraction.text import CountVectorizer
from tokenizers import normalizers

notes = ("1½ tablets", "2¼ mg", "5.2 × 10⁹/L")


def count_words(note):
    return " ".join(sorted(CountVectorizer(strip_accents="unicode").fit([note]).vocabulary_))


ways = {
    "scikit-learn": (count_words, ("11 tablets", "21 mg", "109")),
    "tokenizers": (normalizers.NFKC().normalize_str, ("11⁄2 tablets", "21⁄4 mg", "5.2 × 109/L")),
    "anyascii": (anyascii.anyascii, ("11/2 tablets", "21/4 mg", "5.2 * 109/L")),
    "text-unidecode": (text_unidecode.unidecode, ("11/2 tablets", "21/4 mg", "5.2 x 109/L")),
    "Unidecode": (unidecode.unidecode, ("1 1/2 tablets", "2 1/4 mg", "5.2 x 109/L")),
    "ftfy": (ftfy.fix_text, notes),
}
for name, (way, wanted) in ways.items():
    got = tuple(map(way, notes))
    print(f"{name} {version(name)}: {'; '.join(got)}")
    assert got == wanted, f"{name} has changed: {got}"
PYTHON
