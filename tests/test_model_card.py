"The card beside a model: it follows from model.json, and one that does not is refused."

import json
import warnings

import pytest

from adaroute import AdaRoute
from adaroute.model_card import CARD, fault_of_card, write_card
from adaroute.saving import save_model
from adaroute.serving.plain import load_plain
from adaroute.synthetic import make_cohort

MARKED = "<b>mood|`x`\n# of"


@pytest.fixture(scope="module")
def fitted():
    cohort = make_cohort(90, seed=1)
    frame = cohort.frame.rename(columns={"age": MARKED})
    roles = cohort.schema.roles
    roles["numeric"] = [MARKED if name == "age" else name for name in roles["numeric"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AdaRoute(**roles, members=1, starts=1, steps=20).fit(frame)


@pytest.fixture
def saved(fitted, tmp_path):
    return fitted.save(tmp_path / "model")


@pytest.mark.parametrize("load", [AdaRoute.load, load_plain])
@pytest.mark.parametrize(
    "change, why",
    [
        (lambda t: t.replace("It is not a medical device", "It is a medical device"), "not follow"),
        (lambda t: t.replace("(form 1)", "(form 2)"), "has form 2"),
        (lambda t: t + " ", "not follow"),
        (lambda t: "# A better card", "is not one"),
        (lambda t: "", "is not one"),
        (lambda t: "\udcff", "is not one"),
    ],
)
def test_a_rewritten_card_is_refused_at_both_doors(saved, load, change, why):
    card = change((saved / CARD).read_text())
    (saved / CARD).write_bytes(card.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=why) as error:
        load(saved)
    assert "\n" not in str(error.value) and "better" not in str(error.value)


def test_a_folder_may_lack_a_card_and_its_card_stays_its_own(fitted, saved, tmp_path):
    about = json.loads((saved / "model.json").read_text())
    assert (saved / CARD).read_text() == write_card(about)
    assert (saved / CARD).stat().st_mode & 0o777 == 0o600
    bare = save_model(fitted, tmp_path / "bare", card=False)
    assert not (bare / CARD).exists() and AdaRoute.load(bare).seed == 0
    fitted.save(bare)  # a bare model is replaced by one with a card, and the other way round
    assert AdaRoute.load(bare) and (bare / CARD).exists()
    assert not (save_model(fitted, bare, card=False) / CARD).exists()


def test_names_stay_names_on_the_card(saved):
    card = (saved / CARD).read_text()
    assert "<b>" not in card and "&lt;b&gt;mood\\|\\`x\\` \\# of" in card
    assert card.count("\n# ") == 0 and card.count("\n## ") == 7


def test_any_extras_make_a_card(saved):
    about = json.loads((saved / "model.json").read_text())
    for rows in (None, 3, {}, {"taught": "many", "held": 1}):
        for scores in (None, "x", [], [{"outcome": 1}]):
            odd = about | {"extras": {"rows": rows, "scores": scores, "calibration": 7}}
            card = write_card(odd)
            assert fault_of_card(card.encode(), odd) == "" and "not stored in this folder" in card
