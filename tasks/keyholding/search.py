"""The search of a whole project for planted markers: every file that is not of the restricted zone.

What belongs here: which places there are, and what is not searched and why. What does not: how a file is searched
(``tasks.canaries``).
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from pathlib import Path

import yaml

from tasks.canaries import Hit, Needles, read_planted, search_files
from tasks.datasets import MANIFEST, hash_mapping, read_manifest, write_atomically
from tasks.params import Params
from tasks.paths import ProjectPaths, main_root
from tasks.records import Record
from tasks.stages import StageContext
from tasks.stages.canaries import plant_canaries

_SHARED, _RESTRICTED = "shared", "restricted"
_SEARCHED = "searched.json"


class LeakSearch(Record):
    """What was searched for, where, and what was found."""

    columns: tuple[str, ...]
    """``table.column`` of each marker."""
    without: dict[str, str]
    """Columns that are not kept and can carry no marker, and why."""
    files: int
    unchanged: int
    """Stored objects that were searched before for the same markers; they are named by their content, and never change."""
    bytes: int
    """As they lie on disk, in the files that were opened."""
    not_searched: tuple[str, ...]
    """Places that belong to the project and cannot be looked into from here."""
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Places:
    """Folders to search, the folders and files in them that are of the restricted zone, and what is elsewhere."""

    folders: tuple[Path, ...]
    restricted: tuple[Path, ...]
    objects: tuple[Path, ...]
    """Folders of DVC's stored objects, which are named by their content."""
    elsewhere: tuple[str, ...]


def plant_markers(paths: ProjectPaths, params: Params) -> bool:
    """Plant the markers of the snapshot that lies here, where they are not yet; False where none lies here, or none can be made."""
    if not (paths.snapshots / MANIFEST).exists():
        return False
    manifest = read_manifest(paths.snapshots, made_by="snapshot")
    return bool(plant_canaries(StageContext(paths, params), manifest).markers)


def search_project(paths: ProjectPaths, params: Params, tell: Callable[[int, int], None] = lambda *_: None) -> LeakSearch:
    """Search every file of the project at ``paths`` outside the restricted zone; ``tell`` hears bytes done and bytes in all.

    Raises :class:`~tasks.errors.LeakSearchError` where there are no markers, or a file cannot be searched as a whole.
    """
    plant_markers(paths, params)
    planted = read_planted(paths.snapshots)
    needles = Needles(planted.markers)
    places = find_places(paths, params)
    memory = ProjectPaths(main_root(paths.root)).state / _SEARCHED
    sought = hash_mapping({"markers": [marker.model_dump() for marker in planted.markers]})
    known = _read_known(memory, sought)
    files, objects = list(_files(places)), list(_objects(places))
    fresh = [(path, size) for path, size in objects if known.get(str(path)) != size]
    every = [*files, *fresh]
    sizes = dict(every)
    whole, done = sum(sizes.values()), 0

    def tell_of(path: Path) -> None:
        nonlocal done
        done += sizes[path]
        tell(done, whole)

    hits = [*_raw_objects_shared(paths), *search_files(sizes, needles, tell_of)]
    dirty = {hit.file for hit in hits}
    clean = {str(path): size for path, size in objects if str(path) not in dirty}
    write_atomically(memory, json.dumps({"markers": sought, "objects": clean}).encode())
    return LeakSearch(
        columns=needles.columns,
        without=planted.without,
        files=len(every),
        unchanged=len(objects) - len(fresh),
        bytes=whole,
        not_searched=places.elsewhere,
        hits=tuple(hits),
    )


def find_places(paths: ProjectPaths, params: Params) -> Places:
    """Where outputs of this project lie: its data, its local state, DVC's cache and its shared remote."""
    main = ProjectPaths(main_root(paths.root))
    state = main.state
    restricted = [
        paths.snapshots,
        paths.raw_spill,
        main.raw_models,
        main.raw_keys,
        main.bridges,
        main.canary_seed,
        main.worktrees,
        main.remotes / _RESTRICTED,
    ]
    if "://" not in params.snapshot.lake:
        restricted.append(main.root / params.snapshot.lake)  # production itself; the demo's lies in the local state
    objects, elsewhere = [_cache(main.root)], []
    for name, url in _remotes(main.root):
        if "://" in url:
            elsewhere += (
                [f"the remote {name} at {url}: what is pushed there was searched in the cache"] if name != _RESTRICTED else []
            )
            continue
        folder = (main.root / ".dvc" / url).resolve()
        (restricted if name == _RESTRICTED else objects).append(folder)
    if os.environ.get("PREFECT_API_URL"):
        elsewhere.append("the workflow server that PREFECT_API_URL names: its database is not of this project")
    return Places((paths.data, state), tuple(p.resolve() for p in (*restricted, *objects)), tuple(objects), tuple(elsewhere))


