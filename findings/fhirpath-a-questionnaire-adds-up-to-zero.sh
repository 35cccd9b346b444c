#!/usr/bin/env bash
# For fhirpathpy the answers of a questionnaire add up to 0, and an answer of no is "all true".
#
# In FHIR's JSON an answer is called valueInteger or valueBoolean, and FHIRPath asks for it as "value".
# fhirpathpy knows that only if a model of FHIR is handed over as the fourth argument. Without it nobody
# has answered: exists() is false, sum() is 0 and allTrue() true, by the rules for empty collections, and
# a person with a PHQ-9 of 5 scores like a healthy one. With the model, sum() and max() stop with a
# TypeError, which is when people take it away again; aggregate($this + $total, 0) adds up. The readme
# says that a model can be passed, not what comes without one. Guess before the run: 5 in both ways, or
# an error without a model. adaroute reads value[x] of a QuestionnaireResponse itself, and an item that
# nobody answered is missing there, not 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check fhirpathpy==2.2.4 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from fhirpathpy import evaluate
from fhirpathpy.models import models

answers = {
    "phq1": {"valueInteger": 2},
    "phq2": {"valueInteger": 3},
    "lives": {"valueBoolean": False},
}
response = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "item": [{"linkId": name, "answer": [said]} for name, said in answers.items()],
}
phq = "item.where(linkId.startsWith('phq')).answer"
lives = "item.where(linkId='lives').answer.value"
wanted = {  # what comes without a model, and with the one for R4
    f"{phq}.value.exists()": ([False], [True]),
    f"{phq}.value.sum()": ([0], "TypeError"),
    f"{phq}.value.max()": ([], "TypeError"),
    f"{phq}.value.aggregate($this + $total, 0)": ([0], [5]),
    f"{lives}.allTrue()": ([True], [False]),
}


def ask(expression, *model):
    try:
        return evaluate(response, expression, {}, *model)
    except TypeError:
        return "TypeError"


print("fhirpathpy", version("fhirpathpy"))
for expression, expected in wanted.items():
    got = ask(expression), ask(expression, models["r4"])
    print(f"{expression}: without a model {got[0]}, with R4 {got[1]}")
    assert got == expected, f"fhirpathpy has changed: {expression}"
PYTHON
