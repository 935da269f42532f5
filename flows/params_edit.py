"""Changing single values of ``params.yaml`` in a run's own worktree; comments and order stay.

What belongs here: the few edits that a run makes (as of, challenger, split). What does not: reading parameters.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tasks.datasets import write_atomically
from tasks.params import load_params


def edit_params(path: Path, changes: Mapping[str, Any]) -> None:
    """Set each dotted key of ``changes`` in the YAML file ``path``; the result must still load as parameters."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    content = yaml.load(path.read_text())
    for dotted, value in changes.items():
        *parents, last = dotted.split(".")
        section = content
        for name in parents:
            section = section[name]
        section[last] = value
    buffer = io.StringIO()
    yaml.dump(content, buffer)
    write_atomically(path, buffer.getvalue().encode())
    load_params(path)
