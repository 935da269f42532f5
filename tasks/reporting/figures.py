"""How figures look, by noun, in one place: the page, the Markdown and the terminal show a number alike.

What belongs here: turning one value into the text that a reader sees. What does not: which values are shown, and where.
A value that is not there is a dash, never a zero and never empty.
"""

import math
import re

from tasks.records import CriterionOutcome, Interval

NONE = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_LABELS = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "macro_f1": "Macro F1",
    "mcc": "MCC",
    "ece": "ECE",
    "roc_auc_ovr": "ROC AUC (OvR)",
    "mae": "MAE",
    "median_ae": "median absolute error",
    "rmse": "RMSE",
    "mape": "MAPE",
    "r2": "R²",
    "bias": "Bias",
    "parity": "Gap",
    "cost": "Cost",
}
_F_BETA = re.compile(r"f\d+(\.\d+)?")
_DIGITS = 4
_MOST_DIGITS = 9
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def label_metric(metric: str | None) -> str:
    """The metric's name as the field writes it, ``Recall of rain``, ``Recall at 0.2``, ``F2``; a dash for no metric."""
    if metric is None:
        return NONE
    kind, at, threshold = metric.partition("@")
    if at:
        return f"{label_metric(kind)} at {threshold}"
    kind, bracket, name = metric.partition("[")
    if bracket:
        return f"{_LABELS.get(kind, kind)} of {name.removesuffix(']')}"
    if _F_BETA.fullmatch(metric):
        return metric.upper()
    return _LABELS.get(metric, metric.replace("_", " ").strip() or metric)


def is_figure(value: float | None) -> bool:
    """Whether there is a number to show: None, NaN and infinities are none."""
    return value is not None and math.isfinite(value)


def digits_of(*values: float | None) -> int:
    """The digits after the point that the largest of ``values`` is shown with: four below 10, one less for each ten times more."""
    largest = max((abs(value) for value in values if value is not None and is_figure(value)), default=0.0)
    return max(0, _DIGITS - len(f"{largest:.0f}") + 1)


def format_level(value: float | None, digits: int | None = None) -> str:
    """A metric's own value, ``0.7512``, ``52.123``; with ``digits`` after the point, where given."""
    if value is None or not is_figure(value):
        return NONE
    return _with_minus(f"{value:.{digits_of(value) if digits is None else digits}f}")


def format_change(value: float | None, digits: int | None = None) -> str:
    """A difference in the metric's unit, signed: ``+0.0123``, ``−0.0050``; what rounds to zero has no sign."""
    if value is None or not is_figure(value):
        return NONE
    text = f"{value:+.{digits_of(value) if digits is None else digits}f}"
    return text[1:] if not text.strip("+-0.") else _with_minus(text)


def format_interval(interval: Interval | None, *, is_change: bool, digits: int | None = None) -> str:
    """An interval's two ends, ``−0.0012 to +0.0034``."""
    if interval is None or not (is_figure(interval.low) and is_figure(interval.high)):
        return NONE
    write = format_change if is_change else format_level
    digits = digits_of(interval.low, interval.high) if digits is None else digits
    return f"{write(interval.low, digits)} to {write(interval.high, digits)}"


def digits_to_tell_apart(*pairs: tuple[float | None, float | None]) -> int:
    """The fewest digits, from four on for values below 10, at which no two different values of a pair look equal.

    A bound that misses its limit by little must not be shown as equal to it. Beyond nine digits two values are one.
    """
    fewest = digits = digits_of(*(value for pair in pairs for value in pair))
    for one, other in pairs:
        if one is None or other is None or not (is_figure(one) and is_figure(other)):
            continue
        for wanted in range(fewest, _MOST_DIGITS + 1):
            if format_change(one, wanted) != format_change(other, wanted):
                digits = max(digits, wanted)
                break
    return digits


def format_count(value: int | None) -> str:
    """A number of rows, days or files: ``12,345``."""
    return NONE if value is None else f"{value:,}"


def format_share(part: int | None, whole: int | None) -> str:
    """``part`` of ``whole`` in per cent; more than none is never shown as ``0 %``, less than all never as ``100 %``."""
    if part is None or not whole:
        return NONE
    share = 100 * part / whole
    if part and share < 0.1:
        return "< 0.1 %"
    if part < whole and share > 99.9:
        return "> 99.9 %"
    return f"{share:.1f} %" if part not in (0, whole) else f"{share:.0f} %"


def format_fraction(fraction: float) -> str:
    """A fraction in per cent, ``22.7 %``; more than none is never shown as ``0 %``."""
    return "< 0.1 %" if 0 < fraction < 0.001 else f"{100 * fraction:.1f} %"


def format_bytes(value: int) -> str:
    """A size in decimal units: ``12.3 MB``."""
    size, unit = float(value), 0
    while size >= 999.95 and unit < len(_BYTE_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{value:,} B" if unit == 0 else f"{size:.1f} {_BYTE_UNITS[unit]}"


def format_confidence(confidence: float) -> str:
    """``95 %`` for 0.95, ``99.9 %`` for 0.999."""
    return f"{100 * confidence:.6g} %"


def format_day(moment: str | None) -> str:
    """The day of an RFC 3339 time, ``2013-10-31``."""
    return NONE if not moment else moment[:10]


def format_moment(moment: str | None) -> str:
    """An RFC 3339 time in UTC to the minute, ``2013-10-31 00:00 UTC``."""
    if not moment:
        return NONE
    return f"{moment[:10]} {moment[11:16]} UTC" if len(moment) >= 16 and moment[10] in "T " else moment


def format_limit(outcome: CriterionOutcome) -> str:
    """What a criterion demands, in the metric's own direction: ``≥ 0.65``, ``difference ≥ −0.005``, ``difference > 0`` (better), or
    a bound and one of these.
    """
    is_higher = outcome.direction != "lower_is_better"
    sign, parts = "≥" if is_higher else "≤", []
    if outcome.bound is not None:
        parts.append(f"{sign} {format_plain(outcome.bound)}")
    edge = change_edge(outcome)
    if edge is not None:
        strict = (">" if is_higher else "<") if outcome.better_by is not None else sign
        share = "" if outcome.relative_margin is None else f" ({100 * outcome.relative_margin:.6g} % of the champion's)"
        parts.append(f"difference {strict} {'+' if edge > 0 else ''}{format_plain(edge)}{share}")
    if not parts:
        return "passed" if outcome.metric is None else NONE
    return " and ".join(parts)


def change_edge(outcome: CriterionOutcome) -> float | None:
    """The difference to the champion at which a test of it turns: where the margin ends, below zero where higher is better; or how
    much better the challenger is to be.
    """
    edge = outcome.better_by if outcome.margin is None else -outcome.margin
    if edge is None:
        return None
    return (-edge if outcome.direction == "lower_is_better" else edge) or 0.0


def format_plain(value: float | None) -> str:
    """A threshold as it was declared, without padding: ``0.65``, ``−0.005``."""
    return NONE if value is None or not is_figure(value) else _with_minus(f"{value:.9f}".rstrip("0").rstrip(".") or "0")


def _with_minus(text: str) -> str:
    return text.replace("-", _MINUS)
