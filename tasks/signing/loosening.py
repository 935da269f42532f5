"""Which way a change of the policy goes.

What belongs here: what differs between two versions, criteria, measurement and signers, and whether that demands more or less. What
does not: the masking policy's order (``masking_order``), that of suites (``suite_order``), and who has to sign what (``policy``).

A change that cannot be ordered counts as a loosening. Both versions are read with the defaults of today filled in, so that a key
written out is no change; of versions of two editions these are not the same, so that another edition is a loosening by itself.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from tasks.params.judging import EvaluationParams, GatesParams
from tasks.records import Direction, PolicyChange, PolicyVersion
from tasks.signing.masking_order import masking_changes
from tasks.signing.ordering import Goes, change, leaves, ordered, unordered
from tasks.signing.policy import with_edition
from tasks.signing.signers import Signer, Signers, parse_signers
from tasks.signing.suite_order import EXPECTATIONS, suite_changes

DirectionOf = Callable[[str, Mapping[str, Any]], Direction | None]
"""Of a metric's name and the policy's section ``evaluation``: which way is better; None where nobody knows."""
SIGNERS = "allowed_signers"
_TESTS = ("margin", "relative_margin", "better_by")
_METHODS = ("cluster_bootstrap", "expanded")
"""From the narrower intervals to the wider ones; others have no order."""
_SEARCH = "evaluation.discover"
_SUPERSETS = ("evaluation.metrics", "evaluation.slices")


def classify_change(before: PolicyVersion, after: PolicyVersion, direction_of: DirectionOf) -> tuple[PolicyChange, ...]:
    """Each place at which ``after`` differs from ``before``, and which way it goes."""
    signed = with_edition(before.policy), with_edition(after.policy)
    was, now = (_filled(policy) for policy in signed)
    found = (
        *masking_changes(was.get("masking", {}), now.get("masking", {})),
        *_criteria_changes(was, now, direction_of),
        *suite_changes(was.get(EXPECTATIONS), now.get(EXPECTATIONS)),
        *_other_changes(was, now),
        *_signer_changes(before.allowed_signers, after.allowed_signers),
    )
    if found or (signed[0] == signed[1] and before.allowed_signers == after.allowed_signers):
        return found
    return (change("policy", "as it was", "as it is", "loosening", "it differs, and where cannot be told"),)


def _filled(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The policy with defaults filled in; a section that today's grammar does not know stays as it is."""
    found = dict(policy)
    for name, section in (("gates", GatesParams), ("evaluation", EvaluationParams)):
        try:
            found[name] = section.model_validate(found[name]).model_dump(mode="json")
        except (ValidationError, KeyError):
            continue
    return found


def _other_changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[PolicyChange]:
    """All but masking, suites and criteria, place by place."""
    elsewhere = ("masking", EXPECTATIONS)
    before, after = (
        leaves({name: value for name, value in policy.items() if name not in elsewhere}, skip="gates.criteria")
        for policy in (was, now)
    )
    if _is_searched(was) != _is_searched(now):
        yield _search_asked(is_asked=_is_searched(now))
        before, after = ({place: value for place, value in side.items() if not _is_of_search(place)} for side in (before, after))
    for where in sorted({*before, *after}):
        old, new = before.get(where), after.get(where)
        if old == new:
            continue
        if where == "edition":
            yield unordered(where, old, new, "what is not written down means something else in this release: see its changelog")
        elif where in _SUPERSETS and isinstance(old, list) and isinstance(new, list):
            yield change(where, old, new, "tightening" if set(old) < set(new) else "loosening", "more is measured, or less")
        elif where.startswith("evaluation.functions.") and not _has_function(was, where):
            yield change(where, old, new, "neutral", "a metric that was not measured before")
        else:
            yield ordered(where, old, new)


def _is_searched(policy: Mapping[str, Any]) -> bool:
    return policy.get("evaluation", {}).get("discover") is not None


def _is_of_search(where: str) -> bool:
    return where == _SEARCH or where.startswith(f"{_SEARCH}.")


def _search_asked(*, is_asked: bool) -> PolicyChange:
    """A search as a whole: each key of it alone would be a change that cannot be ordered."""
    words = ("not searched", "searched") if is_asked else ("searched", "not searched")
    why = "one more search for bad slices" if is_asked else "a search for bad slices was taken away"
    return change(_SEARCH, *words, "tightening" if is_asked else "loosening", why)


def _has_function(policy: Mapping[str, Any], where: str) -> bool:
    return where.split(".")[2] in policy.get("evaluation", {}).get("functions", {})


def _criteria_changes(was: Mapping[str, Any], now: Mapping[str, Any], direction_of: DirectionOf) -> Iterator[PolicyChange]:
    before, after = (policy.get("gates", {}).get("criteria", {}) for policy in (was, now))
    for name in sorted({*before, *after}):
        where = f"gates.criteria.{name}"
        if name not in after:
            yield change(where, "asked", "not asked", "loosening", "a criterion was taken away")
        elif name not in before:
            yield change(where, "not asked", "asked", "tightening", "one more criterion")
        else:
            asked, asks = (_resolved(side[name], policy) for side, policy in ((before, was), (after, now)))
            yield from _criterion_changes(where, asked, asks, direction_of, now.get("evaluation", {}))


