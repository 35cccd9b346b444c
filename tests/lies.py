"""Thousands of lies in the files of a run, each with all digests put right again: what does the verifier say?

python tests/lies.py N [FIRST]      N lies, from a number on; results in tests/results/lies.json
python tests/lies.py retry          those of the results that were not judged as they should be
"""

import hashlib
import json
import random
import resource
import shutil
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from adaroute import AdaRoute
from adaroute.command.common import judge_error
from adaroute.provenance.commitment import CommitmentError, canonical_json
from adaroute.provenance.plan import Plan
from adaroute.provenance.transcript import fit_under_plan
from adaroute.provenance.verify import NAMED_ONLY, verify_run
from mutations import LARGE, ODD, SLOW, places, spoil
from rechain import NONCE, lines_of, rechain, sum_of
from test_second_wall import GROUPS, KEY, Home, seal_weights

TARGETS = ("statement", "plan", "nonce", "model", "refiled", "model", "statement")
# a plan's own choices, which training under it derives; and where the rest is listed, if it passes
CHOSEN = {"config", "test"}
LISTED = {
    "code": "code",
    "lock": "libraries",
    "columns": "codebook",
    "replaces": "replaced table",
    "schema_digest": "columns of the plan",
    "source": "source of the nonce",
}
DIGITS = "0123456789abcdef"


def other_text(text, rng):
    "Another text of the same form: a digest stays one."
    if len(text) == 64 and set(text) <= set(DIGITS):
        return rng.choice(("0" * 64, "".join(rng.choices(DIGITS, k=64)), text[::-1]))
    return rng.choice((text + " ", text.upper(), text[:-1], "five hospitals"))


def lie_in(box, rng):
    "A tree with one leaf changed, as text, and the way to that leaf."
    leaves = [p for p in places(box) if p and not isinstance(leaf(box, p), (dict, list))]
    path = rng.choice(leaves)
    inner, last = leaf(box := json.loads(json.dumps(box)), path[:-1]), path[-1]
    value = inner[last]
    if isinstance(value, str) and rng.randrange(3):
        inner[last] = other_text(value, rng)
    elif value is None and rng.randrange(2):
        inner[last] = rng.choice(("0" * 64, "f" * 64))
    else:
        inner[last] = rng.choice(ODD) if rng.randrange(2) else nearby(value, rng)
    return box, path


def leaf(box, path):
    for key in path:
        box = box[key]
    return box


def nearby(value, rng):
    if type(value) in (int, float):
        return value * rng.choice((-1, 2, 1 + 1e-9, 0.999)) + rng.choice((0, 1))
    return not value if isinstance(value, bool) else [value]


def spell(box):
    "Canonical where it can be."
    try:
        return canonical_json(box)
    except (CommitmentError, RecursionError):
        return json.dumps(box)


