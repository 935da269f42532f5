"""What shows only over a whole table, or between datasets: findings beside the suites.

What belongs here: tables without rows, columns without values, keys that stand twice, splits of another snapshot,
expectations that were not asked. What does not: rows that a split leaves out or leaks (``tasks.splits``), and features that
give the label away (``tasks.validation.target_leakage``).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tasks.records import Finding, SuiteOutcome, TableRecord
from tasks.validation.engine import COLUMN_HAS_VALUES
from tasks.validation.suites import Suite


def find_missing_tables(declared: Iterable[str], tables: Mapping[str, TableRecord]) -> tuple[Finding, ...]:
    """A blocking finding for each declared table that is not there or has no rows, and each one that nobody declared."""
    names = tuple(declared)
    findings = []
    for name in sorted({*names, *tables}):
        if name not in names:
            findings.append(_block("undeclared_table", name, "a table that params.yaml does not declare", "declared tables only"))
        elif name not in tables:
            findings.append(_block("missing_table", name, "no such table in the dataset", "the table, with rows"))
        elif tables[name].rows == 0:
            findings.append(_block("empty_table", name, "0 rows", "at least one row"))
    return tuple(findings)


def find_unasked(suites: Mapping[str, Suite], unasked_suites: Iterable[str]) -> tuple[Finding, ...]:
    """A finding, not blocking, for each suite of a table that is not declared, and each one of columns that are not there.

    What is not declared is not copied, so nothing goes unexamined; but a name that was misspelt must be seen.
    """
    expected = "what params.yaml declares and masking keeps; mend the name, or leave it"
    names = dict.fromkeys(unasked_suites, "the whole suite was not asked: no such table")
    for table, suite in suites.items():
        if suite.unasked_columns:
            names[table] = f"expectations on columns that are not there were not asked: {', '.join(suite.unasked_columns)}"
    return tuple(
        Finding(kind="expectations_not_asked", name=name, is_blocking=False, found=found, expected=expected)
        for name, found in sorted(names.items())
    )


def find_columns_without_values(outcomes: Iterable[SuiteOutcome]) -> tuple[Finding, ...]:
    """A blocking finding for each column that holds no value in any period of its table.

    Read from the periods' own outcomes, so that no unchanged partition is opened for it.
    """
    periods: dict[str, int] = defaultdict(int)
    absences: dict[tuple[str, str], int] = defaultdict(int)
    for outcome in outcomes:
        periods[outcome.table] += 1
        for expectation in outcome.expectations:
            if expectation.expectation == COLUMN_HAS_VALUES:
                absences[outcome.table, str(expectation.column)] += 1
    return tuple(
        _block("column_without_values", f"{table}.{column}", f"NULL in every row of all {count} periods", "at least one value")
        for (table, column), count in sorted(absences.items())
        if count == periods[table]
    )


def find_duplicate_keys(name: str, row_keys: pa.ChunkedArray) -> tuple[Finding, ...]:
    """A blocking finding where a row key (string) of the dataset ``name`` stands in more than one row, of any months."""
    extra = len(row_keys) - len(pc.unique(row_keys))
    return (_block("duplicate_keys", name, f"{extra} rows whose key stands before", "each key once"),) if extra else ()


def find_other_source(name: str, about: Mapping[str, str], masked: Mapping[str, str]) -> tuple[Finding, ...]:
    """A blocking finding where the split ``name`` and the masked tables were not made from one snapshot with one key."""
    differing = [key for key in ("snapshots", "key_id") if not about.get(key) or about.get(key) != masked.get(key)]
    if not differing:
        return ()
    expected = "the same as data/masked: run `dvc repro`"
    return (_block("other_source", name, f"another {' and another '.join(differing)} than data/masked", expected),)


def _block(kind: str, name: str, found: str, expected: str) -> Finding:
    return Finding(kind=kind, name=name, is_blocking=True, found=found, expected=expected)
