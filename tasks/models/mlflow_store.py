"""Models in an MLflow registry: found by URI, pinned by the bytes of their skops archive, never unpickled.

What belongs here: from a URI to an archive and the version that it stands for. What does not: loading the archive (``store``).
MLflow is imported where it is used only: that takes seconds, and most projects have none.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks import telemetry
from tasks.credentials import MODEL_VARIABLES
from tasks.errors import ModelError
from tasks.paths import main_root

_SCHEMES = ("models:/", "runs:/")
_TRACKING = "MLFLOW_TRACKING_URI"
_EXAMPLE = "models:/late-flights/3, models:/late-flights@candidate or runs:/<run>/<path>"


@dataclass(frozen=True)
class RegistryModel:
    """A model as it is stored: its URI with the version that an alias stood for, and its skops archive."""

    uri: str
    archive: bytes

    @property
    def sha256(self) -> str:
        """Hash of the archive's bytes."""
        return hashlib.sha256(self.archive).hexdigest()


def is_registry_uri(model: str) -> bool:
    """Whether ``model`` names a model in a registry, and no file."""
    return model.startswith(_SCHEMES)


def fetch_model(uri: str, tracking_uri: str | None, root: Path, keys: Mapping[str, str] | None = None) -> RegistryModel:
    """Fetch the model that ``uri`` names; nothing of it is loaded.

    ``keys`` (:func:`tasks.credentials.model_keys`) open its artifacts where these lie on S3; they stand in the environment, where
    MLflow looks for them, no longer than that takes.

    The registry is MLFLOW_TRACKING_URI's, or else ``tracking_uri``; a relative SQLite path counts from the main checkout of
    ``root``. Raises :class:`~tasks.errors.ModelError` where MLflow is not installed, cannot be reached, knows no such model, or
    holds it in another format than skops.
    """
    mlflow = _import_mlflow(uri)
    where = os.environ.get(_TRACKING) or tracking_uri
    if not where:
        raise ModelError(
            f"model {uri}",
            found="no tracking URI",
            expected=f"the environment variable {_TRACKING}, or models.mlflow.tracking_uri in params.yaml",
            next_step=f"export {_TRACKING}=...",
        )
    where = _absolute(where, root)
    try:
        with _registry(mlflow, where), _environment(keys or {}), tempfile.TemporaryDirectory(prefix="windtunnel-mlflow-") as folder:
            resolved = _resolve(mlflow.MlflowClient(), uri)
            found = mlflow.artifacts.download_artifacts(artifact_uri=resolved, dst_path=folder)
            return RegistryModel(resolved, _archive(Path(found), uri))
    except ModelError:
        raise
    except Exception as error:  # MLflow's clients raise what their stores raise
        raise ModelError(
            f"model {uri}",
            found=f"MLflow cannot hand it over ({type(error).__name__})",
            expected=f"a model that is there, as {_EXAMPLE}",
            next_step="look it up in MLflow; is its tracking server running, and may this account read it? Where its files lie on "
            f"S3, set {', '.join(MODEL_VARIABLES[:2])} (docs/challengers.md)",
        ) from None


def _import_mlflow(uri: str) -> Any:
    telemetry.switch_off()  # read when MLflow is imported, by whatever asks for a model first
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        import mlflow
        import mlflow.artifacts
    except ImportError:
        raise ModelError(
            f"model {uri}",
            found="MLflow is not installed",
            expected="the extra `mlflow`",
            next_step="pip install 'windtunnel[mlflow]'",
        ) from None
    return mlflow


@contextmanager
def _registry(mlflow: Any, where: str) -> Iterator[None]:
    """MLflow's one registry for the whole process: not all of its code hands on the one that a call names.

    It notes it in the environment as well, which is put back, or it would win over params.yaml from then on.
    """
    before = os.environ.get(_TRACKING)
    mlflow.set_tracking_uri(where)
    mlflow.set_registry_uri(where)
    try:
        yield
    finally:
        os.environ.pop(_TRACKING, None)
        if before is not None:
            os.environ[_TRACKING] = before


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """``values`` in the environment while the block runs, and then what was there before."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _absolute(where: str, root: Path) -> str:
    """A relative SQLite file lies in the main checkout: a run's worktree has none, and MLflow would make an empty one."""
    matched = re.fullmatch(r"sqlite:///(?!/)(.+)", where)
    return f"sqlite:///{(main_root(root) / matched[1]).resolve()}" if matched else where


def _resolve(client: Any, uri: str) -> str:
    """``uri`` with the version that its alias stands for now; any other is as exact as it gets."""
    matched = re.fullmatch(r"models:/([^/@]+)@([^/@]+)", uri)
    if matched is None:
        return uri
    return f"models:/{matched[1]}/{client.get_model_version_by_alias(matched[1], matched[2]).version}"


def _archive(found: Path, uri: str) -> bytes:
    """The skops archive in what was downloaded: the file itself, or the one that MLflow's description of the model names."""
    if found.is_file():
        return found.read_bytes()
    described = found / "MLmodel"
    flavors = (yaml.safe_load(described.read_bytes()) or {}).get("flavors", {}) if described.is_file() else {}
    flavor = flavors.get("sklearn", {})
    form, name = str(flavor.get("serialization_format", "")), str(flavor.get("pickled_model", ""))
    if form != "skops" or not (found / Path(name).name).is_file():
        what = f"scikit-learn's, stored as {form}" if form else f"of the flavors {', '.join(sorted(flavors)) or 'none'}"
        raise ModelError(
            f"model {uri}",
            found=f"a model {what}",
            expected="a scikit-learn model stored with skops: a pickle runs code when it is loaded",
            next_step='log it again with mlflow.sklearn.log_model(model, serialization_format="skops"), or bring its scores as a '
            "score file",
        )
    return (found / Path(name).name).read_bytes()
