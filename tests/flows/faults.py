"""What the tests of faults share: spoiling a project, and reading what is told and what is left."""

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from processes import processes_in, wait_until
from small_project import environment

from tasks.canaries import MARKERS_FILE
from tasks.paths import CANARY_FILE

LAKE = Path(".windtunnel/demo-lake")


def assert_told(done: subprocess.CompletedProcess[str], *words: str, code: int = 2) -> None:
    """One message on stderr, with what was found, what was expected, what to do next, and ``words``; the exit code."""
    said = done.stderr
    assert done.returncode == code, f"{done.args} gave {done.returncode}\n{done.stdout}\n{said}"
    assert all(label in said for label in ("found:", "expected:", "next:")), said
    assert said.count("next:") <= 2, said  # a flow quotes the stage's message in its own
    assert "a bug in Windtunnel" not in said, said
    for word in words:
        assert word in said, said


def assert_told_by_dvc(done: subprocess.CompletedProcess[str], stage: str, *words: str) -> None:
    """The stage ended with exit code 2 and one message; DVC adds a line and an exit code of its own."""
    assert_told(done, f"failed to reproduce '{stage}'", "exited with 2", *words, code=255)


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below ``folder``, by path; of a snapshot without the markers that lie beside it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in (CANARY_FILE, MARKERS_FILE))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def lake_files(project: Path, table: str) -> list[Path]:
    """The Parquet files of a table of the lake."""
    return sorted((project / LAKE / table).rglob("*.parquet"))


def rewrite(file: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Put another table in the place of the one in ``file``."""
    pq.write_table(change(pq.ParquetFile(file).read()), file)


def replace_column(name: str, change: Callable[[pa.Array], pa.Array]) -> Callable[[pa.Table], pa.Table]:
    """A change for :func:`rewrite` that puts other values in the place of a column's."""
    return lambda table: table.set_column(table.column_names.index(name), name, change(table[name].combine_chunks()))


def set_params(project: Path, **changes: Any) -> None:
    """Set keys of params.yaml (dots are written ``__``), right or wrong: nothing is checked."""
    path = project / "params.yaml"
    content = yaml.safe_load(path.read_text())
    for name, value in changes.items():
        *parents, last = name.split("__")
        section = content
        for parent in parents:
            section = section[parent]
        section[last] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def forget_runs(project: Path, *outputs: str) -> None:
    """As if the stages of ``outputs`` had never run: neither these nor DVC's memory of any run is there."""
    git = subprocess.run(["git", "rev-parse", "--show-toplevel"], cwd=project, capture_output=True, text=True, check=True)
    assert Path(git.stdout.strip()) == project.resolve()
    (project / "dvc.lock").unlink()
    for path in (".dvc/cache", ".dvc/tmp", *outputs):
        subprocess.run(["rm", "-rf", path], cwd=project, check=True)


def hold_training(project: Path) -> Path:
    """Let the challenger's training wait until the file that is returned exists."""
    file, gate = project / "waits.py", project / "go"
    source = (
        "import pathlib, time\nfrom sklearn.ensemble import HistGradientBoostingClassifier\n"
        f"while not pathlib.Path({str(gate)!r}).exists():\n    time.sleep(0.05)\n"
        "estimator = HistGradientBoostingClassifier(max_iter=5)\n"
    )
    file.write_text(source)
    digest = hashlib.sha256(source.encode()).hexdigest()
    set_params(project, models__challenger={"file": file.name, "sha256": digest, "split": "by_time", "part": "train"})
    return gate


@contextmanager
def running(project: Path) -> Iterator[subprocess.Popen[str]]:
    """A `windtunnel run` whose training waits (:func:`hold_training`), from the moment on at which it does."""
    process = subprocess.Popen(
        ["windtunnel", "run"],
        cwd=project,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        seen = lambda: any("-m tasks train" in line for line in processes_in(project).values())  # noqa: E731
        wait_until("the stage train runs", lambda: seen() or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
