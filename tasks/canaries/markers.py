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
from math import ceil, log2

import pyarrow as pa

from tasks.records import Record

_BITS = 56
_DIGITS, _LOWER, _UPPER = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_KEPT_MARKS = frozenset("-_.@+ ")
_LONGEST = 80
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_GIVES_NOTHING = frozenset({"drop", "redact", "constant", "token", "fake", "bucket", "date_part", "shuffle"})
"""Transforms whose result for the marker row alone holds nothing of the value's text, whatever its type."""
_LEAST_NOISE = 1e-3
"""On a marker, some 700,000 with nine decimals, noise of this scale is none in less than one row of a million."""
_LEAST_DIGITS = 17


@dataclass(frozen=True)
class ColumnFate:
    """What masking does to a column that is not kept."""

    column: str
    transform: str
    keep_prefix: int | None = None
    letters: str = ""
    """What ``encrypt`` encrypts of a text."""
    kept: str = ""
    """What it leaves in a text."""
    has_check_digit: bool = False
    """Whether the last digit is to fit the others (Luhn)."""
    digits: int | None = None
    """The longest whole number that it takes."""
    noise: float = 0.0
    """The scale of the noise; relative to one where it is relative."""


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
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _mark_text(str(real or ""), fate, stream)
    is_moment = pa.types.is_timestamp(kind) and kind.unit == "us"
    is_changed = fate.transform in _GIVES_NOTHING or {
        "encrypt": fate.digits is not None and pa.types.is_integer(kind),
        "noise": fate.noise >= _LEAST_NOISE and pa.types.is_floating(kind),
        "date_shift": is_moment,
    }.get(fate.transform, False)
    if not is_changed:
        return f"{fate.transform} may leave a value as it was"
    length = min(fate.digits or 18, 18)
    if (pa.types.is_int64(kind) or pa.types.is_uint64(kind)) and length >= _LEAST_DIGITS:
        number = int("7" + _draw(_DIGITS, length - 1, stream))
        return number, "integer", str(number)
    if pa.types.is_float64(kind):
        decimal = float("0." + "7" + _draw(_DIGITS, 14, stream) + "7") * 1e6
        return decimal, "float", repr(decimal)
    if is_moment:
        moment = _EPOCH + timedelta(microseconds=int(_draw(_DIGITS, 17, stream)) % (2**50))
        return (moment if kind.tz else moment.replace(tzinfo=None)), "timestamp", f"{moment:%Y-%m-%d %H:%M:%S.%f}"
    return f"a value of type {kind} is too short to be unique"


def _mark_text(real: str, fate: ColumnFate, stream: Iterator[int]) -> tuple[str, str, str] | str:
    if fate.transform == "text":
        address = f"{_draw(_LOWER, 14, stream)}@{_draw(_LOWER, 8, stream)}.example.org"
        return f"Please write to {address} before noon.", "text", address
    if fate.transform in _GIVES_NOTHING or fate.keep_prefix is not None:
        text = _text(real, stream, longer_than=fate.keep_prefix or 0)
    elif fate.letters:
        text = _enciphered(real, fate, stream)
    else:
        return f"{fate.transform} may leave a value as it was"
    return text, "text", text


def _enciphered(shape: str, fate: ColumnFate, stream: Iterator[int]) -> str:
    """A text that ``encrypt`` takes: the real one's shape, with letters of its alphabet before a short one."""
    shaped = "".join(_draw(fate.letters, 1, stream) if c in fate.letters else c for c in shape if c in fate.letters + fate.kept)
    known = sum(character in fate.letters for character in shaped) - fate.has_check_digit
    before = max(0, ceil(_BITS / log2(len(fate.letters))) - known)
    text = _draw(fate.letters, before, stream) + shaped[:_LONGEST]
    if not fate.has_check_digit:
        return text
    last = max(place for place, character in enumerate(text) if character in fate.letters)
    return next(fitting for digit in _DIGITS if _fits(fitting := text[:last] + digit + text[last + 1 :]))


def _fits(text: str) -> bool:
    """Luhn's formula, ISO/IEC 7812-1:2017, annex B, of a text of any length: ``tasks.detection`` knows cards' lengths only."""
    digits = [int(character) for character in reversed(text) if character in _DIGITS]
    return sum(digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)) % 10 == 0


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
