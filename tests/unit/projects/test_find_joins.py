"""Other tables of a lake: measured, declared where the time from which a row was known is sure, else said."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest
from own_lakes import write_lake

from tasks.errors import LakeError
from tasks.founding import Founded, find_lake_tables, found_project
from tasks.founding import lake as reading
from tasks.params import load_params
from tasks.params.features import Count, Latest
from tasks.projects.joins import Join
from tasks.projects.roles import Wishes
from tasks.projects.survey import choose_table
from tasks.sources import LocalLake
from tasks.validation.suites import SuiteFolder

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
START = datetime(2025, 1, 1, tzinfo=timezone.utc)
ROWS = 600


def _orders() -> pa.Table:
    """Six hundred orders of sixty customers and twelve products, one an hour."""
    return pa.table(
        {
            "order_id": range(ROWS),
            "customer_id": [n * 7 % 60 + 1000 for n in range(ROWS)],
            "product_id": [f"P{n * 5 % 12:02d}" for n in range(ROWS)],
            "ordered_at": [START + timedelta(hours=n) for n in range(ROWS)],
            "quantity": [n * 3 % 7 for n in range(ROWS)],
            "returned": [n * 11 % 5 < 2 for n in range(ROWS)],
        }
    )


def _customers(**more: list[object]) -> pa.Table:
    """Sixty customers, each with a name and a birth date, and a time of the last change before the first order."""
    return pa.table(
        {
            "customer_id": [1000 + n for n in range(60)],
            "full_name": [f"Anna Meyer{n}" for n in range(60)],
            "born": [START.date() - timedelta(days=9000 + 97 * n) for n in range(60)],
            "segment": ["gold" if n % 3 else "tin" for n in range(60)],
            "updated_at": [START - timedelta(hours=n + 1) for n in range(60)],
            **more,
        }
    )


def _products() -> pa.Table:
    return pa.table({"product_id": [f"P{n:02d}" for n in range(12)], "category": [["toys", "food"][n % 2] for n in range(12)]})


def _found(folder: Path, **tables: pa.Table) -> Founded:
    lake = LocalLake(write_lake(folder, **tables))
    read = find_lake_tables(lake, str(folder), None)
    chosen = choose_table(read, "orders", "returned")
    others = [table for table in read if table is not chosen]
    return found_project(
        chosen, others=others, folder=Path("/tmp/own"), lake=str(folder), wishes=Wishes("returned"), k=5, now=NOW, s3={}
    )


def _join(founded: Founded, table: str) -> Join:
    return next(join for join in founded.joins if join.table == table)


def _loaded(founded: Founded, folder: Path):
    for path, content in founded.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return load_params(folder / "params.yaml")


def test_a_table_that_says_since_when_it_is_known_is_joined(tmp_path: Path) -> None:
    """Three tables: customers are declared, one domain for the key and nothing of a person; products are named, with why not."""
    founded = _found(tmp_path / "lake", orders=_orders(), customers=_customers(), products=_products())
    customers, products = _join(founded, "customers"), _join(founded, "products")
    assert (customers.by, customers.kind, customers.keys, customers.share, customers.share_known) == (
        "customer_id",
        "n:1",
        60,
        1,
        1,
    )
    assert (customers.is_declared, customers.columns) == (True, ("segment",))
    assert (products.by, products.kind, products.is_declared) == ("product_id", "n:1", False)
    assert "no column of times is called as one that says since when" in products.words()
    params = _loaded(founded, tmp_path / "own")
    declared = params.snapshot.tables["customers"]
    assert (declared.key, declared.time, declared.known) == (("customer_id",), "updated_at", "updated_at")
    assert declared.columns == ("customer_id", "updated_at", "segment")
    assert params.masking.domains["customer_id"] == ("orders.customer_id", "customers.customer_id")
    assert params.features.columns["customers_segment"] == Latest(latest="customers.segment", by=("customer_id",))
    assert "products" not in params.snapshot.tables
    assert "could be joined by product_id" in founded.files["README.md"]


def test_suites_are_drafted_for_tables_that_are_joined(tmp_path: Path) -> None:
    """Of the raw and of the masked dataset, and every column is asked for."""
    founded = _found(tmp_path / "lake", orders=_orders(), customers=_customers())
    _loaded(founded, tmp_path / "own")
    columns = ["customer_id", "updated_at", "segment"]
    for zone in ("raw", "masked"):
        assert SuiteFolder(tmp_path / "own/expectations" / zone).load({"customers": columns})["customers"].unasked_columns == ()


def test_several_rows_to_a_key_are_counted_and_the_newest_looked_up(tmp_path: Path) -> None:
    """Visits have no key of their own: their place in the file is it."""
    visits = pa.table(
        {
            "customer_id": [1000 + n % 60 for n in range(400)],
            "recorded_at": [START - timedelta(days=30) + timedelta(hours=n) for n in range(400)],
            "pages": [n * 3 % 11 for n in range(400)],
        }
    )
    founded = _found(tmp_path / "lake", orders=_orders(), visits=visits)
    assert _join(founded, "visits").kind == "n:n"
    params = _loaded(founded, tmp_path / "own")
    assert params.snapshot.tables["visits"].key == ("lake_row",)
    assert params.features.columns["visits_count"] == Count(count="visits", by=("customer_id",))
    assert params.features.columns["visits_pages"] == Latest(latest="visits.pages", by=("customer_id",))


def test_what_became_known_only_later_is_not_joined(tmp_path: Path) -> None:
    """Every customer was changed after the last order: nothing of them was known by then."""
    late = [START + timedelta(days=300)] * 60
    found = _join(_found(tmp_path, orders=_orders(), customers=_customers(updated_at=late)), "customers")
    assert (found.share, found.share_known, found.is_declared) == (1, 0, False)
    assert "only 0.0% of the rows find one that was known by then" in found.words()


def test_a_day_is_no_time_to_be_known_from(tmp_path: Path) -> None:
    """It would count from its first moment, before the change was made."""
    days = [START.date() - timedelta(days=3)] * 60
    found = _join(_found(tmp_path, orders=_orders(), customers=_customers(updated_at=days)), "customers")
    assert not found.is_declared
    assert "updated_at tells the day only" in found.words()


def test_a_looked_up_column_that_gives_the_label_away_is_excluded(tmp_path: Path) -> None:
    """With its figure, and by the name of both; the rest of the table is joined."""
    orders = _orders()
    refunds = pa.table(
        {
            "order_id": range(ROWS),
            "known_at": [START - timedelta(days=1)] * ROWS,
            "refund": [25.0 if returned else 0.0 for returned in orders.column("returned").to_pylist()],
            "desk": [n * 13 % 4 for n in range(ROWS)],
        }
    )
    founded = _found(tmp_path, orders=orders, refunds=refunds)
    assert "AUC of 1.0000" in founded.excluded["refunds.refund"]
    assert set(founded.proposal.features) >= {"refunds_desk"}
    assert "refunds_refund" not in founded.proposal.features
    assert _join(founded, "refunds").kind == "1:1"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (pa.table({"colour": ["red", "blue"]}), "no column in common by name"),
        (pa.table({"quantity": [1, 1, 2], "weight": [1.0, 2.0, 3.0]}), "of which none is a key by itself"),
        (pa.table({"customer_id": ["1000", "1001"], "x": [1, 2]}), "of which none is a key by itself"),
        (pa.table({"customer_id": pa.array([], pa.int64())}), "it holds no row"),
    ],
)
def test_a_table_that_cannot_be_joined_is_said(other: pa.Table, said: str, tmp_path: Path) -> None:
    """Each with what stands in the way; nothing of it is declared."""
    founded = _found(tmp_path, orders=_orders(), other=other)
    assert said in _join(founded, "other").words()
    assert list(founded.proposal.params["snapshot"]["tables"]) == ["orders"]


def test_a_table_of_which_only_a_part_is_looked_at_is_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many rows it has is said, and where it could be declared."""
    monkeypatch.setattr(reading, "_ROWS_AT_MOST", 43)
    words = _join(_found(tmp_path, orders=_orders(), customers=_customers()), "customers").words()
    assert "it has 60 rows, of which 30 are looked at" in words
    assert "snapshot.tables.customers" in words


def test_a_table_that_is_meant_must_be_readable_and_others_need_not(tmp_path: Path) -> None:
    """Another broken table is said, not raised."""
    write_lake(tmp_path, orders=_orders())
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing of it")
    assert {table.name for table in find_lake_tables(LocalLake(tmp_path), str(tmp_path), "orders")} == {"orders", "broken"}
    with pytest.raises(LakeError, match=r"broken\.parquet"):
        find_lake_tables(LocalLake(tmp_path), str(tmp_path), "broken")
