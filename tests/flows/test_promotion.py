"""What may be promoted and what may not, and the way back; the registry is one in memory, all else is real."""

import hashlib
import json
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml
from alias_events import MemoryRegistry, OneAlias, desk_of, kept_in, promotion, rolling_back, use_registry
from prefect import Task
from prefect.logging import disable_run_logger
from promotable_project import HERE, agree, judge_promotable, make_promotable, now, promote_twice, write_params
from signed_project import ADA, BOB, ROBOT

import flows.promote_model
import flows.promotion
import flows.registry_office
import flows.verdict_checks
import flows.verification
from flows.alias_moves import Desk, make_move
from flows.approval import record_approval, sign_approval
from flows.champion_branches import keep_champion, point_current
from flows.cli.render_champion import show_moved
from flows.comparison import comparison_notes
from flows.params_edit import edit_params
from flows.policy_signing import sign_policy
from flows.programs import git
from flows.promote_model import check_verdict, confirm_champion, told_of
from flows.promotion import Moved, confirm, promote, rollback
from flows.registry_office import find_champion, show_in_mlflow
from flows.rolled_back import require_approved_since
from flows.verdict_store import find_verdict
from flows.verification import checkout_of_verdict
from flows.worktrees import hold_lock
from tasks.errors import DatasetError, GateError, ModelError, RegistryError, SigningError, WorktreeError
from tasks.ledger import Draft, append_event
from tasks.paths import ProjectPaths
from tasks.records import Promotable, Verdict
from tasks.registry import ALIAS, Move
from tasks.reporting import escape_markdown
from tasks.signing import told


@pytest.fixture(scope="module")
def judged(tmp_path_factory, keys):
    """Judged, signed, and not approved."""
    return make_promotable(tmp_path_factory.mktemp("promotable"), keys).root


@pytest.fixture
def paths(judged, tmp_path, monkeypatch):
    """A copy of it."""
    root = tmp_path / "project"
    shutil.copytree(judged, root, symlinks=True)
    monkeypatch.chdir(root)
    return ProjectPaths(root)


@pytest.fixture
def registry(request, tmp_path, monkeypatch):
    """Empty, or the one that has the two champions."""
    made = MemoryRegistry(tmp_path / "registry")
    if "two" in request.fixturenames:
        known = request.getfixturevalue("twice")[2]
        made.folder, made.version, made.versions = known.folder, known.version, dict(known.versions)
    use_registry(monkeypatch, made)
    return made


@pytest.fixture(scope="module")
def twice(judged, keys, tmp_path_factory):
    """A project with two champions, the second one standing; where the first one's data lies, its branch, and the registry."""
    folder = tmp_path_factory.mktemp("twice")
    registry = MemoryRegistry(folder / "registry")
    paths = ProjectPaths(Path(shutil.copytree(judged, folder / "project", symlinks=True)))
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_registry(monkeypatch, registry)
        first = promote_twice(paths, keys, folder / "first")
    return folder, first.branch, registry


@pytest.fixture
def two(twice, registry, tmp_path, monkeypatch):
    """A copy of it; a rollback finds the data of the earlier champion in a folder. DVC has none of it."""
    for name in ("project", "first"):
        shutil.copytree(twice[0] / name, tmp_path / name, symlinks=True)
    (tmp_path / "project/.dvc").mkdir()
    monkeypatch.setattr(flows.verification, "lay_down", lambda *_: True)
    kept_in(monkeypatch, {twice[1]: tmp_path / "first"})
    monkeypatch.chdir(tmp_path / "project")
    return ProjectPaths(tmp_path / "project")


