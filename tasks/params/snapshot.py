"""``snapshot``: which lake, as of when, which tables and columns, and for what purpose."""

from datetime import datetime, timezone
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from tasks.params.base import Section


class TableParams(Section):
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
        for where, names in (("key", self.key), ("time", (self.time,)), ("known", (self.known,)), ("late", self.late)):
            for name in names:
                if name not in self.columns:
                    raise ValueError(f"{where}: {name!r} is not in columns")
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