def _files(places: Places) -> Iterator[tuple[Path, int]]:
    """Files with their sizes; a traceback of a crash is of the restricted zone."""
    for folder in places.folders:
        for path, size in _walk(folder, frozenset(places.restricted)):
            if not path.name.startswith("crash-"):
                yield path, size


def _objects(places: Places) -> Iterator[tuple[Path, int]]:
    for folder in places.objects:
        yield from _walk(folder, frozenset())


def _walk(folder: Path, without: frozenset[Path]) -> Iterator[tuple[Path, int]]:
    for here, folders, names in os.walk(folder.resolve()):
        place = Path(here)
        folders[:] = sorted(name for name in folders if place / name not in without)
        for name in sorted(names):
            path = place / name
            if path not in without and path.is_file():
                yield path, path.stat().st_size


def _raw_objects_shared(paths: ProjectPaths) -> Iterator[Hit]:
    """The snapshot's own files, where the shared remote has one under its content's name."""
    main = main_root(paths.root)
    cache = _cache(main) / "files" / "md5"
    # A table of which everything is kept is the same file raw and masked, and may be shared.
    kept = {md5 for md5, _ in _partition_md5(paths.lock, cache, "data/masked")}
    raw = [(md5, relative) for md5, relative in _partition_md5(paths.lock, cache, "data/snapshots") if md5 not in kept]
    for name, url in _remotes(main):
        if name == _RESTRICTED or "://" in url:
            continue
        store = (main / ".dvc" / url).resolve() / "files" / "md5"
        for md5, relative in raw:
            path = store / md5[:2] / md5[2:]
            if path.exists():
                yield Hit(file=str(path), part="a file of the snapshot as it is", column=f"data/snapshots/{relative}")


def _partition_md5(lock: Path, cache: Path, dataset: str) -> list[tuple[str, str]]:
    """DVC's name of each partition of ``dataset`` that ``dvc.lock`` records, and where it lies in the dataset."""
    stages = (yaml.safe_load(lock.read_bytes()) or {}).get("stages", {}) if lock.exists() else {}
    found: list[tuple[str, str]] = []
    for out in (out for stage in stages.values() for out in stage.get("outs", ()) if out["path"] == dataset):
        listing = cache / out["md5"][:2] / out["md5"][2:]
        if listing.exists():
            found += [(entry["md5"], entry["relpath"]) for entry in json.loads(listing.read_bytes())]
    return [(md5, relative) for md5, relative in found if relative.endswith(".parquet")]


def _cache(root: Path) -> Path:
    for config in _configs(root):
        if config.has_option("cache", "dir"):
            return (root / ".dvc" / config.get("cache", "dir")).resolve()
    return root / ".dvc" / "cache"


def _remotes(root: Path) -> Sequence[tuple[str, str]]:
    """Name and address of each remote; the local file's wins."""
    found: dict[str, str] = {}
    for config in reversed(_configs(root)):
        for section in config.sections():
            name = section.strip("'").partition('remote "')[2].removesuffix('"')
            if name and config.has_option(section, "url"):
                found[name] = config.get(section, "url")
    return tuple(sorted(found.items()))


def _configs(root: Path) -> list[ConfigParser]:
    """DVC's settings, those that win first."""
    configs = []
    for name in ("config.local", "config"):
        config = ConfigParser(interpolation=None)
        try:
            config.read(root / ".dvc" / name)
        except ConfigError:
            continue
        configs.append(config)
    return configs


def _read_known(path: Path, sought: str) -> dict[str, int]:
    """Objects that were searched for the same markers, and their sizes."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return content["objects"] if isinstance(content, dict) and content.get("markers") == sought else {}
