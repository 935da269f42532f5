"""Criteria of which no smallest difference can be planned, and why.

What belongs here: the reasons, one for each kind of criterion. What does not: planning (``power``).
"""

from collections.abc import Iterator

from tasks.gates.comparisons import NO_CHAMPION
from tasks.gates.criteria import comparisons_of
from tasks.params.judging import (
    Criterion,
    DiscoveredCriterion,
    DriftCriterion,
    EvidenceCriterion,
    GatesParams,
    MeasuredCriterion,
    MetricCriterion,
    ParityCriterion,
)
from tasks.records import Evaluation, PlannedTest, Unplanned

_REASONS = {
    "validation": "it asks whether the validation reports passed, which is no figure of a model",
    "disclosure": "it asks whether the masked data holds its disclosure limits, which is no figure of a model",
    "utility": "it asks for the utility certificate, which is made before a model is judged",
}


def list_unplanned(evaluation: Evaluation, gates: GatesParams, planned: tuple[PlannedTest, ...]) -> tuple[Unplanned, ...]:
    """Each criterion, or slice of one, that none of ``planned`` gives a smallest difference of, in the order of the criteria."""
    found: list[Unplanned] = []
    for name, criterion in gates.criteria.items():
        found += _unplanned(name, criterion, evaluation)
        kind = "parity" if isinstance(criterion, ParityCriterion) else "metric"
        unknown = {test.name: test.reason for test in planned if test.smallest_difference is None and _is_of(test, name)}
        found += [Unplanned.model_validate({"name": told, "kind": kind, "reason": why}) for told, why in unknown.items()]
    return tuple(found)


def _is_of(test: PlannedTest, name: str) -> bool:
    return test.name == (name if test.slice is None else f"{name}[{test.slice.partition('=')[2]}]")


def _unplanned(name: str, criterion: Criterion, evaluation: Evaluation) -> Iterator[Unplanned]:
    if isinstance(criterion, EvidenceCriterion):
        yield Unplanned(name=name, kind="evidence", reason=_REASONS[criterion.evidence])
    elif isinstance(criterion, DriftCriterion):
        reason = "drift is of features, not of how a model does: `windtunnel try` shows that of the validation part"
        yield Unplanned(name=name, kind="drift", reason=reason)
    elif isinstance(criterion, DiscoveredCriterion):
        reason = (
            "a search fails where it shows harm, on slices that nobody knows before; a declared slice with a margin can be planned"
        )
        yield Unplanned(name=name, kind="discovered", reason=reason)
    elif isinstance(criterion, MeasuredCriterion):
        reason = f"{criterion.measured} is measured of the candidate, not on rows of the holdout"
        yield Unplanned(name=name, kind="measured", reason=reason)
    elif isinstance(criterion, ParityCriterion):
        yield from _of_slices(name, "parity", criterion, evaluation)
    else:
        yield from _of_slices(name, "metric", criterion, evaluation)


def _of_slices(name: str, kind: str, criterion: MetricCriterion | ParityCriterion, evaluation: Evaluation) -> Iterator[Unplanned]:
    """What of a criterion on figures was not measured, or cannot be compared."""
    is_parity = isinstance(criterion, ParityCriterion)

    def told(reason: str, value: str | None = None) -> Unplanned:
        return Unplanned.model_validate({"name": name if value is None else f"{name}[{value}]", "kind": kind, "reason": reason})

    if isinstance(criterion, ParityCriterion):
        count = sum(c.metric == criterion.parity and c.slice_column == criterion.slice for c in evaluation.comparisons)
        if count < 2:
            yield told(f"{count} slices of {criterion.slice} were measured; parity needs two")
    elif not comparisons_of(criterion, evaluation):
        what = criterion.metric if criterion.slice is None else f"{criterion.metric} by {criterion.slice}"
        yield told(f"{what} was not measured")
    elif evaluation.champion is None and criterion.bound is None:
        yield told(NO_CHAMPION)
    prefix = f"{criterion.slice}="
    missing = [value.removeprefix(prefix) for value in evaluation.missing_slices if criterion.slice and value.startswith(prefix)]
    reason = "no row of this slice in the holdout, though other parts have some"
    if missing and is_parity:
        yield told(f"{reason}: {', '.join(missing)}")
    elif not is_parity:
        yield from (told(reason, value) for value in missing)
