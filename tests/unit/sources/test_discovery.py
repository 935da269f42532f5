"""Tables of an unknown lake, told from the names of its files."""

from pathlib import Path

import pytest

from tasks.sources import LocalLake, find_tables, list_table

LAYOUTS: dict[str, tuple[list[str], dict[str, tuple[str, int]]]] = {
    "single files": (["sales.csv", "Shops 2.parquet"], {"sales": ("", 1), "shops_2": ("Shops 2.parquet", 1)}),
    "other alphabets": (["Verträge.csv", "Câmbio.csv"], {"vertraege": ("Verträge.csv", 1), "cambio": ("Câmbio.csv", 1)}),
    "folders": (["sales/part-0.parquet", "sales/part-1.parquet", "shops/data.jsonl"], {"sales": ("", 2), "shops": ("", 1)}),
    "hive": (["sales/day=1/a.csv", "sales/day=2/b.csv"], {"sales": ("", 2)}),
    "dates": (["sales/2013/01/a.csv", "sales/2013/02/a.csv"], {"sales": ("", 2)}),
    "below a folder": (
        ["raw/till/sales.csv", "raw/shops.csv"],
        {"sales": ("raw/till/sales.csv", 1), "shops": ("raw/shops.csv", 1)},
    ),
    "the lake itself": (["day=1/a.csv", "day=2/a.csv"], {"rows": ("**", 2)}),
    "parts at the top": (["part-1.csv", "part-2.csv"], {"rows": ("*", 2)}),
    "one name twice": (["a/users.csv", "b/users.csv"], {"users": ("a/users.csv", 1), "users_2": ("b/users.csv", 1)}),
    "text beside data": (["sales.csv", "README.md"], {"sales": ("", 1)}),
    "text alone": (["adult.data"], {"adult": ("adult.data", 1)}),
    "nothing": ([], {}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tables_are_told_from_names(tmp_path: Path, layout: str) -> None:
    """Name, path and number of files of each; and what was found is what the declaration finds again."""
    files, expected = LAYOUTS[layout]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a\n1\n")
    lake = LocalLake(tmp_path)
    found = find_tables(lake)
    assert {table.name: (table.source.path, len(table.files)) for table in found} == expected
    for table in found:
        source = table.source if layout != "text alone" else table.source.model_copy(update={"format": "csv"})
        assert list_table(lake, table.name, source) == table.files
        assert table.bytes == 4 * len(table.files)
