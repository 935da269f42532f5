"""A store that is busy, silent, slow or cut off, over HTTP: what passes is waited for, what stays ends in one message."""

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from fault_proxy import Fault, Faults, answer, cut, drip, silence, spoil, whole
from s3_server import Store, free_port
from small_lake import SmallLake

import tasks.sources.s3 as module
import tasks.sources.s3_stream as stream_module
from tasks.errors import LakeError, PinError
from tasks.params.snapshot import S3Params
from tasks.sources import LakeFile, pin_lake
from tasks.sources.receive import open_hashed
from tasks.sources.s3 import S3Lake
from tasks.sources.s3_client import Patience

pytestmark = pytest.mark.slow

_IMPATIENT = Patience(attempts=3, first_pause_seconds=0.001, longest_pause_seconds=0.001)
_HASTY = replace(_IMPATIENT, timeout_seconds=1.0)
"""Where the store is silent or slow on purpose; a busy machine may be slower than this without a fault."""
_BODY = os.urandom(40_000)
_BUSY = answer(503, "SlowDown")


@pytest.fixture(scope="module")
def bucket(store: Store) -> str:
    """A bucket without versions, with one file."""
    return store.bucket("faults", has_versions=False)


@pytest.fixture
def faults(as_reader: Store, bucket: str) -> Iterator[Faults]:
    """A proxy before the store, and the file in it as it was."""
    as_reader.client(as_reader.admin).put_object(Bucket=bucket, Key="t/a.parquet", Body=_BODY)
    with spoil(as_reader.endpoint) as found:
        yield found


def _lake(faults: Faults, bucket: str, patience: Patience = _IMPATIENT) -> S3Lake:
    return S3Lake(f"s3://{bucket}", S3Params(endpoint=faults.endpoint), patience)


def _listed(lake: S3Lake) -> LakeFile:
    (file,) = lake.list_files("t")
    return file


@pytest.mark.parametrize(
    ("fault", "patience"),
    [
        (_BUSY, _IMPATIENT),
        (answer(500, "InternalError"), _IMPATIENT),
        (cut(0), _IMPATIENT),
        (cut(10_000), _IMPATIENT),
        (silence(3), _HASTY),
        (drip(0.1), _HASTY),
    ],
)
def test_passing_fault_does_not_show(faults: Faults, bucket: str, fault: Fault, patience: Patience) -> None:
    """Twice is not too often: the file is read as it is."""
    file = _listed(_lake(faults, bucket))
    faults.plan = [fault, fault]
    assert _lake(faults, bucket, patience).open_file(file).read() == _BODY
    assert len(faults.seen) >= 3


@pytest.mark.parametrize(
    ("fault", "patience", "says"),
    [
        (_BUSY, _IMPATIENT, "busy or failed (503 SlowDown), 3 times"),
        (cut(10), _IMPATIENT, "no whole answer"),
        (silence(3), _HASTY, "no whole answer from the store (ReadTimeoutError), 3 times"),
        (drip(0.1), _HASTY, "bytes in 1 seconds"),
    ],
)
def test_lasting_fault_is_one_message(faults: Faults, bucket: str, fault: Fault, patience: Patience, says: str) -> None:
    """Then it is given up, naming the file; the exit code is 2."""
    file = _listed(_lake(faults, bucket))
    lake = _lake(faults, bucket, patience)
    faults.plan = [fault] * 20
    with pytest.raises(LakeError, match=r"t/a\.parquet") as caught:
        lake.open_file(file).read()
    assert says in caught.value.found
    assert caught.value.exit_code == 2
    assert len(faults.seen) == 3


def test_cut_download_goes_on_where_it_stopped(faults: Faults, bucket: str) -> None:
    """By a range, under the ETag that was listed."""
    lake = _lake(faults, bucket)
    file = _listed(lake)
    faults.plan = [cut(10_000)]
    assert lake.open_file(file).read() == _BODY
    first, second = faults.seen
    assert "Range" not in first
    assert second["Range"] == "bytes=10000-"
    assert first["If-Match"] == second["If-Match"] == file.etag


