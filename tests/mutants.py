"""Single faults in the code that everything hangs on: which of them does no test notice?

python tests/mutants.py [--seconds N] [--names split,masks] [--survivors]
Results in tests/results/mutants.json; --survivors tries only those again that nothing noticed, and
REASONS says of those that change nothing why.

Each target is some functions and the tests nearest to them. A mutant is one of them with one fault; it
is tried in a fork of a process that has imported the libraries, but nothing of this package. Why not
mutmut: it copies the tree, and these tests look at the repository around them.
"""

import argparse
import ast
import contextlib
import importlib.abc
import importlib.util
import io
import json
import multiprocessing
import os
import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "tests" / "results" / "mutants.json"
TARGETS = {  # name -> module, functions, tests and which of them
    "conformal quantile": (
        "adaroute.uncertainty.conformal",
        ("conformal_quantile", "off_centre", "nonconformity"),
        ("tests/test_mutants.py", "tests/test_conformal.py"),
        "quantile or centre or nonconformity or ordinal or weights",
    ),
    "masks": (
        "adaroute.schema",
        ("open_routes", "is_filled", "_has_content", "without"),
        ("tests/test_mutants.py", "tests/test_schema.py"),
        "",
    ),
    "router": (
        "adaroute.router",
        ("closed_log_softmax", "two_stage"),
        ("tests/test_mutants.py", "tests/test_model.py"),
        "mutants or closed or missing or route or mask or softmax",
    ),
    "vocabulary": (
        "adaroute.features.words",
        ("vocabulary", "_count_owners", "units"),
        ("tests/test_mutants.py",),
        "",
    ),
    "split": (
        "adaroute.provenance.plan",
        ("derive_seed", "derived_test", "group_codes", "model_seed"),
        ("tests/test_mutants.py", "tests/test_plan.py"),
        "",
    ),
    "validation": (
        "adaroute.fitting",
        ("validation_rows", "make_split", "_stack_rows"),
        ("tests/test_mutants.py",),
        "",
    ),
    "verifier": (
        "adaroute.provenance.verify",
        (
            *("check_records", "_explain_records", "_stand_under_other_salts", "name_cheat"),
            *("_name_by_segments", "_name_by_account", "_name_by_tensors", "_name_by_weights"),
            *("_name_by_field", "_name_jump", "escape_probability", "_judge_records"),
            *("_judge_training", "_judge_cheats", "_say_partly", "_check_filed"),
        ),
        ("tests/test_mutants.py", "tests/test_verify_parts.py"),
        "",
    ),
}
REASONS = {  # survivors that change nothing, and why
    "_name_by_account: 'a.wider > 0' -> GtE": "asked only where `wider` is not 0",
    "_stand_under_other_salts: '500' -> 500 + 1": "a bound on the work, and any would do",
}
SWAPS = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
    **{ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And},
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
    **{ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult},
}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "maximum": "minimum"}
CALLS |= {"minimum": "maximum", "sorted": "list"}


def faults_of(node):
    "The faults that one node of the tree can have: how it is changed, and in words."
    kind = type(node)
    if kind in (ast.BinOp, ast.BoolOp, ast.AugAssign) and type(node.op) in SWAPS:
        yield lambda: setattr(node, "op", SWAPS[type(node.op)]()), SWAPS[type(node.op)].__name__
    if kind is ast.Compare and type(node.ops[0]) in SWAPS:
        other = SWAPS[type(node.ops[0])]
        yield lambda: node.ops.__setitem__(0, other()), other.__name__
    if kind is ast.UnaryOp and isinstance(node.op, (ast.Not, ast.Invert)):
        yield lambda: setattr(node, "op", ast.UAdd()), "no negation"
    if kind is ast.Constant and type(node.value) in (int, float):
        yield lambda: setattr(node, "value", node.value + 1), f"{node.value} + 1"
    if kind is ast.Constant and type(node.value) is bool:
        yield lambda: setattr(node, "value", not node.value), f"not {node.value}"
    if kind is ast.IfExp:
        yield lambda: setattr(node, "test", ast.Constant(True)), "always the first"
    if kind is ast.If:
        yield lambda: setattr(node, "test", ast.Constant(False)), "never"
    if kind is ast.Return and ast.unparse(node) not in ("return", "return None"):
        yield lambda: setattr(node, "value", ast.Constant(None)), "return None"
    name = getattr(node, "id", getattr(node, "attr", None))
    if name in CALLS and kind in (ast.Name, ast.Attribute):
        where = "id" if kind is ast.Name else "attr"
        yield lambda: setattr(node, where, CALLS[name]), CALLS[name]


