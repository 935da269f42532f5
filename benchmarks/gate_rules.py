"""Other gates' published rules, applied to the same two models, to stand beside ours.

What belongs here: the decision of each rule on one holdout. What does not: the holdouts (``gate_simulation``). Each is the rule as
its source has it, with the settings that allow most of what a non-inferiority margin wants:

- MLflow, ``validate_evaluation_results``, is called as it is installed: the candidate's figure is at least the baseline's plus
  ``min_absolute_change``, which must be above zero; a margin cannot be said, so that the smallest change is asked.
- TFX Evaluator, ``tensorflow_model_analysis/evaluators/metrics_validator.py``, ``_check_threshold``: the difference of the two
  figures is at least ``absolute``, here the negative margin, or its share of the baseline's figure at least ``relative``.
- Kayenta, ``NetflixACAJudge``, ``MannWhitneyClassifier`` and ``MannWhitney``: days as the metric's series, harm downwards alone
  (``direction: decrease``; by default an improvement fails as well). Series of equal values pass; else it fails where the upper end
  of the shift's two-sided interval (confidence 0.98) lies below a quarter (tolerance 0.25) of its estimate, downwards. Interval and
  estimate are those of R's ``wilcox.test``, of normal quantiles with the correction for continuity: here the differences at which
  the statistic steps, which Kayenta's solver finds to 0.0001. No outlier is removed.
"""

import logging

import numpy as np
from mlflow.models.evaluation import EvaluationResult
from mlflow.models.evaluation.validation import MetricThreshold, ModelValidationFailedException, validate_evaluation_results
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
_SMALLEST_CHANGE = 1e-12
_FIGURE = "figure"
logging.getLogger("mlflow").setLevel(logging.WARNING)  # two lines for each call


def mlflow_promotes(champion: float, challenger: float) -> bool:
    """Whether ``validate_evaluation_results`` lets the challenger pass."""
    thresholds = {_FIGURE: MetricThreshold(min_absolute_change=_SMALLEST_CHANGE, greater_is_better=True)}
    candidate, baseline = (EvaluationResult(metrics={_FIGURE: found}, artifacts={}) for found in (challenger, champion))
    try:
        validate_evaluation_results(thresholds, candidate, baseline)
    except ModelValidationFailedException:
        return False
    return True


def tfx_promotes(champion: float, challenger: float, margin: float) -> bool:
    """Whether the difference of the points lies within the change threshold ``absolute``."""
    return challenger - champion >= -margin


def tfx_promotes_relative(champion: float, challenger: float, margin: float, *, is_lower_better: bool = False) -> bool:
    """Whether the difference of the points, as a share of the champion's, lies within the change threshold ``relative``."""
    share = (challenger - champion) / champion
    return share <= margin if is_lower_better else share >= -margin


def kayenta_promotes(champion: Floats, challenger: Floats, tolerance: float = 0.25, confidence: float = 0.98) -> bool:
    """Whether the challenger's daily figures are not classified as low against the champion's."""
    if np.array_equal(np.sort(champion), np.sort(challenger)):
        return True
    differences = np.sort((challenger[:, None] - champion).ravel())
    reach = stats.norm.ppf((1 + confidence) / 2) * _deviation(champion, challenger)
    place = int(np.ceil(len(differences) / 2 + reach - 0.5))
    upper = differences[min(len(differences) - 1, place)]
    return not upper < -tolerance * abs(float(np.median(differences)))


def _deviation(champion: Floats, challenger: Floats) -> float:
    """The standard deviation of the Mann-Whitney statistic, corrected for ties."""
    m, n = len(challenger), len(champion)
    ties = np.concatenate([np.unique(of, return_counts=True)[1] for of in (champion, challenger)]).astype(float)
    return float(np.sqrt(m * n / 12 * (m + n + 1 - (ties**3 - ties).sum() / ((m + n) * (m + n - 1)))))
