"""Rotating the key: a new one under a new id, the old one kept, and an interruption that costs nothing."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from masking_policies import KEY, SECRET
from masking_project import MaskingProject

from flows.key_rotation import rotate_key
from tasks.datasets import read_table
from tasks.errors import MaskingKeyError
from tasks.keyholding.rotation import read_rotations
from tasks.masking.rotation import key_file_for, next_id
from tasks.params import load_params
from tasks.stages.keys import load_stage_key

_REPOSITORY = Path(__file__).parents[3]
_KILLER = _REPOSITORY / "tests/flows/kill_at_write"
_KILLED = (
    "from pathlib import Path; from flows.key_rotation import rotate_key; from tasks.paths import ProjectPaths; "
    "rotate_key(ProjectPaths(Path.cwd()))"
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MaskingProject:
    """A small project with a key file, and comments in its params.yaml."""
    monkeypatch.delenv("WT_TEST_KEY", raising=False)
    made = MaskingProject(tmp_path, days=1)
    made.paths.params.write_text("# kept: why we do this\n" + made.paths.params.read_text())
    return made


def _new_key(project: MaskingProject) -> Path:
    return project.paths.root / "secrets/masking-test-2.key"


@pytest.mark.parametrize(
    ("before", "after"), [("demo-1", "demo-2"), ("key9", "key10"), ("production", "production-2"), ("2024", "2025")]
)
def test_next_id(before: str, after: str) -> None:
    """The last number and one."""
    assert next_id(before) == after


@pytest.mark.parametrize(
    ("old_id", "file", "expected"),
    [("a-1", "k/masking.key", "k/masking-a-2.key"), ("a-1", "~/k/masking-a-1.key", "~/k/masking-a-2.key"), ("x/y", "/k", "/k-a-2")],
)
def test_new_file_lies_beside_the_old(old_id: str, file: str, expected: str) -> None:
    """With the new id in its name, and not both."""
    assert key_file_for("a-2", old_id, file) == expected


def test_rotation(project: MaskingProject) -> None:
    """A new key of mode 0600 under a new id; parameters keep their comments; the old key stays; the rest is as it was."""
    before = load_params(project.paths.params)
    rotation = rotate_key(project.paths)
    after = load_params(project.paths.params)
    assert (rotation.old_id, rotation.new_id, rotation.state) == ("test-1", "test-2", "started")
    assert stat.S_IMODE(_new_key(project).stat().st_mode) == 0o600
    assert (after.masking.key.id, after.masking.key.file) == ("test-2", "secrets/masking-test-2.key")
    assert after.model_copy(update={"masking": before.masking}) == before
    assert project.paths.params.read_text().startswith("# kept: why we do this\n")
    assert project.key_file.read_text() == SECRET.hex()
    assert load_stage_key(project.context).fingerprint != KEY.fingerprint
    assert read_rotations(project.paths).unfinished is None


def test_no_key_is_in_the_records(project: MaskingProject) -> None:
    """Ids, fingerprints and paths."""
    rotate_key(project.paths)
    secret = _new_key(project).read_text().strip()
    for path in project.paths.state.rglob("*.json"):
        assert secret not in path.read_text()
        assert SECRET.hex() not in path.read_text()


def test_everything_is_masked_anew_and_joins(project: MaskingProject) -> None:
    """No token is the same, the rows are, and the old registry entry stays."""
    old = read_table(project.paths.masked, project.mask(), "sales")
    rotate_key(project.paths)
    new = read_table(project.paths.masked, project.mask(), "sales")
    assert new.num_rows == old.num_rows
    assert not set(old.column("buyer").to_pylist()) & set(new.column("buyer").to_pylist()) - {None}
    assert set(json.loads(project.paths.key_registry.read_text())) == {"test-1", "test-2"}


def test_only_the_keys_holder_rotates(project: MaskingProject) -> None:
    """Without the present key nothing is changed."""
    project.key_file.unlink()
    with pytest.raises(MaskingKeyError, match="no such file"):
        rotate_key(project.paths)
    assert not project.paths.rotations.exists()


def test_id_of_another_key_is_refused(project: MaskingProject) -> None:
    """An id names one key for good."""
    with pytest.raises(MaskingKeyError, match="test-1"):
        rotate_key(project.paths, "test-1")


def test_file_in_the_way_is_left_alone(project: MaskingProject) -> None:
    """It may be somebody's key."""
    _new_key(project).write_text("precious")
    with pytest.raises(MaskingKeyError, match="masking-test-2"):
        rotate_key(project.paths)
    assert _new_key(project).read_text() == "precious"


