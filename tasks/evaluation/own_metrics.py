"""Metrics of the user's own: a function of label, score and weight, called anew for each replicate.

What belongs here: finding the functions, calling them, and refusing what cannot be resampled. What does not: metrics that are here
already (``metrics``), and the resampling itself (``measures``).

A function is given three arrays that it cannot write to: labels (0 and 1; the class's place in the sorted classes; the number),
scores (rows; of several classes rows x classes) and the rows' weights, all above 0. A replicate of the bootstrap draws a cluster
twice by counting its rows twice, so that a function that does not look at the weights would have an interval of nothing: it is
refused.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.errors import EvaluationError
from tasks.evaluation.sample import Floats, Metric, Sample
from tasks.params.judging import UserMetric
from tasks.user_code import find_function, quote_error

_SAME = 1e-6
"""Relative difference up to which two figures are one: of rows that count twice, and of rows that are there twice."""
_EXPECTED = "a function of label, score and weight that gives one number"


def load_metrics(functions: Mapping[str, UserMetric], root: Path) -> dict[str, Metric]:
    """The metrics of ``evaluation.functions`` by name, for the project at ``root``.

    Raises :class:`~tasks.errors.EvaluationError` where a function is not there, or its file has another SHA-256.
    """
    return {name: _load(name, declared, root) for name, declared in functions.items()}


def _load(name: str, declared: UserMetric, root: Path) -> Metric:
    where = f"evaluation.functions.{name}"
    function = find_function(declared, root, where, _EXPECTED, EvaluationError)

    def measure(sample: Sample, weights: Floats) -> float:
        return _call(function, f"{where}: {declared.function}", declared.file, sample, weights)

    return Metric(name, declared.direction, of_rows=measure, undefined_where="its function gives no finite number")


def _call(function: Callable[..., Any], where: str, file: str | None, sample: Sample, weights: Floats) -> float:
    given = [values.view() for values in (sample.labels, sample.scores, weights)]
    for values in given:
        values.flags.writeable = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of thousands of replicates each would say that it lacks a class
            found = float(function(*given))
    except (Exception, SystemExit) as raised:  # somebody else's code may raise anything
        raise EvaluationError(
            where,
            found=quote_error(raised, file=file or ""),
            expected=f"{_EXPECTED}; NaN where it is undefined, as where a class is missing",
            next_step=f"mend {file or where.partition(': ')[2]}",
        ) from None
    return found if math.isfinite(found) else math.nan


def require_weighted(metrics: Iterable[Metric], sample: Sample) -> None:
    """Refuse a user's metric that is another one when called again, or for which rows that count twice are not two rows.

    Raises :class:`~tasks.errors.EvaluationError` naming it.
    """
    times = 1 + np.random.default_rng(0).integers(0, 3, len(sample.labels))
    repeated = np.repeat(np.arange(len(times)), times)
    for metric in metrics:
        if metric.of_rows is None:
            continue
        once, again = (metric.of_rows(sample, times.astype(np.float64)) for _ in range(2))
        there = metric.of_rows(Sample(sample.labels[repeated], sample.scores[repeated]), np.ones(len(repeated)))
        if not _equal(once, again):
            raise _refused(metric.name, "another number when it was called again", "the same number for the same rows")
        if not _equal(once, there):
            raise _refused(metric.name, "another number for rows of weight 2 than for the same rows twice", "a weighted metric")


def _equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_SAME, abs_tol=_SAME**2) or (math.isnan(one) and math.isnan(other))


def _refused(name: str, found: str, expected: str) -> EvaluationError:
    next_step = "mend the function: a replicate of the bootstrap draws rows twice by giving them twice the weight"
    return EvaluationError(f"evaluation.functions.{name}", found=found, expected=expected, next_step=next_step)
