"""The lake as it stands, written down once: ``data/pin.json``.

What belongs here: the flow step that observes production. What does not: how a lake is listed (``tasks.sources``).
"""

from pathlib import Path

from prefect import get_run_logger, task

from tasks.errors import PinError
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import Pin
from tasks.sources import check_pin, open_lake, pin_lake, read_pin, write_pin


def pin_project(paths: ProjectPaths) -> Pin:
    """Pin the lake that ``params.yaml`` names, as of the moment it names, and write ``data/pin.json``."""
    params = load_params(paths.params)
    previous = read_pin(paths.pin) if paths.pin.exists() else None
    pin = pin_lake(open_lake(params.snapshot.lake, paths.root, params.snapshot.s3), params.snapshot, previous)
    write_pin(paths.pin, pin)
    return pin


def is_pin_needed(paths: ProjectPaths) -> bool:
    """Whether there is no pin of the declared tables as of the declared moment yet."""
    if not paths.pin.exists():
        return True
    try:
        check_pin(read_pin(paths.pin), load_params(paths.params).snapshot)
    except PinError:
        return True
    return False


def pin_summary(pin: Pin) -> str:
    """One sentence of what was seen: tables, files and rows known by the pin's moment."""
    files = sum(len(table.files) for table in pin.tables.values())
    rows = sum(file.known_rows for table in pin.tables.values() for file in table.files)
    return f"{len(pin.tables)} tables, {files:,} files, {rows:,} rows known by {pin.as_of_utc}"


@task(name="pin production", task_run_name="pin", persist_result=False)
def pin_production(root: str) -> str:
    """Pin production for the project in ``root``; returns one sentence of what was seen."""
    said = pin_summary(pin_project(ProjectPaths(Path(root))))
    get_run_logger().info(said)
    return said
