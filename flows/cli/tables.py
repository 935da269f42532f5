"""Rows of text as a table on the terminal."""

import shutil
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_UNLIMITED = 10_000
"""Where nobody looks at a terminal, no row is broken: a script reads lines."""


def print_rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print ``rows`` under ``header``."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(escape(name), overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    Console(width=shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNLIMITED, highlight=False).print(table)
