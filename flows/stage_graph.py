"""What DVC knows of the pipeline: its stages, their order, and which of them are stale.

What belongs here: questions to DVC's own index. What does not: Prefect, and running anything. ``dvc.yaml`` stays the only
graph; nothing here repeats an edge of it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import networkx
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.stage import PipelineStage

from tasks.errors import StageError


@dataclass(frozen=True)
class PlannedStage:
    """One stage of ``dvc.yaml``: its address, the addresses it waits for, and whether it has to run."""

    address: str
    upstream: tuple[str, ...]
    is_stale: bool


@dataclass(frozen=True)
class StageOutput:
    """One output of a stage as ``dvc.lock`` records it; sizes are bytes."""

    path: str
    md5: str
    size: int
    files: int


def plan_stages(root: Path, targets: Sequence[str] = ()) -> tuple[PlannedStage, ...]:
    """The stages that ``targets`` (all, if none are named) need, upstream first, each with its staleness.

    DVC is asked once. A stage below a stale one counts as stale: whether it runs is decided when its turn comes. Raises
    :class:`~tasks.errors.StageError` where ``dvc.yaml`` cannot be read, a target is unknown, or another DVC run holds the lock.
    """
    logging.getLogger("dvc").setLevel(logging.ERROR)  # its warnings would tear the progress display apart
    try:
        with Repo(str(root)) as repo:
            graph = repo.index.graph
            status = repo.status()
            changed = {stage.name for stage in graph.nodes if stage.addressing in status}  # addressing is relative to the caller
    except LockError as error:
        raise StageError(
            "the pipeline",
            found=" ".join(str(error).split()),
            expected="no other run of DVC in this folder",
            next_step="wait until it has finished, then start again",
        ) from None
    except DvcException as error:
        raise StageError(
            str(root / "dvc.yaml"),
            found=" ".join(str(error).split()),
            expected="a pipeline that DVC can read",
            next_step="dvc stage list",
        ) from None
    stages = {stage.name: stage for stage in graph.nodes if isinstance(stage, PipelineStage)}
    unknown = [target for target in targets if target not in stages]
    if unknown:
        raise StageError(
            f"stage {unknown[0]!r}",
            found="no such stage in dvc.yaml",
            expected=f"one of {', '.join(sorted(stages))}",
            next_step="dvc stage list",
        )
    return _order(graph, stages, tuple(targets) or tuple(stages), changed)


def _order(
    graph: networkx.DiGraph, stages: dict[str, PipelineStage], targets: Sequence[str], changed: set[str]
) -> tuple[PlannedStage, ...]:
    wanted = set(targets) | {n.name for t in targets for n in networkx.descendants(graph, stages[t])}
    position = {address: index for index, address in enumerate(stages)}
    upstream_first = networkx.lexicographical_topological_sort(graph.reverse(copy=True), key=lambda s: position[s.name])
    planned: dict[str, PlannedStage] = {}
    for stage in upstream_first:
        if stage.name not in wanted:
            continue
        upstream = tuple(sorted((n.name for n in graph.successors(stage)), key=position.__getitem__))
        is_stale = stage.name in changed or any(planned[name].is_stale for name in upstream)
        planned[stage.name] = PlannedStage(stage.name, upstream, is_stale)
    return tuple(planned.values())


def read_outputs(root: Path, address: str) -> tuple[StageOutput, ...]:
    """What ``dvc.lock`` records of the outputs of the stage ``address``."""
    with Repo(str(root)) as repo:
        stage = next(stage for stage in repo.index.stages if isinstance(stage, PipelineStage) and stage.name == address)
        return tuple(
            StageOutput(path=str(out), md5=out.hash_info.value or "", size=out.meta.size or 0, files=out.meta.nfiles or 1)
            for out in stage.outs
        )
