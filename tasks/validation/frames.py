"""Arrow tables as the pandas frames that Great Expectations judges rightly and fast.

What belongs here: types. What does not: values; not one is changed.
"""

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:  # the stage starts without it where nothing has changed
    import pandas as pd


def to_frame(table: pa.Table) -> "pd.DataFrame":
    """``table`` as a frame: integers as int64, floats as float64, dates and timestamps in UTC, texts as strings.

    Great Expectations compares other widths and dates value by value in Python, and refuses some. A suite gives bounds of
    dates and times with a zone (``2013-01-01T00:00:00Z``). An integer or boolean column with NULLs becomes float or object,
    as is pandas' way.
    """
    fields = [pa.field(field.name, _judged_type(field.type)) for field in table.schema]
    frame: pd.DataFrame = table.cast(pa.schema(fields)).to_pandas()
    return frame


def _judged_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _judged_type(kind.value_type)
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        return pa.int64()
    if pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC")
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind
