"""What an adversary found, on the terminal.

What belongs here: words for cheats and what became of them. What does not: cheating.
"""

import click

from flows.cli.root import as_json
from flows.cli.tables import print_rows
from tasks.errors import ExitCode
from tasks.records import CheatOutcome, FoolReport, LooksLeft
from tasks.reporting import left_sentence

_HEAD = ("cheat", "cheapest attempt that the criteria pass", "got through", "what stopped it")
_DOORS = {
    "recipe": "as any recipe",
    "feature": "as a feature",
    "score_file": "as a score file",
    "stored_model": "as a stored model",
    "predictions": "as an edit of the predictions",
    "params_champion": "as another models.champion",
    "params_split": "as another split",
    "params_seed": "as another seed in params.yaml",
}


def show_fool(found: FoolReport, left: LooksLeft | None, *, is_json: bool) -> int:
    """Print what became of each cheat; the exit code: 1 where one got through."""
    if is_json:
        more = {"got_through": [cheat.name for cheat in found.cheats if cheat.got_through]}
        as_json(found.model_dump(mode="json") | more | {"looks_left": left.left if left else None})
    else:
        click.echo(
            f"the bad model: the challenger, with {100 * found.bad_share:.3g} % of its scores worthless, on {found.rows:,} rows of "
            f"{found.split}/{found.part}\n"
        )
        print_rows(_HEAD, [fool_cells(cheat) for cheat in found.cheats])
        click.echo(f"\n{found.note}\n{left_sentence(left)}")
    return int(ExitCode.REJECT if any(cheat.got_through for cheat in found.cheats) else ExitCode.PROMOTE)


def fool_cells(cheat: CheatOutcome) -> tuple[str, ...]:
    """A cheat as cells of a table: its name, its cheapest attempt, whether it got through, and what stopped it."""
    if cheat.cheapest is None:
        last = f"none of {len(cheat.tried)}, up to {_amount(cheat.tried[-1], cheat.unit)}"
        return cheat.name, last, "no", "; ".join(cheat.criteria)
    told = [f"{_DOORS[tried.door]}: {tried.stopped_by or 'nothing'}" for tried in cheat.doors]
    return cheat.name, _amount(cheat.cheapest, cheat.unit), "YES" if cheat.got_through else "no", "; ".join(told)


def _amount(cost: float, unit: str) -> str:
    if unit.startswith("share of "):
        return f"{100 * cost:.3g} % of {unit.removeprefix('share of ')}"
    return f"{cost:g} {unit}" if unit != "shift" else f"a shift of {cost:g}"
