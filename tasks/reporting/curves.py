"""The curves that evaluation leaves as CSV, read and checked.

What belongs here: CSV text to points. What does not: drawing them (``charts``) or opening files (the stage).
"""

import csv
import io
import math
from dataclasses import dataclass

from tasks.errors import ReportError

_ROLES = ("champion", "challenger")
_ROUNDING = 1e-9
"""A mean of ones, summed in floats, may end this far above 1."""


@dataclass(frozen=True)
class RocPoint:
    """One point of a ROC curve; both rates lie between 0 and 1."""

    false_positive_rate: float
    true_positive_rate: float


@dataclass(frozen=True)
class CalibrationBin:
    """One bin of scores or predictions: their mean, the observed share or mean label, and its rows."""

    predicted: float
    observed: float
    rows: int


def read_roc(text: str, *, origin: str) -> dict[str, tuple[RocPoint, ...]]:
    """ROC points per model from CSV with columns model, false_positive_rate, true_positive_rate.

    Raises :class:`~tasks.errors.ReportError` where a column is missing, a rate is not between 0 and 1, or there is no
    challenger; ``origin`` names the file.
    """
    found: dict[str, list[RocPoint]] = {}
    for model, line, row in _rows(text, ("false_positive_rate", "true_positive_rate"), origin):
        x, y = (_share(row, column, line, origin) for column in ("false_positive_rate", "true_positive_rate"))
        found.setdefault(model, []).append(RocPoint(x, y))
    return {model: tuple(found[model]) for model in _ROLES if model in found}


def read_calibration(text: str, *, origin: str, is_share: bool = True) -> dict[str, tuple[CalibrationBin, ...]]:
    """Calibration bins per model from CSV with columns model, predicted, observed, rows; errors as :func:`read_roc`.

    Values are shares, from 0 to 1, or (``is_share`` false) numbers in the label's unit.
    """
    read = _share if is_share else _figure
    found: dict[str, list[CalibrationBin]] = {}
    for model, line, row in _rows(text, ("predicted", "observed", "rows"), origin):
        predicted, observed = (read(row, column, line, origin) for column in ("predicted", "observed"))
        try:
            rows = int(row["rows"])
        except ValueError:
            raise _refusal(origin, f"line {line}: rows is no whole number") from None
        found.setdefault(model, []).append(CalibrationBin(predicted, observed, rows))
    return {model: tuple(found[model]) for model in _ROLES if model in found}


def _rows(text: str, columns: tuple[str, ...], origin: str) -> list[tuple[str, int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise _refusal(origin, f"line {reader.line_num}: {error}") from None
    missing = [column for column in ("model", *columns) if column not in (reader.fieldnames or ())]
    if missing:
        raise _refusal(origin, f"no column {', '.join(missing)}")
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise _refusal(origin, f"line {line}: more or fewer fields than columns")
        if row["model"] not in _ROLES:
            raise _refusal(origin, f"line {line}: a model that is neither champion nor challenger")
    if not any(row["model"] == "challenger" for row in rows):
        raise _refusal(origin, "no line of the challenger")
    return [(row["model"], line, row) for line, row in enumerate(rows, start=2)]


def _share(row: dict[str, str], column: str, line: int, origin: str) -> float:
    value = _number(row, column, line, origin)
    if not (math.isfinite(value) and -_ROUNDING <= value <= 1 + _ROUNDING):
        raise _refusal(origin, f"line {line}: {column} is not between 0 and 1")
    return min(max(value, 0.0), 1.0)


def _figure(row: dict[str, str], column: str, line: int, origin: str) -> float:
    value = _number(row, column, line, origin)
    if not math.isfinite(value):
        raise _refusal(origin, f"line {line}: {column} is no finite number")
    return value


def _number(row: dict[str, str], column: str, line: int, origin: str) -> float:
    try:
        return float(row[column])
    except ValueError:
        raise _refusal(origin, f"line {line}: {column} is no number") from None


def _refusal(origin: str, found: str) -> ReportError:
    return ReportError(
        origin,
        found=found,
        expected="the curves that the stage evaluate writes",
        next_step="dvc repro evaluate, then dvc repro report",
    )
