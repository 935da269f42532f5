"""The demo is no rehearsal: its masking policy and criteria are signed as params.yaml holds them."""

from pathlib import Path

from tasks.demo import DEMO_IDENTITIES
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.stages.policies import stand_by

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_is_signed_as_it_is() -> None:
    """Else its verdicts would be rehearsals; after a change of params.yaml: python tests/shared/sign_demo_policy.py."""
    standing = stand_by(ProjectPaths(ROOT), load_params(ROOT / "params.yaml"))
    assert standing.unsigned == ""
    assert standing.state.signers.people == set(DEMO_IDENTITIES)
