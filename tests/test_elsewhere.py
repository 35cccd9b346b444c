"A sample of `make elsewhere`: what must hold on any processor, run with other kernels."

import elsewhere
import pytest

SAMPLE = {
    "plain torch": [
        "tests/test_pins.py",
        "tests/test_chapters.py",
        "-k",
        "pins and not fresh_python or 02_headroom",
    ],
    "OpenBLAS for Nehalem": ["tests/test_chapters.py", "-k", "18_model or 10_axes"],
}


@pytest.mark.parametrize("place", SAMPLE)
def test_it_holds_elsewhere(place):
    status, said = elsewhere.run_there(place, [*SAMPLE[place], "-q", "-p", "no:xdist"])
    assert status == 0 and "passed" in said, said


def test_a_failure_elsewhere_is_seen(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import os\ndef test_it(): assert 'ATEN_CPU_CAPABILITY' not in os.environ"
    )
    status, said = elsewhere.run_there(
        "plain torch", [str(tmp_path), "-q", "-p", "no:cacheprovider"]
    )
    assert status == 1 and "1 failed" in said
