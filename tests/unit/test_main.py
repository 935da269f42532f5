"""What ``python -m tasks`` does around every stage: usage, inputs, faults, signals, exit codes."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tasks.__main__ as runner
from tasks.credentials import LAKE_VARIABLES, MODEL_VARIABLES
from tasks.datasets import write_atomically
from tasks.errors import StageError
from tasks.stages import STAGE_NAMES, Stage, StageContext

_REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An otherwise empty clone with the repository's parameters and graph, as the current folder."""
    (tmp_path / "tasks/stages").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(_REPOSITORY / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


Run = Callable[..., int]


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a stage whose work and declarations the test gives."""

    def run_stage(
        work: Callable[[StageContext], None], *arguments: str, reads: tuple[str, ...] = (), variants: tuple[str, ...] | None = None
    ) -> int:
        stage = Stage(
            reads=lambda _: reads,
            writes=lambda _: (),
            code=(),
            run=work,
            variants=None if variants is None else lambda _: variants,
        )
        monkeypatch.setattr(runner, "load_stage", lambda _: stage)
        return runner.main(["mask", *arguments])

    return run_stage


def _nothing(_: StageContext) -> None:
    """A stage's work that goes well."""


def _raiser(error: BaseException) -> Callable[[StageContext], None]:
    def work(_: StageContext) -> None:
        raise error

    return work


def test_help_lists_the_stages(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 and every stage's name."""
    with pytest.raises(SystemExit) as caught:
        runner.main(["--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert all(name in said for name in STAGE_NAMES)


def test_wrong_usage_is_exit_2() -> None:
    """No stage named."""
    with pytest.raises(SystemExit) as caught:
        runner.main([])
    assert caught.value.code == 2


@pytest.mark.usefixtures("root")
def test_unknown_stage(capsys: pytest.CaptureFixture[str]) -> None:
    """The stages that there are, are named."""
    assert runner.main(["melt"]) == 2
    assert "one of snapshot, mask" in capsys.readouterr().err


def test_stage_that_goes_well(run: Run) -> None:
    """The stage sees the project, its parameters and its variant."""
    seen: list[StageContext] = []
    assert run(seen.append, "raw", variants=("raw", "masked")) == 0
    assert seen[0].variant == "raw"
    assert seen[0].paths.params.is_file()
    assert seen[0].params.schema_version == 1


@pytest.mark.parametrize(
    ("arguments", "variants", "expected"),
    [((), ("raw", "masked"), "raw, masked"), (("x",), ("raw", "masked"), "raw, masked"), (("x",), None, "no variant")],
)
def test_variant_must_be_declared(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], variants: tuple[str, ...] | None, expected: str
) -> None:
    """A missing, unknown or superfluous variant is told with the ones that there are."""
    assert run(_nothing, *arguments, variants=variants) == 2
    assert f"expected: {expected}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "next_step"),
    [
        ("data/pin.json", "windtunnel pin"),
        ("data/snapshots", "dvc repro snapshot"),
        ("data/splits/by_time", "dvc repro split"),
        ("data/masked/manifest.json", "dvc repro mask"),
        ("data/validation/raw.json", "dvc repro validate_raw"),
        ("data/evaluation/roc.csv", "dvc repro evaluate"),
        ("expectations/raw", "restore expectations/raw from Git"),
    ],
)
def test_missing_input_names_what_makes_it(run: Run, capsys: pytest.CaptureFixture[str], path: str, next_step: str) -> None:
    """The stage is not started; the message holds the command."""
    assert run(_raiser(AssertionError()), reads=(path,)) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"stage mask: {path}\n")
    assert said.endswith(f"next:     {next_step}\n")


def test_missing_parameters(run: Run, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Outside a project."""
    (root / "params.yaml").unlink()
    assert run(_nothing) == 2
    assert "change to the project's folder" in capsys.readouterr().err


def test_known_error_is_told_without_traceback(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Its message is all that is printed."""
    error = StageError("thing", found="this", expected="that", next_step="do")
    assert run(_raiser(error)) == 2
    assert capsys.readouterr().err == f"{error}\n"


class OutOfMemoryException(Exception):  # noqa: N818 - DuckDB's own name
    """As DuckDB names its own."""


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "data/x"), "the disk is full: data/x"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk quota is used up"),
        (RuntimeError("IO Error: No space left on device"), "the disk is full"),
        (MemoryError(), "out of memory"),
        (OutOfMemoryException("failed to allocate"), "out of memory"),
        (PermissionError(errno.EACCES, "Permission denied", "data/x"), "Permission denied"),
    ],
)
def test_exhausted_machine_is_no_bug(run: Run, root: Path, capsys: pytest.CaptureFixture[str], error: Exception, says: str) -> None:
    """Disk, memory and permissions are told plainly, with what to do."""
    assert run(_raiser(error)) == 2
    said = capsys.readouterr().err
    assert says in said
    assert "dvc repro mask" in said
    assert not list(root.rglob("crash-*"))


