"""Which tables an unknown lake seems to hold.

What belongs here: telling tables from the names of files alone. What does not: opening them (``tables``, ``guess``). All of it
is a proposal for ``params.yaml``; the pin takes nothing but what is declared there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.params.base import spell_plainly
from tasks.params.snapshot import SourceParams
from tasks.sources.lake import Lake, LakeFile
from tasks.sources.layout import ENDINGS, format_by_ending

_PARTS = re.compile(r"^[0-9T:._-]+$")
"""A folder called so (a year, a day, a number) is a part of a table."""


@dataclass(frozen=True)
class FoundTable:
    """Files that look like one table."""

    name: str
    """Lower-case letters, digits and underscores; unique among the tables of a lake."""
    source: SourceParams
    """Where they lie; whatever the name alone would find needs no path."""
    files: tuple[LakeFile, ...]
    reason: str

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)


def find_tables(lake: Lake) -> tuple[FoundTable, ...]:
    """What looks like tables in ``lake``, in order of name; empty where no file is called like data.

    A file by itself is a table; so are the files of a folder, where they are called alike but for digits; folders called
    ``column=value``, or by numbers, are parts of the table above. Where no file has a known ending, each is taken for one
    table in some text, without a format. Raises :class:`~tasks.errors.LakeError` where the lake cannot be read.
    """
    listing = lake.list_files("")
    known = [file for file in listing if format_by_ending(file.path) is not None]
    groups = list(_group("", [(file.path.split("/"), file) for file in known or listing]))
    found: dict[str, FoundTable] = {}
    for path, files, reason in groups:
        name = _unused(_name(path), found)
        is_found_by_name = path == name or (len(files) == 1 and path in {f"{name}{ending}" for ending in ENDINGS})
        source = SourceParams() if is_found_by_name else SourceParams(path=path)
        found[name] = FoundTable(name, source, tuple(files), reason)
    return tuple(found[name] for name in sorted(found))


_Entry = tuple[list[str], LakeFile]


def _group(folder: str, entries: Sequence[_Entry]) -> Iterator[tuple[str, list[LakeFile], str]]:
    """(path, files, reason) of each table in ``folder``, whose files are ``entries``: the path's rest, and the file."""
    here = [(rest[0], file) for rest, file in entries if len(rest) == 1]
    below: dict[str, list[_Entry]] = {}
    for rest, file in entries:
        if len(rest) > 1:
            below.setdefault(rest[0], []).append((rest[1:], file))
    parts = [name for name in below if "=" in name or _PARTS.match(name)]
    if parts and len(parts) == len(below) and (not here or _are_alike([name for name, _ in here])):
        said = "column=value" if "=" in parts[0] else "a number or a date"
        yield folder or "**", [file for _, file in entries], f"its folders are called {said}"
        return
    if len(here) > 1 and _are_alike([name for name, _ in here]) and not below:
        yield folder or "*", [file for _, file in here], "its files are called alike but for digits"
    elif len(here) == 1 and folder and not below and _is_part(here[0][0]):
        yield folder, [here[0][1]], "a folder with one file"
    else:
        for name, file in here:
            yield _join(folder, name), [file], "a file by itself"
    for name, entries_below in sorted(below.items()):
        yield from _group(_join(folder, name), entries_below)


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _are_alike(names: Sequence[str]) -> bool:
    return len({re.sub(r"[0-9a-f]{8,}|[0-9]+", "#", name) for name in names}) == 1


def _is_part(name: str) -> bool:
    """Whether a file's name says nothing but that it is a part of something."""
    return re.match(r"(part|data|rows|chunk|all|[0-9])", name.lower()) is not None


def _name(path: str) -> str:
    last = path.rstrip("*").rstrip("/").rsplit("/", 1)[-1]
    ending = next((ending for ending in sorted(ENDINGS, key=len, reverse=True) if last.lower().endswith(ending)), "")
    stem = last[: len(last) - len(ending)] if ending else last.rsplit(".", 1)[0]
    name = re.sub(r"[^a-z0-9]+", "_", spell_plainly(stem)).strip("_") or "rows"
    return f"t_{name}" if name[0].isdigit() else name


def _unused(name: str, taken: dict[str, FoundTable]) -> str:
    number = 2
    wanted = name
    while wanted in taken:
        wanted, number = f"{name}_{number}", number + 1
    return wanted
