"""The stage ``features`` on small masked tables: what it writes, leaves alone, and refuses."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from passed_reports import write_report
from small_masked import MASKED_ABOUT, small_context, write_masked

from tasks.datasets import hash_file, read_manifest, read_table
from tasks.errors import DatasetError, EvidenceError, FeatureError
from tasks.params.features import FeaturesParams
from tasks.stages.features import STAGE
from tasks.stages.made_with import made_with


def _run(root: Path) -> pa.Table:
    context = small_context(root)
    STAGE.run(context)
    return read_table(context.paths.features, read_manifest(context.paths.features, made_by="features"), "features")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with masked tables of three days, and a passed report on them."""
    write_report(tmp_path, "masked", {"masked": write_masked(tmp_path).logical_hash})
    return tmp_path


def test_partitions_are_those_of_the_rows(root: Path):
    """One file per day of the rows' table, its rows in order of their key, with the provenance carried on."""
    _run(root)
    manifest = read_manifest(root / "data/features", made_by="features")
    paths = [partition.path for partition in manifest.tables["features"].partitions]
    assert paths == [f"features/day=2024-03-0{day}/part-0.parquet" for day in (1, 2, 3)]
    assert [partition.rows for partition in manifest.tables["features"].partitions] == [20, 20, 20]
    masked = read_manifest(root / "data/masked", made_by="mask")
    assert manifest.about == {
        "view": "masked",
        "masked": masked.logical_hash,
        **MASKED_ABOUT,
        **made_with(small_context(root).params, "features"),
    }
    for path in paths:
        keys = pq.ParquetFile(root / "data/features" / path).read(columns=["row_key"]).column("row_key").to_pylist()
        assert keys == sorted(keys)


def test_a_second_run_writes_nothing(root: Path):
    """What comes out as it was is left alone, to the byte and the time of the file."""
    _run(root)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in (root / "data/features").rglob("*.parquet")}
    _run(root)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in before} == before


def test_one_more_day_leaves_the_others_alone(root: Path):
    """A new partition of rows adds one of features; the others, which cannot look ahead, keep their files."""
    _run(root)
    before = {path: path.stat().st_mtime_ns for path in (root / "data/features").rglob("*.parquet")}
    write_report(root, "masked", {"masked": write_masked(root, days=4).logical_hash})
    rows = _run(root)
    assert rows.num_rows == 80
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_report_on_other_data_is_no_permission(root: Path):
    """Masked tables that changed after they were validated are refused."""
    write_masked(root, days=4)
    with pytest.raises(EvidenceError, match="masked"):
        _run(root)


def test_raw_tables_are_refused(root: Path):
    """Features of raw data would carry it out of the restricted zone."""
    write_report(root, "masked", {"masked": write_masked(root, view="raw").logical_hash})
    with pytest.raises(DatasetError) as caught:
        _run(root)
    assert caught.value.found == "the view raw"


def test_a_failure_leaves_no_features_that_look_whole(root: Path):
    """Duplicate keys end the stage before anything is written."""
    write_report(root, "masked", {"masked": write_masked(root, duplicate=True).logical_hash})
    with pytest.raises(FeatureError, match="table"):
        _run(root)
    assert not (root / "data/features/manifest.json").exists()


def test_a_users_function_is_called_for_each_partition(tmp_path: Path):
    """Its columns are features as any other, and it sees the rows of one day at a time."""
    (tmp_path / "own.py").write_text("def own(frame):\n    assert len(frame) <= 20\n    return {'double': frame['length'] * 2}\n")
    functions = {
        "mine": {
            "function": "own",
            "file": "own.py",
            "sha256": hash_file(tmp_path / "own.py"),
            "takes": ["length"],
            "gives": {"double": "number"},
        }
    }
    write_report(tmp_path, "masked", {"masked": write_masked(tmp_path).logical_hash})
    context = small_context(tmp_path)
    declared = context.params.features.model_dump() | {"functions": functions}
    params = context.params.model_copy(update={"features": FeaturesParams.model_validate(declared)})
    STAGE.run(replace(context, params=params))
    found = read_table(tmp_path / "data/features", read_manifest(tmp_path / "data/features", made_by="features"), "features")
    assert params.features.names == ("city", "length", "rain", "double")
    assert found["double"].to_pylist() == [2 * length for length in found["length"].to_pylist()]
