"""Arrow tables as the frames that a user's code is given.

What belongs here: the types of a frame's columns. What does not: which columns and rows there are.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def as_frame(table: pa.Table, columns: Iterable[str]) -> "pd.DataFrame":
    """``columns`` of ``table`` in that order: float64 (NULL as NaN), and texts as objects (NULL as None)."""
    import numpy as np
    import pandas as pd

    names = tuple(columns)
    texts = [name for name in names if _is_text(table.column(name).type)]
    numbers = [name for name in names if name not in texts]
    # All numbers in one piece of memory, which the system takes back once the frame is gone; of many pieces it keeps some.
    block = np.empty((len(numbers), table.num_rows))
    found = {}
    for values, name in zip(block, numbers, strict=True):
        values[:] = table.column(name).cast(pa.float64()).to_numpy()
        found[name] = pd.Series(values, copy=False)
    found |= {name: pd.Series(_texts(table.column(name)), dtype=object, copy=False) for name in texts}
    return pd.DataFrame({name: found[name] for name in names}, copy=False)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _texts(column: pa.ChunkedArray) -> "np.ndarray":
    """Python's texts, None for NULL; equal ones are one object, or a column of a few words would take more room than numbers."""
    import numpy as np

    encoded = column.combine_chunks().dictionary_encode()
    words = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    found: np.ndarray = words[encoded.indices.fill_null(len(words) - 1).to_numpy()]
    return found
