"""A real MLflow registry (SQLite) through the process that asks it: runs, versions, the alias, and what is gone."""

import os
import shutil

import pytest

from flows.registration import require_registered
from tasks.errors import RegistryError
from tasks.registry import ALIAS, RunFacts, open_registry

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
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{places}/mlflow.db"}
    with open_registry(environment) as opened:
        yield opened


def registered(registry, places, verdict):
    """A version with its run."""
    run = registry.log_run("late", facts(verdict), places / "files", (places / "artifacts").as_uri())
    return registry.register("late", run, facts(verdict), FLAVOR)


def test_a_verdict_has_one_run_and_one_version(registry, places):
    """Asked twice, the same ones are found, and the version carries the verdict's tags."""
    first, again = (registered(registry, places, "a" * 64) for _ in range(2))
    assert first == again
    assert first.tags["windtunnel.verdict"] == "a" * 64
    assert registered(registry, places, "b" * 64).version != first.version


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
