"""A command that prints the key: run without a shell, within its time, and silent about what it says."""

import time
from pathlib import Path

import pytest
from masking_policies import KEY, SECRET

from tasks.errors import MaskingKeyError
from tasks.masking import MaskingKey, load_key
from tasks.params.masking import MaskingKeyParams

TEXT = SECRET.hex()


@pytest.fixture(autouse=True)
def _no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WT_TEST_KEY", raising=False)


def _load(root: Path, *command: str, seconds: int = 30, refused: str | None = None) -> MaskingKey:
    params = MaskingKeyParams(env="WT_TEST_KEY", command=command, command_seconds=seconds, id="test-1")
    return load_key(params, root, demo_fingerprint_refused=refused)


def _refusal(root: Path, *command: str, seconds: int = 30) -> MaskingKeyError:
    with pytest.raises(MaskingKeyError) as caught:
        _load(root, *command, seconds=seconds)
    assert TEXT[:8] not in str(caught.value)
    assert caught.value.exit_code == 2
    return caught.value


def test_key_is_what_the_command_prints(tmp_path: Path) -> None:
    """With or without a line's end; what it says on its standard error does not matter."""
    key = _load(tmp_path, "sh", "-c", f"echo a warning >&2; echo {TEXT}")
    assert (key.id, key.fingerprint) == ("test-1", KEY.fingerprint)


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    """An argument that a shell would take for two commands is one argument."""
    assert "characters" in _refusal(tmp_path, "echo", f"{TEXT[:60]}; touch made").found
    assert not (tmp_path / "made").exists()


def test_command_runs_in_the_projects_folder(tmp_path: Path) -> None:
    """A program of the project's own is named relative to it."""
    program = tmp_path / "print-key"
    program.write_text(f"#!/bin/sh\necho {TEXT}\n")
    program.chmod(0o700)
    assert _load(tmp_path, "./print-key").fingerprint == KEY.fingerprint


def test_environment_wins_over_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is not even run."""
    monkeypatch.setenv("WT_TEST_KEY", TEXT)
    assert _load(tmp_path, "no-such-program").fingerprint == KEY.fingerprint


def test_missing_program(tmp_path: Path) -> None:
    """Named, with what to do."""
    error = _refusal(tmp_path, "no-such-program", "read")
    assert "no-such-program" in error.thing
    assert "cannot be started" in error.found


def test_failing_command(tmp_path: Path) -> None:
    """Its exit code is told; what it printed is not, though it be the key."""
    assert "exit code 3" in _refusal(tmp_path, "sh", "-c", f"echo {TEXT}; echo {TEXT} >&2; exit 3").found


def test_command_that_is_killed(tmp_path: Path) -> None:
    """A signal is no exit code."""
    assert "signal 9" in _refusal(tmp_path, "sh", "-c", "kill -9 $$").found


@pytest.mark.slow
def test_slow_command_is_ended(tmp_path: Path) -> None:
    """With what it started: nothing of it goes on."""
    error = _refusal(tmp_path, "sh", "-c", "(sleep 3; touch late) & sleep 60", seconds=1)
    assert "no end after 1 seconds" in error.found
    assert "command_seconds" in error.next_step
    time.sleep(2.5)
    assert not (tmp_path / "late").exists()


def test_command_that_leaves_its_output_open(tmp_path: Path) -> None:
    """A child in the background that holds the output is as good as no end."""
    assert "no end" in _refusal(tmp_path, "sh", "-c", f"sleep 60 & echo {TEXT}", seconds=1).found


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("true", "nothing"),
        (f"echo key: {TEXT}", "characters"),
        (f"echo {TEXT}; echo {TEXT}", "characters"),
        (f"echo {TEXT[:-1]}x", "no hexadecimal digits"),
        ("yes", "more than 256 bytes"),
    ],
)
def test_noise(tmp_path: Path, script: str, found: str) -> None:
    """Anything but the key alone is refused without a character of it, and an endless flood is cut off."""
    assert found in _refusal(tmp_path, "sh", "-c", script).found


def test_published_key_by_a_command(tmp_path: Path) -> None:
    """Where it comes from does not make it secret."""
    with pytest.raises(MaskingKeyError, match="command"):
        _load(tmp_path, "echo", TEXT, refused=KEY.fingerprint)


@pytest.mark.parametrize("sources", [{}, {"file": "a", "command": ["b"]}, {"command": []}])
def test_one_source_is_declared(sources: dict) -> None:
    """A file or a command: with both nobody could say which key is meant."""
    with pytest.raises(ValueError, match=r"command"):
        MaskingKeyParams.model_validate({"env": "E", "id": "i", **sources})