def is_message(node):
    "Whether a node only makes the words of an error."
    return isinstance(node, (ast.Raise, ast.JoinedStr)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def places(function):
    "Nodes of a function's body that do something."
    todo = [*function.body]
    while todo:
        node = todo.pop(0)
        if not is_message(node):
            yield node
            todo += ast.iter_child_nodes(node)


def spoiled(source, names):
    "Every mutant of some functions: line, what it says, the spoiled source."
    count = sum(1 for _ in _faults(ast.parse(source), names))
    for number in range(count):
        tree = ast.parse(source)
        function, node, change, words = list(_faults(tree, names))[number]
        line, was = node.lineno, ast.unparse(node)
        change()
        text = ast.unparse(ast.fix_missing_locations(tree))
        yield f"{function}, line {line}: {was[:70]!r} -> {words}", text


def _faults(tree, names):
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name in names:
            for node in places(function):
                if hasattr(node, "lineno"):
                    for change, words in faults_of(node):
                        yield function.name, node, change, words


def name_fault(words):
    "A survivor without its line, as REASONS names it."
    function, _, fault = words.partition(", line ")
    return f"{function}: {fault.partition(': ')[2]}"


class Spoiled(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    "Finds one module in another wording."

    def __init__(self, name, path, source):
        self.name, self.path, self.source = name, path, source

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)
        return None

    def get_filename(self, name):
        return str(self.path)

    def get_data(self, path):
        return self.source.encode()


def try_tests(name, path, source, tests, words):
    "Run tests on a spoiled module in this process; it ends with pytest's status."
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.meta_path.insert(0, Spoiled(name, path, source))
    import pytest

    args = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not chapters", *tests]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        status = pytest.main([*args, *(["-k", words] if words else [])])
    os._exit(int(status))


FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(
    "numpy pandas scipy.special scipy.linalg sklearn.linear_model sklearn.isotonic torch pytest "
    "hypothesis safetensors.torch hypothesis.extra.pandas click crepes".split()
)


def judge(target, source, limit):
    "Whether the tests notice: 'killed', 'survives' or 'too slow', which counts as noticed."
    module, _, tests, words = TARGETS[target]
    path = ROOT / (module.replace(".", "/") + ".py")
    p = FORK.Process(target=try_tests, args=(module, path, source, tests, words))
    p.start()
    p.join(limit)
    if p.exitcode is None:
        p.kill()
        p.join()
        return "too slow"
    return {0: "survives", 1: "killed"}.get(p.exitcode, f"killed ({p.exitcode})")


def try_target(name, seconds, found):
    "Mutants in random order, until the time is up."
    module, functions, *_ = TARGETS[name]
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text()
    begin = time.monotonic()
    assert judge(name, source, 600) == "survives", f"{name}: the tests fail on the code as it is"
    limit = 30 + 10 * (time.monotonic() - begin)
    mutants = list(spoiled(source, functions))
    random.Random(0).shuffle(mutants)
    tried = found[name] = dict(mutants=len(mutants), tried=0, killed=0, survivors=[])
    for words, text in mutants:
        if time.monotonic() - begin > seconds:
            break
        fate = judge(name, text, limit)
        tried["tried"] += 1
        tried["killed"] += fate != "survives"
        tried["survivors"] += [words] if fate == "survives" else []
        print(
            name, tried["tried"], tried["killed"], words if fate == "survives" else "", flush=True
        )
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def retry_survivors(name, found):
    "Survivors once more, after tests were added; those whose code is gone are counted no more."
    module, functions, *_ = TARGETS[name]
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text()
    texts, tried = {}, found[name]
    for words, text in spoiled(source, functions):
        texts.setdefault(words, []).append(text)  # the same words may stand twice in a line
    for words in list(tried["survivors"]):
        fates = {judge(name, text, 600) for text in texts.get(words, [])} or {"gone"}
        fate = "survives" if "survives" in fates else fates.pop()
        print(name, fate, words, flush=True)
        if fate == "survives":
            continue
        tried["survivors"].remove(words)
        tried["killed"] += fate != "gone"
        if fate == "gone":
            tried["tried"], tried["mutants"] = tried["tried"] - 1, tried["mutants"] - 1
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3600, help="for each target")
    parser.add_argument("--names", default=",".join(TARGETS))
    parser.add_argument("--survivors", action="store_true", help="only those, once more")
    given = parser.parse_args()
    RESULTS.parent.mkdir(exist_ok=True)
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in given.names.split(","):
        if given.survivors:
            retry_survivors(name, found)
        else:
            try_target(name, given.seconds, found)


if __name__ == "__main__":
    main()
