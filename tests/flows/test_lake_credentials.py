"""Who is started with what opens production's lake."""

import pytest

from flows.programs import stage_environment
from tasks.credentials import LAKE_VARIABLES, MODEL_VARIABLES


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


@pytest.mark.parametrize(("stage", "is_given"), [("train", True), ("snapshot", False), ("evaluate", False), (None, False)])
def test_only_training_is_started_with_what_opens_a_registrys_models(
    monkeypatch: pytest.MonkeyPatch, stage: str | None, is_given: bool
) -> None:
    """It is where a challenger that is an MLflow URI is fetched."""
    for name in MODEL_VARIABLES:
        monkeypatch.setenv(name, "secret")
    assert [name in stage_environment(stage) for name in MODEL_VARIABLES] == [is_given] * 3
