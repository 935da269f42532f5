"""Verdicts: the gate's exit code for a release flow, the report, whether all of it holds, and what happened."""

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.root import as_json, json_option, project, view_option, windtunnel
from tasks.errors import ExitCode

if TYPE_CHECKING:
    from flows.verification import Level
    from tasks.backtesting import Unit
    from tasks.params.models import View
    from tasks.records import Direction


@windtunnel.group(
    invoke_without_command=True, short_help="The verdict; with --check as an exit code; plan, fool, backtest, monitor."
)
@click.option(
    "--check",
    "is_check",
    is_flag=True,
    help="Turn the verdict into the exit code: 0 promote, 1 reject, 2 could not judge, 3 inconclusive.",
)
@click.option(
    "--verdict", "name", default="data/verdict.json", show_default=True, help="A path, a branch such as data/2013-11-01, or newest."
)
@json_option
@click.option(
    "--md", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write the verdict as Markdown to this file."
)
@click.option(
    "--junit", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write the verdict as JUnit XML to this file."
)
@click.option(
    "--dsse",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write the signed decision record (in-toto in a DSSE envelope) to this file.",
)
def gate(*, is_check: bool, name: str, is_json: bool, md: Path | None, junit: Path | None, dsse: Path | None) -> int:
    """Show the verdict; with --check its exit code. One that is expired, changed, unsigned or a rehearsal is exit code 2.

    \b
    Example: windtunnel gate --check --junit verdict.junit.xml
    """
    subcommand = click.get_current_context().invoked_subcommand
    if subcommand is not None:
        if is_check or is_json or md or junit or dsse:
            raise click.UsageError(f"options go after the command: windtunnel gate {subcommand} --json")
        return int(ExitCode.PROMOTE)
    from flows.cli.render import show_gate

    return show_gate(project(), name, is_check=is_check, is_json=is_json, md=md, junit=junit, dsse=dsse)


@gate.command("plan", short_help="The smallest difference that today's holdout can show.")
@click.argument("challenger", required=False)
@view_option
@json_option
def plan(challenger: str | None, view: "View", is_json: bool) -> None:
    """Print for each criterion the smallest true difference that the holdout can show with a power of 0.8; no look is spent.

    Before the holdout was evaluated, both models are measured on the validation part, as `windtunnel try` does, and their spread is
    scaled to the holdout's rows and clusters; its labels are not read. Afterwards the plan rests on that evaluation, unless it is
    for another CHALLENGER than that of params.yaml (named as for `windtunnel try`).

    \b
    Example: windtunnel gate plan
             windtunnel gate plan examples/calibrated.py --json
    """
    from flows.cli.progress import show_steps
    from flows.cli.render_plan import show_plan
    from flows.looks_left import find_next_look
    from tasks.credentials import forget_credentials, take_model_keys
    from tasks.params import load_params
    from tasks.planning import plan_gate

    keys = take_model_keys(os.environ)
    forget_credentials(os.environ)  # a challenger is somebody's code, and runs in this process
    paths = project()
    with show_steps() as tell:
        found = plan_gate(paths, load_params(paths.params), challenger, view, keys, tell=tell)
    show_plan(found, find_next_look(paths, found), is_json=is_json)


@gate.command("fool", short_help="The cheapest cheat through the criteria, and what stops it.")
@json_option
def fool(is_json: bool) -> int:
    """Let an adversary try to get a bad model through the project's own criteria, on the predictions of the last verdict.

    Exit code 0 where nothing got through, 1 where something did, 2 where it could not be tried. No look is spent.

    \b
    Example: windtunnel gate fool
    """
    from flows.cli.progress import show_steps
    from flows.cli.render_fool import show_fool
    from flows.looks_left import find_looks_left
    from tasks.fooling import fool_gate
    from tasks.params import load_params

    paths = project()
    with show_steps() as tell:
        found = fool_gate(paths, load_params(paths.params), tell)
    return show_fool(found, find_looks_left(paths), is_json=is_json)