def _resolved(criterion: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Any]:
    """A criterion with the confidence that holds for it."""
    found = dict(criterion)
    if "confidence" in found and found["confidence"] is None:
        found["confidence"] = policy.get("evaluation", {}).get("interval", {}).get("confidence")
    return found


def _criterion_changes(
    where: str, was: Mapping[str, Any], now: Mapping[str, Any], direction_of: DirectionOf, evaluation: Mapping[str, Any]
) -> Iterator[PolicyChange]:
    subjects = [
        {name: side.get(name) for name in ("evidence", "metric", "parity", "drift", "measured", "measure", "slice")}
        for side in (was, now)
    ]
    if subjects[0] != subjects[1]:
        yield change(where, was, now, "loosening", "another question was put in its place")
        return
    yield from _test_changes(where, was, now)
    for name in sorted({*was, *now} - set(_TESTS)):
        old, new, place = was.get(name), now.get(name), f"{where}.{name}"
        if old == new:
            continue
        if name == "bound":
            yield _bound_change(place, old, new, direction_of(str(now.get("metric")), evaluation))
        elif name == "method" and old in _METHODS and new in _METHODS:
            is_wider = _METHODS.index(new) > _METHODS.index(old)
            yield change(place, old, new, "tightening" if is_wider else "loosening", "wider or narrower intervals")
        elif name == "confidence" and now.get("discovered") is not None:
            yield _search_change(place, old, new)
        else:
            yield ordered(place, old, new)


def _test_changes(where: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[PolicyChange]:
    """The one test against the champion: a margin, a relative one, or being better."""
    old, new = (next(((name, side[name]) for name in _TESTS if side.get(name) is not None), None) for side in (was, now))
    if old == new:
        return
    if old is not None and new is not None and old[0] == new[0]:
        yield ordered(f"{where}.{old[0]}", old[1], new[1])
        return
    is_stricter = old is None or (new is not None and new[0] == "better_by")
    yield change(where, _told(old), _told(new), "tightening" if is_stricter else "loosening", "another test against the champion")


def _told(test: tuple[str, Any] | None) -> str:
    return "no test against the champion" if test is None else f"{test[0]} {test[1]}"


def _bound_change(where: str, old: float | None, new: float | None, direction: Direction | None) -> PolicyChange:
    if old is None or new is None:
        return change(where, old, new, "tightening" if old is None else "loosening", "an absolute bound, or none")
    if direction is None:
        return change(where, old, new, "loosening", "which way the metric is better is not known")
    is_stricter = (new > old) == (direction == "higher_is_better")
    return change(where, old, new, "tightening" if is_stricter else "loosening", direction.replace("_", " "))


def _search_change(where: str, old: float | None, new: float | None) -> PolicyChange:
    """A search fails where harm is shown: at more confidence it is shown of fewer slices. No value at all cannot be ordered."""
    is_stricter = old is not None and new is not None and new < old
    return change(where, old, new, "tightening" if is_stricter else "loosening", "at more confidence a search shows less harm")


def _signer_changes(was: str, now: str) -> Iterator[PolicyChange]:
    """Who may sign: whoever comes in is a loosening, and so is a loss that leaves fewer than two people."""
    before, after = (parse_signers(text, origin=SIGNERS) for text in (was, now))
    remaining = Signers(tuple(line for line in before.lines if line in after.lines)).people
    for line in after.lines:
        former = before.find(line.fingerprint)
        if former is None:
            yield change(f"{SIGNERS}.{line.principal}", "not there", line.fingerprint, "loosening", "somebody more may sign")
        elif former != line:
            goes: Goes = "tightening" if _is_narrower(former, line) and len(remaining) > 1 else "loosening"
            yield change(
                f"{SIGNERS}.{line.principal}", "as it was", "other times, name or purpose", goes, "a key's line was changed"
            )
    for line in before.lines:
        if after.find(line.fingerprint) is None:
            goes = "tightening" if len(remaining) > 1 or line.is_machine else "loosening"
            yield change(f"{SIGNERS}.{line.principal}", line.fingerprint, "not there", goes, "somebody less may sign")
    if was != now and set(before.lines) == set(after.lines):
        yield change(SIGNERS, "the text", "other words or order", "neutral", "the same people, keys and times")


def _is_narrower(former: Signer, line: Signer) -> bool:
    """Whether the same person's key counts for no moment and no purpose more than before."""
    later = former.valid_after is None or (line.valid_after is not None and line.valid_after >= former.valid_after)
    sooner = former.valid_before is None or (line.valid_before is not None and line.valid_before <= former.valid_before)
    purposes = former.namespaces is None or (line.namespaces is not None and set(line.namespaces) <= set(former.namespaces))
    return former.principal == line.principal and later and sooner and purposes
