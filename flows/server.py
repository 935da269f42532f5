"""The local Prefect server and its worker: up, down, status.

What belongs here: starting, finding and stopping them, and the settings under which this project talks to Prefect. What does
not: flows and deployments. An existing ``PREFECT_API_URL`` is honoured; a local server keeps its SQLite database in
``.windtunnel/server`` and is reached on loopback only. This module must stay importable without Prefect, because the
settings have to be in the environment before Prefect is imported.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from flows.process_groups import STOP_SECONDS, adopt, groups_started_by, is_group_alive, stop_group
from flows.programs import end_with_parent
from flows.server_watch import end_run_without
from tasks import telemetry
from tasks.datasets import write_atomically
from tasks.errors import ServerError
from tasks.paths import ProjectPaths, main_root, make_private

HOST = "127.0.0.1"
DEFAULT_PORT = 4200
WORK_POOL = "windtunnel"
_START_SECONDS = 90


@dataclass(frozen=True)
class RunningServer:
    """A local server that this project started: its API, and the processes that belong to it (0: none)."""

    api_url: str
    server_pid: int
    worker_pid: int

    @property
    def ui_url(self) -> str:
        """Where the UI is served."""
        return self.api_url.removesuffix("/api")


def prepare_environment(root: Path) -> None:
    """Set what Prefect reads at import: no telemetry, no server of its own, logs to the server and not to the terminal."""
    telemetry.switch_off()
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_ENABLED", "false")
    os.environ.setdefault("PREFECT_RESULTS_PERSIST_BY_DEFAULT", "false")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    if "PREFECT_API_URL" not in os.environ:
        home = ProjectPaths(main_root(root)).server / "prefect"
        make_private(home)
        os.environ["PREFECT_HOME"] = str(home)


def is_healthy(api_url: str) -> bool:
    """Whether a Prefect API answers at ``api_url``."""
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=3) as answer:  # noqa: S310 - the user's own API URL
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def find_server(root: Path) -> RunningServer | None:
    """The server that ``windtunnel up`` started for this project, if it still answers."""
    path = ProjectPaths(main_root(root)).server / "server.json"
    try:
        found = RunningServer(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if is_healthy(found.api_url) else None


@contextmanager
def reach_api(root: Path, meanwhile: Callable[[], object] = lambda: None) -> Iterator[str]:
    """The URL of a Prefect API for one run, exported as ``PREFECT_API_URL``; a server started for it is stopped after it.

    ``meanwhile`` is called while a server starts, which takes seconds that the caller's imports can use; where one is there already
    it is not called.

    Order: the environment's ``PREFECT_API_URL``, the server of ``windtunnel up``, a server of this run's own. Raises
    :class:`~tasks.errors.ServerError` where the first does not answer or the last does not start.
    """
    prepare_environment(root)
    chosen = os.environ.get("PREFECT_API_URL")
    if chosen:
        if not is_healthy(chosen):
            raise ServerError(
                f"the Prefect server at {chosen}",
                found="no answer",
                expected="a server that is up (PREFECT_API_URL names it)",
                next_step="start it, or unset PREFECT_API_URL to let a local one be started; `dvc repro` needs none",
            )
        _require_not_imported()
        with end_run_without(chosen, has_ended=lambda: False, is_healthy=lambda: is_healthy(chosen)):
            yield chosen
        return
    running = find_server(root)
    _require_not_imported()
    started = None if running else start_server(root, free_port(), is_for_one_run=True, meanwhile=meanwhile)
    server = running or started
    if server is None:
        raise ServerError("the local Prefect server", found="none", expected="a server", next_step="windtunnel doctor")
    os.environ["PREFECT_API_URL"] = server.api_url
    has_ended = partial(_has_ended, server.server_pid)
    try:
        with end_run_without(server.api_url, has_ended=has_ended, is_healthy=lambda: is_healthy(server.api_url)):
            try:
                yield server.api_url
            finally:
                _flush_logs()
    finally:
        del os.environ["PREFECT_API_URL"]
        if started:
            stop_group(started.server_pid)


def _flush_logs() -> None:
    """Send what Prefect still holds back, while its server is there to take it."""
    if "prefect" in sys.modules:
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogWorker

        APILogWorker.drain_all(timeout=STOP_SECONDS)
        EventsWorker.drain_all(timeout=STOP_SECONDS)


def _require_not_imported() -> None:
    """Refuse to go on where Prefect has read its settings already: runs would go to a server of its own, unseen."""
    if "prefect" in sys.modules:
        raise ServerError(
            "Prefect", found="imported before its server was known", expected="imported after", next_step="report this as a bug"
        )


def free_port() -> int:
    """A port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def start_server(
    root: Path, port: int, *, is_for_one_run: bool = False, meanwhile: Callable[[], object] | None = None
) -> RunningServer:
    """Start a Prefect server on ``port`` in a process group of its own and wait until it answers.

    One that ``is_for_one_run`` ends with this process, however that ends. ``meanwhile`` is called before the wait, with the
    server's URL in the environment, so that it may import Prefect.
    """
    paths = ProjectPaths(main_root(root))
    prepare_environment(root)
    api_url = f"http://{HOST}:{port}/api"
    env = {"PREFECT_API_URL": api_url, "PREFECT_UI_API_URL": api_url, "PREFECT_SERVER_LOGGING_LEVEL": "WARNING"}
    command = [_script("prefect"), "server", "start", "--host", HOST, "--port", str(port)]
    pid = _spawn(command, paths, log="server.log", extra=env, ends_with_parent=is_for_one_run)
    if meanwhile is not None:
        os.environ["PREFECT_API_URL"] = api_url
        try:
            meanwhile()
        except BaseException:
            stop_group(pid)
            raise
    deadline = time.monotonic() + _START_SECONDS
    while not is_healthy(api_url):
        if time.monotonic() > deadline or not is_group_alive(pid):
            stop_group(pid)
            raise ServerError(
                "the local Prefect server",
                found=f"no answer on port {port}",
                expected=f"a healthy server within {_START_SECONDS} s",
                next_step=f"look at {paths.server / 'server.log'}, then `windtunnel doctor`",
            )
        time.sleep(0.2)
    return RunningServer(api_url, pid, 0)


