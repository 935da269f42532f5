"""``snapshot``: which lake, as of when, which tables and columns, in which files, and for what purpose."""

import codecs
from datetime import datetime, timezone
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from tasks.params.base import Section

TypeName = Literal[
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float",
    "double",
    "string",
    "binary",
    "date",
    "timestamp",
    "timestamp_s",
    "timestamp_ms",
    "timestamp_us",
]
"""The types that a column may be declared to have; the last three are integers that count from 1970 in UTC."""

FileFormat = Literal["parquet", "csv", "jsonl"]

ROW_COLUMN = "lake_row"
FILE_TIME_COLUMN = "lake_file_utc"
VIRTUAL_COLUMNS = (ROW_COLUMN, FILE_TIME_COLUMN)
"""Columns that no file holds and any table may declare: which row of which file, and when the file appeared in the lake."""


class CsvParams(Section):
    """How a CSV file is written down. Nothing of it is guessed when data is read: ``windtunnel init`` does, and writes it here."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    quote: str = Field(default='"', max_length=1)
    """Empty where quotes are letters like any other."""
    header: bool = True
    """Without one, columns are called ``column_1``, ``column_2``, ..."""
    decimal: Literal[".", ","] = "."
    nulls: tuple[str, ...] = ("",)
    """Words that stand for no value, in each column."""
    date_formats: tuple[str, ...] = ()
    """Patterns as in strptime, tried in their order after ISO 8601."""
    trim: bool = False
    """Whether spaces around values and names are cut off."""

    @field_validator("delimiter", "quote")
    @classmethod
    def _is_one_byte(cls, value: str) -> str:
        if value and (not value.isascii() or value in "\r\n"):
            raise ValueError("one ASCII character that ends no line")
        return value

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str) -> str:
        try:
            codecs.lookup(value)
            "".encode(value)  # some codecs of Python are none of text
        except (LookupError, UnicodeError):
            raise ValueError(f"no encoding is called {value!r}; utf-8, cp1252, latin-1 and utf-16 are") from None
        return value

    @model_validator(mode="after")
    def _marks_differ(self) -> "CsvParams":
        if self.delimiter in (self.quote, self.decimal):
            raise ValueError("delimiter: it must differ from quote and from decimal")
        return self


class SourceParams(Section):
    """Where a table's files lie in the lake, and how they are to be read."""

    path: str = ""
    """A folder, a file or a pattern below the lake; empty: the folder ``<table>/``, or the one file ``<table>.<ending>``."""
    format: FileFormat | None = None
    """None: by the files' ending."""
    csv: CsvParams = CsvParams()
    types: dict[str, TypeName] = Field(default_factory=dict)

    @field_validator("path")
    @classmethod
    def _path_is_below_the_lake(cls, value: str) -> str:
        path = PurePosixPath(value)
        if value and (path.is_absolute() or ".." in path.parts or str(path) != value.rstrip("/")):
            raise ValueError("a plain path relative to the lake, for example raw/sales/*.csv")
        return value.rstrip("/")


class TableParams(SourceParams):
    """One table of the lake: its key, its times, and the only columns that are ever copied."""

    key: tuple[str, ...] = Field(min_length=1)
    time: str
    known: str
    columns: tuple[str, ...] = Field(min_length=1)
    late: tuple[str, ...] = ()
    """Columns whose values arrive only with ``known``; no feature may take them from its own row."""
    source: str = ""
    licence: str = ""

    @model_validator(mode="after")
    def _columns_are_declared(self) -> "TableParams":
        folded = [column.casefold() for column in self.columns]
        if len(set(folded)) != len(folded):
            raise ValueError("columns: two names are equal, or differ only by case")
        named = {"key": self.key, "time": (self.time,), "known": (self.known,), "late": self.late, "types": tuple(self.types)}
        for where, names in named.items():
            for name in names:
                if name not in self.columns:
                    raise ValueError(f"{where}: {name!r} is not in columns")
        for name in VIRTUAL_COLUMNS:
            if name in self.types:
                raise ValueError(f"types: {name!r} is no column of a file; its type is fixed")
        return self


class S3Params(Section):
    """Where a lake on S3 is served; only for ``snapshot.lake: s3://bucket/prefix``."""

    endpoint: str | None = None
    region: str | None = None

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_url(cls, value: str | None) -> str | None:
        parts = None if value is None else urlsplit(value)
        if parts is not None and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query):
            raise ValueError("an endpoint is http:// or https://, a host and perhaps a port; credentials stand in the environment")
        return value


class SnapshotParams(Section):
    """The lake, the moment it is seen at, and its declared tables."""

    lake: str = Field(min_length=1)
    s3: S3Params = S3Params()
    as_of_utc: datetime
    purpose: str = Field(min_length=1)
    tables: dict[str, TableParams] = Field(min_length=1)

    @field_validator("as_of_utc")
    @classmethod
    def _as_of_has_zone(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("as_of_utc needs a zone, for example 2013-10-31T00:00:00Z")
        return value.astimezone(timezone.utc)
