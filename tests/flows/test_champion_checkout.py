"""What the champion rests on, laid out in a folder of its own; the checkout that it is asked for in stays as it is."""

import hashlib
import shutil
from pathlib import Path

import pytest
import yaml
from alias_events import OneAlias
from click.testing import CliRunner

import flows.champion_checkout
from flows.alias_moves import Desk, make_move
from flows.champion_branches import point_current
from flows.champion_checkout import check_out_champion
from flows.cli.root import windtunnel
from flows.programs import git
from tasks.errors import GateError, RegistryError, WorktreeError
from tasks.params.models import MlflowParams
from tasks.paths import ProjectPaths
from tasks.registry import NOBODY, Move

VERDICT = b'{"decision": "promote"}\n'
BRANCH = "champions/0123456789ab"
SECOND = "champions/fedcba987654"
SPLIT, SNAPSHOT = "data/splits/by_time", "data/snapshots/raw"
ROOT = Path(__file__).parents[2]
IDENTITY = ("-c", "user.name=T", "-c", "user.email=t@localhost")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a champion, whose branch tracks a split that is in the cache and a snapshot that is not.

    In the checkout itself lie a lock and a verdict that Git does not track, as after any run.
    """
    root = tmp_path_factory.mktemp("champion") / "project"
    name = hashlib.md5(b"rows").hexdigest()
    stored = root / ".dvc/cache/files/md5" / name[:2] / name[2:]
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"rows")
    (root / ".dvc/config").write_text("")
    (root / ".gitignore").write_text("/.dvc/cache\n/.dvc/tmp\n/.windtunnel\n/data/splits\n/data/snapshots\n")
    shutil.copy2(ROOT / "params.yaml", root / "params.yaml")
    outs = {SPLIT: name, SNAPSHOT: "f" * 32}
    stages = {f"made_{name}": [{"path": path, "hash": "md5", "md5": name, "size": 4}] for path, name in outs.items()}
    lock = {"schema": "2.0", "stages": {name: {"cmd": "true", "outs": out} for name, out in stages.items()}}
    (root / "dvc.lock").write_text(yaml.safe_dump(lock))
    graph = {name: {"cmd": "true", "outs": [out[0]["path"]]} for name, out in stages.items()}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": graph}))
    (root / "data").mkdir()
    (root / "data/verdict.json").write_bytes(VERDICT)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    commit(root)
    git(root, "branch", BRANCH)
    git(root, "rm", "-q", "--cached", "dvc.lock", "data/verdict.json")
    commit(root)
    desk = Desk(ProjectPaths(root), OneAlias(), MlflowParams().name)
    about = {"version": "1", "verdict": hashlib.sha256(VERDICT).hexdigest(), "branch": BRANCH, "logical_hash": "e" * 64}
    about |= {"promoted": "fitted_model", "view": "masked", "split": "by_time", "part": "test"}
    make_move(desk, Move("promotion", desk.model, NOBODY, about))
    point_current(root, BRANCH)
    return root


def commit(root):
    git(root, *IDENTITY, "commit", "-q", "-m", "as it is tracked now")


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    """A copy of it."""
    root = tmp_path / "project"
    shutil.copytree(made, root)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def no_data(monkeypatch):
    """Its data stays where it is: this is about the folder and the branch."""
    monkeypatch.setattr(flows.champion_checkout, "fetch_by_dvc", lambda *_: None)


def state_of(root):
    return git(root, "status", "--porcelain", "--untracked-files=all"), git(root, "rev-parse", "HEAD"), git(root, "branch")


def test_the_champion_lies_in_a_folder_of_its_own(project, tmp_path):
    """Its split, parameters and verdict, for its owner only; what is not there is named; the checkout is as it was."""
    before, there = state_of(project), tmp_path / "champion"
    done = CliRunner().invoke(windtunnel, ["champion", "--checkout", "../champion"], standalone_mode=False)
    assert (done.return_value, done.exception) == (0, None)
    assert (there / SPLIT).read_bytes() == b"rows"
    assert (there / "data/verdict.json").read_bytes() == VERDICT
    assert (there / "params.yaml").exists()
    assert there.stat().st_mode & 0o777 == 0o700
    assert git(there, "rev-parse", "HEAD") == git(project, "rev-parse", BRANCH)
    assert f"missing    {SNAPSHOT}: neither in DVC's cache nor" in done.output
    assert "data/pin.json" not in done.output
    assert "private    outside the project now lie the remotes' settings, with their keys if they have any" in done.output
    assert f"verify     cd {there} && windtunnel verify" in done.output
    assert state_of(project)[:2] == before[:2]


def test_what_is_written_there_does_not_reach_the_cache(project, tmp_path):
    """A copy, not a link: whoever tries another split there spoils no champion."""
    check_out_champion(project, tmp_path / "champion")
    (tmp_path / "champion" / SPLIT).chmod(0o600)
    (tmp_path / "champion" / SPLIT).write_bytes(b"other rows")
    assert [file.read_bytes() for file in (project / ".dvc/cache/files").rglob("*") if file.is_file()] == [b"rows"]


@pytest.mark.parametrize("make", [lambda there: there.write_text("mine"), lambda there: (there.mkdir(), (there / "mine").touch())])
def test_a_folder_in_use_is_refused(project, tmp_path, make):
    """A file, or a folder that holds something: nothing is written."""
    make(tmp_path / "champion")
    with pytest.raises(WorktreeError, match="a file, or a folder that is not empty"):
        check_out_champion(project, tmp_path / "champion")
    assert len(git(project, "worktree", "list").splitlines()) == 1


def test_a_folder_in_the_project_is_refused(project):
    """There DVC would take the champion's files for the project's."""
    with pytest.raises(WorktreeError, match="a folder in the project"):
        check_out_champion(project, project / "champion")


def test_before_the_first_champion_there_is_none(project, tmp_path):
    """No event and no branch."""
    (project / ".windtunnel/events.jsonl").unlink()
    git(project, "branch", "-q", "-D", "champions/current", BRANCH)
    with pytest.raises(RegistryError, match="none by any event log"):
        check_out_champion(project, tmp_path / "champion")


def test_a_branch_that_is_gone_is_named(project, tmp_path):
    """With the command that fetches it."""
    git(project, "branch", "-q", "-D", BRANCH)
    with pytest.raises(WorktreeError, match=BRANCH) as refused:
        check_out_champion(project, tmp_path / "champion")
    assert "git fetch origin" in refused.value.next_step


def test_a_branch_of_another_verdict_is_refused(project, tmp_path):
    """Somebody moved it: what it holds is not what the champion rests on."""
    (project / "data/verdict.json").write_bytes(b"{}")
    git(project, "add", "-f", "data/verdict.json")
    git(project, *IDENTITY, "commit", "-q", "-m", "another verdict")
    git(project, "branch", "-q", "-f", BRANCH)
    with pytest.raises(GateError, match="another verdict than the one that the event log names"):
        check_out_champion(project, tmp_path / "champion")


def test_a_clone_finds_the_champion_by_its_branches(project, tmp_path, no_data):
    """No event log of its own, and no branch but those that were fetched; twice on two remotes that differ is refused."""
    clone = tmp_path / "clone"
    git(project, "clone", "-q", str(project), str(clone))
    found = check_out_champion(clone, tmp_path / "champion")
    assert (found.champion.branch, found.missing) == (BRANCH, (SNAPSHOT, SPLIT))
    git(clone, "update-ref", f"refs/remotes/other/{BRANCH}", git(clone, "rev-parse", "HEAD"))
    with pytest.raises(WorktreeError, match="different ones on 2 remotes"):
        check_out_champion(clone, tmp_path / "again")


@pytest.fixture
def promoted_since(project):
    """A second champion; returns what the event log was before it."""
    before = (project / ".windtunnel/events.jsonl").read_bytes()
    (project / "data/verdict.json").write_bytes(b'{"decision": "promote", "second": 1}')
    git(project, "add", "-f", "data/verdict.json")
    commit(project)
    git(project, "branch", SECOND)
    desk = Desk(ProjectPaths(project), OneAlias("1"), MlflowParams().name)
    verdict = hashlib.sha256((project / "data/verdict.json").read_bytes()).hexdigest()
    about = {"version": "2", "verdict": verdict, "branch": SECOND, "logical_hash": "f" * 64}
    about |= {"promoted": "fitted_model", "view": "masked", "split": "by_time", "part": "test"}
    make_move(desk, Move("promotion", desk.model, "1", about))
    point_current(project, SECOND)
    return before


def test_a_clone_takes_the_newest_log_that_it_knows(project, tmp_path, no_data, promoted_since):
    """A log that landed with its branch, and a `champions/current` of its own, are both of before the champion that stands."""
    (project / "data/events.jsonl").write_bytes(promoted_since)
    git(project, "add", "-f", "data/events.jsonl")
    commit(project)
    clone = tmp_path / "clone"
    git(project, "clone", "-q", str(project), str(clone))
    git(clone, "branch", "-q", "champions/current", "origin/champions/current^2")
    assert check_out_champion(clone, tmp_path / "champion").champion.version == "2"


def test_logs_that_tell_of_other_moves_are_refused(project, tmp_path, no_data, promoted_since):
    """Two projects promote into one registry, or somebody wrote a branch: nobody guesses whose champion it is."""
    (project / ".windtunnel/events.jsonl").write_bytes(promoted_since)
    desk = Desk(ProjectPaths(project), OneAlias("1"), MlflowParams().name)
    about = {"version": "3", "verdict": "3" * 64, "branch": "champions/333333333333", "logical_hash": "f" * 64}
    about |= {"promoted": "fitted_model", "view": "masked", "split": "by_time", "part": "test"}
    make_move(desk, Move("promotion", desk.model, "1", about))
    with pytest.raises(RegistryError, match="event logs that tell of other moves"):
        check_out_champion(project, tmp_path / "champion")
    assert not (tmp_path / "champion").exists()


@pytest.mark.parametrize("folder", ["../file/champion", "/proc/champion", "/dev/null/champion"])
def test_a_folder_that_cannot_be_made_is_refused(project, folder):
    """As an error of that folder, not as a bug of this program."""
    (project.parent / "file").touch()
    asked = CliRunner().invoke(windtunnel, ["champion", "--checkout", folder], standalone_mode=False)
    assert isinstance(asked.exception, WorktreeError)
    assert asked.exception.found.startswith("a place that cannot be written")


def test_a_folder_in_a_linked_checkout_is_refused(project, tmp_path, no_data):
    """It is asked for in the champion's own worktree, which is a checkout as the project's is."""
    check_out_champion(project, tmp_path / "champion")
    with pytest.raises(WorktreeError, match="a folder in the project"):
        check_out_champion(tmp_path / "champion", tmp_path / "champion/inner")


def test_two_checkouts_into_one_folder(project, tmp_path, monkeypatch, no_data):
    """The second comes while the first claims the folder, which is free still: refused, and nothing of the first one's is taken."""
    there, claim = tmp_path / "champion", flows.champion_checkout.make_private

    def second(folder):
        monkeypatch.setattr(flows.champion_checkout, "make_private", claim)
        with pytest.raises(WorktreeError, match="another run at work"):
            check_out_champion(project, there)
        claim(folder)

    monkeypatch.setattr(flows.champion_checkout, "make_private", second)
    check_out_champion(project, there)
    assert (there / "data/verdict.json").read_bytes() == VERDICT


def test_a_checkout_that_fails_leaves_nothing(project, tmp_path, monkeypatch):
    """No folder, and no worktree that Git still lists; the folder that was there, empty, is there again."""

    def refuse(_):
        raise WorktreeError("dvc", found="no space left", expected="space", next_step="make some")

    monkeypatch.setattr(flows.champion_checkout, "fetch_by_dvc", refuse)
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with pytest.raises(WorktreeError, match="no space left"):
            check_out_champion(project, tmp_path / name)
    assert ((tmp_path / "new").exists(), list((tmp_path / "empty").iterdir())) == (False, [])
    assert len(git(project, "worktree", "list").splitlines()) == 1
