"""Tables of a lake as a project takes them: guessed formats, types, times that count, a bounded sample, a counted key."""

import decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.errors import LakeError, ProjectError
from tasks.founding import find_lake_tables
from tasks.founding import lake as reading
from tasks.projects.survey import LakeTable, choose_table
from tasks.sources import LocalLake


def _tables(root: Path, wanted: str | None = None) -> dict[str, LakeTable]:
    return {table.name: table for table in find_lake_tables(LocalLake(root), str(root), wanted)}


def test_csv_is_read_as_it_is_written_and_said(tmp_path: Path) -> None:
    """Delimiter, decimal comma and words for nothing go into the declaration, and the values come out typed."""
    lines = ["name;amount;n", *(f"a{number};{number},5;{number if number % 3 else 'NA'}" for number in range(60))]
    (tmp_path / "sales.csv").write_text("\n".join(lines) + "\n")
    found = _tables(tmp_path)["sales"].read()
    assert found.table.schema.field("amount").type == pa.float64()
    assert found.table.column("n").null_count == 20
    assert found.declared["csv"]["delimiter"] == ";"
    assert "NA" in found.declared["csv"]["nulls"]
    assert found.declared["types"] == {"name": "string", "amount": "double", "n": "int64"}
    assert found.is_whole


def test_integers_that_count_seconds_are_times(tmp_path: Path) -> None:
    """By name and size; a number of that size under another name stays one."""
    table = pa.table({"event_time": [1_700_000_000, 1_700_003_600], "turnover": [1_700_000_000, 1_700_003_600]})
    pq.write_table(table, tmp_path / "events.parquet")
    found = _tables(tmp_path)["events"].read()
    assert found.declared["types"] == {"event_time": "timestamp_s"}
    assert found.table.schema.field("event_time").type == pa.timestamp("us", "UTC")
    assert found.table.schema.field("turnover").type == pa.int64()


def test_decimals_are_declared_as_doubles(tmp_path: Path) -> None:
    """Of Parquet nothing else needs a declared type."""
    table = pa.table({"price": [decimal.Decimal("1.50"), decimal.Decimal("2.25")], "n": [1, 2]})
    pq.write_table(table, tmp_path / "prices.parquet")
    assert _tables(tmp_path)["prices"].read().declared["types"] == {"price": "double"}


