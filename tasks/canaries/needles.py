"""The byte forms of markers, as one pattern for one pass over any bytes.

What belongs here: how a value may be written in a file. What does not: opening files (``containers``). RE2, as Arrow has it, looks
for all forms at once by a finite automaton: 390 MB a CPU second for 140 forms, where Python's ``re`` reaches 175 with 20.
"""

import base64
import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from tasks.canaries.markers import Marker

LONGEST_FORM = 1024
"""Bytes that two neighbouring pieces of a file share, so that no form is cut in two."""


class Needles:
    """Every form of a set of markers; nothing of them is in its repr."""

    def __init__(self, markers: Iterable[Marker]) -> None:
        """Take ``markers``, of which there must be one at least."""
        self._forms = {f"{marker.table}.{marker.column}": _pattern(marker) for marker in markers}
        if not self._forms:
            raise ValueError("a search for nothing finds nothing")
        self._all = "|".join(self._forms.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """``table.column`` of each marker."""
        return tuple(sorted(self._forms))

    def find(self, buffer: pa.Buffer) -> tuple[str, ...]:
        """The columns (``table.column``) whose markers stand in ``buffer`` in any form."""
        if not buffer.size or not _matches(buffer, self._all):
            return ()
        return tuple(name for name, pattern in sorted(self._forms.items()) if _matches(buffer, pattern))

    def find_in_any(self, texts: Sequence[bytes]) -> tuple[tuple[int, str], ...]:
        """The same of many small texts at once, with the place of each that holds one: the pattern is then compiled once."""
        if not texts:
            return ()
        found = pc.match_substring_regex(pa.array(texts, pa.large_binary()), pattern=self._all).to_pylist()
        hits = (place for place, is_hit in enumerate(found) if is_hit)
        return tuple((place, name) for place in hits for name in self.find(pa.py_buffer(texts[place])))

    def __repr__(self) -> str:
        return f"Needles({len(self._forms)} columns)"


def _matches(buffer: pa.Buffer, pattern: str) -> bool:
    offsets = pa.py_buffer(struct.pack("<qq", 0, buffer.size))
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, buffer])
    return bool(pc.match_substring_regex(whole, pattern=pattern)[0].as_py())


def _pattern(marker: Marker) -> str:
    exact: list[bytes] = []
    texts = [marker.text]
    if marker.kind == "integer":
        exact += [int(marker.text).to_bytes(8, order) for order in ("little", "big")]
    elif marker.kind == "float":
        exact += [struct.pack(f"{order}d", float(marker.text)) for order in "<>"]
        texts.append(f"{float(marker.text):.15g}")
    elif marker.kind == "timestamp":
        texts += [marker.text.replace(" ", "T"), *(str(number) for number in _epochs(marker.text))]
        exact += [number.to_bytes(8, order) for number in _epochs(marker.text) for order in ("little", "big")]
    for text in dict.fromkeys(texts):
        exact += [text.encode("utf-16-le"), text.encode("utf-16-be"), *_base64(text.encode())]
    # A case-insensitive form also finds a text that something has written in capitals.
    either = [form for text in texts for form in (text, text.encode().hex(), quote(text, safe=""), quote(text, safe="@"))]
    forms = [f"(?i:{_escape(form.encode())})" for form in dict.fromkeys(either)] + [_escape(form) for form in dict.fromkeys(exact)]
    return "|".join(forms)


def _epochs(text: str) -> Sequence[int]:
    """Microseconds and nanoseconds since 1970."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=timezone.utc)
    micros = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
    return micros, micros * 1000


def _base64(value: bytes) -> Iterator[bytes]:
    """What base64 makes of ``value`` wherever in a longer text it lies: the characters that depend on nothing else."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + value)
        start = -(-before * 8 // 6)
        stop = (before + len(value)) * 8 // 6
        yield encoded[start:stop]
        yield encoded[start:stop].replace(b"+", b"-").replace(b"/", b"_")


def _escape(form: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in form)
