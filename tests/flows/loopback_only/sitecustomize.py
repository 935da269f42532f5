"""Refuses and records every connection of a Python process that is not to this machine; put on PYTHONPATH by a test."""

import os
import socket
import sys


def _is_here(host: object) -> bool:
    text = str(host or "localhost")
    return text in ("localhost", "::1", "0.0.0.0", "::", socket.gethostname()) or text.startswith("127.")


def _watch(event: str, arguments: tuple) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if host is not None and not _is_here(host):
        with open(os.environ["CONNECTIONS_LOG"], "a") as stream:
            stream.write(f"{event} {host} by {' '.join(sys.argv[:4])}\n")
        raise ConnectionRefusedError(f"{host} is not this machine")


if "CONNECTIONS_LOG" in os.environ:
    sys.addaudithook(_watch)
