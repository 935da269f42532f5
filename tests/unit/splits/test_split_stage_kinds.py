"""The stage ``split`` on stratified splits and folds: what it publishes, opens, says and refuses; and leaks in what it made."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from splits_project import DAYS, TRIPS, SplitsProject, find_leaks, trips

from tasks.datasets import DatasetWriter, row_keys
from tasks.errors import SplitError
from tasks.params import load_params
from tasks.params.splits import SplitParams

HALVES = {"train": 0.5, "test": 0.5}
SPLITS = {
    "balanced": {"kind": "stratified", "by": "is_late", "salt": "v1", "parts": HALVES, "why": "few are late"},
    "balanced_cars": {"kind": "stratified", "by": "is_late", "unit": "car", "salt": "v1", "parts": HALVES, "why": "whole cars"},
    "folds": {"kind": "kfold", "k": 3, "repeats": 2, "unit": "car", "salt": "v1", "why": "spread"},
    "plain_folds": {"kind": "kfold", "k": 3, "salt": "v1", "why": "rows"},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SplitsProject:
    """Six days of trips, and every kind of split that is neither by time nor by a hash of an entity alone."""
    monkeypatch.delenv("WT_TEST_KEY", raising=False)
    made = SplitsProject(tmp_path)
    made.content["splits"] |= {name: dict(split) for name, split in SPLITS.items()}
    return made


def tables(project: SplitsProject, name: str) -> dict[str, dict[str, str]]:
    """Table of assignments -> row key -> part."""
    manifest = project.split(name)
    found = {}
    for table, record in manifest.tables.items():
        rows = [pq.read_table(project.paths.split(name) / partition.path) for partition in record.partitions]
        found[table] = {key: part for each in rows for key, part in zip(*each.to_pydict().values(), strict=True)}
    return found


@pytest.mark.parametrize("name", SPLITS)
def test_growth_moves_no_row(project: SplitsProject, name: str) -> None:
    """Two more days: every row that was there is where it was."""
    project.take_snapshot(dict.fromkeys(range(DAYS - 2), ""))
    before = tables(project, name)
    project.take_snapshot(dict.fromkeys(range(DAYS), ""))
    after = tables(project, name)
    for table, parts in before.items():
        assert {key: after[table][key] for key in parts} == parts
        assert len(after[table]) == TRIPS * DAYS


@pytest.mark.parametrize("name", SPLITS)
def test_a_run_from_scratch_gives_what_growth_gave(project: SplitsProject, name: str) -> None:
    """No split remembers anything."""
    project.take_snapshot(dict.fromkeys(range(DAYS - 2), ""))
    project.split(name)
    project.take_snapshot(dict.fromkeys(range(DAYS), ""))
    grown = project.split(name).logical_hash
    for file in sorted(project.paths.split(name).rglob("*.*"), reverse=True):
        if file.is_file():
            file.unlink()
    assert project.split(name).logical_hash == grown


@pytest.mark.parametrize("name", SPLITS)
def test_unchanged_partitions_are_not_written_again(project: SplitsProject, name: str) -> None:
    """The second run leaves each file as it is."""
    project.split(name)
    before = {path: path.stat().st_mtime_ns for path in project.paths.split(name).rglob("*.parquet")}
    project.split(name)
    assert {path: path.stat().st_mtime_ns for path in project.paths.split(name).rglob("*.parquet")} == before


def test_strata_are_shared_out_within_each_day(project: SplitsProject) -> None:
    """Forty trips a day, half of them late: ten late ones in each half, to within one or two."""
    project.split("balanced")
    for number in range(DAYS):
        path = project.paths.split("balanced") / f"assignments/day=2024-01-{number + 1:02}/part-0.parquet"
        parts = pq.read_table(path).column("part").to_pylist()
        late = trips(number).column("is_late").to_pylist()
        found = Counter(part for part, is_late in zip(parts, late, strict=True) if is_late)
        assert all(8 <= found[part] <= 12 for part in HALVES)


def test_each_repeat_holds_each_row_once(project: SplitsProject) -> None:
    """Two draws, two tables, no row twice in one."""
    found = tables(project, "folds")
    assert sorted(found) == ["assignments", "assignments_r2"]
    assert all(len(parts) == TRIPS * DAYS for parts in found.values())
    assert set(project.metadata("folds").parts) == {f"{r}fold_{fold}" for r in ("", "r2_") for fold in (1, 2, 3)}


@pytest.mark.parametrize(("name", "key", "value"), [("folds", "k", 4), ("folds", "repeats", 3), ("balanced", "by", "car")])
def test_another_definition_under_the_name_is_refused(project: SplitsProject, name: str, key: str, value: object) -> None:
    """Custody holds for the new kinds too."""
    project.split(name)
    project.content["splits"][name][key] = value
    project.content["masking"]["domains"].pop("car")
    project.content["masking"]["tables"]["trips"]["safe"].append("car")
    with pytest.raises(SplitError, match="its definition changed"):
        project.split(name)


def test_another_known_column_is_another_definition(project: SplitsProject) -> None:
    """Rows take turns in the order in which they became known: by another column they would be in another order."""
    project.split("balanced")
    table = project.content["snapshot"]["tables"]["trips"]
    table["columns"].append("seen_utc")
    table["known"] = "seen_utc"
    with pytest.raises(SplitError, match="its definition changed") as caught:
        project.split("balanced")
    assert caught.value.found == "known seen_utc"


def test_a_column_that_masking_does_not_keep_makes_no_strata(project: SplitsProject) -> None:
    """The counts of strata name values, so these must be free to be known."""
    project.content["splits"]["balanced"]["by"] = "car"
    with pytest.raises(SplitError, match="does not keep") as caught:
        project.split("balanced")
    assert "trips.car" in str(caught.value)


def test_rows_that_a_rewritten_past_moves_are_counted(project: SplitsProject, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of a day's trips change their stratum after the fact: those behind them in turn may move, and the stage says so."""
    project.split("balanced")
    assert "changed their part" not in capsys.readouterr().out
    before = project.assignments("balanced")
    rewritten = trips(0).set_column(4, "is_late", pa.array([0] * TRIPS))
    with DatasetWriter(project.paths.snapshots, "snapshots", mode=0o700) as writer:
        for number in range(DAYS):
            table = rewritten if number == 0 else trips(number)
            writer.write(f"trips/day=2024-01-{number + 1:02}/part-0.parquet", str(number), table, ["trip"])
        manifest = writer.finish({"pin": "p", "as_of_utc": "2024-06-01T00:00:00Z", "purpose": "test", "view": "raw"})
    project.report(is_passed=True, examined=manifest.logical_hash)
    project.split("balanced")
    after = project.assignments("balanced")
    moved = sum(after[key] != part for key, part in before.items())
    assert moved > 0
    assert f"  {moved} rows changed their part: the lake's past was rewritten" in capsys.readouterr().out


