"""Moments as RFC 3339 text in UTC, as pins and manifests write them."""

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def to_rfc3339(moment: datetime) -> str:
    """``2013-10-31T00:00:00Z``; microseconds only where there are any. ``moment`` must carry a zone."""
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def from_rfc3339(text: str) -> datetime:
    """The moment that :func:`to_rfc3339` wrote; raises ``ValueError`` where ``text`` is no such moment."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return moment


def from_microseconds(value: int) -> datetime:
    """The moment ``value`` microseconds after 1970-01-01T00:00:00Z; raises ``OverflowError`` beyond the year 9999."""
    return _EPOCH + timedelta(microseconds=value)


def to_microseconds(moment: datetime) -> int:
    """Microseconds from 1970-01-01T00:00:00Z to ``moment``, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
