"""Criteria and slices as rows of a forest plot: which interval is drawn against which limit, on which scale.

What belongs here: from outcomes and comparisons to marks, grouped by metric so that a group shares one scale. What does not:
geometry (``charts``) and words (``rows``, ``figures``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from tasks.records import Comparison, CriterionOutcome, CriterionStatus, Interval, Verdict
from tasks.reporting.charts import Mark, Scale, draw_axis, draw_track, scale_of
from tasks.reporting.figures import (
    NONE,
    change_edge,
    format_change,
    format_count,
    format_interval,
    format_level,
    format_limit,
    format_plain,
    label_metric,
)
from tasks.reporting.rows import STATUS_WORDS, criterion_name, decisive_criteria, digits_needed, worst_end

MOST_SLICES = 400
"""Slice rows that a page draws, the worst first; more would push it towards its 3 MB. All are in evaluation.json."""


@dataclass(frozen=True)
class ForestRow:
    """One criterion on its group's scale."""

    index: int
    """Into ``verdict.criteria``; the page makes an anchor of it."""
    label: str
    detail: str
    status: CriterionStatus
    is_critical: bool
    value: str
    interval: str
    limit: str
    track: Markup
    is_change: bool
    """Whether the value is the difference to the champion, or the challenger's own."""


@dataclass(frozen=True)
class ForestGroup:
    """Rows of one metric and kind (difference, or the challenger's own value), with their axis."""

    title: str
    axis: Markup
    rows: tuple[ForestRow, ...]


@dataclass(frozen=True)
class SliceRow:
    """One slice under one metric, champion beside challenger."""

    value: str
    criterion: int | None
    """Index of the criterion that judges this slice, or None."""
    status: CriterionStatus | None
    champion: str
    challenger: str
    difference: str
    interval: str
    rows: str
    positives: str
    reason: str
    track: Markup


@dataclass(frozen=True)
class SliceTable:
    """All values of one slice column under one metric, the worst difference first; of a first model, the worst figure first."""

    metric: str
    column: str
    is_change: bool
    """Whether differences to a champion are drawn, or the challenger's own figures, because there is none."""
    axis: Markup
    rows: tuple[SliceRow, ...]
    unlisted: int

    @property
    def has_failure(self) -> bool:
        """Whether a listed slice failed its criterion, so that the table must not be folded away."""
        return any(row.status == "fail" for row in self.rows)


def decisive_groups(verdict: Verdict) -> tuple[tuple[ForestGroup, ...], tuple[int, ...]]:
    """(groups to draw, indices of decisive criteria that have no figure to draw), in order of decisiveness."""
    groups: dict[tuple[str, bool], list[tuple[int, CriterionOutcome, Mark]]] = {}
    undrawn: list[int] = []
    for index in decisive_criteria(verdict):
        outcome = verdict.criteria[index]
        marks = _marks(outcome)
        if not marks:
            undrawn.append(index)
        for is_change, mark in marks:
            groups.setdefault((outcome.metric or "", is_change), []).append((index, outcome, mark))
    return tuple(_group(metric, is_change, rows) for (metric, is_change), rows in groups.items()), tuple(undrawn)


def _marks(outcome: CriterionOutcome) -> list[tuple[bool, Mark]]:
    """(whether it is of the difference, mark): the margin's, and the bound's where that is all there is or it does not hold."""
    marks = []
    if outcome.is_compared and outcome.delta is not None:
        marks.append((True, _change_mark(outcome)))
    if outcome.bound is not None and outcome.challenger is not None and (not marks or not _holds_bound(outcome)):
        marks.append((False, _level_mark(outcome)))
    return marks


def _holds_bound(outcome: CriterionOutcome) -> bool:
    if outcome.challenger_interval is None or outcome.bound is None:
        return False
    end = worst_end(outcome.challenger_interval, outcome)
    return end <= outcome.bound if outcome.direction == "lower_is_better" else end >= outcome.bound


def _change_mark(outcome: CriterionOutcome) -> Mark:
    interval = outcome.interval
    text = f"difference {format_change(outcome.delta, digits_needed(outcome))}, interval {_interval_text(outcome, is_change=True)}"
    return Mark(
        value=outcome.delta,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        limit=change_edge(outcome),
        reference=0.0,
        status=outcome.status,
        description=f"{label_metric(outcome.metric)}: {text}, limit {format_limit(outcome)}: {STATUS_WORDS[outcome.status]}",
    )


def _level_mark(outcome: CriterionOutcome) -> Mark:
    interval = outcome.challenger_interval or (outcome.interval if not outcome.is_compared else None)
    text = f"challenger {format_level(outcome.challenger)}, interval {format_interval(interval, is_change=False)}"
    return Mark(
        value=outcome.challenger,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        limit=outcome.bound,
        reference=None,
        status=outcome.status,
        description=f"{label_metric(outcome.metric)}: {text}, limit {format_limit(outcome)}: {STATUS_WORDS[outcome.status]}",
    )


def _interval_text(outcome: CriterionOutcome, *, is_change: bool) -> str:
    return format_interval(outcome.interval, is_change=is_change, digits=digits_needed(outcome))


