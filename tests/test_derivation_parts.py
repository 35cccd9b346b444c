"Each question of level 1, asked of a run in which one thing is another."

from dataclasses import replace

import numpy as np
import pytest

import adaroute.provenance.derivation as de
from adaroute.provenance.plan import Nonce
from adaroute.provenance.run_folder import RunFolder, TrainedLines
from adaroute.synthetic import make_cohort
from adaroute.training import Settings
from rechain import planned

pytestmark = pytest.mark.filterwarnings("ignore:the router collapsed")


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    home = tmp_path_factory.mktemp("runs") / "honest"
    planned(home, make_cohort(60, seed=101), steps=20, groups=np.arange(60) // 2)
    return RunFolder.open(home)


def with_config(run, **more):
    return replace(run, plan=replace(run.plan, config=run.plan.config | more))


def with_main(run, **more):
    return replace(run, trained=[run.trained[0]._replace(**more), *run.trained[1:]])


def test_plan_and_nonce(honest):
    luckier, planless = replace(honest, nonce=Nonce("6 3 1", "dice")), replace(honest, plan=None)
    assert [de._check_seed(run)[0] for run in (honest, luckier, planless)] == [True, False, None]
    assert de._check_shopping(honest)[0]
    assert "self-chosen" in de._check_shopping(replace(honest, nonce=None))[1]
    why = "There is no plan: that somebody looked for a lucky seed or split is not excluded."
    assert de._check_shopping(planless) == (None, why)


def test_configuration_word_for_word(honest):
    where = "transcript.jsonl, line 1, config: "
    assert de._check_configuration(honest)[0]
    longer, stranger = with_config(honest, steps=200), with_config(honest, aunt="Jane")
    assert de._check_configuration(longer) == (False, where + "steps is another than in the plan.")
    why = where + "a parameter is another than in the plan."
    assert de._check_configuration(stranger) == (False, why)
    nothing = with_config(honest, aunt=None)  # that it is named at all is a difference
    assert de._check_configuration(nothing) == (False, why)


def test_other_code_is_nobodys_fault(honest):
    older = replace(honest, plan=replace(honest.plan, code="c0de" * 16))
    assert de._check_code(older)[0] is None and de._check_libraries(older)[0]


def test_test_rows_and_groups(honest):
    used = len(honest.used)
    assert de._select_given(honest).sum() == used and de._check_test_rows(honest)[0]
    assert de._check_test_rows(replace(honest, groups=None))[0] is None
    fewer = de._check_test_rows(replace(honest, groups=honest.groups[:-1]))
    assert fewer[1] == "groups.json: expected the 60 rows of the commitment, got 59."
    own = de._check_test_rows(replace(honest, owners=np.arange(used)))
    assert own[1].startswith("rows.json, groups: expected those of the rows that do not test")
    assert de._check_groups_apart(honest)[0]
    assert de._check_groups_apart(replace(honest, plan=None))[0] is None


def test_stops_and_lanes(honest):
    main = honest.trained[0]
    count = len(main.segments)
    assert de._check_stops(honest)[0]
    found = de._check_stops(with_main(honest, segments=main.segments[:-1]))
    why = f"line 4, run: expected {count} segments of main, got {count - 1}."
    assert found == (False, "transcript.jsonl, " + why)
    assert de._check_lanes(honest)[0]
    seeds = [str(int(seed) + 1) for seed in main.lanes["seeds"]]
    found = de._check_lanes(with_main(honest, lanes=main.lanes | dict(seeds=seeds)))
    why = "line 4, seeds: expected what follows from seed and groups, got another."
    assert found == (False, "transcript.jsonl, " + why)


def test_first_weights_and_order(honest):
    start, *later = honest.trained[0].segments
    crafted = start | dict(weights=start["weights"] | {"router.hidden": "0badcafe"})
    run = with_main(honest, segments=[crafted, *later])
    why = "transcript.jsonl, line 5, weights: router.hidden is not what the seed draws."
    assert de._check_first_weights(honest)[0] and de._check_first_weights(run) == (False, why)
    elsewhere = honest.lines[1] | dict(machine="another")
    run = replace(run, lines=[honest.lines[0], elsewhere, *honest.lines[2:]])
    assert de._check_first_weights(run)[0] is None
    segments = len(later)
    why = f"The rows of all {segments} segments came in the order that the seeds draw."
    assert de._check_batch_order(honest) == (True, why)


def test_best_errors_leave_out_the_warm_phase():
    looks = [
        dict(stop=0),
        dict(stop=5, validation=[0.1, 0.1]),  # of 100: in the warm phase
        dict(stop=50, validation=[0.3, 0.2]),
        dict(stop=100, validation=[0.2, None]),
    ]
    lines = TrainedLines(4, {}, looks, {})
    assert de._find_best_errors(lines, Settings(warm=0.1), 2).tolist() == [0.2, 0.2]
    assert de._find_best_errors(lines, Settings(), 3) is None
    assert de._find_best_errors(lines._replace(segments=looks[:1]), Settings(), 2) is None


def test_kept_lanes_and_spares(honest):
    main = honest.trained[0]
    weights = main.finished["weights"] | {"heads.bias": "00000000"}
    other = with_main(honest, finished=main.finished | dict(weights=weights))
    last = f"segments/main-{main.segments[-1]['stop']:06d}.safetensors"
    assert de._check_kept_lanes(honest)[0]
    why = f"heads.bias is not that of the best look in {last}."
    assert de._check_kept_lanes(other)[1].endswith(why)
    assert de._check_spares(honest)[0] is not False
    stranger = replace(
        honest, trained=[main, main._replace(lanes=main.lanes | {"run": "spare N1"})]
    )
    assert de._check_spares(stranger)[0] is False


def test_a_run_of_first_weights_alone_is_no_crash(honest):
    main = honest.trained[0]
    checks = de.check_derivation(with_main(honest, segments=main.segments[:1]))
    found = {c.name: c for c in checks}
    assert found["stops"].passed is False and found["kept lanes"].passed is False
