"""Changing the master key: what the new one is called, where it lies, and what is remembered of it.

What belongs here: the records of rotations, and names. What does not: making keys and editing ``params.yaml``
(``tasks.keyholding``). A record holds ids, fingerprints and paths; no key.
"""

import re
from pathlib import PurePosixPath
from typing import Literal

from tasks.errors import MaskingKeyError
from tasks.records import Record

RotationState = Literal["started", "done"]


class Rotation(Record):
    """One change of the key: from which id to which, and where the keys' files lie, as ``params.yaml`` would name them."""

    old_id: str
    old_fingerprint: str
    old_file: str | None
    """None where the old key came from the environment or a command: its holder knows where it is."""
    new_id: str
    new_file: str
    state: RotationState


class RotationLog(Record):
    """All rotations of a project, in their order; only the last one can be unfinished."""

    schema_version: Literal[1] = 1
    rotations: tuple[Rotation, ...] = ()

    @property
    def unfinished(self) -> Rotation | None:
        """The rotation that was begun and not ended, if there is one."""
        return self.rotations[-1] if self.rotations and self.rotations[-1].state == "started" else None

    def with_last(self, rotation: Rotation) -> "RotationLog":
        """The log with ``rotation`` at its end, in the place of an unfinished one."""
        kept = self.rotations[:-1] if self.unfinished else self.rotations
        return RotationLog(rotations=(*kept, rotation))

    def find_old(self, key_id: str) -> Rotation:
        """The newest finished rotation to the key ``key_id``; raises :class:`~tasks.errors.MaskingKeyError` without one."""
        for rotation in reversed(self.rotations):
            if rotation.new_id == key_id and rotation.state == "done":
                return rotation
        raise MaskingKeyError(
            f"masking key {key_id!r}",
            found="no rotation to it in this project's records",
            expected="a key that came after another, or the old key's file and id",
            next_step="windtunnel mask bridge DOMAIN --old-file FILE --old-id ID",
        )


def next_id(key_id: str) -> str:
    """The id after ``key_id``: its last number and one, or ``-2`` at its end."""
    found = re.fullmatch(r"(.*?)(\d+)", key_id)
    return f"{found[1]}{int(found[2]) + 1}" if found else f"{key_id}-2"


def key_file_for(key_id: str, old_id: str, old_file: str) -> str:
    """Where the key ``key_id`` is to lie: beside ``old_file``, with the id in its name in place of the old one's."""
    path = PurePosixPath(old_file)
    stem = path.stem.removesuffix(f"-{_in_a_name(old_id)}")
    name = f"{stem}-{_in_a_name(key_id)}{path.suffix}"
    return str(path.with_name(name))


def _in_a_name(key_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", key_id)
