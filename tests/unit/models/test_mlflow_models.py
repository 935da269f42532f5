"""Models in a real MLflow registry (SQLite): found by URI, pinned by their bytes, and never unpickled."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from s3_server import READING, REGION, serve
from sklearn.linear_model import LogisticRegression

from tasks.credentials import put_away, take_model_keys
from tasks.errors import ModelError
from tasks.models import load_model, name_challenger
from tasks.models.mlflow_store import fetch_model, is_registry_uri, registry_environment, registry_uri
from tasks.params import load_params
from tasks.params.models import MlflowParams

ROOT = Path(__file__).resolve().parents[3]

FILL = """
import json, os, sys
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
import mlflow
import mlflow.sklearn
from sklearn.linear_model import LogisticRegression

mlflow.set_tracking_uri(sys.argv[1])
if len(sys.argv) > 2:
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("on S3", artifact_location=sys.argv[2]))
with mlflow.start_run() as run:
    for name, form in (("late", "skops"), ("pickled", "cloudpickle")):
        model = LogisticRegression(C=2.0).fit([[0.0], [1.0]], [0, 1])
        mlflow.sklearn.log_model(
            model, name=name, serialization_format=form, registered_model_name=name, pip_requirements=["scikit-learn"]
        )
mlflow.MlflowClient().set_registered_model_alias("late", "candidate", 1)
print(json.dumps({"run": run.info.run_id}))
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A project with a registry beside it, filled by a process of its own; (project, id of the run that logged its models)."""
    root = tmp_path_factory.mktemp("registry")
    filled = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FILL, f"sqlite:///{root}/mlflow.db"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"},
    )
    return root, json.loads(filled.stdout.splitlines()[-1])["run"]


@pytest.fixture(autouse=True)
def _no_registry_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own, at import and from its database
]


def test_a_version_an_alias_and_a_run_are_the_same_bytes(registry):
    """An alias is resolved to the version that it stands for."""
    root, run = registry
    uris = ("models:/late/1", "models:/late@candidate", f"runs:/{run}/late")
    found = [fetch_model(uri, "sqlite:///mlflow.db", root) for uri in uris]
    assert [model.uri for model in found] == ["models:/late/1", "models:/late/1", f"runs:/{run}/late"]
    assert len({model.sha256 for model in found}) == 1
    loaded = load_model(found[0].archive)
    assert isinstance(loaded, LogisticRegression)
    assert loaded.C == 2.0


def test_a_name_on_the_command_line_is_pinned_to_version_and_bytes(registry):
    """An alias moves; what was judged does not."""
    root, _ = registry
    params = load_params(ROOT / "params.yaml")
    models = params.models.model_copy(update={"mlflow": MlflowParams(tracking_uri="sqlite:///mlflow.db")})
    section = name_challenger("models:/late@candidate", params.model_copy(update={"models": models}), root)
    sha256 = fetch_model("models:/late/1", "sqlite:///mlflow.db", root).sha256
    assert section == {"model": "models:/late/1", "sha256": sha256, "view": "masked"}


def test_the_environment_names_the_registry_before_params_do(registry, monkeypatch):
    """As with keys."""
    root, _ = registry
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlflow.db")
    assert fetch_model("models:/late/1", "sqlite:////nowhere/else.db", root).uri == "models:/late/1"


def test_a_pickled_model_is_refused_with_what_to_do(registry):
    """A pickle runs code when it is loaded, so it is not loaded."""
    root, _ = registry
    with pytest.raises(ModelError, match="models:/pickled/1") as caught:
        fetch_model("models:/pickled/1", "sqlite:///mlflow.db", root)
    assert caught.value.found == "a model scikit-learn's, stored as cloudpickle"
    assert 'serialization_format="skops"' in caught.value.next_step


@pytest.mark.parametrize("uri", ["models:/late/9", "models:/late@nobody", "runs:/0/late"])
def test_a_model_that_is_not_there_is_one_clear_error(registry, uri):
    """Whatever MLflow's store raises."""
    root, _ = registry
    with pytest.raises(ModelError, match="MLflow cannot hand it over"):
        fetch_model(uri, "sqlite:///mlflow.db", root)


