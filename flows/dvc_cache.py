"""DVC's settings and cache, read without starting DVC: where the cache and the remotes are, and a commit's data out of it.

What belongs here: what DVC's own files say (``.dvc/config``, ``dvc.lock``, the objects of the cache). What does not:
whatever writes into cache or remotes, which DVC itself does (``flows.programs``).
"""

import json
import shutil
from collections.abc import Container, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from tasks.errors import WorktreeError
from tasks.paths import ProjectPaths


def cache_folder(root: Path) -> Path:
    """The cache of the project in ``root``, as ``dvc cache dir`` says."""
    settings = _settings(root)
    return (root / (settings["cache"].get("dir") or ".dvc/cache")).resolve()


def remote_urls(root: Path) -> dict[str, str]:
    """The URL of each DVC remote of the project in ``root``; those of local folders are absolute."""
    listed = {str(name): str(about["url"]) for name, about in _settings(root)["remote"].items() if "url" in about}
    return {name: url if "://" in url else str((root / url).resolve()) for name, url in listed.items()}


def _settings(root: Path) -> dict[str, Any]:
    """All levels of DVC's configuration, merged; paths are absolute."""
    from dvc.config import Config, ConfigError

    folder = root / ".dvc"
    if not folder.is_dir():
        raise _unreadable(folder, "no such folder")
    try:
        return dict(Config(dvc_dir=str(folder), validate=False))
    except ConfigError as error:
        raise _unreadable(folder, " ".join(str(error).split())) from None


def _unreadable(folder: Path, found: str) -> WorktreeError:
    return WorktreeError(
        str(folder), found=found, expected="a configuration that DVC can read", next_step=f"cd {folder.parent} && dvc config --list"
    )


def lay_down(tree: ProjectPaths, cache: Path, only: Container[str] | None = None) -> bool:
    """Lay every output that the ``dvc.lock`` of ``tree`` names into it, or ``only`` these, as links to the objects in ``cache``.

    For reading only: a link is the object itself (a copy, where there can be none). Returns False where an object is not there,
    or the lock says something that only DVC understands; then some outputs may be there, and DVC has to lay down the rest. Outputs
    that Git laid down are left alone. As for DVC itself, an object's name is taken for what is in it: whoever verifies makes the
    hashes of what he reads.
    """
    if any(tree.root.rglob("?*.dvc")) or "wdir" in _text(tree.root / "dvc.yaml"):
        return False
    try:
        lock = yaml.load(_text(tree.lock), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        for stage in lock["stages"].values():
            for out in stage.get("outs", ()):
                if only is not None and out["path"] not in only:
                    continue
                if out["hash"] != "md5" or not _lay_output(tree.root / _inside(out["path"]), out["md5"], cache):
                    return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return False
    return True


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _lay_output(target: Path, name: str, cache: Path) -> bool:
    if target.exists():
        return True
    objects = tuple(_objects(target, name, cache))
    if name.endswith(".dir"):
        target.mkdir(parents=True)  # also where it lists nothing
    for entry, place in objects:
        if not entry.is_file():
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.hardlink_to(entry)
        except FileExistsError:  # a listing that names a place twice: a copy would go through the link, into the cache
            return False
        except OSError:  # another file system, or another user's object
            shutil.copyfile(entry, place)
    return True


def _objects(target: Path, name: str, cache: Path) -> Iterator[tuple[Path, Path]]:
    """The objects that an output called ``name`` is made of, and where each belongs."""
    stored = cache / "files" / "md5" / name[:2] / name[2:]
    if not name.endswith(".dir"):
        yield stored, target
        return
    for entry in json.loads(stored.read_bytes()):
        yield cache / "files" / "md5" / entry["md5"][:2] / entry["md5"][2:], target / _inside(entry["relpath"])


def _inside(path: str) -> PurePosixPath:
    """``path`` within the tree; raises ``ValueError`` for one that leads out of it."""
    found = PurePosixPath(path)
    if found.is_absolute() or ".." in found.parts:
        raise ValueError(path)
    return found
