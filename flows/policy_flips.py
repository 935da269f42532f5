"""Which past verdicts other criteria would have turned.

What belongs here: finding what past verdicts were judged on, in ``.windtunnel/results``, on branches and in this checkout.
What does not: judging it (``tasks.gates``).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.programs import call, git
from flows.verdict_store import EVIDENCE, HERE
from tasks.errors import WindtunnelError, WorktreeError
from tasks.gates import SUBJECTS, StoredEvidence, find_flip
from tasks.measured_evidence import measured_kinds
from tasks.params.judging import GatesParams
from tasks.paths import ProjectPaths, main_root
from tasks.records import DisclosureReport, Evaluation, Flip, MeasuredEvidence, PolicyVersion, UtilityReport, ValidationReport

_BRANCHES = ("refs/heads/data", "refs/heads/candidates", "refs/heads/champions")


def find_flips(root: Path, was: PolicyVersion | None, now: PolicyVersion) -> tuple[tuple[Flip, ...], int]:
    """The past verdicts that the criteria of ``now`` would turn, and how many were judged again; none before a first version."""
    if was is None:
        return (), 0
    try:
        before, after = (_gates(version.policy) for version in (was, now))
    except (ValidationError, KeyError):
        return (), 0
    kinds = sorted({*measured_kinds(before), *measured_kinds(after)})
    stored = list(_stored(root, kinds))
    flips = (find_flip(evidence, before, after) for evidence in stored)
    return tuple(flip for flip in flips if flip is not None), len(stored)


def _gates(policy: Mapping[str, Any]) -> GatesParams:
    """The criteria of a policy, each with the confidence that it is asked at, which may be that of all intervals."""
    gates, asked = dict(policy["gates"]), policy["evaluation"]["interval"]["confidence"]
    gates["criteria"] = {
        name: {"confidence": asked, **criterion} if criterion.keys() & {"metric", "parity", "measured"} else criterion
        for name, criterion in gates["criteria"].items()
    }
    return GatesParams.model_validate(gates)


def _stored(root: Path, kinds: Sequence[str]) -> Iterator[StoredEvidence]:
    """What every past verdict was judged on, each evaluation once; by name, results before branches before the checkout."""
    paths, main = ProjectPaths(root), ProjectPaths(main_root(root))
    readers: dict[str, Callable[[Path], bytes | None]] = {HERE: _of_folder(paths.root)}
    for branch in _branches(root):
        readers[branch] = _of_branch(root, branch)
    for kept in sorted(main.results.rglob(EVIDENCE)):
        readers[kept.parent.relative_to(main.results).as_posix()] = _of_folder(kept)
    seen = set()
    for name in sorted(readers):
        evidence = _read(name, readers[name], kinds)
        if evidence is not None and (evaluation := evidence.evaluation.to_json()) not in seen:
            seen.add(evaluation)
            yield evidence


def _branches(root: Path) -> list[str]:
    try:
        return git(root, "for-each-ref", "--format=%(refname:short)", *_BRANCHES).splitlines()
    except WorktreeError:  # no repository
        return []


def _of_folder(folder: Path) -> Callable[[Path], bytes | None]:
    def read(relative: Path) -> bytes | None:
        path = folder / relative
        return path.read_bytes() if path.is_file() else None

    return read


def _of_branch(root: Path, branch: str) -> Callable[[Path], bytes | None]:
    def read(relative: Path) -> bytes | None:
        try:
            return call(["git", "show", f"{branch}:{relative.as_posix()}"], root)
        except WorktreeError:
            return None

    return read


def _read(name: str, read: Callable[[Path], bytes | None], kinds: Sequence[str]) -> StoredEvidence | None:
    """None where there is no evaluation, or one that an older version wrote and this one cannot read."""
    places = ProjectPaths(Path())
    try:
        content = {key: read(path) for key, path in _places(places).items()}
        if content["evaluation"] is None:
            return None
        reports = {subject: content[f"validation/{subject}"] for subject in SUBJECTS}
        measured = {kind: text for kind in kinds if (text := read(places.evidence_of(kind))) is not None}
        disclosure, utility = content["disclosure"], content["utility"]
        return StoredEvidence(
            name,
            Evaluation.from_json(content["evaluation"], origin=name),
            {key: ValidationReport.from_json(text, origin=name) if text is not None else None for key, text in reports.items()},
            DisclosureReport.from_json(disclosure, origin=name) if disclosure is not None else None,
            UtilityReport.from_json(utility, origin=name) if utility is not None else None,
            {kind: MeasuredEvidence.from_json(text, origin=name) for kind, text in measured.items()},
        )
    except WindtunnelError:
        return None


def _places(places: ProjectPaths) -> dict[str, Path]:
    found = {"evaluation": places.evaluation_report, "disclosure": places.disclosure_report, "utility": places.utility_report}
    return found | {f"validation/{subject}": places.validation_report(subject) for subject in SUBJECTS}