def test_rare_strata_are_said(project: SplitsProject, capsys: pytest.CaptureFixture[str]) -> None:
    """A score that no two trips of a day share is stratified by, and the note says that it is of little use."""
    project.content["splits"]["balanced"]["by"] = "driver"
    project.content["masking"]["tables"]["trips"]["safe"].append("driver")
    project.take_snapshot({0: ""})
    project.split("balanced")
    (note,) = project.metadata("balanced").notes
    assert note.startswith("40 of 40 values of driver have fewer rows than the 2 parts: RAW-driver-0 (1)")
    assert note in capsys.readouterr().out


@pytest.mark.parametrize("name", SPLITS)
def test_no_leak_is_found_in_what_was_made_and_spoilt_ones_are(project: SplitsProject, name: str) -> None:
    """The search for leaks knows the new kinds, table by table."""
    project.split(name)
    split = load_params(project.paths.params).splits[name]
    rows = pa.concat_tables([trips(number) for number in range(DAYS)])
    rows = rows.append_column("row_key", row_keys(rows, ("trip",)))
    for table, parts in split.tables.items():
        made = _in_order(project, name, table)
        assert _blocking(split, rows, made, parts) == set()
        assert "undeclared_part" in _blocking(split, rows, ["elsewhere", *made[1:]], parts)
        moved = parts[0] if made[0] != parts[0] else parts[1]
        found = _blocking(split, rows, [moved, *made[1:]], parts)
        assert found == ({"entity_overlap"} if split.unit else set())


def _blocking(split: SplitParams, rows: pa.Table, parts: list[str], declared: tuple[str, ...]) -> set[str]:
    assigned = pa.table({"row_key": rows.column("row_key"), "part": parts})
    found = find_leaks("s", split, assigned, rows, time_column="start_utc", key_columns=("trip",), parts=declared)
    return {finding.kind for finding in found if finding.is_blocking}


def _in_order(project: SplitsProject, name: str, table: str) -> list[str]:
    """The parts of all rows, day by day, in the order of the raw rows."""
    folder = project.paths.split(name) / table
    return [part for path in sorted(folder.rglob("*.parquet")) for part in pq.read_table(path).column("part").to_pylist()]