class Lies:
    "An honest run, and what became of the lies about it."

    def __init__(self, place):
        self.place, self.home = Path(place), Home(Path(place))
        self.frame = self.home.frame
        self.said = AdaRoute.load(self.home.run / "model").predict(self.frame)
        self.found, self.wrong, self.passed, self.slowest = Counter(), [], Counter(), 0.0
        self.home.audit(self.home.run)  # whatever is read once

    def restate(self, folder, **change):
        "The statement of a run that was changed, if there is one left."
        file = folder / "statement.json"
        if file.exists():
            box = json.loads(file.read_text())
            box["predicate"] |= dict(transcript=sum_of_end(folder)) | change
            for subject in box["subject"]:
                subject["digest"]["sha256"] = sum_of(folder / subject["name"])
            file.write_text(spell(box))

    def chain(self, folder, number, **change):
        lines = lines_of(folder)
        lines[number] |= change
        rechain(lines, folder)

    def tell(self, number):
        "Tell a lie; its target, the way to the field, the folder."
        rng = random.Random(number)
        target, folder = TARGETS[number % len(TARGETS)], self.place / "lie"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.home.run, folder)
        if target != "statement" and rng.randrange(2):
            (folder / "statement.json").unlink()
        return target, getattr(self, f"in_{target}")(folder, rng), folder

    def in_statement(self, folder, rng):
        file = folder / "statement.json"
        box, path = lie_in(json.loads(file.read_text()), rng)
        file.write_text(spell(box))
        return path

    def in_plan(self, folder, rng):
        box, path = lie_in(self.home.plan.to_dict(), rng)
        self.put_plan(folder, box)
        return path

    def put_plan(self, folder, box):
        file = folder / "plan.json"
        file.write_text(spell(box))
        self.chain(folder, 0, plan=sum_of(file))
        self.restate(folder, plan=sum_of(file))

    def in_nonce(self, folder, rng):
        file = folder / "nonce.json"
        box, path = lie_in(json.loads(file.read_text()), rng)
        file.write_text(spell(box))
        self.chain(folder, 0, nonce=box["value"])
        self.restate(folder, nonce={k: v for k, v in box.items() if k != "format"})
        return path

    def in_model(self, folder, rng):
        file = folder / "model/model.json"
        honest = json.loads(file.read_text())
        if rng.randrange(3):
            box, path = lie_in(honest, rng)
            content = json.dumps(box, indent=1)
        else:
            content, path = spoil(honest, rng), ("spoiled",)
        file.write_text(content)
        (folder / "model/MODEL_CARD.md").unlink(missing_ok=True)
        seal_weights(folder / "model")
        sums = {n: sum_of(folder / "model" / n) for n in ("model.json", "weights.safetensors")}
        (folder / "model/manifest.json").write_text(json.dumps(sums, indent=1, sort_keys=True))
        self.chain(folder, -1, files=sums)
        self.restate(folder)
        return path

    def in_refiled(self, folder, rng):
        "A plan that was filed with the lie in it, and trained under it."
        honest = self.home.plan.to_dict()
        config = honest.pop("config")
        box, path = lie_in(honest, rng)
        plan = Plan.from_dict(box | dict(config=config))
        shutil.rmtree(folder)
        fit_under_plan(self.frame, plan, NONCE, folder, groups=GROUPS)
        return path

    def judge(self, folder, whole):
        "What the verifier says; of most, only as far as the folder alone tells of the lie."
        alone = verify_run(folder)
        if alone.failed and not whole:
            return alone
        return verify_run(folder, self.frame, KEY, None, GROUPS)

    def try_one(self, number):
        "Tell a lie, let it be judged, and note what is not as it should be."
        start, path, target = time.monotonic(), None, TARGETS[number % len(TARGETS)]
        try:
            target, path, folder = self.tell(number)
            found = self.judge(folder, whole=not number % 5)
            status, told = found.status, found.sentence
            if status == 0:
                told = self.excuse(target, path, folder, found)
            fine = told != ""
        except Exception as error:
            status, told = judge_error(error)
            fine = status == 3 and "\n" not in told and len(told) < 400
        seconds = time.monotonic() - start
        self.slowest = max(self.slowest, seconds)
        self.found[f"{target}: {status}"] += 1
        if not fine or seconds > SLOW:
            self.wrong.append((number, target, repr(path), status, told[:200], round(seconds, 1)))

    def excuse(self, target, path, folder, found):
        "Why this lie may pass: nothing changed, or it is listed as not checked. Else nothing."
        said = AdaRoute.load(folder / "model").predict(self.frame)
        same = said.equals(self.said)
        if target == "refiled" and not self.is_unchanged(folder, target):
            same = True  # it is another plan, and so another seed
            if path[0] in CHOSEN:
                self.passed["derived again"] += 1
                return "derived again"
        elif self.is_unchanged(folder, target):
            self.passed["unchanged"] += same
            return "unchanged" if same else ""
        name = LISTED.get(path[-1]) or LISTED.get(path[0])
        if same and name in found.not_checked and NAMED_ONLY[name] in found.sentence:
            self.passed[name] += 1
            return name
        return ""

    def is_unchanged(self, folder, target):
        "Whether every file says what the honest one says."
        names = ["plan.json", "nonce.json"] + ["model/model.json"] * (target != "refiled")
        names += ["statement.json"] * (target == "statement")
        pairs = [[json.loads((f / n).read_text()) for f in (folder, self.home.run)] for n in names]
        return all(spell(a) == spell(b) for a, b in pairs)


def sum_of_end(folder):
    lines = (folder / "transcript.jsonl").read_bytes().split(b"\n")
    return hashlib.sha256(lines[-2] + b"\n").hexdigest()


def tell_lies(numbers):
    "That many lies about one honest run."
    with TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lies = Lies(place)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        for number in numbers:
            lies.try_one(number)
        return lies, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before


RESULTS = Path(__file__).parent / "results" / "lies.json"


def write(found):
    print(json.dumps(found, indent=1))
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def main(count, first=0):
    start = time.monotonic()
    lies, grown = tell_lies(range(first, first + count))
    found = dict(
        lies=count,
        first=first,
        found=dict(sorted(lies.found.items())),
        passed_and_listed=dict(sorted(lies.passed.items())),
        wrong=lies.wrong,
        mended=[],
        slowest_seconds=round(lies.slowest, 1),
        memory_grown_mib=round(grown / 2**20),
        a_minute=round(60 * count / (time.monotonic() - start)),
    )
    write(found)
    return int(bool(lies.wrong) or grown > LARGE)


def retry():
    "Tell those lies once more that were not judged as they should be, after the code was mended."
    found = json.loads(RESULTS.read_text())
    before = [wrong[0] for wrong in found["wrong"]]
    lies, _ = tell_lies(before)
    still = [wrong[0] for wrong in lies.wrong]
    mended = [number for number in before if number not in still]
    write(found | dict(wrong=lies.wrong, mended=found.get("mended", []) + mended))
    return int(bool(lies.wrong))


if __name__ == "__main__":
    sys.exit(retry() if sys.argv[1:] == ["retry"] else main(*map(int, sys.argv[1:])))
