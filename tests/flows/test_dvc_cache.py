"""DVC's settings and cache, read without DVC: what is laid down is what the lock names, and anything odd is left to DVC."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from flows.dvc_cache import cache_folder, lay_down, remote_urls
from tasks.errors import WorktreeError
from tasks.paths import ProjectPaths


def store(cache: Path, content: bytes, suffix: str = "") -> str:
    """Put an object into the cache as DVC would; its name."""
    name = hashlib.md5(content).hexdigest() + suffix
    place = cache / "files/md5" / name[:2] / name[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return name


@pytest.fixture
def tree(tmp_path: Path) -> ProjectPaths:
    """A checkout whose lock names one folder of two files, and one file; all of it is in the cache."""
    cache, paths = tmp_path / "cache", ProjectPaths(tmp_path / "tree")
    listed = [{"md5": store(cache, b"one"), "relpath": "a/1.txt"}, {"md5": store(cache, b"two"), "relpath": "2.txt"}]
    folder = store(cache, json.dumps(listed).encode(), ".dir")
    write_lock(paths, {"data/folder": folder, "data/file.json": store(cache, b"{}")})
    return paths


def write_lock(paths: ProjectPaths, outs: dict[str, str]) -> None:
    said = [{"path": path, "hash": "md5", "md5": name} for path, name in outs.items()]
    paths.root.mkdir(exist_ok=True)
    paths.lock.write_text(yaml.safe_dump({"schema": "2.0", "stages": {"toy": {"cmd": "true", "outs": said}}}))


def test_outputs_are_laid_down_as_the_lock_names_them(tree: ProjectPaths, tmp_path: Path) -> None:
    """Folders and files; what Git has laid down already stays."""
    (tree.root / "data").mkdir()
    (tree.root / "data/file.json").write_bytes(b"by git")
    assert lay_down(tree, tmp_path / "cache")
    found = {file.relative_to(tree.root).as_posix(): file.read_bytes() for file in (tree.root / "data").rglob("*.*")}
    assert found == {"data/folder/a/1.txt": b"one", "data/folder/2.txt": b"two", "data/file.json": b"by git"}


def test_only_what_is_asked_for_is_laid_down(tree: ProjectPaths, tmp_path: Path) -> None:
    """The rest is not fetched, and need not be there."""
    (tmp_path / "cache/files/md5" / (name := hashlib.md5(b"one").hexdigest())[:2] / name[2:]).unlink()
    assert lay_down(tree, tmp_path / "cache", only=("data/file.json",))
    assert [file.name for file in (tree.root / "data").iterdir()] == ["file.json"]


def test_without_links_the_objects_are_copied(tree: ProjectPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache lies on another file system."""

    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert lay_down(tree, tmp_path / "cache")
    assert (tree.root / "data/folder/2.txt").read_bytes() == b"two"


def test_a_place_that_is_listed_twice_is_left_to_dvc(tree: ProjectPaths, tmp_path: Path) -> None:
    """The second object is not copied through the link of the first one, into the cache."""
    cache = tmp_path / "cache"
    one, two = (hashlib.md5(content).hexdigest() for content in (b"one", b"two"))
    listed = [{"md5": name, "relpath": "a"} for name in (one, two)]
    write_lock(tree, {"data/folder": store(cache, json.dumps(listed).encode(), ".dir")})
    assert not lay_down(tree, cache)
    assert (cache / "files/md5" / one[:2] / one[2:]).read_bytes() == b"one"


def test_an_empty_folder_is_laid_down(tree: ProjectPaths, tmp_path: Path) -> None:
    """Its listing names nothing; the folder is an output all the same."""
    write_lock(tree, {"data/empty": store(tmp_path / "cache", b"[]", ".dir")})
    assert lay_down(tree, tmp_path / "cache")
    assert (tree.root / "data/empty").is_dir()


@pytest.mark.parametrize("what", ["object", "listing"])
def test_an_object_that_is_not_there_is_left_to_dvc(tree: ProjectPaths, tmp_path: Path, what: str) -> None:
    """A file of a folder, or the listing of it."""
    lock = yaml.safe_load(tree.lock.read_text())["stages"]["toy"]["outs"][0]["md5"]
    name = lock if what == "listing" else hashlib.md5(b"two").hexdigest()
    (tmp_path / "cache/files/md5" / name[:2] / name[2:]).unlink()
    assert not lay_down(tree, tmp_path / "cache")


@pytest.mark.parametrize("lock", ["", "stages: 3", "stages: {a: {outs: [{path: x, md5: y}]}}", "[: not yaml"])
def test_a_lock_of_another_form_is_left_to_dvc(tree: ProjectPaths, tmp_path: Path, lock: str) -> None:
    """Empty, of another shape, of an older release, or no YAML."""
    tree.lock.write_text(lock)
    assert not lay_down(tree, tmp_path / "cache")


def test_a_checkout_without_a_lock_is_left_to_dvc(tmp_path: Path) -> None:
    """It says itself what is missing."""
    (tmp_path / "tree").mkdir()
    assert not lay_down(ProjectPaths(tmp_path / "tree"), tmp_path / "cache")


def test_files_and_folders_of_stages_that_only_dvc_knows(tree: ProjectPaths, tmp_path: Path) -> None:
    """A file that `dvc add` tracks, and a stage whose paths count from another folder."""
    tracked = tree.root / "lookup.csv.dvc"
    tracked.write_text("outs: []\n")
    assert not lay_down(tree, tmp_path / "cache")
    tracked.unlink()
    (tree.root / "dvc.yaml").write_text("stages: {toy: {cmd: 'true', wdir: elsewhere}}\n")
    assert not lay_down(tree, tmp_path / "cache")


@pytest.mark.parametrize("path", ["../outside", "/tmp/windtunnel-outside", "data/../../outside"])
def test_nothing_is_laid_outside_of_the_checkout(tree: ProjectPaths, tmp_path: Path, path: str) -> None:
    """By the lock, or by the listing of a folder."""
    content = hashlib.md5(b"one").hexdigest()
    listing = store(tmp_path / "cache", json.dumps([{"md5": content, "relpath": path}]).encode(), ".dir")
    for outs in ({path: content}, {"data/listed": listing}):
        write_lock(tree, outs)
        assert not lay_down(tree, tmp_path / "cache")
    assert not (tmp_path / "outside").exists()
    assert not Path("/tmp/windtunnel-outside").exists()


def test_settings_are_those_of_all_levels(tmp_path: Path) -> None:
    """The local level wins; relative folders count from the folder of the configuration."""
    (tmp_path / ".dvc").mkdir()
    assert cache_folder(tmp_path) == tmp_path / ".dvc/cache"
    (tmp_path / ".dvc/config").write_text("['remote \"a\"']\n  url = ../there\n['remote \"b\"']\n  url = s3://old/b\n")
    (tmp_path / ".dvc/config.local").write_text("[cache]\n  dir = ../../objects\n['remote \"b\"']\n  url = s3://new/b\n")
    assert cache_folder(tmp_path) == tmp_path.parent / "objects"
    assert remote_urls(tmp_path) == {"a": str(tmp_path / "there"), "b": "s3://new/b"}


def test_settings_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """No folder, and no configuration."""
    with pytest.raises(WorktreeError, match="no such folder"):
        cache_folder(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[cache\n")
    with pytest.raises(WorktreeError, match=r"dvc config --list"):
        remote_urls(tmp_path)
