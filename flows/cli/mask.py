"""Masking: what happens to each column, a masked sample, and the key's rotation."""

from pathlib import Path

import click

from flows.cli.root import as_json, json_option, project, windtunnel


@windtunnel.group()
def mask() -> None:
    """Masking: explain the policy, preview it, rotate the key.

    \b
    Example: windtunnel mask explain
    """


@mask.command("explain")
@click.argument("place", required=False, metavar="[TABLE[.COLUMN]]")
@json_option
def explain(place: str | None, is_json: bool) -> None:
    """Say what happens to each column and why, undeclared columns included.

    \b
    Example: windtunnel mask explain bookings
             windtunnel mask explain bookings.email
    """
    from flows.cli.tables import print_rows
    from tasks.masking import explain_columns, explain_suppression
    from tasks.params import load_params

    params = load_params(project().params)
    treatments = explain_columns(params.masking, params.snapshot.tables, place)
    if is_json:
        as_json([treatment.model_dump(mode="json") for treatment in treatments])
        return
    print_rows(
        ("column", "class", "transform", "domain", "reason"),
        [(f"{t.table}.{t.column}", t.column_class, t.transform, t.domain or "", t.reason) for t in treatments],
    )
    for sentence in explain_suppression(params.masking, place):
        click.echo(f"\n{sentence}")
    undeclared = sum(treatment.column_class == "undeclared" for treatment in treatments)
    if undeclared:
        click.echo(f"\n{undeclared} of {len(treatments)} columns are named by no policy, and so dropped")
    click.echo("\nmasked data is pseudonymised and still personal data: see docs/masking.md")


@mask.command("preview")
@click.argument("table")
@click.option("--rows", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many rows to show.")
@json_option
def preview(table: str, rows: int, is_json: bool) -> None:
    """Show the first rows of a table as masking makes them, and nothing of the raw ones. Needs the masking key.

    \b
    Example: windtunnel mask preview bookings --rows 3
    """
    from flows.cli.tables import print_rows
    from tasks.keyholding.preview import preview_table
    from tasks.params import load_params

    paths = project()
    sample = preview_table(paths, load_params(paths.params), table, rows)
    records = [{name: None if cell is None else str(cell) for name, cell in row.items()} for row in sample.to_pylist()]
    if is_json:
        as_json({"table": table, "columns": sample.column_names, "rows": records})
        return
    print_rows(sample.column_names, [[cell or "" for cell in row.values()] for row in records])


@mask.command("rotate")
@click.option("--id", "new_id", default=None, help="The new key's public name. Default: the present one's, counted on.")
@json_option
def rotate(new_id: str | None, is_json: bool) -> None:
    """Change the masking key: a new one is made and named in params.yaml, the old one stays where it is.

    Needs the present key. Splits do not move. If it is interrupted, call it again: it goes on where it stopped.

    \b
    Example: windtunnel mask rotate
    """
    from flows.key_rotation import rotate_key
    from tasks.keyholding.rotation import is_handed_over
    from tasks.params import load_params

    paths = project()
    rotation = rotate_key(paths, new_id)
    is_moved_by_hand = is_handed_over(load_params(paths.params))
    if is_json:
        as_json({**rotation.model_dump(mode="json"), "is_handed_over": is_moved_by_hand})
        return
    click.echo(f"new key  {rotation.new_id} in {rotation.new_file} (mode 0600; keep a copy in a safe place)")
    where = rotation.old_file or "the place it came from"
    click.echo(f"old key  {rotation.old_id} in {where}: keep it as long as old tokens are to be bridged")
    if is_moved_by_hand:
        click.echo(
            "next     put the new key where the old one came from and delete its file; until then every stage that masks refuses"
        )
    click.echo(
        f"next     git commit -m 'Masking key {rotation.new_id}' params.yaml && windtunnel run   (all is masked anew; splits stay)"
    )


@mask.command("bridge")
@click.argument("domain")
@click.option(
    "--old-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The old key's file. Default: where the last rotation left it.",
)
@click.option("--old-id", default=None, help="The old key's id, where this project has no record of the rotation.")
@json_option
def bridge(domain: str, old_file: Path | None, old_id: str | None, is_json: bool) -> None:
    """Write which new token stands for which old one, for the values of a domain. Needs both keys.

    The file joins old masked data with new: it is for the key's holder alone (mode 0600), and never shared.

    \b
    Example: windtunnel mask bridge passenger
    """
    from tasks.keyholding.bridge import build_bridge
    from tasks.params import load_params

    file = old_file.absolute() if old_file else None
    paths = project()
    built = build_bridge(paths, load_params(paths.params), domain, old_file=file, old_id=old_id)
    if is_json:
        as_json(built.model_dump(mode="json"))
        return
    click.echo(f"{built.tokens:,} tokens of {built.domain} ({', '.join(built.columns)}), from key {built.old_id} to {built.new_id}")
    click.echo(f"{built.path} (mode 0600): delete it when it has been used")


@mask.command("search")
@json_option
def search(is_json: bool) -> int:
    """Search every byte of every output for the marker rows that lie in the restricted zone. Exit code 1: a marker was found.

    Data, models, reports, logs, DVC's cache and shared remote, and the local Prefect server's database; packed files are unpacked.

    \b
    Example: windtunnel mask search
    """
    import time

    from flows.cli.progress import show_bytes
    from tasks.keyholding.search import search_project
    from tasks.params import load_params

    paths = project()
    began = time.perf_counter()
    with show_bytes("searching") as tell:
        found = search_project(paths, load_params(paths.params), tell)
    seconds = max(time.perf_counter() - began, 1e-9)
    if is_json:
        as_json(found.model_dump(mode="json"))
        return int(bool(found.hits))
    click.echo(
        f"{found.files:,} files, {found.bytes / 1e6:,.1f} MB in {seconds:.1f} s ({found.bytes / 1e6 / seconds:,.0f} MB/s); "
        f"{found.unchanged:,} stored objects were searched before"
    )
    click.echo(f"markers of {len(found.columns)} columns: {', '.join(found.columns)}")
    for column, why in found.without.items():
        click.echo(f"no marker in {column}: {why}")
    for place in found.not_searched:
        click.echo(f"not searched: {place}")
    for hit in found.hits:
        click.echo(f"FOUND  {hit.column} in {hit.file}{f' ({hit.part})' if hit.part else ''}")
    click.echo("no marker was found" if not found.hits else "raw values got out: find what wrote these files; see docs/masking.md")
    return int(bool(found.hits))