def test_key_from_the_environment_is_handed_over(project: MaskingProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new key is put into a file; until the environment has it, the old one is refused under the new id."""
    monkeypatch.setenv("WT_TEST_KEY", SECRET.hex())
    rotation = rotate_key(project.paths)
    assert rotation.old_file is None
    with pytest.raises(MaskingKeyError, match="test-2"):
        load_stage_key(project.context)
    monkeypatch.setenv("WT_TEST_KEY", _new_key(project).read_text())
    assert load_stage_key(project.context).id == "test-2"


def test_key_of_a_command_is_handed_over(project: MaskingProject) -> None:
    """params.yaml goes on naming the command, which has to print the new key."""
    project.content["masking"]["key"] = {"env": "WT_TEST_KEY", "command": ["cat", "secrets/masking.key"], "id": "test-1"}
    project.write_params()
    rotate_key(project.paths)
    key = load_params(project.paths.params).masking.key
    assert (key.id, key.file, key.command) == ("test-2", None, ("cat", "secrets/masking.key"))
    with pytest.raises(MaskingKeyError, match="test-2"):
        load_stage_key(project.context)
    (project.paths.state / "masking-test-2.key").replace(project.key_file)
    assert load_stage_key(project.context).id == "test-2"


@pytest.mark.slow
@pytest.mark.parametrize("write", [1, 2, 3, 4, 5])
def test_rotation_that_is_killed_goes_on(project: MaskingProject, write: int) -> None:
    """Killed before any one of its writes: the project still masks, with one key or the other, and the next call ends it."""
    path = os.pathsep.join([str(_KILLER), str(_REPOSITORY)])
    env = {**os.environ, "PYTHONPATH": path, "KILL_AT_WRITE": f"{project.paths.root}:{write}"}
    done = subprocess.run([sys.executable, "-c", _KILLED], cwd=project.paths.root, env=env, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert load_stage_key(project.context).id == load_params(project.paths.params).masking.key.id
    halfway = _new_key(project).read_text() if _new_key(project).exists() else None
    rotate_key(project.paths)
    assert load_stage_key(project.context).id == "test-2"
    assert halfway in (None, _new_key(project).read_text())
    assert project.key_file.read_text() == SECRET.hex()
    assert [(r.old_id, r.new_id, r.state) for r in read_rotations(project.paths).rotations] == [("test-1", "test-2", "done")]
    assert not [path for path in project.paths.root.rglob("*.part") if path.parent == project.key_file.parent]


def test_interrupted_rotation_that_no_longer_fits(project: MaskingProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody gave the project a third key meanwhile: nothing is guessed."""
    monkeypatch.setattr("flows.key_rotation.edit_params", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        rotate_key(project.paths)
    project.content["masking"]["key"]["id"] = "third"
    project.write_params()
    with pytest.raises(MaskingKeyError, match="begun and not ended"):
        rotate_key(project.paths)


def test_broken_record(project: MaskingProject) -> None:
    """A clear error, and what to do."""
    project.paths.rotations.parent.mkdir(parents=True, exist_ok=True)
    project.paths.rotations.write_text("{")
    with pytest.raises(MaskingKeyError, match=r"rotations\.json"):
        rotate_key(project.paths)
