"""Champions on the terminal, and the exit code of what the registry says of them.

What belongs here: words for champions and moves. What does not: finding or moving them.
"""

from typing import TYPE_CHECKING

import click

from flows.cli.root import as_json
from flows.cli.tables import print_rows
from tasks.errors import ExitCode
from tasks.records import Champion, Championship, Check, CheckStatus, Event
from tasks.registry import find_rollback
from tasks.reporting import RUBBER_STAMP, rollback_sentence

if TYPE_CHECKING:
    from flows.champion_checkout import CheckedOut
    from flows.promotion import Moved

_EXIT_CODES: dict[CheckStatus, ExitCode] = {
    "holds": ExitCode.PROMOTE,
    "does_not_hold": ExitCode.REJECT,
    "not_checked": ExitCode.COULD_NOT_JUDGE,
}
_PROMOTED = {
    "fitted_model": "the fitted model that was judged, byte for byte",
    "recipe": "the recipe, fitted again on raw rows",
}


def show_moved(moved: "Moved", what: str, *, is_json: bool) -> None:
    """Print the champion that a move came to, and how long it took; on stderr what could not be told of it."""
    if moved.untold:
        click.echo(moved.untold, err=True)
    if is_json:
        as_json({"champion": moved.champion.model_dump(mode="json"), "flip_ms": moved.flip_ms, "seconds": moved.seconds})
        return
    click.echo(f"{moved.champion.model} version {moved.champion.version} {what}")
    _print_facts(moved.champion)
    flip = "the alias stood there already" if moved.flip_ms is None else f"the alias was set in {moved.flip_ms:.1f} ms"
    click.echo(f"\n{flip}; the whole took {moved.seconds:.1f} s")


def show_champion(standing: Championship, registry: Check, *, is_json: bool) -> int:
    """Print the champion, what the registry says, and every move; returns the exit code of the registry's word."""
    if is_json:
        found = standing.champion.model_dump(mode="json") if standing.champion else None
        as_json({"champion": found, "registry": registry.model_dump(mode="json"), **_history(standing)})
        return int(_EXIT_CODES[registry.status])
    if standing.champion is None:
        click.echo(f"{standing.model} has no champion yet")
    else:
        click.echo(f"{standing.model} version {standing.champion.version}, champion since {standing.champion.at_utc[:19]}Z")
        _print_facts(standing.champion)
    click.echo(f"registry   {registry.reason}")
    for told in _taken_back(standing):
        click.echo(f"verdict    {told}")
    if standing.moves:
        click.echo("")
        print_rows(("event", "time", "move", "version", "by", "what"), [_told(event) for event in standing.moves])
    return int(_EXIT_CODES[registry.status])


def show_checked_out(found: "CheckedOut", *, is_json: bool) -> None:
    """Print where the champion lies, what is there, and what could not be had."""
    if is_json:
        where = {"folder": str(found.folder), "commit": found.commit, "outputs": found.outputs, "missing": found.missing}
        as_json({"champion": found.champion.model_dump(mode="json"), **where})
        return
    champion = found.champion
    click.echo(f"{champion.model} version {champion.version}, champion since {champion.at_utc[:19]}Z, lies in {found.folder}")
    _print_facts(champion)
    click.echo("")
    told = {"params.yaml": "parameters and seeds", "data/pin.json": "what was read of the lake", "data/verdict.json": "the verdict"}
    here = {name: "from DVC, by hash" for name in found.outputs if name not in found.missing}
    there = {name: what for name, what in told.items() if (found.folder / name).exists()}
    print_rows(("there", "what"), (there | here).items())
    for name in found.missing:
        click.echo(f"missing    {name}: neither in DVC's cache nor on the remote shared")
    raw = "raw rows (data/snapshots), and " if "data/snapshots" in here else ""
    click.echo(
        f"private    outside the project now lie {raw}the remotes' settings, with their keys if they have any (.dvc/config.local)"
    )
    click.echo(f"\nverify     cd {found.folder} && windtunnel verify")
    click.echo(f"remove     git worktree remove --force {found.folder}")


def _print_facts(champion: Champion) -> None:
    click.echo(f"promoted   {_PROMOTED.get(champion.promoted, champion.promoted)}; view {champion.view}")
    if champion.check:
        click.echo(f"checked    {champion.check}")
    click.echo(f"verdict    {champion.verdict[:12]}, judged on {champion.part} of {champion.split}")
    if champion.compared_with:
        click.echo(f"compared   with {champion.compared_with}")
    click.echo(f"kept on    {champion.branch}")
    if champion.rubber_stamp:
        click.echo(RUBBER_STAMP)


def _history(standing: Championship) -> dict[str, object]:
    return {
        "before": [champion.model_dump(mode="json") for champion in standing.standing[:-1]],
        "unfinished": standing.unfinished.model_dump(mode="json") if standing.unfinished else None,
        "rolled_back": list(_taken_back(standing)),
        "moves": [event.model_dump(mode="json") for event in standing.moves],
    }


def _taken_back(standing: Championship) -> tuple[str, ...]:
    """Each verdict whose champion was rolled back and is not champion again."""
    found = ((verdict, find_rollback(standing.moves, verdict)) for verdict in standing.rolled_back)
    return tuple(f"{verdict[:12]} was rolled back. {rollback_sentence(rollback)}" for verdict, rollback in found if rollback)


def _told(event: Event) -> tuple[str, ...]:
    about = event.about
    told = about.get("reason") or (f"verdict {about['verdict'][:12]}" if "verdict" in about else "")
    version = about.get("version", "")
    return str(event.number), event.at_utc[:19] + "Z", f"{event.kind} {about.get('step', '')}", version, event.actor, told
