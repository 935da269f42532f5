"""Models in an MLflow registry: found by URI, pinned by the bytes of their skops archive, never unpickled.

What belongs here: from a URI to an archive and the version that it stands for. What does not: loading the archive (``store``), and
MLflow itself, which runs in a process of its own (``mlflow_download``).
"""

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tasks.credentials import MODEL_VARIABLES, without_lake, without_models
from tasks.errors import ModelError
from tasks.paths import ProjectPaths, main_root

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

    ``keys`` (:func:`tasks.credentials.model_keys`) open it, and its artifacts on S3; a process of its own has them and asks
    MLflow, which keeps clients and sessions by process, and with them the keys of whoever asked first.

    The registry is MLFLOW_TRACKING_URI's, or else ``tracking_uri``; a relative SQLite path counts from the main checkout of
    ``root``. Raises :class:`~tasks.errors.ModelError` where MLflow is not installed, cannot be reached, knows no such model, or
    holds it in another format than skops.
    """
    if importlib.util.find_spec("mlflow") is None:
        raise ModelError(
            f"model {uri}",
            found="MLflow is not installed",
            expected="the extra `mlflow`",
            next_step="pip install 'windtunnel[mlflow]'",
        )
    where = registry_uri(tracking_uri, root, keys or {})
    if is_own_registry(where, root) and not ProjectPaths(main_root(root)).own_registry.exists():
        raise ModelError(
            f"model {uri}",
            found="no tracking URI, and no registry of the project's own yet (`windtunnel promote` makes it)",
            expected=f"the environment variable {_TRACKING}, or models.mlflow.tracking_uri in params.yaml",
            next_step=f"export {_TRACKING}=...",
        )
    with tempfile.TemporaryDirectory(prefix="windtunnel-mlflow-") as folder:
        answer = _download(uri, Path(folder), where, keys or {})
        if "error" in answer:
            raise ModelError(
                f"model {uri}",
                found=f"MLflow cannot hand it over ({answer['error']})",
                expected=f"a model that is there, as {_EXAMPLE}",
                next_step="look it up in MLflow; is its tracking server running, and may this account read it? Where its files lie "
                f"on S3, set {', '.join(MODEL_VARIABLES[:2])} (docs/challengers.md)",
            )
        return RegistryModel(answer["uri"], find_archive(Path(answer["path"]), uri))


def registry_uri(tracking_uri: str | None, root: Path, keys: Mapping[str, str] | None = None) -> str:
    """Where the registry is: MLFLOW_TRACKING_URI, or else ``tracking_uri``, or else the project's own, a SQLite file.

    ``keys`` hold the variable where they were taken out of the environment (:func:`tasks.credentials.take_model_keys`).
    """
    where = (keys or {}).get(_TRACKING) or os.environ.get(_TRACKING) or tracking_uri
    return _absolute(where, root) if where else _own_uri(root)


def is_own_registry(where: str, root: Path) -> bool:
    """Whether ``where`` is the registry that a project has where none is named."""
    return where == _own_uri(root)


def registry_environment(where: str, keys: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that asks the registry at ``where``: ``keys`` open its files, and it has none of the lake's."""
    return without_lake(without_models(os.environ)) | dict(keys) | {_TRACKING: where, "MLFLOW_REGISTRY_URI": where}


def _own_uri(root: Path) -> str:
    return f"sqlite:///{ProjectPaths(main_root(root)).own_registry.resolve()}"


def _download(uri: str, folder: Path, tracking_uri: str, keys: Mapping[str, str]) -> dict[str, str]:
    """What :mod:`tasks.models.mlflow_download` says, in a process that has ``keys`` and none of the lake's."""
    environment = registry_environment(tracking_uri, keys)
    command = [sys.executable, "-P", "-W", "ignore", "-m", "tasks.models.mlflow_download", uri, str(folder)]
    done = subprocess.run(command, check=False, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)  # noqa: S603
    try:
        answer: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return {"error": f"exit code {done.returncode}"}
    return answer


def _absolute(where: str, root: Path) -> str:
    """A relative SQLite file lies in the main checkout: a run's worktree has none, and MLflow would make an empty one."""
    matched = re.fullmatch(r"sqlite:///(?!/)(.+)", where)
    return f"sqlite:///{(main_root(root) / matched[1]).resolve()}" if matched else where


def find_archive(found: Path, uri: str) -> bytes:
    """The skops archive in what was downloaded: the file itself, or the one that MLflow's description of the model names.

    Raises :class:`~tasks.errors.ModelError` where it is of another format.
    """
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
