"""The masking key in nothing that a whole run leaves or shows: data, cache, remotes, logs, Prefect's database, processes."""

import gzip
from pathlib import Path

import pytest
from key_search import seen_in
from small_project import DEMO_KEY_FORMS

from tasks.canaries.containers import parts_of_file
from tasks.demo.key import DEMO_KEY_HEX

pytestmark = pytest.mark.slow

LEAVINGS = ("data", ".dvc", ".windtunnel", "dvc.lock", "params.yaml")


def _found(project: Path) -> tuple[dict[str, set[str]], set[str]]:
    """The files in which a key stands, in their bytes or in what is packed in them; and the names of all that were read."""
    files = [path for name in LEAVINGS for path in [project / name, *(project / name).rglob("*")] if path.is_file()]
    hits: dict[str, set[str]] = {}
    for path in set(files) - {project / ".windtunnel/masking.key"}:
        seen = {key for _, content in parts_of_file(path) for key in seen_in(content.to_pybytes(), DEMO_KEY_FORMS)}
        if seen:
            hits[str(path.relative_to(project))] = seen
    return hits, {path.name for path in files}


def test_whole_run_leaves_the_key_nowhere(finished: Path) -> None:
    """Not in a stored object of DVC, nor in what Prefect keeps; nor in any form of the key, nor any key derived of it."""
    hits, read = _found(finished)
    assert hits == {}
    assert {"manifest.json", "privacy.json", "report.html", "verdict.json", "dvc.lock", "prefect.db", "server.log"} <= read


def test_whole_run_shows_the_key_nowhere(said: str) -> None:
    """Neither on the terminal, nor in the command line or the environment of a process."""
    assert "criterion" in said
    assert seen_in(said.encode(), DEMO_KEY_FORMS) == set()
    assert "process: " not in said


def test_a_key_that_is_left_would_be_seen(tmp_path: Path) -> None:
    """The others would show nothing if this found nothing: in a log, and in a stored object that is packed."""
    log, stored = tmp_path / ".windtunnel/server/leak.log", tmp_path / ".dvc/cache/ab"
    for path in (log, stored):
        path.parent.mkdir(parents=True)
    log.write_text(f"key {DEMO_KEY_HEX}")
    stored.write_bytes(gzip.compress(bytes.fromhex(DEMO_KEY_HEX)))
    assert set(_found(tmp_path)[0]) == {".windtunnel/server/leak.log", ".dvc/cache/ab"}
