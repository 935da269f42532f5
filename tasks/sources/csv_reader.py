"""CSV files as streams of text columns, in bounded memory.

What belongs here: bytes, encodings, quotes, headers and rows of unequal length. What does not: what a text means
(``text_types``, ``convert``): each column is text here, so that no value's type is guessed while it is read.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from tasks.errors import LakeError
from tasks.params.snapshot import CsvParams

BLOCK_BYTES = 4 << 20
"""What is parsed at a time; no single row may be longer."""
_HEAD_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


class ByteStream(Protocol):
    """What bytes are read from; ``read`` may give fewer than asked for, and none at the end."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        ...


class _Utf8Stream(io.RawIOBase):
    """A stream of bytes in some encoding as UTF-8 without a byte-order mark, its last line ended.

    Counts quotes, since an odd number means that one is never closed.
    """

    def __init__(self, path: str, stream: ByteStream, params: CsvParams) -> None:
        self._path = path
        self._stream = stream
        self._encoding = params.encoding
        self._quote = params.quote.encode()
        is_utf8 = codecs.lookup(params.encoding).name in ("utf-8", "utf-8-sig")
        self._decoder = None if is_utf8 else codecs.getincrementaldecoder(params.encoding)()
        self._ahead: bytes | None = None
        self._is_start = True
        self._rest = b""
        self.quotes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """For readers that bring their own memory; what one reading gave too much is kept for the next."""
        self._rest = self._rest or self.read(len(buffer))
        data, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Some bytes, not exactly ``size``; none only at the end."""
        raw = self._stream.read(size) if self._ahead is None else self._ahead
        data = b""
        while raw and not data:  # a lone byte-order mark, or half a character, gives nothing yet
            self._ahead = self._stream.read(size)
            data = self._decode(raw, is_last=not self._ahead)
            if self._is_start and data:
                self._is_start = False
                data = data.removeprefix(_BOM)
            if not self._ahead and data and not data.endswith(b"\n"):
                data += b"\n"  # Arrow does not take a header without an end of line for one
            raw = self._ahead
        if self._quote:
            self.quotes += data.count(self._quote)
        return data

    def _decode(self, raw: bytes, *, is_last: bool) -> bytes:
        if self._decoder is None:
            return raw
        try:
            return str(self._decoder.decode(raw, final=is_last)).encode()
        except UnicodeError:
            raise wrong_encoding(self._path, self._encoding) from None


class CsvFile:
    """One CSV file, opened: its columns' names, and its rows."""

    def __init__(self, path: str, rewind: Callable[[], ByteStream], params: CsvParams) -> None:
        """Look at the head of the file at ``path``, whose bytes ``rewind`` gives from their start; may raise a LakeError."""
        self._path = path
        self._rewind = rewind
        self._params = params
        self.names = self._read_names()

    def _python_reader(self, text: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(
            text,
            delimiter=self._params.delimiter,
            quotechar=self._params.quote or None,
            quoting=csv.QUOTE_MINIMAL if self._params.quote else csv.QUOTE_NONE,
        )

    def _read_names(self) -> tuple[str, ...]:
        head = _Utf8Stream(self._path, self._rewind(), self._params).read(_HEAD_BYTES)
        try:
            # Cut off in the middle of a character, the last one is lost; the first row is whole all the same.
            text = codecs.getincrementaldecoder("utf-8")().decode(head)
        except UnicodeDecodeError:
            raise wrong_encoding(self._path, self._params.encoding) from None
        lines = self._python_reader(io.StringIO(text, newline=""))
        try:
            first = next((row for row in lines if row), None)
        except csv.Error:
            raise _broken(self._path, "a first row of more than 128 KiB, or one that is no text") from None
        if first is None:
            raise LakeError(
                f"lake file {self._path}",
                found="an empty file",
                expected="a CSV file with a header" if self._params.header else "a CSV file with rows",
                next_step="take it away, or write it again in the lake",
            )
        if not self._params.header:
            first = [""] * len(first)
        names = [name.strip() for name in first] if self._params.trim else first
        return tuple(name or f"column_{number}" for number, name in enumerate(names, start=1))

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """``columns`` (each stands once in :attr:`names`) as text, in the file's order of rows; null words are NULL.

        Raises :class:`~tasks.errors.LakeError` naming the row where one is longer or shorter than the header, and where the
        bytes are not of the encoding.
        """
        source = _Utf8Stream(self._path, self._rewind(), self._params)
        rows = 0
        uneven: list[tuple[int, int]] = []

        def refuse(row: pa_csv.InvalidRow) -> str:
            uneven.append((row.expected_columns, row.actual_columns))
            return "error"

        try:
            with pa_csv.open_csv(pa.PythonFile(source, mode="r"), **self._options(columns, refuse)) as reader:
                for batch in reader:
                    yield _trimmed(batch, self._params) if self._params.trim else batch
                    rows += batch.num_rows
        except UnicodeDecodeError:
            raise wrong_encoding(self._path, self._params.encoding) from None
        except pa.ArrowInvalid as error:
            raise self._explain(str(error), rows, uneven) from None
        if source.quotes % 2:
            raise _broken(
                self._path, f"an odd number of quotes ({self._params.quote}): one is never closed, and rows vanish in its text"
            )

    def _options(self, columns: Sequence[str], refuse: object) -> dict[str, object]:
        params = self._params
        wanted = list(columns) or [self.names[0]]  # rows count also where no column of theirs is asked for
        return {
            "read_options": pa_csv.ReadOptions(
                column_names=list(self.names), skip_rows_after_names=int(params.header), block_size=BLOCK_BYTES
            ),
            "parse_options": pa_csv.ParseOptions(
                delimiter=params.delimiter,
                quote_char=params.quote or False,
                newlines_in_values=bool(params.quote),
                invalid_row_handler=refuse,
            ),
            "convert_options": pa_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted,
                null_values=[] if params.trim else list(params.nulls),
                strings_can_be_null=True,
            ),
        }

    def _explain(self, said: str, rows: int, uneven: Sequence[tuple[int, int]]) -> LakeError:
        """Arrow's error without its words, which quote the row."""
        if uneven:
            wanted, found = uneven[0]
            place = self._find_uneven(wanted)
            where = f"after row {rows:,}" if place is None else f"row {place:,}"
            return _broken(self._path, f"{where} (the first is 0): a row of {found} values, beside {wanted} names")
        if "UTF8" in said:
            return wrong_encoding(self._path, self._params.encoding)
        if "straddling" in said:
            return _broken(self._path, f"after row {rows:,} a row of more than {BLOCK_BYTES >> 20} MiB, or a quote without end")
        return _broken(self._path, f"after row {rows:,} something that is no CSV")

    def _find_uneven(self, width: int) -> int | None:
        """The first row of another width, counted by a slower reader, since Arrow's does not say which; None if that finds none."""
        source = io.BufferedReader(_Utf8Stream(self._path, self._rewind(), self._params))
        lines = self._python_reader(io.TextIOWrapper(source, encoding="utf-8", newline=""))
        try:
            places = enumerate((row for row in lines if row), start=-int(self._params.header))
            return next((place for place, row in places if place >= 0 and len(row) != width), None)
        except (csv.Error, UnicodeError):
            return None


def _trimmed(batch: pa.RecordBatch, params: CsvParams) -> pa.RecordBatch:
    words = pa.array(params.nulls, pa.string())
    columns = []
    for column in batch.columns:
        text = pc.utf8_trim_whitespace(column)
        columns.append(pc.if_else(pc.is_in(text, words), pa.scalar(None, pa.string()), text))
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def wrong_encoding(path: str, encoding: str) -> LakeError:
    """The error for bytes that are no text of ``encoding``."""
    return LakeError(
        f"lake file {path}",
        found=f"bytes that are no text in {encoding}",
        expected="the encoding that is declared",
        next_step="name the file's encoding (cp1252, latin-1, utf-16, ...) under snapshot.tables.<table>.csv.encoding",
    )


def _broken(path: str, found: str) -> LakeError:
    return LakeError(
        f"lake file {path}",
        found=found,
        expected="rows of equal length, as snapshot.tables.<table>.csv says (delimiter, quote, header)",
        next_step="mend the file in the lake, or snapshot.tables.<table>.csv in params.yaml, then `windtunnel pin`",
    )
