"""A lake on S3, over HTTP against a store that enforces policies: what is listed, pinned, proven and refused."""

import hashlib
import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from s3_server import READING, Account, Store
from small_lake import SmallLake, day_rows

from tasks.datasets import read_manifest
from tasks.errors import LakeError, PinError
from tasks.params.snapshot import S3Params, SnapshotParams
from tasks.records import Manifest, Pin
from tasks.sources import Lake, LocalLake, open_lake, pin_lake, write_snapshot
from tasks.sources.receive import open_hashed
from tasks.sources.s3 import S3Lake
from tasks.sources.s3_client import Location, Patience, connect, guard, log_in
from tasks.sources.s3_probe import CANARY

pytestmark = pytest.mark.slow

_numbers = itertools.count()
_WRITES = ["s3:DeleteObject", "s3:PutObject"]


def _bucket(store: Store, lake: Path | None = None, *, has_versions: bool = True) -> str:
    """A new bucket, with the files of ``lake`` below ``prod/``."""
    name = store.bucket(f"lake-{next(_numbers)}", has_versions=has_versions)
    if lake is not None:
        store.upload(lake, name, "prod")
    return name


def _open(store: Store, bucket: str, prefix: str = "prod") -> Lake:
    return open_lake(f"s3://{bucket}/{prefix}", Path.cwd(), S3Params(endpoint=store.endpoint))


def _pin(lake: Lake, small: SmallLake, previous: Pin | None = None) -> Pin:
    return pin_lake(lake, small.params(3), previous)


def _snapshot(lake: Lake, pin: Pin, params: SnapshotParams, folder: Path) -> Manifest:
    write_snapshot(lake, pin, params, folder, pin_hash="the pin's", code_hash="the code's")
    return read_manifest(folder, made_by="snapshot")


def _put(store: Store, bucket: str, key: str, body: bytes) -> None:
    store.client(store.admin).put_object(Bucket=bucket, Key=key, Body=body)


@pytest.mark.parametrize("has_versions", [True, False])
def test_snapshot_equals_that_of_a_local_copy(as_reader: Store, small: SmallLake, tmp_path: Path, has_versions: bool) -> None:
    """Where a lake lies does not show in what is copied out of it."""
    params = small.params(2.5)
    there = _open(as_reader, _bucket(as_reader, small.root, has_versions=has_versions))
    local = _snapshot(small.lake, pin_lake(small.lake, params, None), params, tmp_path / "local")
    remote = _snapshot(there, pin_lake(there, params, None), params, tmp_path / "remote")
    assert remote.logical_hash == local.logical_hash
    assert remote.tables == local.tables


def test_versioned_object_is_pinned_by_version_and_etag(as_reader: Store, small: SmallLake) -> None:
    """The newest version at the moment of the listing."""
    bucket = _bucket(as_reader, small.root)
    entry = _pin(_open(as_reader, bucket), small).tables["shops"].files[0]
    head = as_reader.client(as_reader.admin).head_object(Bucket=bucket, Key="prod/shops/all.parquet")
    assert (entry.version_id, entry.etag) == (head["VersionId"], head["ETag"])


def test_pinned_version_is_read_after_an_overwrite_and_a_delete(as_reader: Store, small: SmallLake, tmp_path: Path) -> None:
    """Production goes on; the snapshot is still the one that was pinned."""
    bucket = _bucket(as_reader, small.root)
    lake = _open(as_reader, bucket)
    pin = _pin(lake, small)
    before = _snapshot(lake, pin, small.params(3), tmp_path / "before")
    _put(as_reader, bucket, "prod/shops/all.parquet", b"something else")
    as_reader.client(as_reader.admin).delete_object(Bucket=bucket, Key=pin.tables["sales"].files[0].path)
    after = _snapshot(_open(as_reader, bucket), pin, small.params(3), tmp_path / "after")
    assert after.logical_hash == before.logical_hash


def _overwrite(store: Store, bucket: str, key: str) -> None:
    body = store.client(store.admin).get_object(Bucket=bucket, Key=key)["Body"].read()
    _put(store, bucket, key, bytes([*body[:-1], body[-1] ^ 1]))


