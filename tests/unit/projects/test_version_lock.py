"""A user's project runs on the version of the package that it names, or not at all."""

import json
from pathlib import Path

import pytest

from tasks.__main__ import main
from tasks.errors import ProjectError
from tasks.paths import ProjectPaths
from tasks.projects.version_lock import installed_version, read_version_lock, require_same_version


@pytest.fixture
def project(tmp_path: Path) -> ProjectPaths:
    """A folder with the version lock of this package."""
    paths = ProjectPaths(tmp_path)
    paths.version_lock.write_text(installed_version().to_json())
    return paths


def _change(paths: ProjectPaths, **changes: object) -> None:
    content = json.loads(paths.version_lock.read_text())
    paths.version_lock.write_text(json.dumps(content | changes))


def test_written_and_read_again(project: ProjectPaths) -> None:
    """What was written is the installed version."""
    assert read_version_lock(project.version_lock) == installed_version()
    require_same_version(project)


def test_a_clone_needs_no_version_lock(tmp_path: Path) -> None:
    """The code lies in it, and stages depend on that."""
    (tmp_path / "tasks/stages").mkdir(parents=True)
    require_same_version(ProjectPaths(tmp_path))


def test_a_project_that_lost_its_version_lock_is_refused(tmp_path: Path) -> None:
    """Without it nobody knows by which version its results were made; a module called tasks is no clone."""
    (tmp_path / "tasks").mkdir()
    with pytest.raises(ProjectError, match="no version lock"):
        require_same_version(ProjectPaths(tmp_path))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": "0" * 64}, "with other code"),
        ({"windtunnel": "0.0.1"}, "installed"),
        ({"libraries": {"numpy": "1.0"}}, "numpy"),
    ],
)
def test_another_version_is_refused(project: ProjectPaths, changes: dict[str, object], said: str) -> None:
    """Number, code and libraries each count; the message names `windtunnel upgrade`."""
    _change(project, **changes)
    with pytest.raises(ProjectError) as caught:
        require_same_version(project)
    assert said in caught.value.found
    assert "windtunnel upgrade" in caught.value.next_step


def test_a_newer_schema_is_refused(project: ProjectPaths) -> None:
    """A project of a newer version is not understood by halves."""
    _change(project, schema_version=99)
    with pytest.raises(ProjectError, match=r"windtunnel\.lock") as caught:
        read_version_lock(project.version_lock)
    assert "newer" in caught.value.found


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema_version": 1}', '{"schema_version": "x"}'])
def test_nonsense_is_refused(project: ProjectPaths, content: str) -> None:
    """A file that is no version lock is named."""
    project.version_lock.write_text(content)
    with pytest.raises(ProjectError) as caught:
        read_version_lock(project.version_lock)
    assert caught.value.found == "no version lock"


def test_a_stage_refuses_another_version(
    project: ProjectPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, before the parameters are read."""
    _change(project, code="0" * 64)
    monkeypatch.chdir(project.root)
    assert main(["mask"]) == 2
    assert "windtunnel upgrade" in capsys.readouterr().err
