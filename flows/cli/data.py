"""Data: what is pinned and written, and the refresh of all of it."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path

import click

from flows.cli.progress import show_stages
from flows.cli.root import as_json, json_option, project, windtunnel
from flows.cli.run import MOMENT
from tasks.paths import ProjectPaths


@windtunnel.group()
def data() -> None:
    """Datasets: list them, refresh them."""


@data.command("list")
@json_option
def list_datasets(is_json: bool) -> None:
    """List the datasets under data/ with rows, partitions and logical hash.

    \b
    Example: windtunnel data list
    """
    from tasks.datasets import MANIFEST, read_manifest

    paths = project()
    rows = []
    for path in sorted(paths.data.rglob(MANIFEST)):
        manifest = read_manifest(path.parent, made_by=path.parent.name)
        partitions = [partition for table in manifest.tables.values() for partition in table.partitions]
        rows.append(
            {
                "dataset": path.parent.relative_to(paths.root).as_posix(),
                "tables": len(manifest.tables),
                "partitions": len(partitions),
                "rows": sum(partition.rows for partition in partitions),
                "logical_hash": manifest.logical_hash,
            }
        )
    if is_json:
        as_json(rows)
        return
    for row in rows or ():
        click.echo(
            f"{row['dataset']:<26} {row['rows']:>12,} rows {row['partitions']:>6,} partitions  {str(row['logical_hash'])[:12]}"
        )
    if not rows:
        click.echo("nothing yet: windtunnel run")


@data.command("refresh")
@click.option(
    "--as-of", type=MOMENT, default=None, help="The moment to look at, UTC. Default: now (the demo: its next unseen day)."
)
@click.option("--reason", default="asked for on the command line", help="Why; kept in the commit.")
@json_option
def refresh(as_of: datetime | None, reason: str, is_json: bool) -> None:
    """Refresh everything in a worktree of its own and land it as a commit on data/<date>.

    \b
    Example: windtunnel data refresh --reason "new week"
    """
    from flows.cli.render import show_verdict
    from flows.cli.run import require_settings
    from flows.server import reach_api

    paths = project()
    require_settings(paths)
    with reach_api(paths.root, meanwhile=partial(import_module, "flows.refresh_data")):
        from flows.refresh_data import refresh_data

        with show_stages(paths.root):
            branch = refresh_data(as_of_utc=as_of, reason=reason)
    folder = paths.results / branch
    if is_json:
        as_json({"branch": branch, "verdict": str(folder / "verdict.json"), "report": str(folder / "report.html")})
        return
    show_verdict(paths, folder / "verdict.json", folder / "report.html")
    click.echo(f"landed  {branch} (git show --stat {branch})")


@contextmanager
def _newest_data(paths: ProjectPaths) -> Iterator[ProjectPaths]:
    """The newest data in a worktree of its own, as a candidate is judged on it."""
    from flows.server import prepare_environment
    from flows.worktrees import open_worktree

    prepare_environment(paths.root)
    with open_worktree(paths.root, "export-rows") as tree:
        yield tree.paths


@data.command("export-rows")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write: Parquet, or .csv.")
@click.option("--split", default=None, help="The split. Default: the one that is judged.")
@click.option("--part", default=None, help="The part, also `not PART`. Default: the one that is judged.")
@click.option("--label", "with_label", is_flag=True, help="With labels; refused for rows that are judged.")
@click.option(
    "--newest", "is_newest", is_flag=True, help="Of the newest data, refreshes included: what `run --challenger` judges on."
)
@json_option
def export_rows(out: Path, *, split: str | None, part: str | None, with_label: bool, is_newest: bool, is_json: bool) -> None:
    """Write the masked features of a part's rows to a file, for a model that scores them elsewhere.

    \b
    Example: windtunnel data export-rows --out rows.parquet
             windtunnel data export-rows --part train --label --out train.parquet
    """
    from tasks.export import export_rows as export
    from tasks.params import load_params

    place = out.absolute()
    paths = project()
    with _newest_data(paths) if is_newest else nullcontext(paths) as source:
        rows = export(source, load_params(source.params), place, split=split, part=part, with_label=with_label)
    if is_json:
        as_json({"path": str(place), "rows": rows.num_rows, "columns": rows.column_names})
        return
    click.echo(f"{out}: {rows.num_rows:,} rows, {', '.join(rows.column_names)}")
