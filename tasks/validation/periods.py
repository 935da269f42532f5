"""A table month by month: each month is examined once, and its outcome kept while nothing it rests on changes.

What belongs here: which partitions make a period, and when an earlier outcome still stands. What does not: examining, and
reading files: the caller hands in how.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from tasks.datasets import hash_mapping
from tasks.errors import DatasetError
from tasks.records import PartitionRecord, SuiteOutcome, TableRecord
from tasks.validation.engine import validate_table
from tasks.validation.frames import to_frame
from tasks.validation.portions import cut_columns, join_outcomes, shape_frame
from tasks.validation.suites import Suite

if TYPE_CHECKING:  # the stage starts without it where nothing has changed
    import pandas as pd

WHOLE = "all"
"""The period of partitions whose path names no date."""

_DATES = (re.compile(r"(?<!\d)(\d{4})-(0[1-9]|1[0-2])(?!\d)"), re.compile(r"year=(\d{4})(?:/|%2F)month=0?(1[0-2]|[1-9])(?!\d)"))

_ROWS_AT_ONCE = 1_000_000
"""What is examined in one piece; pandas and Great Expectations hold several copies of it."""

Read = Callable[[PartitionRecord, Sequence[str]], pa.Table]
"""A partition, and the columns that are wanted of it."""


@dataclass(frozen=True)
class EarlierOutcomes:
    """The outcomes of the last report, by table and period; empty where there is none."""

    by_place: dict[tuple[str, str], SuiteOutcome]

    @classmethod
    def of(cls, outcomes: Iterable[SuiteOutcome]) -> "EarlierOutcomes":
        """The outcomes of an earlier report."""
        return cls({(outcome.table, outcome.period): outcome for outcome in outcomes})

    def find(self, table: str, period: str, made_from: str) -> SuiteOutcome | None:
        """The outcome of ``table`` and ``period`` if it was made from ``made_from`` and has not been edited since."""
        outcome = self.by_place.get((table, period))
        return outcome if outcome is not None and outcome == seal_outcome(outcome, made_from) else None


def seal_outcome(outcome: SuiteOutcome, made_from: str) -> SuiteOutcome:
    """``outcome`` with the reuse key that binds what it says to what it was made from.

    The last report is an output that lies open to every editor; bound so, a count or a verdict changed by hand is examined
    again instead of being copied into the next report.
    """
    said = outcome.model_copy(update={"reuse_key": ""}).to_json()
    return outcome.model_copy(update={"reuse_key": hash_mapping({"made_from": made_from, "said": said})})


def name_period(path: str) -> str:
    """The month of a partition's path (``YYYY-MM``, of ``day=2013-01-31`` or ``year=2013/month=1``), or ``all``."""
    for date in _DATES:
        if found := date.search(path):
            return f"{found[1]}-{int(found[2]):02}"
    return WHOLE


def group_periods(partitions: Sequence[PartitionRecord]) -> dict[str, tuple[PartitionRecord, ...]]:
    """Partitions by period, periods in order, each period's partitions in order of path; a very large period in pieces."""
    periods: dict[str, list[PartitionRecord]] = {}
    for partition in sorted(partitions, key=lambda p: p.path):
        periods.setdefault(name_period(partition.path), []).append(partition)
    return {piece: held for name in sorted(periods) for piece, held in _cut(name, periods[name])}


def _cut(period: str, partitions: Sequence[PartitionRecord]) -> Iterator[tuple[str, tuple[PartitionRecord, ...]]]:
    """A period as it is, or in pieces (``all``, ``all.002``, ...) of few enough rows, or of one partition."""
    held: list[PartitionRecord] = []
    piece, rows = 1, 0
    for partition in partitions:
        if held and rows + partition.rows > _ROWS_AT_ONCE:
            yield _name_piece(period, piece), tuple(held)
            held, piece, rows = [], piece + 1, 0
        held.append(partition)
        rows += partition.rows
    yield _name_piece(period, piece), tuple(held)


def _name_piece(period: str, piece: int) -> str:
    return period if piece == 1 else f"{period}.{piece:03}"


def is_cut(partitions: Sequence[PartitionRecord]) -> bool:
    """Whether a period is examined in pieces, so that what holds between rows of two of them must be asked elsewhere."""
    return any("." in period for period in group_periods(partitions))


def validate_periods(
    suite: Suite, table: TableRecord, *, name: str, read: Read, earlier: EarlierOutcomes, code_hash: str, k: int = 1
) -> tuple[SuiteOutcome, ...]:
    """One outcome per period of ``table``, called ``name`` in the report; an unchanged period's partitions are not read.

    Counts of values that do not hold are withheld below ``k``, as :func:`~tasks.validation.engine.validate_table` does.

    Raises :class:`~tasks.errors.DatasetError` where a partition does not hold the rows that the manifest says.
    """
    outcomes = []
    for period, partitions in group_periods(table.partitions).items():
        made_from = hash_mapping(
            {
                "table": name,
                "period": period,
                "partitions": [[p.logical_hash, p.rows] for p in partitions],
                "suite": suite.sha256,
                "code": code_hash,
                "k": k,
            }
        )
        outcome = earlier.find(name, period, made_from)
        if outcome is None:
            judge = partial(validate_table, table=name, period=period, k=k)
            outcome = seal_outcome(_examine(suite, table, partitions, read, judge), made_from)
        outcomes.append(outcome)
    return tuple(outcomes)


def _examine(
    suite: Suite,
    table: TableRecord,
    partitions: Sequence[PartitionRecord],
    read: Read,
    judge: Callable[[Suite, "pd.DataFrame"], SuiteOutcome],
) -> SuiteOutcome:
    columns, rows = tuple(table.columns), sum(partition.rows for partition in partitions)
    portions = cut_columns(suite, columns, rows)
    outcomes = []
    for portion in portions:
        is_whole = not portion.columns
        frame = shape_frame(columns, rows) if is_whole else to_frame(_read_rows(partitions, read, portion.columns))
        outcomes.append(judge(portion.suite, frame))
        del frame  # before the next is made
    return join_outcomes(portions, outcomes, columns)


def _read_rows(partitions: Sequence[PartitionRecord], read: Read, columns: Sequence[str]) -> pa.Table:
    tables = []
    for partition in partitions:
        table = read(partition, columns)
        if table.num_rows != partition.rows:
            raise DatasetError(
                partition.path,
                found=f"{table.num_rows} rows",
                expected=f"{partition.rows} rows, as its manifest says",
                next_step="delete the dataset's folder under data/ and run `dvc repro`, or `dvc checkout`",
            )
        tables.append(table)
    return pa.concat_tables(tables, promote_options="default")
