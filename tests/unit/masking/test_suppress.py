"""Suppression: what fewer than k hold, counted over the whole table as it is published, does not leave."""

from collections import Counter
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, policy, rule
from pydantic import ValidationError

from tasks.errors import MaskingError
from tasks.masking import (
    Facts,
    conclude,
    explain_suppression,
    list_joins,
    mask_table,
    observe,
    observed_columns,
    require_joins_of_all_rows,
)
from tasks.params.masking import MaskingParams
from tasks.params.snapshot import TableParams

QUASI = {"born": rule("generalise", to="decade"), "zip": rule("generalise", keep_prefix=1)}


def _rules(**suppress: Any) -> MaskingParams:
    rare = {"columns": ["born", "zip"], "k": 2, **suppress}
    return policy({**QUASI, "who": rule("token"), "suppress": rare}, safe=("id",))


def _table(people: list[tuple[Any, Any, Any]], first: int = 0) -> pa.Table:
    return pa.table(
        {
            "id": range(first, first + len(people)),
            "who": pa.array([who for who, _, _ in people], pa.string()),
            "born": pa.array([None if year is None else date(year, 1, 1) for _, year, _ in people], pa.date32()),
            "zip": pa.array([code for _, _, code in people], pa.string()),
        }
    )


def _facts(rules: MaskingParams, *parts: pa.Table) -> Facts:
    return conclude(rules, "t", [observe("t", part, rules, KEY) for part in parts])


PEOPLE = [("a", 1980, "10"), ("b", 1985, "19"), ("c", 1990, "10"), ("d", None, None), ("e", None, None), ("f", None, "1")]


def test_rare_is_what_few_masked_rows_hold() -> None:
    """1980 with 10 and 1985 with 19 are one combination once masked; NULL is equal to NULL."""
    rules = _rules()
    masked = mask_table("t", _table(PEOPLE), rules, KEY, facts=_facts(rules, _table(PEOPLE)))
    cells = list(zip(masked["born"].to_pylist(), masked["zip"].to_pylist(), strict=True))
    assert cells == [(1980, "1"), (1980, "1"), (None, None), (None, None), (None, None), (None, None)]
    assert masked["who"].null_count == 0
    assert masked.schema.types == [pa.int64(), pa.string(), pa.int32(), pa.string()]


def test_rows_are_removed_where_the_policy_says_so() -> None:
    """The others stay in their order."""
    rules = _rules(what="rows")
    facts = _facts(rules, _table(PEOPLE))
    assert mask_table("t", _table(PEOPLE), rules, KEY, facts=facts)["id"].to_pylist() == [0, 1, 3, 4]
    assert facts.rare_rows == 2


def test_entities_are_counted_not_their_rows() -> None:
    """Five rows of one person are one person's; a row of nobody is nobody's."""
    rules = _rules(per="who")
    people = [("a", 1980, "1")] * 5 + [("a", 1990, "1"), ("b", 1990, "1"), (None, 2000, "1"), (None, 2000, "1")]
    masked = mask_table("t", _table(people), rules, KEY, facts=_facts(rules, _table(people)))
    assert masked["born"].to_pylist() == [None] * 5 + [1990, 1990, None, None]


def test_partitions_are_counted_together_in_any_order() -> None:
    """What is rare in each partition may be frequent in the table."""
    rules, one, other = _rules(), _table(PEOPLE[:1]), _table(PEOPLE[1:2], 1)
    assert _facts(rules, one, other).rare.num_rows == 0
    assert _facts(rules, one).rare.num_rows == 1
    parts = [_table([person], i) for i, person in enumerate(PEOPLE)]
    assert _facts(rules, *parts).hash == _facts(rules, *reversed(parts)).hash
    assert _facts(rules, *parts).hash != _facts(rules, *parts[:-1]).hash


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([1980, 1990, None]), st.sampled_from(["1", "2", None])), max_size=14
    ),
    st.integers(2, 4),
    st.sampled_from([None, "who"]),
)
def test_what_is_left_is_held_by_k(people: list, k: int, per: str | None) -> None:
    """By rows or by people, whatever the partitions: no combination with a value in it is held by fewer."""
    rules = _rules(k=k, per=per, what="rows")
    parts = [_table(people[start : start + 5], start) for start in range(0, len(people), 5)]
    facts = _facts(rules, *parts)
    left = [row for part in parts for row in mask_table("t", part, rules, KEY, facts=facts).to_pylist()]
    holders = {(row["who"] if per else row["id"], row["born"], row["zip"]) for row in left}
    held = Counter((born, code) for _, born, code in holders)
    assert all(count >= k for count in held.values())
    assert len(left) == len(people) - facts.rare_rows