@gate.command("backtest", short_help="What the criteria would have decided, period by period.")
@click.option(
    "--period",
    type=click.Choice(["month", "week", "day"]),
    default=None,
    help="How long a period is. Default: the longest of which there are enough for two decisions.",
)
@json_option
def backtest(period: "Unit | None", is_json: bool) -> None:
    """Walk through history before the judged part: fit the recipe on what was known then, judge it, and see what came after.

    How many bad releases would have passed, how many good ones been blocked, and what other margins would have done; no look.

    \b
    Example: windtunnel gate backtest
             windtunnel gate backtest --period week
    """
    from flows.cli.progress import show_steps
    from flows.cli.render_backtest import show_backtest
    from flows.looks_left import find_looks_left
    from tasks.backtest import backtest_gate
    from tasks.params import load_params

    paths = project()
    with show_steps() as tell:
        found = backtest_gate(paths, load_params(paths.params), period, tell)
    show_backtest(found, find_looks_left(paths), is_json=is_json)


@gate.command("monitor", short_help="A difference over time, however often one looks.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--margin", type=click.FloatRange(min=0), default=0.0, show_default=True, help="By how much it may be worse.")
@click.option("--lower-is-better", is_flag=True, help="The difference is of an error or a loss.")
@click.option("--alpha", type=click.FloatRange(1e-6, 0.5), default=0.05, show_default=True, help="The chance of ever being wrong.")
@json_option
def monitor(file: Path, margin: float, alpha: float, *, lower_is_better: bool, is_json: bool) -> int:
    """Watch dated differences (columns day and difference, challenger less champion) by an interval that holds at all looks.

    Exit code 0 where it is shown to hold the margin, 1 where it is shown to break it, 3 where that cannot be told yet, 2 where the
    file cannot be taken as it is: a day after today (UTC) is no observation. No look at a holdout is spent.

    \b
    Example: windtunnel gate monitor differences.csv --margin 0.01
    """
    from flows.cli.render_monitor import show_monitoring
    from tasks.stages.monitoring import monitor_file

    direction: Direction = "lower_is_better" if lower_is_better else "higher_is_better"
    today = datetime.now(timezone.utc).date()
    return show_monitoring(monitor_file(file, direction, margin=margin, alpha=alpha, today=today), is_json=is_json)


@windtunnel.command(short_help="Where the last report lies.")
@json_option
def report(is_json: bool) -> None:
    """Print the path of the last report; open it in a browser, it needs no network.

    \b
    Example: xdg-open "$(windtunnel report)"
    """
    from flows.rolled_back import tell_pages, told_rollback
    from flows.verdict_store import find_verdict, published_page
    from tasks.errors import ReportError

    paths = project()
    page = published_page(paths)
    if not page.exists():
        raise ReportError(str(page), found="no report yet", expected="the page that a run draws", next_step="windtunnel run")
    tell_pages(paths.root)
    rolled_back = told_rollback(paths.root, find_verdict(paths.root, str(paths.verdict)) if paths.verdict.exists() else None)
    if is_json:
        as_json({"report": str(page), "rolled_back": rolled_back or None})
        return
    click.echo(page)
    if rolled_back:
        click.echo(f"ROLLED BACK: {rolled_back}", err=True)


@windtunnel.command(short_help="Whether a verdict holds, as an exit code.")
@click.argument("verdict", default="data/verdict.json")
@click.option(
    "--level",
    type=click.Choice(["hashes", "metrics", "rerun"]),
    default="metrics",
    show_default=True,
    help="Every hash; also every score, figure and outcome made again; also the whole pipeline run anew from the pin.",
)
@json_option
def verify(verdict: str, level: "Level", is_json: bool) -> int:
    """Hold a verdict against its evidence and the event log: 0 it holds, 1 it does not, 2 it could not be checked.

    VERDICT is data/verdict.json, a branch such as data/2013-11-01 (its data is fetched from the shared remote), or newest.

    \b
    Example: windtunnel verify
             windtunnel verify data/2013-11-01 --level hashes
    """
    from flows.cli.render_checks import show_verification
    from flows.verification import verify_verdict

    return show_verification(verify_verdict(project().root, verdict, level), is_json=is_json)


@windtunnel.command("log", short_help="What happened: looks, approvals, promotions.")
@json_option
def event_log(is_json: bool) -> None:
    """Show the event log, oldest first; it is refused (exit code 2) where its chain is broken.

    \b
    Example: windtunnel log
    """
    from flows.cli.tables import print_rows
    from flows.event_log import read_events

    events = read_events(project())
    if is_json:
        as_json([event.model_dump(mode="json") for event in events])
        return
    told = [
        (str(e.number), e.at_utc[:19] + "Z", e.kind, e.actor, ", ".join(f"{k} {v[:12]}" for k, v in e.about.items() if v))
        for e in events
    ]
    print_rows(("event", "time", "kind", "actor", "about"), told)
