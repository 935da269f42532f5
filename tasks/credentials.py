"""Which environment variables open production's lake, and a registry's models, and who may see them.

What belongs here: their names, and dropping them. What does not: using them (``tasks.sources``, ``tasks.models``), and the
masking key, whose variable is named in ``params.yaml``.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

LAKE_KEY_ID = "WINDTUNNEL_LAKE_ACCESS_KEY_ID"
LAKE_SECRET = "WINDTUNNEL_LAKE_SECRET_ACCESS_KEY"  # noqa: S105 - the variable's name
LAKE_TOKEN = "WINDTUNNEL_LAKE_SESSION_TOKEN"  # noqa: S105 - the variable's name
LAKE_VARIABLES = (LAKE_KEY_ID, LAKE_SECRET, LAKE_TOKEN)
"""What the lake is opened with, and nothing else is."""
MODEL_KEY_ID = "WINDTUNNEL_MLFLOW_ACCESS_KEY_ID"
_MODEL_VARIABLES = {
    MODEL_KEY_ID: "AWS_ACCESS_KEY_ID",
    "WINDTUNNEL_MLFLOW_SECRET_ACCESS_KEY": "AWS_SECRET_ACCESS_KEY",
    "WINDTUNNEL_MLFLOW_SESSION_TOKEN": "AWS_SESSION_TOKEN",
}
"""What an MLflow registry's artifacts on S3 are opened with, and the names under which MLflow looks for it."""
MODEL_VARIABLES = tuple(_MODEL_VARIABLES)
_REGISTRY_PREFIXES = ("MLFLOW_TRACKING_", "MLFLOW_REGISTRY_", "DATABRICKS_")
"""How MLflow's own names of a registry's address and of its account begin; an address may hold a password."""
SIGNING_KEY = "WINDTUNNEL_SIGNING_KEY"
"""Names the SSH key that verdicts are signed with here."""
_SIGNING_VARIABLES = (SIGNING_KEY, "SSH_AUTH_SOCK", "SSH_AGENT_PID")
"""What signs in somebody's name; a candidate's code must not reach his agent."""
_CLOUD_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)
"""What boto3 takes where the lake has no variables of its own, and what DVC opens its remotes with."""


def without_lake(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` without what opens the lake only; for DVC and git, which reach remotes but never the lake."""
    return {name: value for name, value in environment.items() if name not in LAKE_VARIABLES}


def without_models(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` without what opens a registry's models only."""
    return {name: value for name, value in environment.items() if name not in MODEL_VARIABLES}


def model_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """What ``environment`` gives to open a registry and its models with, under the names that MLflow knows; empty where nothing."""
    of_files = {known: value for name, known in _MODEL_VARIABLES.items() if (value := environment.get(name))}
    return of_files | {name: environment[name] for name in _registry_names(environment)}


def _registry_names(environment: Mapping[str, str]) -> list[str]:
    return [name for name in environment if name.startswith(_REGISTRY_PREFIXES)]


def take_model_keys(environment: MutableMapping[str, str]) -> dict[str, str]:
    """As :func:`model_keys`, and they are gone from ``environment``: what runs in this process later does not see them."""
    found = model_keys(environment)
    for name in (*MODEL_VARIABLES, *_registry_names(environment)):
        environment.pop(name, None)
    return found


@contextmanager
def put_away(environment: MutableMapping[str, str], *others: str) -> Iterator[None]:
    """Keep from ``environment`` all that opens or signs, and ``others`` (the masking key's variable), for as long as this is open.

    For a process that runs a candidate's code in between, and needs what it has afterwards.
    """
    names = (*LAKE_VARIABLES, *_CLOUD_VARIABLES, *_SIGNING_VARIABLES, *MODEL_VARIABLES, *_registry_names(environment), *others)
    kept = {name: environment.pop(name) for name in names if name in environment}
    try:
        yield
    finally:
        environment.update(kept)


def forget_credentials(environment: MutableMapping[str, str]) -> None:
    """Drop from ``environment`` what opens the lake or a remote, or signs; for all that works on files of this machine only.

    What opens a registry and its models is left to :func:`take_model_keys`.
    """
    for name in (*LAKE_VARIABLES, *_CLOUD_VARIABLES, *_SIGNING_VARIABLES):
        environment.pop(name, None)