def test_an_approved_verdict_makes_its_model_champion(paths, keys, registry):
    """The alias stands at its version, the log and the registry agree, and its branch holds verdict, receipt and signature."""
    agree(paths, keys)
    moved = promote(paths.root, HERE, now())
    assert (registry.version, moved.champion.version, moved.champion.promoted) == ("1", "1", "fitted_model")
    assert find_champion(paths.root)[1].status == "holds"
    assert confirm(paths.root, "1", moved.champion.event) == moved.champion
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "champions/current"], cwd=paths.root, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"data/verdict.json", "params.yaml", "data/pin.json"} <= set(listed)
    assert len([name for name in listed if name.startswith(".windtunnel/receipts/")]) == 2
    assert not subprocess.run(["git", "status", "--porcelain"], cwd=paths.root, capture_output=True, check=True).stdout


def test_promoted_twice_changes_nothing(paths, keys, registry):
    """The same verdict again: the same champion, no event."""
    agree(paths, keys)
    first = promote(paths.root, HERE, now())
    content = paths.events.read_bytes()
    again = promote(paths.root, HERE, now())
    assert (again.champion, again.flip_ms) == (first.champion, None)
    assert (first.is_own, again.is_own) == (True, False)
    assert paths.events.read_bytes() == content


def test_without_an_approval_nothing_moves(paths, registry):
    """Signed, fresh, promote, and nobody else agreed."""
    with pytest.raises((GateError, SigningError), match="no approval"):
        promote(paths.root, HERE, now())
    assert registry.version is None


def test_a_stale_verdict_is_refused(paths, keys, registry):
    """Expired; and of other parameters than those beside it."""
    agree(paths, keys)
    with pytest.raises(GateError, match="expired"):
        promote(paths.root, HERE, now() + timedelta(days=8))
    write_params(paths, C=0.1)
    with pytest.raises(GateError, match="other parameters"):
        promote(paths.root, HERE, now())
    assert registry.version is None


def test_a_verdict_that_does_not_hold_is_refused(paths, keys, registry):
    """Its predictions were taken away after it was approved: verification names them, nothing was registered."""
    agree(paths, keys)
    shutil.rmtree(paths.predictions)
    with pytest.raises(GateError, match="predictions"):
        promote(paths.root, HERE, now())
    assert not registry.versions


def test_a_verdict_of_scores_has_no_model_to_promote(paths, keys, registry, monkeypatch):
    """Known by scores only: told before anything is registered."""
    agree(paths, keys)
    monkeypatch.setattr(flows.promotion, "_require_holds", lambda *_: None)
    monkeypatch.setattr(flows.verdict_checks, "_require_bytes", lambda *_: None)
    (paths.models / "challenger.skops").rename(paths.models / "challenger.parquet")
    with pytest.raises(ModelError, match="scores only"):
        promote(paths.root, HERE, now())
    assert not registry.versions


def test_nobody_is_asked_to_approve_what_cannot_be_promoted(paths, monkeypatch):
    """The flow ends before it waits for an approval: no model, or a recipe that cannot be fitted on raw rows here."""
    assert check_verdict.fn(str(paths.root), HERE, False)
    with pytest.raises((DatasetError, ModelError), match=r"fitted again|snapshot"):
        check_verdict.fn(str(paths.root), HERE, True)
    monkeypatch.setattr(flows.verdict_checks, "_require_bytes", lambda *_: None)
    (paths.models / "challenger.skops").rename(paths.models / "challenger.parquet")
    with pytest.raises(ModelError, match="scores only"):
        check_verdict.fn(str(paths.root), HERE, False)


def test_a_model_that_is_not_here_is_not_taken_for_scores(paths, monkeypatch):
    """Its verdict judged a fitted model, which neither the cache nor a remote has: it is to be fetched, not judged anew."""
    monkeypatch.setattr(flows.verdict_checks, "_require_bytes", lambda *_: None)
    (paths.models / "challenger.skops").unlink()
    with pytest.raises(ModelError, match="not here: data/models") as refused:
        check_verdict.fn(str(paths.root), HERE, False)
    assert "dvc push --remote shared" in refused.value.next_step


