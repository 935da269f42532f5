"""A verification on the terminal, and its exit code.

What belongs here: words for checks. What does not: checking.
"""

import click

from flows.cli.root import as_json
from flows.cli.tables import print_rows
from tasks.errors import ExitCode
from tasks.records import CheckStatus, Verification

_WORDS: dict[CheckStatus, str] = {"holds": "holds", "does_not_hold": "DOES NOT HOLD", "not_checked": "could not be checked"}
_EXIT_CODES: dict[CheckStatus, ExitCode] = {
    "holds": ExitCode.PROMOTE,
    "does_not_hold": ExitCode.REJECT,
    "not_checked": ExitCode.COULD_NOT_JUDGE,
}


def show_verification(found: Verification, *, is_json: bool) -> int:
    """Print each check and what all come to; returns 0 (holds), 1 (does not hold) or 2 (could not be checked)."""
    if is_json:
        as_json({"outcome": found.outcome, **found.model_dump(mode="json")})
    else:
        print_rows(("what", "status", "reason"), [(check.what, _WORDS[check.status], check.reason) for check in found.checks])
        click.echo(f"\n{_WORDS[found.outcome]}")
    return int(_EXIT_CODES[found.outcome])
