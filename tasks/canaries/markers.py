"""Marker values: in a column's own type and, where that leaves room, its own format; unique, and derived from a secret seed.

What belongs here: what a marker looks like, and which columns can carry one. What does not: where it is planted (``planting``).
A marker has 50 bits or more, so that finding its bytes is no chance: in a terabyte one turns up by itself in less than one search
of a hundred.
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from math import log2

import pyarrow as pa

from tasks.records import Record

_BITS = 56
_DIGITS, _LOWER, _UPPER = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_KEPT_MARKS = frozenset("-_.@+ ")
_LONGEST = 80
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_GIVES_NOTHING = frozenset({"drop", "redact", "constant", "token", "fake"})
"""Transforms whose result holds nothing of the value's text, whatever its type."""


@dataclass(frozen=True)
class ColumnFate:
    """What masking does to a column that is not kept."""

    column: str
    transform: str
    keep_prefix: int | None = None


class Marker(Record):
    """A planted value: ``kind`` is text, integer, float or timestamp; ``text`` is how it is written."""

    table: str
    column: str
    kind: str
    text: str


def make_markers(
    table: str, row: pa.Table, fates: Sequence[ColumnFate], seed: bytes
) -> tuple[pa.Table, tuple[Marker, ...], dict[str, str]]:
    """``row`` (one real row) with a marker in every column of ``fates`` that can carry one; the markers; and why others cannot.

    Other columns keep the real row's values, so that the row is as plausible as that one.
    """
    markers: list[Marker] = []
    without: dict[str, str] = {}
    for fate in fates:
        place = row.column_names.index(fate.column)
        kind = row.schema.field(place).type
        found = _mark(kind, row.column(place)[0].as_py(), fate, _stream(seed, table, fate.column))
        if isinstance(found, str):
            without[f"{table}.{fate.column}"] = found
            continue
        value, name, text = found
        markers.append(Marker(table=table, column=fate.column, kind=name, text=text))
        row = row.set_column(place, row.schema.field(place), pa.array([value], kind))
    return row, tuple(markers), without


def _mark(kind: pa.DataType, real: object, fate: ColumnFate, stream: Iterator[int]) -> tuple[object, str, str] | str:
    """The marker, its kind and its text; or why there can be none."""
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if is_text and (fate.transform in _GIVES_NOTHING or fate.keep_prefix is not None):
        text = _text(str(real or ""), stream, longer_than=fate.keep_prefix or 0)
        return text, "text", text
    if fate.transform not in _GIVES_NOTHING:
        return f"{fate.transform} may leave a value as it was"
    if pa.types.is_int64(kind) or pa.types.is_uint64(kind):
        number = int("7" + _draw(_DIGITS, 17, stream))
        return number, "integer", str(number)
    if pa.types.is_float64(kind):
        decimal = float("0." + "7" + _draw(_DIGITS, 14, stream) + "7") * 1e6
        return decimal, "float", repr(decimal)
    if pa.types.is_timestamp(kind) and kind.unit == "us":
        moment = _EPOCH + timedelta(microseconds=int(_draw(_DIGITS, 17, stream)) % (2**50))
        return (moment if kind.tz else moment.replace(tzinfo=None)), "timestamp", f"{moment:%Y-%m-%d %H:%M:%S.%f}"
    return f"a value of type {kind} is too short to be unique"


def _text(shape: str, stream: Iterator[int], *, longer_than: int) -> str:
    """A text of the real one's shape (digits, capitals, small letters, marks), with small letters before a short one."""
    shaped, bits = "", 0.0
    for character in shape[:_LONGEST]:
        alphabet = _DIGITS if character.isdigit() else _UPPER if character.isupper() else _LOWER if character.isalpha() else ""
        bits += log2(len(alphabet)) if alphabet else 0
        shaped += _draw(alphabet, 1, stream) if alphabet else character if character in _KEPT_MARKS else "-"
    before = max(0, -int(-(_BITS - bits) // log2(26)), longer_than + 1 - len(shaped))
    return _draw(_LOWER, before, stream) + shaped.strip()


def _draw(alphabet: str, count: int, stream: Iterator[int]) -> str:
    return "".join(alphabet[next(stream) % len(alphabet)] for _ in range(count))


def _stream(seed: bytes, table: str, column: str) -> Iterator[int]:
    """Numbers that only the seed's holder can tell: HMAC-SHA256 of table, column and a counter, four bytes at a time."""
    counter = 0
    while True:
        block = hmac.digest(seed, f"canary/v1/{table}/{column}/{counter}".encode(), hashlib.sha256)
        yield from (int.from_bytes(block[start : start + 4]) for start in range(0, len(block), 4))
        counter += 1
