"One name for a level and for a person, whichever door a table comes in by."

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaroute import AdaRoute
from adaroute.checks import SchemaError, name_level, name_people
from adaroute.command.common import read_owners
from adaroute.datasets import folds
from adaroute.evaluation.metrics import number_groups
from adaroute.evaluation.verdict import number_persons
from adaroute.fitting import trainable_rows
from adaroute.model import Design
from adaroute.schema import Schema, read
from adaroute.tables import TableError, read_table

SCHEMA = Schema(categorical=["site"], tasks={"y": "regression"})


def python_door(cells):
    "The levels of a column that came as a frame."
    frame = pd.DataFrame({"site": pd.Series(cells, dtype=object)})
    return read(frame, SCHEMA, outcomes=False).categorical[:, 0].tolist()


def file_door(cells, folder, ending="csv"):
    "The levels of a column that came as a file."
    path = folder / f"t.{ending}"
    frame = pd.DataFrame({"site": cells, "y": 0})
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    got = read_table(path, numeric=(), categorical="site")
    return read(got, SCHEMA, outcomes=False).categorical[:, 0].tolist()


SHAPES = [2, 2.0, "2", " 2 ", "2.0", "2.00", np.int8(2), np.float32(2), Decimal("2.0")]


def test_a_number_has_one_name_whatever_its_shape(tmp_path):
    assert set(python_door(SHAPES)) == {"2"}
    assert set(file_door(pd.Series(SHAPES, dtype=object), tmp_path)) == {"2"}


def test_a_blank_cell_changes_no_level(tmp_path):
    whole = file_door([2, 3, 2], tmp_path)
    gap = file_door([2, 3, None], tmp_path)  # which pandas writes as 2.0, 3.0
    assert whole == ["2", "3", "2"] and gap == ["2", "3", None]
    assert file_door([2.0, None, 3.0], tmp_path, "parquet") == ["2", None, "3"]


def test_a_truth_value_is_a_word_in_both_doors(tmp_path):
    assert python_door([True, np.True_, 1, "True"]) == ["True", "True", "1", "True"]
    assert file_door([True, False], tmp_path) == file_door([True, False], tmp_path, "parquet")
    assert file_door([True, False], tmp_path) == python_door([True, False])


plain = st.one_of(
    st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6, allow_subnormal=False), st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(plain, min_size=1, max_size=6), blank=st.booleans())
def test_both_doors_give_the_same_names(cells, blank, tmp_path_factory):
    folder = tmp_path_factory.mktemp("doors")
    cells = pd.Series(cells + [None] * blank, dtype=object)
    assert file_door(cells, folder) == python_door(cells)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=8))
def test_naming_twice_changes_nothing_and_blanks_do_not_count(word):
    name = name_level(word)
    assert name_level(name) == name == name_level(f" {word}\t")


@pytest.mark.parametrize("cell", ["007", "1e3", "+1", "1,5", "1.", ".5", "A 1.0", "--"])
def test_what_is_no_plain_number_stays(cell):
    assert name_level(cell) == cell


def test_an_integer_of_many_digits_is_a_level():
    assert python_door([10**400, 1]) == ["1" + "0" * 400, "1"]
    assert len(python_door([10**5000])[0]) == 5001
    assert python_door([Fraction(1, 3)]) == ["1/3"]
    with pytest.raises(SchemaError, match="infinite"):
        python_door([np.inf])


def test_levels_of_a_saved_model_are_read_by_the_rule_it_was_trained_with(tmp_path):
    rng = np.random.default_rng(0)
    site = np.array(["2.0", "3.0", " x"])[np.arange(60) % 3]
    y = (site == "3.0") + rng.normal(size=60) / 9
    frame = pd.DataFrame({"age": rng.normal(size=60), "site": site, "y": y})
    model = AdaRoute(numeric="age", categorical="site", tasks={"y": "regression"})
    model.set_params(routes=["N1/STL"], members=1, starts=1, steps=150).fit(frame)
    assert model.encoder_.parts["levels"]["levels"] == [["2", "3", "x"]]
    again = AdaRoute.load(model.save(tmp_path / "m"))
    assert again.schema_.naming == 2
    typed = frame.assign(site=frame.site.map({"2.0": 2, "3.0": 3.0, " x": "x"}).astype(object))
    assert again.predict(typed).equals(model.predict(frame))
    about = (tmp_path / "m" / "model.json").read_text()
    assert '"format": 3' in about


@pytest.mark.parametrize("labels", [["K01 ", "K01", "k2"], [7, "7.0", " 7"], [1.0, "1", "01"]])
def test_a_person_has_one_name(labels):
    names = name_people(labels)
    frame = pd.DataFrame({"who": pd.Series(labels, dtype=object)})
    assert names.tolist() == read_owners(frame, "who").tolist()
    assert names[0] == names[1]
    assert number_groups(labels, 3)[0] == number_groups(labels, 3)[1]
    assert number_persons(labels, 3)[0] == number_persons(labels, 3)[1]


def test_no_person_stands_on_both_sides_of_a_split():
    labels = np.array([f"K{i // 2:02d}" + " " * (i % 2) for i in range(40)], object)
    whole = np.arange(40) // 2
    for train, test in folds(labels, 5):
        assert not set(whole[train]) & set(whole[test])
    frame = pd.DataFrame({"site": ["a", "b"] * 20, "y": np.arange(40.0)})
    _, owners, _ = trainable_rows(read(frame, SCHEMA), Design(), labels)
    assert owners.tolist() == whole.tolist()


@pytest.mark.parametrize("nobody", ["NA", "n/a", " ", "", None, np.nan, pd.NA, "null"])
def test_a_row_of_nobody_is_refused_in_both_doors(nobody):
    labels = ["a", "b", nobody, nobody]
    with pytest.raises(ValueError, match="got 2 missing, the first in row 2"):
        name_people(labels)
    with pytest.raises(TableError, match="data row 3: expected whose row it is, got nothing"):
        read_owners(pd.DataFrame({"who": labels}), "who")
    with pytest.raises(ValueError, match="missing"):
        folds(labels, 2)


def test_owners_that_an_earlier_version_filed_keep_their_names():
    frame = pd.DataFrame({"who": ["K01", "K01 ", "NA"]})
    assert read_owners(frame, "who", naming=1).tolist() == ["K01", "K01 ", "NA"]
