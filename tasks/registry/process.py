"""The process that asks MLflow: ``python -m tasks.registry.process``, questions on its input, answers on its output.

What belongs here: one function for each question that :class:`~tasks.registry.session.Registry` asks. What does not: deciding
anything. An error's text may hold an address with a password, so that only its type and MLflow's code are answered. MLflow's
configuration and keys are those of the environment.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from tasks import telemetry
from tasks.importing import imported_without
from tasks.registry.database import open_aliases
from tasks.registry.facts import REFIT_TAG, VERDICT_TAG

_GONE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""How MLflow's stores say that there is no such model, version or alias."""
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_SERVERS = ("http", "https")
_ABSENT = ("numpy", "pandas", "scipy")
"""MLflow does without them, as its package `mlflow-skinny` is installed; with them it takes half as long again to import."""


def main() -> None:
    """Answer every line of the input until it ends."""
    telemetry.switch_off()
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        client: Any = None
        with suppress(Exception):  # what stands in the way is told with the first answer
            _import_ahead()
        for line in sys.stdin:
            try:
                if client is None:
                    import mlflow

                    client = mlflow.MlflowClient()
                words: dict[str, Any] = json.loads(line)
                answer = _QUESTIONS[words.pop("question")](client, **words)
            except Exception as error:  # MLflow's clients raise what their stores raise
                answer = {"error": " ".join((type(error).__name__, str(getattr(error, "error_code", "")))).strip()}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def _import_ahead() -> None:
    """Import what the first question needs, before it is asked, which takes seconds; nothing is opened yet.

    A database whose tables are being made when this process is ended would be left with half of them.
    """
    scheme = os.environ.get("MLFLOW_TRACKING_URI", "").partition(":")[0].partition("+")[0]
    with imported_without(_ABSENT if scheme in (*_DATABASES, *_SERVERS) else ()):  # a store that is a plugin may need them
        import_module("mlflow")
        if scheme in _DATABASES:
            import_module("mlflow.store.model_registry.sqlalchemy_store")
            import_module("mlflow.store.tracking.sqlalchemy_store")


def _read_alias(client: Any, *, model: str, alias: str) -> dict[str, Any]:
    return {"found": _find_alias(client, model, alias)}


def _move_alias(client: Any, *, model: str, alias: str, expected: str | None, target: str) -> dict[str, Any]:
    table = open_aliases(os.environ.get("MLFLOW_TRACKING_URI", ""), model)
    found = _find_alias(client, model, alias)
    stands = found["version"] if found else None
    if stands != expected:
        return {"is_moved": False, "found": stands, "flip_ms": 0.0}
    started, is_moved = time.perf_counter(), True
    if table is None:
        client.set_registered_model_alias(model, alias, target)
    else:  # changes nothing where somebody else moved it meanwhile
        is_moved = table.move(alias, expected=expected, target=target)
    flip_ms = 1000 * (time.perf_counter() - started)
    after = _find_alias(client, model, alias)
    stands = after["version"] if after else None
    return {"is_moved": is_moved and stands == target, "found": stands, "flip_ms": flip_ms}


def _drop_alias(client: Any, *, model: str, alias: str) -> dict[str, Any]:
    client.delete_registered_model_alias(model, alias)
    return {}


def _find_alias(client: Any, model: str, alias: str) -> dict[str, Any] | None:
    from mlflow.exceptions import MlflowException

    try:
        return _as_words(client.get_model_version_by_alias(model, alias))
    except MlflowException as error:
        if error.error_code in _GONE:
            return None
        raise


def _log_run(
    client: Any, *, experiment: str, facts: Mapping[str, Any], folder: str, artifacts: str | None, is_anew: bool
) -> dict[str, Any]:
    known = client.get_experiment_by_name(experiment)
    where = known.experiment_id if known else client.create_experiment(experiment, artifact_location=artifacts)
    same = f"tags.`{VERDICT_TAG}` = '{facts['tags'][VERDICT_TAG]}' and attributes.status = 'FINISHED'"
    for run in () if is_anew else client.search_runs([where], filter_string=same):
        if run.data.tags.get(REFIT_TAG) == facts["tags"].get(REFIT_TAG):
            return {"run": run.info.run_id}
    run = client.create_run(where, run_name=facts["name"], tags=dict(facts["tags"]))
    for name, value in facts["params"].items():
        client.log_param(run.info.run_id, name, value)
    for name, value in facts["metrics"].items():
        client.log_metric(run.info.run_id, name, value)
    client.log_artifacts(run.info.run_id, folder)
    client.set_terminated(run.info.run_id)  # a run that was cut off is never found again
    return {"run": run.info.run_id}


def _register(client: Any, *, model: str, run: str, facts: Mapping[str, Any], flavor: Mapping[str, Any]) -> dict[str, Any]:
    from mlflow.exceptions import MlflowException

    tag = facts["tags"][VERDICT_TAG]
    try:
        client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code not in _GONE:
            raise
        client.create_registered_model(model)
    for version in client.search_model_versions(f"name = '{model}'"):
        if version.tags.get(VERDICT_TAG) == tag and version.run_id == run:
            return {"found": _as_words(version)}
    _describe_model(client, run, flavor)
    source = f"{client.get_run(run).info.artifact_uri}/model"
    made = client.create_model_version(model, source, run_id=run, tags=dict(facts["tags"]))
    return {"found": _as_words(client.get_model_version(model, made.version))}


def _describe_model(client: Any, run: str, flavor: Mapping[str, Any]) -> None:
    """Lay MLflow's own description beside the model's bytes, which stay those that were judged."""
    import mlflow.models

    described = mlflow.models.Model(artifact_path="model", run_id=run)
    described.add_flavor("sklearn", **flavor)
    with tempfile.TemporaryDirectory(prefix="windtunnel-mlflow-") as folder:
        described.save(str(Path(folder) / "MLmodel"))
        client.log_artifacts(run, folder, "model")


def _download(_: Any, *, uri: str, folder: str) -> dict[str, Any]:
    import mlflow.artifacts

    return {"path": mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)}


def _as_words(version: Any) -> dict[str, Any]:
    return {"version": str(version.version), "run": version.run_id or "", "tags": dict(version.tags)}


_QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "read_alias": _read_alias,
    "move_alias": _move_alias,
    "drop_alias": _drop_alias,
    "log_run": _log_run,
    "register": _register,
    "download": _download,
}

if __name__ == "__main__":
    main()
