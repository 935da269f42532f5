"""Fixtures of the lake's tests."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_server import Store, serve
from small_lake import SmallLake


@pytest.fixture
def small(tmp_path: Path) -> SmallLake:
    """A lake with three days of sales and one file of shops."""
    return SmallLake(tmp_path / "lake")


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """A store over HTTP that enforces what its accounts may do."""
    with serve() as running:
        yield running


@pytest.fixture
def as_reader(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store, with the reader's credentials in the environment."""
    for name, value in store.reader.environment().items():
        monkeypatch.setenv(name, value)
    return store


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter (pytest's own is closed to others)."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """Root may read everything; run as somebody who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
