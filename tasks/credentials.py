"""Which environment variables open production's lake, and who may see them.

What belongs here: their names, and dropping them. What does not: using them (``tasks.sources``), and the masking key, whose
variable is named in ``params.yaml``.
"""

from collections.abc import Mapping, MutableMapping

LAKE_KEY_ID = "WINDTUNNEL_LAKE_ACCESS_KEY_ID"
LAKE_SECRET = "WINDTUNNEL_LAKE_SECRET_ACCESS_KEY"  # noqa: S105 - the variable's name
LAKE_TOKEN = "WINDTUNNEL_LAKE_SESSION_TOKEN"  # noqa: S105 - the variable's name
LAKE_VARIABLES = (LAKE_KEY_ID, LAKE_SECRET, LAKE_TOKEN)
"""What the lake is opened with, and nothing else is."""
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


def forget_credentials(environment: MutableMapping[str, str]) -> None:
    """Drop from ``environment`` what opens the lake or a remote; for stages that work on files of this machine only."""
    for name in (*LAKE_VARIABLES, *_CLOUD_VARIABLES):
        environment.pop(name, None)
