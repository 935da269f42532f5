"""Rotating the master key, so that an interruption at any moment leaves a project that works and a rotation that goes on.

What belongs here: the steps and their order. What does not: editing ``params.yaml`` (a flow does, between the two halves).

The order: the intention is recorded; the new key is made; its id is bound to it; ``params.yaml`` is changed by one rename; the
end is recorded. Until that rename the old key is used, from then on the new one, and nothing ever uses both.
"""

import json
import os
from pathlib import Path

from tasks.datasets import write_atomically
from tasks.errors import DatasetError, MaskingKeyError
from tasks.masking import bind_key
from tasks.masking.keys import load_key_file
from tasks.masking.rotation import Rotation, RotationLog, key_file_for, next_id
from tasks.params import Params
from tasks.paths import ProjectPaths, main_root
from tasks.projects.files import write_key
from tasks.stages import StageContext
from tasks.stages.keys import load_stage_key

_HANDED_OVER = ".windtunnel/masking.key"
"""Beside which the new key is put for its holder to take away, where keys come from the environment or a command."""


def read_rotations(paths: ProjectPaths) -> RotationLog:
    """The project's rotations; none where none was ever begun. Raises :class:`~tasks.errors.MaskingKeyError` on a broken record."""
    path = _main(paths).rotations
    try:
        return RotationLog.from_json(path.read_bytes(), origin=str(path))
    except FileNotFoundError:
        return RotationLog()
    except DatasetError as error:
        raise MaskingKeyError(
            str(path),
            found=error.found,
            expected="the record of this project's key rotations",
            next_step="move it away: what it knew is where the old keys lie, which `windtunnel mask bridge --old-file` can be told",
        ) from None


def begin_rotation(paths: ProjectPaths, params: Params, new_id: str | None) -> tuple[Rotation, dict[str, str]]:
    """Make the new key and bind its id; returns the rotation and the changes that ``params.yaml`` needs (dotted key -> value).

    An interrupted rotation is taken up where it stopped. Raises :class:`~tasks.errors.MaskingKeyError` where the present key
    cannot be loaded (only its holder may rotate), the new id is taken, or an interrupted rotation does not fit.
    """
    log = read_rotations(paths)
    if log.unfinished is None:
        rotation = _plan(paths, params, new_id)
        _write(paths, log.with_last(rotation))
    else:
        rotation = _resume(log.unfinished, params, new_id)
    file = main_root(paths.root) / Path(rotation.new_file).expanduser()
    if not file.exists():
        write_key(file)
    bind_key(load_key_file(rotation.new_id, file, env=params.masking.key.env), _main(paths).key_registry)
    changes = {"masking.key.id": rotation.new_id}
    if params.masking.key.file is not None:
        changes["masking.key.file"] = rotation.new_file
    return rotation, changes


def end_rotation(paths: ProjectPaths, rotation: Rotation) -> None:
    """Record that ``params.yaml`` names the new key."""
    _write(paths, read_rotations(paths).with_last(rotation.model_copy(update={"state": "done"})))


def is_handed_over(params: Params) -> bool:
    """Whether the holder has to put the new key where the old one came from: the environment, or what a command reads."""
    return params.masking.key.env in os.environ or params.masking.key.command is not None


def _plan(paths: ProjectPaths, params: Params, new_id: str | None) -> Rotation:
    key = load_stage_key(StageContext(paths, params))
    declared = params.masking.key
    chosen = new_id or _free_id(paths, key.id)
    old_file = None if is_handed_over(params) else declared.file
    rotation = Rotation(
        old_id=key.id,
        old_fingerprint=key.fingerprint,
        old_file=old_file,
        new_id=chosen,
        new_file=key_file_for(chosen, key.id, declared.file or _HANDED_OVER),
        state="started",
    )
    file = main_root(paths.root) / Path(rotation.new_file).expanduser()
    if chosen in _known_ids(paths):
        raise MaskingKeyError(
            f"masking key {chosen!r}",
            found="an id that names another key already",
            expected="an id that no key of this project ever had",
            next_step="windtunnel mask rotate --id ID, or without --id for the next free one",
        )
    if file.exists():
        raise MaskingKeyError(
            str(file),
            found="a file",
            expected="no file where the new key is to lie",
            next_step="move it away, or choose another --id",
        )
    return rotation


def _resume(rotation: Rotation, params: Params, new_id: str | None) -> Rotation:
    named = params.masking.key.id
    if named not in (rotation.old_id, rotation.new_id) or new_id not in (None, rotation.new_id):
        raise MaskingKeyError(
            f"rotation from {rotation.old_id!r} to {rotation.new_id!r}",
            found=f"begun and not ended, and now the key {new_id or named!r}",
            expected="that rotation to be ended first",
            next_step=f"set masking.key.id to {rotation.old_id!r} in params.yaml, then `windtunnel mask rotate`",
        )
    return rotation


def _free_id(paths: ProjectPaths, key_id: str) -> str:
    known, candidate = _known_ids(paths), next_id(key_id)
    while candidate in known:
        candidate = next_id(candidate)
    return candidate


def _known_ids(paths: ProjectPaths) -> set[str]:
    """Every id that ever named a key here; the registry was just read and found whole by the key's loading."""
    registry = _main(paths).key_registry
    return set(json.loads(registry.read_bytes())) if registry.exists() else set()


def _write(paths: ProjectPaths, log: RotationLog) -> None:
    write_atomically(_main(paths).rotations, log.to_json().encode())


def _main(paths: ProjectPaths) -> ProjectPaths:
    return ProjectPaths(main_root(paths.root))