def test_bug_is_one_line_and_a_private_file(run: Run, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error's own words may hold a raw value: they are not printed, but kept where only this account reads them."""
    assert run(_raiser(KeyError("anna@example.org"))) == 2
    said = capsys.readouterr().err
    (log,) = (root / ".windtunnel").glob("crash-*.log")
    assert said.count("\n") == 1
    assert "KeyError" in said
    assert str(log) in said
    assert "anna" not in said
    assert "anna@example.org" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_bug_in_a_worktree_is_kept_in_the_main_checkout(run: Run, root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A run's worktree is removed, its crash log is not."""
    main = tmp_path_factory.mktemp("main")
    (main / ".git" / "worktrees" / "one").mkdir(parents=True)
    (main / ".git" / "worktrees" / "one" / "commondir").write_text("../..\n")
    (root / ".git").write_text(f"gitdir: {main}/.git/worktrees/one\n")
    assert run(_raiser(KeyError("x"))) == 2
    assert len(list((main / ".windtunnel").glob("crash-*.log"))) == 1


def _send_sigterm(_: StageContext) -> None:
    signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("work", [_raiser(KeyboardInterrupt()), _send_sigterm])
def test_stopped_stage_is_exit_130(run: Run, capsys: pytest.CaptureFixture[str], work: Callable[[StageContext], None]) -> None:
    """Ctrl-C and SIGTERM end in one line."""
    assert run(work) == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_parameters_changed_during_the_run(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A threshold that is edited meanwhile must not be linked with a verdict that it did not produce."""

    def edit(context: StageContext) -> None:
        with context.paths.params.open("a") as stream:
            stream.write("# edited\n")

    assert run(edit) == 2
    assert "stage mask: params.yaml\n  found:    it was changed while the stage ran" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data/pin.json", ""),
        ("policies", "allowed_signers"),
        ("data/models", "challenger.skops"),
        ("expectations", "raw/rows.json"),
    ],
)
def test_input_changed_during_the_run(run: Run, root: Path, capsys: pytest.CaptureFixture[str], path: str, name: str) -> None:
    """A file is known by its bytes, a folder by those of every file in it, however deep."""
    file = root / path / name if name else root / path
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    assert run(_nothing, reads=(path,)) == 0
    assert run(lambda _: file.unlink(), reads=(path,)) == 2
    assert f"stage mask: {path}\n  found:    it was changed while the stage ran" in capsys.readouterr().err


def test_folder_is_changed_by_one_file_more(run: Run, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A version of the policy that was laid beside the others while the gate ran was not what it judged by."""
    (root / "policies").mkdir()
    assert run(lambda _: (root / "policies/0002.json").touch(), reads=("policies",)) == 2
    assert "it was changed while the stage ran" in capsys.readouterr().err


def test_compiled_code_changes_no_folder(run: Run, root: Path) -> None:
    """Python writes it whenever it pleases."""

    def compile_it(_: StageContext) -> None:
        (root / "expectations/__pycache__").mkdir()
        (root / "expectations/__pycache__/a.pyc").touch()

    (root / "expectations").mkdir()
    assert run(compile_it, reads=("expectations",)) == 0


def test_input_by_other_parameters_is_refused(run: Run, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Params.yaml was edited after the stage before; also where it says nothing of what the data is, it says so of the model."""
    write_atomically(root / "data/features/manifest.json", b'{"about": {"params/mask": "0"}}')
    write_atomically(root / "data/models/challenger.json", b'{"made_with": {"params/train": "0"}}')
    for path, stage in (("data/features/manifest.json", "mask"), ("data/models", "train")):
        assert run(_nothing, reads=(path,)) == 2
        assert f"stage mask: {path}\n  found:    made with other parameters than params.yaml holds now ({stage})" in (
            capsys.readouterr().err
        )


def test_nothing_phones_home(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telemetry is off before a stage runs; what the caller set stays."""
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")
    seen: list[str | None] = []
    assert run(lambda _: seen.append(os.environ.get("DO_NOT_TRACK"))) == 0
    assert seen == ["1"]


_LAKE = [*LAKE_VARIABLES, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"]
_REGISTRY = [*MODEL_VARIABLES, "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_REGISTRY_URI", "DATABRICKS_TOKEN"]


@pytest.mark.parametrize(
    ("stage", "visible"), [("snapshot", _LAKE), ("mask", []), ("train", _REGISTRY), ("evaluate", []), ("features", [])]
)
def test_each_stage_sees_its_own_credentials_only(
    root: Path, monkeypatch: pytest.MonkeyPatch, stage: str, visible: list[str]
) -> None:
    """What opens production's lake, a remote or a registry is gone before any other stage, and a user's code with it, runs."""
    names = [*_LAKE, *_REGISTRY]
    for name in names:
        monkeypatch.setenv(name, "secret")
    seen: list[str] = []
    work = Stage(
        reads=lambda _: (), writes=lambda _: (), code=(), run=lambda _: seen.extend(name for name in names if name in os.environ)
    )
    monkeypatch.setattr(runner, "load_stage", lambda _: work)
    assert runner.main([stage]) == 0
    assert seen == visible


_SLEEPER = """
import sys, time
from pathlib import Path
import tasks.__main__ as runner
from tasks.stages import Stage

def sleep(context):
    Path("started").touch()
    try:
        time.sleep(60)
    except BaseException as stopped:
        Path("stopped").write_text(type(stopped).__name__)
        raise

runner.load_stage = lambda name: Stage(reads=lambda _: (), writes=lambda _: (), code=(), run=sleep)
sys.exit(runner.main(["mask"]))
"""
_PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 60
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert file.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's own")
def test_stage_ends_with_its_parent(root: Path) -> None:
    """After ``kill -9`` of whoever started it, a stage does not live on and write."""
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY)}
    parent = subprocess.Popen((sys.executable, "-c", _PARENT, _SLEEPER), cwd=root, env=environment, stderr=subprocess.DEVNULL)
    _wait_for(root / "started")
    parent.kill()
    parent.wait()
    _wait_for(root / "stopped")


def test_stage_of_a_run_that_is_over_does_not_begin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that was still starting when its run was killed got no signal; it looks for the run itself."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    begun: list[StageContext] = []
    monkeypatch.setenv(runner.RUN_PROCESS, str(ended.pid))
    assert run(begun.append) == 130
    monkeypatch.setenv(runner.RUN_PROCESS, str(os.getpid()))
    assert run(begun.append) == 0
    assert len(begun) == 1


def test_stage_whose_parent_died_while_it_started_does_not_begin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand no run is named; another parent than at the start tells as much."""
    monkeypatch.setattr(runner, "_PARENT", os.getppid() + 1)
    assert run(_nothing) == 130
