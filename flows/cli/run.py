"""Runs: the demo, the whole pipeline, a challenger; and single steps by hand."""

import os
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.progress import show_stages
from flows.cli.root import as_json, json_option, project, view_option, windtunnel
from tasks.paths import ProjectPaths

if TYPE_CHECKING:
    from tasks.params.models import View

MOMENT = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z"])


def require_settings(paths: ProjectPaths) -> None:
    """Tell a mistake in the parameters, or a key that could not sign the verdict, at once: not once a run has taken its minutes."""
    from tasks.credentials import SIGNING_KEY
    from tasks.params import load_params

    load_params(paths.params)
    if os.environ.get(SIGNING_KEY):
        from flows.signatures import require_usable_key

        require_usable_key(paths)


def _run_here(paths: ProjectPaths) -> str:
    """Run the pipeline in the project's folder under Prefect; returns the decision."""
    from flows.server import reach_api

    require_settings(paths)
    with reach_api(paths.root, meanwhile=partial(import_module, "flows.run_pipeline")):
        from flows.run_pipeline import run_pipeline

        with show_stages(paths.root):
            return run_pipeline()


def _tell(line: str) -> None:
    click.echo(f"  {line}", err=True)


@windtunnel.command(short_help="The whole pipeline on real flights, to a verdict.")
@json_option
def demo(is_json: bool) -> None:
    """Build the demo's production, run the whole pipeline on it, and show the verdict (exit code 0 whatever it is).

    \b
    Example: windtunnel demo
    """
    from flows.cli.render import show_next_steps, show_verdict
    from flows.production import prepare_demo
    from flows.verdict_store import published_page

    paths = project()
    click.echo("1/3  the demo's production lake: real flights of 2013, synthetic passengers", err=True)
    prepare_demo(paths, tell=_tell)
    click.echo("2/3  the pipeline, under Prefect", err=True)
    _run_here(paths)
    click.echo("3/3  the verdict\n", err=True)
    show_verdict(paths, paths.verdict, published_page(paths), is_json=is_json)
    if not is_json:
        show_next_steps()


@windtunnel.command("demo-lake", short_help="Build the demo's production, or let it grow.")
@click.option("--as-of", type=MOMENT, default=None, help="The moment the lake has reached, UTC. Default: as params.yaml says.")
@json_option
def demo_lake(as_of: datetime | None, is_json: bool) -> None:
    """Build the demo's production lake, or let it grow to a later moment.

    \b
    Example: windtunnel demo-lake --as-of 2013-11-01
    """
    from flows.production import as_text, prepare_demo

    reached = as_text(prepare_demo(project(), as_of, _tell))
    if is_json:
        as_json({"as_of_utc": reached})
    else:
        click.echo(f"the demo's production has reached {reached}")


@windtunnel.command(short_help="Write down what production holds: data/pin.json.")
@json_option
def pin(is_json: bool) -> None:
    """Look at production once and write down what is there: data/pin.json.

    \b
    Example: windtunnel pin && dvc repro
    """
    from flows.server import prepare_environment

    paths = project()
    prepare_environment(paths.root)
    from flows.pin_production import pin_project, pin_summary

    pinned = pin_project(paths)
    if is_json:
        click.echo(pinned.to_json(), nl=False)
    else:
        click.echo(pin_summary(pinned))


@windtunnel.command(
    short_help="One stage, as dvc.yaml calls it.", add_help_option=False, context_settings={"ignore_unknown_options": True}
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def stage(words: tuple[str, ...]) -> int:
    """Run one stage of the pipeline in the current folder's project; `dvc repro` calls this.

    \b
    Example: windtunnel stage split by_time
    """
    from tasks.__main__ import main

    return main(words, program="windtunnel stage")


@windtunnel.command(short_help="The whole pipeline; the exit code is the verdict's.")
@click.option(
    "--challenger", default=None, help="Judge this file (.py, .skops, .parquet, .csv) or MLflow URI, in a worktree of its own."
)
@view_option
@click.option("--split", default=None, help="Judge on this split, in a worktree of its own.")
@click.option("--reason", default="asked for on the command line", help="Why; kept in the commit.")
@json_option
def run(challenger: str | None, view: "View", split: str | None, reason: str, is_json: bool) -> int:
    """Run the whole pipeline and judge the challenger; the exit code is the verdict's (0 promote, 1 reject, 2, 3).

    \b
    Example: windtunnel run
             windtunnel run --challenger examples/calibrated.py
             windtunnel run --challenger models:/late-flights@candidate
    """
    from flows.cli.render import show_verdict
    from flows.verdict_store import published_page

    paths = project()
    if challenger is None and split is None:
        _run_here(paths)
        return show_verdict(paths, paths.verdict, published_page(paths), is_json=is_json)
    folder = _run_candidate(paths, challenger, split, reason, view)
    code = show_verdict(paths, folder / "verdict.json", folder / "report.html", is_json=is_json)
    if not is_json:
        click.echo(f"landed  {folder.relative_to(paths.results).as_posix()}")
    return code


def _run_candidate(paths: ProjectPaths, challenger: str | None, split: str | None, reason: str, view: "View") -> Path:
    """Judge a candidate in a worktree of its own; returns the folder that its results were copied to."""
    from flows.server import reach_api

    require_settings(paths)
    named = str(Path(challenger).absolute()) if challenger and Path(challenger).exists() else challenger
    with reach_api(paths.root, meanwhile=partial(import_module, "flows.evaluate_candidate")):
        from flows.evaluate_candidate import evaluate_candidate

        with show_stages(paths.root):
            branch = evaluate_candidate(challenger=named, split=split, reason=reason, view=view)
    return paths.results / branch


@windtunnel.command("try", short_help="Judge a challenger in seconds; nothing is written.")
@click.argument("challenger", required=False)
@view_option
@json_option
def try_file(challenger: str | None, view: "View", is_json: bool) -> int:
    """Judge a challenger on the validation part, in seconds: nothing is written, the test part is not looked at.

    CHALLENGER is a Python file that defines a scikit-learn estimator called `estimator`, a stored model (.skops), scores of the
    validation part (.parquet, .csv), or the URI of a model in MLflow; without it, the challenger of params.yaml.

    \b
    Example: windtunnel try examples/calibrated.py
    """
    from flows.cli.render import show_trial
    from flows.looks_left import find_looks_left
    from tasks.credentials import forget_credentials, take_model_keys
    from tasks.params import load_params
    from tasks.trial import try_challenger

    keys = take_model_keys(os.environ)
    forget_credentials(os.environ)  # the file is somebody's code, and runs in this process
    paths = project()
    trial = try_challenger(paths, load_params(paths.params), challenger, view, keys)
    return show_trial(trial, find_looks_left(paths), is_json=is_json)