def test_the_form_is_shown_until_enough_people_have_signed(paths, keys, registry, monkeypatch):
    """Two who each loosened the policy: the first one's signature is kept, and the form says what is still lacking."""
    for changes, people in (({"gates.criteria.ranking.margin": 0.31}, (ADA, BOB)), ({"gates.max_age_days": 8}, (BOB, ADA))):
        edit_params(paths.params, changes)
        for name in people:
            sign_policy(paths.root, key=keys[name], reason="a reason", now=now())
    judge_promotable(paths, keys[ROBOT])
    module, asked, answers = flows.promote_model, [], iter((BOB, ADA))
    for name, found in list(vars(module).items()):
        if isinstance(found, Task):
            monkeypatch.setattr(module, name, found.fn)
    monkeypatch.setattr(module, "announce", lambda *_, **__: None)

    def answer(*, wait_for_input, key, **_):
        asked.append((key, wait_for_input._description))
        signed = sign_approval(paths.root, HERE, key=keys[next(answers)], reason="agreed", now=now())
        return wait_for_input(approval=signed.to_json())

    monkeypatch.setattr(module, "suspend_flow_run", answer)
    with disable_run_logger():
        assert module.promote_model.fn(HERE) == "1"
    assert "So far: no approval." in asked[0][1]
    assert escape_markdown(f"approved by {BOB}, but not what {BOB} loosened") in asked[1][1]
    assert asked[0][0] != asked[1][0]
    assert find_champion(paths.root)[0].moves[0].about["approved_by"] == f"{ADA}, {BOB}"


def test_two_promotions_at_once(paths, keys, registry):
    """The second is refused and names the first."""
    agree(paths, keys)
    with hold_lock(paths.state / "promotion.lock", "promotions"), pytest.raises(WorktreeError, match="another run at work"):
        promote(paths.root, HERE, now())
    assert registry.version is None


def test_an_alias_of_somebody_elses_is_taken_over_by_name_only(paths, keys, registry):
    """It stood at version 9 before; the log then says where it came from."""
    agree(paths, keys)
    registry.version = "9"
    with pytest.raises(RegistryError, match="--from 9"):
        promote(paths.root, HERE, now())
    promote(paths.root, HERE, now(), taken_over="9")
    standing, check = find_champion(paths.root)
    assert (standing.moves[0].about["from"], check.status) == ("9", "holds")


def test_nothing_to_roll_back_to(paths, keys, registry):
    """Before the first champion, and with one only."""
    with pytest.raises(RegistryError, match="no champion yet"):
        rollback(paths.root, "why")
    agree(paths, keys)
    promote(paths.root, HERE, now())
    with pytest.raises(RegistryError, match="version 1 only"):
        rollback(paths.root, "why")
    assert registry.version == "1"


def test_a_rollback_returns_to_the_champion_before(two, registry):
    """With the verdict, split and data that it was promoted on."""
    before = find_champion(two.root)[0].previous
    moved = rollback(two.root, "too slow")
    assert (registry.version, moved.champion) == ("1", before)
    assert find_champion(two.root)[0].moves[-2].about["reason"] == "too slow"
    landed = git(two.root, "show", "champions/current:data/events.jsonl")
    assert landed == two.events.read_text().rstrip("\n")
    assert git(two.root, "rev-parse", "champions/current^{tree}") == git(two.root, "rev-parse", f"{before.branch}^{{tree}}")


@pytest.mark.parametrize("at_work", ["verify", "ask"])
def test_a_rollback_waits_for_nobody_who_only_looks(twice, two, registry, monkeypatch, at_work):
    """Somebody verifies a branch for minutes, or the form's check fetches its model: it gets as far as its own verification."""
    monkeypatch.setattr(flows.promotion, "checkout_of_verdict", checkout_of_verdict)
    with hold_lock(two.state / f"{at_work}.lock", "the worktree"), pytest.raises(GateError, match="what cannot be checked"):
        rollback(two.root, "why")


