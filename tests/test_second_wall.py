"""The cheats of somebody who owns the run folder: after each of them manifest, chain and statement are
put right again, so that nothing shows but the cheat itself."""

import hashlib
import json
import shutil
import unicodedata
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from adaroute.estimator import AdaRoute
from adaroute.lab.cheats import CHEATS
from adaroute.lab.liar import cheat_world
from adaroute.provenance.attestation import make_statement, subject_digests
from adaroute.provenance.commitment import canonical_json, canonical_records, commit_records
from adaroute.provenance.ledger import Ledger
from adaroute.provenance.plan import file_plan, plan_config, save_leaves, save_nonce, save_plan
from adaroute.provenance.published import score_outcomes, select_test, state_claims
from adaroute.provenance.run_folder import RunFolder
from adaroute.provenance.transcript import fit_under_plan, short_digests
from adaroute.provenance.verify import verify_run
from adaroute.schema import Schema, read
from adaroute.synthetic import make_cohort
from rechain import NONCE, lines_of, parameters, rechain, sum_of
from tiny_verifier import judge

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")
KEY = bytes(range(32))
GROUPS = [f"p{i // 2}" for i in range(60)]


class Home:
    "An honest run, its plan as filed, its table and its ledger."

    def __init__(self, place: Path, **how):
        cohort = make_cohort(60, seed=100)
        self.place, self.frame, self.schema = place, cohort.frame, cohort.schema
        config = plan_config(AdaRoute(**parameters(cohort, **dict(steps=20) | how)))
        self.plan, filed = file_plan(self.frame, cohort.schema, KEY, config, groups=GROUPS)
        self.run, self.filed = place / "run", place / "filed"
        save_plan(self.plan, self.filed)
        save_leaves(filed, self.filed)
        fit_under_plan(self.frame, self.plan, NONCE, self.run, groups=GROUPS)
        self.state(self.run)

    def copy(self, folder: Path) -> Path:
        return Path(shutil.copytree(self.run, folder / "run"))

    def state(self, folder: Path, **change) -> None:
        "Write the statement of a run."
        (folder / "statement.json").unlink(missing_ok=True)
        run = RunFolder.open(folder)
        test = select_test(run)
        scores = {}
        with suppress(ValueError):  # of a model that cannot be asked
            scores = score_outcomes(run.model, self.frame[test]) if run.model else {}
        claims = state_claims(run.plan, run.nonce, run.head, int(test.sum()), scores)
        files = {n: sum_of(folder / "model" / n) for n in sorted(MODEL_FILES)}
        subjects = {f"model/{n}": digest for n, digest in files.items()}
        statement = make_statement(subjects, claims | change)
        (folder / "statement.json").write_text(canonical_json(statement))

    def seal(self, folder: Path, **change) -> Path:
        "Make manifest, last line, chain and statement those of the model as it lies there."
        model = folder / "model"
        seal_weights(model)
        sums = {n: sum_of(model / n) for n in ("model.json", "weights.safetensors")}
        (model / "manifest.json").write_text(json.dumps(sums, indent=1, sort_keys=True))
        lines = lines_of(folder)
        lines[-1]["files"] = sums
        rechain(lines, folder)
        self.state(folder, **change)
        return folder

    def audit(self, folder: Path, **how):
        how = dict(filed=self.filed) | how
        return verify_run(folder, self.frame, KEY, None, GROUPS, **how)

    def book(self, place: Path, root=None) -> Path:
        "A ledger of the honest run."
        book, plan, run = Ledger(place / "book.jsonl"), self.plan, RunFolder.open(self.run)
        scores = json.loads((self.run / "statement.json").read_text())["predicate"]["scores"]
        book.append("commitment", plan=plan.digest, root=root or plan.commitment["root"])
        book.append("nonce", plan=plan.digest, value=NONCE.value, source=NONCE.source)
        book.append("result", plan=plan.digest, transcript=run.head, scores=scores)
        return book.path


