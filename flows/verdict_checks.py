"""Whether a stored verdict may be acted upon: whole, unexpired, and of what lies beside it.

What belongs here: everything that turns a verdict stale. What does not: finding verdicts (``flows.verdict_store``), signatures and
approvals (``flows.approval``), and Prefect, so that a release flow's ``gate --check`` answers at once.
"""

from datetime import datetime
from pathlib import Path

from flows.verdict_store import StoredVerdict
from tasks.errors import GateError
from tasks.gates import check_verdict, hash_params
from tasks.paths import ProjectPaths
from tasks.records import Decision
from tasks.reporting import standing_sentence
from tasks.signing import EXPECTATIONS
from tasks.stages.environment import JUDGE_ANEW, told_difference
from tasks.stages.made_with import REORDERED, find_others, needed_before
from tasks.stages.policies import MEASURED, judged_files


def check_stored(stored: StoredVerdict, now: datetime) -> Decision:
    """The decision of a verdict that may be acted upon: whole, unexpired, and of what lies beside it.

    That is parameters, pin, reports, suites and packages; and, where they are here, datasets and models, by their files' bytes.
    Raises :class:`~tasks.errors.GateError` (exit code 2) in every other case.
    """
    decision, verdict = check_verdict(stored.content, stored.receipt, now=now), stored.verdict
    if verdict.params_hash != hash_params(stored.params):
        raise _stale(stored.name, "other parameters than those it was judged by", f"; {REORDERED}")
    beside = tuple(judged_files(ProjectPaths(Path())))
    named = {name: value for name, value in verdict.inputs.items() if name in beside}
    if any(name.startswith(f"{EXPECTATIONS}/") for name in verdict.inputs):  # else it is of before suites were bound
        named |= {name: value for name, value in verdict.inputs.items() if name.startswith(f"{EXPECTATIONS}/")}
        named |= {name: "" for name in stored.files if name.startswith(f"{EXPECTATIONS}/") and name not in named}
    measured = {name for name in {*verdict.inputs, *stored.files} if name.startswith(f"{MEASURED}/")}
    named |= {name: verdict.inputs.get(name, "") for name in measured}  # what was added since counts as changed
    others = sorted(name for name, value in named.items() if stored.files.get(name) != value)
    if others:
        raise _stale(stored.name, f"another {', '.join(others)} than it was judged on, or none")
    _require_made_with(stored)
    _require_environment(stored)
    if stored.checkout is not None:
        _require_bytes(stored, stored.checkout)
    return decision


def require_promotes(thing: str, stored: StoredVerdict, decision: Decision) -> None:
    """Refuse a ``decision`` that stands and is no promotion: raises :class:`~tasks.errors.GateError` that says so of ``thing``."""
    if decision == "promote":
        return
    turned = standing_sentence(stored.verdict, stored.look)
    raise GateError(
        thing,
        found=turned or decision,
        expected="promote",
        next_step="windtunnel data refresh: a first look at new rows" if turned else "read the report of that verdict",
    )


def _require_made_with(stored: StoredVerdict) -> None:
    """Refuse a verdict whose model or data was made with other parameters than it is bound to, or that does not say with which."""
    verdict = stored.verdict
    if verdict.decision != "promote" and "evaluation" not in verdict.inputs:  # nothing was measured, and nothing is promoted
        return
    others = find_others(stored.params, verdict.inputs, needed_before(verdict.split))
    if others:
        raise _stale(stored.name, f"stages of other parameters than it is bound to, or of which it names none: {', '.join(others)}")


def _require_environment(stored: StoredVerdict) -> None:
    others = told_difference(stored.verdict.environment)
    if others:
        named = f"a verdict by {others}" if stored.verdict.environment else "a verdict that does not name the packages that judged"
        raise GateError(f"verdict {stored.name}", found=named, expected="one by the packages that are here", next_step=JUDGE_ANEW)


def _require_bytes(stored: StoredVerdict, paths: ProjectPaths) -> None:
    from tasks.verification.hashes import check_bytes

    broken = next((check for check in check_bytes(paths, stored.verdict) if check.status == "does_not_hold"), None)
    if broken is not None:
        raise _stale(stored.name, f"other {broken.what} than it was judged on: {broken.reason}")


def _stale(name: str, found: str, otherwise: str = "") -> GateError:
    expected = "a verdict of what lies beside it"
    return GateError(f"verdict {name}", found=found, expected=expected, next_step=f"windtunnel run, then check again{otherwise}")
