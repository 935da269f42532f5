"""What a run is declared by stays as it was from its first stage to its verdict."""

from pathlib import Path

import pytest

from flows.run_inputs import hash_run_inputs, require_as_begun
from flows.stage_graph import PlannedStage
from flows.stage_runner import run_stage
from tasks.datasets import write_atomically
from tasks.errors import StageError

DECLARED = (
    "params.yaml",
    "data/pin.json",
    "dvc.yaml",
    "requirements.lock",
    "expectations/raw/rows.json",
    "policies/allowed_signers",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in DECLARED:
        write_atomically(tmp_path / name, b"as it was")
    return tmp_path


@pytest.mark.parametrize("name", DECLARED)
def test_whatever_is_edited_ends_the_run(root: Path, name: str) -> None:
    """It is named, or what it lies in; also where it is taken away."""
    begun = hash_run_inputs(root)
    require_as_begun(root, begun)
    (root / name).write_bytes(b"edited")
    folder = name if name in begun else name.split("/", maxsplit=1)[0]
    with pytest.raises(StageError, match=f"the run: {folder}"):
        require_as_begun(root, begun)
    (root / name).unlink()
    with pytest.raises(StageError, match=f"the run: {folder}"):
        require_as_begun(root, begun)


def test_what_a_stage_writes_ends_no_run(root: Path) -> None:
    """Data and the lock of DVC are what a run is for."""
    begun = hash_run_inputs(root)
    write_atomically(root / "data/masked/manifest.json", b"{}")
    write_atomically(root / "dvc.lock", b"")
    require_as_begun(root, begun)


def test_stage_after_an_edit_is_not_begun(root: Path) -> None:
    """Edited between two stages: not even one that is up to date counts any more."""
    begun = hash_run_inputs(root)
    (root / "params.yaml").write_bytes(b"edited")
    with pytest.raises(StageError, match=r"the run: params\.yaml"):
        run_stage.fn(str(root), PlannedStage("gate", (), is_stale=False), begun)
