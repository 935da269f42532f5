"""The lake and the remotes on OpenStack Swift: a store that is not Amazon's, and not moto's."""

from pathlib import Path

import pytest
from dvc_remotes import push_and_pull
from s3_server import Account, Store
from small_lake import SmallLake

from tasks.datasets import read_manifest
from tasks.errors import LakeError, PinError
from tasks.params.snapshot import S3Params
from tasks.records import Manifest, Pin
from tasks.sources import Lake, open_lake, pin_lake, write_snapshot

pytestmark = pytest.mark.swift
_OVERWRITTEN = "prod/shops/all.parquet"


@pytest.fixture
def small(tmp_path: Path) -> SmallLake:
    """A lake with three days of sales and one file of shops."""
    return SmallLake(tmp_path / "lake")


def _lake(store: Store, small: SmallLake, bucket: str, *, has_versions: bool = True) -> Lake:
    store.bucket(bucket, has_versions=has_versions)
    store.upload(small.root, bucket, "prod")
    return open_lake(f"s3://{bucket}/prod", Path.cwd(), S3Params(endpoint=store.endpoint))


def _snapshot(lake: Lake, pin: Pin, small: SmallLake, folder: Path) -> Manifest:
    write_snapshot(lake, pin, small.params(3), folder, pin_hash="the pin's", code_hash="the code's")
    return read_manifest(folder, made_by="snapshot")


@pytest.mark.parametrize("has_versions", [True, False])
def test_snapshot_equals_that_of_a_local_copy(as_reader: Store, small: SmallLake, tmp_path: Path, has_versions: bool) -> None:
    """The read-only account passes the probe, lists and reads."""
    lake = _lake(as_reader, small, f"equal-{has_versions}".lower(), has_versions=has_versions)
    pin = pin_lake(lake, small.params(3), None)
    there = _snapshot(lake, pin, small, tmp_path / "there")
    here = _snapshot(small.lake, pin_lake(small.lake, small.params(3), None), small, tmp_path / "here")
    assert there.logical_hash == here.logical_hash
    assert "each refused: 403 AccessDenied" in pin.access
    assert all((file.version_id is not None) == has_versions and file.etag for file in pin.tables["sales"].files)


def test_pinned_version_is_read_after_an_overwrite(as_reader: Store, small: SmallLake, tmp_path: Path) -> None:
    """Production goes on; the snapshot is still the one that was pinned."""
    lake = _lake(as_reader, small, "versions")
    pin = pin_lake(lake, small.params(3), None)
    before = _snapshot(lake, pin, small, tmp_path / "before")
    as_reader.client(as_reader.admin).put_object(Bucket="versions", Key=_OVERWRITTEN, Body=b"something else")
    assert _snapshot(lake, pin, small, tmp_path / "after").logical_hash == before.logical_hash


def test_overwritten_object_without_versions_is_refused(as_reader: Store, small: SmallLake, tmp_path: Path) -> None:
    """Its bytes are gone: pin anew."""
    lake = _lake(as_reader, small, "plain", has_versions=False)
    pin = pin_lake(lake, small.params(3), None)
    body = (small.root / "shops/all.parquet").read_bytes()
    as_reader.client(as_reader.admin).put_object(Bucket="plain", Key=_OVERWRITTEN, Body=body[::-1])
    with pytest.raises(PinError, match="changed since it was listed"):
        _snapshot(lake, pin, small, tmp_path / "out")


def test_owner_is_stopped(as_reader: Store, small: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that may write are not read with."""
    lake = _lake(as_reader, small, "owned")
    for name, value in as_reader.admin.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LakeError, match="credentials that may write"):
        pin_lake(lake, small.params(3), None)


def test_wrong_secret_is_no_proof(as_reader: Store, small: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Swift, too, answers it with 403."""
    lake = _lake(as_reader, small, "secret")
    monkeypatch.setenv("WINDTUNNEL_LAKE_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(LakeError, match="credentials"):
        pin_lake(lake, small.params(3), None)


def test_remotes_with_different_accounts(swift: Store, tmp_path: Path) -> None:
    """``dvc push`` and ``dvc pull`` to and from buckets of two accounts."""
    restricted, shared = Account("restricted:dvc", "restricteddvc"), Account("shared:dvc", "shareddvc")
    for name, account in (("restricted", restricted), ("shared", shared)):
        swift.client(account).create_bucket(Bucket=f"{name}-bucket")
    push_and_pull(tmp_path / "project", swift.endpoint, restricted, shared)
