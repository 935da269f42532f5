"""What the tests of flows share: a tiny DVC project, a real Prefect server, and one finished run on a small real production."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from key_search import KeyWatch
from small_project import DEMO_KEY_FORMS, call, make_small_project
from toy_project import make_toy


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A fresh toy project."""
    return make_toy(tmp_path / "toy")


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API URL of a real Prefect server on loopback."""
    from flows.process_groups import stop_group
    from flows.server import free_port, start_server

    before = dict(os.environ)
    server = start_server(tmp_path_factory.mktemp("server"), free_port())
    try:
        yield server.api_url
    finally:
        stop_group(server.server_pid)
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def run_in(prefect_api: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python source in a folder, with the API set before Prefect is imported."""

    def run(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PREFECT_API_URL": prefect_api, "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
        return subprocess.run([sys.executable, "-c", source], cwd=folder, env=env, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after `windtunnel run`, made once for all test processes; tests that change it take a copy (`project`)."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / "finished" / "project", shared / "finished.done"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make_small_project(folder)
            watch = KeyWatch(DEMO_KEY_FORMS, set(), seconds=0.2)
            watch.start()
            run = call(folder, "windtunnel", "run", code=None)
            watch.end()
            (shared / "finished.said").write_text(run.stdout + run.stderr + "".join(f"\nprocess: {name}" for name in watch.seen))
            assert (folder / "data/verdict.json").exists(), run.stderr
            done.touch()
    return folder


@pytest.fixture
def said(finished: Path) -> str:
    """What that run printed, and a line for each key that any process showed meanwhile."""
    return (finished.parent.parent / "finished.said").read_text()


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished project."""
    return Path(shutil.copytree(finished, tmp_path / "project", symlinks=True))
