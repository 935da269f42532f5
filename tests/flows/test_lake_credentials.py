"""Who is started with what opens production's lake."""

import pytest

from flows.programs import stage_environment
from tasks.credentials import LAKE_VARIABLES


@pytest.mark.parametrize(("stage", "is_given"), [("snapshot", True), ("mask", False), ("split@by_time", False), (None, False)])
def test_only_the_snapshot_is_started_with_the_lakes_credentials(
    monkeypatch: pytest.MonkeyPatch, stage: str | None, is_given: bool
) -> None:
    """DVC's other stages, `dvc push` and git run without them; DVC keeps what opens its remotes."""
    for name in (*LAKE_VARIABLES, "AWS_ACCESS_KEY_ID"):
        monkeypatch.setenv(name, "secret")
    given = stage_environment(stage)
    assert [name in given for name in LAKE_VARIABLES] == [is_given] * 3
    assert given["AWS_ACCESS_KEY_ID"] == "secret"
