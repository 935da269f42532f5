"""A gate's plan on the terminal.

What belongs here: words for planned tests. What does not: planning.
"""

from collections.abc import Sequence

import click

from flows.cli.root import as_json
from flows.cli.tables import print_rows
from tasks.records import LooksLeft, PlannedTest
from tasks.reporting import left_sentence

_HEAD = ("criterion", "metric", "rows", "limit", "smallest difference shown", "what it means")


def show_plan(planned: Sequence[PlannedTest], left: LooksLeft | None, *, is_json: bool) -> None:
    """Print what each test could show at a first look, as a table or as JSON, and how many looks are ``left``."""
    if is_json:
        tests = [test.model_dump(mode="json") for test in planned]
        as_json({"tests": tests, "looks": left.model_dump(mode="json") if left else None})
        return
    print_rows(_HEAD, [_cells(test) for test in planned])
    click.echo("\nA difference is a true one, on the good side of the limit; the power is 0.8, the confidence one-sided.")
    click.echo(f"Planned for a first look; a later one is judged at more confidence. {left_sentence(left)}")


def _cells(test: PlannedTest) -> tuple[str, ...]:
    rows = "withheld" if test.n is None else f"{test.n:,}"
    limit = {"bound": "bound", "non_inferiority": "margin", "superiority": "better by"}[test.test]
    shown = "unknown" if test.smallest_difference is None else _amount(test.smallest_difference, test)
    return test.name, test.metric, rows, f"{limit} {_amount(test.limit, test)}", shown, _meaning(test)


def _amount(value: float, test: PlannedTest) -> str:
    return f"{100 * value:.3g} % of the champion's" if test.is_relative else f"{value:.4g}"


def _meaning(test: PlannedTest) -> str:
    if test.smallest_difference is None:
        return test.reason
    confidence = f"{100 * test.one_sided_confidence:.6g} %"
    if test.test == "bound":
        return f"a figure so far inside the bound passes ({confidence})"
    if test.test == "superiority":
        return f"better by {_amount(test.limit + test.smallest_difference, test)} is shown ({confidence})"
    if test.does_equal_pass:
        return f"an equal model passes ({confidence})"
    if test.rows_for_equal is None:
        return f"no number of rows lets an equal model pass ({confidence})"
    days = "" if test.days_for_equal is None else f", {test.days_for_equal:,} days"
    return f"an equal model needs about {test.rows_for_equal:,} rows{days} ({confidence})"
