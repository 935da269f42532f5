"""What DVC knows of the pipeline: its stages, their order, and which of them are stale.

What belongs here: questions to DVC's own index. What does not: Prefect, and running anything. ``dvc.yaml`` stays the only
graph; nothing here repeats an edge of it.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import networkx
import yaml
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo, lock_repo
from dvc.rwlock import RWLOCK_FILE, _edit_rwlock
from dvc.stage import PipelineStage

from flows.process_groups import has_ended
from tasks.errors import StageError

_WHOLE_WITHIN_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.05


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
    with _open_repo(root) as repo, lock_repo(repo):  # one lock around both: DVC reads its files anew with each
        _release_locks_of_the_dead(repo)
        graph = repo.index.graph
        status = repo.status()
        changed = {stage.name for stage in graph.nodes if stage.addressing in status}  # addressing is relative to the caller
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


@contextmanager
def _open_repo(root: Path) -> Iterator[Repo]:
    """DVC's view of the project in ``root``; what it raises while the context is open comes out as errors of ours."""
    logging.getLogger("dvc").setLevel(logging.ERROR)  # its warnings would tear the progress display apart
    try:
        with Repo(str(root)) as repo:
            yield repo
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


def _release_locks_of_the_dead(repo: Repo) -> None:
    """Release what a killed DVC still locks where it counts as alive: DVC takes a process for running as long as it has a number,
    which one that has ended keeps until its parent asks for it. In a container without an init nobody ever does.
    """
    if not repo.fs.exists(repo.fs.join(repo.tmp_dir, RWLOCK_FILE)):
        return
    with _edit_rwlock(repo.tmp_dir, repo.fs, hardlink=repo.config["core"].get("hardlink_lock", False)) as lock:
        writes = {path: info for path, info in lock["write"].items() if not has_ended(info["pid"])}
        reads = {path: [info for info in infos if not has_ended(info["pid"])] for path, infos in lock["read"].items()}
        lock["write"], lock["read"] = writes, {path: infos for path, infos in reads.items() if infos}


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


def count_stages(root: Path) -> int:
    """How many stages ``dvc.yaml`` has; looks at no data, unlike :func:`plan_stages`, whose errors it raises."""
    with _open_repo(root) as repo:
        return sum(isinstance(stage, PipelineStage) for stage in repo.index.stages)


def read_outputs(root: Path, address: str) -> tuple[StageOutput, ...]:
    """What ``dvc.lock`` records of the outputs of the stage ``address``, which has run.

    DVC writes the file anew after each stage, and another one may be ending just now: half of a file is read again. Raises
    :class:`~tasks.errors.StageError` where the stage does not come to stand in it.
    """
    deadline = time.monotonic() + _WHOLE_WITHIN_SECONDS
    while True:
        try:
            # The file itself: DVC would build its whole index for this, a third of a CPU second after each stage.
            lock = yaml.load((root / "dvc.lock").read_bytes(), Loader=yaml.CSafeLoader)
            outs = lock["stages"][address]["outs"]
            return tuple(
                StageOutput(path=out["path"], md5=out.get("md5", ""), size=out.get("size", 0), files=out.get("nfiles", 1))
                for out in outs
            )
        except (OSError, yaml.YAMLError, KeyError, TypeError):
            if time.monotonic() > deadline:
                break
        time.sleep(_LOOK_AGAIN_SECONDS)
    raise StageError(
        str(root / "dvc.lock"),
        found=f"no outputs of the stage {address}, which has run",
        expected="what DVC records of each stage that has run",
        next_step="start again: finished stages are not repeated",
    )
