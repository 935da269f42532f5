"""The proof, before the first byte is read, that the lake's credentials cannot write.

What belongs here: trying each kind of write on a key that is kept for that, and judging the answers. What does not: reading
the lake. No write here is ever aimed at an object that holds data.
"""

from collections.abc import Callable, Iterator
from functools import partial
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
    """Try to delete, upload in parts, put and copy to the canary with ``client``; returns the report for the pin.

    Every call must be answered 403 AccessDenied. The first other answer raises :class:`~tasks.errors.LakeError` and no
    further call is made: a call that succeeded, one that failed for another reason (which proves nothing), and credentials
    that the store does not know, although these are answered 403 too. The writes are tried from the one that could do least.
    """
    tried = []
    for name, write in _writes(client, where):
        answer = _answer(name, write, where, patience)
        if name == "CopyObject" and answer == (404, "NoSuchKey"):
            # This store looks for the source before it asks whether its copy may be written, and the canary is not there.
            # A file of the lake is; nothing can come of it, since putting anything there has just been refused.
            answer = _answer(name, partial(_copy, client, where, _any_file(client, where, patience)), where, patience)
        if answer != _REFUSED:
            raise _not_refused(where, name, answer)
        tried.append(name)
    return f"{', '.join(tried)} on {where}{CANARY} each refused: {_REFUSED[0]} {_REFUSED[1]}"


def _answer(name: str, write: Callable[[], object], where: Location, patience: Patience) -> tuple[int, str]:
    """Status and code of the store's refusal; a status of 200 and no code where it did what it was asked."""
    with explained(where, f"the write probe {name}", patience):
        try:
            persist(write, patience)
        except ClientError as error:
            answer = (status(error), code(error))
            if answer != _REFUSED and (answer[0] in (403, 429) or answer[0] >= 500 or answer[1] == "NoSuchBucket"):
                raise
            return answer
    return (200, "")


def _writes(client: "S3Client", where: Location) -> Iterator[tuple[str, Callable[[], object]]]:
    canary = f"{where.prefix}{CANARY}"
    yield "DeleteObject", partial(client.delete_object, Bucket=where.bucket, Key=canary)
    yield "CreateMultipartUpload", partial(client.create_multipart_upload, Bucket=where.bucket, Key=canary)
    yield "PutObject", partial(client.put_object, Bucket=where.bucket, Key=canary, Body=b"")
    yield "CopyObject", partial(_copy, client, where, canary)


def _copy(client: "S3Client", where: Location, source: str) -> object:
    target = f"{where.prefix}{CANARY}"
    return client.copy_object(Bucket=where.bucket, Key=target, CopySource={"Bucket": where.bucket, "Key": source})


def _any_file(client: "S3Client", where: Location, patience: Patience) -> str:
    """The key of a small object of the lake."""
    with explained(where, "listing", patience):
        ask = partial(client.list_objects_v2, Bucket=where.bucket, Prefix=where.prefix, MaxKeys=100)
        found = persist(ask, patience).get("Contents", ())
    if not found:
        raise LakeError(
            f"lake {where}",
            found="no object at all",
            expected="the tables' files",
            next_step="mend snapshot.lake in params.yaml",
        )
    return min(found, key=lambda entry: entry["Size"])["Key"]


def _not_refused(where: Location, name: str, answer: tuple[int, str]) -> LakeError:
    left = {
        "DeleteObject": "perhaps a delete marker of",
        "CreateMultipartUpload": "an open upload of",
        "PutObject": "an empty object",
        "CopyObject": "a copy of a file,",
    }
    what = f"answered {answer[0]} {answer[1]}" if answer[1] else f"carried out; {left[name]} {where}{CANARY} is left"
    return LakeError(
        f"lake {where}: credentials that may write",
        found=f"{name} on the reserved key {CANARY} was {what}",
        expected=f"{_REFUSED[0]} {_REFUSED[1]} for each kind of write; no file was read",
        next_step="give the run an account with the reading policy of docs/lakes-on-s3.md and no other right",
    )