def up(root: Path, port: int | None) -> RunningServer:
    """Start server and worker, or find them running, and register the deployments as the parameters now say."""
    paths = ProjectPaths(main_root(root))
    server = _server_to_use(paths, port)
    os.environ["PREFECT_API_URL"] = server.api_url
    has_worker = is_group_alive(server.worker_pid)
    is_ours = server.server_pid > 0
    words = ["--end-lost-runs"] if is_ours and not has_worker else []
    # In a user's project the current folder must not come first, or a ``flows.py`` of theirs would be taken for ours.
    safe = ["-P"] if paths.version_lock.is_file() else []
    _run_once([sys.executable, *safe, "-m", "flows.deployments", *words], paths, what="the deployments")
    if has_worker:
        return server
    name = f"{WORK_POOL}-{secrets.token_hex(3)}"
    command = [_script("prefect"), "worker", "start", "--pool", WORK_POOL, "--type", "process", "--name", name]
    worker = _spawn(command, paths, log="worker.log", extra={"PREFECT_API_URL": server.api_url})
    complete = RunningServer(server.api_url, server.server_pid, worker)
    _remember(paths, complete)
    return complete


def _server_to_use(paths: ProjectPaths, port: int | None) -> RunningServer:
    prepare_environment(paths.root)
    running = find_server(paths.root)
    chosen = os.environ.get("PREFECT_API_URL")
    if chosen and not is_healthy(chosen):
        next_step = "start it, or unset PREFECT_API_URL"
        raise ServerError(f"the Prefect server at {chosen}", found="no answer", expected="a server that is up", next_step=next_step)
    if running and chosen not in (None, "", running.api_url):
        raise ServerError(
            "windtunnel up",
            found=f"server and worker for {running.api_url}, while PREFECT_API_URL names {chosen}",
            expected="one of the two",
            next_step="windtunnel down, or unset PREFECT_API_URL",
        )
    if running:
        return running
    down(paths.root)  # a worker whose server is gone would be forgotten
    if chosen:
        return RunningServer(chosen, 0, 0)
    server = start_server(paths.root, _pick_port(port))
    _remember(paths, server)
    return server


def _pick_port(port: int | None) -> int:
    if port is None:
        return DEFAULT_PORT if _is_free(DEFAULT_PORT) else free_port()
    if not _is_free(port):
        raise ServerError(
            f"port {port}",
            found="something else listens on it",
            expected="a free port",
            next_step="windtunnel up --port 0 chooses one",
        )
    return port or free_port()


def down(root: Path) -> bool:
    """Stop the worker and the server that ``up`` started; False if there were none."""
    path = ProjectPaths(main_root(root)).server / "server.json"
    try:
        found = RunningServer(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return False
    runs = groups_started_by(found.worker_pid) if found.worker_pid else ()
    for group in (found.worker_pid, *runs, found.server_pid):
        stop_group(group)
    path.unlink()
    return True


def _remember(paths: ProjectPaths, server: RunningServer) -> None:
    write_atomically(paths.server / "server.json", json.dumps(asdict(server), indent=1).encode())


def _script(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _environment(paths: ProjectPaths, extra: dict[str, str]) -> dict[str, str]:
    scripts = str(Path(sys.executable).parent)
    return {**os.environ, **extra, "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}"}


def _spawn(command: list[str], paths: ProjectPaths, *, log: str, extra: dict[str, str], ends_with_parent: bool = False) -> int:
    make_private(paths.state)
    make_private(paths.server)
    with (paths.server / log).open("ab") as stream:
        process = subprocess.Popen(  # noqa: S603 - fixed programs
            command,
            cwd=paths.root,
            env=_environment(paths, extra),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            preexec_fn=end_with_parent if ends_with_parent else None,  # noqa: PLW1509 - only one prctl call
        )
    adopt(process)
    return process.pid


def _run_once(command: list[str], paths: ProjectPaths, *, what: str) -> None:
    done = subprocess.run(command, cwd=paths.root, env=_environment(paths, {}), capture_output=True, text=True, check=False)  # noqa: S603 - fixed
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing was printed").splitlines()
        raise ServerError(what, found=said[-1], expected="to be registered", next_step="windtunnel down, then windtunnel up")


def _has_ended(pid: int) -> bool:
    """Whether the process ``pid`` is known (0: unknown) and has ended."""
    return pid > 0 and not is_group_alive(pid)
