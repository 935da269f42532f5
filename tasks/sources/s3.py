"""A lake on S3, or on any store that speaks its protocol: ``s3://bucket/prefix``.

What belongs here: which objects are the lake's files. What does not: how they are fetched (``s3_stream``), and who may
(``s3_client``, ``s3_probe``).
"""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BufferedIOBase, BufferedReader, BytesIO
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.errors import LakeError
from tasks.params.snapshot import S3Params
from tasks.sources.lake import LakeFile, is_beside_the_data
from tasks.sources.s3_client import Location, Patience, connect, explained, guard, log_in, persist, status
from tasks.sources.s3_probe import prove_read_only
from tasks.sources.s3_stream import S3Object, S3Stream
from tasks.sources.times import to_rfc3339

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CommonPrefixTypeDef, ListObjectsV2RequestTypeDef, ListObjectVersionsRequestTypeDef

_IN_MEMORY_BYTES = 16 << 20
"""A smaller object is fetched whole when it is opened; a larger one as it is read, over several connections."""
_BUFFER_BYTES = 1 << 20
_PAGE_KEYS = 1000
"""The most that S3 gives at once."""


@dataclass(frozen=True)
class _Listing:
    """What a listing found: files, and the folders that it did not look into, each with its slash."""

    files: tuple[LakeFile, ...]
    folders: frozenset[str]


