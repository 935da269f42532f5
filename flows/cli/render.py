"""Verdicts and trials on the terminal, from the rows that every rendering shares."""

import json
import os
import shutil
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.approval import require_actionable
from flows.champion_logs import unknown_note
from flows.cli.root import as_json
from flows.rolled_back import require_not_rolled_back, told_rollback
from flows.signatures import require_envelope
from flows.verdict_checks import check_stored
from flows.verdict_store import find_looks, find_verdict, receipt_path
from tasks.datasets import write_atomically
from tasks.errors import ExitCode
from tasks.gates import check_verdict, exit_code
from tasks.paths import ProjectPaths
from tasks.records import Decision, LooksLeft, LookTaken, Receipt, Verdict
from tasks.reporting import left_sentence, looks_sentence, standing_sentence, verdict_junit, verdict_markdown, verdict_table
from tasks.reporting.narrative import EVIDENCE_WORDS
from tasks.reporting.rows import intervals_text

if TYPE_CHECKING:  # models and metrics are for `try` alone
    from tasks.trial import Trial

_STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "not judged": "bold magenta"}
_NARROW = 110
_NEXT_STEPS = (
    ("windtunnel try examples/calibrated.py", "judge another challenger in seconds, on the validation part"),
    ("windtunnel gate --check", "the verdict as an exit code, for a release flow"),
    ("windtunnel up", "the Prefect UI with all flows, and the nightly refresh"),
    ("windtunnel data refresh", "let production's next day arrive, and judge again"),
    ("dvc repro", "the same stages without Prefect: nothing is left to run"),
)


def show_verdict(paths: ProjectPaths, verdict: Path, page: Path, *, is_json: bool = False) -> int:
    """Print a verdict of the project as a table with its one sentence and the report's path, or as it is; returns its exit code."""
    content = verdict.read_bytes()
    found = Verdict.from_json(content, origin=str(verdict))
    receipt = receipt_path(paths, content)
    look = find_looks(paths, found, Receipt.from_json(receipt.read_bytes(), origin=str(receipt)) if receipt.exists() else None)
    rolled_back = told_rollback(paths.root, find_verdict(paths.root, str(verdict)))
    if is_json:
        _print_json(content, found, look, rolled_back)
    else:
        _print_table(found)
        click.echo(f"\n{_told(found, look, rolled_back)}\n\nreport  {page}")
    return int(exit_code(_standing(found, look, rolled_back)))


def _standing(verdict: Verdict, look: LookTaken | None, rolled_back: str) -> Decision:
    return "not_judged" if rolled_back else verdict.standing(look)


def _print_json(content: bytes, verdict: Verdict, look: LookTaken | None, rolled_back: str) -> None:
    """The verdict as it is, with what it does not hold since it comes after it: its look, a rollback, and what stands then."""
    since = {
        "look": look.model_dump(mode="json") if look else None,
        "rolled_back": rolled_back or None,
        "standing_decision": _standing(verdict, look, rolled_back),
    }
    as_json(json.loads(content) | since)


def _told(verdict: Verdict, look: LookTaken | None, rolled_back: str) -> str:
    turned, taken_back = standing_sentence(verdict, look), f"ROLLED BACK: {rolled_back}" if rolled_back else ""
    return "\n".join(line for line in (verdict.reason, taken_back, turned, _evidence(verdict), looks_sentence(look)) if line)


def show_next_steps() -> None:
    """Print what to try next."""
    scripts = "" if "VIRTUAL_ENV" in os.environ else f"{os.path.relpath(Path(sys.executable).parent)}/"
    width = max(len(scripts + command) for command, _ in _NEXT_STEPS)
    click.echo("\nnext")
    for command, what in _NEXT_STEPS:
        click.echo(f"  {scripts + command:<{width}}  {what}")


def _console() -> Console:
    """Wide enough for the table where nobody looks at a terminal, so that logs do not wrap."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 150
    return Console(width=max(width, _NARROW), highlight=False)


def _print_table(verdict: Verdict) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("criterion", "metric", "champion", "challenger", "difference (interval)", "limit", "status"):
        table.add_column(
            name, no_wrap=name in ("status", "champion", "challenger"), justify="right" if name.startswith("ch") else "left"
        )
    for row in verdict_table(verdict):
        style = _STYLES.get(row.status.split(" (")[0], "")
        status = f"[{style}]{row.status}[/]" if style else row.status
        table.add_row(*map(escape, (row.name, row.metric, row.champion, row.challenger, row.change, row.limit)), status)
    _console().print(table)
    for row in verdict_table(verdict):
        if row.is_told_by_reason:
            click.echo(f"{row.name}: {row.reason}")


def _evidence(verdict: Verdict) -> str:
    intervals = intervals_text(verdict)
    return f"evidence: challenger {EVIDENCE_WORDS[verdict.evidence_level]}" + (f"\nintervals: {intervals}" if intervals else "")


def show_trial(trial: "Trial", left: LooksLeft | None, *, is_json: bool) -> int:
    """Print how a challenger did on the validation part; returns the exit code that its decision would have."""
    if is_json:
        as_json(trial.model_dump(mode="json") | {"looks": left.model_dump(mode="json") if left else None})
    else:
        _print_table(trial.verdict)
        click.echo(f"\n{trial.verdict.reason}\n{_evidence(trial.verdict)}")
        click.echo(f"\n{trial.note}\n{left_sentence(left)}")
    return int(exit_code(trial.verdict.decision))


def show_gate(
    paths: ProjectPaths, name: str, *, is_check: bool, is_json: bool, md: Path | None, junit: Path | None, dsse: Path | None
) -> int:
    """Check a verdict, then print or write it as asked; its exit code with ``is_check``, else 0."""
    stored = find_verdict(paths.root, name)
    now = datetime.now(timezone.utc)
    # Whoever only looks may look at a kept copy of any run; what is acted upon is held against what lies here.
    is_kept = stored.checkout is not None and stored.name != str(paths.verdict)
    decision = check_verdict(stored.content, stored.receipt, now) if is_kept and not is_check else check_stored(stored, now=now)
    look = find_looks(paths, stored.verdict, stored.receipt)
    rolled_back = told_rollback(paths.root, stored)
    rendered = (
        (md, verdict_markdown(stored.verdict, look=look, rolled_back=rolled_back)),
        (junit, verdict_junit(stored.verdict, look, rolled_back)),
    )
    for path, text in rendered:
        if path is not None:
            write_atomically(path, text.encode())
    if dsse is not None:
        write_atomically(dsse, require_envelope(stored)[0])
    if is_json:
        _print_json(stored.content, stored.verdict, look, rolled_back)
    else:
        _print_table(stored.verdict)
        click.echo(f"\n{_told(stored.verdict, look, rolled_back)}")
    if is_check and decision == "promote":
        require_actionable(paths.root, stored, now)
        require_not_rolled_back(paths.root, stored, now)
        if note := unknown_note(paths.root):
            click.echo(note, err=True)
    return int(exit_code(decision)) if is_check else int(ExitCode.PROMOTE)
