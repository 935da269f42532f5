"""Looking for markers in files.

What belongs here: one file, and what was found in it. What does not: which files (``tasks.keyholding.search``).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from tasks.canaries.containers import Part, parts_of_buffer, parts_of_file
from tasks.canaries.needles import Needles
from tasks.errors import LeakSearchError
from tasks.records import Record

_SMALL_BYTES, _AT_ONCE, _BYTES_AT_ONCE = 1_000_000, 5_000, 16_000_000
"""Parts below this size are searched together, of whatever files, until there are so many or so much of them: to build the
automaton takes as long as to search a megabyte."""

_Place = tuple[str, str]
"""File and part."""


class Hit(Record):
    """A marker outside the restricted zone: in which file, where in it, and of which column; never its value."""

    file: str
    part: str
    """Empty for the file's bytes as they lie, else for example ``column note`` or ``member model.json``."""
    column: str
    """``table.column``."""


def search_files(paths: Iterable[Path], needles: Needles, tell: Callable[[Path], None] = lambda _: None) -> tuple[Hit, ...]:
    """Every marker in the files ``paths``, in their bytes or in what is packed in them; each column once for each part.

    A file that is gone by the time it is opened holds nothing. ``tell`` hears of each file that has been read. Raises
    :class:`~tasks.errors.LeakSearchError` where one cannot be read as a whole.
    """

    def parts() -> Iterator[tuple[_Place, pa.Buffer]]:
        for path in paths:
            yield from (((str(path), label), content) for label, content in _read_parts(path))
            tell(path)

    return tuple(dict.fromkeys(_hits(parts(), needles)))


def search_file(path: Path, needles: Needles) -> tuple[Hit, ...]:
    """As :func:`search_files`, of one file."""
    return search_files((path,), needles)


def search_buffer(content: pa.Buffer, needles: Needles, *, name: str) -> tuple[Hit, ...]:
    """The same of bytes in memory, which are called ``name``."""
    parts = (((name, label), part) for label, part in parts_of_buffer(content, name))
    return tuple(dict.fromkeys(_hits(parts, needles)))


def _read_parts(path: Path) -> Iterator[Part]:
    try:
        yield from parts_of_file(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LeakSearchError(
            str(path),
            found=f"not readable: {error.strerror}",
            expected="a file that can be searched",
            next_step="let this account read it",
        ) from None


def _hits(parts: Iterable[tuple[_Place, pa.Buffer]], needles: Needles) -> Iterator[Hit]:
    small: list[tuple[_Place, bytes]] = []
    held = 0
    for place, content in parts:
        if content.size >= _SMALL_BYTES:
            yield from (_hit(place, column) for column in needles.find(content))
            continue
        small.append((place, content.to_pybytes()))  # a copy, since the file may be closed by then
        held += content.size
        if len(small) >= _AT_ONCE or held >= _BYTES_AT_ONCE:
            yield from _hits_of_small(small, needles)
            small, held = [], 0
    yield from _hits_of_small(small, needles)


def _hits_of_small(parts: Sequence[tuple[_Place, bytes]], needles: Needles) -> Iterator[Hit]:
    for number, column in needles.find_in_any([content for _, content in parts]):
        yield _hit(parts[number][0], column)


def _hit(place: _Place, column: str) -> Hit:
    return Hit(file=place[0], part=place[1], column=column)
