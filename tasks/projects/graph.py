"""A user's ``dvc.yaml``, derived from the one that this repository runs by.

What belongs here: the few differences between the two. What does not: any stage. In a user's project ``windtunnel stage``
takes the place of ``python -m tasks``, which would import a ``tasks.py`` of theirs, and one file, the version lock, takes the
place of the code that stages depend on.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

_SOURCE = Path(__file__).resolve().parents[1] / "shipped" / "pipeline.yaml"
_HERE = "python -m tasks "
_THERE = "windtunnel stage "
_CODE = re.compile(r"tasks/|requirements\.lock$")
_ONE_SPLIT = re.compile(r"data/splits/[^/$]+/manifest\.json$")
_HEADER = """\
# Written by `windtunnel init` and `windtunnel upgrade`, which write it anew: no place for changes of your own.
# After adding a split to params.yaml, run `windtunnel upgrade`: each split is named here.
"""


def project_graph(splits: Sequence[str]) -> str:
    """The content of ``dvc.yaml`` for a project whose params.yaml declares ``splits``."""
    graph = yaml.safe_load(_SOURCE.read_bytes())
    graph["stages"] = {name: _stage(stage, splits) for name, stage in graph["stages"].items()}
    return _HEADER + yaml.safe_dump(graph, sort_keys=False, width=4096, allow_unicode=True)


def _stage(stage: dict[str, Any], splits: Sequence[str]) -> dict[str, Any]:
    changed = {**stage, "cmd": _THERE + stage["cmd"].removeprefix(_HERE), "deps": _dependencies(stage["deps"], splits)}
    if "matrix" in stage:
        changed["matrix"] = {"name": list(splits)}
    return changed


def _dependencies(declared: Sequence[str], splits: Sequence[str]) -> list[str]:
    found: list[str] = []
    for path in declared:
        if _ONE_SPLIT.match(path):
            found += [f"data/splits/{name}/manifest.json" for name in splits]
        elif not _CODE.match(path):
            found.append(path)
    return list(dict.fromkeys([*found, "windtunnel.lock"]))
