"""JSON lines as streams of columns, in bounded memory: one object a line, UTF-8.

What belongs here: lines, and what JSON itself says of a value's type. What does not: what a text means (``text_types``,
``convert``).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.json as pa_json

from tasks.errors import LakeError
from tasks.sources.csv_reader import ByteStream, wrong_encoding

_BLOCK_BYTES = 4 << 20
_LONGEST_LINE_BYTES = 64 << 20
_BOM = b"\xef\xbb\xbf"
_ROW = re.compile(r"in row (\d+)")


class JsonLinesFile:
    """One file of JSON lines, opened. Which columns it has shows only from all of its rows."""

    names = None

    def __init__(self, path: str, rewind: Callable[[], ByteStream]) -> None:
        """The file at ``path``, whose bytes ``rewind`` gives from their start."""
        self._path = path
        self._rewind = rewind
        self.seen: set[str] = set()
        """The columns that any line read so far has."""
        self.nested: set[str] = set()
        """Those of them whose values are lists or objects."""

    def scan_names(self) -> tuple[str, ...]:
        """The columns that any line has, in order of their first; reads the whole file."""
        found: dict[str, None] = {}
        rows = 0
        for block in self._blocks():
            table = self._parse(block, {}, rows)
            rows += table.num_rows
            self._remember(table)
            found |= dict.fromkeys(table.column_names)
        return tuple(found)

    def _remember(self, table: pa.Table) -> None:
        self.seen.update(table.column_names)
        self.nested.update(field.name for field in table.schema if pa.types.is_nested(field.type))

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """``columns`` in the file's order of rows.

        A column that no line of a block has is all NULL, without a type. Numbers are int64 or, where one is none, double;
        texts are strings. Raises :class:`~tasks.errors.LakeError` naming the row where a line is no object, or where a column
        has values of several types.
        """
        rows = 0
        for block in self._blocks():
            table = self._parse(block, {}, rows)
            self._remember(table)
            # Arrow takes texts that look like times for times, and their spelling would be lost.
            times = [name for name in columns if name in table.column_names and pa.types.is_timestamp(table.column(name).type)]
            if times:
                table = self._parse(block, dict.fromkeys(times, pa.string()), rows)
            yield from _select(table, columns or table.column_names[:1]).to_batches()
            rows += table.num_rows

    def _blocks(self) -> Iterator[bytes]:
        """Whole lines, some MiB at a time."""
        stream = self._rewind()
        held = stream.read(_BLOCK_BYTES).removeprefix(_BOM)
        while held:
            more = stream.read(_BLOCK_BYTES)
            end = held.rfind(b"\n") + 1 if more else len(held)
            if not end and len(held) > _LONGEST_LINE_BYTES:
                raise _broken(self._path, f"a line of more than {_LONGEST_LINE_BYTES >> 20} MiB")
            if held[:end].strip():
                yield held[:end]
            held = held[end:] + more

    def _parse(self, block: bytes, texts: Mapping[str, pa.DataType], rows: int) -> pa.Table:
        options = pa_json.ParseOptions(explicit_schema=pa.schema(texts), unexpected_field_behavior="infer")
        try:
            block.decode()
            return pa_json.read_json(
                pa.BufferReader(block), read_options=pa_json.ReadOptions(block_size=len(block) + 1), parse_options=options
            )
        except UnicodeDecodeError:
            raise wrong_encoding(self._path, "utf-8") from None
        except pa.ArrowInvalid as error:
            raise self._explain(str(error), rows) from None

    def _explain(self, said: str, rows: int) -> LakeError:
        """Arrow's error without its words, which may quote a value."""
        found = _ROW.search(said)
        where = f"row {rows + int(found[1]):,} (the first is 0)" if found else f"after row {rows:,}"
        changed = re.search(r"Column\(/(.*?)\) changed from (\w+) to (\w+)", said)
        if changed:
            return _broken(self._path, f"{where}: mixed types in column {changed[1]}: {changed[3]} after {changed[2]}")
        twice = re.search(r"Column\(/(.*?)\) was specified twice", said)
        if twice:
            return _broken(self._path, f"{where}: column {twice[1]} stands twice")
        return _broken(self._path, f"{where}: a line that is no JSON object")


def _select(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    held = set(table.column_names)
    return pa.table(
        [table.column(name) if name in held else pa.nulls(table.num_rows) for name in columns], names=list(columns)
    ).combine_chunks()


def _broken(path: str, found: str) -> LakeError:
    return LakeError(
        f"lake file {path}",
        found=found,
        expected="one JSON object a line, with values of one type in each column",
        next_step="mend the file in the lake, or leave the column out of snapshot.tables.<table>.columns, then `windtunnel pin`",
    )