def test_the_forms_check_waits_for_no_verification(two):
    """Its worktree is its own, and holds the model alone."""
    branch = find_champion(two.root)[0].champion.branch
    with hold_lock(two.state / "verify.lock", "the worktree"), pytest.raises(ModelError, match="not here"):
        check_verdict.fn(str(two.root), branch, False)


def test_a_drill_changes_nothing(two, registry):
    """No event, no alias; the times are told."""
    content = two.events.read_bytes()
    moved = rollback(two.root, "", is_drill=True)
    assert (moved.champion.version, registry.version) == ("1", "2")
    assert moved.flip_ms is not None
    assert two.events.read_bytes() == content


def test_a_champion_whose_model_is_gone_is_not_returned_to(two, registry):
    """Deleted from the registry, or another one under its version: the alias stays."""
    place = registry.versions.pop("1")
    with pytest.raises(RegistryError, match="no model that can be fetched"):
        rollback(two.root, "why")
    registry.versions["1"] = registry.versions["2"]
    with pytest.raises(RegistryError, match="another model"):
        rollback(two.root, "why")
    assert (registry.version, place.is_dir()) == ("2", True)


def test_a_champion_whose_data_changed_is_not_returned_to(two, registry, tmp_path):
    """Its split was edited since: named, and the alias stays."""
    shutil.rmtree(tmp_path / "first/data/splits/by_time")
    with pytest.raises(GateError, match="splits/by_time"):
        rollback(two.root, "why")
    assert registry.version == "2"


def test_a_rolled_back_verdict_needs_a_new_approval(two, keys, registry):
    """Approved once, and found bad since: whoever approves it again knows of that."""
    rollback(two.root, "too slow")
    with pytest.raises(GateError, match="rolled back"):
        promote(two.root, HERE, now())
    assert registry.version == "1"
    agree(two, keys, reason="it was the network")
    promote(two.root, HERE, now())
    assert registry.version == "2"


@pytest.fixture
def events(monkeypatch):
    """What Prefect was told."""
    announced = []
    monkeypatch.setattr(flows.promote_model, "announce", lambda name, *_, **__: announced.append(name))
    return announced


@pytest.fixture
def unfetched(monkeypatch):
    """The alias is not handed over, a version is."""
    real = flows.promotion.require_registered

    def fetch(registry, model, which, *words):
        if which == ALIAS:
            raise RegistryError("the model registry", found="a dropped connection", expected="an answer", next_step="again")
        real(registry, model, which, *words)

    monkeypatch.setattr(flows.promotion, "require_registered", fetch)


def test_a_champion_that_is_not_handed_over_is_rolled_back(two, registry, unfetched, events):
    """Made champion by this run, and one failed download: the champion before stands, and the run fails."""
    champion = find_champion(two.root)[0].champion
    with pytest.raises(RegistryError, match="dropped connection"):
        confirm_champion.fn(str(two.root), Moved(champion, True, 1.0, 1.0))
    assert (registry.version, events) == ("1", ["champion.rolled_back"])


def test_a_champion_from_before_is_not_rolled_back(two, registry, unfetched):
    """The run promoted nothing, since it was champion already: a failed download fails the run, and demotes nobody."""
    champion = find_champion(two.root)[0].champion
    content = two.events.read_bytes()
    with pytest.raises(RegistryError, match="dropped connection"):
        confirm_champion.fn(str(two.root), Moved(champion, False, None, 1.0))
    assert (registry.version, two.events.read_bytes()) == ("2", content)


def test_a_champion_of_another_promotion_is_not_rolled_back(two, registry):
    """Another promotion landed before this run confirmed its own, or between that and its rollback."""
    earlier = find_champion(two.root)[0].previous
    content = two.events.read_bytes()
    with pytest.raises(GateError, match="of another promotion"):
        confirm_champion.fn(str(two.root), Moved(earlier, True, 1.0, 1.0))
    with pytest.raises(GateError, match="of another promotion"):
        rollback(two.root, "not handed over", only_event=earlier.event)
    assert (registry.version, two.events.read_bytes()) == ("2", content)


