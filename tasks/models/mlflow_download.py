"""The process that asks MLflow for a model: ``python -m tasks.models.mlflow_download URI FOLDER``.

What belongs here: resolving the URI, downloading its files into the folder, and one line of JSON that says what came of it:
``{"uri", "path"}`` or ``{"error"}``, the error's type only, for its text may hold an address with a password. What does not:
judging the files (``mlflow_store``). MLflow's configuration and keys are those of the environment.
"""

import json
import os
import re
import sys
from contextlib import redirect_stdout
from typing import Any

from tasks import telemetry


def main(words: list[str]) -> None:
    """Download the model that ``words[0]`` names into the folder ``words[1]``."""
    telemetry.switch_off()
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    try:
        with redirect_stdout(sys.stderr):
            answer = _download(words[0], words[1])
    except Exception as error:  # MLflow's clients raise what their stores raise
        answer = {"error": type(error).__name__}
    print(json.dumps(answer))


def _download(uri: str, folder: str) -> dict[str, str]:
    import mlflow.artifacts  # takes seconds

    resolved = _resolve(mlflow.MlflowClient(), uri)
    return {"uri": resolved, "path": mlflow.artifacts.download_artifacts(artifact_uri=resolved, dst_path=folder)}


def _resolve(client: Any, uri: str) -> str:
    """``uri`` with the version that its alias stands for now; any other is as exact as it gets."""
    matched = re.fullmatch(r"models:/([^/@]+)@([^/@]+)", uri)
    if matched is None:
        return uri
    return f"models:/{matched[1]}/{client.get_model_version_by_alias(matched[1], matched[2]).version}"


if __name__ == "__main__":
    main(sys.argv[1:])
