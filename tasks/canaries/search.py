"""Looking for markers in files.

What belongs here: one file, and what was found in it. What does not: which files (``tasks.keyholding.search``).
"""

from pathlib import Path

import pyarrow as pa

from tasks.canaries.containers import Part, parts_of_buffer, parts_of_file
from tasks.canaries.needles import Needles
from tasks.errors import LeakSearchError
from tasks.records import Record


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
        for part in parts_of_file(path):
            hits |= dict.fromkeys(_hits(str(path), part, needles))
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
    return tuple(dict.fromkeys(hit for part in parts_of_buffer(content, name) for hit in _hits(name, part, needles)))


def _hits(name: str, part: Part, needles: Needles) -> tuple[Hit, ...]:
    label, content = part
    return tuple(Hit(file=name, part=label, column=column) for column in needles.find(content))
