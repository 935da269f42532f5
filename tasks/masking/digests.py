"""SHA-256 of a whole column at once.

What belongs here: the one call of the library that does it. What does not: keys (``keys``).
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DIGEST_BYTES = 32
_BATCH_ROWS = 32_768
"""Rows that DataFusion hashes at a time; its own 8,192 take twice the CPU seconds."""

Bytes = npt.NDArray[np.uint8]


def sha256_column(values: pa.Array) -> Bytes:
    """The SHA-256 of each of ``values`` (binary, no NULL): an array of bytes, one row of 32 for each value."""
    hashed, names = _session()
    batches = hashed.from_arrow(pa.table({"v": values})).select(names).collect()
    return np.concatenate([_rows(batch.column(0)) for batch in batches])


def _rows(digests: pa.Array) -> Bytes:
    ends = np.frombuffer(digests.buffers()[1], np.int32, len(digests) + 1, digests.offset * 4)
    data = np.frombuffer(digests.buffers()[2], np.uint8)
    return data[int(ends[0]) : int(ends[-1])].reshape(len(digests), DIGEST_BYTES)


@cache
def _session() -> tuple[Any, Any]:
    """DataFusion's session and the expression; imported here, because a quarter of a CPU second is more than few values take."""
    from datafusion import SessionConfig, SessionContext, column
    from datafusion.functions import sha256

    config = SessionConfig().with_target_partitions(1).with_batch_size(_BATCH_ROWS)
    return SessionContext(config), sha256(column("v"))
