"""Arrow tables as the frames that a user's code is given.

What belongs here: the types of a frame's columns. What does not: which columns and rows there are.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd


def as_frame(table: pa.Table, columns: Iterable[str]) -> "pd.DataFrame":
    """``columns`` of ``table`` in that order: float64 (NULL as NaN), and texts as objects (NULL as None)."""
    import pandas as pd

    found = {}
    for name in columns:
        column = table.column(name)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            found[name] = pd.Series(column.to_pandas(ignore_metadata=True).to_numpy(dtype=object, na_value=None), dtype=object)
        else:
            found[name] = pd.Series(column.cast(pa.float64()).to_numpy())
    return pd.DataFrame(found)
