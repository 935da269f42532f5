"""The demo and a lake that is none of its own."""

import shutil
from pathlib import Path

import pytest

from flows.params_edit import edit_params
from flows.production import prepare_demo
from tasks.errors import LakeError
from tasks.paths import ProjectPaths


def test_demo_never_takes_the_place_of_a_lake_on_s3(tmp_path: Path) -> None:
    """Neither a folder of that name nor the published key is made."""
    shutil.copy(Path(__file__).parents[2] / "params.yaml", tmp_path)
    edit_params(tmp_path / "params.yaml", {"snapshot.lake": "s3://bucket/prefix"})
    with pytest.raises(LakeError, match="the demo's lake"):
        prepare_demo(ProjectPaths(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