MODEL_FILES = ("model.json", "weights.safetensors", "manifest.json")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("wall"))


def seal_weights(model):
    "Give the weights the digest of model.json, unless they carry a remark of the cheat's own."
    file, seal = model / "weights.safetensors", {"model.json": sum_of(model / "model.json")}
    content = file.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    if set(header.get("__metadata__", seal)) == set(seal):
        file.write_bytes(save(load(content), seal))


def edit_model(folder, change):
    file = folder / "model/model.json"
    about = json.loads(file.read_text())
    change(about)
    file.write_text(json.dumps(about, indent=1))


def edit_weights(folder, change, metadata=None):
    file = folder / "model/weights.safetensors"
    tensors = load(file.read_bytes())
    change(tensors)
    file.write_bytes(save(tensors, metadata))


def refresh_finished(folder):
    "Let the line `finished` tell of the weights as they lie there."
    tensors = load((folder / "model/weights.safetensors").read_bytes())
    lines = lines_of(folder)
    for line in lines:
        if line["kind"] == "finished":
            path = line["run"].removeprefix("spare ")
            start = "model." if path == "main" else f"model.spares.{path}."
            own = [(n.removeprefix(start), t) for n, t in tensors.items() if n.startswith(start)]
            own = [(n, t) for n, t in own if path != "main" or not n.startswith("spares.")]
            line["weights"] = short_digests(_Named(own))
    rechain(lines, folder)


class _Named:
    def __init__(self, named):
        self.named = named

    def named_parameters(self):
        return self.named


def claim_another_machine(folder):
    lines = lines_of(folder)
    lines[1] |= dict(probe="0" * 16, capability="OTHER")
    rechain(lines, folder)


def test_the_honest_run_is_verified(home, tmp_path):
    "Also as a Mac copies it, with a file of its own beside every one, and with a ledger."
    folder = home.copy(tmp_path)
    for name in ("model/._model.json", "segments/._x", "._transcript.jsonl", "model/.DS_Store"):
        (folder / name).write_bytes(b"from a Mac")
    found = home.audit(folder, ledger=home.book(tmp_path))
    assert found.status == 0, [str(c) for c in found.failed]
    assert found.sentence.startswith("Verified") and found.behind["in_all"]["commitments"] == 1


# model.json beside the weights. Level 0 sees what no training writes; re-execution sees the rest.

