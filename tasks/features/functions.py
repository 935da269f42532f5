"""Features that a user's own function computes, beside the declared ones and from them alone.

What belongs here: finding the function, calling it, and refusing what it must not do. What does not: declared features
(``compile``), and models.

What a function can know: it is given a frame of the declared features that ``takes`` names, masked and point in time, of the rows
of one partition. It never sees the label, keys, times, or another partition. Within the partition each row must be computed for
itself: on half of the rows alone, in another order, the function must give them the same values, twice. So a mean over the
rows beside it, which may be of later moments, is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tasks.errors import FeatureError
from tasks.params.features import UserFunction
from tasks.user_code import as_frame, find_function, quote_error

if TYPE_CHECKING:
    import pandas as pd

_TRIED_ROWS = 200
_SAME = 1e-9
"""Relative difference up to which two numbers are one: a vectorised function may round by the place in its array."""


@dataclass(frozen=True)
class LoadedFunction:
    """A user's function, found and held to its hash."""

    name: str
    declared: UserFunction
    call: Callable[["pd.DataFrame"], Any]

    @property
    def where(self) -> str:
        """What it is called in errors."""
        return f"features.functions.{self.name}: {self.declared.function}"


def load_functions(functions: Mapping[str, UserFunction], root: Path) -> tuple[LoadedFunction, ...]:
    """Find each function: by import path, or in a file of the project at ``root``.

    Raises :class:`~tasks.errors.FeatureError` where it is not there, its file has another SHA-256, or it is no function.
    """
    return tuple(_load(name, declared, root) for name, declared in functions.items())


def _load(name: str, declared: UserFunction, root: Path) -> LoadedFunction:
    where, expected = f"features.functions.{name}", "a function that takes a frame and gives one"
    return LoadedFunction(name, declared, find_function(declared, root, where, expected, FeatureError))


def add_user_features(rows: pa.Table, functions: Sequence[LoadedFunction]) -> pa.Table:
    """``rows`` (of one partition, with the declared features) with the columns that ``functions`` give: float64 or string.

    Raises :class:`~tasks.errors.FeatureError` where a function raises, gives other columns, rows or types than declared, or
    an infinite number, or does not compute each row for itself, the same each time.
    """
    for function in functions:
        frame = as_frame(rows, function.declared.takes)
        whole = _call(function, frame)
        _require_row_by_row(function, frame, whole)
        for column, values in whole.items():
            rows = rows.append_column(column, values)
    return rows


def _call(function: LoadedFunction, frame: "pd.DataFrame") -> dict[str, pa.Array]:
    """The declared columns, checked; the function gets a copy, so that what it changes reaches nobody."""
    import pandas as pd

    given, declared = frame.copy(), function.declared
    try:
        found = function.call(given)
        if isinstance(found, pd.Series) and len(declared.gives) == 1:
            found = found.to_frame(next(iter(declared.gives)))
        elif isinstance(found, Mapping):
            found = pd.DataFrame(dict(found), index=given.index)
    except (Exception, SystemExit) as error:
        raise FeatureError(
            function.where,
            found=quote_error(error, file=declared.file or "", known={*declared.takes, *declared.gives}),
            expected="a function that computes every row: numbers with NaN, texts with None",
            next_step=f"mend {declared.file or declared.function}",
        ) from None
    if not isinstance(found, pd.DataFrame) or set(found.columns) != set(declared.gives):
        what = f"columns {', '.join(map(str, found.columns))}" if isinstance(found, pd.DataFrame) else f"a {type(found).__name__}"
        raise _refused(function, what, f"a frame with the columns {', '.join(declared.gives)}")
    if not found.index.equals(frame.index):
        raise _refused(function, f"{len(found):,} rows for {len(frame):,}, or in another order", "the rows as they were given")
    return {name: _column(function, found[name], name, kind) for name, kind in declared.gives.items()}


def _column(function: LoadedFunction, values: "pd.Series[Any]", name: str, kind: str) -> pa.Array:
    try:
        if kind == "text":
            return pa.array(values.astype(object).where(values.notna(), None).tolist(), pa.string())
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise _refused(function, f"{name}: values that are no {kind} ({type(error).__name__})", f"a {kind} in every row") from None
    infinite = int(np.count_nonzero(np.isinf(numbers)))
    if infinite:
        raise _refused(function, f"{name}: {infinite:,} infinite numbers", "numbers, or NaN where there is none")
    return pa.array(numbers, pa.float64(), mask=np.isnan(numbers))


def _require_row_by_row(function: LoadedFunction, frame: "pd.DataFrame", whole: Mapping[str, pa.Array]) -> None:
    """Call the function on half of the rows, from the last to the first, twice."""
    count = min(_TRIED_ROWS, (len(frame) + 1) // 2)
    places = np.unique(np.linspace(0, len(frame) - 1, count).astype(int))[::-1] if count else np.zeros(0, int)
    part = frame.iloc[places].reset_index(drop=True)
    once, again = _call(function, part), _call(function, part)
    for name, values in whole.items():
        if not _equal(once[name], again[name]):
            raise _refused(function, f"{name}: other values when it was called again", "the same values for the same rows")
        if not _equal(once[name], values.take(pa.array(places))):
            raise _refused(
                function,
                f"{name}: other values of a row when other rows are beside it",
                "each row computed for itself: the rows beside it may be of later moments",
            )


def _equal(one: pa.Array, other: pa.Array) -> bool:
    if pa.types.is_string(one.type):
        return bool(one.equals(other))
    left, right = (array.to_numpy(zero_copy_only=False) for array in (one, other))
    return bool(np.allclose(left, right, rtol=_SAME, atol=0, equal_nan=True))


def _refused(function: LoadedFunction, found: str, expected: str) -> FeatureError:
    return FeatureError(
        function.where,
        found=found,
        expected=expected,
        next_step=f"mend {function.declared.file or function.declared.function}, then its sha256 in params.yaml",
    )
