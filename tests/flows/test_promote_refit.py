"""A recipe, fitted again on raw rows, on its way to be champion: what the log, the registry and the rollback say of it."""

import json
import shutil
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from alias_events import MemoryRegistry, kept_in, use_registry
from promotable_samples import make_promotable_samples
from signed_project import BOB, make_keys

import flows.promotion
import flows.registration
from flows.approval import approve
from flows.cli.render_champion import show_champion, show_moved
from flows.promotion import confirm, promote, rollback
from flows.registry_office import find_champion
from tasks.errors import DatasetError, GateError, MaskingKeyError, RegistryError
from tasks.models import model_hash
from tasks.paths import ProjectPaths
from tasks.records import ModelCard, RefitCheck

pytestmark = pytest.mark.slow
HERE = "data/verdict.json"


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Judged, signed and approved, with its snapshot and key; nothing was promoted."""
    keys = make_keys(tmp_path_factory.mktemp("keys"))
    root = make_promotable_samples(tmp_path_factory.mktemp("samples"), keys).root
    approve(root, HERE, key=keys[BOB], reason="agreed", now=now())
    return root


@pytest.fixture
def paths(approved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectPaths:
    """A copy of it."""
    root = tmp_path / "project"
    shutil.copytree(approved, root, symlinks=True)
    monkeypatch.chdir(root)
    return ProjectPaths(root)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryRegistry:
    made = MemoryRegistry(tmp_path / "registry")
    use_registry(monkeypatch, made)
    return made


def now() -> datetime:
    return datetime.now(timezone.utc)


def test_the_recipe_becomes_champion(
    paths: ProjectPaths, registry: MemoryRegistry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the model that was judged; said so by the log, the card, the terminal; and rolled back to like any other."""
    data = {path: path.read_bytes() for path in paths.data.rglob("*") if path.is_file()}
    moved = promote(paths.root, HERE, now(), is_refit=True)
    champion = moved.champion
    assert (champion.promoted, champion.view, registry.version) == ("recipe", "raw", "1")
    place = registry.versions["1"] / "model"
    card = ModelCard.from_json((place / "card.json").read_bytes(), origin="test")
    check = RefitCheck.from_json((place / "check.json").read_bytes(), origin="test")
    assert model_hash((place / "model.skops").read_bytes()) == champion.logical_hash == check.refitted_hash == card.logical_hash
    assert card.view == "raw"
    assert confirm(paths.root, "1", champion.event) == champion
    _found_in_log(paths, check)
    show_moved(moved, "is champion", is_json=False)
    show_champion(*find_champion(paths.root), is_json=False)
    assert capsys.readouterr().out.count("the recipe, fitted again on raw rows; view raw") == 2

    assert not promote(paths.root, HERE, now(), is_refit=True).is_own
    fitted = promote(paths.root, HERE, now()).champion
    assert (fitted.promoted, fitted.view, fitted.version, fitted.verdict) == ("fitted_model", "masked", "2", champion.verdict)
    kept_in(monkeypatch, {champion.branch: paths.root})
    drill = rollback(paths.root, "", is_drill=True).champion
    assert (drill, registry.version) == (champion, "2")
    back = rollback(paths.root, "needs raw rows").champion
    assert (back, registry.version, back.check) == (champion, "1", champion.check)
    assert {path: path.read_bytes() for path in paths.data.rglob("*") if path.is_file()} == data
    assert not paths.raw_models.exists()


def _found_in_log(paths: ProjectPaths, check: RefitCheck) -> None:
    """The event that began it has the check in words and in figures, of the critical outcomes."""
    about = find_champion(paths.root)[0].moves[0].about
    assert "passes again on raw rows" in about["check"]
    figures = json.loads(about["check_figures"])
    assert figures["on_raw"] == {"ranking": ["pass", check.on_raw[0].challenger, check.on_raw[0].champion]}
    assert figures["rank_correlation"] == check.rank_correlation


def test_another_model_in_the_registry_is_not_returned_to(
    paths: ProjectPaths, registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe's version holds the model that was judged by now: named, and the alias stays."""
    branch = promote(paths.root, HERE, now(), is_refit=True).champion.branch
    promote(paths.root, HERE, now())
    kept_in(monkeypatch, {branch: paths.root})
    shutil.copy2(registry.versions["2"] / "model/model.skops", registry.versions["1"] / "model/model.skops")
    with pytest.raises(RegistryError, match="another model"):
        rollback(paths.root, "why")
    assert registry.version == "2"


def test_without_the_restricted_zone_nothing_is_verified(
    paths: ProjectPaths, registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key, then no snapshot: told at once, and nothing is registered or begun."""
    monkeypatch.setattr(flows.promotion, "verify_checkout", lambda *_: pytest.fail("verified"))
    content = paths.events.read_bytes()
    (paths.root / "masking.key").unlink()
    with pytest.raises(MaskingKeyError):
        promote(paths.root, HERE, now(), is_refit=True)
    shutil.rmtree(paths.snapshots)
    with pytest.raises(DatasetError, match="restricted zone"):
        promote(paths.root, HERE, now(), is_refit=True)
    assert (registry.version, registry.versions, paths.events.read_bytes()) == (None, {}, content)


def test_a_snapshot_that_was_changed_is_refused(paths: ProjectPaths, registry: MemoryRegistry) -> None:
    """Its manifest says what the verdict names, its rows are others: verification names it."""
    first = min((paths.snapshots / "samples").rglob("*.parquet"))
    shutil.copy2(max((paths.snapshots / "samples").rglob("*.parquet")), first)
    with pytest.raises(GateError, match="snapshots"):
        promote(paths.root, HERE, now(), is_refit=True)
    assert not registry.versions


def test_a_recipe_that_does_not_pass_again_is_not_registered(
    paths: ProjectPaths, registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused with the criterion and its figures; the fitted model can still be promoted."""
    real = flows.registration.refit_on_raw

    def worse(*words, **said):
        refitted = real(*words, **said)
        failed = refitted.check.on_raw[0].model_copy(update={"status": "fail", "challenger": 0.5123, "reason": "made up"})
        return replace(refitted, check=refitted.check.model_copy(update={"on_raw": (failed,)}))

    monkeypatch.setattr(flows.registration, "refit_on_raw", worse)
    with pytest.raises(GateError, match=r"ranking: fail on raw rows \(0\.5123"):
        promote(paths.root, HERE, now(), is_refit=True)
    assert not registry.versions
    assert promote(paths.root, HERE, now()).champion.promoted == "fitted_model"
