"""The top of the command line: groups, help by section, and what every command shares (the project, errors)."""

import _thread
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType
from typing import Any

import click

from tasks.errors import ExitCode, ParameterError, WindtunnelError
from tasks.paths import ProjectPaths

SECTIONS = {
    "Start here": ("demo", "init", "run", "try", "gate", "verify", "report"),
    "Workflow server": ("up", "down", "status", "doctor"),
    "Release": ("policy", "approve", "promote", "rollback", "champion"),
    "More": ("data", "mask", "log", "pin", "stage", "upgrade", "demo-lake"),
}

_STOPPED = "stopped; nothing half-written is taken for whole, start again to go on"
_STOPPED_CODE = 130
PATIENCE_SECONDS = 30.0
"""So long may a command that was told to stop take for it; Prefect has been seen to go on waiting for minutes."""


class SectionedGroup(click.Group):
    """A group whose help lists its commands by section; a command in no section works but is not listed."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list of commands per section."""
        for section, names in SECTIONS.items():
            rows = [(name, command.get_short_help_str(90)) for name in names if (command := self.get_command(ctx, name))]
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command ``name``; the modules that define commands are imported here, once."""
        _load_commands()
        return super().get_command(ctx, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, hidden ones included, for completion."""
        _load_commands()
        return super().list_commands(ctx)


def _load_commands() -> None:
    from flows.cli import data, init, judge, mask, promote, run, service, sign  # noqa: F401 - importing registers the commands


@click.group(cls=SectionedGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="windtunnel")
def windtunnel() -> None:
    """Rehearse a model against production without touching production.

    \b
    Example:
      windtunnel demo                        the whole pipeline on real flights, ending in a verdict
      windtunnel try examples/calibrated.py  judge another challenger in seconds
      windtunnel gate --check                the verdict as an exit code: 0 promote, 1 reject, 2 could not judge, 3 inconclusive
    """


def project() -> ProjectPaths:
    """The project of the current folder or the nearest folder above it; the process moves there."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            os.chdir(folder)
            return ProjectPaths(folder)
    raise ParameterError(
        str(here),
        found="no params.yaml beside a dvc.yaml, here or above",
        expected="a Windtunnel project",
        next_step="cd to the project; windtunnel init makes one",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; errors that a user can mend are printed without a traceback, with exit code 2."""
    for number in (signal.SIGINT, signal.SIGTERM):  # in both cases what was started is stopped too
        signal.signal(number, _stop)
    try:
        code = windtunnel.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except click.exceptions.Abort:
        click.echo(f"\n{_STOPPED}", err=True)
        sys.exit(_STOPPED_CODE)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.COULD_NOT_JUDGE)
    except WindtunnelError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.COULD_NOT_JUDGE)
    except Exception as error:
        click.echo(f"error: {type(error).__name__}: this is a bug in Windtunnel; its traceback is in {_write_crash()}", err=True)
        sys.exit(ExitCode.COULD_NOT_JUDGE)
    sys.exit(code if isinstance(code, int) else 0)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Let the command stop in order, and end the process if that does not come to an end."""
    # Not by ``threading``: a handler of signals may take no lock that whoever it interrupts may hold.
    _thread.start_new_thread(_end_anyway, ())
    raise KeyboardInterrupt


def _end_anyway() -> None:
    """End this process after PATIENCE_SECONDS as ``kill -9`` would, which leaves nothing behind; stages are ended first."""
    time.sleep(PATIENCE_SECONDS)
    if "flows.stage_runner" in sys.modules:
        from flows.stage_runner import stop_running_stages

        stop_running_stages()
    os.write(sys.stderr.fileno(), f"\n{_STOPPED}\n".encode())
    os._exit(_STOPPED_CODE)


def _write_crash() -> Path:
    folder = Path.cwd() / ".windtunnel"
    folder.mkdir(exist_ok=True)
    path = folder / f"crash-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}.log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(traceback.format_exc())
    return path


json_option = click.option("--json", "is_json", is_flag=True, help="Print as JSON.")
"""The flag that every command has which prints; a test holds them to it."""
view_option = click.option(
    "--view",
    type=click.Choice(["masked", "raw"]),
    default="masked",
    show_default=True,
    help="The view that a stored model was trained on, or that brought scores were computed on.",
)
"""What goes with a challenger that is named on the command line."""


def as_json(value: Any) -> None:
    """Print ``value`` as JSON."""
    import json

    click.echo(json.dumps(value, indent=1, sort_keys=True))