def test_parts_of_two_objects_never_meet(faults: Faults, bucket: str, as_reader: Store) -> None:
    """Overwritten between the cut and the rest: refused, although the length is the same."""
    lake = _lake(faults, bucket)
    file = _listed(lake)

    def overwrite(number: int) -> None:
        if number == 1:
            as_reader.client(as_reader.admin).put_object(Bucket=bucket, Key="t/a.parquet", Body=_BODY[::-1])

    faults.plan, faults.before = [cut(10_000)], overwrite
    with pytest.raises(PinError, match="changed since it was listed"):
        lake.open_file(file).read()


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Objects are not held in memory, and asked for in four parts; the ranges of these."""
    monkeypatch.setattr(module, "_IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(stream_module, "_PART_BYTES", 10_000)
    return ["bytes=0-9999", "bytes=10000-19999", "bytes=20000-29999", "bytes=30000-"]


def test_parts_are_asked_for_once_each_and_joined_in_order(faults: Faults, bucket: str, in_parts: list[str]) -> None:
    """Over several connections, all of the listed object; hashed as they pass."""
    lake = _lake(faults, bucket)
    file = _listed(lake)
    with open_hashed(lake, file).stream as stream:
        assert sorted(seen["Range"] for seen in faults.seen) == in_parts
        assert {seen["If-Match"] for seen in faults.seen} == {file.etag}
        assert stream.read() == _BODY
    assert open_hashed(lake, file).sha256 == hashlib.sha256(_BODY).hexdigest()


def test_truncated_part_is_taken_up_where_it_stopped(faults: Faults, bucket: str, in_parts: list[str]) -> None:
    """The other parts are not asked for again."""
    lake = _lake(faults, bucket)
    file = _listed(lake)
    faults.plan = [cut(4000)]
    assert lake.open_file(file).read() == _BODY
    assert sorted(seen["Range"] for seen in faults.seen) == sorted([*in_parts, "bytes=4000-9999"])


@pytest.mark.parametrize("at", [1, 3])
def test_object_overwritten_between_its_parts_is_refused(
    faults: Faults, bucket: str, as_reader: Store, in_parts: list[str], at: int
) -> None:
    """Although it is as long as before; whichever part it is that another object would have been read in."""
    lake = _lake(faults, bucket)
    file = _listed(lake)

    def overwrite(number: int) -> None:
        if number == at:
            as_reader.client(as_reader.admin).put_object(Bucket=bucket, Key="t/a.parquet", Body=_BODY[::-1])

    faults.before = overwrite
    with pytest.raises(PinError, match="changed since it was listed"):
        lake.open_file(file).read()
    assert len(faults.seen) <= len(in_parts)


def test_store_that_ignores_ranges_is_refused(faults: Faults, bucket: str, in_parts: list[str]) -> None:
    """The whole object in the place of a part would be read as one."""
    lake = _lake(faults, bucket)
    file = _listed(lake)
    faults.plan = [whole(_BODY)] * len(in_parts)
    with pytest.raises(PinError, match="40000 bytes from byte 0 on, where 10000 were asked for"):
        lake.open_file(file).read()


def test_who_reads_the_head_fetches_no_more(faults: Faults, bucket: str, in_parts: list[str]) -> None:
    """A guess at the format needs the first rows only."""
    lake = _lake(faults, bucket)
    file = _listed(lake)
    with lake.open_file(file) as stream:
        assert stream.read(1) == _BODY[:1]
    assert [seen["Range"] for seen in faults.seen] == in_parts[:1]


def test_busy_store_is_asked_for_its_listing_again(faults: Faults, bucket: str) -> None:
    """Every call is patient, not only the download."""
    faults.part, faults.plan = "list-type=2", [_BUSY, _BUSY]
    assert _listed(_lake(faults, bucket)).bytes == len(_BODY)
    assert len(faults.seen) == 2 + 2


def test_nothing_is_listed_twice(faults: Faults, bucket: str, small: SmallLake, as_reader: Store) -> None:
    """Two calls a table, however many files may be meant by its name."""
    as_reader.upload(small.root, bucket, "twice")
    faults.part = "list-type=2"
    pin_lake(_lake(faults, f"{bucket}/twice"), small.params(3), None)
    assert len(faults.seen) == 2 * 2


@pytest.mark.parametrize(
    ("call", "fault", "says"),
    [
        (0, _BUSY, "503"),
        (1, answer(500, "InternalError"), "500"),
        (1, answer(403, "RequestTimeTooSkewed"), "RequestTimeTooSkewed"),
        (3, answer(403, "InvalidAccessKeyId"), "does not accept these credentials"),
        (0, answer(204, ""), "was carried out"),
        (1, answer(405, "MethodNotAllowed"), "answered 405 MethodNotAllowed"),
        (2, answer(204, ""), "was carried out"),
        (2, answer(404, "NoSuchKey"), "answered 404 NoSuchKey"),
        (3, answer(404, "NoSuchKey"), "answered 404 NoSuchKey"),
    ],
)
def test_anything_but_a_refusal_proves_nothing(faults: Faults, bucket: str, call: int, fault: Fault, says: str) -> None:
    """Whichever write it is that is not answered 403 AccessDenied, nothing is read; and the next look asks again."""

    def begin(number: int) -> None:
        faults.plan = [fault] * 9 if number == call else faults.plan

    faults.part, faults.before = ".windtunnel-write-probe", begin
    lake = _lake(faults, bucket)
    with pytest.raises(LakeError) as caught:
        lake.list_files("t")
    assert says in caught.value.found
    faults.plan, faults.seen, faults.before = [], [], lambda _: None
    assert _listed(lake).bytes == len(_BODY)
    assert len(faults.seen) == 4


def test_copy_is_tried_from_a_file_where_the_store_looks_for_the_source_first(faults: Faults, bucket: str) -> None:
    """404 for the canary proves nothing; a file of the lake is there to be refused."""

    def begin(number: int) -> None:
        faults.plan = [answer(404, "NoSuchKey")] if number == 3 else faults.plan

    faults.part, faults.before = ".windtunnel-write-probe", begin
    assert "CopyObject" in _lake(faults, f"{bucket}/t").access
    assert [seen.get("x-amz-copy-source", "") for seen in faults.seen[3:]] == [
        f"{bucket}/t/.windtunnel-write-probe",
        f"{bucket}/t/a.parquet",
    ]


def test_nobody_listens_at_the_endpoint(as_reader: Store) -> None:
    """The endpoint is named as what to look at."""
    lake = S3Lake("s3://bucket", S3Params(endpoint=f"http://127.0.0.1:{free_port()}"), _IMPATIENT)
    with pytest.raises(LakeError, match="EndpointConnectionError") as caught:
        lake.list_files("t")
    assert "snapshot.s3.endpoint" in caught.value.next_step


def test_large_object_is_read_by_ranges(
    faults: Faults, bucket: str, small: SmallLake, as_reader: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit in memory is streamed, cut or not; another place in it is another range."""
    monkeypatch.setattr(module, "_IN_MEMORY_BYTES", 0)
    small.write("big/a.parquet", pq.read_table(small.root / "shops/all.parquet"))
    content = (small.root / "big/a.parquet").read_bytes()
    as_reader.client(as_reader.admin).put_object(Bucket=bucket, Key="big/a.parquet", Body=content)
    lake = _lake(faults, bucket)
    (file,) = lake.list_files("big")
    faults.plan = [cut(100)]
    with lake.open_file(file) as stream:
        assert stream.read() == content
        assert stream.read() == b""
        stream.seek(-8, os.SEEK_END)
        assert stream.read(4) == content[-8:-4]
        stream.seek(0)
        assert pq.read_table(stream).equals(pq.read_table(small.root / "big/a.parquet"))
    assert [seen.get("Range") for seen in faults.seen[:2]] == [None, "bytes=100-"]


