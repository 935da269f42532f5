"""The key of a stage: allowed for this lake, and the one that its id has always named."""

import json
from datetime import date
from pathlib import Path

import pytest
from masking_policies import KEY
from masking_project import MaskingProject

from tasks.demo import DEMO_KEY_FINGERPRINT, DEMO_KEY_HEX
from tasks.demo.marker import Marker, write_marker
from tasks.errors import MaskingKeyError
from tasks.stages.keys import load_stage_key

OTHER_SECRET = bytes(range(1, 33))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MaskingProject:
    """A small project with a key file, and no key in the environment."""
    monkeypatch.delenv("WT_TEST_KEY", raising=False)
    return MaskingProject(tmp_path, days=1)


def _mark_as_demo(lake: Path) -> None:
    lake.mkdir()
    marker = Marker(
        seed=1, first_day=date(2024, 1, 1), trained_until=date(2024, 2, 1), as_of_utc=None, growing_to_utc=None, files={}
    )
    write_marker(lake, marker)


def test_key_is_loaded_and_its_id_bound(project: MaskingProject) -> None:
    """The first use is remembered in the project's local state."""
    assert load_stage_key(project.context).fingerprint == KEY.fingerprint
    assert json.loads(project.paths.key_registry.read_text()) == {"test-1": KEY.fingerprint}


def test_other_key_under_the_same_id(project: MaskingProject) -> None:
    """A replaced key is refused until it has a name of its own."""
    load_stage_key(project.context)
    project.write_key(OTHER_SECRET)
    with pytest.raises(MaskingKeyError, match="test-1"):
        load_stage_key(project.context)
    project.content["masking"]["key"]["id"] = "test-2"
    project.write_params()
    assert load_stage_key(project.context).id == "test-2"


def test_masked_data_remembers_its_key_too(project: MaskingProject) -> None:
    """On another machine there is masked data (pulled) and no registry: the manifest's fingerprint binds."""
    project.mask()
    project.paths.key_registry.unlink()
    project.write_key(OTHER_SECRET)
    with pytest.raises(MaskingKeyError, match="masked/manifest"):
        load_stage_key(project.context)
    assert not project.paths.key_registry.exists()


def test_published_key_on_another_lake(project: MaskingProject) -> None:
    """The demo's key protects nothing: it is refused where the lake is not the demo's, or not there to tell."""
    project.write_key(bytes.fromhex(DEMO_KEY_HEX))
    for make_lake in (lambda: None, (project.paths.root / "lake").mkdir):
        make_lake()
        with pytest.raises(MaskingKeyError, match="published"):
            load_stage_key(project.context)


def test_published_key_on_the_demo_lake(project: MaskingProject) -> None:
    """There it is what the demo runs with."""
    project.write_key(bytes.fromhex(DEMO_KEY_HEX))
    _mark_as_demo(project.paths.root / "lake")
    assert load_stage_key(project.context).fingerprint == DEMO_KEY_FINGERPRINT


def test_own_key_on_the_demo_lake(project: MaskingProject) -> None:
    """Whoever wants a key of his own for the demo may have one."""
    _mark_as_demo(project.paths.root / "lake")
    assert load_stage_key(project.context).fingerprint == KEY.fingerprint


def test_lake_that_is_no_folder_is_not_the_demos(project: MaskingProject) -> None:
    """An object store's address is looked at as what it is."""
    project.content["snapshot"]["lake"] = "s3://production/lake"
    project.write_params()
    project.write_key(bytes.fromhex(DEMO_KEY_HEX))
    with pytest.raises(MaskingKeyError, match="published"):
        load_stage_key(project.context)
