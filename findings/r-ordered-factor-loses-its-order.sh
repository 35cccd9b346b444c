#!/usr/bin/env bash
# An ordered categorical that rdata writes to an .rds is no longer ordered, for R and for rdata itself.
#
# rdata reads R's ordered factors as ordered categoricals of pandas. The way back loses the order:
# write_rds gives the column the class "factor" alone, without "ordered", and says nothing. Who writes
# "Not at all < Several days < Nearly every day" from Python reads an unordered factor afterwards, and
# a comparison with "<" fails or, in R, a model takes dummies where it took a trend. The levels keep
# their places; only the statement that they have an order is gone. One search of stored issue
# threads found no report of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  rdata==1.1.0 pandas==3.1.1 numpy==2.4.6 xarray==2026.9.0 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import pandas
import rdata

levels = ["Not at all", "Several days", "Nearly every day"]
written = pandas.Categorical(["Several days", "Not at all"], levels, ordered=True)
rdata.write_rds("answers.rds", pandas.DataFrame({"phq1": written}))
column = rdata.parser.parse_file("answers.rds").object.value[0]
pair, classes = column.attributes, []
while pair is not None and isinstance(pair.value, tuple):
    if pair.tag.value.value == b"class":
        classes = [word.value.decode() for word in pair.value[0].value]
    pair = pair.value[1]
read = rdata.read_rds("answers.rds")["phq1"].dtype
print("rdata", rdata.__version__, "pandas", pandas.__version__)
print("written: ordered =", written.ordered)
print("class in the file:", classes)
print("read back: ordered =", read.ordered, "levels", list(read.categories))
assert written.ordered and classes == ["factor"] and not read.ordered, "rdata has changed"
PYTHON
