"""A bridge from old tokens to new: for who holds both keys, and for nobody else's eyes."""

import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from masking_policies import SECRET, expected_token
from masking_project import MaskingProject

from flows.key_rotation import rotate_key
from tasks.errors import MaskingError, MaskingKeyError
from tasks.keyholding.bridge import Bridge, build_bridge
from tasks.params import load_params


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MaskingProject:
    """A project whose key has just been rotated."""
    monkeypatch.delenv("WT_TEST_KEY", raising=False)
    made = MaskingProject(tmp_path, days=2)
    rotate_key(made.paths)
    return made


def _build(project: MaskingProject, domain: str, old_file: Path | None = None, old_id: str | None = None) -> Bridge:
    return build_bridge(project.paths, load_params(project.paths.params), domain, old_file=old_file, old_id=old_id)


def test_bridge_over_a_rotation(project: MaskingProject) -> None:
    """One row for each value of the domain in any table, by both keys; no raw value."""
    built = _build(project, "buyer")
    new = bytes.fromhex((project.paths.root / "secrets/masking-test-2.key").read_text())
    expected = {expected_token("buyer", f"RAW-buyer-{i}"): expected_token("buyer", f"RAW-buyer-{i}", new) for i in range(5)}
    table = pq.read_table(built.path)
    assert dict(zip(table.column("old_token").to_pylist(), table.column("new_token").to_pylist(), strict=True)) == expected
    assert table.column("old_token").to_pylist() == sorted(expected)
    assert (built.tokens, built.columns, built.old_id, built.new_id) == (5, ("sales.buyer", "visits.buyer"), "test-1", "test-2")


def test_domain_of_a_columns_own(project: MaskingProject) -> None:
    """A column under the rule `token` is bridged by its name."""
    assert _build(project, "sales.mail").tokens == 20


def test_bridge_is_for_its_holder_alone(project: MaskingProject) -> None:
    """Mode 0600 in a folder of mode 0700, outside data/ and all that DVC stores."""
    path = Path(_build(project, "buyer").path)
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert path.is_relative_to(project.paths.state)


def test_unknown_domain(project: MaskingProject) -> None:
    """Named, with those that there are."""
    with pytest.raises(MaskingError, match="nobody") as caught:
        _build(project, "nobody")
    assert "buyer" in caught.value.expected


def test_old_key_is_gone(project: MaskingProject) -> None:
    """Without it there is no bridge."""
    project.key_file.unlink()
    with pytest.raises(MaskingKeyError, match="no such file"):
        _build(project, "buyer")


def test_other_key_in_the_old_ones_place(project: MaskingProject) -> None:
    """It is held against the fingerprint that was recorded."""
    project.write_key(bytes(range(1, 33)))
    with pytest.raises(MaskingKeyError, match="fingerprint"):
        _build(project, "buyer")


def test_old_key_by_file_and_id(project: MaskingProject) -> None:
    """On a machine that has no record of the rotation."""
    project.paths.rotations.unlink()
    with pytest.raises(MaskingKeyError, match="no rotation"):
        _build(project, "buyer")
    assert _build(project, "buyer", project.key_file, "test-1").tokens == 5


def test_same_key_twice(project: MaskingProject) -> None:
    """That would be no bridge."""
    with pytest.raises(MaskingKeyError, match="another key"):
        _build(project, "buyer", project.paths.root / "secrets/masking-test-2.key", "again")


def test_old_key_that_came_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project does not know where its holder keeps it, and says so."""
    project = MaskingProject(tmp_path / "other", days=1)
    monkeypatch.setenv("WT_TEST_KEY", SECRET.hex())
    rotate_key(project.paths)
    monkeypatch.delenv("WT_TEST_KEY")
    with pytest.raises(MaskingKeyError, match="test-1") as caught:
        _build(project, "buyer")
    assert "--old-file" in caught.value.next_step
    assert _build(project, "buyer", project.key_file).tokens == 5
