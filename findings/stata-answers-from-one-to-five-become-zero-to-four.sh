#!/usr/bin/env bash
# Reading a .dta and writing it again with pandas lowers every labelled answer by one.
#
# The K10 is coded from 1, "None of the time", to 5. pandas.read_stata makes an ordered categorical of
# the labels and forgets the codes; to_stata numbers the categories from 0. The labels stay in place, so
# the file looks the same in Stata's browser, but sums, cut-offs and models work on codes: ten items
# give 0 to 40 where the scale has 10 to 50, and "30 and more" finds fewer people. A level that nobody
# chose is dropped on the way, label and all, and those above it move down by one more. There is no
# warning. pandas' guide says that codes are exported, not that those of the file are gone. Guess before
# the run: a round trip. `adaroute score` sees that the answers begin at 0, reads them as from 1 and
# says so; that a level has closed up nobody can see in the new file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  pandas==3.1.1 numpy==2.4.6 pyreadstat==1.3.7 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import warnings

import pandas
import pyreadstat

labels = ["None of the time", "A little", "Some", "Most", "All of the time"]
answers = pandas.DataFrame({"k10_1": [1, 2, 3, 4, 5], "k10_2": [1, 2, 4, 4, 5]})
named = dict.fromkeys(answers, dict(enumerate(labels, 1)))
pyreadstat.write_dta(answers, "before.dta", variable_value_labels=named)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    pandas.read_stata("before.dta").to_stata("after.dta", write_index=False)
print("pandas", pandas.__version__, "pyreadstat", pyreadstat.__version__)
read = {}
for name in ("before", "after"):
    table, facts = pyreadstat.read_dta(f"{name}.dta")
    read[name] = table
    print(f"{name}: {table.to_dict('list')}, labels of k10_2 {facts.variable_value_labels['k10_2']}")
print("warnings:", len(said))
assert read["before"].eq(answers).all(axis=None)
assert read["after"]["k10_1"].tolist() == [0, 1, 2, 3, 4] and not said, "pandas has changed"
assert read["after"]["k10_2"].tolist() == [0, 1, 2, 2, 3], "pandas has changed"
PYTHON
