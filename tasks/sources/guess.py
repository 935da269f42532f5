"""How files of an unknown table are written down: format, encoding, delimiter, quotes, header, decimal mark, dates.

What belongs here: guesses, each with its reason, for whoever writes ``params.yaml``. What does not: reading for a pin or a
snapshot, which guesses nothing.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.errors import LakeError
from tasks.params.snapshot import CsvParams, FileFormat, SourceParams
from tasks.sources.date_spellings import guess_date_formats
from tasks.sources.lake import Lake, LakeFile
from tasks.sources.layout import format_by_ending
from tasks.sources.reader import SourceFile
from tasks.sources.receive import unreadable_file

_HEAD_BYTES = 1 << 20
_ROWS = 2_000
_BLOCK_BYTES = 8 << 20
_BY_CHANCE = 0.25
"""Letters beyond ASCII in UTF-8 for each place that is none, up to which they are chance: letters of Windows-1252 and of Latin-1
make one where a capital with an accent is followed by a sign, which words do not have. Above it a part of the text is UTF-8."""
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")
_DATE = re.compile(r"\s*\d{1,4}[-./]\d{1,2}[-./]\d{1,4}.*")


@dataclass(frozen=True)
class FormatGuess:
    """How a table's files seem to be written, and why."""

    format: FileFormat
    csv: CsvParams
    """Its defaults where the format is not CSV."""
    reasons: tuple[str, ...]

    def apply(self, source: SourceParams) -> SourceParams:
        """``source`` with what was guessed; the format only where the files' ending does not say it."""
        return source.model_copy(update={"csv": self.csv, "format": source.format or self.format})