FOREIGN = {
    "calibration": lambda m: m["extras"].update(calibration=dict(scores=[0.05], coverage=0.9)),
    "a remark": lambda m: m["extras"].update(note="trained on five hospitals"),
    "a field of its own": lambda m: m.update(reviewed_by="the ethics board"),
    "a parameter of the fit": lambda m: m["params"].update(progress=True),
    "the design": lambda m: m["design"].update(start="zero"),
    "a fallback that is no number": lambda m: m.update(fallback=[float("nan")] * 2),
    "what a fit to arrays remembers": lambda m: m["arrays"].update(array_=True),
}
ANOTHER = {
    "fallback": lambda m: m.update(fallback=[99.0 for _ in m["fallback"]]),
    "the error that was reached": lambda m: m.update(validation_error=[0.01]),
    "the error by a little": lambda m: m.update(
        validation_error=[x * 0.999 for x in m["validation_error"]]
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_no_training_writes_into_a_model(home, tmp_path, name):
    folder = home.copy(tmp_path)
    edit_model(folder, FOREIGN[name])
    found = verify_run(home.seal(folder))  # the folder alone
    assert found.status == 1 and "model fields" in [c.name for c in found.failed] + [
        "model fields" for c in found.failed if c.name == "model files"
    ]


@pytest.mark.parametrize("elsewhere", (False, True))
@pytest.mark.parametrize("name", ANOTHER)
def test_fields_of_a_model_that_hang_on_table_and_training(home, tmp_path, name, elsewhere):
    folder = home.copy(tmp_path)
    edit_model(folder, ANOTHER[name])
    if elsewhere:
        claim_another_machine(folder)
    home.seal(folder)
    assert not verify_run(folder, filed=home.filed).failed
    found = home.audit(folder)
    assert found.status == 1 and "final model" in [c.name for c in found.failed]
    assert found.named == "gluing"


def double_key(folder):
    file = folder / "model/model.json"
    text = file.read_text()
    file.write_text('{\n "fallback": [99.0, 99.0],' + text[1:])


SPELLINGS = {
    "a key that stands twice": double_key,
    "another coding of the letters": lambda folder: (folder / "model/model.json").write_bytes(
        (folder / "model/model.json").read_text().encode("utf-16")
    ),
    "a remark in the header of the weights": lambda folder: edit_weights(
        folder, dict.items, dict(trained_on="five hospitals")
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_model_that_the_next_reader_reads_otherwise(home, tmp_path, name):
    folder = home.copy(tmp_path)
    SPELLINGS[name](folder)
    found = verify_run(home.seal(folder))
    assert found.status == 1 and "model fields" in [c.name for c in found.failed]


# Weights, and the allowances for other machines


def push(tensors, by=1e-3, only=""):
    for name, t in tensors.items():
        if name.startswith("model.") and only in name and "trust" not in name:
            t += by + by * t.abs()


@pytest.mark.parametrize("by", (1e-3, 1e-6))
def test_weights_moved_on_the_same_machine_with_segments_withheld(home, tmp_path, by):
    folder = home.copy(tmp_path)
    edit_weights(folder, lambda t: push(t, by))
    refresh_finished(folder)
    shutil.rmtree(folder / "segments")
    found = home.audit(home.seal(folder))
    assert found.status == 1 and "final model" in [c.name for c in found.failed]


def test_another_machine_claimed_and_segments_withheld(home, tmp_path):
    "Nothing is there to hold the end against: neither the honest nor the moved one is verified."
    for name, by in (("honest", 0.0), ("moved", 0.95e-3)):
        folder = home.copy(tmp_path / name)
        edit_weights(folder, lambda t, by=by: push(t, by))
        refresh_finished(folder)
        shutil.rmtree(folder / "segments")
        claim_another_machine(folder)
        found = home.audit(home.seal(folder))
        assert found.status == 2 and not found.failed, name
        assert {v.word for v in found.verdicts.values()} <= {"not tested", "excluded"}
        assert found.verdicts["gluing"].word == "not tested"


def test_another_machine_claimed_and_weights_moved_a_little(home, tmp_path):
    folder = home.copy(tmp_path)
    edit_weights(folder, lambda t: push(t, 1e-6))
    refresh_finished(folder)
    claim_another_machine(folder)
    found = home.audit(home.seal(folder))
    assert found.status == 1 and "final model" in [c.name for c in found.failed]


def test_another_machine_claimed_and_trust_moved(home, tmp_path):
    "Trust is learned anew and may come out otherwise elsewhere: undecided, never verified."
    folder = home.copy(tmp_path)
    edit_weights(folder, lambda t: t["model.trust"].add_(0.5))
    refresh_finished(folder)
    claim_another_machine(folder)
    found = home.audit(home.seal(folder))
    assert found.status == 2 and "model.trust" in found.reexecution.undecided


def test_another_machine_is_honest_and_has_its_segments(home, tmp_path):
    folder = home.copy(tmp_path)
    claim_another_machine(folder)
    assert home.audit(home.seal(folder)).status in (0, 2)  # 2: segments too sensitive elsewhere
    assert not home.audit(folder).failed


def test_every_row_its_own_group(home, tmp_path):
    "groups.json says that no two rows are of one person; the table says otherwise."
    folder = home.copy(tmp_path)
    alone = list(range(len(GROUPS)))
    shutil.rmtree(folder)
    other, filed = file_plan(home.frame, home.schema, KEY, home.plan.config, groups=GROUPS)
    fit_under_plan(home.frame, other, NONCE, folder)
    assert json.loads((folder / "groups.json").read_text()) == alone
    found = verify_run(folder, home.frame, KEY, None, GROUPS)
    assert found.status == 1 and found.named == "split tampering"


# Statement and ledger


CLAIMS = {
    "root": "0" * 64,
    "plan": "0" * 64,
    "transcript": "0" * 64,
    "test_rows": 100_000,
    "seed": "derived by the ethics board",
    "nonce": dict(value=NONCE.value, source="the ethics board"),
    "trained_on": "five hospitals",
    "auroc": 0.99,
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_in_the_statement(home, tmp_path, name):
    folder = home.copy(tmp_path)
    home.state(folder, **{name: CLAIMS[name]})
    found = verify_run(folder)
    assert found.status == 1 and [c.name for c in found.failed] == ["statement"]
    assert found.sentence == "Not as claimed."


def test_a_statement_that_speaks_of_two_files_only_or_in_another_spelling(home, tmp_path):
    folder = home.copy(tmp_path)
    file = folder / "statement.json"
    statement = json.loads(file.read_text())
    statement["subject"] = statement["subject"][:2]
    for content in (canonical_json(statement), " " + file.read_text(), "[]", ""):
        file.write_text(content)
        assert [c.name for c in verify_run(folder).failed] == ["statement"]


def test_scores_with_a_remark_are_other_scores(home, tmp_path):
    folder = home.copy(tmp_path)
    own = json.loads((folder / "statement.json").read_text())["predicate"]["scores"]
    assert home.audit(folder).status == 0
    task = next(iter(own))
    for scores in (own | dict(accuracy="99 %"), own | {task: own[task] | dict(auroc=0.99)}, {}):
        home.state(folder, scores=scores)
        found = home.audit(folder, segments=1)
        assert found.status == 1 and [c.name for c in found.failed] == ["scores"]


def test_the_ledger_has_the_plan_on_another_table(home, tmp_path):
    found = verify_run(home.run, ledger=home.book(tmp_path, root="e" * 64))
    assert found.status == 1 and [c.name for c in found.failed] == ["table"]


def test_the_ledger_has_another_source_of_the_nonce(home, tmp_path):
    folder = home.copy(tmp_path)
    save_nonce_anew(folder, replace(NONCE, source="the ethics board"))
    home.state(folder)
    found = verify_run(folder, ledger=home.book(tmp_path))
    assert [c.name for c in found.failed] == ["nonce"]


def save_nonce_anew(folder, nonce):
    (folder / "nonce.json").unlink()
    save_nonce(nonce, folder)


def test_a_withdrawal_that_the_ledger_does_not_know_makes_no_new_table(home, tmp_path):
    "The plan's table replaces another: under an unlinked root, earlier plans would not count."
    commitment = home.plan.commitment | dict(replaces="f" * 64)
    plan = replace(home.plan, commitment=commitment)
    run = replace(RunFolder.open(home.run), plan=plan, statement=None)
    from adaroute.provenance.published import read_claims

    book = Ledger(tmp_path / "book.jsonl")
    book.append("commitment", plan=plan.digest, root=commitment["root"])
    assert read_claims(run, book.path).checks[0].passed is False
    linked = Ledger(tmp_path / "linked.jsonl")
    linked.append("commitment", plan="1" * 64, root="f" * 64)
    moved = dict(old_root="f" * 64, new_root=commitment["root"], tombstones=1)
    linked.append("withdrawal", **moved)
    linked.append("commitment", plan=plan.digest, root=commitment["root"])
    assert read_claims(run, linked.path).checks[0].passed


def test_headline_object_and_status_are_one_value(home, tmp_path):
    "A ledger without a result is too little, and the headline says so too."
    book = Ledger(tmp_path / "open.jsonl")
    book.append("commitment", plan=home.plan.digest, root=home.plan.commitment["root"])
    book.append("nonce", plan=home.plan.digest, value=NONCE.value, source=NONCE.source)
    found = home.audit(home.run, ledger=book.path)
    assert found.status == found.to_dict()["status"] == 2
    assert found.sentence.startswith("Not enough evidence")
    assert f"**{found.sentence}**" in found.markdown()
    assert "Verified" not in found.markdown()


def test_the_mark_of_the_key_alone_names_nothing(home, tmp_path):
    filed = Path(shutil.copytree(home.filed, tmp_path / "filed"))
    leaves = (filed / "leaves.bin").read_bytes()
    (filed / "leaves.bin").write_bytes(bytes(32) + leaves[32:])
    edited = home.frame.copy()
    edited.loc[edited.index[3], "phq9"] += 1
    found = verify_run(home.run, edited, KEY, None, GROUPS, filed=filed)
    assert found.named == "forged data" and "1 of 60" in found.failed[0].detail


def test_a_strangers_words_say_nothing_on_the_page(home, tmp_path):
    name = "<img src=x onerror=alert(1)> **Verified** | `x`"
    folder = tmp_path / name
    shutil.copytree(home.run, folder)
    page = verify_run(folder).markdown()
    assert page.startswith(r"# \<img src=x onerror=alert(1)\> \*\*Verified\*\* \| \`x\`" + "\n")


# What is committed is what is trained on

CELLS = st.text(st.sampled_from("ae\u0301\u030a\u212b\u00e5 \r\n\u1e9b\u0323K\u212a."), max_size=8)
NUMBERS = st.sampled_from([0.0, -0.0, 1, 1.0, True, 2.5, None, float("nan"), np.float32(2.5)])
SMALL = Schema(text="note", numeric="age", categorical="site", tasks={"y": "regression"})


def bits(frame, **how):
    batch = read(frame, replace(SMALL, **how))
    cells = [batch.text.tolist(), batch.categorical.tolist()]
    return cells, batch.numeric.tobytes(), batch.outcome.tobytes()


def as_table(rows):
    import pandas as pd

    return pd.DataFrame(rows, columns=["note", "site", "age", "y"], dtype=object)


LEVELS = CELLS | st.sampled_from(["2", "2.0", " 2", 2, 2.0, 1e20, "100000000000000000000", "1e+20"])
ROWS = st.lists(st.tuples(CELLS, LEVELS, NUMBERS, NUMBERS), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(ROWS, ROWS, st.sampled_from(["NFC", "NFD"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_tables_with_one_root_are_read_to_the_same_bits(rows, others, form, end):
    one = as_table(rows)
    respelled = one.copy()
    for name in ("note", "site"):
        respelled[name] = [
            v
            if not isinstance(v, str)
            else unicodedata.normalize(form, v)
            .replace("\r\n", "\n")
            .replace("\r", "\n")
            .replace("\n", end)
            for v in one[name]
        ]
    for other in (respelled, as_table(others)):
        same_root = canonical_records(one, SMALL) == canonical_records(other, SMALL)
        assert same_root == (bits(one, naming=1) == bits(other, naming=1))
        assert not same_root or bits(one) == bits(other)
    assert canonical_records(one, SMALL) == canonical_records(respelled, SMALL)


def test_a_signal_hidden_in_the_form_of_letters_reaches_nobody(home):
    "The two tables of the attack have one root, and a model reads them alike."
    marked = home.frame.copy()
    column = home.schema.categorical[0]
    marked[column] = [f"Caf\u00e9 {v}" for v in marked[column]]
    plain, high = marked.copy(), marked["phq9"] > marked["phq9"].median()
    marked.loc[high, column] = [unicodedata.normalize("NFD", v) for v in marked.loc[high, column]]
    assert (marked[column] != plain[column]).any()
    roots = [commit_records(frame, home.schema, KEY).root for frame in (plain, marked)]
    assert roots[0] == roots[1]
    for a, b in zip(*(vars(read(frame, home.schema)).values() for frame in (plain, marked))):
        if isinstance(a, np.ndarray) and a.dtype == object:
            assert a.tolist() == b.tolist()


def test_under_an_old_plan_loose_text_is_not_enough(home):
    "Plans before version 3 do not fix the form of letters: the records stand, and nothing follows."
    from adaroute.provenance.verify import check_records

    frame = home.frame.copy()
    column = home.schema.text[0]
    frame.loc[frame.index[0], column] = "Cafe\u0301"
    plan, _ = file_plan(frame, home.schema, KEY, home.plan.config, groups=GROUPS)
    codes = np.repeat(np.arange(30), 2)
    for version, passed in ((3, True), (2, None)):
        run = _Run(replace(plan, version=version), codes)
        check, cheat = check_records(run, frame, KEY, None, GROUPS)
        assert check.passed is passed and cheat is None


class _Run:
    def __init__(self, plan, groups):
        self.plan, self.groups, self.folder = plan, groups, Path(".")


# A third party's verifier, which shares no line with the package


def agree(folder, ledger=None):
    "Whether anything is wrong at levels 0 and 1, as both verifiers see it."
    ours, theirs = verify_run(folder, ledger=ledger), judge(folder, ledger)
    assert bool(ours.failed) == bool(theirs), (theirs, [str(c) for c in ours.failed])
    return bool(theirs)


def test_a_third_partys_verifier_agrees_on_what_is_honest(home, tmp_path):
    pin = Path(__file__).parent / "pins/0.1.0"
    assert not agree(pin / "run", pin / "ledger.jsonl")
    assert not agree(home.run, home.book(tmp_path))
    bare = home.copy(tmp_path)
    shutil.rmtree(bare / "segments")
    (bare / "statement.json").unlink()
    assert not agree(bare)


def move_end(folder):
    edit_weights(folder, lambda t: push(t, 1e-3))
    refresh_finished(folder)


def set_line(number, **change):
    def edit(folder):
        lines = lines_of(folder)
        lines[number] |= change
        rechain(lines, folder)

    return edit


EDITS = {f"model.json, {name}": lambda f, c=c: edit_model(f, c) for name, c in FOREIGN.items()}
EDITS |= SPELLINGS | {
    "other weights at the end": move_end,
    "the seed": set_line(0, seed=7),
    "the plan": set_line(0, plan="0" * 64),
    "the rows that train": set_line(3, train="0" * 64),
    "the generators": set_line(5, generators="0" * 64),
    "the loss": set_line(5, loss=[0.0]),
    "the rows": lambda f: (f / "rows.json").write_text('{"groups":[0,1,2],"used":[0,1,2]}'),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_third_partys_verifier_agrees_on_a_cheat(home, tmp_path, name):
    folder = home.copy(tmp_path)
    EDITS[name](folder)
    home.seal(folder)
    assert agree(folder)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_third_partys_verifier_agrees_on_a_claim(home, tmp_path, name):
    folder = home.copy(tmp_path)
    home.state(folder, **{name: CLAIMS[name]})
    assert agree(folder)


def test_a_third_partys_verifier_agrees_on_a_ledger(home, tmp_path):
    assert agree(home.run, home.book(tmp_path, root="e" * 64))


@pytest.fixture(scope="module")
def world():
    quick = dict(members=1, steps=8, every=4, encoder=dict(text_dim=4, curves=False))
    return cheat_world(100, n=60, **quick)


@pytest.mark.parametrize("name", CHEATS)
def test_a_third_partys_verifier_agrees_on_the_listed_cheats(world, tmp_path, name):
    "As far as levels 0 and 1 see them: most leave a folder that agrees with itself."
    CHEATS[name](world, tmp_path / "run")
    agree(tmp_path / "run")