def test_empty_table() -> None:
    """No partition at all, or one without rows, has nothing rare."""
    rules = _rules()
    assert _facts(rules).rare.num_rows == 0
    assert mask_table("t", _table([]), rules, KEY, facts=_facts(rules, _table([]))).num_rows == 0


def test_partition_of_only_null() -> None:
    """A column of Arrow's null type beside one of text."""
    rules = policy({"zip": rule("redact"), "suppress": {"columns": ["zip"], "k": 2}}, safe=("id",))
    parts = [pa.table({"id": [1], "zip": pa.nulls(1)}), pa.table({"id": [2], "zip": ["x"]})]
    facts = _facts(rules, *parts)
    assert [mask_table("t", part, rules, KEY, facts=facts)["zip"].to_pylist() for part in parts] == [[None], [None]]


def test_without_facts_nothing_is_masked() -> None:
    """Nobody has counted: that is no pass."""
    with pytest.raises(MaskingError, match="masking t") as caught:
        mask_table("t", _table(PEOPLE), _rules(), KEY)
    assert caught.value.next_step == "dvc repro mask"


def test_missing_column_is_an_error() -> None:
    """A partition that lacks a column of the rule cannot be looked at."""
    rules = _rules()
    facts = _facts(rules, _table(PEOPLE))
    with pytest.raises(MaskingError, match="masking t: suppress"):
        mask_table("t", _table(PEOPLE).drop_columns(["zip"]), rules, KEY, facts=facts)


def test_observed_columns_are_few() -> None:
    """The rule's, its entity's, and what their transforms read beside them."""
    assert observed_columns(_rules(per="who"), "t") == ("born", "zip", "who")
    assert observed_columns(policy(QUASI), "t") == ()
    shifted = policy({"d": rule("date_shift", per="p", max_days=3), "suppress": {"columns": ["d"], "k": 2}})
    assert observed_columns(shifted, "t") == ("d", "p")


@pytest.mark.parametrize(
    "suppress", [{"k": 1}, {"columns": []}, {"columns": ["gone"]}, {"what": "all"}, {"columns": ["x"], "k": 2}]
)
def test_rule_that_makes_no_sense_is_refused(suppress: dict) -> None:
    """Before any data is read; a column that does not leave makes nobody rare."""
    with pytest.raises(ValidationError):
        policy({**QUASI, "x": rule("drop"), "suppress": {"columns": ["born"], "k": 2, **suppress}})


def test_column_may_be_called_suppress() -> None:
    """With a transform it is a column like any other."""
    rules = policy({"suppress": rule("redact")})
    assert mask_table("t", pa.table({"suppress": ["x"]}), rules, KEY).to_pydict() == {"suppress": ["[redacted]"]}


def test_rows_that_others_join_with_are_not_removed() -> None:
    """A join would lose rows; cells may go."""
    tables = {name: TableParams(key=("id",), time="at", known="at", columns=("id", "at")) for name in ("t", "u")}
    for what in ("rows", "cells"):
        rules = policy({**QUASI, "suppress": {"columns": ["zip"], "k": 2, "what": what}}, domains={"x": ["t.id", "u.id"]})
        joins = list_joins(rules, tables)
        if what == "rows":
            with pytest.raises(MaskingError, match="suppress rows"):
                require_joins_of_all_rows(rules, joins)
        else:
            require_joins_of_all_rows(rules, joins)


def test_suppression_is_explained_in_a_sentence() -> None:
    """For its table, and for a column of it; for no other."""
    told = ("t: rows whose masked born, zip fewer than 2 different who hold lose these cells (few)",)
    rules = _rules(per="who", reason="few")
    assert explain_suppression(rules) == explain_suppression(rules, "t.zip") == told
    assert explain_suppression(rules, "u") == explain_suppression(policy(QUASI)) == ()
    assert explain_suppression(_rules(what="rows"))[0].endswith("fewer than 2 rows hold are removed")
