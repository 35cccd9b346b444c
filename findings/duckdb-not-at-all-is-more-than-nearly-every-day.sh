#!/usr/bin/env bash
# For DuckDB "Not at all" is more than "More than half the days" when a filter compares ordered answers.
#
# An ordered categorical of pandas reaches DuckDB as an ENUM, which keeps the order: ORDER BY, min and max
# follow it, and so does a comparison of two such columns. A comparison with text in quotes does not: it
# makes text of the column and goes by the alphabet. "answer >= 'More than half the days'" finds
# everybody, the well included, in a query whose ORDER BY is right; from 'Several days' on it loses those
# who are worst off. No warning; a label that does not exist is taken as well. The guide says that an ENUM
# becomes text where needed; pull request 19345 of duckdb/duckdb shows it and issue 16623 is open. pandas,
# polars and PostgreSQL go by the order. Guess before the run: the order. adaroute makes numbers of
# ordered answers, in the order of the levels.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  duckdb==2.0.1 pandas==3.1.1 numpy==2.4.6 polars==2.1.0 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import duckdb
import pandas
import polars

levels = ["Not at all", "Several days", "More than half the days", "Nearly every day"]
kind = pandas.CategoricalDtype(levels, ordered=True)
people = pandas.DataFrame({"answer": pandas.Series(levels, dtype=kind)})


def ask(query):
    return [row[0] for row in duckdb.sql(query).fetchall()]


names = ("duckdb", "pandas", "polars")
print(*(f"{name} {version(name)}" for name in names))
column = duckdb.sql("from people").types[0]
print("the column in DuckDB:", str(column)[:4], ask("select answer from people order by answer"))
got = ask("select answer from people where answer >= 'More than half the days' order by answer")
cast = ask(f"select answer from people where answer >= 'More than half the days'::{column} order by answer")
wrong = ask("select answer from people where answer >= 'More often' order by answer")
by_pandas = people.loc[people["answer"] >= "More than half the days", "answer"].tolist()
series = polars.Series(levels, dtype=polars.Enum(levels))
by_polars = series.filter(series >= "More than half the days").to_list()
print("at least more than half the days, DuckDB:", got)
print("with the text cast to the type, DuckDB:  ", cast)
print("pandas:", by_pandas, " polars:", by_polars)
print("at least 'More often', which is no level:", wrong)
assert by_pandas == by_polars == cast == levels[2:]
assert got == [level for level in levels if level >= "More than half the days"], "DuckDB has changed"
assert "Not at all" in got and wrong, "DuckDB has changed"
PYTHON
