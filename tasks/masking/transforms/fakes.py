"""The transform fake: a made-up value from a list, the same for the same value, in each table and at each refresh.

What belongs here: which entry a value gets. What does not: the lists that come with the package (``tasks.masking.fake_lists``),
and reading one of the user's (``tasks.params.lists``).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.masking.fake_lists import list_entries
from tasks.masking.keyed_hash import KeyedHash
from tasks.masking.tokens import keyed_numbers
from tasks.masking.transforms.columns import fill, nulls, to_array
from tasks.params.masking_rules import FakeRule


def fake(column: pa.ChunkedArray, rule: FakeRule, keyed: KeyedHash, *, where: str) -> pa.ChunkedArray:
    """An entry of the rule's list (string) for each value: that at the value's keyed number modulo the list's length.

    All entries are equally likely; two values may get the same one. Values are equal as they are for tokens: the integer 7 and
    the text "7", and all normal forms of a text. Raises :class:`~tasks.errors.MaskingError` on types without a canonical form.
    """
    if pa.types.is_null(column.type):
        return nulls(column, pa.string())
    numbers = pc.fill_null(keyed_numbers({where: column}, keyed), to_array(np.zeros(1, np.uint64))[0]).to_numpy()
    entries = fake_entries(rule)
    picked = to_array((numbers % np.uint64(len(entries))).astype(np.int32))
    return fill(column, pa.array(entries, pa.string()).take(picked))


def fake_entries(rule: FakeRule) -> tuple[str, ...]:
    """The list that ``rule`` picks from."""
    return rule.file_entries if rule.list is None else list_entries(rule.list)
