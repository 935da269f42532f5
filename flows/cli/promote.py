"""The champion: who it is, making a verdict's model champion, and returning to the one before."""

from datetime import datetime, timezone
from pathlib import Path

import click

from flows.cli.root import json_option, project, windtunnel
from tasks.errors import ExitCode

_FROM = click.option(
    "--from",
    "taken_over",
    default=None,
    metavar="VERSION",
    help="Go on from this version, at which somebody else has put the alias (none: it was removed).",
)


@windtunnel.command(short_help="Make a verdict's model the champion.")
@click.argument("verdict", default="data/verdict.json")
@click.option(
    "--refit",
    type=click.Choice(["raw"]),
    default=None,
    help="Promote the recipe in place of the model: fitted again on raw rows, and held against its verdict.",
)
@_FROM
@json_option
def promote(verdict: str, refit: str | None, taken_over: str | None, is_json: bool) -> None:
    """Verify VERDICT, register its model in MLflow and move the alias `champion` to it; exit code 2 where it may not be.

    VERDICT (data/verdict.json, a branch such as data/2013-11-01, or newest) has to promote, and be whole, fresh, signed and
    approved by somebody else. The fitted model that was judged is promoted, byte for byte; or, with --refit raw, its recipe, fitted
    again on the raw rows in the restricted zone, once every critical criterion has passed again on them.

    \b
    Example: windtunnel promote data/2013-11-01
             windtunnel promote data/2013-11-01 --refit raw
    """
    from flows.cli.render_champion import show_moved
    from flows.promotion import promote as promote_verdict

    moved = promote_verdict(project().root, verdict, datetime.now(timezone.utc), taken_over=taken_over, is_refit=refit is not None)
    show_moved(moved, "is champion", is_json=is_json)


@windtunnel.command(short_help="Return to the champion before this one.")
@click.option("--reason", default="", help="Why; kept in the event log. Required, except for a drill.")
@click.option(
    "--drill", "is_drill", is_flag=True, help="Do all of it with an alias of its own: the champion stays, times are shown."
)
@_FROM
@json_option
def rollback(reason: str, is_drill: bool, taken_over: str | None, is_json: bool) -> None:
    """Move the alias back to the champion before this one, after holding its verdict, splits, data and model against their hashes.

    \b
    Example: windtunnel rollback --reason "complaints from the airport"
             windtunnel rollback --drill
    """
    from flows.cli.render_champion import show_moved
    from flows.promotion import rollback as roll_back

    if not reason and not is_drill:
        raise click.UsageError("say why: --reason TEXT")
    moved = roll_back(project().root, reason, taken_over=taken_over, is_drill=is_drill)
    show_moved(moved, "would be champion (a drill: nothing was changed)" if is_drill else "is champion again", is_json=is_json)


@windtunnel.command(short_help="The champion, its verdict, and those before it.")
@click.option(
    "--checkout",
    "folder",
    type=click.Path(path_type=Path, resolve_path=True),
    default=None,
    help="Lay out all that it was promoted on in this new folder: parameters, pin, splits, data and models.",
)
@json_option
def champion(folder: Path | None, is_json: bool) -> int:
    """Show who is champion and since when, and whether the registry says so too: 0 it does, 1 it does not, 2 it does not answer.

    With --checkout the registry is not asked: the folder becomes a git worktree of the champion's branch, with its data from DVC's
    cache or the remote `shared`; your own checkout stays as it is.

    \b
    Example: windtunnel champion
             windtunnel champion --checkout ../champion && cd ../champion && windtunnel verify
    """
    if folder is not None:
        from flows.champion_checkout import check_out_champion
        from flows.cli.render_champion import show_checked_out

        show_checked_out(check_out_champion(project().root, folder), is_json=is_json)
        return int(ExitCode.PROMOTE)
    from flows.cli.render_champion import show_champion
    from flows.registry_office import find_champion

    return show_champion(*find_champion(project().root), is_json=is_json)
