"""Executing a notebook's code cells as a reader would, without a kernel."""

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run_notebook(name: str, project: Path) -> dict[str, Any]:
    """Every name that the notebook's cells leave behind, executed in order in ``project``."""
    cells = json.loads((ROOT / "notebooks" / name).read_text())["cells"]
    left: dict[str, Any] = {}
    before = Path.cwd()
    os.chdir(project)
    try:
        for number, cell in enumerate(cells):
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), f"{name}, cell {number}", "exec"), left)
    finally:
        os.chdir(before)
    return left
