"""The masking key in no output, no process and no error, in whatever form, itself and every key derived from it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from key_search import KeyWatch, forms_of_keys, seen_in
from masking_project import MaskingProject

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[3]
SECRET = bytes.fromhex("8d3f61c07ab92e45d1f0886cb35a97e214c6f05b9a7e3d2288417bc6ef50a913")
PURPOSES = ("sale", "buyer", "visit", "sales.mail", "date_shift/buyer")
"""All that the policy derives keys for."""


FORMS = forms_of_keys(SECRET, PURPOSES)


@pytest.fixture
def project(tmp_path: Path) -> MaskingProject:
    """A small project whose key is one that no other test knows."""
    made = MaskingProject(tmp_path, days=2)
    made.write_key(SECRET)
    made.paths.graph.touch()
    return made


def _call(project: MaskingProject, *command: str, **extra: str) -> tuple[subprocess.CompletedProcess[bytes], KeyWatch]:
    """The command under watch; its own process may know the key by its environment, and no other."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **extra}
    with subprocess.Popen(
        [sys.executable, "-m", *command], cwd=project.paths.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        watch = KeyWatch(FORMS, {process.pid})
        watch.start()
        out, err = process.communicate()
        watch.end()
    return subprocess.CompletedProcess(command, process.returncode, out, err), watch


def _written(project: MaskingProject) -> dict[str, set[str]]:
    """Every file of the project but the key's own in which a key was seen."""
    files = [path for path in project.paths.root.rglob("*") if path.is_file() and path != project.key_file]
    assert len(files) > 10
    return {str(path): found for path in files if (found := seen_in(path.read_bytes(), FORMS))}


def _assert_nowhere(project: MaskingProject, done: subprocess.CompletedProcess[bytes], watch: KeyWatch) -> None:
    assert seen_in(done.stdout + done.stderr, FORMS) == set()
    assert watch.seen == set()
    assert _written(project) == {}


def test_search_would_see_a_key(project: MaskingProject) -> None:
    """The other tests would show nothing if this found nothing."""
    for number, form in enumerate(FORMS):
        (project.paths.root / f"leak-{number}").write_bytes(b"before" + form + b"after")
    assert len(_written(project)) == len(FORMS)


@pytest.mark.parametrize("source", ["file", "environment", "command"])
def test_masking_shows_the_key_nowhere(project: MaskingProject, source: str) -> None:
    """Wherever it comes from: not in data, state, logs, another process's environment or any command line."""
    extra = {"WT_TEST_KEY": SECRET.hex()} if source == "environment" else {}
    if source == "command":
        project.content["masking"]["key"] = {"env": "WT_TEST_KEY", "command": ["cat", "secrets/masking.key"], "id": "test-1"}
        project.write_params()
    done, watch = _call(project, "tasks", "mask", **extra)
    assert done.returncode == 0, done.stderr
    _assert_nowhere(project, done, watch)


def test_errors_show_the_key_nowhere(project: MaskingProject) -> None:
    """Where the key is the wrong one for its id, and where a bug ends the stage with a traceback."""
    assert _call(project, "tasks", "mask")[0].returncode == 0
    project.key_file.write_text(SECRET.hex()[::-1])
    done, watch = _call(project, "tasks", "mask", WT_TEST_KEY=SECRET.hex()[:-2] + "00")
    assert done.returncode == 2
    _assert_nowhere(project, done, watch)
    project.write_key(SECRET)
    partition = next(project.paths.snapshots.rglob("sales/*/part-0.parquet"))
    partition.write_bytes(partition.read_bytes()[:-50])
    (project.paths.masked / "manifest.json").unlink()
    done, watch = _call(project, "tasks", "mask")
    assert done.returncode == 2
    _assert_nowhere(project, done, watch)
