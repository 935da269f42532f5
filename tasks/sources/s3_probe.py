"""The proof, before the first byte is read, that the lake's credentials cannot write.

What belongs here: trying each kind of write on a key that is kept for that, and judging the answers. What does not: reading
the lake. Nothing here ever names an object that holds data: not as the target of a write, not as the source of a copy.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.errors import LakeError
from tasks.sources.s3_client import Location, Patience, code, explained, persist, status

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CANARY = ".windtunnel-write-probe"
"""Below the lake's prefix; its name keeps it out of every table, should a write succeed."""
_REFUSED = (403, "AccessDenied")


def prove_read_only(client: "S3Client", where: Location, patience: Patience) -> str:
    """Try to delete, copy, begin a multipart upload of, and put the canary with ``client``; returns the report for the pin.

    Every call must be answered 403 AccessDenied. The first other answer raises :class:`~tasks.errors.LakeError` and no
    further call is made: a call that succeeded, one that failed for another reason (which proves nothing), and credentials
    that the store does not know, although these are answered 403 too. The writes are tried from the one that could do least.
    """
    tried = []
    for name, write in _writes(client, where):
        with explained(where, f"the write probe {name}", patience):
            try:
                persist(write, patience)
            except ClientError as error:
                if (status(error), code(error)) == _REFUSED:
                    tried.append(name)
                    continue
                if status(error) in (403, 429) or status(error) >= 500 or code(error) == "NoSuchBucket":
                    raise
                raise _not_refused(where, name, f"answered {status(error)} {code(error)}") from None
        raise _not_refused(where, name, f"carried out{_left_behind(name, where)}")
    return f"{', '.join(tried)} on {where}{CANARY} each refused: {_REFUSED[0]} {_REFUSED[1]}"


def _writes(client: "S3Client", where: Location) -> Iterator[tuple[str, Callable[[], object]]]:
    bucket, key = where.bucket, f"{where.prefix}{CANARY}"
    yield "DeleteObject", lambda: client.delete_object(Bucket=bucket, Key=key)
    yield "CopyObject", lambda: client.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key})
    yield "CreateMultipartUpload", lambda: client.create_multipart_upload(Bucket=bucket, Key=key)
    yield "PutObject", lambda: client.put_object(Bucket=bucket, Key=key, Body=b"")


def _left_behind(name: str, where: Location) -> str:
    left = {
        "PutObject": "an empty object",
        "CreateMultipartUpload": "an open upload of",
        "DeleteObject": "perhaps a delete marker of",
    }
    return f"; {left[name]} {where}{CANARY} is left" if name in left else ""


def _not_refused(where: Location, name: str, what: str) -> LakeError:
    return LakeError(
        f"lake {where}: credentials that may write",
        found=f"{name} on the reserved key {CANARY} was {what}",
        expected=f"{_REFUSED[0]} {_REFUSED[1]} for each kind of write; nothing was read",
        next_step="give the run an account with the reading policy of docs/lakes-on-s3.md and no other right",
    )
