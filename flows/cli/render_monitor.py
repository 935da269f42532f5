"""A watched difference on the terminal.

What belongs here: words for it, and its exit code. What does not: watching.
"""

import click

from flows.cli.root import as_json
from flows.cli.tables import print_rows
from tasks.errors import ExitCode
from tasks.records import Monitoring

_NONE = "\N{EN DASH}"
_CODES = {"holds": ExitCode.PROMOTE, "broken": ExitCode.REJECT, "undecided": ExitCode.INCONCLUSIVE}


def show_monitoring(found: Monitoring, *, is_json: bool) -> int:
    """Print what the days say, as a table or as JSON; returns the exit code."""
    if is_json:
        as_json(found.model_dump(mode="json"))
    else:
        figures = [_NONE if value is None else f"{value:+.4f}" for value in (found.mean, found.low, found.high)]
        row = (found.status, found.since or _NONE, f"{found.days:,}", *figures)
        print_rows(("status", "since", "days", "mean", "low", "high"), [row])
        click.echo(f"\n{found.reason}")
    return int(_CODES[found.status])
