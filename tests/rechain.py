"Run folders for tests: a small honest one, and lines that hang together although they were changed."

import hashlib
import json
from pathlib import Path

from adaroute.provenance.commitment import canonical_json, new_key
from adaroute.estimator import AdaRoute
from adaroute.provenance.plan import Nonce, file_plan, plan_config
from adaroute.synthetic import make_cohort
from adaroute.provenance.transcript import fit_under_plan

NONCE = Nonce("5 3 1", "dice")


def lines_of(folder):
    return [
        json.loads(line)
        for line in (Path(folder) / "transcript.jsonl").read_bytes().split(b"\n")[:-1]
    ]


def rechain(lines, folder):
    "Write lines with a chain that is whole, and the digests of rows and model files as they lie in the folder."
    before, folder = "0" * 64, Path(folder)
    with open(folder / "transcript.jsonl", "wb") as out:
        for line in lines:
            raw = canonical_json({**line, "before": before}).encode() + b"\n"
            before = hashlib.sha256(raw).hexdigest()
            out.write(raw)


def sum_of(file):
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def parameters(cohort, **more):
    s = cohort.schema
    return (
        dict(
            **s.roles,
            members=1,
            starts=1,
            steps=24,
            settings=dict(every=10),
            encoder=dict(text_dim=4, curves=False),
        )
        | more
    )


def planned(folder, cohort=None, frame=None, nonce=NONCE, groups=None, **more):
    "An honest run under a plan."
    cohort = make_cohort(80, seed=100) if cohort is None else cohort
    frame = cohort.frame if frame is None else frame
    plan, _ = file_plan(
        frame, cohort.schema, new_key(), plan_config(AdaRoute(**parameters(cohort, **more)))
    )
    fit_under_plan(frame, plan, nonce, folder, groups=groups)
    return plan
