"""The ``windtunnel`` command: one command per flow or task, no logic.

What belongs here: words, options, progress and rendering. What does not: decisions. Heavy libraries are imported inside the
commands that need them, so that ``--help`` answers at once.
"""

from flows.cli.root import main

__all__ = ["main"]
