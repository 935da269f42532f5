"""Transforms that put one value in place of each: redact and constant.

What belongs here: what needs nothing of a value but that there is one. What does not: what depends on the value.
"""

import numpy as np
import pyarrow as pa

from tasks.masking.transforms.columns import fill, to_array
from tasks.params.masking_rules import ConstantRule

REDACTED = "[redacted]"


def redact(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The text ``[redacted]`` (string) for each value, of whatever type."""
    return fill(column, _repeat_text(REDACTED, len(column)))


def constant(column: pa.ChunkedArray, rule: ConstantRule) -> pa.ChunkedArray:
    """``rule.value`` for each value, of whatever type: string, int64, float64 or boolean, as the policy writes it."""
    value, count = rule.value, len(column)
    if isinstance(value, str):
        return fill(column, _repeat_text(value, count))
    if isinstance(value, bool):
        return fill(column, to_array(np.full(count, int(value), np.int8)).cast(pa.bool_()))
    return fill(column, to_array(np.full(count, value, np.int64 if isinstance(value, int) else np.float64)))


def _repeat_text(text: str, count: int) -> pa.Array:
    """A dictionary of one entry, decoded: a text times a million rows must not be built in Python."""
    indices = to_array(np.zeros(count, np.int32))
    return pa.array([text], pa.string()).take(indices)
