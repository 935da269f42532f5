"""A real MLflow registry (SQLite) through the process that asks it: runs, versions, the alias, and what is gone."""

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from flows.registration import require_registered
from tasks.errors import RegistryError
from tasks.registry import ALIAS, REFIT_TAG, RunFacts, open_registry

pytestmark = pytest.mark.slow
FLAVOR = {"pickled_model": "model.skops", "sklearn_version": "1.9.1", "serialization_format": "skops", "code": None}


def facts(verdict: str) -> RunFacts:
    tags = {"windtunnel.verdict": verdict, "windtunnel.data.models/challenger": "c" * 64}
    return RunFacts(f"promote {verdict}", {"split": "by_time"}, {"ranking/delta": 0.25}, tags)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A folder with a model's files, and the folder of the registry."""
    folder = tmp_path_factory.mktemp("registry")
    (folder / "files/model").mkdir(parents=True)
    (folder / "files/model/model.skops").write_bytes(b"an archive")
    return folder


@pytest.fixture(scope="module")
def registry(places):
    with open_registry(environment_of(places)) as opened:
        yield opened


def environment_of(places):
    return {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{places}/mlflow.db"}


def registered(registry, places, verdict, **tags):
    """A version with its run; ``tags`` are more of them."""
    told = replace(facts(verdict), tags=facts(verdict).tags | tags)
    run = registry.log_run("late", told, places / "files", (places / "artifacts").as_uri())
    return registry.register("late", run, told, FLAVOR)


def test_a_verdict_has_one_run_and_one_version(registry, places):
    """Asked twice, the same ones are found, and the version carries the verdict's tags."""
    first, again = (registered(registry, places, "a" * 64) for _ in range(2))
    assert first == again
    assert first.tags["windtunnel.verdict"] == "a" * 64
    assert registered(registry, places, "b" * 64).version != first.version


def test_a_recipe_of_the_same_verdict_is_another_version(registry, places):
    """The judged model, and one that its recipe was fitted to again, are each found again by their own hash."""
    judged = registered(registry, places, "c" * 64)
    refits = [registered(registry, places, "c" * 64, **{REFIT_TAG: letter * 64}) for letter in "ab"]
    assert len({judged.version, *(made.version for made in refits)}) == 3
    assert registered(registry, places, "c" * 64, **{REFIT_TAG: "a" * 64}) == refits[0]
    assert registered(registry, places, "c" * 64) == judged


def test_the_model_is_handed_over_byte_for_byte(registry, places, tmp_path):
    """By version and by alias."""
    made = registered(registry, places, "a" * 64)
    registry.move_alias("late", "by-alias", expected=None, target=made.version)
    for number, uri in enumerate((f"models:/late/{made.version}", "models:/late@by-alias")):
        (tmp_path / str(number)).mkdir()
        assert (registry.download(uri, tmp_path / str(number)) / "model.skops").read_bytes() == b"an archive"


def test_an_alias_moves_from_where_it_is_believed_only(registry, places):
    """Nowhere, then at the first version; a move that believes otherwise changes nothing and says where it stands."""
    one, two = (registered(registry, places, letter * 64).version for letter in "ab")
    assert registry.read_alias("late", ALIAS) is None
    assert registry.read_alias("unknown", ALIAS) is None
    assert registry.move_alias("late", ALIAS, expected=None, target=one).is_moved
    refused = registry.move_alias("late", ALIAS, expected=None, target=two)
    assert (refused.is_moved, refused.found) == (False, one)
    assert registry.move_alias("late", ALIAS, expected=one, target=two).found == two
    assert registry.read_alias("late", ALIAS).version == two
    registry.drop_alias("late", ALIAS)
    assert registry.read_alias("late", ALIAS) is None


def test_of_two_processes_that_move_the_alias_at_once_one_does(registry, places):
    """Both expect the version before, eight times over: each move is made once, and whoever lost is told where it stands."""
    run = registered(registry, places, "a" * 64).run
    steps = [registry.register("race", run, facts(f"{number:064}"), FLAVOR).version for number in range(8)]

    def race(mover, ready):
        won = []
        ready.wait()
        for before, after in zip([None, *steps], steps, strict=False):
            moved = mover.move_alias("race", ALIAS, expected=before, target=after)
            assert moved.is_moved or int(moved.found) >= int(after)
            won += [after] * moved.is_moved
        return won

    with open_registry(environment_of(places)) as other, ThreadPoolExecutor() as threads:
        other.read_alias("race", ALIAS)
        ready = threading.Barrier(2)
        one, two = threads.map(race, (registry, other), (ready, ready))
    assert sorted(one + two, key=int) == steps


def test_an_alias_is_moved_to_versions_only(registry, places):
    """Never to one that is not there, in a database that would take any number."""
    made = registered(registry, places, "a" * 64)
    with pytest.raises(RegistryError, match="LookupError"):
        registry.move_alias("late", "nowhere", expected=None, target="999")
    assert registry.move_alias("late", "nowhere", expected=None, target=made.version).is_moved


def test_files_that_are_gone_are_refused(registry, places, tmp_path):
    """The version is there, its files are not; a run that is logged anew has them again."""
    made = registered(registry, places, "d" * 64)
    shutil.rmtree(places / "artifacts" / made.run)
    with pytest.raises(RegistryError, match="no model that can be fetched"):
        require_registered(registry, "late", made.version, "f" * 64, tmp_path / "gone")
    run = registry.log_run("late", facts("d" * 64), places / "files", None, is_anew=True)
    anew = registry.register("late", run, facts("d" * 64), FLAVOR)
    assert anew.version != made.version
    assert (registry.download(f"models:/late/{anew.version}", tmp_path) / "model.skops").is_file()


def test_a_registry_that_is_down_is_told_without_its_address():
    """Nothing listens there; the password in the address is not shown."""
    down = {"MLFLOW_TRACKING_URI": "http://me:secret@127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    with open_registry({**os.environ, **down}) as opened, pytest.raises(RegistryError) as told:
        opened.read_alias("late", ALIAS)
    assert "secret" not in str(told.value)
    assert "read alias" in str(told.value)