class S3Lake:
    """A prefix of a bucket: ``s3://bucket/prefix``.

    The first look proves that the credentials cannot write. Where the bucket keeps versions, a file is pinned and read by
    its version; elsewhere by its ETag, and once it is overwritten it is refused.
    """

    def __init__(self, uri: str, params: S3Params, patience: Patience | None = None, page_keys: int = _PAGE_KEYS) -> None:
        """Look at the lake at ``uri`` in the store that ``params`` name; nothing is asked before the first look.

        A listing is asked for ``page_keys`` objects at a time.
        """
        self._where = Location.parse(uri)
        self._params = params
        self._patience = patience or Patience()
        self._page_keys = page_keys
        self._opening = threading.Lock()
        self._client: S3Client | None = None
        self._proof = ""
        self._has_versions = False
        self._listings: dict[tuple[str, bool], _Listing] = {}

    @property
    def access(self) -> str:
        """In words for the pin: the report of the write probe, and what freezes the files."""
        self._open()
        frozen = "version and ETag" if self._has_versions else "ETag (the bucket keeps no versions)"
        return f"object store; {self._proof}; files pinned by {frozen}"

    def list_files(self, path: str) -> tuple[LakeFile, ...]:
        """As :meth:`~tasks.sources.lake.Lake.list_files`; whatever is asked, no part of the lake is listed twice."""
        if not path:
            return self._fit(self._list("").files)
        folder, slash, name = path.rpartition("/")
        # One look at this level finds the folder and every single file that may be meant, whatever its ending.
        level = self._list(f"{folder}{slash}{name.partition('.')[0]}", is_level=True)
        below = self._list(f"{path}/").files if f"{path}/" in level.folders else ()
        return self._fit([*(file for file in level.files if file.path == path), *below])

    def _fit(self, listed: Iterable[LakeFile]) -> tuple[LakeFile, ...]:
        files = []
        for file in listed:
            if file.path.endswith("/") or is_beside_the_data(file.path):
                continue
            if not set(file.path.split("/")).isdisjoint({"", ".", ".."}):
                raise LakeError(
                    f"lake {self._where}",
                    found=f"{file.path!r}, which is no plain path",
                    expected="objects whose names are paths",
                    next_step="rename the object, or point snapshot.lake at another prefix",
                )
            files.append(file)
        return tuple(sorted(files, key=lambda file: file.path))

    def _list(self, begin: str, *, is_level: bool = False) -> "_Listing":
        """All whose path begins with ``begin``; of a level, what lies there and the folders, but not what is in them."""
        if (begin, is_level) not in self._listings:
            client = self._open()
            pages = self._versions(client, begin, is_level) if self._has_versions else self._objects(client, begin, is_level)
            files: list[LakeFile] = []
            folders: set[str] = set()
            with explained(self._where, "listing", self._patience):
                for found in pages:
                    files.extend(found.files)
                    folders |= found.folders
            self._listings[begin, is_level] = _Listing(tuple(files), frozenset(folders))
        return self._listings[begin, is_level]

    def _objects(self, client: "S3Client", begin: str, is_level: bool) -> Iterator["_Listing"]:
        request: ListObjectsV2RequestTypeDef = {
            "Bucket": self._where.bucket,
            "Prefix": f"{self._where.prefix}{begin}",
            "MaxKeys": self._page_keys,
            "Delimiter": "/" if is_level else "",
        }
        while True:
            page = persist(partial(client.list_objects_v2, **request), self._patience)
            entries = page.get("Contents", ())
            files = tuple(self._file(e["Key"], e["Size"], e["LastModified"], e["ETag"], None) for e in entries)
            yield _Listing(files, self._folders(page.get("CommonPrefixes", ())))
            if not page["IsTruncated"]:
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def _versions(self, client: "S3Client", begin: str, is_level: bool) -> Iterator["_Listing"]:
        request: ListObjectVersionsRequestTypeDef = {
            "Bucket": self._where.bucket,
            "Prefix": f"{self._where.prefix}{begin}",
            "MaxKeys": self._page_keys,
            "Delimiter": "/" if is_level else "",
        }
        while True:
            page = persist(partial(client.list_object_versions, **request), self._patience)
            newest = [entry for entry in page.get("Versions", ()) if entry["IsLatest"]]
            files = tuple(self._file(e["Key"], e["Size"], e["LastModified"], e["ETag"], e["VersionId"]) for e in newest)
            yield _Listing(files, self._folders(page.get("CommonPrefixes", ())))
            if not page["IsTruncated"]:
                return
            request["KeyMarker"] = page["NextKeyMarker"]
            request["VersionIdMarker"] = page.get("NextVersionIdMarker", "")

    def _folders(self, prefixes: "Iterable[CommonPrefixTypeDef]") -> frozenset[str]:
        return frozenset(entry["Prefix"].removeprefix(self._where.prefix) for entry in prefixes)

    def _file(self, key: str, size: int, modified: datetime, etag: str, version_id: str | None) -> LakeFile:
        return LakeFile(
            path=key.removeprefix(self._where.prefix),
            bytes=size,
            mtime_utc=to_rfc3339(modified),
            version_id=version_id,
            etag=etag,
        )

    def open_file(self, file: LakeFile) -> BufferedIOBase:
        """As :meth:`~tasks.sources.lake.Lake.open_file`; :class:`~tasks.errors.PinError` where another object has its name."""
        source = S3Object(self._open(), self._where, file, self._patience)
        if file.bytes <= _IN_MEMORY_BYTES:
            return BytesIO(b"".join(source.read_range(0, file.bytes)))
        return BufferedReader(S3Stream(source), _BUFFER_BYTES)

    def _open(self) -> "S3Client":
        """The guarded client; the first call proves that the credentials cannot write, and asks whether versions are kept."""
        with self._opening:
            if self._client is None:
                session = log_in(self._where)
                prober = connect(session, self._where, self._params, self._patience)
                self._proof = prove_read_only(prober, self._where, self._patience)
                prober.close()
                client = guard(connect(session, self._where, self._params, self._patience))
                self._has_versions = self._keeps_versions(client)
                self._client = client
            return self._client

    def _keeps_versions(self, client: "S3Client") -> bool:
        """Whether versioning is on; an account that may not ask pins by ETag, which is exact too."""
        with explained(self._where, "asking whether versions are kept", self._patience):
            try:
                answer = persist(lambda: client.get_bucket_versioning(Bucket=self._where.bucket), self._patience)
            except ClientError as error:
                if status(error) in (403, 501):
                    return False
                raise
        return answer.get("Status") == "Enabled"
