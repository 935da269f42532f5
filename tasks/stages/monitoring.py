"""A file of dated differences, watched over time. No stage of its own: nothing is written.

What belongs here: reading the file, day by day. What does not: what the days come to (``tasks.gates``).
"""

from pathlib import Path

import duckdb
import numpy as np

from tasks.errors import GateError
from tasks.gates import watch
from tasks.records import Direction, Monitoring

_READERS = {".parquet": "read_parquet", ".csv": "read_csv"}
_EXPECTED = "a Parquet or CSV file with the columns day (a date) and difference (a finite number: challenger less champion)"


def monitor_file(path: Path, direction: Direction, *, margin: float, alpha: float) -> Monitoring:
    """Watch the ``difference`` of each ``day`` in ``path``; of several rows of a day the mean counts.

    Raises :class:`~tasks.errors.GateError` where the file cannot be read, lacks a column, or a value is missing or not finite.
    """
    reader = _READERS.get(path.suffix)
    if reader is None or not path.is_file():
        raise _refused(path, "no such file" if reader else f"a file that ends in {path.suffix or 'nothing'}")
    query = f"""
        WITH found AS (SELECT CAST(day AS DATE)::VARCHAR AS day, CAST(difference AS DOUBLE) AS difference FROM {reader}(?))
        SELECT day, avg(difference) FILTER (isfinite(difference)), count(*) FILTER (difference IS NULL OR NOT isfinite(difference))
        FROM found GROUP BY day ORDER BY day
    """  # noqa: S608 - one of two functions
    try:
        with duckdb.connect() as con:
            con.execute("SET TimeZone='UTC'")
            rows = con.execute(query, [str(path)]).fetchall()
    except duckdb.Error as error:
        raise _refused(path, f"what cannot be read so ({type(error).__name__})") from None
    broken = sum(bad for _, _, bad in rows)
    if broken or not rows or rows[-1][0] is None or rows[0][0] is None:
        raise _refused(
            path, f"{broken:,} rows without a finite difference" if broken else "rows without a day" if rows else "no rows"
        )
    return watch(tuple(day for day, _, _ in rows), np.array([mean for _, mean, _ in rows]), direction, margin, alpha)


def _refused(path: Path, found: str) -> GateError:
    return GateError(str(path), found=found, expected=_EXPECTED, next_step="mend the file: windtunnel gate monitor --help")
