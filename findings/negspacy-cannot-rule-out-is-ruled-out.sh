#!/usr/bin/env bash
# negspacy takes "cannot rule out anxiety" and "does not deny suicidality" for no, and "suicidality denied" for yes.
#
# "Rule out" and "deny" are negations of their own in the clinical list of terms; what stands before them
# is not looked at. So a suspicion that is held up, and a thought that a patient admits to, come out as
# negated, while what is denied behind the word ("suicidality denied", "insomnia is absent") does not.
# "Denies sadness, reports insomnia" negates both, for a comma ends nothing; "but" does. Guess before the
# run: the pseudo-negations of the list would cover the first two, and its following ones the next two.
# adaroute marks words behind a negation up to a comma, and keeps "denied" as a word wherever it stands;
# it makes the first mistake as well, and leaves it to the training rows what a marked word means.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check negspacy==1.1.0 spacy==3.8.18 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import spacy
from negspacy.negation import Negex
from negspacy.termsets import termset

words = spacy.blank("en")
words.add_pipe("sentencizer")
finds = words.add_pipe("entity_ruler")
names = ("anxiety", "sadness", "insomnia", "suicidality")
finds.add_patterns([{"label": "SYMPTOM", "pattern": [{"LOWER": name}]} for name in names])
about = {"neg_termset": termset("en_clinical").get_patterns(), "ent_types": ["SYMPTOM"]}
words.add_pipe("negex", config=about)
seen = {
    "No insomnia.": [True],
    "Denies sadness but reports insomnia.": [True, False],
    "Denies sadness, reports insomnia.": [True, True],
    "Cannot rule out anxiety.": [True],
    "She does not deny suicidality.": [True],
    "Suicidality denied.": [False],
    "Insomnia is absent.": [False],
}
print("negspacy", version("negspacy"), "spacy", version("spacy"))
for note, negated in seen.items():
    got = [found._.negex for found in words(note).ents]
    print(f"{note:40}{got}")
    assert got == negated, f"negspacy has changed: {note!r} gave {got}"
PYTHON
