"""A verdict as MLflow shows it: parameters, metrics and tags of a run, and the tags of a model version.

What belongs here: names and texts; a pure function of records. What does not: asking MLflow (``session``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.records import CriterionOutcome, ModelCard, Receipt, RefitCheck, Verdict

VERDICT_TAG = "windtunnel.verdict"
"""By this tag a verdict's run and version are found again, so that none is made twice."""
REFIT_TAG = "windtunnel.refit"
"""The hash of the model that a recipe was fitted to again: the same verdict's judged model is another version."""
_LONGEST_PARAMETER = 5000
"""MLflow refuses parameters of more than 6,000 characters."""


@dataclass(frozen=True)
class RunFacts:
    """What a run shows of a verdict."""

    name: str
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]


def describe_run(verdict: Verdict, sha256: str, card: ModelCard | None, receipt: Receipt | None, branch: str) -> RunFacts:
    """The run of the verdict whose bytes have the hash ``sha256``, of the challenger that ``card`` describes."""
    params = {
        "split": verdict.split,
        "part": verdict.part,
        "evidence_level": verdict.evidence_level,
        "judged": verdict.judged,
        **{f"seed.{name}": str(seed) for name, seed in verdict.seeds.items()},
        **{f"view.{role}": view for role, view in verdict.view.items()},
    }
    if card is not None:
        params |= {
            "challenger": card.name,
            "estimator": card.estimator,
            "parameters": card.parameters[:_LONGEST_PARAMETER],
            "features": ", ".join(card.features)[:_LONGEST_PARAMETER],
        }
    look = receipt.look if receipt else None
    standing = verdict.standing(look)
    tags = {
        VERDICT_TAG: sha256,
        "windtunnel.decision": standing,
        "windtunnel.decision_at_first_look": verdict.decision,
        "windtunnel.rehearsal": str(verdict.rehearsal).lower(),
        "windtunnel.reason": verdict.reason,
        "windtunnel.branch": branch,
        "windtunnel.policy_hash": verdict.policy_hash,
        "windtunnel.params_hash": verdict.params_hash,
        "windtunnel.rubber_stamp": str(verdict.rubber_stamp).lower(),
        **{f"windtunnel.data.{_key(name)}": value for name, value in verdict.inputs.items()},
    }
    if receipt is not None:
        tags |= {"windtunnel.created_utc": receipt.created_utc, "windtunnel.expires_utc": receipt.expires_utc}
    if look is not None:
        tags |= {"windtunnel.look": f"{look.number} of {look.budget}", "windtunnel.looks_left": str(look.left)}
    metrics = dict(pair for outcome in verdict.criteria for pair in _metrics(outcome))
    return RunFacts(f"{standing} {sha256[:12]}", params, metrics, tags)


def describe_refit(facts: RunFacts, card: ModelCard, check: RefitCheck, told: str) -> RunFacts:
    """``facts`` of a verdict, of the model that its recipe was fitted to again; ``told``: what became of ``check``, in words."""
    tags = {
        REFIT_TAG: check.refitted_hash,
        "windtunnel.promoted": "recipe",
        "windtunnel.view": card.view,
        "windtunnel.refit.check": told[:_LONGEST_PARAMETER],
        "windtunnel.refit.champion": check.champion,
        "windtunnel.refit.repeats": check.repeats,
        "windtunnel.refit.by_rule": ", ".join(check.by_rule)[:_LONGEST_PARAMETER],
    }
    metrics = {"refit/rows": float(check.rows)}
    figures = {"refit/rank_correlation": check.rank_correlation, "refit/same_decisions": check.same_decisions}
    metrics |= {name: value for name, value in figures.items() if value is not None}
    for prefix, outcomes in (("raw", check.on_raw), ("beside_judged", check.agreement)):
        metrics |= {f"{prefix}/{name}": value for outcome in outcomes for name, value in _metrics(outcome)}
    params = {**facts.params, "promoted": "recipe", "view.promoted": card.view}
    return RunFacts(f"recipe, view {card.view}, {facts.name}", params, {**facts.metrics, **metrics}, {**facts.tags, **tags})


def _metrics(outcome: CriterionOutcome) -> Iterator[tuple[str, float]]:
    """The figures of one criterion that are numbers: NaN and infinities reach no record, nothing is not a figure."""
    prefix = _key(f"{outcome.name}/{outcome.slice}" if outcome.slice else outcome.name)
    figures = {"challenger": outcome.challenger, "champion": outcome.champion, "delta": outcome.delta, "rows": outcome.n}
    for name, value in figures.items():
        if value is not None:
            yield f"{prefix}/{name}", float(value)


def _key(text: str) -> str:
    """``text`` as MLflow takes it for a key."""
    return re.sub(r"[^\w.:/ -]", "_", text)
