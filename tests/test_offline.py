"The guard that keeps the tests off the network: in this process, in children, and not in the way of loopback."

import os
import re
import socket
import subprocess
import sys
import urllib.request

import pytest

AWAY = [
    "192.0.2.1",
    "2001:db8::1",
    "example.invalid",
]  # addresses and a name that are nobody's (RFC 5737, 3849, 6761)
NAMED = lambda host: pytest.raises(OSError, match=f"without network.*got '{re.escape(host)}'")


@pytest.mark.parametrize("host", AWAY)
def test_other_machines_are_refused_by_name(host):
    with NAMED(host):
        socket.getaddrinfo(host, 80)
    with NAMED(host):
        socket.gethostbyname(host)
    with NAMED(host):
        socket.create_connection((host, 80), timeout=1)


@pytest.mark.parametrize("host", AWAY[:2])
def test_sockets_are_refused_as_well(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as s:
        for attempt in (s.connect, s.connect_ex):
            with NAMED(host):
                attempt((host, 80))
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        with NAMED(host):
            s.sendto(b"hello", (host, 53))
        with NAMED(host):
            s.sendmsg([b"hello"], [], 0, (host, 53))


def test_libraries_are_refused_too():
    pooch = pytest.importorskip("pooch")
    with pytest.raises(OSError, match="without network"):
        urllib.request.urlopen("http://192.0.2.1/", timeout=1)
    with pytest.raises(Exception, match="without network"):
        pooch.retrieve("https://example.invalid/table.csv", None, progressbar=False)


def test_this_machine_may_be_spoken_to(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1]), timeout=5).close()
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
    one, other = socket.socketpair()
    one.sendmsg([b"x"])
    assert other.recv(1) == b"x"
    one.close()
    other.close()
    socket.getaddrinfo(socket.gethostname(), 80)


CHILD = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), timeout=1)\nexcept OSError as e: print(e)"


def test_children_are_guarded():
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True)
    assert "without network" in done.stdout and "192.0.2.1" in done.stdout and not done.stderr
    grandchild = f"import subprocess, sys; print(subprocess.run([sys.executable, '-c', {CHILD!r}], capture_output=True, text=True).stdout)"
    assert (
        "without network"
        in subprocess.run([sys.executable, "-c", grandchild], capture_output=True, text=True).stdout
    )


def test_kernels_are_guarded(tmp_path):
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CHILD)])
    NotebookClient(
        book, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert "without network" in book.cells[0].outputs[0].text


def test_the_guard_can_fail():
    "Without the folder on its path a child is not guarded: what is seen above is the guard's doing."
    bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    ask = "import sys; print(hasattr(sys, '_adaroute_offline'))"
    assert [
        subprocess.run(
            [sys.executable, "-c", ask], env=env, capture_output=True, text=True
        ).stdout.strip()
        for env in (bare, None)
    ] == ["False", "True"]
