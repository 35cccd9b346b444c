#!/usr/bin/env bash
# "I don’t feel happy" is a happy text for vaderSentiment, and "I don't feel happy" an unhappy one.
#
# Telephones and word processors write an apostrophe as ’, and so most notes of patients have it. The
# package knows don't, isn't and can't with the straight sign and dont without one; with the curly sign
# they are words like any other, the denial is not seen and the score changes its sign, without a word.
# Two halves of a study, one typed at a desk and one on a phone, are then measured by two scales. An
# issue of 2018 (cjhutto/vaderSentiment 66) asks for it and is open; the readme does not mention it.
# Guess before the run: one score for both. adaroute makes one sign of all apostrophes before it looks
# for words, in its reader of denials as well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  vaderSentiment==3.3.2 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

score = SentimentIntensityAnalyzer().polarity_scores
print("vaderSentiment", version("vaderSentiment"))
for note in ("I don't feel happy", "My sleep isn't good", "I can't enjoy music", "I wasn't calm"):
    straight, curly = (score(text)["compound"] for text in (note, note.replace("'", "’")))
    print(f"{note:20} straight {straight:5.2f}, curly {curly:5.2f}")
    assert straight < 0 < curly, "vaderSentiment has changed"
PYTHON
