"""Signatures by people: approving a verdict."""

from datetime import datetime, timezone
from pathlib import Path

import click

from flows.cli.root import as_json, json_option, project, windtunnel

KEY = click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Your SSH key: private, mode 0600, or the .pub of one in your agent. Default: WINDTUNNEL_SIGNING_KEY.",
)


@windtunnel.command(short_help="Approve a verdict, with your SSH key.")
@click.argument("verdict", default="data/verdict.json")
@KEY
@click.option("--reason", required=True, help="Why; it is signed, and kept in the event log.")
@json_option
def approve(verdict: str, key: Path | None, reason: str, is_json: bool) -> None:
    """Sign that VERDICT may be promoted, and write it into the event log; nobody approves what he judged or loosened himself.

    VERDICT is data/verdict.json, a branch such as data/2013-11-01, or newest.

    \b
    Example: windtunnel approve data/2013-11-01 --key ~/.ssh/windtunnel --reason "agreed in the release meeting"
    """
    import os

    from flows.approval import approve as approve_verdict
    from tasks.signing import require_key

    paths = project()
    event = approve_verdict(paths.root, verdict, key=require_key(os.environ, key), reason=reason, now=datetime.now(timezone.utc))
    if is_json:
        as_json(event.model_dump(mode="json"))
    else:
        click.echo(f"approved by {event.about['principal']}: verdict {event.about['verdict'][:12]} (event {event.number})")
