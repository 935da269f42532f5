"""Projects of users: making one around a lake and a label, and bringing one to the installed version."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.root import as_json, project, windtunnel

if TYPE_CHECKING:
    from tasks.founding import Founded
    from tasks.projects.classes import Classed

_MOST_COLUMNS = 60
"""Columns up to which each has a line of its own."""


@windtunnel.command(short_help="A project of your own around a lake and a label.")
@click.option("--into", type=click.Path(path_type=Path), required=True, help="The folder to make; new or empty.")
@click.option("--lake", required=True, help="A folder, or s3://bucket/prefix.")
@click.option("--label", required=True, help="The column to predict.")
@click.option("--table", default=None, help="The table that holds it. Default: the only one with such a column.")
@click.option(
    "--task", type=click.Choice(["binary", "multiclass", "regression"]), default=None, help="Default: by the label's values."
)
@click.option("--key", multiple=True, help="The column (more than once: the columns) that tells rows apart.")
@click.option("--entity", default=None, help="The column that says whose rows they are, such as a customer.")
@click.option("--time", default=None, help="The column that says when a row happened.")
@click.option("--known", default=None, help="The column that says when a row, and its label, became known.")
@click.option("--production-score", "score", default=None, help="The column with the score of the model in production.")
@click.option("--k", default=5, show_default=True, type=click.IntRange(2, 1000), help="No person in a crowd below k (k-anonymity).")
@click.option(
    "--s3-endpoint",
    default=None,
    envvar=["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
    show_envvar=True,
    help="Where the store of a lake on S3 is served, if not by AWS.",
)
@click.option(
    "--s3-region", default=None, envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], show_envvar=True, help="The region of a lake on S3."
)
@click.option("--json", "is_json", is_flag=True, help="Print as JSON.")
def init(into: Path, lake: str, is_json: bool, **wishes: Any) -> None:
    """Make a project of your own: a guess for everything but lake and label, with its reason, and a flag to give it instead.

    \b
    Example: windtunnel init --into churn --lake /data/lake --label churned
             windtunnel init --into late --lake s3://prod/lake --label is_late --entity tailnum --time scheduled_utc
    """
    from flows.new_project import found, make_project

    founded = found(into, lake, wishes)
    make_project(founded, into)
    if is_json:
        as_json(_as_values(founded, into))
    else:
        _tell(founded, into)


def _as_values(founded: "Founded", into: Path) -> dict[str, Any]:
    columns = {
        c.name: {"class": c.column_class, "masked": founded.policy.words(c.name), "evidence": c.evidence}
        for c in founded.classed.values()
    }
    anonymity = founded.generalisation
    return {
        "project": str(into),
        "table": founded.table,
        "rows": founded.rows,
        "guessed": founded.roles.reasons,
        "columns": columns,
        "k_anonymity": {"k": anonymity.k, "rows_below_before": anonymity.below_before, "rows_below": anonymity.below},
        "excluded": dict(founded.excluded),
        "left_out": list(founded.left_out),
        "joins": {join.table: {"is_declared": join.is_declared, "found": join.words()} for join in founded.joins},
        "features": list(founded.proposal.features),
        "masking_key": str(founded.key),
        "next": f"cd {into} && windtunnel run",
    }


def _worth_showing(founded: "Founded") -> list["Classed"]:
    """All columns of a table of ordinary width; of a wide one those that are not plainly kept."""
    columns = list(founded.classed.values())
    if len(columns) <= _MOST_COLUMNS:
        return columns
    return [column for column in columns if column.is_needed or founded.policy.words(column.name) != "kept"]


def _tell(founded: "Founded", into: Path) -> None:
    from tasks.founding import anonymity_words

    click.echo(f"table {founded.table}: {founded.rows:,} rows looked at, {len(founded.classed)} columns\n\nguessed")
    for role, reason in founded.roles.reasons.items():
        click.echo(f"  {role:<18} {reason}")
    click.echo("\nmasked")
    shown = _worth_showing(founded)
    width = max(len(column.name) for column in shown)
    for column in shown:
        click.echo(f"  {column.name:<{width}}  {column.column_class:<10} {founded.policy.words(column.name):<24} {column.evidence}")
    if len(shown) < len(founded.classed):
        click.echo(f"  and {len(founded.classed) - len(shown):,} more, all safe and kept: README.md of the project names each")
    click.echo(f"  {anonymity_words(founded.generalisation)}")
    for title, lines in (
        ("excluded from the features", [f"{name}: {why}" for name, why in founded.excluded.items()]),
        ("left out", list(founded.left_out)),
        ("other tables of the lake", [f"{join.table}: {join.words()}" for join in founded.joins]),
    ):
        if lines:
            click.echo(f"\n{title}")
            for line in lines:
                click.echo(f"  {line}")
    click.echo(f"\nfeatures             {len(founded.proposal.features)}: {', '.join(list(founded.proposal.features)[:12])}")
    click.echo(f"masking key          {founded.key} (mode 0600; keep a copy in a safe place)")
    click.echo(f"next                 cd {into} && windtunnel run")


@windtunnel.command(short_help="Bring this project to the installed version of Windtunnel.")
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@click.option("--json", "is_json", is_flag=True, help="Print as JSON.")
def upgrade(dry_run: bool, is_json: bool) -> None:
    """Bring a project that `windtunnel init` made to the installed version, and show what changes.

    Parameters, suites and results stay as they are. Also after adding a split to params.yaml: dvc.yaml names each.

    \b
    Example: windtunnel upgrade --dry-run
    """
    from tasks.projects.upgrade import carry_out, plan_upgrade

    paths = project()
    changes = plan_upgrade(paths)
    if not dry_run:
        carry_out(paths, changes)
    if is_json:
        as_json({"changed": [change.path for change in changes], "is_written": not dry_run})
        return
    for change in changes:
        click.echo(change.diff)
    done = "would change" if dry_run else "written"
    names = ", ".join(change.path for change in changes)
    click.echo(f"{done}: {names}" if changes else "nothing to do: this project is as the installed version makes it")
