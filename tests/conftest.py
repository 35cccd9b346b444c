"Shared by all tests: where the repository is, and a toy paper to drive."

import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers on two cores
ROOT = Path(__file__).resolve().parents[1]
OFFLINE = str(ROOT / "tests" / "offline")
sys.path.insert(0, OFFLINE)
import offline_guard  # noqa: E402  # before any test is collected
from warm_kernels import POSSIBLE, WarmKernels  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def offline():
    "No test reaches another machine, nor does a kernel, worker or command that it starts."
    with pytest.MonkeyPatch.context() as m:
        m.setenv("PYTHONPATH", OFFLINE, prepend=os.pathsep)
        yield offline_guard


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def warm():
    "What forks kernels, started once a worker."
    kernels = WarmKernels()
    yield kernels
    kernels.close()


@pytest.fixture
def quick_kernels(request, monkeypatch):
    "Notebooks run in kernels that are forked; where there is no forking, in those of always."
    if POSSIBLE:
        monkeypatch.setattr(
            "jupyter_client.provisioning.local_provisioner.launch_kernel",
            request.getfixturevalue("warm").launch,
        )


FIRST = (
    "test_smoke.py",
    "test_chapters.py",
    "test_readme.py",
)  # tests of many seconds that share nothing within their file


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    "Long tests begin both halves of the list, with which two workers begin: at the end only short ones are left to share out."
    long = sorted(
        (i for i in items if i.path.name in FIRST), key=lambda i: FIRST.index(i.path.name)
    )
    rest = [i for i in items if i.path.name not in FIRST]
    middle = max(0, len(items) // 2 - len(long[::2]))
    items[:] = [*long[::2], *rest[:middle], *long[1::2], *rest[middle:]]


CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
QUIETLY = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


@pytest.fixture(scope="module")
def browser():
    "A headless Chromium; without one, what needs it is skipped."
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on the path")
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=CHROMIUM, args=QUIETLY.split())
        yield found
        found.close()


def write_notebook(path, parameters, *bodies):
    "A notebook with a tagged parameters cell and some code cells."
    cells = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(body) for body in bodies]
    spec = {"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), path)


@pytest.fixture
def toy(tmp_path):
    "A complete small repository: one notebook that computes, one that draws."
    for sub in ("nbs/paper", "paper/params/smoke", "paper/params/default", "paper/params/paper"):
        (tmp_path / sub).mkdir(parents=True)
    folders = 'results = "../../paper/runs/smoke/results"\nfigs = "../../paper/runs/smoke/figs"\n'
    write_notebook(
        tmp_path / "nbs/paper/50_compute.ipynb",
        folders + "n = 3\nrate = 0.5",
        "from adaroute.lab.paper import write_result",
        'write_result(results, "total", sum(range(n)), seeds=[0], notebook="50_compute")',
    )
    write_notebook(
        tmp_path / "nbs/paper/51_draw.ipynb",
        folders,
        "from pathlib import Path\nfrom adaroute.lab.paper import read_result",
        'Path(figs, "total.txt").write_text("*" * read_result(results, "total"))',
    )
    for scale in ("smoke", "default", "paper"):
        (tmp_path / f"paper/params/{scale}/50_compute.yaml").write_text("n: 4\n")
    return tmp_path
