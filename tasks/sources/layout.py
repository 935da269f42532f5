"""Layouts: which files of a lake make up a table, in which format, and what their folders' names say.

What belongs here: paths. What does not: opening files. A table is a folder with files at any depth, one file, or what a
pattern finds; folders called ``column=value`` (as Hive and Spark write them) are columns.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

from tasks.errors import LakeError
from tasks.params.snapshot import FileFormat, SourceParams
from tasks.sources.lake import Lake, LakeFile

ENDINGS: dict[str, FileFormat] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson": "jsonl",
    ".ndjson.gz": "jsonl",
}
"""File ending, in lower case -> the format that it says."""
_WILDCARDS = re.compile(r"[*?\[]")
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def format_of(path: str, source: SourceParams) -> FileFormat | None:
    """The format of the file at ``path``: as declared, or as its ending says; None where neither says one."""
    return source.format or format_by_ending(path)


def format_by_ending(path: str) -> FileFormat | None:
    """The format that the ending of ``path`` says, or None."""
    name = path.rsplit("/", 1)[-1].lower()
    return next((found for ending, found in ENDINGS.items() if name.endswith(ending)), None)


def list_table(lake: Lake, name: str, source: SourceParams) -> tuple[LakeFile, ...]:
    """Every file of the table ``name`` in order of path, all of one format.

    Raises :class:`~tasks.errors.LakeError` where there is none, where a folder and a file (or two files) could be meant, and
    where files of another format lie among them: rows that would be passed over in silence.
    """
    listing = _list_declared(lake, source.path) if source.path else _list_by_name(lake, name)
    if not listing:
        where = f"snapshot.tables.{name}.path: {source.path}" if source.path else f"a folder {name}/, or one file {name}.csv"
        raise LakeError(
            f"lake table {name}",
            found=f"no files at {source.path or name + '/'}",
            expected=f"{where} (or .parquet, .jsonl, ...), with the table's rows",
            next_step=f"mend snapshot.lake, or snapshot.tables.{name} in params.yaml",
        )
    _require_one_format(name, source, listing)
    return listing


def _list_declared(lake: Lake, path: str) -> tuple[LakeFile, ...]:
    wildcard = _WILDCARDS.search(path)
    if wildcard is None:
        return lake.list_files(path)
    pattern = re.compile(_translate(path))
    folder = path[: wildcard.start()].rpartition("/")[0]
    return tuple(file for file in lake.list_files(folder) if pattern.fullmatch(file.path))


def _list_by_name(lake: Lake, name: str) -> tuple[LakeFile, ...]:
    found = {f"{name}/": listing} if (listing := lake.list_files(name)) else {}
    for ending in ENDINGS:
        if single := lake.list_files(f"{name}{ending}"):
            found[f"{name}{ending}"] = single
    if len(found) > 1:
        raise LakeError(
            f"lake table {name}",
            found=f"{' and '.join(found)}",
            expected="one folder, or one file, of the table's name",
            next_step=f"say which under snapshot.tables.{name}.path in params.yaml",
        )
    return next(iter(found.values()), ())


def _require_one_format(name: str, source: SourceParams, listing: Sequence[LakeFile]) -> None:
    first = source.format or format_by_ending(listing[0].path)
    for file in listing:
        ending = format_by_ending(file.path)
        if first is None or (ending != first and (ending is not None or source.format is None)):
            raise LakeError(
                f"lake table {name}",
                found=f"{file.path}, which is not called like a {first or 'known'} file",
                expected=f"files of one format: {', '.join(ENDINGS)}",
                next_step=f"move it away, or say under snapshot.tables.{name} which files (path) and which format",
            )


def covers(name: str, source: SourceParams, path: str) -> bool:
    """Whether ``path`` may be a file of the table ``name``, as it is declared; says nothing of whether there is one."""
    plain = PurePosixPath(path)
    if plain.is_absolute() or ".." in plain.parts or str(plain) != path or format_of(path, source) is None:
        return False
    if not source.path:
        return path.startswith(f"{name}/") or path.lower() in {f"{name}{ending}".lower() for ending in ENDINGS}
    if _WILDCARDS.search(source.path):
        return re.fullmatch(_translate(source.path), path) is not None
    return path == source.path or path.startswith(f"{source.path}/")


def _translate(pattern: str) -> str:
    """A pattern as a regular expression: ``*`` and ``?`` stay within a folder, ``**`` goes through all below."""
    found = ""
    for part in re.findall(r"\*\*/?|\*|\?|\[[^\]/]+\]|.", pattern):
        if part == "**/":
            found += "(?:.*/)?"
        elif part == "**":
            found += ".*"
        elif part == "*":
            found += "[^/]*"
        elif part == "?":
            found += "[^/]"
        elif part.startswith("[") and len(part) > 1:
            found += "[" + part[1:-1].replace("\\", "\\\\").replace("!", "^", 1) + "]"
        else:
            found += re.escape(part)
    return found


def folder_values(path: str) -> dict[str, str | None]:
    """Column -> value of each folder of ``path`` that is called ``column=value``; None where Hive says that there is none."""
    found: dict[str, str | None] = {}
    for part in path.split("/")[:-1]:
        column, equals, value = part.partition("=")
        if equals and column:
            text = unquote(value)
            found[unquote(column)] = None if text == _HIVE_NULL else text
    return found
