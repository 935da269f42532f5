"""Nothing phones home: the switches of the tools we build on, in one place.

What belongs here: environment variables that turn off analytics, telemetry and pages that call outside hosts. What does not:
any other setting. A value that the caller's environment already has is left alone.
"""

import os

_SWITCHES = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # The V2 page calls an outside host from the reader's browser; V1 does not.
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
}


def switch_off() -> None:
    """Turn telemetry off for this process and those it starts; call it before Prefect, DVC or Great Expectations are imported."""
    for name, value in _SWITCHES.items():
        os.environ.setdefault(name, value)
