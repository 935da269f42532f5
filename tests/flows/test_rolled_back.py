"""What stands after a rollback: the verdict whose model was taken back opens no release, and every output says so."""

import json
import os
import shutil
from pathlib import Path

import pytest
from alias_events import MemoryRegistry, kept_in, use_registry
from click.testing import CliRunner
from prefect.logging import disable_run_logger
from promotable_project import HERE, agree, make_promotable, now, promote_twice

import flows.programs
import flows.registry_office
import flows.stage_graph
from flows.cli.root import windtunnel
from flows.programs import git
from flows.promote_model import find_lacking, told_of
from flows.promotion import promote, rollback
from flows.registry_office import find_champion
from flows.release_gate import release_gate
from flows.rolled_back import find_rolled_back, require_not_rolled_back
from flows.verdict_store import find_verdict
from tasks.errors import GateError, LedgerError, WorktreeError
from tasks.params.models import MlflowParams
from tasks.paths import ProjectPaths

WHY = "delays doubled <b>at</b> AUS"
TOLD = "Its model was promoted as version 2 and rolled back on"
PAGE = '<html><span id="looks" title="it">· 3 of 5 looks left</span><p>figures</p></html>'


@pytest.fixture(scope="module")
def made(keys, tmp_path_factory):
    """A project with two champions whose second verdict was kept, with its page; and a copy in which the second was rolled back."""
    folder = tmp_path_factory.mktemp("rolled")
    registry = MemoryRegistry(folder / "registry")
    paths = make_promotable(folder / "standing", keys)
    (paths.root / "dvc.yaml").write_text("stages: {}\n")
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_registry(monkeypatch, registry)
        first = promote_twice(paths, keys, folder / "first")
        kept = paths.results / "here"
        kept.mkdir(parents=True)
        (kept / "verdict.json").write_bytes(paths.verdict.read_bytes())
        (kept / "report.html").write_text(PAGE)
        shutil.copytree(paths.root, folder / "rolled", symlinks=True)
        kept_in(monkeypatch, {first.branch: folder / "first"})
        rollback(folder / "rolled", WHY)
    return folder, first.branch, registry


@pytest.fixture
def standing(made, tmp_path, monkeypatch):
    """Before the rollback; a registry in which the second version stands."""
    registry = MemoryRegistry(made[2].folder)
    registry.version, registry.versions = "2", dict(made[2].versions)
    use_registry(monkeypatch, registry)
    kept_in(monkeypatch, {made[1]: made[0] / "first"})
    return copy_of(made[0] / "standing", tmp_path, monkeypatch)


@pytest.fixture
def rolled(made, tmp_path, monkeypatch):
    """After it."""
    registry = MemoryRegistry(made[2].folder)
    registry.version, registry.versions = "1", dict(made[2].versions)
    use_registry(monkeypatch, registry)
    return copy_of(made[0] / "rolled", tmp_path, monkeypatch)


def copy_of(source, folder, monkeypatch):
    shutil.copytree(source, folder / "project", symlinks=True)
    monkeypatch.chdir(folder / "project")
    return ProjectPaths(folder / "project")


def ask(*words):
    return CliRunner().invoke(windtunnel, list(words), standalone_mode=False)


def test_the_gate_refuses_a_verdict_that_was_rolled_back(rolled):
    """By the command and by the flow: stale, with version, day, person, reason and what to do next."""
    refused = ask("gate", "--check", "--json", "--md", "v.md", "--junit", "v.xml")
    assert isinstance(refused.exception, GateError)
    assert refused.exception.exit_code == 2
    assert f"a stale one: {TOLD} {now():%Y}" in refused.exception.found
    assert refused.exception.found.endswith(WHY)
    assert "judge a new challenger" in refused.exception.next_step
    with disable_run_logger(), pytest.raises(GateError, match=TOLD):
        release_gate.fn(HERE)


def test_a_drill_takes_nothing_back(standing):
    """The gate stays open."""
    rollback(standing.root, "", is_drill=True)
    assert ask("gate", "--check").return_value == 0
    assert find_rolled_back(standing.root, find_verdict(standing.root, HERE), now()) is None


def test_every_output_of_the_verdict_says_it(rolled, monkeypatch):
    """The terminal, JSON, Markdown, JUnit, the status, the champion's listing, and the form that asks for an approval."""
    shown = ask("gate", "--md", "v.md", "--junit", "v.xml")
    assert (shown.return_value, f"ROLLED BACK: {TOLD}" in shown.output) == (0, True)
    found = json.loads(ask("gate", "--json").stdout)
    assert (found["decision"], found["standing_decision"]) == ("promote", "not_judged")
    assert found["rolled_back"].startswith(TOLD)
    assert Path("v.md").read_text().startswith(f"## Rolled back: {TOLD}")
    assert '<property name="decision" value="not_judged" />' in Path("v.xml").read_text()
    monkeypatch.setattr(flows.stage_graph, "plan_stages", lambda _: ())
    status = json.loads(ask("status", "--json").stdout)
    assert (status["decision"], status["rolled_back"][: len(TOLD)]) == ("not_judged", TOLD)
    assert TOLD in ask("champion").output
    assert TOLD in told_of.fn(str(rolled.root), HERE)


def test_its_page_says_it(rolled):
    """As text, whatever the reason holds; `report` says it beside the path, and takes it off again once it is champion again."""
    page = rolled.results / "here/report.html"
    assert '<strong id="rolled-back">Rolled back. Its model was promoted as version 2' in page.read_text()
    assert "delays doubled &lt;b&gt;at&lt;/b&gt; AUS" in page.read_text()
    page.write_text(PAGE)
    asked = ask("report")
    assert (asked.stdout.strip(), TOLD in asked.stderr) == (str(page), True)
    assert 'id="rolled-back"' in page.read_text()


