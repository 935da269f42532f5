"""Metrics of a label that is a number and the predicted number, in the label's own unit unless said otherwise.

What belongs here: definitions, as scikit-learn has them. What does not: their resampling.
"""

import numpy as np

from tasks.evaluation.sample import Floats, Metric, Sample, ratio, with_count


def _error(sample: Sample) -> Floats:
    found: Floats = np.abs(sample.scores - sample.labels)
    return found


def _absolute(sample: Sample) -> Floats:
    return with_count(_error(sample))


def _squared(sample: Sample) -> Floats:
    return with_count(np.square(sample.scores - sample.labels))


def _signed(sample: Sample) -> Floats:
    return with_count(sample.scores - sample.labels)


def _relative(sample: Sample) -> Floats:
    """Relative to the label; NaN, which no sum survives, where that is 0."""
    return with_count(ratio(np.abs(sample.scores - sample.labels), np.abs(sample.labels)))


def _explained(sample: Sample) -> Floats:
    """Squared errors; labels less their mean, which keeps digits; these squared."""
    off = sample.labels - sample.labels.mean()
    return with_count(np.square(sample.scores - sample.labels), off, np.square(off))


def _r2(sums: Floats) -> Floats:
    """1 less the share of the labels' variance that is left (coefficient of determination)."""
    errors, off, squares, rows = sums.T
    spread = squares - ratio(off**2, rows)
    return 1 - ratio(errors, np.where(spread <= 1e-12 * squares, 0.0, spread))


METRICS = {
    metric.name: metric
    for metric in (
        Metric("mae", "lower_is_better", _absolute),
        Metric("median_ae", "lower_is_better", median_of=_error),
        Metric("rmse", "lower_is_better", _squared, lambda sums: np.sqrt(ratio(sums[:, 0], sums[:, 1]))),
        Metric("r2", "higher_is_better", _explained, _r2, "all labels are equal"),
        Metric("mape", "lower_is_better", _relative, undefined_where="a label is 0, to which no error is relative"),
        Metric("bias", "lower_is_better", _signed, lambda sums: np.abs(ratio(sums[:, 0], sums[:, 1]))),
    )
}
"""By name. ``median_ae`` is the median absolute error, which a few rows that are far off do not move; ``mape`` is a fraction of the
label; ``bias`` is how far the mean prediction lies from the mean label, either way."""
