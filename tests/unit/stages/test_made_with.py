"""Which parameters an output is held to: those that its rows rest on."""

import pytest
from toy_evidence import make_params

from tasks.stages.made_with import SECTIONS, hash_sections


@pytest.mark.parametrize("stage", ["validate_raw", "mask", "disclosure", "utility"])
def test_the_engine_of_masking_makes_no_other_data(stage: str) -> None:
    """It gives the same bytes, and the signed policy leaves it out too; what is masked, and how, counts."""
    params = make_params()
    elsewhere = params.model_copy(update={"masking": params.masking.model_copy(update={"engine": "spark"})})
    stricter = params.masking.limits.model_copy(update={"k": params.masking.limits.k + 1})
    other = params.model_copy(update={"masking": params.masking.model_copy(update={"limits": stricter})})
    assert stage in SECTIONS
    assert hash_sections(elsewhere, stage) == hash_sections(params, stage)
    assert hash_sections(other, stage) != hash_sections(params, stage)
