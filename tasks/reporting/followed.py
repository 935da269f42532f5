"""What statuses follow from of which no sums by block are published: drift of features, and searches for bad slices.

What belongs here: the evaluation's figures and the declared limits, as a page's script takes them. What does not: the rules by
which a status follows (``templates/judge/statuses.js``, ``tasks.gates``). The page shows these figures to readers too.
"""

import math
from typing import Any

from tasks.params.judging import DiscoveredCriterion, DriftCriterion, GatesParams
from tasks.records import Discovery, Drift, Evaluation


def followed_from(gates: GatesParams, evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """By ``drifts`` and ``searches``, and by a criterion's name, what its status follows from."""
    drifts, searches = {}, {}
    drift, found = evaluation.drift, evaluation.discovery
    for name, criterion in gates.criteria.items():
        if isinstance(criterion, DriftCriterion) and drift is not None and drift.features:
            drifts[name] = _drift(criterion, drift)
        if isinstance(criterion, DiscoveredCriterion) and found is not None and _is_told(found, criterion, evaluation):
            known = [suspect.p_value for suspect in found.suspects]
            searches[name] = {"p_values": known, "searched": found.searched, "undefined": found.undefined}
    return {"drifts": drifts, "searches": searches}


def _is_told(found: Discovery, criterion: DiscoveredCriterion, evaluation: Evaluation) -> bool:
    are_numbers = all(math.isfinite(suspect.p_value) for suspect in found.suspects)
    return are_numbers and evaluation.champion is not None and found.metric == criterion.discovered


def _drift(criterion: DriftCriterion, drift: Drift) -> dict[str, Any]:
    asked = [found for found in drift.features if not criterion.features or found.feature in criterion.features]
    return {
        "most": criterion.most,
        "min_rows": criterion.min_rows,
        "rows": min(drift.rows, drift.reference_rows),
        "scale": 1 / drift.rows + 1 / drift.reference_rows if drift.rows and drift.reference_rows else None,
        "lacks": bool(set(criterion.features) - {found.feature for found in asked}),
        "features": [found.model_dump(include={"psi", "by_chance", "bins", "variance_ratio"}) for found in asked],
    }
