"""A run whose Prefect server is gone ends: no stage is left behind, one message, exit code 2.

What belongs here: noticing it and ending. What does not: starting and stopping servers (:mod:`flows.server`). The end is a hard
one, from a thread: Prefect's client and its senders of logs and events go on trying for minutes and hold the process that long.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tasks.errors import ServerError

_LOOK_SECONDS = 1.0
_SILENT_SECONDS = 60.0
"""So long may a server whose process is not known to have ended be silent: restarted, or busy."""
_RUN_OF_A_WORKER = "PREFECT__FLOW_RUN_ID"
"""The environment variable by which a worker tells a process which flow run it is."""
_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def end_run_without(api_url: str, *, has_ended: Callable[[], bool], is_healthy: Callable[[], bool]) -> Iterator[None]:
    """End this process if the server at ``api_url`` ``has_ended``, or is not healthy for a minute, while the context is open."""
    closed = threading.Event()

    def watch() -> None:
        heard = time.monotonic()
        while not closed.wait(_LOOK_SECONDS):
            if is_healthy():
                heard = time.monotonic()
            is_gone = has_ended() or time.monotonic() - heard > _SILENT_SECONDS
            if is_gone and not closed.is_set():  # whoever closes the context may stop the server next
                _end_process(api_url)

    threading.Thread(target=watch, name="server watch", daemon=True).start()
    try:
        yield
    finally:
        closed.set()


@contextmanager
def end_with_worker() -> Iterator[None]:
    """Where a worker started this process: end it when that worker, or the server, is gone, for nobody else would."""
    from flows.server import is_healthy

    api_url, worker = os.environ.get("PREFECT_API_URL", ""), os.getppid()
    if _RUN_OF_A_WORKER not in os.environ or not api_url:
        yield
        return
    with end_run_without(api_url, has_ended=lambda: os.getppid() != worker, is_healthy=lambda: is_healthy(api_url)):
        yield


def _end_process(api_url: str) -> None:
    if "flows.stage_runner" in sys.modules:
        from flows.stage_runner import stop_running_stages

        stop_running_stages()
    error = ServerError(
        f"the Prefect server at {api_url}",
        found="it or the run's worker ended, or it stopped answering, during the run",
        expected="a server that stays up until the run has ended",
        next_step="start again: finished stages are not repeated; `dvc repro` needs no server",
    )
    cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
    with suppress(OSError):  # a worker that is gone reads no longer
        print(f"{cursor}error: {error}", file=sys.stderr, flush=True)
    os._exit(error.exit_code)
