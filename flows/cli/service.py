"""The workflow server: up, down, status, doctor."""

import click

from flows.cli.root import as_json, json_option, project, windtunnel


@windtunnel.command(short_help="Start the Prefect server, worker and deployments.")
@click.option("--port", type=int, default=None, help="Port on loopback; 0 chooses one. Default: 4200, or a free one.")
@json_option
def up(port: int | None, is_json: bool) -> None:
    """Start the Prefect server, a worker and the deployments (nightly refresh included).

    \b
    Example: windtunnel up && open http://127.0.0.1:4200
    """
    from flows.server import up as start

    paths = project()
    server = start(paths.root, port)
    if is_json:
        as_json({"ui": server.ui_url, "api": server.api_url})
        return
    click.echo(f"Prefect UI   {server.ui_url}")
    click.echo("deployed     refresh_data (nightly), evaluate_candidate, release_gate")
    click.echo("stop         windtunnel down")


@windtunnel.command(short_help="Stop what `up` started.")
@json_option
def down(is_json: bool) -> None:
    """Stop the server and the worker that `windtunnel up` started.

    \b
    Example: windtunnel down
    """
    from flows.server import down as stop

    is_stopped = stop(project().root)
    if is_json:
        as_json({"is_stopped": is_stopped})
    else:
        click.echo("stopped" if is_stopped else "nothing was running")


@windtunnel.command(short_help="What runs, what is stale, the last verdict.")
@json_option
def status(is_json: bool) -> None:
    """Tell what is running, which stages are stale, and the last verdict.

    \b
    Example: windtunnel status --json
    """
    from flows.process_groups import is_group_alive
    from flows.rolled_back import told_rollback
    from flows.server import find_server
    from flows.stage_graph import plan_stages
    from flows.verdict_store import find_looks, newest_verdict
    from flows.worktrees import refreshes
    from tasks.reporting import looks_sentence, notes_on, standing_sentence

    paths = project()
    server = find_server(paths.root)
    stages = plan_stages(paths.root)
    stale = [stage.address for stage in stages if stage.is_stale]
    landed = refreshes(paths.root)
    found: dict[str, object] = {
        "server": server.ui_url if server else None,
        "is_worker_running": server is not None and is_group_alive(server.worker_pid),
        "stages": len(stages),
        "stale": stale,
        "refreshes": list(landed),
        "decision": None,
        "rubber_stamp": None,
        "rehearsal": None,
        "looks_left": None,
        "rolled_back": None,
    }
    told: list[str] = []
    if (stored := newest_verdict(paths.root)) is not None:
        verdict, look = stored.verdict, find_looks(paths, stored.verdict, stored.receipt)
        rolled_back = told_rollback(paths.root, stored)
        found |= {"decision": "not_judged" if rolled_back else verdict.standing(look), "rolled_back": rolled_back or None}
        found |= {"rubber_stamp": verdict.rubber_stamp, "rehearsal": verdict.rehearsal, "looks_left": look.left if look else None}
        taken_back = f"ROLLED BACK: {rolled_back}" if rolled_back else ""
        told = [line for line in (taken_back, standing_sentence(verdict, look), *notes_on(verdict), looks_sentence(look)) if line]
    if is_json:
        as_json(found)
        return
    click.echo(f"server       {found['server'] or 'not running (windtunnel up)'}")
    if server and not found["is_worker_running"]:
        click.echo("worker       not running: nothing will be refreshed (windtunnel up)")
    click.echo(
        f"stages       {len(stages) - len(stale)} of {len(stages)} up to date" + (f"; stale: {', '.join(stale)}" if stale else "")
    )
    click.echo(f"refreshes    {', '.join(landed[-3:]) or 'none yet'}")
    click.echo(f"decision     {found['decision'] or 'none yet (windtunnel run)'}")
    for line in told:
        click.echo(f"             {line}")


@windtunnel.command(short_help="Check everything that a run needs.")
@json_option
def doctor(is_json: bool) -> int:
    """Check everything a run needs; exit code 0 where all is well, 2 otherwise.

    \b
    Example: windtunnel doctor
    """
    from dataclasses import asdict

    from flows.doctor import examine

    findings = examine(project())
    if is_json:
        as_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(
                f"  {'ok  ' if finding.is_well else 'NOT '} {finding.name:<16} {finding.found}"
                + (f"\n       next: {finding.next_step}" if finding.next_step else "")
            )
    return 0 if all(finding.is_well for finding in findings) else 2
