"""A recipe that was fitted again on raw rows against the verdict on what it made of masked ones.

What belongs here: which of the signed criteria are decided anew, and what has to come of them. What does not: fitting and
measuring (``tasks.stages``), and promoting. The functions that judged judge again: there is no second set of rules.
"""

from tasks.errors import GateError
from tasks.gates.criteria import judge_criteria
from tasks.gates.decision import decide
from tasks.gates.later import later_gates
from tasks.params.judging import EvidenceCriterion, GatesParams, MeasuredCriterion, MetricCriterion
from tasks.records import CriterionOutcome, Evaluation, RefitCheck, Verdict

_NAMED = 4


def judge_on_raw(evaluation: Evaluation, gates: GatesParams, *, is_later: bool = False) -> tuple[CriterionOutcome, ...]:
    """The outcomes of all criteria that are of figures, on an ``evaluation`` whose models both have the view raw.

    Those that ask for a report are left out: the data is the verdict's own, and its reports are as they were. So is measured
    evidence: it is of the model that the recipe gave here, and of another fit nobody has measured any. ``is_later``: the
    verdict was not the first look at its holdout, and its recipe is held to what a later one is.
    """
    others = EvidenceCriterion | MeasuredCriterion
    asked = {name: criterion for name, criterion in gates.criteria.items() if not isinstance(criterion, others)}
    return _judge(evaluation, gates.model_copy(update={"criteria": asked}), is_later=is_later)


def judge_agreement(evaluation: Evaluation, gates: GatesParams, *, is_later: bool = False) -> tuple[CriterionOutcome, ...]:
    """Whether the refitted model is non-inferior to the one that was judged, by every margin that the criteria name.

    ``evaluation`` has the judged model in the champion's place. A bound is held on raw rows by itself, and a claim to be better
    is one against the champion; neither says how far two fits of one recipe may lie apart.
    """
    asked = {
        name: criterion.model_copy(update={"bound": None})
        for name, criterion in gates.criteria.items()
        if isinstance(criterion, MetricCriterion) and (criterion.margin is not None or criterion.relative_margin is not None)
    }
    return _judge(evaluation, gates.model_copy(update={"criteria": asked}), is_later=is_later)


def _judge(evaluation: Evaluation, gates: GatesParams, *, is_later: bool) -> tuple[CriterionOutcome, ...]:
    return judge_criteria(evaluation, {}, later_gates(gates, evaluation) if is_later else gates, is_later=is_later)


def require_same_verdict(check: RefitCheck, verdict: Verdict, name: str) -> None:
    """Refuse a refitted recipe by which a critical criterion does not pass again, or that does not keep up with the judged model.

    Raises :class:`~tasks.errors.GateError` naming the criteria with their figures. Nothing examined is no pass.
    """
    judged = {outcome.name: outcome for outcome in verdict.criteria}
    missing = [one for one in verdict.criteria if one.metric is not None and one.is_critical and one.name not in _names(check)]
    refused = [f"{one.name} could not be decided on raw rows" for one in missing]
    refused += [_told_on_raw(one, judged.get(one.name)) for one in check.on_raw if one.is_critical and one.status != "pass"]
    refused += [_told_beside(one) for one in check.agreement if one.is_critical and one.status != "pass"]
    if not refused and decide(check.on_raw) == "promote":
        return
    more = f"; and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
    raise GateError(
        f"verdict {name}: its recipe, fitted again on raw rows",
        found="; ".join(refused[:_NAMED]) + more if refused else "no critical criterion that raw rows could decide",
        expected="every critical criterion passes again, and within its margin the refitted model keeps up with the judged one",
        next_step=f"windtunnel promote {name} promotes the fitted model that was judged, if masked features are what it will be "
        "served; for raw ones mend the recipe, or what masking takes from it, and judge anew",
    )


def describe_check(check: RefitCheck) -> str:
    """What became of a check that held, in one line."""
    critical = [outcome for outcome in check.on_raw if outcome.is_critical]
    parts = [f"{len(critical)} critical outcome{'s pass' if len(critical) > 1 else ' passes'} again on raw rows"]
    parts += [_figures(outcome) for outcome in critical[:1]]
    if check.rank_correlation is not None:
        parts.append(f"rank correlation {check.rank_correlation:.3f} with the judged model")
    if check.same_decisions is not None:
        parts.append(f"{100 * check.same_decisions:.1f} % of decisions the same")
    if check.repeats == "the same scores":
        parts.append("fitted twice, another model with the same scores to 1e-9")
    parts += [f"{', '.join(check.by_rule)} by masking's rule"] if check.by_rule else []
    advised = [one.name for one in (*check.on_raw, *check.agreement) if not one.is_critical and one.status == "fail"]
    return "; ".join([*parts, f"not decisive: {', '.join(dict.fromkeys(advised))} failed"] if advised else parts)


def _names(check: RefitCheck) -> set[str]:
    return {outcome.name for outcome in check.on_raw}


def _told_on_raw(outcome: CriterionOutcome, judged: CriterionOutcome | None) -> str:
    was = f", and {judged.status} when it was judged ({_figure(judged)})" if judged is not None else ""
    return f"{outcome.name}: {outcome.status} on raw rows ({_figure(outcome)}; {outcome.reason}){was}"


def _told_beside(outcome: CriterionOutcome) -> str:
    return f"{outcome.name}: {outcome.status} beside the model that was judged ({_figure(outcome)}; {outcome.reason})"


def _figures(outcome: CriterionOutcome) -> str:
    return f"{outcome.name} {_figure(outcome)}"


def _figure(outcome: CriterionOutcome) -> str:
    if outcome.challenger is None:
        return "no figure"
    return f"{outcome.challenger:.4f}" + ("" if outcome.champion is None else f" to {outcome.champion:.4f}")
