"""Lakes: listed whole, opened for reading only, found from a worktree too."""

import subprocess
from pathlib import Path

import pytest
from small_lake import SmallLake, day_rows

from tasks.errors import LakeError
from tasks.paths import main_root
from tasks.sources import LakeFile, LocalLake, open_lake, resolve_lake


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with one commit."""
    main = tmp_path / "main"
    main.mkdir()
    _git(main, "init", "--quiet")
    _git(main, "commit", "--quiet", "--allow-empty", "-m", "first")
    return main


def test_lists_every_parquet_file_in_order(small: SmallLake) -> None:
    """Partition folders of any depth are listed by path, with size and time."""
    small.write("sales/a/b/c.parquet", day_rows(9))
    listed = small.lake.list_files("sales")
    assert [file.path for file in listed] == ["sales/a/b/c.parquet"] + [
        f"sales/day=2013-01-0{day}/part-0.parquet" for day in (1, 2, 3)
    ]
    assert listed[0].bytes == (small.root / listed[0].path).stat().st_size
    assert listed[0].mtime_utc.endswith("Z")


@pytest.mark.parametrize("name", [".hidden.parquet", ".tmp/x.parquet", "later.parquet.part", "_SUCCESS"])
def test_unfinished_and_hidden_files_are_no_data(small: SmallLake, name: str) -> None:
    """What engines leave beside data is passed over."""
    before = small.lake.list_files("sales")
    small.write(f"sales/{name}", day_rows(9))
    assert small.lake.list_files("sales") == before


def test_linked_partitions_are_followed(small: SmallLake, tmp_path: Path) -> None:
    """A partition that is a link to another disk is data all the same."""
    small.day_file(0).parent.rename(tmp_path / "elsewhere")
    small.day_file(0).parent.symlink_to(tmp_path / "elsewhere")
    assert len(small.lake.list_files("sales")) == 3


def test_lists_a_single_file_and_the_whole_lake(small: SmallLake) -> None:
    """A path may name a file; an empty one means everything; what is not there has no files."""
    assert [file.path for file in small.lake.list_files("shops/all.parquet")] == ["shops/all.parquet"]
    assert len(small.lake.list_files("")) == 4
    assert small.lake.list_files("nothing") == ()


def test_missing_lake_is_named(tmp_path: Path) -> None:
    """Neither listing nor opening takes a missing lake for an empty one."""
    lake = LocalLake(tmp_path / "gone")
    with pytest.raises(LakeError, match="gone"):
        lake.list_files("sales")
    with pytest.raises(LakeError, match="gone"):
        lake.open_file(LakeFile("sales/x.parquet", 1, "2013-01-01T00:00:00Z"))


def test_deleted_file_is_told_from_a_missing_lake(small: SmallLake) -> None:
    """Whoever holds a pin can tell that the file itself has gone."""
    with pytest.raises(FileNotFoundError):
        small.lake.open_file(LakeFile("sales/x.parquet", 1, "2013-01-01T00:00:00Z"))


@pytest.mark.usefixtures("ordinary_user")
@pytest.mark.parametrize("part", ["sales", "sales/day=2013-01-02"])
def test_unreadable_folder_is_an_error(open_folder: Path, part: str) -> None:
    """A folder that may not be listed is not an empty folder."""
    lake = SmallLake(open_folder / "lake")
    (lake.root / part).chmod(0)
    with pytest.raises(LakeError, match="Permission denied"):
        lake.lake.list_files("sales")


@pytest.mark.usefixtures("ordinary_user")
def test_unreadable_file_is_an_error(open_folder: Path) -> None:
    """A file that may not be read is named."""
    lake = SmallLake(open_folder / "lake")
    listed = lake.lake.list_files("shops")[0]
    (lake.root / listed.path).chmod(0)
    with pytest.raises(LakeError, match=r"all\.parquet"):
        lake.lake.open_file(listed)


def test_lake_offers_no_way_to_write(small: SmallLake) -> None:
    """Reading is all there is: no method more, and no stream that can be written to."""
    assert {name for name in dir(small.lake) if not name.startswith("_")} == {"access", "list_files", "open_file"}
    with small.lake.open_file(small.lake.list_files("shops")[0]) as stream:
        assert not stream.writable()


@pytest.mark.parametrize("uri", ["gs://bucket/lake", "s3a://bucket/lake", "ftp://x/y"])
def test_other_kinds_of_lake_are_refused(tmp_path: Path, uri: str) -> None:
    """A lake that cannot be read is said so, not taken for a folder of that name."""
    with pytest.raises(LakeError, match="a lake of kind"):
        open_lake(uri, tmp_path)


def test_relative_lake_counts_from_the_project(small: SmallLake, tmp_path: Path) -> None:
    """An absolute lake is taken as it is."""
    assert open_lake("lake", tmp_path).list_files("shops") == small.lake.list_files("shops")
    assert resolve_lake("/somewhere/lake", tmp_path) == Path("/somewhere/lake")


def test_worktree_uses_the_lake_of_the_main_checkout(checkout: Path, tmp_path: Path) -> None:
    """What git does not track exists once, wherever the worktree lies."""
    for worktree in (tmp_path / "beside", checkout / ".windtunnel" / "worktrees" / "one"):
        _git(checkout, "worktree", "add", "--quiet", "--detach", str(worktree))
        assert main_root(worktree) == checkout
        assert resolve_lake(".windtunnel/demo-lake", worktree) == checkout / ".windtunnel" / "demo-lake"
    assert main_root(checkout) == checkout


def test_project_in_a_folder_of_its_repository(checkout: Path, tmp_path: Path) -> None:
    """A project need not be the top of its repository."""
    _git(checkout, "worktree", "add", "--quiet", "--detach", str(tmp_path / "beside"))
    (tmp_path / "beside" / "models" / "risk").mkdir(parents=True)
    assert main_root(tmp_path / "beside" / "models" / "risk") == checkout / "models" / "risk"


def test_submodule_and_plain_folder_are_their_own_main(tmp_path: Path, checkout: Path) -> None:
    """Only a linked worktree has its main checkout elsewhere."""
    plain, module = tmp_path / "plain", tmp_path / "module"
    plain.mkdir()
    _git(tmp_path, "init", "--quiet", "--separate-git-dir", str(tmp_path / "git-dir"), str(module))
    assert (module / ".git").is_file()
    assert main_root(plain) == plain
    assert main_root(module) == module