def test_nothing_phones_home(registry, tmp_path):
    """A process that fetches a model talks to its registry alone."""
    root, _ = registry
    script = "import sys; from pathlib import Path; from tasks.models.mlflow_store import fetch_model; "
    script += "print(fetch_model('models:/late/1', 'sqlite:///mlflow.db', Path(sys.argv[1])).uri)"
    log = tmp_path / "connections"
    guarded = {name: value for name, value in os.environ.items() if name not in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK")} | {
        "PYTHONPATH": os.pathsep.join((str(ROOT / "tests/flows/loopback_only"), str(ROOT))),
        "CONNECTIONS_LOG": str(log),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(root)],
        env=guarded,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "models:/late/1"
    assert not log.exists()


def test_without_mlflow_the_extra_is_named(tmp_path, monkeypatch):
    """Most projects have no registry, and need none of it."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ModelError, match="MLflow is not installed"):
        fetch_model("models:/late/1", "sqlite:///mlflow.db", tmp_path)


def test_no_tracking_uri_is_refused(tmp_path):
    """Nothing is guessed: MLflow would make an empty registry in the working folder."""
    with pytest.raises(ModelError, match="no tracking URI"):
        fetch_model("models:/late/1", None, tmp_path)


def test_what_is_a_registrys_and_what_a_file():
    """A file of that name is a file."""
    assert [is_registry_uri(name) for name in ("models:/a/1", "runs:/x/y", "models/a.skops")] == [True, True, False]


def test_artifacts_on_s3_are_opened_with_keys_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Which leave the environment before anybody's code runs; the lake's, and `AWS_*`, are not tried."""
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with serve() as store:
        store.bucket("models", has_versions=False)
        monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", store.endpoint)
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        keys = {"AWS_ACCESS_KEY_ID": store.admin.key_id, "AWS_SECRET_ACCESS_KEY": store.admin.secret}
        tracking = f"sqlite:///{tmp_path}/mlflow.db"
        command = [sys.executable, "-W", "ignore", "-c", FILL, tracking, "s3://models/artifacts"]
        subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, env={**os.environ, **keys})
        for name, value in store.reader.environment().items():
            monkeypatch.setenv(name, value)
        with pytest.raises(ModelError) as caught:
            fetch_model("models:/late/1", tracking, tmp_path, take_model_keys(os.environ))
        assert "WINDTUNNEL_MLFLOW_ACCESS_KEY_ID" in caught.value.next_step
        reader = store.account("mlflow", READING, ["arn:aws:s3:::models", "arn:aws:s3:::models/*"])
        monkeypatch.setenv("WINDTUNNEL_MLFLOW_ACCESS_KEY_ID", reader.key_id)
        monkeypatch.setenv("WINDTUNNEL_MLFLOW_SECRET_ACCESS_KEY", reader.secret)
        taken = take_model_keys(os.environ)
        assert isinstance(load_model(fetch_model("models:/late/1", tracking, tmp_path, taken).archive), LogisticRegression)
    assert not [value for value in os.environ.values() if reader.secret in value]


def test_what_opens_a_registry_is_taken_out_and_handed_to_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A recipe's file sees neither address nor account; the process that asks MLflow has both, under one address."""
    named = {"MLFLOW_TRACKING_URI": "http://me:secret@registry.invalid", "MLFLOW_TRACKING_TOKEN": "t", "DATABRICKS_TOKEN": "d"}
    environment = {**named, "MLFLOW_REGISTRY_URI": "http://other.invalid", "WINDTUNNEL_MLFLOW_ACCESS_KEY_ID": "k", "HOME": "h"}
    before = dict(environment)
    with put_away(environment):
        assert environment == {"HOME": "h"}
    assert environment == before
    keys = take_model_keys(environment)
    assert environment == {"HOME": "h"}
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    where = registry_uri("http://params.invalid", tmp_path, keys)
    given = registry_environment(where, keys)
    assert {name: given[name] for name in (*named, "AWS_ACCESS_KEY_ID")} == {**named, "AWS_ACCESS_KEY_ID": "k"}
    assert given["MLFLOW_REGISTRY_URI"] == named["MLFLOW_TRACKING_URI"]
