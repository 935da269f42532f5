"""Verdicts: the gate's exit code for a release flow, and the report."""

from pathlib import Path

import click

from flows.cli.root import as_json, json_option, project, windtunnel


@windtunnel.command(short_help="The verdict; with --check as an exit code.")
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
def gate(is_check: bool, name: str, is_json: bool, md: Path | None, junit: Path | None) -> int:
    """Show the verdict; with --check its exit code. A verdict that is expired or was changed is exit code 2.

    \b
    Example: windtunnel gate --check --junit verdict.junit.xml
    """
    from flows.cli.render import show_gate

    return show_gate(project(), name, is_check=is_check, is_json=is_json, md=md, junit=junit)


@windtunnel.command(short_help="Where the last report lies.")
@json_option
def report(is_json: bool) -> None:
    """Print the path of the last report; open it in a browser, it needs no network.

    \b
    Example: xdg-open "$(windtunnel report)"
    """
    from tasks.errors import ReportError

    page = project().report_page
    if not page.exists():
        raise ReportError(str(page), found="no report yet", expected="the page that a run draws", next_step="windtunnel run")
    if is_json:
        as_json({"report": str(page)})
    else:
        click.echo(page)
