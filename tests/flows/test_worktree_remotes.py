"""What a run's worktree knows of the project's remotes."""

import subprocess
import sys
from pathlib import Path

import pytest

from flows.worktrees import open_worktree


@pytest.mark.slow
def test_worktree_has_the_local_settings_of_the_remotes(tmp_path: Path) -> None:
    """Keys and endpoint, which Git does not carry, for nobody else's eyes; a relative URL counts from the main checkout."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.lock").write_text("")
    for command in (
        ["git", "init", "-q", "-b", "main"],
        [sys.executable, "-m", "dvc", "init", "-q"],
        [sys.executable, "-m", "dvc", "remote", "add", "-q", "restricted", "s3://old/place"],
        [sys.executable, "-m", "dvc", "remote", "add", "-q", "shared", "../elsewhere"],
        ["git", "add", "-A"],
        ["git", "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "-q", "-m", "a project"],
    ):
        subprocess.run(command, cwd=folder, check=True)
    local = folder / ".dvc/config.local"
    local.write_text(
        "['remote \"restricted\"']\n    url = s3://new/place\n    secret_access_key = xyz\n    endpointurl = http://h:1\n"
    )
    with open_worktree(folder, "run") as tree:
        copy = tree.paths.root / ".dvc/config.local"
        said = subprocess.run(
            [sys.executable, "-m", "dvc", "config", "--list"], cwd=tree.paths.root, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert copy.stat().st_mode & 0o777 == 0o600
    assert {"remote.restricted.url=s3://new/place", "remote.restricted.secret_access_key=xyz"} <= set(said)
    assert "remote.restricted.endpointurl=http://h:1" in said
    assert f"remote.shared.url={tmp_path / 'elsewhere'}" in said