def test_pin_fetches_each_file_once(faults: Faults, bucket: str, small: SmallLake, as_reader: Store) -> None:
    """Once for hash, rows and times together."""
    as_reader.upload(small.root, bucket, "once")
    pin = pin_lake(_lake(faults, f"{bucket}/once"), small.params(3), None)
    assert sum(len(table.files) for table in pin.tables.values()) == len(faults.seen) == 4


def test_large_files_are_pinned_as_small_ones(
    faults: Faults, bucket: str, small: SmallLake, as_reader: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamed for the hash, and then read by ranges: what the pin says of a file does not depend on how it was fetched."""
    as_reader.upload(small.root, bucket, "large")
    whole = pin_lake(_lake(faults, f"{bucket}/large"), small.params(3), None)
    monkeypatch.setattr(module, "_IN_MEMORY_BYTES", 0)
    assert pin_lake(_lake(faults, f"{bucket}/large"), small.params(3), None) == whole


def test_unread_files_are_let_go(faults: Faults, bucket: str, small: SmallLake, as_reader: Store) -> None:
    """A file that is not Parquet ends the pin; what was fetched ahead is closed, and leaves no thread."""
    (small.root / "shops" / "a.parquet").write_bytes(b"not Parquet")
    as_reader.upload(small.root, bucket, "bad")
    lake = _lake(faults, f"{bucket}/bad")
    with pytest.raises(LakeError, match=r"shops/a\.parquet"):
        pin_lake(lake, small.params(3), None)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