def test_an_approval_by_somebody_who_knows_of_it_opens_the_gate_again(rolled, keys):
    """The one from before does not count; a new one does, for the gate as for promotion; then the page is clean again."""
    with disable_run_logger():
        assert "rolled back" in find_lacking.fn(str(rolled.root), HERE)
    agree(rolled, keys, reason="it was the network")
    assert not find_lacking.fn(str(rolled.root), HERE)
    assert ask("gate", "--check").return_value == 0
    assert promote(rolled.root, HERE, now()).champion.version == "2"
    assert (rolled.results / "here/report.html").read_text() == PAGE


def test_a_clone_knows_of_it_by_the_branch_of_the_champion(standing, rolled_branch):
    """Whoever releases elsewhere has no log of his own: `champions/current`, fetched, tells."""
    stored = find_verdict(standing.root, HERE)
    require_not_rolled_back(standing.root, stored, now())
    git(standing.root, "fetch", "-q", str(rolled_branch), "champions/current:refs/remotes/origin/champions/current")
    with pytest.raises(GateError, match=TOLD):
        require_not_rolled_back(standing.root, stored, now())


@pytest.fixture
def rolled_branch(made):
    return made[0] / "rolled"


def test_the_branches_can_be_pushed_after_a_rollback(made, tmp_path):
    """As documented, without force, before and after it: Git refuses branches that leave what was pushed."""
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    for name in ("standing", "rolled"):
        git(made[0] / name, "push", "-q", str(tmp_path / "remote.git"), "refs/heads/champions/*")
    kept = git(made[0] / "rolled", "rev-parse", "champions/current")
    assert git(tmp_path / "remote.git", "rev-parse", "champions/current") == kept


def test_any_branch_of_a_champion_tells_of_it(standing, rolled_branch, made):
    """The champion before was fetched, and not `champions/current`: its log holds the rollback too."""
    git(standing.root, "fetch", "-q", str(rolled_branch), f"{made[1]}:refs/remotes/origin/{made[1]}")
    with pytest.raises(GateError, match=TOLD):
        require_not_rolled_back(standing.root, find_verdict(standing.root, HERE), now())


def test_a_clone_without_any_champion_is_told_that_nothing_is_known(standing):
    """With the command that fetches them; a project that has no remote is told nothing."""
    for branch in git(standing.root, "branch", "--list", "--format=%(refname:short)", "champions/*").split():
        git(standing.root, "branch", "-q", "-D", branch)
    assert ask("gate", "--check").stderr == ""
    git(standing.root, "remote", "add", "origin", str(standing.root.parent))
    asked = ask("gate", "--check")
    assert (asked.return_value, asked.stderr.count("git fetch origin '+refs/heads/champions/*")) == (0, 1)


def test_what_cannot_be_told_of_a_move_fails_none(standing, keys):
    """Somebody's `champions/current` has no log: the rollback was made, stderr says what lacks; a promotion stops before."""
    git(standing.root, "update-ref", "refs/remotes/other/champions/current", "HEAD")
    asked = ask("rollback", "--reason", "bad")
    assert (asked.exception, find_champion(standing.root)[0].champion.version) == (None, "1")
    assert "the kept pages: refs/remotes/other/champions/current: no event log" in asked.stderr
    agree(standing, keys)
    content = standing.events.read_bytes()
    with pytest.raises(LedgerError, match="refs/remotes/other"):
        promote(standing.root, HERE, now())
    assert standing.events.read_bytes() == content


def test_a_log_that_cannot_be_read_closes_the_gate(standing):
    """What somebody's `champions/current` says is not known without it: the ref is named, and how to drop it."""
    git(standing.root, "update-ref", "refs/remotes/other/champions/current", "HEAD")
    refused = ask("gate", "--check").exception
    assert refused.found.startswith("no event log")
    assert "git update-ref -d refs/remotes/other/champions/current" in refused.next_step


def test_it_is_remembered_under_another_name_of_the_model(rolled, keys, monkeypatch):
    """The parameters name another registered model: the old approval is none there either, and the gate stays closed after that."""
    registry = MemoryRegistry(rolled.root.parent / "other")
    use_registry(monkeypatch, registry)
    monkeypatch.setattr(flows.registry_office, "MlflowParams", lambda: MlflowParams(name="other-name"))
    with pytest.raises(GateError, match="an approval from before that"):
        promote(rolled.root, HERE, now())
    assert (registry.version, registry.versions) == (None, {})
    agree(rolled, keys, reason="it was the network")
    assert promote(rolled.root, HERE, now()).champion.model == "other-name"


def test_the_champion_before_is_not_taken_back(rolled, made):
    """It left by a promotion, and returned by the rollback: nothing stands against its verdict."""
    champion = find_champion(rolled.root)[0].champion
    stored = find_verdict(rolled.root, made[1])
    assert find_rolled_back(rolled.root, stored, now()) is None
    assert champion.branch == made[1]


def test_without_git_the_gate_does_not_open(standing, monkeypatch):
    """What `champions/current` says cannot be read then: no program is an error with a next step, no crash and no pass."""
    monkeypatch.setenv("PATH", str(standing.root))
    monkeypatch.setattr(flows.programs, "stage_environment", lambda: dict(os.environ))
    with pytest.raises(WorktreeError, match="no such program"):
        require_not_rolled_back(standing.root, find_verdict(standing.root, HERE), now())