def _delete(store: Store, bucket: str, key: str) -> None:
    store.client(store.admin).delete_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize("spoil", [_overwrite, _delete])
def test_object_without_versions_that_moved_is_refused(
    as_reader: Store, small: SmallLake, tmp_path: Path, spoil: Callable[[Store, str, str], None]
) -> None:
    """Overwritten at the same length, or deleted, between pin and copy."""
    bucket = _bucket(as_reader, small.root, has_versions=False)
    lake = _open(as_reader, bucket)
    pin = _pin(lake, small)
    spoil(as_reader, bucket, "prod/shops/all.parquet")
    with pytest.raises(PinError, match=r"lake file shops/all\.parquet: changed") as caught:
        _snapshot(lake, pin, small.params(3), tmp_path / "out")
    assert caught.value.next_step == "windtunnel pin"
    assert caught.value.exit_code == 2


def test_version_that_was_removed_for_good_is_refused(as_reader: Store, small: SmallLake, tmp_path: Path) -> None:
    """A version can be deleted too."""
    bucket = _bucket(as_reader, small.root)
    pin = _pin(_open(as_reader, bucket), small)
    entry = pin.tables["shops"].files[0]
    as_reader.client(as_reader.admin).delete_object(Bucket=bucket, Key=f"prod/{entry.path}", VersionId=entry.version_id)
    with pytest.raises(PinError, match="deleted"):
        _snapshot(_open(as_reader, bucket), pin, small.params(3), tmp_path / "out")


def test_object_that_was_rewritten_is_pinned_anew(as_reader: Store, small: SmallLake) -> None:
    """Same name, size and second: the ETag tells."""
    bucket = _bucket(as_reader, small.root, has_versions=False)
    first = _pin(_open(as_reader, bucket), small)
    stale = first.model_copy(
        update={
            "tables": {
                **first.tables,
                "shops": first.tables["shops"].model_copy(
                    update={"files": (first.tables["shops"].files[0].model_copy(update={"etag": "other", "rows": 7}),)}
                ),
            }
        }
    )
    assert _pin(_open(as_reader, bucket), small, stale).tables["shops"].files[0].rows == 3


def test_unchanged_objects_are_not_read_again(as_reader: Store, small: SmallLake) -> None:
    """A second pin needs the listing only: bytes that nobody may read any more do not matter."""
    bucket = _bucket(as_reader, small.root)
    first = _pin(_open(as_reader, bucket), small)
    lake = _open(as_reader, bucket)
    lake.open_file = lambda file: pytest.fail(f"{file.path} was opened")  # type: ignore[method-assign]
    assert _pin(lake, small, first) == first


@pytest.mark.parametrize("has_versions", [True, False])
def test_listing_goes_on_over_pages(as_reader: Store, has_versions: bool) -> None:
    """Every object of a table, hidden ones and folder markers not among them; in order, and none of another table."""
    bucket = _bucket(as_reader, has_versions=has_versions)
    names = [f"day={day}/part-0.parquet" for day in range(7)]
    for name in [*names, "_SUCCESS", ".hidden/x.parquet", "day=0/x.parquet.part", "folder/", "../sales2/x.parquet"]:
        _put(as_reader, bucket, f"prod/sales/{name}".replace("sales/../", ""), b"")
    lake = S3Lake(f"s3://{bucket}/prod", S3Params(endpoint=as_reader.endpoint), page_keys=3)
    assert [file.path for file in lake.list_files("sales")] == [f"sales/{name}" for name in names]


