"""A proxy on loopback that passes requests to a store, and spoils the answers that a test names."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Fault = Callable[[BaseHTTPRequestHandler, int, list[tuple[str, str]], bytes], None]
"""Answers in the store's place: handler, the store's status, headers and body."""


@dataclass
class Faults:
    """What is still to go wrong with the answers to GETs of one kind, and what was asked."""

    endpoint: str = ""
    plan: list[Fault] = field(default_factory=list)
    """One for each matching request, in order; what follows them is passed on."""
    part: str = ".parquet"
    """Requests whose target holds this are spoiled."""
    seen: list[dict[str, str]] = field(default_factory=list)
    """The headers of every matching request."""
    before: Callable[[int], None] = lambda number: None
    """Called with the number of each matching request before it is passed on."""
    lock: threading.Lock = field(default_factory=threading.Lock)


def answer(status: int, code: str) -> Fault:
    """An error of the store's own."""

    def fault(handler: BaseHTTPRequestHandler, _status: int, _headers: list[tuple[str, str]], _body: bytes) -> None:
        _send(handler, status, [], f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    return fault


def cut(after: int) -> Fault:
    """The connection ends after so many bytes of the body."""

    def fault(handler: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        _head(handler, status, headers, len(body))
        handler.wfile.write(body[:after])
        handler.close_connection = True

    return fault


def whole(content: bytes) -> Fault:
    """The whole object, whatever part of it was asked for."""

    def fault(handler: BaseHTTPRequestHandler, _status: int, headers: list[tuple[str, str]], _body: bytes) -> None:
        _head(handler, 200, headers, len(content))
        handler.wfile.write(content)

    return fault


def silence(seconds: float) -> Fault:
    """No byte at all for so long, and then the end."""

    def fault(handler: BaseHTTPRequestHandler, _status: int, _headers: list[tuple[str, str]], _body: bytes) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return fault


def drip(pause_seconds: float) -> Fault:
    """One byte after the other, with a pause between them."""

    def fault(handler: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        _head(handler, status, headers, len(body))
        for place in range(len(body)):
            handler.wfile.write(body[place : place + 1])
            handler.wfile.flush()
            time.sleep(pause_seconds)

    return fault


def _head(handler: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], length: int) -> None:
    handler.send_response_only(status)
    for name, value in headers:
        if name.lower() not in ("content-length", "transfer-encoding", "connection"):
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()


def _send(handler: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    _head(handler, status, headers, len(body))
    handler.wfile.write(body)


@contextmanager
def spoil(endpoint: str) -> Iterator[Faults]:
    """A proxy in front of the store at ``endpoint``, until the context ends."""
    upstream = urlsplit(endpoint).netloc
    faults = Faults()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            fault = _next_fault(faults, self)
            length = int(self.headers.get("Content-Length", 0))
            connection = http.client.HTTPConnection(upstream, timeout=20)
            try:
                # The signature covers the Host header: it is passed on as the client sent it.
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(self.rfile.read(length))
                response = connection.getresponse()
                body = response.read()
                (fault or _send)(self, response.status, response.getheaders(), body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client gave up, as it should
            finally:
                connection.close()

        do_GET = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815 - as the base class calls them

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    faults.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield faults
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _next_fault(faults: Faults, handler: BaseHTTPRequestHandler) -> Fault | None:
    if faults.part not in handler.path:
        return None
    with faults.lock:
        faults.before(len(faults.seen))
        faults.seen.append(dict(handler.headers.items()))
        return faults.plan.pop(0) if faults.plan else None
