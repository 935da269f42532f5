"""Projects of users: making one around a lake and a label, and bringing one to the installed version."""

import click

from flows.cli.root import as_json, project, windtunnel


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
