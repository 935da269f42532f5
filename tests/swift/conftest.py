"""OpenStack Swift's S3 API, a real store beside moto's; skipped, visibly, where Swift is not installed; in CI it must be."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_server import Account, Store

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit" / "sources"))

_PROGRAMS = ("swift-proxy-server", "swift-account-server", "swift-container-server", "swift-object-server", "memcached", "unshare")
_ADMIN = Account("prod:admin", "prodadmin")
_READER = Account("prod:reader", "prodreader")
_PORTS = range(20_000, 30_000, 10)


@pytest.fixture(scope="session")
def swift() -> Iterator[Store]:
    """A running Swift whose account ``prod`` owns the lake, and grants its reader reading."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        reason = f"needs root and {', '.join(missing) or 'nothing more'}; see tests/swift/swift_up.sh"
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(reason)
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="swift-") as name:
        folder, port = Path(name), _free_ports()
        process = subprocess.Popen([Path(__file__).with_name("swift_up.sh"), folder, str(port)])
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _wait(endpoint, process, folder)
            _grant_reading(endpoint)
            yield Store(endpoint, _ADMIN, _READER)
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture
def as_reader(swift: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Swift, with the reader's credentials in the environment."""
    for name, value in swift.reader.environment().items():
        monkeypatch.setenv(name, value)
    return swift


def _free_ports() -> int:
    """The first of five ports in a row that nobody listens on."""
    for first in _PORTS:
        try:
            for port in range(first, first + 5):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no five free ports in a row")


def _wait(endpoint: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(1800):  # a machine that is busy takes its time
        if process.poll() is not None:
            raise RuntimeError("\n".join(f"{log.name}: {log.read_text()[-1000:]}" for log in sorted(folder.glob("*.log"))))
        try:
            _log_in(endpoint)  # which needs every part of it
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("Swift did not answer")


def _log_in(endpoint: str) -> str:
    headers = {"X-Auth-User": _ADMIN.key_id, "X-Auth-Key": _ADMIN.secret}
    with urllib.request.urlopen(urllib.request.Request(f"{endpoint}/auth/v1.0", headers=headers), timeout=10) as answer:
        return str(answer.headers["X-Auth-Token"])


def _grant_reading(endpoint: str) -> None:
    """What docs/lakes-on-s3.md tells the owner of the lake to do."""
    headers = {"X-Auth-Token": _log_in(endpoint), "X-Account-Access-Control": json.dumps({"read-only": [_READER.key_id]})}
    request = urllib.request.Request(f"{endpoint}/v1/AUTH_prod", data=b"", headers=headers, method="POST")
    urllib.request.urlopen(request, timeout=10).close()
