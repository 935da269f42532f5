"""Other gates' published rules, applied to the same two models, to stand beside ours.

What belongs here: the decision of each rule on one holdout. What does not: the holdouts (``gate_simulation``). Each is the rule as
its source has it, with the settings that allow most of what a non-inferiority margin wants:

- MLflow, ``mlflow/models/evaluation/validation.py``, ``_validate``: the candidate's figure is at least the baseline's plus
  ``min_absolute_change``, which must be above zero; a margin cannot be said, so that the smallest change is asked.
- TFX Evaluator, ``tensorflow_model_analysis/evaluators/metrics_validator.py``, ``_check_threshold``: the difference of the two
  figures is at least ``absolute``, here the negative margin.
- Kayenta, ``NetflixACAJudge`` and ``MannWhitneyClassifier``: days as the metric's series, a Mann-Whitney interval of their shift
  (confidence 0.98), and a failure where its upper end lies below a quarter (tolerance 0.25) of the estimated shift, downwards.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
_SMALLEST_CHANGE = 1e-12


def mlflow_promotes(champion: float, challenger: float) -> bool:
    """Whether the point rule of ``validate_evaluation_results`` holds."""
    return challenger >= champion + _SMALLEST_CHANGE


def tfx_promotes(champion: float, challenger: float, margin: float) -> bool:
    """Whether the difference of the points lies within the change threshold."""
    return challenger - champion >= -margin


def kayenta_promotes(champion: Floats, challenger: Floats, tolerance: float = 0.25, confidence: float = 0.98) -> bool:
    """Whether the challenger's daily figures are not classified as low against the champion's."""
    if np.array_equal(champion, challenger):
        return True
    differences = np.sort((challenger[:, None] - champion).ravel())
    m, n = len(challenger), len(champion)
    reach = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(m * n * (m + n + 1) / 12)
    upper = differences[min(len(differences) - 1, int(np.ceil(m * n / 2 + reach)))]
    return not upper < -tolerance * abs(float(np.median(differences)))