def test_a_registry_that_is_down_leaves_the_champion_and_the_log(paths, keys, registry, monkeypatch):
    """Nothing is begun; `champion` says that it could not ask."""
    agree(paths, keys)
    content = paths.events.read_bytes()

    def down(*_):
        raise RegistryError("the model registry", found="ConnectionError", expected="an answer", next_step="start it")

    monkeypatch.setattr(registry, "read_alias", down)
    with pytest.raises(RegistryError, match="ConnectionError"):
        promote(paths.root, HERE, now())
    asked = find_champion(paths.root)[1]
    assert (asked.status, asked.reason) == ("not_checked", "could not be asked (ConnectionError): start it")
    assert paths.events.read_bytes() == content


def test_every_verdict_is_shown_in_mlflow_where_asked(paths, registry):
    """Not by default; where asked, once, with its figures and its model's card, and its promotion is no second run."""
    assert show_in_mlflow(paths.root, "here") is None
    said = yaml.safe_load(paths.params.read_text())
    said["models"]["mlflow"] = {"log_verdicts": True}
    paths.params.write_text(yaml.safe_dump(said))
    run = show_in_mlflow(paths.root, "here")
    assert show_in_mlflow(paths.root, "here") == run
    logged = {path.relative_to(run).as_posix() for path in Path(run).rglob("*") if path.is_file()}
    assert {"model/model.skops", "model/card.json", "verdict/verdict.json", "verdict/verdict.dsse"} <= logged


def test_an_approval_from_a_form_counts_when_signed_just_now(paths, keys):
    """Signed elsewhere and handed over; one that lay about for ten minutes is refused, as is one of another verdict."""
    signed = sign_approval(paths.root, HERE, key=keys[BOB], reason="agreed", now=now())
    with pytest.raises(SigningError, match="within the last five minutes"):
        record_approval(paths.root, HERE, signed, now() + timedelta(minutes=10))
    forged = signed.model_copy(update={"statement": signed.statement.model_copy(update={"subject": "0" * 64})})
    with pytest.raises(SigningError):
        record_approval(paths.root, HERE, forged, now())
    assert record_approval(paths.root, HERE, signed, now()).about["principal"] == BOB


def test_rights_that_end_while_it_is_verified_are_asked_for_again(paths, keys, registry, monkeypatch):
    """Fresh when it was begun, expired when the alias was about to move: nothing was begun."""
    agree(paths, keys)
    content = paths.events.read_bytes()
    monkeypatch.setattr(flows.promotion, "_now", lambda: now() + timedelta(days=8))
    with pytest.raises(GateError, match="expired"):
        promote(paths.root, HERE, now())
    assert list(registry.versions) == ["1"]
    assert (registry.version, paths.events.read_bytes()) == (None, content)


def test_a_verdict_that_was_swapped_while_it_was_verified_is_refused(paths, keys, registry, monkeypatch):
    """Another one lies there by the time it is kept: no champion rests on what nobody verified."""
    agree(paths, keys)
    register = flows.promotion.register

    def swap(*words):
        paths.verdict.write_bytes(paths.verdict.read_bytes() + b"\n")
        return register(*words)

    monkeypatch.setattr(flows.promotion, "register", swap)
    with pytest.raises(GateError, match="another verdict by now"):
        promote(paths.root, HERE, now())
    assert registry.version is None


