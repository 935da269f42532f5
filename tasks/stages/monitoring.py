"""A file of dated differences, watched over time. No stage of its own: nothing is written.

What belongs here: reading the file, day by day. What does not: what the days come to (``tasks.gates``).
"""

from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from tasks.errors import GateError
from tasks.gates import watch
from tasks.records import Direction, Monitoring

_READERS = {".parquet": "read_parquet", ".csv": "read_csv"}
_EXPECTED = "a Parquet or CSV file with the columns day (a date) and difference (a finite number: challenger less champion)"


def monitor_file(path: Path, direction: Direction, *, margin: float, alpha: float, today: date) -> Monitoring:
    """Watch the ``difference`` of each ``day`` in ``path``; of several rows of a day the mean counts.

    Raises :class:`~tasks.errors.GateError` where the file cannot be read, lacks a column, a value is missing or not finite, or a
    day is later than ``today`` (in UTC): nobody has seen what it tells.
    """
    reader = _READERS.get(path.suffix)
    if reader is None or not path.is_file():
        raise _refused(path, "no such file" if reader else f"a file that ends in {path.suffix or 'nothing'}")
    query = f"""
        WITH found AS (SELECT CAST(day AS DATE) AS day, CAST(difference AS DOUBLE) AS difference FROM {reader}(?))
        SELECT day::VARCHAR, avg(difference) FILTER (isfinite(difference)),
               count(*) FILTER (difference IS NULL OR NOT isfinite(difference)), day > ? OR NOT isfinite(day)
        FROM found GROUP BY day ORDER BY day
    """  # noqa: S608 - one of two functions
    try:
        with duckdb.connect() as con:
            con.execute("SET TimeZone='UTC'")
            rows = con.execute(query, [str(path), today]).fetchall()
    except duckdb.Error as error:
        raise _refused(path, f"what cannot be read so ({type(error).__name__})") from None
    broken = sum(bad for _, _, bad, _ in rows)
    if broken or not rows or rows[-1][0] is None or rows[0][0] is None:
        raise _refused(
            path, f"{broken:,} rows without a finite difference" if broken else "rows without a day" if rows else "no rows"
        )
    unseen = [day for day, _, _, is_unseen in rows if is_unseen]
    if unseen:
        told = f"{len(unseen):,} days that have not come yet, the first {unseen[0]}, by a clock that says {today}"
        raise _refused(path, told, "days up to today, in UTC, and a clock that is right")
    return watch(tuple(day for day, _, _, _ in rows), np.array([mean for _, mean, _, _ in rows]), direction, margin, alpha)


def _refused(path: Path, found: str, expected: str = _EXPECTED) -> GateError:
    return GateError(str(path), found=found, expected=expected, next_step="mend the file: windtunnel gate monitor --help")
