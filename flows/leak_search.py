"""The search for planted markers as a step of a run, before its verdict is published.

What belongs here: what Prefect shows of it. What does not: searching (``tasks.keyholding.search``).
"""

import time
from pathlib import Path

from prefect import get_run_logger, task

from tasks.keyholding.search import plant_markers, search_project
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.stages.canaries import require_no_hits


@task(name="plant markers", task_run_name="plant markers", persist_result=False)
def plant(root: str) -> None:
    """Plant the markers of the snapshot in ``root``, so that whoever reads its folder reads them too."""
    paths = ProjectPaths(Path(root))
    plant_markers(paths, load_params(paths.params))


@task(name="search for leaks", task_run_name="search for leaks", persist_result=False)
def search_for_leaks(root: str) -> None:
    """Search every output for planted markers; raises :class:`~tasks.errors.LeakError` with files and columns on a hit."""
    paths = ProjectPaths(Path(root))
    params = load_params(paths.params)
    if not plant_markers(paths, params):
        get_run_logger().warning("no search for leaks: no snapshot lies here, or no masked column can carry a marker")
        return
    began = time.perf_counter()
    found = search_project(paths, params)
    seconds = max(time.perf_counter() - began, 1e-9)
    get_run_logger().info(
        f"searched {found.files:,} files, {found.bytes / 1e6:,.0f} MB, {found.bytes / 1e6 / seconds:,.0f} MB/s, for markers of "
        f"{len(found.columns)} columns; {len(found.hits)} hits"
    )
    require_no_hits(found.hits)
