"""The pin: the lake, listed once and written down, so that a snapshot has something exact to copy.

What belongs here: listing, hashing, what may be taken over from the last pin, and the file ``data/pin.json``. What does not:
what a file holds (``observe``), and copying.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import pyarrow as pa

from tasks.datasets import hash_mapping, write_atomically
from tasks.errors import DatasetError, LakeError, PinError
from tasks.params.snapshot import SnapshotParams, SourceParams, TableParams
from tasks.records import Pin, PinnedFile, PinnedTable
from tasks.sources.lake import Lake, LakeFile
from tasks.sources.layout import format_by_ending, format_of, list_table
from tasks.sources.observe import Observed, folder_types, newest_moment, observe_rows, virtual_types
from tasks.sources.read_ahead import ReadAhead
from tasks.sources.reader import SourceFile
from tasks.sources.receive import HashedFile, open_hashed, unreadable_file
from tasks.sources.schema import SchemaDriftError, TableTypes
from tasks.sources.times import from_rfc3339, to_rfc3339


@dataclass(frozen=True)
class _Looked:
    """What one opened file holds: its line in the pin, and its newest time known by ``as_of``."""

    file: PinnedFile
    observed: Observed
    known_watermark: datetime | None


def pin_lake(lake: Lake, params: SnapshotParams, previous: Pin | None) -> Pin:
    """List every declared table of ``lake`` once, and pin every file.

    A file whose path, size, modification time, version and ETag stand in ``previous`` is not opened again, unless a change of
    ``as_of_utc`` may change which of its rows are known. Rows without a known time are never known. Raises
    :class:`~tasks.errors.LakeError` naming table, file, found and expected: nothing to read, not Parquet, declared columns
    missing, types that differ between files, or a table in which no row is known yet.
    """
    usable = previous if previous is not None and previous.lake == params.lake else None
    tables = {}
    for name, declared in sorted(params.tables.items()):
        listing = list_table(lake, name, declared)
        kept: dict[str, PinnedFile] = {}
        before = usable.tables.get(name) if usable is not None else None
        if usable is not None and before is not None and _declares_the_same(before, declared):
            kept = _unchanged(listing, before, min(params.as_of_utc, from_rfc3339(usable.as_of_utc)))
        pin_table = partial(_pin_table, lake, name, listing, declared=declared, as_of=params.as_of_utc)
        try:
            tables[name] = pin_table(kept=kept, before=before)
        except SchemaDriftError:
            if not kept:
                raise
            # The pinned types may stem from a file that has been replaced since: only the files themselves can tell.
            tables[name] = pin_table(kept={}, before=None)
    return Pin(lake=params.lake, as_of_utc=to_rfc3339(params.as_of_utc), access=lake.access, tables=tables)


def _declares_the_same(pinned: PinnedTable, declared: TableParams) -> bool:
    same_columns = pinned.known == declared.known and set(pinned.columns) == set(declared.columns)
    return same_columns and pinned.reading == reading_hash(declared)


def reading_hash(declared: SourceParams) -> str:
    """The hash of how files are declared to be read; empty where nothing of it is declared."""
    said = declared.model_dump(mode="json", include=set(SourceParams.model_fields), exclude_defaults=True)
    return hash_mapping(said) if said else ""


def _unchanged(listing: tuple[LakeFile, ...], pinned: PinnedTable, settled: datetime) -> dict[str, PinnedFile]:
    """Pinned files that need not be opened: they look the same, and all that they hold was known at both moments."""
    found = {}
    before = {file.path: file for file in pinned.files}
    if any(format_by_ending(path) != "parquet" for path in before):
        # The types of text come from its values: one that is gone may have been the only one that made a column wider.
        looks = {file.path: _identity(file) for file in listing}
        if any(looks.get(file.path) != _identity(file) for file in pinned.files):
            return {}
    for file in listing:
        entry = before.get(file.path)
        if entry is None or _identity(entry) != _identity(file):
            continue
        if entry.watermark_utc is None or from_rfc3339(entry.watermark_utc) <= settled:
            found[file.path] = entry
    return found


def _identity(file: LakeFile | PinnedFile) -> tuple[object, ...]:
    return (file.bytes, file.mtime_utc, file.version_id, file.etag)


def _pin_table(
    lake: Lake,
    name: str,
    listing: tuple[LakeFile, ...],
    *,
    declared: TableParams,
    as_of: datetime,
    kept: Mapping[str, PinnedFile],
    before: PinnedTable | None,
) -> PinnedTable:
    types = TableTypes(name, is_text=format_of(listing[0].path, declared) != "parquet")
    folders: dict[str, tuple[str, ...]] = {}
    if kept and before is not None:
        types.add("the files pinned before", {c: kind for c, kind in before.columns.items() if c not in before.folders})
        folders["the files pinned before"] = before.folders
    files, watermarks = [], []
    opened = partial(open_hashed, lake)
    with ReadAhead(opened, (one for one in listing if one.path not in kept), lambda one: one.stream.close()) as ahead:
        for listed in listing:
            entry = kept.get(listed.path)
            if entry is None:
                looked = _look(ahead, name, listed, declared, as_of)
                types.add(listed.path, looked.observed.types)
                folders[listed.path] = looked.observed.folders
                entry, watermark = looked.file, looked.known_watermark
            else:
                watermark = None if entry.watermark_utc is None else from_rfc3339(entry.watermark_utc)
            files.append(entry)
            if watermark is not None:
                watermarks.append(watermark)
    if not watermarks:
        raise _nothing_known(name, files, declared, as_of)
    return PinnedTable(
        watermark_utc=to_rfc3339(max(watermarks)),
        files=tuple(files),
        known=declared.known,
        columns=_column_types(name, declared, types.names(), _agreed_folders(name, folders), listing),
        folders=_agreed_folders(name, folders),
        reading=reading_hash(declared),
    )


def _agreed_folders(name: str, folders: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    first, columns = next(iter(folders.items()))
    for path, others in folders.items():
        if others != columns:
            raise SchemaDriftError(
                f"lake table {name}",
                found=f"{path}, whose folders name the columns {', '.join(others) or 'none'}",
                expected=f"the columns {', '.join(columns) or 'none'}, as in {first}",
                next_step=f"bring the table's files into one layout, or say which under snapshot.tables.{name}.path",
            )
    return columns


def _column_types(
    name: str, declared: TableParams, stored: Mapping[str, str], folders: tuple[str, ...], listing: tuple[LakeFile, ...]
) -> dict[str, str]:
    found = {
        **stored,
        **folder_types([file.path for file in listing], declared, folders, declared.known),
        **virtual_types(declared.columns),
    }
    for column in declared.columns:
        if column not in found:
            raise LakeError(
                f"lake table {name}: column {column}",
                found="no line of any file has it",
                expected="a declared column that the files hold",
                next_step=f"mend the lake, or snapshot.tables.{name}.columns in params.yaml",
            )
    return {column: found[column] for column in sorted(declared.columns)}


def _nothing_known(name: str, files: list[PinnedFile], declared: TableParams, as_of: datetime) -> LakeError:
    rows = sum(file.rows for file in files)
    moment = to_rfc3339(as_of)
    return LakeError(
        f"lake table {name}",
        found=f"{rows} rows in {len(files)} files, none of them known by {moment} (column {declared.known})",
        expected="at least one row that was known by snapshot.as_of_utc",
        next_step="fill the table, move snapshot.as_of_utc, or take the table out of params.yaml",
    )


def _look(ahead: ReadAhead[LakeFile, HashedFile], name: str, listed: LakeFile, declared: TableParams, as_of: datetime) -> _Looked:
    try:
        opened = ahead.take(listed)
    except FileNotFoundError:
        raise _moved(listed, "it was deleted") from None
    with opened.stream:
        if opened.bytes != listed.bytes:
            raise _moved(listed, f"{opened.bytes} bytes read, {listed.bytes} listed")
        try:
            observed = observe_rows(SourceFile(listed.path, listed.mtime_utc, opened.stream), name, declared, as_of)
        except (OSError, pa.ArrowException) as error:
            raise unreadable_file(listed.path, error) from None
    known = observed.known
    newest = newest_moment(listed.path, declared.known, known.newest)
    return _Looked(
        file=PinnedFile(
            path=listed.path,
            bytes=listed.bytes,
            mtime_utc=listed.mtime_utc,
            sha256=opened.sha256,
            rows=known.rows,
            known_rows=known.known_rows,
            watermark_utc=None if newest is None else to_rfc3339(newest),
            version_id=listed.version_id,
            etag=listed.etag,
        ),
        observed=observed,
        known_watermark=newest_moment(listed.path, declared.known, known.newest_known),
    )


def _moved(listed: LakeFile, found: str) -> LakeError:
    return LakeError(
        f"lake file {listed.path}",
        found=f"it changed while it was pinned: {found}",
        expected="files that are whole when they appear under their name",
        next_step="windtunnel pin",
    )


def write_pin(path: Path, pin: Pin) -> None:
    """Write ``pin`` as JSON, whole or not at all; equal pins are equal bytes."""
    write_atomically(path, pin.to_json().encode())


def read_pin(path: Path) -> Pin:
    """The pin in ``path``; raises :class:`~tasks.errors.PinError` where there is none or it cannot be read."""
    try:
        return Pin.from_json(path.read_bytes(), origin=str(path))
    except FileNotFoundError:
        found, next_step = "no such file", "windtunnel pin"
    except DatasetError as error:
        found, next_step = error.found, f"restore {path.name} from Git, or delete it and run `windtunnel pin`"
    raise PinError(str(path), found=found, expected="the pin of the production lake", next_step=next_step)
