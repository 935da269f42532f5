"""Leakage: each kind is found on a split that was spoilt, and none on a clean one."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from splits_project import find_leaks

from tasks.params.splits import KeyedHashSplit, TimeSplit
from tasks.records import Finding
from tasks.splits import assign_by_keyed_hash, assign_by_time

ROWS = 3000
START = datetime(2013, 6, 1, tzinfo=timezone.utc)
BY_TIME = TimeSplit(
    kind="time", column="at", boundaries={"train": "2013-08-01", "validation": "2013-09-01"}, embargo_days=1, why="test"
)
BY_TAIL = KeyedHashSplit(
    kind="keyed_hash", unit="tail", salt="v1", parts={"train": 0.7, "validation": 0.15, "test": 0.15}, why="test"
)
SPLITS = [pytest.param(BY_TIME, id="time"), pytest.param(BY_TAIL, id="keyed_hash")]


def make_rows(count: int = ROWS) -> pa.Table:
    """Masked rows: a token of the key, an entity (some rows have none), a time, and content that hardly repeats."""
    draw = np.random.default_rng(7)
    minutes = np.sort(draw.integers(0, 150 * 24 * 60, count))
    return pa.table(
        {
            "id": [f"token-{row:06}" for row in range(count)],
            "tail": [None if row % 50 == 0 else f"TAIL-{row % 300}" for row in range(count)],
            "at": pa.array([START + timedelta(minutes=int(minute)) for minute in minutes], pa.timestamp("us", "UTC")),
            "carrier": [f"C{row % 7}" for row in range(count)],
            "distance": draw.random(count),
            "delay": draw.integers(0, 500, count),
            "part": ["a column of the table may have any name"] * count,
            "row_key": [f"token-{row:06}" for row in range(count)],
        }
    )


CLEAN = make_rows()


def part(split: TimeSplit | KeyedHashSplit, rows: pa.Table = CLEAN) -> list[str]:
    if isinstance(split, TimeSplit):
        return assign_by_time(rows.column("at"), split).to_pylist()
    units = rows.column("tail").combine_chunks()
    return assign_by_keyed_hash(units, rows.column("row_key").combine_chunks(), split, "s", 1).to_pylist()


def leaks(split, parts=None, rows: pa.Table = CLEAN, keys=None, time_column: str = "at") -> tuple[Finding, ...]:
    parts = part(split, rows) if parts is None else parts
    assignments = pa.table(
        {"row_key": rows.column("row_key") if keys is None else pa.array(keys, pa.string()), "part": pa.array(parts, pa.string())}
    )
    found = find_leaks("s", split, assignments, rows, time_column=time_column, key_columns=("id",))
    for finding in found:  # whatever is found, no value of a row is told
        assert not any(value in f"{finding.found} {finding.expected}" for value in ("token-", "TAIL-", "C3"))
    return found


def kinds(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.kind for finding in findings if finding.is_blocking}


def replace(rows: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, column)


@pytest.mark.parametrize("split", SPLITS)
def test_clean_split_has_no_leak(split):
    """Nothing is found, in whatever order the assignments stand."""
    assert leaks(split) == ()
    order = np.random.default_rng(1).permutation(ROWS)
    parts = part(split)
    assert leaks(split, [parts[i] for i in order], keys=[f"token-{i:06}" for i in order]) == ()


def test_entity_on_two_sides_is_found():
    """One row of one entity in another part."""
    parts = part(BY_TAIL)
    parts[1] = "test" if parts[1] != "test" else "train"
    (found,) = leaks(BY_TAIL, parts)
    assert (found.kind, found.is_blocking) == ("entity_overlap", True)
    assert found.found == "1 of 294 entities in more than one part"


def test_rows_without_an_entity_may_be_anywhere():
    """NULL is no entity that could be on two sides."""
    parts = part(BY_TAIL)
    parts[0], parts[50] = "train", "test"
    assert leaks(BY_TAIL, parts) == ()


def test_dropped_entity_cannot_be_checked():
    """Where masking took the entity away, or all of its values, nobody can say that it does not leak."""
    parts = part(BY_TAIL)
    assert kinds(leaks(BY_TAIL, parts, CLEAN.drop_columns(["tail"]))) == {"unchecked_entities"}
    assert kinds(leaks(BY_TAIL, parts, replace(CLEAN, "tail", pa.nulls(ROWS, pa.string())))) == {"unchecked_entities"}


@pytest.mark.parametrize(
    ("time", "wrong", "kind", "found"),
    [
        ((2013, 10, 1), "train", "time_order", "1 rows of train from after its period"),
        ((2013, 8, 1), "train", "time_order", "1 rows of train from after its period"),
        ((2013, 7, 31), "validation", "time_order", "1 rows of validation from before its period"),
        ((2013, 9, 1), "validation", "time_order", "1 rows of validation from after its period"),
        ((2013, 8, 15), "test", "time_order", "1 rows of test from before its period"),
        ((2013, 8, 1, 23, 59), "validation", "embargo", "1 rows of validation in the embargo before it"),
        ((2013, 9, 1), "test", "embargo", "1 rows of test in the embargo before it"),
    ],
)
def test_row_on_the_wrong_side_of_a_boundary_is_found(time, wrong, kind, found):
    """One row in a part whose period it is not of, or in the embargo."""
    times = CLEAN.column("at").to_pylist()
    parts = part(BY_TIME)
    times[10], parts[10] = datetime(*time, tzinfo=timezone.utc), wrong
    (leak,) = leaks(BY_TIME, parts, replace(CLEAN, "at", pa.array(times, pa.timestamp("us", "UTC"))))
    assert (leak.kind, leak.is_blocking, leak.found) == (kind, True, found)


def test_times_do_not_matter_to_a_keyed_hash():
    """It promises nothing of times: shuffled ones are no leak."""
    shuffled = CLEAN.column("at").take(pa.array(np.random.default_rng(3).permutation(ROWS)))
    assert leaks(BY_TAIL, part(BY_TAIL), replace(CLEAN, "at", shuffled)) == ()


def test_time_that_masking_took_away_cannot_be_checked():
    """Dropped, generalised to a number, or NULL: the order is not shown."""
    parts = part(BY_TIME)
    assert kinds(leaks(BY_TIME, parts, CLEAN.drop_columns(["at"]))) == {"unchecked_time"}
    assert kinds(leaks(BY_TIME, parts, replace(CLEAN, "at", pc.year(CLEAN.column("at"))))) == {"unchecked_time"}
    times = [None, *CLEAN.column("at").to_pylist()[1:]]
    holed = replace(CLEAN, "at", pa.array(times, pa.timestamp("us", "UTC")))
    assert kinds(leaks(BY_TIME, parts, holed)) == {"unchecked_time"}


def copies(split, count: int, source: str, target: str) -> tuple[Finding, ...]:
    """Give ``count`` rows of part ``target`` the content of rows of ``source``; the key, and what parts them, stay their own."""
    parts = part(split)
    take = list(range(ROWS))
    from_rows = [row for row in range(ROWS) if parts[row] == source]
    for place, row in enumerate([row for row in range(ROWS) if parts[row] == target][:count]):
        take[row] = from_rows[place]
    rows = CLEAN
    for name in ("tail" if isinstance(split, TimeSplit) else "at", "carrier", "distance", "delay"):
        rows = replace(rows, name, CLEAN.column(name).take(pa.array(take)))
    return leaks(split, parts, rows)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(("source", "target"), [("train", "test"), ("train", "validation"), ("validation", "test")])
def test_copied_content_stops_the_line(split, source, target):
    """Over one row in a hundred has the content of a row of an earlier part, under a key of its own."""
    (found,) = copies(split, 60, source, target)
    assert (found.kind, found.is_blocking) == ("duplicate_content", True)
    assert found.found.startswith("60 of ")
    assert f"rows of {target}" in found.found
    assert f"a row of {source}" in found.found


@pytest.mark.parametrize("split", SPLITS)
def test_few_copies_are_told_and_do_not_stop_the_line(split):
    """Equal rows happen; the report counts them."""
    (found,) = copies(split, 3, "train", "test")
    assert (found.kind, found.is_blocking) == ("duplicate_content", False)
    assert found.found.startswith("3 of ")


def test_content_that_repeats_by_nature_is_no_leak():
    """Where rows of train equal each other as often, equal rows across parts are no copies."""
    coarse = replace(CLEAN, "distance", pa.array([1.0] * ROWS))
    coarse = replace(coarse, "delay", pa.array([row % 3 for row in range(ROWS)]))
    coarse = replace(coarse, "carrier", pa.array([f"C{row % 4}" for row in range(ROWS)]))
    findings = leaks(BY_TIME, rows=coarse)
    assert {finding.kind for finding in findings} == {"duplicate_content"}
    assert kinds(findings) == set()


def test_too_few_columns_are_not_compared_and_said_so():
    """Two columns are equal by chance; the report does not claim to have looked."""
    (found,) = leaks(BY_TIME, rows=CLEAN.select(["id", "at", "carrier", "delay", "row_key"]))
    assert (found.kind, found.is_blocking) == ("unchecked_content", False)


def test_row_in_no_part_is_found():
    """A row that nobody assigned would silently be missing from every figure."""
    parts = part(BY_TIME)
    (found,) = leaks(BY_TIME, parts[1:], keys=CLEAN.column("row_key").to_pylist()[1:])
    assert (found.kind, found.is_blocking, found.found) == ("unassigned_rows", True, "1 rows in no part")


def test_assignment_of_no_row_is_found():
    """A row key that the table does not hold, in place of one that it does."""
    keys = ["token-unknown", *CLEAN.column("row_key").to_pylist()[1:]]
    assert kinds(leaks(BY_TIME, keys=keys)) == {"unassigned_rows", "unknown_rows"}


def test_missing_row_key_is_found():
    """NULL is the key of no row."""
    keys = [None, *CLEAN.column("row_key").to_pylist()[1:]]
    assert kinds(leaks(BY_TIME, keys=keys)) == {"unassigned_rows", "unknown_rows"}


def test_row_in_two_parts_is_found():
    """Trained and tested on: the second assignment, whatever it says."""
    parts, keys = part(BY_TAIL), CLEAN.column("row_key").to_pylist()
    assert "duplicate_keys" in kinds(leaks(BY_TAIL, [*parts, parts[0]], keys=[*keys, keys[0]]))


def test_rows_that_stand_twice_are_found():
    """Assignments and rows may agree, key by key, and still be wrong."""
    twice = pa.concat_tables([CLEAN, CLEAN.slice(0, 1)])
    assert "duplicate_keys" in kinds(leaks(BY_TAIL, rows=twice))


@pytest.mark.parametrize("split", SPLITS)
def test_empty_part_is_found(split):
    """A part without a row has nothing to say."""
    parts = ["train" if found == "validation" else found for found in part(split)]
    assert "empty_part" in kinds(leaks(split, parts))


@pytest.mark.parametrize("wrong", ["holdout", None, "embargo"])
def test_undeclared_part_is_found(wrong):
    """Training and evaluation would leave it out without a word; a keyed hash knows no embargo."""
    parts = part(BY_TAIL)
    parts[0] = wrong
    assert kinds(leaks(BY_TAIL, parts)) == {"undeclared_part"}


@pytest.mark.parametrize("split", SPLITS)
def test_nothing_examined_is_no_pass(split):
    """No rows, or no assignments, are a finding."""
    assert kinds(leaks(split, rows=CLEAN.slice(0, 0))) == {"nothing_examined"}
    assert kinds(leaks(split, parts=[], keys=[])) == {"nothing_examined"}
