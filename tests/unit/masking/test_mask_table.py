"""Masking a table: what survives, in what form, and that nothing raw does."""

import unicodedata
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, expected_token, policy, rule

from tasks.errors import MaskingError
from tasks.masking import mask_table
from tasks.params.masking import MaskingParams

PEOPLE = st.lists(st.none() | st.text(st.characters(codec="utf-8"), min_size=4, max_size=12), min_size=1, max_size=10)


def test_survivors_keep_the_tables_order() -> None:
    """Columns come in the table's order, whatever the policy's; dropped and undeclared ones are gone."""
    table = pa.table({"d": [1], "b": ["b"], "unknown": [1], "c": ["c"], "a": ["a"]})
    rules = policy({"c": rule("token"), "d": rule("drop")}, domains={"x": ["t.a"]}, safe=("b",))
    assert mask_table("t", table, rules, KEY).column_names == ["b", "c", "a"]


def test_undeclared_column_is_dropped() -> None:
    """A column that no policy names never leaves, even where the table has a policy."""
    assert mask_table("t", pa.table({"a": [1], "new": ["x"]}), policy(safe=("a",)), KEY).column_names == ["a"]


def test_table_without_policy_keeps_its_tokens_only() -> None:
    """A table that only appears in a domain keeps that column."""
    rules = policy(domains={"person": ["u.person"]})
    masked = mask_table("u", pa.table({"person": ["x"], "note": ["y"]}), rules, KEY)
    assert masked.to_pylist() == [{"person": expected_token("person", "x")}]


def test_table_that_nobody_names_keeps_nothing() -> None:
    """No policy, no domain: no column."""
    assert mask_table("u", pa.table({"note": ["y"]}), policy(), KEY).column_names == []


def test_safe_column_is_untouched() -> None:
    """A safe column keeps its values and its type."""
    table = pa.table({"a": pa.array([1.5, None], pa.float32())})
    assert mask_table("t", table, policy(safe=("a",)), KEY).equals(table)


def test_redaction_keeps_null() -> None:
    """Every value becomes the same text; that there was none stays visible."""
    rules = policy({"a": rule("redact", "free_text"), "b": rule("redact")})
    table = pa.table({"a": ["call Ada", None, ""], "b": [1, 2, None]})
    assert mask_table("t", table, rules, KEY).to_pydict() == {
        "a": ["[redacted]", None, "[redacted]"],
        "b": ["[redacted]", "[redacted]", None],
    }


def test_column_without_any_value_can_be_masked() -> None:
    """A column that is NULL in every row has Arrow's null type; each transform gives the type that it always gives."""
    rules = policy(
        {
            "token": rule("token"),
            "redact": rule("redact"),
            "prefix": rule("generalise", keep_prefix=1),
            "year": rule("generalise", to="year"),
            "band": rule("generalise", width=5),
            "shifted": rule("date_shift", per="token", max_days=3),
        }
    )
    names = ["token", "redact", "prefix", "year", "band", "shifted"]
    masked = mask_table("t", pa.table({name: pa.nulls(2) for name in names}), rules, KEY)
    assert masked.schema.types == [pa.string(), pa.string(), pa.string(), pa.int32(), pa.float64(), pa.null()]
    assert all(column.null_count == 2 for column in masked.columns)


def test_some_of_the_columns_are_masked_alike() -> None:
    """The split stage masks key columns only; a row's key is the same as in the whole table."""
    rules = policy({"note": rule("redact")}, domains={"id": ["t.id"]})
    table = pa.table({"id": ["x", "y"], "note": ["a", "b"]})
    whole = mask_table("t", table, rules, KEY)
    assert mask_table("t", table.select(["id"]), rules, KEY).equals(whole.select(["id"]))


def test_type_error_names_the_column() -> None:
    """The message leads to the line of the policy."""
    with pytest.raises(MaskingError, match=r"t\.score") as caught:
        mask_table("t", pa.table({"score": [1234.5678]}), policy({"score": rule("token")}), KEY)
    assert caught.value.found == "type double"
    assert "1234" not in str(caught.value)


@settings(deadline=None)
@given(PEOPLE, PEOPLE)
def test_joins_hold_across_tables(left: list[str | None], right: list[str | None]) -> None:
    """Two columns of one domain match on masked values exactly where they matched raw."""
    rules = policy(domains={"person": ["t.person", "u.owner"]})
    masked_left = mask_table("t", pa.table({"person": pa.array(left, pa.string())}), rules, KEY).column("person").to_pylist()
    masked_right = mask_table("u", pa.table({"owner": pa.array(right, pa.string())}), rules, KEY).column("owner").to_pylist()
    for raw, token in zip(left, masked_left, strict=True):
        matches = [i for i, other in enumerate(right) if raw is not None and other is not None and _same(raw, other)]
        assert [i for i, other in enumerate(masked_right) if token is not None and other == token] == matches


def _same(one: str, other: str) -> bool:
    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)


@settings(deadline=None)
@given(PEOPLE)
def test_no_raw_identifier_is_left(values: list[str | None]) -> None:
    """Whatever an identifier says, no cell of the masked table says it."""
    rules = _every_transform()
    table = pa.table(
        {
            "by_domain": pa.array(values, pa.string()),
            "by_rule": pa.array(values, pa.string()),
            "note": pa.array(values, pa.string()),
            "mail": pa.array(values, pa.string()),
            "day": pa.array([date(2020, 1, 1)] * len(values)),
        }
    )
    cells = {str(cell) for row in mask_table("t", table, rules, KEY).to_pylist() for cell in row.values()}
    assert not cells & {value for value in values if value is not None} - {"None", "[redacted]"}


@settings(deadline=None)
@given(PEOPLE)
def test_masking_is_deterministic_and_row_by_row(values: list[str | None]) -> None:
    """The same rows give the same result again, and each row's result does not depend on the others."""
    rules = policy({"day": rule("date_shift", per="who", max_days=30)}, domains={"person": ["t.who"]})
    table = pa.table({"who": pa.array(values, pa.string()), "day": pa.array([date(2020, 1, 1)] * len(values))})
    whole = mask_table("t", table, rules, KEY)
    assert mask_table("t", table, rules, KEY).equals(whole)
    single = [mask_table("t", table.slice(i, 1), rules, KEY) for i in range(len(values))]
    assert pa.concat_tables(single).to_pylist() == whole.to_pylist()


def _every_transform() -> MaskingParams:
    return policy(
        {
            "by_rule": rule("token", "identifier"),
            "note": rule("redact", "free_text"),
            "mail": rule("drop", "identifier"),
            "day": rule("date_shift", per="by_domain", max_days=30),
        },
        domains={"person": ["t.by_domain"]},
    )
