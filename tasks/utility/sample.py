"""Which rows, and which partitions, are looked at where all would be too many.

What belongs here: drawing them. What does not: reading them.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa

from tasks.datasets.database import open_database

T = TypeVar("T")


def draw_rows(keys: pa.ChunkedArray, most: int, seed: int) -> pa.Array:
    """At most ``most`` of ``keys`` (string, each once): those with the smallest SHA-256 under ``seed``.

    The keys alone decide, not their order: the same rows are drawn however they are stored, and growth replaces few of them.
    """
    if len(keys) <= most:
        return keys.combine_chunks()
    with open_database() as con:
        con.register("wt_keys", pa.table({"row_key": keys}))
        drawn = "SELECT row_key FROM wt_keys ORDER BY sha256($salt || row_key), row_key LIMIT $most"
        found: pa.Array = con.sql(drawn, params={"salt": f"{seed}/", "most": most}).to_arrow_table().column(0).combine_chunks()
    return found


def spread(items: Sequence[T], most: int) -> list[T]:
    """At most ``most`` of ``items``, evenly spaced, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[place] for place in np.unique(np.linspace(0, len(items) - 1, most).round().astype(int))]
