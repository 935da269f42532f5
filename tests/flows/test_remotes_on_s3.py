"""DVC remotes on S3 by configuration alone."""

from pathlib import Path

import pytest
from dvc_remotes import push_and_pull
from s3_server import serve


@pytest.mark.slow
def test_remotes_with_different_credentials(tmp_path: Path) -> None:
    """``restricted`` and ``shared`` each with an account that may reach its own bucket only."""
    with serve() as store:
        accounts = {}
        for name in ("restricted", "shared"):
            store.bucket(f"{name}-bucket", has_versions=False)
            only = [f"arn:aws:s3:::{name}-bucket", f"arn:aws:s3:::{name}-bucket/*"]
            accounts[name] = store.account(name, ["s3:*"], only)
        push_and_pull(tmp_path / "project", store.endpoint, accounts["restricted"], accounts["shared"])
