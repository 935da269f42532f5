"""A client of a lake's object store that can only read, and what the store's refusals mean.

What belongs here: where a lake on S3 lies, who opens it, the guard around the client, patience with a store that is busy or
silent, and errors in words. What does not: what is read (``s3``), and proving that writes are refused (``s3_probe``).
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ResponseStreamingError,
)
from botocore.model import OperationModel
from urllib3.exceptions import HTTPError

from tasks.credentials import LAKE_KEY_ID, LAKE_SECRET, LAKE_TOKEN
from tasks.errors import LakeError
from tasks.params.snapshot import S3Params
from tasks.sources.read_ahead import THREADS

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_Answer = TypeVar("_Answer")
READING = frozenset({"GetBucketVersioning", "GetObject", "ListObjectsV2", "ListObjectVersions"})
"""The calls that a lake is ever read with; the guard lets no other through."""
_BUSY = frozenset({"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "ThrottlingException"})
_UNKNOWN_CREDENTIALS = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthFailure", "TokenRefreshRequired"}
)
_DOCUMENT = "docs/lakes-on-s3.md"
_SILENT = (HTTPClientError, IncompleteReadError, ResponseStreamingError, HTTPError, ConnectionError, TimeoutError)


@dataclass(frozen=True)
class Patience:
    """How long a store that is busy, silent or slow is waited for before the run gives up."""

    attempts: int = 6
    first_pause_seconds: float = 0.25
    """Doubles with each attempt, up to ``longest_pause_seconds``."""
    longest_pause_seconds: float = 8.0
    timeout_seconds: float = 30.0
    """Without a byte, and the span over which a body's speed is judged."""
    slowest_bytes_per_second: float = 1024.0

    def pause(self, failures: int) -> None:
        """Wait before the attempt that follows the given number of failures."""
        time.sleep(min(self.first_pause_seconds * 2 ** (failures - 1), self.longest_pause_seconds))


