#!/usr/bin/env bash
# A missing answer that rdata writes into a factor is the last level when rdata reads the file again.
#
# R keeps the missing cells of a factor as NA, the smallest 32-bit integer. rdata.write_rds writes 0
# instead, the code of pandas plus one, and says nothing. R and pyreadr find no level of that number.
# rdata itself takes the level before the first one, which in Python is the last: who left a question of
# the PHQ-9 out has answered "Nearly every day". Guess before the run: missing, as in a column of words.
# In adaroute a factor's code is looked up among its levels, so that 0 is missing there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  rdata==1.1.0 pandas==3.1.1 numpy==2.4.6 xarray==2026.9.0 pyreadr==0.5.8 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import pandas
import pyreadr
import rdata

levels = ["Not at all", "Several days", "Nearly every day"]
written = pandas.Categorical(["Not at all", None, "Several days"], levels)
rdata.write_rds("answers.rds", pandas.DataFrame({"phq1": written}))
codes = rdata.parser.parse_file("answers.rds").object.value[0].value
by_rdata = rdata.read_rds("answers.rds")["phq1"].tolist()
by_pyreadr = pyreadr.read_r("answers.rds")[None]["phq1"].tolist()
print(*(f"{name} {version(name)}" for name in ("rdata", "pyreadr", "pandas")))
print("written:       ", written.tolist())
print("codes in file: ", list(codes))
print("pyreadr reads: ", by_pyreadr)
print("rdata reads:   ", by_rdata)
assert list(codes) == [1, 0, 2] and pandas.isna(by_pyreadr[1]), "rdata's file has changed"
assert by_rdata[1] == "Nearly every day", "rdata's reading has changed"
PYTHON
