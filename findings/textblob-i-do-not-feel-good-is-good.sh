#!/usr/bin/env bash
# For TextBlob "I do not feel good" is as good as "I feel good", and "not at all happy" as happy as can be.
#
# TextBlob knows negation: "not happy" is -0.4 where "happy" is 0.8. But only the very next word counts,
# and any word between undoes it: "do not feel good" is 0.7, "not at all happy" 0.8, and "no longer sad"
# as sad as "sad". "Not bad", on the other hand, is good. Words that a clinic lives on have no place in its
# list: "depressed", "hopeless" and "without hope" are 0, as if nothing had been said, "great pain" is 0.8
# and "mild depression" is pleasant. The page on sentiment explains the two numbers and not what is
# negated. Guess before the run: the negation reaches the next word of feeling. adaroute marks the words
# behind a negation up to a comma, and has no list of moods: what a marked word means is learned.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  textblob==0.20.1 nltk==3.10.4 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from textblob import TextBlob

wanted = {
    "I feel good": 0.7,
    "not good": -0.35,
    "I do not feel good": 0.7,
    "happy": 0.8,
    "not happy": -0.4,
    "not at all happy": 0.8,
    "I am sad": -0.5,
    "I am no longer sad": -0.5,
    "depressed": 0.0,
    "hopeless": 0.0,
    "without hope": 0.0,
    "great pain": 0.8,
    "mild depression": 0.33,
}
print(*(f"{n} {version(n)}" for n in ("textblob", "nltk")))
for note, expected in wanted.items():
    got = TextBlob(note).sentiment.polarity
    print(f"{note:22}{got:5.2f}")
    assert abs(got - expected) < 0.01, f"textblob has changed: {note!r} gave {got}"
PYTHON
