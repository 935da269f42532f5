"""Columns turned into the types that they are declared, or were found, to have.

What belongs here: one column in, the same column of another type out. What does not: which type (``schema``,
``text_types``). The table of what becomes what is in ``docs/lakes.md``. No error quotes a value: it may be personal.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from tasks.params.snapshot import CsvParams

MOMENT = pa.timestamp("us", "UTC")
_EPOCH_UNITS = {"timestamp_s": "s", "timestamp_ms": "ms", "timestamp_us": "us"}
_FIRST, _LAST = -62135596800 * 1_000_000, 253402300800 * 1_000_000
"""The years 1 to 9999 in microseconds; nothing downstream can write a moment beyond."""
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
_PROBE_ROWS = 16
"""Tried before a whole column is: Arrow goes on after the first value that fails, at many times the cost of one that fits."""
_WITH_ZONE = r"[0-9](Z|[+-][0-9]{2}:?[0-9]{2})$"
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"


class TextError(Exception):
    """A value is not of the type asked for; ``row`` is its place in the array, ``looks_like`` says what it may be instead."""

    def __init__(self, row: int, looks_like: str = "") -> None:
        super().__init__(f"row {row}")
        self.row = row
        self.looks_like = looks_like


def canonical_name(declared: str) -> str:
    """A type as manifests name it; ``declared`` as in ``snapshot.tables.<table>.types``."""
    return "timestamp[UTC]" if declared.startswith("timestamp") else declared


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of a declared or canonical type name."""
    if name.startswith("timestamp"):
        return MOMENT
    return {"date": pa.date32(), "null": pa.null()}.get(name) or pa.type_for_alias(name)


def convert(column: pa.Array, kind: str, csv: CsvParams) -> pa.Array:
    """``column`` as the declared or canonical type ``kind``; NULL stays NULL.

    Dictionaries are decoded. Timestamps become microseconds in UTC: finer fractions are cut off, one without a zone is taken
    as UTC. Text is read as ``csv`` says (decimal mark, date formats). Raises :class:`TextError` where a value does not fit.
    """
    target = arrow_type(kind)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.type == target:
        return column
    if pa.types.is_null(column.type):
        return column.cast(target)
    if kind in _EPOCH_UNITS:
        return _from_epoch(column, _EPOCH_UNITS[kind], csv)
    if _is_text(column.type) and not (pa.types.is_string(target) or pa.types.is_binary(target)):
        return _text_to(column, kind, csv)
    if pa.types.is_timestamp(target) and not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        raise TextError(0, looks_like="integers" if pa.types.is_integer(column.type) else str(column.type))
    # A safe cast refuses nanoseconds that do not end in 000.
    is_safe = not pa.types.is_timestamp(target)
    return _located(lambda part: part.cast(target, safe=is_safe), column)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def fits(text: pa.Array, kind: str, csv: CsvParams) -> bool:
    """Whether every value of a column of text can be read as ``kind``."""
    try:
        for part in (text.slice(0, _PROBE_ROWS), text):
            _parse(part, kind, csv)
    except pa.ArrowInvalid:
        return False
    return True


def _text_to(text: pa.Array, kind: str, csv: CsvParams) -> pa.Array:
    try:
        return _located(lambda part: _parse(part, kind, csv), text)
    except TextError as error:
        if arrow_type(kind) != MOMENT:
            raise
        is_number = pc.match_substring_regex(text.slice(error.row, 1), "^[0-9]+([.][0-9]*)?$")
        raise TextError(error.row, looks_like="integers" if pc.all(is_number).as_py() else "") from None


def _parse(text: pa.Array, kind: str, csv: CsvParams) -> pa.Array:
    """A column of text as ``kind``; raises ``pa.ArrowInvalid`` where a value is none."""
    target = arrow_type(kind)
    if pa.types.is_boolean(target):
        return _to_bool(text)
    if pa.types.is_timestamp(target):
        return _to_moments(text, csv)
    if pa.types.is_date(target):
        return _to_dates(text, csv)
    if csv.decimal == "," and pa.types.is_floating(target):
        text = pc.replace_substring(text, ",", ".")
    return _to_number(text, target)