def _group(metric: str, is_change: bool, rows: list[tuple[int, CriterionOutcome, Mark]]) -> ForestGroup:
    scale = scale_of((mark for _, _, mark in rows), rows[0][1].direction)
    what = "challenger less champion" if is_change else "of the challenger"
    return ForestGroup(
        title=f"{label_metric(metric)}, {what}",
        axis=draw_axis(scale, is_change=is_change),
        rows=tuple(_forest_row(index, outcome, mark, scale, is_change) for index, outcome, mark in rows),
    )


def _forest_row(index: int, outcome: CriterionOutcome, mark: Mark, scale: Scale, is_change: bool) -> ForestRow:
    is_strict = is_change and outcome.better_by is not None
    sign = ("<" if is_strict else "≤") if outcome.direction == "lower_is_better" else (">" if is_strict else "≥")
    write = format_change if is_change else format_level
    limit = change_edge(outcome) if is_change else outcome.bound
    shown = outcome.interval if is_change or not outcome.is_compared else None
    interval = shown or (None if is_change else outcome.challenger_interval)
    digits = digits_needed(outcome) if is_change else None
    plus = "+" if is_change and limit is not None and limit > 0 else ""
    return ForestRow(
        index=index,
        label=outcome.slice if outcome.slice is not None else "All rows",
        detail=criterion_name(outcome),
        status=outcome.status,
        is_critical=outcome.is_critical,
        value=write(mark.value, digits),
        interval=format_interval(interval, is_change=is_change, digits=digits),
        limit=f"{sign} {plus}{format_plain(limit)}",
        track=draw_track(mark, scale),
        is_change=is_change,
    )


def slice_tables(comparisons: Iterable[Comparison], verdict: Verdict) -> tuple[SliceTable, ...]:
    """One table per metric and slice column: metrics in the evaluation's order, columns by name."""
    grouped: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in comparisons:
        if comparison.slice_column is not None:
            grouped.setdefault((comparison.metric, comparison.slice_column), []).append(comparison)
    judged: dict[tuple[str, str | None], int] = {
        (o.metric or "", o.slice): i for i, o in enumerate(verdict.criteria) if o.slice is not None
    }
    most = max(1, MOST_SLICES // max(1, len(grouped)))
    metrics = list(dict.fromkeys(metric for metric, _ in grouped))
    order = sorted(grouped, key=lambda key: (metrics.index(key[0]), key[1]))
    return tuple(_slice_table(grouped[key], judged, verdict, most) for key in order)


def _slice_table(
    comparisons: list[Comparison], judged: Mapping[tuple[str, str | None], int], verdict: Verdict, most: int
) -> SliceTable:
    metric, column, direction = comparisons[0].metric, comparisons[0].slice_column, comparisons[0].direction
    sign = -1 if direction == "lower_is_better" else 1
    is_change = any(c.champion is not None for c in comparisons)

    def drawn(c: Comparison) -> float | None:
        return c.delta if is_change else c.challenger

    ordered = sorted(comparisons, key=lambda c: (drawn(c) is None, sign * (drawn(c) or 0.0), c.slice_value or ""))
    shown = ordered[:most]
    found = [(c, judged.get((metric, f"{column}={c.slice_value}"))) for c in shown]
    marks = [_slice_mark(c, None if index is None else verdict.criteria[index], is_change=is_change) for c, index in found]
    scale = scale_of(marks, direction)
    rows = tuple(
        _slice_row(c, index, None if index is None else verdict.criteria[index], mark, scale, is_change=is_change)
        for (c, index), mark in zip(found, marks, strict=True)
    )
    axis = draw_axis(scale, is_change=is_change) if any(mark.numbers for mark in marks) else Markup("")  # all withheld
    return SliceTable(metric, column or "", is_change, axis, rows, len(ordered) - len(shown))


def _slice_mark(comparison: Comparison, outcome: CriterionOutcome | None, *, is_change: bool) -> Mark:
    interval = _slice_interval(comparison, outcome, is_change=is_change)
    value = comparison.delta if is_change else comparison.challenger
    write, what = (format_change, "difference") if is_change else (format_level, "challenger")
    limit = None if outcome is None else change_edge(outcome) if is_change else outcome.bound
    return Mark(
        value=value,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        limit=limit,
        reference=0.0 if is_change else None,
        status=outcome.status if outcome is not None else None,
        description=f"{comparison.slice_column} {comparison.slice_value}: {what} {write(value)}, "
        f"interval {format_interval(interval, is_change=is_change)}",
    )


def _slice_interval(comparison: Comparison, outcome: CriterionOutcome | None, *, is_change: bool) -> Interval | None:
    """The interval that its criterion was judged by, or where none was, the evaluation's own."""
    own = comparison.delta_interval if is_change else comparison.challenger_interval
    if outcome is None or own is None:  # a withheld one stays so
        return own
    return (outcome.interval if is_change == outcome.is_compared else outcome.challenger_interval) or own


def _slice_row(
    c: Comparison, index: int | None, outcome: CriterionOutcome | None, mark: Mark, scale: Scale, *, is_change: bool
) -> SliceRow:
    return SliceRow(
        value=c.slice_value if c.slice_value is not None else NONE,
        criterion=index,
        status=None if outcome is None else outcome.status,
        champion=format_level(c.champion),
        challenger=format_level(c.challenger),
        difference=format_change(c.delta),
        interval=format_interval(_slice_interval(c, outcome, is_change=is_change), is_change=is_change),
        rows="withheld" if c.is_withheld else format_count(c.rows),
        positives=format_count(c.positives),
        reason=c.reason,
        track=draw_track(mark, scale),
    )
