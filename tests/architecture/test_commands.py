"""Every command of the command line is one that a script can read and a newcomer can follow."""

from collections.abc import Iterator

import click
import pytest

from flows.cli.root import windtunnel

WRITES_NOTHING_TO_READ = {"stage"}
"""Commands that DVC calls, whose output is a log."""


def _commands(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for child in group.list_commands(context):
        command = group.get_command(context, child)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{name}{child} ")
            if command.invoke_without_command:
                yield f"{name}{child}", command
        elif command is not None:
            yield f"{name}{child}", command


COMMANDS = dict(_commands(windtunnel))


def test_there_are_commands() -> None:
    """What the other tests go over is not empty."""
    assert {"run", "gate", "data refresh"} <= set(COMMANDS)


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - WRITES_NOTHING_TO_READ))
def test_all_that_prints_has_json(name: str) -> None:
    """`--json` is there."""
    assert "--json" in [option for parameter in COMMANDS[name].params for option in parameter.opts]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_has_an_example(name: str) -> None:
    """The help ends in an example that names the command."""
    assert f"windtunnel {name}" in (COMMANDS[name].help or "").partition("Example:")[2]
