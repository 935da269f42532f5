"""The transform generalise: the first characters of a text, the year or decade of a date, the band of a number.

What belongs here: which of these a rule asks for, and prefixes. What does not: dates (``dates``) and bands (``numbers``).
"""

import pyarrow as pa
import pyarrow.compute as pc

from tasks.masking.tokens import plain_strings, wrong_type
from tasks.masking.transforms.columns import CHOOSE, nulls
from tasks.masking.transforms.dates import first_year
from tasks.masking.transforms.numbers import band
from tasks.params.masking_rules import GeneraliseRule


def generalise(column: pa.ChunkedArray, rule: GeneraliseRule, *, where: str) -> pa.ChunkedArray:
    """Less of each value, as ``rule`` says.

    ``keep_prefix``: the first characters of a text in normal form C (string); a text no longer than that stays whole.
    ``to``: the year, or the first year of the decade, of a date or timestamp in UTC (int32). ``width``: the lower bound of
    a number's band (float64), bands counted from zero. Raises :class:`~tasks.errors.MaskingError` on any other type.
    """
    if rule.keep_prefix is not None:
        return _prefix(column, rule.keep_prefix, where)
    if rule.width is not None:
        return band(column, rule.width, where=where)
    return first_year(column, 10 if rule.to == "decade" else 1, where=where)


def _prefix(column: pa.ChunkedArray, characters: int, where: str) -> pa.ChunkedArray:
    if pa.types.is_null(column.type):
        return nulls(column, pa.string())
    texts = plain_strings(column)
    if not pa.types.is_string(texts.type):
        raise wrong_type(where, column.type, "text for generalise keep_prefix", CHOOSE)
    return pc.utf8_slice_codeunits(pc.utf8_normalize(texts, form="NFC"), 0, characters)
