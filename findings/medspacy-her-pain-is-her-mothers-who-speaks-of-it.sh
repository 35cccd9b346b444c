#!/usr/bin/env bash
# For medspaCy a patient's pain is her mother's, where it is the mother who tells of it.
#
# The ConText rules of medspaCy mark whether a finding is denied, past, supposed or somebody else's.
# A word for a relative makes everything up to the end of the sentence the relative's: in "her
# mother says that the pain is worse" and "brought by her son with self-harm" the finding belongs to
# the family, as it does in "mother died last year, depression since". Whoever counts the findings
# of patients leaves out those that were told by others, which are those of children, of the old and
# of the very ill. "History of depression, now anxiety" makes the anxiety past. A true history in
# the family ("mother had depression") is marked alike, so that nothing tells the two apart. Rules
# may be edited; the notebook on ConText shows relatives who had something. Guess before the run:
# hers, since somebody says so of her. adaroute marks denials alone, and learns what a word beside
# "mother" is worth.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check medspacy==1.3.1 spacy==3.7.5 \
  2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import medspacy  # noqa: F401
import spacy
from medspacy.target_matcher import TargetRule

reader = spacy.blank("en")
reader.add_pipe("sentencizer")
words = ("depression", "anxiety", "pain", "self-harm")
reader.add_pipe("medspacy_target_matcher").add([TargetRule(word, "FOUND") for word in words])
reader.add_pipe("medspacy_context")
marks = {"is_family": "the family's", "is_historical": "past", "is_negated": "denied"}
wanted = {
    "She has pain.": ["pain: hers"],
    "Her mother had depression.": ["depression: the family's"],
    "Her mother says that the pain is worse.": ["pain: the family's"],
    "Brought by her son with self-harm.": ["self-harm: the family's"],
    "Mother died last year, depression since.": ["depression: the family's"],
    "History of depression, now anxiety.": ["depression: past", "anxiety: past"],
}
print(*(f"{name} {version(name)}" for name in ("medspacy", "spacy")))
for text, expected in wanted.items():
    got = []
    for found in reader(text).ents:
        said = [word for mark, word in marks.items() if getattr(found._, mark)]
        got.append(f"{found.text}: {', '.join(said) or 'hers'}")
    print(f"{text:42}", *got, sep="  ")
    assert got == expected, f"medspaCy has changed: {text!r} gave {got}"
PYTHON