@dataclass(frozen=True)
class Location:
    """Where in a store a lake lies: ``s3://bucket/prefix``."""

    bucket: str
    prefix: str
    """Ends with a slash, or is empty for a whole bucket."""

    @classmethod
    def parse(cls, uri: str) -> "Location":
        """The location that ``uri`` names; raises :class:`~tasks.errors.LakeError` where it names none."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        prefix = prefix.strip("/")
        if not bucket or "//" in prefix or not {".", ".."}.isdisjoint(prefix.split("/")):
            raise LakeError(
                f"snapshot.lake: {uri}",
                found="no bucket" if not bucket else "a prefix that is no plain path",
                expected="s3://bucket or s3://bucket/prefix",
                next_step="mend snapshot.lake in params.yaml",
            )
        return cls(bucket, f"{prefix}/" if prefix else "")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


def log_in(where: Location) -> boto3.session.Session:
    """Who opens the lake: its own environment variables, or else what boto3 finds.

    Raises :class:`~tasks.errors.LakeError` where one of the lake's variables is missing.
    """
    key_id, secret, token = (os.environ.get(name) for name in (LAKE_KEY_ID, LAKE_SECRET, LAKE_TOKEN))
    if bool(key_id) != bool(secret) or (token and not key_id):
        raise LakeError(
            f"credentials of the lake {where}",
            found=f"only some of {LAKE_KEY_ID}, {LAKE_SECRET}, {LAKE_TOKEN} set",
            expected="the first two, and the third where they are temporary; or none, and boto3's own configuration",
            next_step=f"set what is missing, or unset the rest ({_DOCUMENT})",
        )
    with explained(where, "the credentials"):
        # A session of its own: boto3's default one is shared with whatever else runs in this process.
        return boto3.session.Session(aws_access_key_id=key_id, aws_secret_access_key=secret, aws_session_token=token)


def connect(session: boto3.session.Session, where: Location, params: S3Params, patience: Patience) -> "S3Client":
    """A client for the store that ``params`` names, that any call can be made with; only the write probe uses it unguarded."""
    config = Config(
        connect_timeout=min(10.0, patience.timeout_seconds),
        read_timeout=patience.timeout_seconds,
        retries={"total_max_attempts": 1},  # patience is counted here, in one place
        max_pool_connections=THREADS + THREADS**2,  # files at once, and parts of each
        # Other stores than AWS know no newer checksums; every byte is held against the pin's SHA-256 anyway.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if params.endpoint else "auto"},
    )
    region = params.region or session.region_name or "us-east-1"
    with explained(where, "the store"):
        return session.client("s3", endpoint_url=params.endpoint, region_name=region, config=config)


def guard(client: "S3Client") -> "S3Client":
    """``client``, made unable to send anything but :data:`READING` calls: any other raises before a byte leaves."""

    def refuse(model: OperationModel, **_: Any) -> None:
        if model.name not in READING:
            raise LakeError(
                f"lake: the call {model.name}",
                found="a call that is none of those that read",
                expected=", ".join(sorted(READING)),
                next_step="report this as a bug in Windtunnel; nothing was sent",
            )

    client.meta.events.register_first("before-parameter-build.s3", refuse)
    client.meta.events.register_first("before-call.s3", refuse)
    return client


def persist(what: Callable[[], _Answer], patience: Patience) -> _Answer:
    """``what``'s result; asked again, with pauses, while the store is busy or silent, up to ``patience.attempts`` times."""
    failures = 0
    while True:
        try:
            return what()
        except (ClientError, *_SILENT) as error:
            failures += 1
            if not is_passing(error) or failures >= patience.attempts:
                raise
        patience.pause(failures)


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed in a moment."""
    if isinstance(error, ClientError):
        return code(error) in _BUSY or status(error) in (429, 500, 502, 503, 504)
    return isinstance(error, _SILENT)


def code(error: ClientError) -> str:
    """What the store calls its refusal, for example ``AccessDenied``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status(error: ClientError) -> int:
    """The HTTP status of the store's refusal."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def explained(where: Location, what: str, patience: Patience | None = None) -> Iterator[None]:
    """Turn what boto3 raises in the block into :class:`~tasks.errors.LakeError` about ``what``; never a key or a body."""
    try:
        yield
    except ClientError as error:
        raise _refused(where, what, error, patience) from None
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, ProfileNotFound) as error:
        raise LakeError(
            f"lake {where}: {what}",
            found=f"no usable credentials ({type(error).__name__})",
            expected="credentials that may read the lake, and nothing else",
            next_step=f"set {LAKE_KEY_ID} and {LAKE_SECRET} ({_DOCUMENT})",
        ) from None
    except (BotoCoreError, *_SILENT, ValueError) as error:
        raise LakeError(
            f"lake {where}: {what}",
            found=f"no whole answer from the store ({_cause(error)}){_tries(patience)}",
            expected="a store that answers",
            next_step="see whether snapshot.s3.endpoint is right and reachable, then run it again; what is done is kept",
        ) from None


def _cause(error: Exception) -> str:
    """The error's class, and its words where they are about connections only."""
    is_plain = isinstance(error, ConnectionError | TimeoutError)
    return f"{type(error).__name__}: {error}" if is_plain else type(error).__name__


def _tries(patience: Patience | None) -> str:
    return f", {patience.attempts} times" if patience else ""


def _refused(where: Location, what: str, error: ClientError, patience: Patience | None) -> LakeError:
    name = code(error)
    thing = f"lake {where}: {what}"
    if name == "NoSuchBucket":
        return LakeError(
            thing,
            found=f"no bucket {where.bucket} in this store",
            expected="the bucket that snapshot.lake names",
            next_step="mend snapshot.lake or snapshot.s3.endpoint in params.yaml",
        )
    if name in _UNKNOWN_CREDENTIALS:
        return LakeError(
            thing,
            found=f"the store does not accept these credentials ({name})",
            expected="credentials that may read the lake, and nothing else",
            next_step=f"set {LAKE_KEY_ID} and {LAKE_SECRET} anew ({_DOCUMENT})",
        )
    if status(error) == 403:
        return LakeError(
            thing,
            found=f"it was refused ({name})",
            expected="an account that may list the bucket and get its objects",
            next_step=f"give it the reading policy of {_DOCUMENT}",
        )
    if is_passing(error):
        return LakeError(
            thing,
            found=f"the store was busy or failed ({status(error)} {name}){_tries(patience)}",
            expected="a store that answers",
            next_step="run it again when the store has recovered; what is done is kept",
        )
    return LakeError(
        thing,
        found=f"the store answered {status(error)} {name}",
        expected="an answer to a reading call",
        next_step=f"see {_DOCUMENT}, and whether snapshot.s3 in params.yaml is right",
    )
