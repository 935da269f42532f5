"""k-anonymity: what is kept of quasi-identifiers leaves nobody in a crowd below k."""

import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.masking.transforms import generalise
from tasks.params.masking_rules import GeneraliseRule
from tasks.projects.ladders import anonymise
from tasks.projects.profile import profile_table


def _people(rows: int, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    birth = [datetime.date(1940, 1, 1) + datetime.timedelta(days=int(days)) for days in rng.integers(0, 24000, rows)]
    return pa.table(
        {
            "dob": birth,
            "zip": [f"{code}" for code in rng.integers(10000, 10400, rows)],
            "sex": rng.choice(["f", "m"], rows).tolist(),
            "age": np.clip(rng.normal(45, 18, rows), 18, 90).astype(int),
            "who": [f"C{number}" for number in rng.integers(0, max(2, rows // 3), rows)],
        }
    )


def _smallest_crowd(table: pa.Table, rules: dict, entity: str | None) -> int:
    """The smallest crowd after the product's own masking, counted by Arrow."""
    kept = {}
    for name, rule in rules.items():
        if rule.get("transform") == "drop":
            continue
        column = table.column(name)
        settings_ = {"class": "quasi", **rule}
        kept[name] = generalise(column, GeneraliseRule.model_validate(settings_), where=name) if rule else column
    if not kept:
        return table.num_rows
    masked = pa.table({**kept, "who": table.column(entity) if entity else pa.array(range(table.num_rows))})
    counts = masked.group_by(list(kept)).aggregate([("who", "count_distinct")])
    return min(counts.column("who_count_distinct").to_pylist())


@pytest.mark.slow
@pytest.mark.parametrize("entity", [None, "who"])
@settings(max_examples=8, deadline=None)
@given(rows=st.integers(30, 800), k=st.integers(2, 12), seed=st.integers(0, 5))
def test_nobody_is_left_in_a_smaller_crowd(entity: str | None, rows: int, k: int, seed: int) -> None:
    """Counted on what the masking stage makes of the rules, in rows or in entities."""
    table = _people(rows, seed)
    profiles = profile_table(table)
    found = anonymise(table, [profiles[name] for name in ("dob", "zip", "sex", "age")], k, entity)
    assert found.below == 0
    assert _smallest_crowd(table, found.rules, entity) >= k


def test_more_rows_keep_more_detail() -> None:
    """With 20,000 people something of most columns stays."""
    table = _people(20_000)
    profiles = profile_table(table)
    found = anonymise(table, [profiles[name] for name in ("dob", "zip", "sex", "age")], 5, None)
    assert found.below_before == 20_000
    assert sum(rule.get("transform") != "drop" for rule in found.rules.values()) >= 3
    assert found.rules["dob"] != {}


def test_without_quasi_identifiers_nothing_is_done() -> None:
    """There is no crowd to count."""
    assert anonymise(_people(10), [], 5, None).rules == {}


def test_a_table_below_k_keeps_nothing() -> None:
    """Three people are no crowd of five."""
    table = _people(3)
    profiles = profile_table(table)
    found = anonymise(table, [profiles[name] for name in ("dob", "sex")], 5, None)
    assert all(rule == {"transform": "drop"} for rule in found.rules.values())
