"""A bridge over a rotation: which new token stands for which old one, for the values of one domain in the snapshot.

What belongs here: loading both keys, reading the domain's columns, and writing the result where nobody else reads. What does
not: the tokens (``tasks.masking.bridge``). Whoever has a bridge can join what was masked before with what is masked now, so it
lies in the restricted zone, outside all that DVC knows of.
"""

import io
import os
import re
from pathlib import Path

import pyarrow.parquet as pq

from tasks.datasets import read_manifest, read_partition
from tasks.errors import MaskingKeyError
from tasks.keyholding.rotation import read_rotations
from tasks.masking import MaskingKey
from tasks.masking.bridge import bridge_values, domain_columns, join_bridges
from tasks.masking.keys import load_key_file
from tasks.params import Params
from tasks.paths import ProjectPaths, main_root, make_private
from tasks.records import Record
from tasks.stages import StageContext
from tasks.stages.keys import load_stage_key


class Bridge(Record):
    """A bridge that was written: what between, how many tokens, and where."""

    domain: str
    columns: tuple[str, ...]
    old_id: str
    new_id: str
    tokens: int
    path: str


def build_bridge(paths: ProjectPaths, params: Params, domain: str, *, old_file: Path | None, old_id: str | None) -> Bridge:
    """Write old and new tokens of ``domain`` over the snapshot as it lies here (Parquet: ``old_token``, ``new_token``), mode 0600.

    The new key is the one that params.yaml names; the old one that which it replaced here, or ``old_id`` in ``old_file``.
    Raises :class:`~tasks.errors.MaskingError` on a domain without tokens, and :class:`~tasks.errors.MaskingKeyError` where one
    of the keys is not there, or is not what its id named.
    """
    columns = domain_columns(params.masking, params.snapshot.tables, domain)
    new = load_stage_key(StageContext(paths, params))
    old = _load_old(paths, params, new, old_file, old_id)
    manifest = read_manifest(paths.snapshots, made_by="snapshot")
    pieces = [
        bridge_values(table, read_partition(paths.snapshots, partition, [column]), params.masking, old, new)
        for table, column in columns
        if table in manifest.tables
        for partition in manifest.tables[table].partitions
    ]
    whole = join_bridges(pieces)
    folder = ProjectPaths(main_root(paths.root)).bridges
    make_private(folder)
    names = (re.sub(r"[^A-Za-z0-9._-]", "_", name) for name in (domain, old.id, new.id))
    path = folder / f"{'--'.join(names)}.parquet"
    buffer = io.BytesIO()
    pq.write_table(whole, buffer, compression="zstd")
    _write_private(path, buffer.getvalue())
    named = tuple(f"{table}.{column}" for table, column in columns)
    return Bridge(domain=domain, columns=named, old_id=old.id, new_id=new.id, tokens=whole.num_rows, path=str(path))


def _load_old(paths: ProjectPaths, params: Params, new: MaskingKey, file: Path | None, key_id: str | None) -> MaskingKey:
    env = params.masking.key.env
    if file is not None and key_id is not None:
        old, known = load_key_file(key_id, file, env=env), None
    else:
        rotation = read_rotations(paths).find_old(new.id)
        if file is None and rotation.old_file is None:
            raise MaskingKeyError(
                f"masking key {rotation.old_id!r}",
                found="it came from the environment or a command, and this project does not know where it is kept",
                expected="a file of mode 0600 that holds it",
                next_step="windtunnel mask bridge DOMAIN --old-file FILE",
            )
        place = file or main_root(paths.root) / Path(rotation.old_file or "").expanduser()
        old, known = load_key_file(rotation.old_id, place, env=env), rotation.old_fingerprint
    if old.fingerprint == new.fingerprint or known not in (None, old.fingerprint):
        raise MaskingKeyError(
            f"masking key {old.id!r}",
            found=f"a key with fingerprint {old.fingerprint}",
            expected=f"fingerprint {known}, the key that {new.id!r} replaced" if known else "another key than the present one",
            next_step="give the old key's file by --old-file",
        )
    return old


def _write_private(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
