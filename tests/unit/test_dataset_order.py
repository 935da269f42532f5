"""Rows in the order of their key: always what Arrow's own sort gives, whichever way is taken."""

import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tasks.datasets.order as order_module
from tasks.datasets import sort_rows

ROWS = 12_000


def _tokens(numbers: np.ndarray) -> list[str]:
    return [str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in numbers]


def _by_arrow(table: pa.Table, key: list[str]) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in key])


@pytest.fixture(scope="module")
def tokens() -> list[str]:
    """As many distinct tokens as rows."""
    return _tokens(np.arange(ROWS))


def test_tokens_are_sorted_as_arrow_sorts_them(tokens: list[str]) -> None:
    """All distinct, in several chunks, with another column that goes along."""
    column = pa.chunked_array([tokens[:5000], tokens[5000:]])
    table = pa.table({"n": np.arange(ROWS), "k": column})
    assert sort_rows(table, ["k"]).equals(_by_arrow(table, ["k"]))


def test_rows_with_one_beginning_are_sorted_by_the_rest(tokens: list[str]) -> None:
    """Equal in the first eight bytes, and in the whole text: by what follows, by the next column, then as they came."""
    texts = [*tokens[:-600], *(tokens[0][:9] + text[9:] for text in tokens[-600:-300]), *tokens[:300]]
    table = pa.table({"n": np.arange(ROWS), "k": texts, "second": np.arange(ROWS)[::-1] // 3})
    for key in (["k"], ["k", "second"]):
        assert sort_rows(table, key).equals(_by_arrow(table, key))


def test_texts_that_begin_alike_are_left_to_arrow() -> None:
    """Of one length and in order only behind the first eight bytes."""
    table = pa.table({"k": [f"passenger-{number * 7919 % ROWS:06d}" for number in range(ROWS)]})
    assert sort_rows(table, ["k"]).column("k").to_pylist() == sorted(table.column("k").to_pylist())


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.none() | st.text(max_size=12) | st.text("ab", min_size=9, max_size=9), st.integers(0, 3)), max_size=30)
)
def test_any_texts_are_sorted_as_arrow_sorts_them(rows: list[tuple[str | None, int]]) -> None:
    """NULLs, empty texts, several lengths, non-ASCII, equal keys; also where every table counts as a long one."""
    table = pa.table({"k": pa.array([row[0] for row in rows], pa.string()), "s": [row[1] for row in rows], "n": range(len(rows))})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_module, "_FEW_ROWS", 1)
        patch.setattr(order_module, "_MOSTLY", -1)
        for key in (["k"], ["s", "k"], ["k", "s"]):
            assert sort_rows(table, key).equals(_by_arrow(table, key))
