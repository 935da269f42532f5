"""Signatures by people: the policy, and approving a verdict."""

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
@click.option(
    "--print", "is_print", is_flag=True, help="Print the signed approval for the form of the flow promote_model; write nothing."
)
@json_option
def approve(verdict: str, key: Path | None, reason: str, is_print: bool, is_json: bool) -> None:
    """Sign that VERDICT may be promoted, and write it into the event log; nobody approves what he judged or loosened himself.

    VERDICT is data/verdict.json, a branch such as data/2013-11-01, or newest.

    \b
    Example: windtunnel approve data/2013-11-01 --key ~/.ssh/windtunnel --reason "agreed in the release meeting"
    """
    import os

    from flows.approval import approve as approve_verdict
    from flows.approval import require_promotable, sign_approval, told_lacking
    from flows.comparison import comparison_notes
    from flows.rolled_back import told_rollback
    from flows.verdict_store import find_looks, find_verdict
    from tasks.errors import GateError, SigningError
    from tasks.reporting import looks_sentence, notes_on
    from tasks.signing import require_key

    paths, now, used = project(), datetime.now(timezone.utc), require_key(os.environ, key)
    stored = find_verdict(paths.root, verdict)
    look = find_looks(paths, stored.verdict, stored.receipt)
    notes = (told_rollback(paths.root, stored), *notes_on(stored.verdict), *comparison_notes(paths.root, stored))
    for line in filter(None, (*notes, looks_sentence(look))):
        click.echo(line, err=True)  # what is printed may be pasted into a form
    if is_print:
        signed = sign_approval(paths.root, verdict, key=used, reason=reason, now=now)
        if lacking := told_lacking(paths.root, stored, signed, now):
            click.echo(f"not enough yet: {lacking}", err=True)
        click.echo(signed.model_dump_json())
        return
    event = approve_verdict(paths.root, verdict, key=used, reason=reason, now=now)
    try:
        require_promotable(paths.root, stored, now)
    except (GateError, SigningError) as error:
        click.echo(f"not enough yet: {error.found}", err=True)
    if is_json:
        as_json(event.model_dump(mode="json"))
    else:
        click.echo(f"approved by {event.about['principal']}: verdict {event.about['verdict'][:12]} (event {event.number})")


@windtunnel.group(short_help="Masking policy and criteria: sign, show, check.")
def policy() -> None:
    """Masking policy and criteria as somebody has signed them; unsigned, every verdict is a rehearsal.

    \b
    Example: windtunnel policy show
    """


@policy.command("sign", short_help="Sign masking policy and criteria as they are.")
@KEY
@click.option("--reason", required=True, help="Why; it is signed, and kept.")
@json_option
def sign(key: Path | None, reason: str, is_json: bool) -> None:
    """Sign masking policy, criteria and allowed_signers as they stand; a loosening takes a second person's signature.

    \b
    Example: windtunnel policy sign --key ~/.ssh/windtunnel --reason "first policy"
    """
    import os

    from flows.cli.render_policy import show_policy
    from flows.policy_signing import sign_policy
    from tasks.signing import require_key

    root = project().root
    show_policy(sign_policy(root, key=require_key(os.environ, key), reason=reason, now=datetime.now(timezone.utc)), is_json=is_json)


@policy.command("merge", short_help="Sign the version that follows two rivals.")
@click.argument("branch")
@KEY
@click.option("--reason", required=True, help="Why; it is signed, and kept.")
@json_option
def merge(branch: str, key: Path | None, reason: str, is_json: bool) -> None:
    """Where two branches each signed a version with one number: sign what stands here as the version that follows both.

    It takes what each of the two would ask: one signature by somebody who may sign on both where it loosens neither, else two
    people of each that it loosens; the second by windtunnel policy sign. BRANCH is the one with the other version.

    \b
    Example: windtunnel policy merge origin/other --key ~/.ssh/windtunnel --reason "both margins"
    """
    import os

    from flows.cli.render_policy import show_policy
    from flows.policy_merging import merge_policy
    from tasks.signing import require_key

    root, now, used = project().root, datetime.now(timezone.utc), require_key(os.environ, key)
    show_policy(merge_policy(root, branch, key=used, reason=reason, now=now), is_json=is_json)


@policy.command("show", short_help="What is signed, by whom, and what was changed since.")
@json_option
def show(is_json: bool) -> None:
    """Print what is signed, who may sign, what was changed since, which way, and which past verdicts that would turn.

    \b
    Example: windtunnel policy show
    """
    from flows.cli.render_policy import show_policy
    from flows.policy_signing import view_policy

    show_policy(view_policy(project().root, datetime.now(timezone.utc)), is_json=is_json)


@policy.command("check", short_help="Whether the policy is signed as it is, as an exit code.")
@json_option
def check(is_json: bool) -> int:
    """Exit code 0 where masking policy and criteria are signed as they are, 1 where not: verdicts would be rehearsals.

    \b
    Example: windtunnel policy check
    """
    from flows.cli.render_policy import show_policy
    from flows.policy_signing import view_policy

    return show_policy(view_policy(project().root, datetime.now(timezone.utc)), is_json=is_json)