def guess_format(lake: Lake, files: Sequence[LakeFile]) -> FormatGuess:
    """How ``files``, those of one table, are written: the first one's head, and every byte of all for the encoding.

    Raises :class:`~tasks.errors.LakeError` where there is no file, or the first holds nothing or nothing readable.
    """
    if not files:
        raise LakeError("a table of the lake", found="no files", expected="at least one", next_step="look at snapshot.lake")
    first = files[0]
    ending = format_by_ending(first.path)
    if ending == "parquet" or (ending is None and _read_head(lake, first).startswith(b"PAR1")):
        return FormatGuess(
            "parquet", CsvParams(), ("Parquet, as the files are called",) if ending else ("Parquet, by its first bytes",)
        )
    if ending == "jsonl" or (ending is None and _read_head(lake, first).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{")):
        return FormatGuess(
            "jsonl", CsvParams(), ("JSON lines, as the files are called" if ending else "JSON lines: it begins with {",)
        )
    head = _read_head(lake, first)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe \r\n\t"):
        raise LakeError(f"lake file {first.path}", found="an empty file", expected="rows", next_step="take it out of the lake")
    if re.match(rb"(\xef\xbb\xbf)?\s*\[\s*[\[{]", head):
        raise LakeError(
            f"lake file {first.path}",
            found="one JSON array",
            expected="JSON lines: one object to a line",
            next_step=f"jq -c '.[]' {first.path} > {first.path.rsplit('.', 1)[0]}.jsonl, and take the other out of the lake",
        )
    if not head.startswith((b"\xff\xfe", b"\xfe\xff")) and re.search(rb"[\x00-\x08\x0e-\x1a]", head):
        raise LakeError(
            f"lake file {first.path}",
            found="bytes that no text has",
            expected="Parquet, CSV or JSON lines, called so; of UTF-16 with a byte-order mark",
            next_step="take it out of the lake, or write it again in one of these",
        )
    encoding, why = _guess_encoding(lake, files, head)
    text = _whole_lines(codecs.getincrementaldecoder(encoding)(errors="replace").decode(head), is_all=len(head) < _HEAD_BYTES)
    guessed, reasons = _guess_csv(text, is_all=len(head) < _HEAD_BYTES)
    return FormatGuess("csv", guessed.model_copy(update={"encoding": encoding}), (why, *reasons))


def _stream(lake: Lake, listed: LakeFile, size: int) -> Iterator[bytes]:
    try:
        with lake.open_file(listed) as stream:
            unpacked = SourceFile(listed.path, listed.mtime_utc, stream).rewind()
            while chunk := unpacked.read(size):
                yield chunk
    except OSError as error:
        raise unreadable_file(listed.path, error) from None


def _read_head(lake: Lake, listed: LakeFile) -> bytes:
    head = b""
    for chunk in _stream(lake, listed, _HEAD_BYTES):
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    return head[:_HEAD_BYTES]


def _guess_encoding(lake: Lake, files: Sequence[LakeFile], head: bytes) -> tuple[str, str]:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", "UTF-16, by its byte-order mark"
    if _is_all(lake, files, "utf-8"):
        return "utf-8", "UTF-8: every byte of it is"
    text = codecs.getincrementaldecoder("utf-8")(errors="replace").decode(head)
    broken = text.count("\ufffd")
    whole = sum(letter > "\x7f" for letter in text) - broken
    if whole > _BY_CHANCE * broken:
        raise LakeError(
            f"lake file {files[0].path}",
            found=f"{whole:,} letters in UTF-8 and {broken:,} places that are none"
            if broken
            else "UTF-8 at first, other bytes later",
            expected="text in one encoding",
            next_step="write the file again in one encoding: two were put together, or it was cut",
        )
    if _is_all(lake, files, "cp1252"):
        return "cp1252", "Windows-1252: its bytes are no UTF-8, and all of them are letters there"
    return "latin-1", "Latin-1: its bytes are neither UTF-8 nor Windows-1252"


def _is_all(lake: Lake, files: Sequence[LakeFile], encoding: str) -> bool:
    for listed in files:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            for chunk in _stream(lake, listed, _BLOCK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _whole_lines(text: str, *, is_all: bool) -> str:
    text = text.removeprefix("\ufeff")
    return text if is_all else text[: text.rfind("\n") + 1] or text


def _rows(text: str, delimiter: str, quote: str) -> list[list[str]]:
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))  # of the whole process: never narrowed
    lines = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    found: list[list[str]] = []
    try:
        for row in lines:
            if row:
                found.append(row)
            if len(found) >= _ROWS:
                break
    except csv.Error:
        return []
    return found


@dataclass(frozen=True)
class _Dialect:
    """One way to take a text apart, and how evenly it does."""

    delimiter: str
    quote: str
    width: int
    share: float
    """Of rows that have the commonest width; 0 where that is 1."""
    rows: list[list[str]]


def _guess_csv(text: str, *, is_all: bool) -> tuple[CsvParams, tuple[str, ...]]:
    found = _guess_dialect(text, is_all=is_all)
    rows, reasons = found.rows, []
    if found.share:
        uneven = (
            "" if found.share == 1 else f"; {1 - found.share:.1%} of the rows have another number, and the pin will refuse them"
        )
        reasons.append(f"{_DELIMITERS[found.delimiter]} between values: {found.width} in a row{uneven}")
    else:
        reasons.append("one column: no delimiter parts the rows evenly")
    if found.quote != '"':
        reasons.append(
            "single quotes around values" if found.quote else "quotes are letters: taken for marks, rows would be uneven"
        )
    is_trimmed = _has_spaces(rows)
    if is_trimmed:
        reasons.append("spaces around values are cut off: each delimiter has one behind it")
        rows = [[value.strip() for value in row] for row in rows]
    has_header, why = _guess_header(rows)
    reasons.append(why)
    columns = [list(column) for column in zip(*(row for row in rows[has_header:] if len(row) == found.width), strict=True)]
    decimal = _guess_decimal(columns, found.delimiter)
    if decimal == ",":
        reasons.append("decimal comma: the numbers of a column have one")
    formats, said = guess_date_formats(columns)
    guessed = CsvParams(
        delimiter=found.delimiter, quote=found.quote, header=has_header, decimal=decimal, date_formats=formats, trim=is_trimmed
    )
    return guessed, (*reasons, *said)


def _guess_dialect(text: str, *, is_all: bool) -> _Dialect:
    """The most even one; of equals the widest, then the one with double quotes."""
    found = []
    for quote in ('"', "'", ""):
        if quote == '"' and is_all and text.count(quote) % 2:
            continue  # one of them would never be closed
        if quote == "'" and not re.search("(^|[,;|\t] ?)'", text, re.MULTILINE):
            continue
        for delimiter in _DELIMITERS:
            rows = _rows(text, delimiter, quote)
            widths = [len(row) for row in rows]
            width = max(set(widths), key=widths.count, default=1)
            found.append(_Dialect(delimiter, quote, width, widths.count(width) / len(widths) if width > 1 else 0.0, rows))
    return max(found, key=lambda dialect: (dialect.share, dialect.width))


def _has_spaces(rows: Sequence[Sequence[str]]) -> bool:
    later = [value for row in rows[1:] for value in row[1:] if value]
    return bool(later) and all(value.startswith(" ") for value in later)


def _guess_header(rows: Sequence[Sequence[str]]) -> tuple[bool, str]:
    first = rows[0] if rows else []
    if any(_NUMBER.fullmatch(name) or _DATE.fullmatch(name) for name in first):
        return False, "no header: the first row holds numbers or dates"
    others = [set(column) for column in zip(*(row for row in rows[1:] if len(row) == len(first)), strict=True)]
    if len(set(first)) < len(first) or not all(name.strip() for name in first[1:]):  # an index has no name
        if any(len(values) > 1 and all(_NUMBER.fullmatch(value) for value in values if value) for values in others):
            return True, "a header: its words stand over numbers, though some stand twice, or are missing"
        return False, "no header: words of the first row stand twice, or are missing"
    if others and all(name in values for name, values in zip(first, others, strict=True)):
        return False, "no header: each word of the first row stands among the values below it"
    return True, "a header: the words of the first row differ from each other and hold no number"


def _guess_decimal(columns: Sequence[Sequence[str]], delimiter: str) -> Literal[".", ","]:
    if delimiter == ",":
        return "."
    for column in columns:
        values = [value for value in column if value.strip()]
        is_comma = re.compile(r"\s*[+-]?\d+,\d+\s*").fullmatch
        if (
            values
            and all(is_comma(value) or re.fullmatch(r"\s*[+-]?\d+\s*", value) for value in values)
            and any(map(is_comma, values))
        ):
            return ","
    return "."