@pytest.mark.parametrize("has_versions", [True, False])
def test_paths_are_those_of_a_local_lake(as_reader: Store, tmp_path: Path, has_versions: bool) -> None:
    """Files, folders, both under one name, a name that begins like another, and everything: as in a folder."""
    for name in ("sales/a.csv", "sales/x/b.csv", "sales.csv", "sales2/c.csv", "shops.v2/d.csv", "raw/till.csv", ".hidden/e.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    there, here = _open(as_reader, _bucket(as_reader, tmp_path, has_versions=has_versions)), LocalLake(tmp_path)
    for path in (
        "",
        "sales",
        "sales.csv",
        "sales/x",
        "sales/x/b.csv",
        "shops.v2",
        "raw",
        "raw/till.csv",
        "raw/till",
        "none",
        "sal",
    ):
        assert [(file.path, file.bytes) for file in there.list_files(path)] == [
            (file.path, file.bytes) for file in here.list_files(path)
        ], path


def test_deleted_objects_and_old_versions_are_not_listed(as_reader: Store) -> None:
    """What production has deleted is not in the lake, although the store still has it."""
    bucket = _bucket(as_reader)
    for body in (b"one", b"three"):
        _put(as_reader, bucket, "prod/sales/a.parquet", body)
        _put(as_reader, bucket, "prod/sales/b.parquet", body)
    _delete(as_reader, bucket, "prod/sales/b.parquet")
    (only,) = _open(as_reader, bucket).list_files("sales")
    assert (only.path, only.bytes) == ("sales/a.parquet", 5)


def test_object_whose_name_is_no_path_is_refused(as_reader: Store) -> None:
    """Nothing in a table's folder is passed over in silence."""
    bucket = _bucket(as_reader)
    _put(as_reader, bucket, "prod/sales/x//b.parquet", b"")
    with pytest.raises(LakeError, match="no plain path"):
        _open(as_reader, bucket).list_files("sales")


@pytest.mark.parametrize("has_versions", [True, False])
def test_single_object_and_whole_lake_are_listed(as_reader: Store, has_versions: bool) -> None:
    """A path may name an object; names that only begin like it are others; an empty path means everything."""
    bucket = _bucket(as_reader, has_versions=has_versions)
    for name in ("sales.csv", "sales.csv.gz", "sales/a.csv"):
        _put(as_reader, bucket, f"prod/{name}", b"x")
    lake = _open(as_reader, bucket)
    assert [file.path for file in lake.list_files("sales.csv")] == ["sales.csv"]
    assert [file.path for file in lake.list_files("sales")] == ["sales/a.csv"]
    assert [file.path for file in lake.list_files("")] == ["sales.csv", "sales.csv.gz", "sales/a.csv"]


def test_pin_tells_that_writes_were_refused(as_reader: Store, small: SmallLake) -> None:
    """The probe's report is part of the pin, and holds no clock and no account."""
    bucket = _bucket(as_reader, small.root)
    assert _pin(_open(as_reader, bucket), small).access == (
        f"object store; DeleteObject, CreateMultipartUpload, PutObject, CopyObject on s3://{bucket}/prod/{CANARY} "
        "each refused: 403 AccessDenied; files pinned by version and ETag"
    )


@pytest.mark.parametrize("write", _WRITES)
def test_account_that_may_write_is_stopped(as_reader: Store, small: SmallLake, monkeypatch: pytest.MonkeyPatch, write: str) -> None:
    """One kind of write is enough; nothing was read, and no object of production was touched."""
    bucket = _bucket(as_reader, small.root)
    before = {file.path: file.etag for file in _open(as_reader, bucket).list_files("sales")}
    _log_in(monkeypatch, as_reader.account(f"writer-{next(_numbers)}", [*READING, write]))
    with pytest.raises(LakeError, match="credentials that may write") as caught:
        _open(as_reader, bucket).list_files("sales")
    assert "was carried out" in caught.value.found or "NoSuchKey" in caught.value.found
    _log_in(monkeypatch, as_reader.reader)
    assert {file.path: file.etag for file in _open(as_reader, bucket).list_files("sales")} == before


def _log_in(monkeypatch: pytest.MonkeyPatch, account: Account) -> None:
    for name, value in account.environment().items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("account", [Account("AKIAUNKNOWN000000000", "x" * 40), Account("", "")])
def test_unknown_or_missing_credentials(
    as_reader: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, account: Account
) -> None:
    """A 403 for want of a known account is not taken for a proof; and no secret is in the message."""
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = _bucket(as_reader)
    _log_in(monkeypatch, account)
    with pytest.raises(LakeError, match="credentials") as caught:
        _open(as_reader, bucket).list_files("sales")
    assert "WINDTUNNEL_LAKE_ACCESS_KEY_ID" in caught.value.next_step
    assert not account.secret or account.secret not in str(caught.value)


def test_half_a_key_pair_is_refused(as_reader: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the lake's own variables would let boto3 take somebody else's."""
    monkeypatch.delenv("WINDTUNNEL_LAKE_SECRET_ACCESS_KEY")
    with pytest.raises(LakeError, match="only some of"):
        _open(as_reader, "any").list_files("sales")


def test_account_that_may_not_read_is_told_so(as_reader: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes the probe, having no rights at all."""
    bucket = _bucket(as_reader)
    _log_in(monkeypatch, as_reader.account(f"nobody-{next(_numbers)}", ["s3:ListAllMyBuckets"]))
    with pytest.raises(LakeError, match="listing") as caught:
        _open(as_reader, bucket).list_files("sales")
    assert "refused (AccessDenied)" in caught.value.found


def test_no_such_bucket(as_reader: Store) -> None:
    """Named, with where it is set."""
    with pytest.raises(LakeError, match="no-such-bucket") as caught:
        _open(as_reader, "no-such-bucket").list_files("sales")
    assert "snapshot.lake" in caught.value.next_step


def test_empty_prefix(as_reader: Store, small: SmallLake) -> None:
    """Nothing there is never a table without rows."""
    bucket = _bucket(as_reader, small.root)
    assert _open(as_reader, bucket, "elsewhere").list_files("sales") == ()
    with pytest.raises(LakeError, match="lake table sales"):
        _pin(_open(as_reader, bucket, "elsewhere"), small)


@pytest.mark.parametrize("uri", ["s3://", "s3:///a", "s3://bucket/a//b", "s3://bucket/../b"])
def test_uri_that_names_no_place(uri: str, tmp_path: Path) -> None:
    """A mistake in the URI is told before anything is asked."""
    with pytest.raises(LakeError, match=r"snapshot\.lake"):
        open_lake(uri, tmp_path)


def test_guard_lets_nothing_but_reading_through(as_reader: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An administrator's client, once guarded, sends no write: the object is still there."""
    bucket = _bucket(as_reader)
    _put(as_reader, bucket, "a", b"1")
    _log_in(monkeypatch, as_reader.admin)
    where = Location.parse(f"s3://{bucket}")
    client = guard(connect(log_in(where), where, S3Params(endpoint=as_reader.endpoint), Patience()))
    for write in (
        lambda: client.delete_object(Bucket=bucket, Key="a"),
        lambda: client.put_object(Bucket=bucket, Key="a", Body=b"2"),
        lambda: client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}]}),
        lambda: client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
    ):
        with pytest.raises(LakeError, match="none of those that read"):
            write()
    assert client.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