def test_the_commit_that_was_verified_is_kept(paths):
    """The branch of a verdict moves on meanwhile: kept is the commit, on the branch of its own verdict."""
    content = paths.verdict.read_bytes()
    first = keep_champion(paths.root, None)
    commit = git(paths.root, "rev-parse", first)
    paths.verdict.write_bytes(content + b"\n")
    assert keep_champion(paths.root, None) != first
    git(paths.root, "update-ref", "-d", f"refs/heads/{first}")
    assert keep_champion(paths.root, commit) == first
    assert git(paths.root, "rev-parse", first) == commit


def test_a_champion_that_is_kept_again_can_be_pushed(paths):
    """Its branch was pushed with the event log on it: kept anew, it goes on from there, and holds what was verified."""
    first = keep_champion(paths.root, None)
    commit = git(paths.root, "rev-parse", first)
    append_event(paths.events, lambda _: Draft("look", {}), actor="a", clock=now)
    point_current(paths.root, first)
    pushed = git(paths.root, "rev-parse", first)
    keep_champion(paths.root, commit)
    git(paths.root, "merge-base", "--is-ancestor", pushed, first)
    assert git(paths.root, "rev-parse", f"{first}^{{tree}}") == git(paths.root, "rev-parse", f"{commit}^{{tree}}")


