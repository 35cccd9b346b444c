#!/usr/bin/env bash
# csvkit makes seven and a half minutes of a night of 7:30, and six minutes of a follow-up after 6m.
#
# csvjson, csvsort, csvstat, csvsql and in2csv settle the type of each column. A column in which every cell
# can be read as a length of time becomes one, and two numbers with a colon are minutes and seconds to
# pytimeparse behind it: 7:30 of sleep comes out as 0:07:30, 6:45 as 0:06:45, and csvstat says that people
# sleep seven minutes. -1:30, an hour and a half less than before, is written "-1 day, 23:58:30". "m" is a
# minute, so that visits named 3m, 6m and 12m are three, six and twelve minutes; with "baseline" among
# them the column stays text. Nothing is said. pytimeparse's readme has an option for hours and minutes;
# agate does not set it, and csvkit's pages do not say what a colon means (an entry of agate's tracker
# on times of day is closed as not to be settled). -I keeps the text. Guess before the run: text,
# or hours and minutes, as a spreadsheet takes 7:30. adaroute takes such a cell for hours and minutes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --prefer-binary \
  csvkit==2.2.0 agate==1.14.2 pytimeparse==1.1.10 2>/dev/null
cat > "$folder/nights.csv" <<'CSV'
id,slept,change,visit
1,7:30,-1:30,3m
2,6:45,0:15,6m
3,8:00,1:00,12m
CSV
got=$("$folder/env/bin/csvjson" "$folder/nights.csv" 2>"$folder/said")
mean=$("$folder/env/bin/csvstat" --mean -c slept "$folder/nights.csv" 2>>"$folder/said")
kept=$("$folder/env/bin/csvjson" -I "$folder/nights.csv")
"$folder/env/bin/pip" freeze | grep -E '^(csvkit|agate|pytimeparse)=='
printf '%s\n' "$got" "mean of slept: $mean" "warnings: $(wc -l < "$folder/said")" "with -I: $kept"
GOT=$got MEAN=$mean KEPT=$kept "$folder/env/bin/python" - <<'PYTHON'
import json
import os

got, kept = (json.loads(os.environ[name]) for name in ("GOT", "KEPT"))
assert [row["slept"] for row in kept] == ["7:30", "6:45", "8:00"]
assert [row["slept"] for row in got] == ["0:07:30", "0:06:45", "0:08:00"], "csvkit has changed"
assert [row["visit"] for row in got] == ["0:03:00", "0:06:00", "0:12:00"], "csvkit has changed"
assert got[0]["change"] == "-1 day, 23:58:30", "csvkit has changed"
assert os.environ["MEAN"] == "0:07:25", "csvkit has changed"
PYTHON
[ ! -s "$folder/said" ]