def test_object_uploaded_in_parts(as_reader: Store) -> None:
    """Its ETag is no hash of its bytes, and pins it all the same."""
    bucket = _bucket(as_reader)
    body = os.urandom(18 << 20)
    admin = as_reader.client(as_reader.admin)
    where = {"Bucket": bucket, "Key": "prod/sales/big.csv"}
    upload = admin.create_multipart_upload(**where)["UploadId"]
    parts = []
    for number, start in enumerate((0, 9 << 20), start=1):
        answer = admin.upload_part(**where, UploadId=upload, PartNumber=number, Body=body[start : start + (9 << 20)])
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    admin.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    lake = _open(as_reader, bucket)
    (file,) = lake.list_files("sales")
    assert (file.etag or "").endswith('-2"')
    opened = open_hashed(lake, file)
    opened.stream.close()
    assert (opened.bytes, opened.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_columns_that_nobody_declared_stay_behind(as_reader: Store, small: SmallLake, tmp_path: Path) -> None:
    """As with any lake."""
    small.write("shops/all.parquet", day_rows(0))
    lake = _open(as_reader, _bucket(as_reader, small.root))
    manifest = _snapshot(lake, _pin(lake, small), small.params(3), tmp_path / "out")
    assert set(manifest.tables["shops"].columns) == {"id", "known_utc", "amount"}


def test_moto_enforces_policies(store: Store) -> None:
    """The server that the tests above rely on refuses the reader's writes itself."""
    with pytest.raises(ClientError, match="AccessDenied"):
        store.client(store.reader).put_object(Bucket=_bucket(store), Key="a", Body=b"")
