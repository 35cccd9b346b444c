"The arena: what rivals are given, what becomes of those that fail, what is remembered."

import ast
import json
import shutil
import stat
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from adaroute.lab import arena, arena_table
from adaroute.lab.arena import ArenaError
from adaroute.lab.contests import Contest, Rival, rounds
from adaroute.lab.forward_check import folded
from adaroute.datasets import Dataset, DatasetError
from adaroute.evaluation.metrics import score
from adaroute.synthetic import make_cohort

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "paper" / "arena"
RUNNERS = sorted(SCRIPTS.glob("run_*.py"))


@pytest.fixture(scope="module")
def data():
    cohort = make_cohort(40, seed=101)
    return Dataset(cohort.frame, cohort.schema, np.arange(40) // 2, "simulated", "none")


@pytest.fixture
def toy(data):
    return Contest("toy", lambda: data, {t: ("r2",) for t in data.schema.tasks})


@pytest.fixture
def place(tmp_path):
    "(.arena, runners), with a function that writes a runner."
    scripts = tmp_path / "paper" / "arena"
    scripts.mkdir(parents=True)
    shutil.copy(SCRIPTS / "arena_io.py", scripts)

    def write(name, body, head=""):
        lines = [
            "import json, os, sys",
            "import numpy as np",
            "from arena_io import run",
            head,
            "def fit(job):",
            *("    " + x for x in body.splitlines()),
            "run(fit, 'numpy')",
        ]
        (scripts / f"{name}.py").write_text("\n".join(lines))
        return Rival(name, "numpy", f"{name}.py")

    return tmp_path / ".arena", scripts, write


@pytest.fixture
def packed(data):
    return arena.pack(data, np.arange(30), np.arange(30, 40), seed=3)


ZEROS = "return np.zeros((len(job.Z_test), len(job.tasks))), ''"


# what a rival is given


def test_the_validation_fifth_keeps_groups_together(packed):
    train, groups = packed["arrays"]["train"], np.array(packed["about"]["columns"]["groups"])
    assert (
        not set(groups[train["valid"]]) & set(groups[~train["valid"]])
        and 4 <= train["valid"].sum() <= 8
    )


def test_evidence_does_not_depend_on_test_rows(data, packed):
    frame = data.frame.copy()
    frame.loc[30:, list(data.schema.numeric)] = 1e6
    other = arena.pack(replace(data, frame=frame), np.arange(30), np.arange(30, 40), seed=3)
    assert np.array_equal(other["arrays"]["train"]["Z"], packed["arrays"]["train"]["Z"])


def test_a_runner_finds_no_outcome_of_a_test_row(place, packed):
    home, scripts, write = place
    body = (
        "found = {p.name: p.read_text() if p.suffix == '.json' else sorted(np.load(p)) for p in job.folder.iterdir()}\n"
        "return np.zeros((len(job.Z_test), len(job.tasks))), json.dumps([sorted(found), found['test.npz'], sorted(json.loads(found['test.json']))])"
    )
    names, arrays, columns = json.loads(
        arena.play(replace(write("look", body), raw=True), packed, home, scripts)["note"]
    )
    assert names == ["job.json", "test.json", "test.npz", "train.json", "train.npz"] and arrays == [
        "Z"
    ]
    assert not set(columns) & set(packed["about"]["tasks"])


def test_without_raw_no_text_is_written(place, packed):
    home, scripts, write = place
    names = arena.play(
        write("look", ZEROS.replace("''", "' '.join(sorted(os.listdir(job.folder)))")),
        packed,
        home,
        scripts,
    )["note"].split()
    assert names == ["job.json", "test.npz", "train.npz"]


def test_the_room_is_private_and_removed(place, packed):
    home, scripts, write = place
    note = arena.play(
        write("mode", ZEROS.replace("''", "str(os.stat(job.folder).st_mode)")),
        packed,
        home,
        scripts,
    )["note"]
    assert stat.S_IMODE(int(note)) == 0o700
    with pytest.raises(ArenaError):
        arena.play(write("dead", "os.kill(os.getpid(), 9)"), packed, home, scripts)
    assert not list((home / "rooms").iterdir())


def test_ordinal_outcomes_become_regression_unless_named(place, data, packed):
    home, scripts, write = place
    names = list(data.schema.tasks)
    about = packed | {
        "about": packed["about"] | {"tasks": {names[0]: "ordinal", names[1]: "binary"}}
    }
    rival = write("kinds", ZEROS.replace("''", "json.dumps(job.tasks)"))
    said = lambda r: json.loads(arena.play(r, about, home, scripts)["note"])
    assert said(rival) == {names[0]: "regression", names[1]: "binary"}
    assert said(replace(rival, kinds=("regression", "binary", "ordinal"))) == {
        names[0]: "ordinal",
        names[1]: "binary",
    }
    assert said(replace(rival, kinds=("binary",))) == {names[1]: "binary"}


def test_raw_columns_hold_no_outcome_that_the_rival_cannot_predict(place, data, packed):
    home, scripts, write = place
    names = list(data.schema.tasks)
    about = packed | {
        "about": packed["about"] | {"tasks": {names[0]: "regression", names[1]: "binary"}}
    }
    rival = replace(
        write("one", ZEROS.replace("''", "' '.join(job.frames()[0])")), kinds=("binary",), raw=True
    )
    columns = arena.play(rival, about, home, scripts)["note"].split()
    assert names[1] in columns and names[0] not in columns


def test_raw_columns_survive_the_journey(place, data, packed):
    home, scripts, write = place
    body = "t = job.frames()[0]\nreturn np.zeros((len(job.Z_test), len(job.tasks))), json.dumps([t.isna().sum().to_dict(), float(np.nansum(t[job.columns['numeric']].to_numpy(float)))])"
    gaps, total = json.loads(
        arena.play(replace(write("back", body), raw=True), packed, home, scripts)["note"]
    )
    frame = data.frame.iloc[:30]
    assert gaps == frame.isna().sum().to_dict() and np.isclose(
        total, np.nansum(frame[list(data.schema.numeric)].to_numpy(float))
    )


# what becomes of failures


@pytest.mark.parametrize(
    "body, why",
    [
        ("raise ValueError(job.frames()[0].iloc[0].to_json())", "ValueError at"),
        ("return np.zeros((1, 1)), ''", "ValueError at"),
        ("return np.full((len(job.Z_test), len(job.tasks)), np.nan), ''", "ValueError at"),
        ("os._exit(3)", "ended with status 3 and no answer"),
    ],
)
def test_a_failure_says_why_and_quotes_nothing(place, packed, data, body, why):
    home, scripts, write = place
    with pytest.raises(ArenaError, match=why) as e:
        arena.play(replace(write("bad", body), raw=True), packed, home, scripts)
    words = {
        w
        for cell in data.frame[data.schema.text[0]].dropna()
        for w in str(cell).split()
        if len(w) > 7
    }
    assert not words & set(str(e.value).split()) and len(str(e.value)) < 120


def test_time_is_up_for_children_too(place, packed, tmp_path):
    home, scripts, write = place
    mark = tmp_path / "pid"
    rival = write(
        "stuck",
        f"import subprocess, time\np = subprocess.Popen(['sleep', '60'])\nopen({str(mark)!r}, 'w').write(str(p.pid))\ntime.sleep(60)",
    )
    with pytest.raises(ArenaError, match="not done after 3 s"):
        arena.play(rival, packed, home, scripts, limit=3)
    state = Path(f"/proc/{mark.read_text()}/stat")
    gone = lambda: not state.exists() or state.read_text().split()[2] in "ZX"
    for _ in range(50):  # a killed process may need a moment to be scheduled and die
        if gone():
            break
        time.sleep(0.1)
    assert gone()


def test_a_failed_installation_is_a_row(place, toy, monkeypatch):
    home, scripts, write = place
    rival = replace(write("mean", ZEROS), env="there", pins=("nothing==0",))

    def refuse(command, limit, what):
        raise ArenaError(
            f"{what}: {arena._scrub('ERROR: No matching distribution for nothing==0')}"
        )

    monkeypatch.setattr(arena, "_quiet", refuse)
    found = arena.rows(
        toy,
        [rival],
        arena.meet(toy, (rival,), ("mean",), arena.Ground(home, scripts), bar=False),
        draws=10,
    )
    assert (
        len(found) == 1
        and found[0]["estimate"] is None
        and found[0]["note"].startswith("did not run: making the environment: ERROR: No matching")
    )


def test_an_environment_is_made_once_for_its_pins(place, monkeypatch):
    home, scripts, write = place
    rival, ran = replace(write("mean", ZEROS), env="there", pins=("a==1",)), []

    def pretend(command, limit, what):
        (home / "there" / "bin").mkdir(parents=True, exist_ok=True)
        ran.append(what)
        return "a==1\n"

    monkeypatch.setattr(arena, "_quiet", pretend)
    for _ in range(2):
        assert arena.environment(rival, home) == home / "there" / "bin" / "python"
    assert ran == ["making the environment", "install failed", "pip freeze"]
    arena.environment(replace(rival, pins=("a==2",)), home)
    assert len(ran) == 6 and arena._freezes(home)["there"] == ["a==1"]


def test_folders_of_this_machine_are_left_out_of_reasons():
    said = arena._scrub(
        "Traceback\n  File x\nImportError: cannot open "
        + "/".join(["", "home", "someone", "lib", "x.so"])
        + ": no\n"
    )
    assert said == "ImportError: cannot open ...: no"


# what is remembered


def test_the_key_follows_all_that_matters(place, packed):
    home, scripts, write = place
    rival, content = write("mean", ZEROS), arena._content(packed)
    key = arena.answer_key(rival, content, scripts)
    others = [
        replace(rival, pins=("a==1",)),
        replace(rival, options={"x": 1}),
        replace(rival, raw=True),
        replace(rival, own=True),
    ]
    assert len({key, *(arena.answer_key(r, content, scripts) for r in others)}) == 5
    assert arena.answer_key(replace(rival, budget="another word"), content, scripts) == key
    write("mean", ZEROS + "  # changed")
    assert arena.answer_key(rival, content, scripts) != key
    packed["arrays"]["train"]["Z"][0, 0] += 1
    assert arena._content(packed) != content


def test_failures_are_tried_again_and_answers_are_not(place, toy):
    home, scripts, write = place
    rivals = (write("good", ZEROS), write("bad", "raise OSError"))
    first = arena.meet(
        toy, rivals, ("good", "bad"), arena.Ground(home, scripts), arena.Deal(2), False
    )
    assert "said" in first["good"][0] and "failed" in first["bad"][0]
    files = {p: p.stat().st_mtime_ns for p in (home / "answers").iterdir()}
    arena.meet(toy, rivals, ("good", "bad"), arena.Ground(home, scripts), arena.Deal(2), False)
    again = {p.name: p.stat().st_mtime_ns != t for p, t in files.items()}
    assert again == {
        "toy-good-0-0.json": False,
        "toy-good-0-1.json": False,
        "toy-bad-0-0.json": True,
    }


def test_scores_and_differences(place, data, toy):
    home, scripts, write = place
    rivals = (
        replace(write("ours", "return job.Z_test[:, :1].repeat(len(job.tasks), 1), ''"), own=True),
        write("mean", ZEROS),
    )
    answers = arena.meet(
        toy, rivals, ("ours", "mean"), arena.Ground(home, scripts), arena.Deal(2, 2), False
    )
    found = {
        (r["rival"], r["task"]): r
        for r in arena.rows(toy, rivals, answers, arena.Deal(2, 2), draws=30)
    }
    for task in toy.scores:
        a, b = found["ours", task], found["mean", task]
        assert (
            np.isclose(a["estimate"] - b["estimate"], b["gap"])
            and b["gap_low"] <= b["gap"] <= b["gap_high"]
            and a["gap"] is None
        )
    y, k = data.frame[list(toy.scores)].to_numpy(), 0
    said = [np.zeros(len(data)), np.zeros(len(data))]
    for (repeat, _, _, test), a in zip(rounds(data, 2, 2), answers["mean"]):
        said[repeat][test] = np.array(a["said"])[:, k]
    assert np.isclose(
        found["mean", list(toy.scores)[k]]["estimate"],
        np.mean([score("r2", y[:, k], s) for s in said]),
    )


# the command


def compete(monkeypatch, rivals):
    "These rivals instead of the real ones, in the arena and in its table."
    for module in (arena, arena_table):
        monkeypatch.setattr(module, "RIVALS", rivals)


@pytest.fixture
def small(place, toy, tmp_path, monkeypatch):
    home, scripts, write = place
    for sub in ("nbs", "paper/params", "paper/tables", "paper/results"):
        (tmp_path / sub).mkdir(parents=True, exist_ok=True)

    def missing():
        raise DatasetError("none")

    monkeypatch.setattr(arena, "CONTESTS", (toy, Contest("gone", missing, {"a": ("r2",)})))
    compete(monkeypatch, (write("mean", ZEROS), write("bad", "raise OSError")))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(arena.arena_command, ["--folds", "2", *words])


def test_the_command_writes_a_report_and_keeps_what_it_was_not_asked_for(small, tmp_path):
    done = small("--rivals", "MEAN")
    assert (
        done.exit_code == 0
        and "gone, mean: did not run: the table is not on this machine" in done.output
    )
    value = json.loads((tmp_path / "paper/results/arena.json").read_text())["value"]
    notes = {(r["table"], r["rival"]): r["note"] for r in value["rows"]}
    assert notes["toy", "mean"] == "" and notes["toy", "bad"] == "did not run: not asked for yet"
    page = (tmp_path / "paper/tables/arena.md").read_text()
    assert page == arena.markdown(value["rows"], arena.RIVALS)
    shutil.rmtree(tmp_path / ".arena")
    assert small("--rivals", "bad", "--tables", "toy").exit_code == 1  # nobody that was asked ran
    later = json.loads((tmp_path / "paper/results/arena.json").read_text())["value"]["rows"]
    assert [r for r in later if r["rival"] == "mean"] == [
        r for r in value["rows"] if r["rival"] == "mean"
    ]
    assert any(r["note"].startswith("did not run: OSError") for r in later)


def test_whoever_is_asked_adaroute_plays_or_nobody_is_compared(small, place, tmp_path, monkeypatch):
    "Its code had changed, one rival was asked, and every difference of the table was dropped without a word."
    write = place[2]
    rivals = lambda word: (
        replace(
            write("ours", f"return job.Z_test[:, :1].repeat(len(job.tasks), 1), '{word}'"), own=True
        ),
        write("mean", ZEROS),
    )
    report = lambda: json.loads((tmp_path / "paper/results/arena.json").read_text())["value"][
        "rows"
    ]
    gaps = lambda: [r["gap"] for r in report() if (r["table"], r["rival"]) == ("toy", "mean")]
    compete(monkeypatch, rivals("one"))
    assert small("--tables", "toy").exit_code == 0 and None not in gaps()
    before = gaps()
    compete(monkeypatch, rivals("two"))  # other code: its answers are void
    assert small("--tables", "toy", "--rivals", "mean").exit_code == 0
    assert gaps() == before and any(r["note"] == "two" for r in report())
    for path in (tmp_path / ".arena" / "answers").glob("toy-mean-*"):
        path.unlink()  # as on another machine
    done = small("--tables", "toy", "--rivals", "ours")
    assert (
        "toy: not compared with AdaRoute" in done.output
        and ": mean" in done.output
        and set(gaps()) == {None}
    )
    assert "not compared" in (tmp_path / "paper/tables/arena.md").read_text() and arena.tally(
        report()
    )["apart"] == len(before)


@pytest.mark.parametrize(
    "words", [("--rivals", "nobody"), ("--tables", "nothing"), ("--folds", "1"), ("--what",)]
)
def test_wrong_requests_end_with_2(small, words):
    assert small(*words).exit_code == 2


def test_list_runs_nothing(small, tmp_path):
    done = small("--list")
    assert done.exit_code == 0 and "mean" in done.output and not (tmp_path / ".arena").exists()


def test_one_arena_at_a_time(tmp_path):
    with arena._alone(tmp_path / "a"):
        with pytest.raises(arena.PaperError, match="another arena"):
            with arena._alone(tmp_path / "a"):
                pass


# what is committed


def test_every_runner_is_there_and_only_ours_imports_us():
    assert {r.runner for r in arena.RIVALS} == {p.name for p in RUNNERS}
    for path in (*RUNNERS, *SCRIPTS.glob("*.py")):
        tree = ast.parse(path.read_text())
        names = {
            a.name.split(".")[0]
            for n in ast.walk(tree)
            if isinstance(n, ast.Import)
            for a in n.names
        }
        names |= {n.module.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert ("adaroute" in names) == (path.name == "run_adaroute.py"), path.name


@pytest.mark.parametrize("name", ["linear", "boosted trees", "AdaRoute"])
def test_runners_of_this_environment(name, packed, tmp_path):
    rival = next(r for r in arena.RIVALS if r.name == name)
    if rival.own:
        rival = replace(rival, options={"steps": 20, "members": 1})
    names = list(packed["about"]["tasks"])
    y = packed["arrays"]["train"]["outcome"]
    y[:, 1] = y[:, 1] > np.median(y[:, 1])
    packed["raw"]["train"] = packed["raw"]["train"].assign(**{names[1]: y[:, 1]})
    packed["about"]["tasks"] = {names[0]: "regression", names[1]: "binary"}
    said = np.array(arena.play(rival, packed, tmp_path, SCRIPTS)["said"])
    assert said.shape == (10, 2) and ((said[:, 1] >= 0) & (said[:, 1] <= 1)).all()


def test_the_committed_table_is_that_of_the_committed_result():
    path = ROOT / "paper" / "results" / "arena.json"
    if not path.is_file():
        pytest.skip("the arena has not been held")
    rows = json.loads(path.read_text())["value"]["rows"]
    assert (ROOT / "paper" / "tables" / "arena.md").read_text() == arena.markdown(rows)
    assert all(
        r["low"] <= r["estimate"] <= r["high"]
        if r["estimate"] is not None
        else r["note"].startswith("did not run")
        for r in rows
    )


def test_in_the_committed_result_every_rival_with_a_score_is_compared():
    path = ROOT / "paper" / "results" / "arena.json"
    if not path.is_file():
        pytest.skip("the arena has not been held")
    rows = json.loads(path.read_text())["value"]["rows"]
    assert arena.tally(rows)["apart"] == 0
    counts = [arena.tally([r for r in rows if r["table"] == t]) for t in {r["table"] for r in rows}]
    assert arena.tally(rows) == {
        k: sum(c[k] for c in counts) for k in ("ahead", "tied", "behind", "apart")
    }


def test_folding_a_normalisation_changes_nothing():
    import torch

    mlp = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    with torch.no_grad():
        for v in mlp.state_dict().values():
            v.copy_(torch.arange(v.numel()).reshape(v.shape) % 3 + 1)  # no layer is the identity
    W, b = folded({f"x.mlp.{k}": v.tolist() for k, v in mlp.state_dict().items()}, "x")
    Z = np.arange(8.0).reshape(2, 4)
    assert np.allclose(Z @ W + b, mlp.eval()(torch.from_numpy(Z).float()).detach(), atol=1e-4)