def test_policies_and_suites_that_nobody_committed_are_kept(paths):
    """Or else a rollback would find a verdict that nobody signed: versions, the rivals that these merged, and expectations."""
    git(paths.root, "rm", "-r", "-q", "--cached", "policies")
    git(paths.root, "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "-q", "-m", "nobody's")
    for name in ("policies/rivals/f/0002.json", "expectations/raw/orders.json"):
        (paths.root / name).parent.mkdir(parents=True)
        (paths.root / name).write_text("{}")
    kept = git(paths.root, "ls-tree", "-r", "--name-only", keep_champion(paths.root, None)).split()
    written = {file.relative_to(paths.root).as_posix() for file in paths.policies.rglob("*") if file.is_file()}
    assert {*written, "expectations/raw/orders.json"} <= set(kept)
    assert not git(paths.root, "ls-files", "policies")


def test_the_form_that_a_rollback_restored_is_champion_already(paths, keys, registry):
    """Model, then recipe of one verdict, then back: the verdict counts as rolled back, and promoting its model moves nothing."""
    agree(paths, keys)
    first = promote(paths.root, HERE, now()).champion
    desk = Desk(paths, registry, first.model)
    about = flows.promotion._about(first)
    make_move(desk, Move("promotion", first.model, "1", {**about, "version": "2", "promoted": "recipe"}))
    make_move(desk, Move("rollback", first.model, "2", {**about, "leaves": "2", "reason": "why"}))
    again = promote(paths.root, HERE, now())
    assert (again.is_own, again.champion.version, registry.version) == (False, "1", "1")
    assert first.verdict in desk.read().rolled_back


@pytest.mark.parametrize(
    ("place", "minutes", "counts"), [("events", -1, False), ("landed_events", -1, False), ("landed_events", 1, True)]
)
def test_an_approval_counts_by_when_it_was_signed(tmp_path, place, minutes, counts):
    """Written down after the rollback but signed before it: none; signed after it, and landed from elsewhere: one."""
    desk = desk_of(tmp_path, OneAlias())
    for move in (promotion("1"), promotion("2", origin="1"), rolling_back("1", origin="2")):
        make_move(desk, move)
    standing = desk.read()
    after = datetime.fromisoformat(standing.moves[-1].at_utc)
    log, about = getattr(desk.main, place), {"signed_utc": told(after + timedelta(minutes=minutes))}
    log.parent.mkdir(parents=True, exist_ok=True)
    event = append_event(log, lambda _: Draft("approval", about), actor="bob", clock=lambda: after + timedelta(minutes=2))
    agreed = Promotable(
        verdict_hash="2" * 64, name="it", signed_by="robot", approved_by="bob", approval=event.hash, policy="f" * 64
    )
    if counts:
        require_approved_since(tmp_path, standing, agreed)
    else:
        with pytest.raises(GateError, match="from before that"):
            require_approved_since(tmp_path, standing, agreed)


@pytest.fixture
def compared_with_nobody(monkeypatch):
    """Every verdict is taken for a first model's."""
    monkeypatch.setattr(Verdict, "from_json", classmethod(lambda _, content, origin: _stamped(content)))


def _stamped(content):
    said = json.loads(content) | {"rubber_stamp": True}
    return Verdict.model_validate_json(json.dumps(said))


def test_a_rubber_stamp_replaces_nobody(two, keys, registry, compared_with_nobody):
    """A verdict that was compared with nobody, while somebody is champion by the log, who left by a rollback at first."""
    rollback(two.root, "too slow")
    agree(two, keys, reason="again")
    for refused in (promote, lambda root, name, _: check_verdict.fn(str(root), name, False)):
        with pytest.raises(GateError, match="compared with nobody, while version 1"):
            refused(two.root, HERE, now())
    assert registry.version == "1"


def test_a_rubber_stamp_replaces_no_champion_that_no_log_knows(paths, keys, registry, compared_with_nobody):
    """Somebody put the alias at version 9 by hand: `--from 9` does not make the verdict a comparison."""
    agree(paths, keys)
    registry.version = "9"
    with pytest.raises(GateError, match="compared with nobody, while version 9"):
        promote(paths.root, HERE, now(), taken_over="9")
    assert (registry.version, registry.versions) == ("9", {})


def test_whom_a_promoted_verdict_compared_with_is_kept(two, capsys):
    """The second champion's verdict compared with logged scores, not with version 1: in the event, and shown."""
    standing = find_champion(two.root)[0]
    told = "the scores logged in log.score, not with version 1, the champion at that time"
    assert standing.champion.compared_with == standing.moves[-2].about["compared_with"] == told
    assert standing.previous.compared_with == ""
    show_moved(Moved(standing.champion, True, 1.0, 1.0), "is champion", is_json=False)
    assert f"compared   with {told}" in capsys.readouterr().out


def test_whoever_approves_is_told_whom_it_compared_with(two, registry):
    """By the form and the command, as far as the log knows: of the champion's own verdict there is nothing to tell."""
    assert comparison_notes(two.root, find_verdict(two.root, HERE)) == ()
    rollback(two.root, "too slow")
    [note] = comparison_notes(two.root, find_verdict(two.root, HERE))
    assert "Compared with the scores logged in log.score, not with version 1" in note
    assert escape_markdown(note) in told_of.fn(str(two.root), HERE)


def test_a_verdict_beside_an_older_stored_model_replaces_no_newer_champion(two, keys, registry, tmp_path):
    """Judged beside version 1 while version 2 stands: refused, with the next step; beside version 2 it is promoted."""
    older, newer = ((root / "data/models/challenger.skops").read_bytes() for root in (tmp_path / "first", two.root))
    judge_beside(two, keys, older)
    with pytest.raises(GateError, match="not with version 2"):
        check_verdict.fn(str(two.root), HERE, False)
    with pytest.raises(GateError, match="not with version 2") as refused:
        promote(two.root, HERE, now())
    assert "name version 2 in models.champion" in refused.value.next_step
    assert registry.version == "2"
    judge_beside(two, keys, newer)
    assert check_verdict.fn(str(two.root), HERE, False)
    assert promote(two.root, HERE, now()).champion.compared_with == ""


def judge_beside(paths, keys, champion):
    """Judge another challenger beside a stored model, and approve it."""
    (paths.root / "standing.skops").write_bytes(champion)
    write_params(paths, C=0.6)
    said = yaml.safe_load(paths.params.read_text())
    said["models"]["champion"] = {"model": "standing.skops", "sha256": hashlib.sha256(champion).hexdigest(), "view": "masked"}
    paths.params.write_text(yaml.safe_dump(said))
    judge_promotable(paths, keys[ROBOT])
    agree(paths, keys)