def _to_number(text: pa.Array, target: pa.DataType) -> pa.Array:
    try:
        return text.cast(target)
    except pa.ArrowInvalid:
        return pc.utf8_trim_whitespace(text).cast(target)


def _to_bool(text: pa.Array) -> pa.Array:
    lower = pc.utf8_lower(text)
    is_true, is_false = pc.is_in(lower, pa.array(_TRUE, lower.type)), pc.is_in(lower, pa.array(_FALSE, lower.type))
    if not pc.all(pc.or_(pc.or_(is_true, is_false), pc.is_null(text))).as_py():
        raise pa.ArrowInvalid("no truth value")
    return pc.if_else(pc.is_valid(text), is_true, pa.scalar(None, pa.bool_()))


def _to_dates(text: pa.Array, csv: CsvParams) -> pa.Array:
    try:
        return text.cast(pa.date32())
    except pa.ArrowInvalid:
        moments = _to_moments(text, csv)
        dates = moments.cast(pa.date32(), safe=False)
        if not pc.all(pc.equal(dates.cast(MOMENT), moments)).as_py():
            raise
        return dates


def _to_moments(text: pa.Array, csv: CsvParams) -> pa.Array:
    """Moments in UTC; raises ``pa.ArrowInvalid`` where a value is neither ISO 8601 nor of a declared format."""
    for kind in (pa.timestamp("us"), MOMENT):
        try:
            text.slice(0, _PROBE_ROWS).cast(kind)
            return text.cast(kind).cast(MOMENT)
        except pa.ArrowInvalid:
            pass
    text = pc.utf8_trim_whitespace(text)
    iso = pc.match_substring_regex(text, _ISO)
    zoned = pc.and_(iso, pc.match_substring_regex(text, _WITH_ZONE))
    nothing = pa.scalar(None, text.type)
    naive = _finely(pc.if_else(pc.and_(iso, pc.invert(zoned)), text, nothing), None)
    found = pc.coalesce(_finely(pc.if_else(zoned, text, nothing), "UTC"), naive)
    rest = pc.if_else(iso, nothing, text)
    for pattern in csv.date_formats:
        parsed = pc.strptime(rest, format=pattern, unit="us", error_is_null=True)
        found = pc.coalesce(found, parsed.cast(MOMENT))
    if found.null_count != text.null_count:
        raise pa.ArrowInvalid("no time")
    return found


def _finely(text: pa.Array, zone: str | None) -> pa.Array:
    try:
        return text.cast(pa.timestamp("us", zone)).cast(MOMENT)
    except pa.ArrowInvalid:  # more than six digits of a second
        return text.cast(pa.timestamp("ns", zone)).cast(MOMENT, safe=False)


def _from_epoch(column: pa.Array, unit: str, csv: CsvParams) -> pa.Array:
    numbers = convert(column, "int64", csv)
    factor = {"s": 1_000_000, "ms": 1_000, "us": 1}[unit]
    inside = pc.and_(pc.greater_equal(numbers, _FIRST // factor), pc.less(numbers, _LAST // factor))
    if not pc.all(inside).as_py():
        raise TextError(pc.index(inside, False).as_py(), looks_like="a moment outside the years 1 to 9999; another unit")
    return pc.multiply(numbers, factor).cast(MOMENT)


def _located(cast: Callable[[pa.Array], pa.Array], column: pa.Array) -> pa.Array:
    """``cast(column)``; where it fails, a :class:`TextError` with the place of the first value that it fails for."""
    try:
        return cast(column)
    except pa.ArrowInvalid:
        low, high = 0, len(column)  # cast fails for the first `high` values, and not for the first `low`
    while high - low > 1:
        middle = (low + high) // 2
        try:
            cast(column.slice(low, middle - low))
            low = middle
        except pa.ArrowInvalid:
            high = middle
    raise TextError(low)
