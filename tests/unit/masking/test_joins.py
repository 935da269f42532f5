"""Referential integrity: which joins there are, that they are counted on both sides of masking, and that a change stops the run."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from masking_policies import KEY, policy
from masking_project import ROWS, MaskingProject

from tasks.datasets import DatasetWriter
from tasks.errors import MaskingError
from tasks.masking import KeyPlaces, list_joins, mask_table, measure_joins, require_joins_hold
from tasks.params.masking import MaskingParams
from tasks.params.snapshot import TableParams
from tasks.records import JoinCounts, JoinMeasure, Manifest, PrivacyReport

STAFF = pa.table(
    {
        "firm": ["a", "a", "b", "b"],
        "number": pa.array([1, 2, 1, 3]),
        "boss": pa.array([2, None, 3, 9]),
        "seen": ["x", "x", "y", "z"],
    }
)
SHIFTS = pa.table({"shift": ["s1", "s2", "s3"], "firm": ["a", "b", "b"], "worker": ["1", "3", None], "seen": ["x", "y", "y"]})


def _tables(**columns: tuple[tuple[str, ...], tuple[str, ...]]) -> dict[str, TableParams]:
    return {
        name: TableParams.model_validate({"key": key, "time": "seen", "known": "seen", "columns": declared})
        for name, (key, declared) in columns.items()
    }


TABLES = _tables(
    staff=(("firm", "number"), ("firm", "number", "boss", "seen")), shifts=(("shift",), ("shift", "firm", "worker", "seen"))
)
POLICY = policy(
    domains={
        "firm": ["staff.firm", "shifts.firm"],
        "person": ["staff.number", "staff.boss", "shifts.worker"],
        "shift": ["shifts.shift"],
    },
    table="staff",
)


KEYS = {name: table.key for name, table in TABLES.items()}


def _write(folder: Path, tables: dict[str, pa.Table], keys: dict[str, tuple[str, ...]] = KEYS) -> Manifest:
    with DatasetWriter(folder, folder.name) as writer:
        for name, table in tables.items():
            middle = table.num_rows // 2
            for number, piece in enumerate((table.slice(0, middle), table.slice(middle))):
                writer.write(f"{name}/part-{number}.parquet", "", piece, keys[name])
        return writer.finish({})


def _measure(root: Path, raw: dict[str, pa.Table], masked: dict[str, pa.Table]) -> dict[tuple[str, str], JoinMeasure]:
    places = _places(root, _write(root / "raw", raw), _write(root / "masked", masked))
    return {(m.left, m.right): m for m in measure_joins(list_joins(POLICY, TABLES), places)}


def _places(root: Path, raw: Manifest, masked: Manifest) -> KeyPlaces:
    made_under = {name: {p.path: p.logical_hash for p in table.partitions} for name, table in masked.tables.items()}
    return KeyPlaces(raw, root / "raw", root / "masked", made_under, root / "counted")


def _masked(tables: dict[str, pa.Table], rules: MaskingParams = POLICY) -> dict[str, pa.Table]:
    return {name: mask_table(name, table, rules, KEY) for name, table in tables.items()}


def test_every_pair_of_a_domain_and_every_composite_key() -> None:
    """Across tables, within one table (who is whose boss), and by both columns of a key together."""
    found = {(str(join.left), str(join.right)): join.domains for join in list_joins(POLICY, TABLES)}
    assert found == {
        ("staff.firm", "shifts.firm"): ("firm",),
        ("staff.number", "staff.boss"): ("person",),
        ("staff.number", "shifts.worker"): ("person",),
        ("staff.boss", "shifts.worker"): ("person",),
        ("shifts.(firm, worker)", "staff.(firm, number)"): ("firm", "person"),
    }


def test_composite_key_with_a_kept_column() -> None:
    """Kept columns meet by their name; within the table itself too, where one column of the key has another counterpart."""
    rules = policy(domains={"person": ["staff.number", "staff.boss"]}, safe=("firm", "seen"), table="staff")
    joins = list_joins(rules, {"staff": TABLES["staff"]})
    assert [(str(join.left), str(join.right)) for join in joins] == [
        ("staff.number", "staff.boss"),
        ("staff.(firm, boss)", "staff.(firm, number)"),
    ]


def test_a_kept_time_in_a_key(tmp_path: Path) -> None:
    """It is compared as a time on both sides, whatever its text."""
    moments = pa.array([0, 1_500_000], pa.timestamp("us", "UTC"))
    tables = _tables(a=(("person", "seen"), ("person", "seen")), b=(("other",), ("other", "person", "seen")))
    rules = MaskingParams.model_validate(
        {
            "key": {"env": "NO_SUCH_VARIABLE", "file": "masking.key", "id": "test-1"},
            "domains": {"person": ["a.person", "b.person"], "other": ["b.other"]},
            "tables": {name: {"safe": ["seen"], "reason": "public"} for name in tables},
        }
    )
    raw = {
        "a": pa.table({"person": ["x", "y"], "seen": moments}),
        "b": pa.table({"other": ["1", "2"], "person": ["x", "x"], "seen": moments}),
    }
    keys = {name: table.key for name, table in tables.items()}
    places = _places(tmp_path, _write(tmp_path / "raw", raw, keys), _write(tmp_path / "masked", _masked(raw, rules), keys))
    measures = measure_joins(list_joins(rules, tables), places)
    require_joins_hold(measures)
    assert [(m.left, m.after.matched_keys) for m in measures] == [("a.person", 1), ("b.(person, seen)", 1)]


def test_counts_of_raw_and_masked_keys_are_equal_and_right(tmp_path: Path) -> None:
    """Distinct keys, matched rows and orphans, across types (a number and its text) and partitions; NULL joins nothing."""
    raw = {"staff": STAFF, "shifts": SHIFTS}
    measures = _measure(tmp_path, raw, _masked(raw))
    require_joins_hold(measures.values())
    assert len(measures) == 5
    worker = measures["staff.number", "shifts.worker"].after
    assert worker == JoinCounts(
        left_rows=4,
        left_keys=3,
        right_rows=2,
        right_keys=2,
        matched_keys=2,
        left_matched_rows=3,
        right_matched_rows=2,
        joined_rows=3,
    )
    assert (worker.left_orphans, worker.right_orphans) == (1, 0)
    boss = measures["staff.number", "staff.boss"].before
    assert (boss.matched_keys, boss.right_orphans, boss.joined_rows) == (2, 1, 2)
    both = measures["shifts.(firm, worker)", "staff.(firm, number)"].after
    assert (both.left_rows, both.matched_keys, both.left_orphans) == (2, 2, 0)


def test_two_spellings_of_one_letter_are_one_key(tmp_path: Path) -> None:
    """As tokens are of normal form C, so are the raw keys counted."""
    raw = {
        "staff": STAFF.set_column(0, "firm", pa.array(["caf\u00e9", "cafe\u0301", "b", "b"])),
        "shifts": SHIFTS.set_column(1, "firm", pa.array(["cafe\u0301", "b", "b"])),
    }
    measures = _measure(tmp_path, raw, _masked(raw))
    require_joins_hold(measures.values())
    assert measures["staff.firm", "shifts.firm"].before.left_keys == 2


def test_a_join_that_masking_changed_stops_the_run(tmp_path: Path) -> None:
    """Two values that became one: domain, both columns and the counts are named, and no value."""
    raw = {"staff": STAFF, "shifts": SHIFTS}
    broken = _masked(raw)
    broken["shifts"] = broken["shifts"].set_column(1, "firm", pa.array(["same"] * 3))
    with pytest.raises(MaskingError, match=r"domain firm: staff\.firm joined with shifts\.firm") as caught:
        require_joins_hold(_measure(tmp_path, raw, broken).values())
    assert "right_keys 2 before and 1 after" in caught.value.found
    assert "same" not in str(caught.value)


def test_columns_under_one_encryption_join(tmp_path: Path) -> None:
    """As tokens do; those of two alphabets do not, and fakes that may repeat do not either."""
    cipher = {"class": "identifier", "transform": "encrypt", "domain": "card"}
    fake = {"class": "identifier", "transform": "fake", "list": "town", "domain": "who"}
    tables = {
        "staff": {
            "reason": "r",
            "firm": {**cipher, "alphabet": "digits"},
            "boss": {**cipher, "alphabet": "lower", "domain": "b"},
            "seen": fake,
        },
        "shifts": {
            "reason": "r",
            "firm": {**cipher, "alphabet": "digits"},
            "worker": {**cipher, "alphabet": "lower"} | {"domain": "w"},
            "seen": fake,
        },
    }
    rules = MaskingParams.model_validate({"key": {"env": "E", "file": "f", "id": "i"}, "tables": tables})
    assert [(str(join.left), str(join.right)) for join in list_joins(rules, TABLES)] == [("shifts.firm", "staff.firm")]


def test_partitions_of_equal_content_count_each(tmp_path: Path) -> None:
    """They have one logical hash, and are two all the same."""
    raw = {"staff": pa.concat_tables([STAFF.slice(0, 1)] * 2), "shifts": SHIFTS}
    assert _measure(tmp_path, raw, _masked(raw))["staff.firm", "shifts.firm"].before.left_rows == 2


def test_only_new_partitions_are_counted_again(tmp_path: Path) -> None:
    """With the files of the run before unreadable the counts are the same; a partition that is gone counts no more."""
    raw = {"staff": STAFF, "shifts": SHIFTS}
    before = _measure(tmp_path, raw, _masked(raw))
    places = _places(tmp_path, _write(tmp_path / "raw", raw), _write(tmp_path / "masked", _masked(raw)))
    places = replace(places, raw=tmp_path / "gone", masked=tmp_path / "gone")
    assert {(m.left, m.right): m for m in measure_joins(list_joins(POLICY, TABLES), places)} == before
    fewer = {"staff": STAFF.slice(0, 2), "shifts": SHIFTS}
    assert _measure(tmp_path, fewer, _masked(fewer))["staff.firm", "shifts.firm"].before.left_rows == 2


def test_raw_keys_are_kept_in_the_restricted_zone(tmp_path: Path) -> None:
    """A folder that only its owner may enter."""
    raw = {"staff": STAFF, "shifts": SHIFTS}
    _measure(tmp_path, raw, _masked(raw))
    assert (tmp_path / "counted").stat().st_mode & 0o077 == 0


def test_joins_are_in_the_privacy_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stage counts them and says so."""
    monkeypatch.delenv("WT_TEST_KEY", raising=False)
    project = MaskingProject(tmp_path)
    project.mask()
    report = PrivacyReport.from_json(project.paths.privacy_report.read_bytes(), origin="privacy.json")
    (join,) = report.joins
    assert (join.left, join.right, join.holds) == ("sales.buyer", "visits.buyer", True)
    assert (join.after.left_rows, join.after.matched_keys, join.after.joined_rows) == (3 * (ROWS - 1), 5, 3 * (ROWS - 1))
    assert "; 1 joins hold" in capsys.readouterr().out
