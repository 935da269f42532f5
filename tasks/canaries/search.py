"""Looking for markers in files.

What belongs here: one file, and what was found in it. What does not: which files (``tasks.keyholding.search``).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from tasks.canaries.containers import Part, parts_of_buffer, parts_of_file
from tasks.canaries.needles import Needles
from tasks.errors import LeakSearchError
from tasks.records import Record

_SMALL_BYTES, _AT_ONCE = 100_000, 200
"""Parts below this size are searched so many at once."""


class Hit(Record):
    """A marker outside the restricted zone: in which file, where in it, and of which column; never its value."""

    file: str
    part: str
    """Empty for the file's bytes as they lie, else for example ``column note`` or ``member model.json``."""
    column: str
    """``table.column``."""


def search_file(path: Path, needles: Needles) -> tuple[Hit, ...]:
    """Every marker in ``path``, in its bytes or in what is packed in them; each column once for each part.

    A file that is gone by the time it is opened holds nothing. Raises :class:`~tasks.errors.LeakSearchError` where it cannot be
    read as a whole.
    """
    hits: dict[Hit, None] = {}
    try:
        for hit in _hits(str(path), parts_of_file(path), needles):
            hits[hit] = None
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise LeakSearchError(
            str(path),
            found=f"not readable: {error.strerror}",
            expected="a file that can be searched",
            next_step="let this account read it",
        ) from None
    return tuple(hits)


def search_buffer(content: pa.Buffer, needles: Needles, *, name: str) -> tuple[Hit, ...]:
    """The same of bytes in memory, which are called ``name``."""
    return tuple(dict.fromkeys(_hits(name, parts_of_buffer(content, name), needles)))


def _hits(name: str, parts: Iterable[Part], needles: Needles) -> Iterator[Hit]:
    small: list[Part] = []
    for part in parts:
        if part[1].size >= _SMALL_BYTES:
            yield from (Hit(file=name, part=part[0], column=column) for column in needles.find(part[1]))
            continue
        small.append(part)
        if len(small) >= _AT_ONCE:
            yield from _hits_of_small(name, small, needles)
            small = []
    yield from _hits_of_small(name, small, needles)


def _hits_of_small(name: str, parts: list[Part], needles: Needles) -> Iterator[Hit]:
    for place, column in needles.find_in_any([content for _, content in parts]):
        yield Hit(file=name, part=parts[place][0], column=column)
