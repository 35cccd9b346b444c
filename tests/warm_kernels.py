"""Kernels that need not load the libraries: one process has them and forks a kernel for each chapter, which starts afresh from there.

What is loaded beforehand is other people's; a kernel loads this package itself and begins with an empty namespace."""

import atexit
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

LOADED = (
    "numpy pandas scipy.stats scipy.optimize torch torch._dynamo safetensors.torch sklearn.ensemble sklearn.linear_model sklearn.decomposition "
    "sklearn.feature_extraction.text sklearn.model_selection sklearn.tree matplotlib.figure matplotlib.font_manager ipykernel.kernelapp"
).split()
POSSIBLE = Path("/proc/self/task").is_dir() and hasattr(os, "fork")


# in the process that forks


def become_a_kernel(order: dict):
    "Be what `python -m ipykernel_launcher` would be, in its folder and with its environment."
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    tell = os.dup(1)
    os.dup2(null, 0)
    os.dup2(2, 1)  # lines to the tests are not for what a chapter prints
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = order["argv"]
    os.write(tell, b"kernel %d\n" % os.getpid())
    os.close(tell)
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance()


def serve():
    "Fork a kernel for each line of stdin, one at a time; say its process, then how it ended."
    os.environ["MPLBACKEND"] = (
        "module://matplotlib_inline.backend_inline"  # as a kernel sets it, and matplotlib reads it once
    )
    os.environ["JPY_PARENT_PID"] = str(
        os.getpid()
    )  # whom a kernel does not outlive, which ipykernel reads once
    for name in LOADED:
        importlib.import_module(name)
    importlib.import_module("pandas").set_option(
        "display.max_columns", 20
    )  # as pandas itself would in a kernel; here it saw none
    os.write(1, b"threads %d\n" % len(os.listdir("/proc/self/task")))
    gc.freeze()  # memory that is shared stays so
    gone = select.poll()
    gone.register(0, 0)  # no events but the end of the other side
    while line := sys.stdin.buffer.raw.readline():
        pid = os.fork()
        if not pid:
            status = 0
            try:
                become_a_kernel(json.loads(line))
            except SystemExit as e:
                status = int(bool(e.code))
            except BaseException:
                status = traceback.print_exc() or 1
            atexit._run_exitfuncs()  # what the kernel would clear away at its end
            os._exit(status)
        while (done := os.waitpid(pid, os.WNOHANG))[0] == 0:
            if gone.poll(50):
                os.kill(pid, signal.SIGKILL)
        os.write(1, b"ended %d\n" % os.waitstatus_to_exitcode(done[1]))
    os._exit(0)  # nothing to clear away


# in the tests


class Kernel:
    "A forked kernel, as `subprocess.Popen` would show it."

    stdin = stdout = stderr = returncode = None

    def __init__(self, home, pid):
        self.home, self.pid = home, pid

    def poll(self):
        if self.returncode is None and self.home.hears():
            self.returncode = self.home.line("ended")
        return self.returncode

    def wait(self, timeout=None):
        begin = time.monotonic()
        while self.poll() is None:
            if timeout is not None and time.monotonic() - begin > timeout:
                raise subprocess.TimeoutExpired("kernel", timeout)
            time.sleep(0.02)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


class WarmKernels:
    "The process that forks kernels, as the tests see it."

    kernel = None

    def __init__(self):
        code = f"import sys; sys.path[0] = {str(Path(__file__).parent)!r}; from warm_kernels import serve; sys.path.pop(0); serve()"
        alone = {
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "JE_ARROW_MALLOC_CONF": "background_thread:false",
        }  # the last one: pyarrow's
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=os.environ | alone,
        )
        assert self.line("threads") == 1, "forking is only safe from a single thread"

    def hears(self) -> bool:
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def line(self, word) -> int:
        said = self.process.stdout.readline().decode().split()
        assert said[:1] == [word], f"expected {word} and a number, got {said}"
        return int(said[1])

    def launch(self, cmd, cwd=None, env=None, **_) -> Kernel:
        "In place of `jupyter_client.launcher.launch_kernel`."
        assert cmd[1:3] == ["-m", "ipykernel_launcher"], cmd
        order = dict(
            argv=cmd[2:], cwd=str(cwd or os.getcwd()), env=dict(os.environ if env is None else env)
        )
        if self.kernel and self.kernel.poll() is None:
            self.kernel.kill()
            self.kernel.wait()  # one at a time
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.kernel = Kernel(self, self.line("kernel"))
        return self.kernel

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()
