"""Disclosure risk over a million people, beside the same measures as one SQL grouping and as pandas computes them."""

import statistics
import time
from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.measure import print_table
from tasks.disclosure import form_crowds, measure_diversity, measure_risk

_ROWS = 1_000_000
_REPEATS = 3
_QUASI = ("age", "zip", "sex", "country")


def disclosure_risk() -> None:
    """k, uniqueness, prosecutor and average risk; then with l-diversity and t-closeness of a text and of a number."""
    people = _people()
    frame = people.to_pandas()
    timed: dict[str, list[float]] = {}
    for _ in range(_REPEATS):
        for name, function in _ways(people, frame).items():
            began = time.process_time()
            function()
            timed.setdefault(name, []).append(time.process_time() - began)
    rows = [
        [name, f"{statistics.median(found):.2f}", "0.6 CPU s" if name.startswith("risk") else ""] for name, found in timed.items()
    ]
    print_table(f"Disclosure risk, {_ROWS:,} people, {len(_QUASI)} quasi-identifiers", ["what", "CPU s", "aim"], rows)


def _ways(people: pa.Table, frame: pd.DataFrame) -> dict[str, Callable[[], object]]:
    def everything() -> None:
        crowds = form_crowds(people, _QUASI)
        measure_risk(crowds, 5)
        for sensitive in ("illness", "income"):
            measure_diversity(crowds, people.column(sensitive))

    def group_in_sql() -> None:
        with duckdb.connect() as con:
            con.register("people", people)
            con.execute(f"SELECT min(n) FROM ({grouping})").fetchall()  # noqa: S608 - constants

    grouping = f"SELECT count(*) AS n FROM people GROUP BY {', '.join(_QUASI)}"  # noqa: S608 - constants
    return {
        "risk (k, uniqueness, prosecutor, average)": lambda: measure_risk(form_crowds(people, _QUASI), 5),
        "with l-diversity and t-closeness of two columns": everything,
        "the same k, by DuckDB's grouping": group_in_sql,
        "the same k, by pandas": lambda: frame.groupby(list(_QUASI), dropna=False, observed=True).size().min(),
    }


def _people() -> pa.Table:
    rng = np.random.default_rng(1)
    return pa.table(
        {
            "age": pa.array(rng.integers(18, 90, _ROWS)),
            "zip": pa.array(rng.integers(100, 900, _ROWS)).cast(pa.string()),
            "sex": pa.array(rng.integers(0, 2, _ROWS)),
            "country": pa.array(rng.choice(["AT", "CH", "DE", "FR", "IT"], _ROWS).astype(str)),
            "illness": pa.array(rng.integers(0, 40, _ROWS)).cast(pa.string()),
            "income": pa.array(rng.gamma(2, 20_000, _ROWS).round(-3)),
        }
    )
