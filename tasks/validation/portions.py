"""A long table a few columns at a time: Great Expectations holds several copies of what it looks at.

What belongs here: which columns go together, and one outcome made of several. What does not: examining (``engine``) and reading.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tasks.records import ExpectationOutcome, SuiteOutcome
from tasks.validation.engine import COLUMN_HAS_VALUES
from tasks.validation.suites import Suite, SuiteExpectation

if TYPE_CHECKING:  # the stage starts without it where nothing has changed
    import pandas as pd

_VALUES_AT_ONCE = 8_000_000
"""Values of which frames are made together; a million rows of 8 columns take some 400 MB while they are examined."""


@dataclass(frozen=True)
class Portion:
    """Some columns of a table, and what is expected of them."""

    columns: tuple[str, ...]
    """None of them: the expectations are about the table as a whole, its rows and its columns."""
    suite: Suite
    positions: tuple[int, ...]
    """Of its expectations in the whole suite."""


def cut_columns(suite: Suite, columns: Sequence[str], rows: int) -> tuple[Portion, ...]:
    """``suite`` of a table with ``columns`` in portions that have few enough values; a short table's in one.

    Each column is in some portion, so that one without a value is seen, and each expectation in the portion that has all of its
    columns, those of its row condition too.
    """
    if len(columns) * rows <= _VALUES_AT_ONCE:
        return (Portion(tuple(columns), suite, tuple(range(len(suite.expectations)))),)
    width = max(1, _VALUES_AT_ONCE // rows)
    about_table = [n for n, expectation in enumerate(suite.expectations) if not _needs(expectation, columns)]
    found: list[tuple[set[str], list[int]]] = []
    for number in sorted(set(range(len(suite.expectations))) - set(about_table), key=lambda n: _first(suite, n, columns)):
        wanted = _needs(suite.expectations[number], columns)
        if not found or len(found[-1][0] | wanted) > width:
            found.append((set(), []))
        found[-1][0].update(wanted)
        found[-1][1].append(number)
    unasked = [column for column in columns if not any(column in held for held, _ in found)]
    found += [(set(unasked[start : start + width]), []) for start in range(0, len(unasked), width)]
    if about_table:
        found.append((set(), about_table))
    return tuple(
        Portion(
            tuple(column for column in columns if column in held),
            replace(suite, expectations=tuple(suite.expectations[number] for number in numbers)),
            tuple(numbers),
        )
        for held, numbers in found
    )


def _needs(expectation: SuiteExpectation, columns: Iterable[str]) -> set[str]:
    condition = str(expectation.kwargs.get("row_condition", ""))
    return {*expectation.columns, *(column for column in columns if condition and column in condition)} & set(columns)


def _first(suite: Suite, number: int, columns: Sequence[str]) -> int:
    return min(columns.index(column) for column in _needs(suite.expectations[number], columns))


def shape_frame(columns: Sequence[str], rows: int) -> "pd.DataFrame":
    """A frame with the table's columns and rows, and none of its values: for what is expected of the table as a whole."""
    import numpy as np
    import pandas as pd

    nothing = np.zeros(rows, np.int8)
    return pd.DataFrame(dict.fromkeys(columns, nothing), copy=False)


def join_outcomes(portions: Sequence[Portion], outcomes: Sequence[SuiteOutcome], columns: Sequence[str]) -> SuiteOutcome:
    """The outcome of the whole suite: expectations in its order, then the ``columns`` without a value, in theirs."""
    if len(outcomes) == 1:
        return outcomes[0]
    asked: dict[int, ExpectationOutcome] = {}
    empty: dict[str | None, ExpectationOutcome] = {}
    for portion, outcome in zip(portions, outcomes, strict=True):
        asked |= dict(zip(portion.positions, outcome.expectations, strict=False))
        empty |= {each.column: each for each in outcome.expectations if each.expectation == COLUMN_HAS_VALUES}
    expectations = (*(asked[number] for number in sorted(asked)), *(empty[column] for column in columns if column in empty))
    return outcomes[0].model_copy(
        update={"is_passed": all(outcome.is_passed for outcome in outcomes), "expectations": expectations}
    )
