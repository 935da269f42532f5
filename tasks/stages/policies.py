"""Whether a person stands behind masking policy and criteria as they are; without one a verdict is a rehearsal.

What belongs here: wiring the signed policy, the demo's published keys, the parameters and the suites. What does not: any of these.
No stage of its own: ``gate`` calls it, and whoever checks a verdict.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.datasets import hash_mapping
from tasks.demo import DEMO_FINGERPRINTS, is_demo_lake
from tasks.errors import EvaluationError, SigningError, ValidationError
from tasks.evaluation.metrics import METRICS, metric_named
from tasks.gates import SUBJECTS
from tasks.params import Params
from tasks.params.judging import CostParams
from tasks.paths import ProjectPaths
from tasks.records import Direction, PolicyChange, PolicyVersion
from tasks.signing import (
    EXPECTATIONS,
    Judging,
    PolicyState,
    Signers,
    classify_change,
    judge_chain,
    policy_content,
    read_versions,
    signers_text,
    with_edition,
)
from tasks.sources import resolve_lake
from tasks.validation.suites import hash_contents, plain_contents, read_contents

DEMO_LAKE = ".windtunnel/demo-lake"
MEASURED = "evidence"
"""Begins the name under which a verdict's inputs hold the SHA-256 of measured evidence, as ``evidence/latency``."""
SIGNED_POLICY = "signed_policy"
"""The name under which a verdict's inputs hold the SHA-256 of the signed policy version that it was judged by."""


@dataclass(frozen=True)
class PolicyStanding:
    """The signed policy of a project, and why it is not the one that params.yaml and the suites hold (empty: it is)."""

    state: PolicyState
    unsigned: str
    is_without_suites: bool = False
    """Whether the version in force is of before suites were signed, and all else is as it says."""

    @property
    def digest(self) -> str | None:
        """SHA-256 of the version in force, where that is what params.yaml holds."""
        return self.state.in_force.digest if self.state.in_force and not self.unsigned else None


def read_policy(paths: ProjectPaths, params: Params) -> dict[str, Any]:
    """What a signature would be of, as it stands. Raises :class:`~tasks.errors.ValidationError` where a suite cannot be read."""
    suites = {
        f"{subject}/{name}": content
        for subject in SUBJECTS
        for name, content in read_contents(paths.expectations / subject).items()
    }
    return policy_content(params, suites)


def judged_files(paths: ProjectPaths) -> dict[str, Path]:
    """The files that a verdict's inputs name by the SHA-256 of their bytes, whether they are there or not.

    Of measured evidence those are named that are there: whoever holds a verdict against them looks for the others too.
    """
    files = {"pin": paths.pin, "evaluation": paths.evaluation_report, "disclosure": paths.disclosure_report}
    files["utility"] = paths.utility_report
    files |= {f"{MEASURED}/{path.stem}": path for path in sorted(paths.evidence.glob("*.json"))}
    return files | {f"validation/{subject}": paths.validation_report(subject) for subject in SUBJECTS}


def hash_suites(paths: ProjectPaths) -> dict[str, str]:
    """The SHA-256 of what each subject's suites say, as a verdict's inputs name it; raises as :func:`read_policy`."""
    found = {subject: hash_contents(paths.expectations / subject) for subject in SUBJECTS}
    return {f"{EXPECTATIONS}/{subject}": value for subject, value in found.items() if value}


def read_state(paths: ProjectPaths, params: Params, now: datetime | None = None) -> PolicyState:
    """How far the signatures in ``policies/`` carry; a folder that cannot be read carries nothing, and says why."""
    try:
        return judge_chain(read_versions(paths.policies), judging(paths, params, now))
    except SigningError as error:
        return PolicyState((), 0, Signers(()), problem=f"{error.thing}: {error.found}", is_broken=True)


def judging(paths: ProjectPaths, params: Params, now: datetime | None = None) -> Judging:
    """What a chain of versions is judged by in this project."""
    return Judging(classify, banned_keys(paths, params), now)


def classify(before: PolicyVersion, after: PolicyVersion) -> tuple[PolicyChange, ...]:
    """What changed from one version to the next, and which way it goes."""
    return classify_change(before, after, _direction_of)


def _direction_of(metric: str, evaluation: Mapping[str, Any]) -> Direction | None:
    """Which way a metric is better: as the user says of his own, as the package knows of its own."""
    own = evaluation.get("functions", {}).get(metric)
    if own is not None:
        told: Direction | None = own.get("direction")
        return told
    costs = CostParams(false_positive=1, false_negative=1) if evaluation.get("costs") else None
    found: set[Direction] = set()
    for task in METRICS:
        with suppress(EvaluationError):
            found.add(metric_named(metric, task, costs=costs).direction)
    return found.pop() if len(found) == 1 else None


def stand_by(paths: ProjectPaths, params: Params, now: datetime | None = None) -> PolicyStanding:
    """Whether the newest signed policy is what lies here: ``params``, suites and ``allowed_signers``; never raises for these."""
    state = read_state(paths, params, now)
    if state.problem and (state.is_broken or state.in_force is None):
        return PolicyStanding(state, state.problem)
    if state.in_force is None:
        return PolicyStanding(state, "nobody has signed masking policy and criteria")
    try:
        content = read_policy(paths, params)
    except ValidationError as error:
        return PolicyStanding(state, f"{error.thing} cannot be read as what was signed: {error.found}")
    try:
        is_same = signers_text(paths.policies) == state.in_force.version.allowed_signers
    except SigningError:
        is_same = False
    signed = with_edition(state.in_force.version.policy)
    if EXPECTATIONS in signed:
        signed[EXPECTATIONS] = plain_contents(signed[EXPECTATIONS])
    told = _told_difference(signed, content, state.carried)
    if not told and not is_same:
        told = f"allowed_signers was changed after version {state.carried} was signed"
    others = {name: part for name, part in content.items() if name != EXPECTATIONS}
    is_older = is_same and hash_mapping(others) == hash_mapping(signed)
    return PolicyStanding(state, (told and state.problem) or told, is_older)


def _told_difference(signed: Mapping[str, Any], content: Mapping[str, Any], number: int) -> str:
    """What was changed since version ``number`` was ``signed``; empty where nothing was."""
    others = {name for name in {*signed, *content} if hash_mapping({"": signed.get(name)}) != hash_mapping({"": content.get(name)})}
    if not others:
        return ""
    if "edition" in others:
        return f"version {number} was signed with a release whose defaults or meanings are others; what is not written down differs"
    if others == {EXPECTATIONS}:
        since = "were not part of what was signed as" if EXPECTATIONS not in signed else "were changed after they were signed as"
        return f"expectations {since} version {number}"
    told = "masking policy or criteria" + (" and expectations" if EXPECTATIONS in others else "")
    return f"{told} were changed after version {number} was signed"


def banned_keys(paths: ProjectPaths, params: Params) -> frozenset[str]:
    """Fingerprints that count for nobody in this project: outside the demo, the demo's published keys."""
    return frozenset() if is_demo(paths, params) else DEMO_FINGERPRINTS


def is_demo(paths: ProjectPaths, params: Params) -> bool:
    """Whether this is the demo: its lake is the one that the demo has made, or is to make where there is none yet."""
    lake = params.snapshot.lake
    if "://" in lake:
        return False
    folder = resolve_lake(lake, paths.root)
    return is_demo_lake(folder) or (lake == DEMO_LAKE and not folder.exists())
