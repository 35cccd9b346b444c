"Whoever imports this may talk to this machine and to nobody else. `sitecustomize` imports it in every child of the tests."

import ipaddress
import socket
import sys


class NetworkUsed(OSError):
    "A test, or what it started, looked for another machine."


def is_here(host) -> bool:
    "Whether a host is this machine, by loopback or by its own name."
    host = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse(event: str, args: tuple) -> None:
    "An audit hook: Python calls it before every look-up, connection and datagram, whoever makes them."
    if not event.startswith("socket."):
        return
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = args[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        own, address = args[:2]
        if own.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
            return
        host = address[0]
    else:
        return
    if not is_here(host):
        raise NetworkUsed(
            f"the tests run without network: expected this machine, got {host!r} ({event})"
        )


if not hasattr(sys, "_adaroute_offline"):  # a hook cannot be taken away again: one is enough
    sys._adaroute_offline = True
    sys.addaudithook(refuse)