def test_a_large_table_is_read_in_part_and_its_key_counted_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly spread over all of its rows, and a key that repeats only among the others is seen to."""
    monkeypatch.setattr(reading, "_ROWS_AT_MOST", 100)
    pq.write_table(pa.table({"id": [*range(999), 5], "x": range(1000)}), tmp_path / "big.parquet", row_group_size=130)
    found = _tables(tmp_path)["big"].read()
    assert found.table.column("x").to_pylist() == list(range(0, 1000, 10))
    assert (found.rows, found.is_whole) == (1000, False)
    assert found.count_distinct is not None
    assert (found.count_distinct(["id"]), found.count_distinct(["x"])) == (999, 1000)


def test_a_lake_without_data_is_refused(tmp_path: Path) -> None:
    """An empty folder, and one that is not there."""
    with pytest.raises(LakeError, match="no files called like data"):
        _tables(tmp_path)
    with pytest.raises(LakeError, match="no such folder"):
        _tables(tmp_path / "nowhere")


def test_a_table_that_cannot_be_read_stands_in_nobodys_way(tmp_path: Path) -> None:
    """Unless it is the one that is meant."""
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing of it")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "sound.parquet")
    assert _tables(tmp_path)["broken"].columns == ()
    with pytest.raises(ProjectError, match="broken: cannot be read: not readable as a whole file"):
        choose_table(list(_tables(tmp_path).values()), None, "y")
    with pytest.raises(LakeError, match=r"broken\.parquet"):
        _tables(tmp_path, "broken")


def test_times_spelled_in_text_of_parquet_are_declared(tmp_path: Path) -> None:
    """ISO dates, times and days in another spelling become times, said; a column with one other word stays text."""
    rows = 60
    table = pa.table(
        {
            "opened": [f"2024-03-{1 + n % 28:02d}" for n in range(rows)],
            "seen": [f"2024-03-{1 + n % 28:02d} 10:{n:02d}:00" for n in range(rows)],
            "billed": [f"{1 + n % 28}.3.2024" if n else None for n in range(rows)],
            "mixed": [f"2024-03-{1 + n % 28:02d}" if n < rows - 1 else "soon" for n in range(rows)],
        }
    )
    pq.write_table(table, tmp_path / "visits.parquet")
    found = _tables(tmp_path)["visits"].read()
    assert found.declared["types"] == {"opened": "date", "seen": "timestamp", "billed": "date"}
    assert found.declared["csv"] == {"date_formats": ["%d.%m.%Y"]}
    assert [str(found.table.schema.field(name).type) for name in ("opened", "seen", "mixed")] == [
        "date32[day]",
        "timestamp[us, tz=UTC]",
        "string",
    ]
    assert found.table.column("billed").null_count == 1
    assert [said for said in found.reasons if "text that spells a time" in said]


def test_a_word_among_times_that_the_sample_lacks_keeps_them_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row is asked before a type is declared, or the pin would stop at the row."""
    monkeypatch.setattr(reading, "_ROWS_AT_MOST", 10)
    days = ["2024-03-01"] * 99 + ["unknown"]
    pq.write_table(pa.table({"day": days, "n": range(100)}), tmp_path / "visits.parquet")
    found = _tables(tmp_path)["visits"].read()
    assert "types" not in found.declared
    assert found.table.schema.field("day").type == pa.string()


def test_times_in_json_lines_are_read_in_other_spellings(tmp_path: Path) -> None:
    """As in CSV, where the patterns are guessed from the head."""
    lines = [f'{{"day": "{1 + n % 28:02d}/{1 + n % 12:02d}/2024", "n": {n}}}' for n in range(50)]
    (tmp_path / "visits.jsonl").write_text("\n".join(lines) + "\n")
    found = _tables(tmp_path)["visits"].read()
    assert found.declared["types"]["day"] == "date"
    assert found.declared["csv"] == {"date_formats": ["%d/%m/%Y"]}


def test_counted_times_of_the_last_century_are_times(tmp_path: Path) -> None:
    """Seconds since 1970 from 1995 on, as public data sets of ratings have them."""
    pq.write_table(pa.table({"timestamp": [789_652_009, 1_476_640_644]}), tmp_path / "ratings.parquet")
    assert _tables(tmp_path)["ratings"].read().declared["types"] == {"timestamp": "timestamp_s"}


@pytest.mark.parametrize(
    ("header", "left_out"),
    [("a,a,b,y", {"a": "it stands more than once"}), ("a,A,b,y", {"a": "differs from A", "A": "differs from a"})],
)
def test_names_that_do_not_tell_columns_apart_are_left_out(header: str, left_out: dict[str, str], tmp_path: Path) -> None:
    """Of CSV as of Parquet; the other columns are read."""
    rows = [f"{n % 7},{n % 3},{n % 11},{n % 2}" for n in range(50)]
    (tmp_path / "t.csv").write_text("\n".join([header, *rows]) + "\n")
    found = _tables(tmp_path)["t"].read()
    assert found.table.column_names == ["b", "y"]
    assert all(words in found.left_out[name] for name, words in left_out.items())


def test_a_table_of_names_that_all_stand_twice_says_so(tmp_path: Path) -> None:
    """Not that it has no rows."""
    (tmp_path / "t.csv").write_text("\n".join(["y,Y", *(f"{n % 7},{n % 2}" for n in range(50))]) + "\n")
    found = _tables(tmp_path)["t"].read()
    assert found.left_out == {"y": "left out: it differs from Y by case alone", "Y": "left out: it differs from y by case alone"}
