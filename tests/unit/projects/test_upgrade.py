"""`windtunnel upgrade`: the graph and the version lock follow the package, everything else is the user's."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tasks.errors import ProjectError
from tasks.paths import ProjectPaths
from tasks.projects.upgrade import carry_out, plan_upgrade

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def paths(tmp_path: Path) -> ProjectPaths:
    """A project with parameters, brought to this version."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    found = ProjectPaths(tmp_path)
    carry_out(found, plan_upgrade(found))
    return found


def _made_by(paths: ProjectPaths, **changes: object) -> None:
    content = json.loads(paths.version_lock.read_text())
    paths.version_lock.write_text(json.dumps(content | changes))


def test_nothing_to_do_twice(paths: ProjectPaths) -> None:
    """What was just brought to this version stays as it is."""
    assert plan_upgrade(paths) == ()


def test_an_older_version_is_brought_up(paths: ProjectPaths) -> None:
    """The change is shown as a difference, and parameters stay to the byte."""
    before = paths.params.read_bytes()
    _made_by(paths, windtunnel="0.0.1", code="0" * 64)
    (change,) = plan_upgrade(paths)
    assert '"0.0.1"' in change.diff
    carry_out(paths, (change,))
    assert plan_upgrade(paths) == ()
    assert paths.params.read_bytes() == before


def test_a_project_from_before_signatures_gets_the_folder_that_the_gate_reads(paths: ProjectPaths) -> None:
    """With a word on how to begin; one that is there is left as it is."""
    shutil.rmtree(paths.policies)
    (change,) = plan_upgrade(paths)
    assert change.path == "policies/README.md"
    carry_out(paths, (change,))
    assert "windtunnel policy sign" in (paths.policies / "README.md").read_text()
    (paths.policies / "README.md").write_text("ours")
    assert plan_upgrade(paths) == ()


@pytest.mark.parametrize("lock", ["", "{}", '{"schema_version": 0, "version": "0.0.1"}'])
def test_a_lost_or_older_lock_is_written_anew(paths: ProjectPaths, lock: str) -> None:
    """Whatever an older version wrote there, nothing is lost by it."""
    paths.version_lock.write_text(lock)
    carry_out(paths, plan_upgrade(paths))
    assert plan_upgrade(paths) == ()


def test_a_new_split_reaches_the_graph(paths: ProjectPaths) -> None:
    """A split that was added to params.yaml gets its line in dvc.yaml."""
    params = yaml.safe_load(paths.params.read_text())
    params["splits"]["by_origin"] = {**params["splits"]["by_aircraft"], "unit": "origin"}
    paths.params.write_text(yaml.safe_dump(params))
    carry_out(paths, plan_upgrade(paths))
    assert "by_origin" in yaml.safe_load(paths.graph.read_text())["stages"]["split"]["matrix"]["name"]


@pytest.mark.parametrize("changes", [{"schema_version": 2}, {"windtunnel": "99.0"}])
def test_a_newer_project_is_refused(paths: ProjectPaths, changes: dict[str, object]) -> None:
    """Nothing is written over what a newer version made."""
    _made_by(paths, **changes)
    before = paths.version_lock.read_bytes()
    with pytest.raises(ProjectError) as caught:
        plan_upgrade(paths)
    assert "newer" in caught.value.found
    assert paths.version_lock.read_bytes() == before


def test_a_clone_is_refused() -> None:
    """Its dvc.yaml is the source of everybody else's."""
    with pytest.raises(ProjectError, match="a clone"):
        plan_upgrade(ProjectPaths(ROOT))
