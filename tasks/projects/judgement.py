"""What a verdict on a new project demands: metrics, bounds from the label's own contrast, margins, and the rows that it takes.

What belongs here: ``evaluation`` and ``gates`` of params.yaml. What does not: features and splits (``proposal``). A bound says
what a model must beat that has learnt nothing: one that always answers with the label's overall distribution.
"""

import math
from dataclasses import dataclass
from typing import Any

from tasks.projects.roles import Roles

TEST_SHARE = 0.15
_DAYS_TO_CLUSTER = 60
"""Days of data below which too few fall into the test part for an interval over days."""
_MARGIN_RANKING = 0.01
_EVIDENCE = {
    "validation": {"evidence": "validation", "critical": True},
    "privacy": {"evidence": "disclosure", "critical": True},
    # Not critical: few rows tell no models apart, and then the certificate cannot tell. One that fails voids the verdict anyway.
    "utility": {"evidence": "utility", "critical": False},
}
_LEAST_SKILL = 0.02
"""Of r2 or the correlation of classes, which are 0 for an answer that is always the same."""
_MARGIN_SHARE = 0.02
"""A margin as a share of what a model without knowledge would get."""


@dataclass(frozen=True)
class Contrast:
    """What the label's values say alone: labelled rows, classes (0: a number), and the loss of one constant answer."""

    rows: int
    classes: int
    entropy: float
    """Nats; the log loss of the overall shares. 0 for a number."""
    majority: float
    """The largest class's share; 0 for a number."""
    deviation: float = 0.0
    """Standard deviation of a number; the root mean squared error of its mean."""
    absolute_deviation: float = 0.0
    """Mean distance of a number from its median."""
    rare: int = 0
    """Classes of so few rows that nothing can be said of each."""


def propose_judgement(roles: Roles, contrast: Contrast, *, split: str, slices: tuple[str, ...], days: int) -> dict[str, Any]:
    """The sections ``evaluation`` and ``gates``."""
    has_champion = roles.score is not None
    rows = max(1, math.floor(contrast.rows * TEST_SHARE / 2))
    metrics, criteria = _criteria(roles, contrast, rows)
    if not has_champion:
        bounded = {name: one for name, one in criteria.items() if "bound" in one}
        criteria = {name: {key: value for key, value in one.items() if key != "margin"} for name, one in bounded.items()}
    else:
        first = metrics[0]
        margin = criteria["quality"]["margin"] * 5
        for column in slices:
            criteria[f"each_{column}"] = {"metric": first, "slice": column, "margin": margin, "min_rows": 50, "critical": False}
    cluster = roles.entity or ("day" if split == "by_time" and days >= _DAYS_TO_CLUSTER else "row")
    interval = {"method": "cluster_bootstrap", "cluster": cluster, "replicates": 1000, "confidence": 0.95}
    evaluation = {"split": split, "part": "test", "metrics": metrics, "slices": list(slices), "interval": interval}
    return {
        "evaluation": evaluation,
        "gates": {"max_age_days": 7, "criteria": {**_EVIDENCE, **criteria}},
    }


def _criteria(roles: Roles, contrast: Contrast, rows: int) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """The metrics, and the criteria by name: quality, and calibration where scores are probabilities."""
    every = {"min_rows": rows, "critical": True}
    loss = {"bound": _round_up(contrast.entropy), "margin": _significant(contrast.entropy * _MARGIN_SHARE), **every}
    if roles.task == "binary":
        quality = {"metric": "roc_auc", "bound": 0.55, "margin": _MARGIN_RANKING, **every}
        return ["roc_auc", "log_loss", "brier"], {"quality": quality, "calibration": {"metric": "log_loss", **loss}}
    if roles.task == "multiclass":
        quality = {"metric": "accuracy", "bound": round(contrast.majority, 4), "margin": _MARGIN_RANKING, **every}
        # On the judged rows alone, as below: the largest class may be larger there than it was in all rows.
        skill = {"metric": "mcc", "bound": _LEAST_SKILL, **every}
        return ["accuracy", "log_loss", "mcc"], {"quality": quality, "skill": skill, "calibration": {"metric": "log_loss", **loss}}
    # No bound on the error: a mean would hold one wherever the judged rows vary less than all rows did.
    error = {"metric": "rmse", "margin": _significant(contrast.deviation * _MARGIN_SHARE), **every}
    return ["rmse", "mae", "r2"], {"quality": error, "skill": {"metric": "r2", "bound": _LEAST_SKILL, **every}}


def _significant(value: float) -> float:
    return float(f"{value:.2g}")


def _round_up(value: float) -> float:
    """Four significant digits, not below ``value``."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 3)
    return float(f"{math.ceil(value / unit) * unit:.4g}")
