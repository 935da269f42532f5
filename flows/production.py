"""The moment at which production is looked at.

What belongs here: what "now" means for a lake. Production's clock is today's; the demo's production has days that nobody has
seen yet, and a refresh lets the next one arrive. Prefect is not imported here: the command line needs this before a server runs.
"""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from tasks.demo import build_lake, is_demo_lake, next_as_of, write_demo_identities, write_demo_key
from tasks.errors import LakeError
from tasks.models import dump_model
from tasks.params import load_params
from tasks.paths import ProjectPaths, main_root


def in_utc(moment: datetime) -> datetime:
    """A moment in UTC; one without a zone, as a date on the command line is, is taken to be in UTC."""
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def as_text(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC, to the second."""
    return in_utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def prepare_demo(paths: ProjectPaths, as_of: datetime | None = None, tell: Callable[[str], None] = lambda _: None) -> datetime:
    """Build the demo's lake up to ``as_of`` (none: the moment in params.yaml) and put its published keys in place.

    ``tell`` hears of each table as it is written.
    """
    params = load_params(paths.params)
    if "://" in params.snapshot.lake:
        raise LakeError(
            "the demo's lake",
            found=f"snapshot.lake: {params.snapshot.lake}",
            expected="a folder, which the demo may write",
            next_step="run the demo in a clone of its own: this project's lake is only read",
        )
    if params.masking.key.file is not None:
        key = main_root(paths.root) / Path(params.masking.key.file).expanduser()
        if not key.exists():
            write_demo_key(key)
    write_demo_identities(ProjectPaths(main_root(paths.root)).state)
    return grow_demo_lake(paths, as_of or params.snapshot.as_of_utc, tell)


def grow_demo_lake(paths: ProjectPaths, as_of: datetime | None, tell: Callable[[str], None] = lambda _: None) -> datetime:
    """Let the demo's production reach ``as_of`` (none: its next unseen day); returns the moment reached."""
    params = load_params(paths.params)
    lake = main_root(paths.root) / params.snapshot.lake
    moment = in_utc(as_of) if as_of else next_as_of(lake)
    build_lake(lake, moment, seed=params.seed, save_model=dump_model, progress=tell)
    return moment


def reach_moment(paths: ProjectPaths, as_of_utc: datetime | None) -> str:
    """The moment of a refresh as text: the one asked for, or now; the demo's lake grows until then."""
    lake = main_root(paths.root) / load_params(paths.params).snapshot.lake
    if is_demo_lake(lake):
        return as_text(grow_demo_lake(paths, as_of_utc))
    return as_text(as_of_utc or datetime.now(timezone.utc))
