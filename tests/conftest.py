"""Fixtures that tests of several folders use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """SSH keys by identity; where a user's machine cannot make any, what needs them is skipped."""
    from signed_project import make_keys, require_ssh_keygen  # only those who ask for keys load what signs with them

    require_ssh_keygen("CI" in os.environ)
    return make_keys(tmp_path_factory.mktemp("keys"))
