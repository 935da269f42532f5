"""The command line, told to stop."""

import signal
import subprocess
import sys

import pytest

STUBBORN = """
import time
from flows.cli import root

root.PATIENCE_SECONDS = 0.5

@root.windtunnel.command("stubborn")
def stubborn():
    while True:
        try:
            print("at work", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            pass

root.main(["stubborn"])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_command_that_does_not_stop_is_ended(number: signal.Signals) -> None:
    """Whatever holds it, it ends after a while, with the exit code and the words of a command that was stopped."""
    command = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert command.stdout is not None
    assert command.stdout.readline() == "at work\n"
    command.send_signal(number)
    said = command.communicate(timeout=120)[1]
    assert command.returncode == 130
    assert said.strip().startswith("stopped; nothing half-written")
