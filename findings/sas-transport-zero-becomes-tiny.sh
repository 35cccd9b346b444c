#!/usr/bin/env bash
# A zero in a SAS transport file is no longer zero when pandas reads it.
#
# In the transport format (.xpt, version 5) the number 0 is eight bytes of zero. pandas.read_sas turns
# them into 5.397605e-79, the smallest number of the IBM format. pyreadstat reads 0 from the same file.
# On a questionnaire such as the PHQ-9 of NHANES, where 0 is "not at all", the comparison "== 0" then
# finds nobody, "> 0" finds everybody who answered, and the column is no longer one of whole numbers.
# Sums and means are right, so nothing else looks wrong. The file is valid and made here by
# pyreadstat. Open report: pandas-dev/pandas issue 50670 (first told in 30051).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  pandas==3.1.1 numpy==2.4.6 pyreadstat==1.3.7 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import pandas
import pyreadstat

answers = pandas.DataFrame({"DPQ010": [0.0, 1.0, 3.0, 0.0]})
pyreadstat.write_xport(answers, "dpq.xpt", file_format_version=5)
by_pandas = pandas.read_sas("dpq.xpt", format="xport")["DPQ010"]
by_pyreadstat = pyreadstat.read_xport("dpq.xpt")[0]["DPQ010"]
print("pandas", pandas.__version__, "pyreadstat", pyreadstat.__version__)
print("written:    ", list(answers["DPQ010"]))
print("pyreadstat: ", list(by_pyreadstat))
print("pandas:     ", list(by_pandas))
print("people who answered 0:", int((by_pyreadstat == 0).sum()), "and", int((by_pandas == 0).sum()))
assert (by_pyreadstat == 0).sum() == 2, "pyreadstat has changed"
assert (by_pandas == 0).sum() == 0 and 0 < by_pandas[0] < 1e-78, "pandas has changed"
PYTHON
