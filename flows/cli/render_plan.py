"""A gate's plan on the terminal.

What belongs here: words for planned tests, and for what they were planned from. What does not: planning.
"""

import click

from flows.cli.root import as_json
from flows.cli.tables import print_rows
from tasks.params.splits import ALL_FOLDS
from tasks.records import GatePlan, NextLook, PlannedTest

_HEAD = ("criterion", "metric", "rows", "limit", "at a first look", "at a later one", "what it means")
_EQUALS = {False: ("an equal model", "passes", "needs"), True: ("slices", "pass", "that are alike need")}
"""By whether slices are compared: what is equal, and its verbs."""
_LIMITS = {"bound": "bound", "non_inferiority": "margin", "superiority": "better by", "parity": "gap"}


def show_plan(plan: GatePlan, look: NextLook, *, is_json: bool) -> None:
    """Print what each test could show at a first look and at a later one, as a table or as JSON, and which the next one is."""
    if is_json:
        as_json({**plan.model_dump(mode="json"), "looks": look.model_dump(mode="json")})
        return
    for line in _told_from(plan):
        click.echo(line)
    later = plan.later_tests or (None,) * len(plan.tests)
    pairs = zip(plan.tests, later, strict=True)
    # What is known at no look is named below, with the reason.
    rows = [_cells(test, other, is_first=look.number == 1) for test, other in pairs if test.smallest_difference is not None]
    if rows:
        click.echo()
        print_rows(_HEAD, rows)
    if plan.unplanned:
        click.echo("\nNot planned:")
        for one in plan.unplanned:
            click.echo(f"  {one.name}: {one.reason}")
    click.echo("\nThe smallest true difference that is shown, on the good side of the limit; the power is 0.8.")
    for line in _told_looks(plan, look):
        click.echo(line)


def _told_from(plan: GatePlan) -> list[str]:
    found = plan.planned_from
    holdout = f"{plan.split}/{plan.part}"
    measured = _counted(found.rows, found.clusters, found.cluster)
    if found.basis == "evaluation":
        return [f"Planned from the last evaluation of {holdout}: {measured}."]
    # A fold is free to be tried on, though all of them are judged together.
    read = f"No label but those of {found.part}" if plan.part == ALL_FOLDS else "No label"
    expected = _counted(plan.rows, plan.clusters, found.cluster)
    return [
        f"Planned from {found.split}/{found.part} ({measured}), scaled to {holdout} ({expected}).",
        f"{read} of {holdout} was read: {found.why}.",
    ]


def _counted(rows: int, clusters: int | None, cluster: str) -> str:
    return f"{rows:,} rows" if clusters is None else f"{rows:,} rows, {clusters:,} clusters ({cluster})"


def _told_looks(plan: GatePlan, look: NextLook) -> list[str]:
    first = f"A first look is judged at {_percent(plan.confidence)}"
    later = "" if plan.later_confidence is None else f", a later one at {_percent(plan.later_confidence)}"
    holdout = f"{plan.split}/{plan.part}"
    if look.number is None and not look.taken_at_part:
        told = f"some were taken, none at {holdout} by this name: the next is a later one, unless its rows were never looked at"
    elif look.number is None:
        told = f"{look.taken_at_part:,} taken at {holdout} before: the next is a later one, unless its rows are others now"
    elif look.left == 0:
        told = f"{look.number - 1:,} of {look.budget:,} taken at {holdout}: none is left, refresh the holdout"
    else:
        which = "a first look" if look.number == 1 else "a later one"
        told = f"the next candidate's at {holdout} is number {look.number:,} of {look.budget:,}, {which}"
    return [f"{first}{later} (two-sided; criteria may name their own).", f"Looks: {told}. This plan spent none."]


def _cells(test: PlannedTest, later: PlannedTest | None, *, is_first: bool) -> tuple[str, ...]:
    """A line of the table; what it means is said of the look that comes next."""
    rows = "withheld" if test.n is None else f"{test.n:,}"
    limit = f"{_LIMITS[test.test]} {_amount(test.limit, test)}"
    at_later = "no such look" if later is None else _shown(later)
    return test.name, test.metric, rows, limit, _shown(test), at_later, _meaning(test if is_first or later is None else later)


def _shown(test: PlannedTest) -> str:
    return "unknown" if test.smallest_difference is None else _amount(test.smallest_difference, test)


def _amount(value: float, test: PlannedTest) -> str:
    return f"{100 * value:.3g} % of the champion's" if test.is_relative else f"{value:.4g}"


def _percent(share: float) -> str:
    return f"{100 * share:.5g} %"


def _meaning(test: PlannedTest) -> str:
    if test.smallest_difference is None:
        return test.reason
    confidence = f"{100 * test.one_sided_confidence:.6g} %"
    if test.test == "bound":
        return f"a figure so far inside the bound passes ({confidence})"
    if test.test == "superiority":
        return (
            f"better by {_amount(test.limit + test.smallest_difference, test)} is shown, if beyond the noise floor ({confidence})"
        )
    equal, passes, needs = _EQUALS[test.test == "parity"]
    if test.does_equal_pass:
        gap = f" with a true gap up to {_amount(test.limit - test.smallest_difference, test)}" if test.test == "parity" else ""
        return f"{equal} {passes}{gap} ({confidence})"
    if test.rows_for_equal is None:
        return f"no number of rows lets {equal} pass ({confidence})"
    days = "" if test.days_for_equal is None else f", {test.days_for_equal:,} days"
    return f"{equal} {needs} about {test.rows_for_equal:,} rows{days} ({confidence})"
