"""Thousands of files that somebody spoiled: each is refused in one line, or nothing has changed.

python tests/mutations.py N      N mutations of model.json and of a statement; results in tests/results/mutations.json
"""

import copy
import hashlib
import json
import random
import resource
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from safetensors.torch import load as load_tensors, save as save_tensors

from adaroute import AdaRoute
from adaroute.command.ask import PredictOrder, _predict_part, load_fitted
from adaroute.command.common import judge_error
from adaroute.model_card import CARD
from adaroute.saving import FILES
from adaroute.synthetic import make_cohort
from adaroute.uncertainty.conformal import calibrate

SLOW, LARGE = 10.0, 2**30  # seconds and bytes that no file may cost
DEEP = "[" * 500 + "]" * 500
ODD = (
    *(None, True, False, "", "x", "0", "-1", [], {}, [[]], {"a": 1}),
    *(0, 1, -1, 7, 10**6, 10**9, 2**63, -(2**63), 10**400),
    *(0.5, -0.5, 1e-320, 1e308, float("nan"), float("inf"), -float("inf")),
)


def small_model(folder):
    "A model with every part that can be saved, and rows to ask it about."
    cohort = make_cohort(90, seed=100)
    est = AdaRoute(
        **cohort.schema.roles
        | {"tasks": {"phq9": "regression", "gad7": "ordinal", "high": "binary"}},
        bounds={"phq9": (-40, None)},
        members=1,
        starts=1,
        steps=8,
        spares=True,
        settings=dict(every=4),
        encoder=dict(text_dim=4, curves=True),
    )
    high = (cohort.frame.gad7 > cohort.frame.gad7.median()).astype(int)
    frame = cohort.frame.assign(gad7=high + (cohort.frame.phq9 > 15), high=high)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        est.fit(frame)
        est.extras_["calibration"] = calibrate(est, frame, seed=0).to_dict()
    return est.save(folder), frame.head(12)


def places(box, path=()):
    "Every place in a tree; at most four of a list, which all look alike."
    yield path
    inner = box.items() if isinstance(box, dict) else enumerate(box[:4])
    for key, value in inner if isinstance(box, (dict, list)) else ():
        yield from (
            places(value, (*path, key)) if isinstance(value, (dict, list)) else [(*path, key)]
        )


def spoil(box, rng):
    "A tree with one place spoiled, as text."
    box = copy.deepcopy(box)
    path = rng.choice([p for p in places(box) if p])
    inner = box
    for key in path[:-1]:
        inner = inner[key]
    how, last = rng.randrange(8), path[-1]
    if how == 0:
        del inner[last]
    elif how == 1 and isinstance(inner, dict):
        inner[f"{last} "] = inner[last]
    elif how == 2 and isinstance(inner, list):
        inner += inner[:1] * rng.choice((1, 1000))
    elif how == 3 and type(inner[last]) in (int, float):
        inner[last] = inner[last] * rng.choice((-1, 2, 1 + 1e-9, 1e9)) + rng.choice((0, 1))
    elif how == 4:
        return json.dumps(box).replace(json.dumps(inner[last]), DEEP, 1)
    else:
        inner[last] = rng.choice(ODD)
    return json.dumps(box)


def spoil_bytes(text, rng):
    "A file with some bytes spoiled."
    content, at = bytearray(text.encode()), rng.randrange(len(text))
    how = rng.randrange(3)
    if how == 0:
        content[at] ^= 1 << rng.randrange(8)
    elif how == 1:
        del content[at : at + rng.choice((1, 10, 10_000))]
    else:
        content[at:at] = rng.choice((b"\0", b"1", b",", b"\xff\xfe", b'"', b"}"))
    return bytes(content)


def rewrite(folder, honest, content, sealed):
    "A model folder as somebody would write it who knows of the manifest, and perhaps of the seal."
    weights = honest["weights.safetensors"]
    (folder / CARD).unlink(missing_ok=True)  # it follows from model.json
    if sealed:
        digest = hashlib.sha256(content).hexdigest()
        weights = save_tensors(load_tensors(weights), {FILES[0]: digest})
    files = dict(zip(FILES, (content, weights)))
    sums = {name: hashlib.sha256(of).hexdigest() for name, of in files.items()}
    for name, of in {**files, "manifest.json": json.dumps(sums).encode()}.items():
        (folder / name).write_bytes(of)


ORDER = PredictOrder(Path("t.csv"), Path("p.csv"), (), 0.9, None, 100, False, {})


def answer(folder, rows):
    "What a model says of some rows, to the bit; or why it says nothing."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return 0, _predict_part(*load_fitted(folder), rows, ORDER)
    except Exception as error:
        return judge_error(error)


class Tally:
    "What became of spoiled files."

    def __init__(self, folder):
        self.folder, self.found, self.wrong = folder, Counter(), []
        self.model, self.rows = small_model(folder / "model")
        self.honest = {name: (self.model / name).read_bytes() for name in FILES}
        self.about = json.loads(self.honest[FILES[0]])
        self.slowest, self.said = 0.0, answer(self.model, self.rows)[1]

    def try_one(self, number, sealed):
        "Spoil one file, ask, and note what is not as it should be."
        rng = random.Random(number)
        content = spoil(self.about, rng).encode()
        if rng.randrange(6) == 0:
            content = spoil_bytes(self.honest[FILES[0]].decode(), rng)
        rewrite(self.model, self.honest, content, sealed)
        start = time.monotonic()
        status, said = answer(self.model, self.rows)
        seconds = time.monotonic() - start
        self.slowest = max(self.slowest, seconds)
        same = status == 0 and pd.DataFrame.equals(said, self.said)
        what = "same" if same else "other numbers" if status == 0 else "refused"
        self.found["sealed " * sealed + what] += 1
        fine = same or (status == 0 and sealed)
        fine |= status == 3 and "\n" not in said and len(said) < 400
        if not fine or seconds > SLOW:
            self.wrong.append((number, sealed, status, str(said)[:200], round(seconds, 1)))


def used_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def try_models(numbers):
    "Spoil model.json that often, with the manifest made right and with the seal made right as well."
    with TemporaryDirectory() as place:
        tally = Tally(Path(place))
        before = used_memory()
        for number in numbers:
            tally.try_one(number, sealed=bool(number % 2))
        return tally, used_memory() - before


def main(count):
    tally, grown = try_models(range(count))
    found = dict(
        mutations=count,
        found=dict(sorted(tally.found.items())),
        wrong=tally.wrong,
        slowest_seconds=round(tally.slowest, 1),
        memory_grown_mib=round(grown / 2**20),
    )
    print(json.dumps(found, indent=1))
    file = Path(__file__).parent / "results" / "mutations.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(found, indent=1) + "\n")
    return int(bool(tally.wrong) or grown > LARGE)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
