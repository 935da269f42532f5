"""What the label and the times of a table say alone: the contrast that bounds are drawn from, and days to part at.

What belongs here: a few aggregates (DuckDB). What does not: what follows from them (``judgement``, ``proposal``).
"""

# Statements are put together from names that are quoted, and numbers.
# ruff: noqa: S608

import math
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.compute as pc

from tasks.disclosure import quote
from tasks.errors import ProjectError
from tasks.projects.judgement import Contrast
from tasks.projects.profile import open_table
from tasks.projects.roles import Roles

MIN_PER_CLASS = 10
"""Labelled rows of each of two values below which nothing can be judged; the pipeline's own search for leaks needs as many."""
_TRAIN_SHARE, _VALIDATION_SHARE = 0.70, 0.85


def measure_contrast(table: pa.Table, roles: Roles) -> Contrast:
    """The contrast of the label; raises :class:`~tasks.errors.ProjectError` where too few rows differ to judge anything."""
    with open_table(table.select([roles.label])) as con:
        value = quote(roles.label)
        if pa.types.is_floating(table.schema.field(roles.label).type):
            value = f"nullif({value}::DOUBLE, 'NaN'::DOUBLE)"
            ((endless,),) = con.execute(f"SELECT count(*) FROM t WHERE isinf({quote(roles.label)})").fetchall()
            if endless:
                raise ProjectError(
                    f"--label {roles.label}",
                    found=f"{endless:,} rows whose label is infinite",
                    expected="numbers, or none where it is not known",
                    next_step="mend the data, or name another label",
                )
        if roles.task == "regression":
            values = f"SELECT {value}::DOUBLE AS v, median({value}) OVER () AS m FROM t"
            statement = f"SELECT count(v), stddev_pop(v), avg(abs(v - m)) FROM ({values})"
            ((rows, deviation, distance),) = con.execute(statement).fetchall()
            if rows < 2 * MIN_PER_CLASS:
                raise _too_few(roles, f"{rows:,} labelled rows", f"at least {2 * MIN_PER_CLASS}")
            return Contrast(rows, 0, 0.0, 0.0, float(deviation), float(distance))
        counts = sorted(n for (n,) in con.execute(f"SELECT count(*) FROM t WHERE {value} IS NOT NULL GROUP BY {value}").fetchall())
    if len(counts) < 2 or counts[-2] < MIN_PER_CLASS:
        found = f"{counts[-2] if len(counts) > 1 else 0:,} rows of the second most frequent of {len(counts)} values"
        raise _too_few(roles, found, f"at least {MIN_PER_CLASS} rows of each of two values")
    rows = sum(counts)
    entropy = -sum(n / rows * math.log(n / rows) for n in counts)
    return Contrast(rows, len(counts), entropy, counts[-1] / rows, rare=sum(n < MIN_PER_CLASS for n in counts))


def _too_few(roles: Roles, found: str, expected: str) -> ProjectError:
    return ProjectError(
        f"--label {roles.label}", found=found, expected=expected, next_step="wait for more labels, or name another label"
    )


def count_later(table: pa.Table, time: str, now: datetime) -> int:
    """The rows of ``table`` whose ``time`` lies after ``now``."""
    moments = table.column(time).cast(pa.timestamp("us"), safe=False)
    later = pc.greater(moments, pa.scalar(now.astimezone(timezone.utc).replace(tzinfo=None), pa.timestamp("us")))
    return int(pc.sum(later).as_py() or 0)


def measure_days(table: pa.Table, time: str) -> tuple[int, tuple[str, str] | None]:
    """The number of UTC days of ``time``, and the days at whose start 70 % and 85 % of the rows lie behind (None: too few)."""
    with open_table(table.select([time])) as con:
        statement = f"""
            WITH d AS (SELECT {quote(time)}::TIMESTAMP::DATE AS day FROM t)
            SELECT count(DISTINCT day), min(day), max(day),
                quantile_disc(day, {_TRAIN_SHARE}), quantile_disc(day, {_VALIDATION_SHARE})
            FROM d
        """
        ((days, first, last, train, validation),) = con.execute(statement).fetchall()
    if days < 5 or not first < train < validation <= last:
        return days, None
    return days, (train.isoformat(), validation.isoformat())
