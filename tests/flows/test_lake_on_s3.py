"""The whole way with a lake on S3: pin and snapshot by the real commands, against a store that enforces policies."""

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_server import Store, serve
from small_project import call, copy_checkout

from flows.params_edit import edit_params
from tasks.datasets import read_manifest
from tasks.params import load_params
from tasks.params.snapshot import TableParams
from tasks.records import Manifest, Pin

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A store over HTTP."""
    with serve() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, store: Store) -> Path:
    """A project with the demo's tables, of made-up rows, in a local folder and in a bucket."""
    folder = tmp_path / "project"
    copy_checkout(folder)
    git = ("git", "-c", "user.name=Test", "-c", "user.email=test@localhost")
    call(folder, "git", "init", "-q", "-b", "main")
    call(folder, "git", "add", "-A")
    call(folder, *git, "commit", "-q", "-m", "a project")
    for name, table in load_params(folder / "params.yaml").snapshot.tables.items():
        for day in (29, 30, 31):
            _write_day(folder / "lake" / name / f"day={day}" / "part-0.parquet", table, day)
    edit_params(folder / "params.yaml", {"snapshot.lake": "lake"})
    store.upload(folder / "lake", store.bucket("production"), "warehouse")
    return folder


def _write_day(file: Path, table: TableParams, day: int) -> None:
    columns = {column: pa.array([f"{column} {day} {row}" for row in range(20)]) for column in table.columns}
    columns[table.known] = pa.array([datetime(2013, 10, day, tzinfo=timezone.utc)] * 20, pa.timestamp("us", "UTC"))
    file.parent.mkdir(parents=True)
    pq.write_table(pa.table(columns), file)


def _copied(project: Path, **environment: str) -> tuple[Manifest, Pin]:
    call(project, "windtunnel", "pin", **environment)
    call(project, "dvc", "repro", "snapshot", **environment)
    pin = Pin.from_json((project / "data/pin.json").read_bytes(), origin="data/pin.json")
    return read_manifest(project / "data/snapshots", made_by="snapshot"), pin


def test_snapshot_of_a_bucket_equals_that_of_a_folder(project: Path, store: Store) -> None:
    """By logical hash, table by table; the pin differs in what names the lake. Credentials that may write are stopped."""
    local, _ = _copied(project)
    edit_params(
        project / "params.yaml", {"snapshot.lake": "s3://production/warehouse", "snapshot.s3": {"endpoint": store.endpoint}}
    )
    done = call(project, "windtunnel", "pin", code=2, **store.admin.environment())
    assert "credentials that may write" in done.stderr
    remote, pin = _copied(project, **store.reader.environment())
    assert remote.logical_hash == local.logical_hash
    assert remote.tables == local.tables
    assert (pin.lake, pin.access.count("403 AccessDenied")) == ("s3://production/warehouse", 1)
    secrets = (store.reader.secret, store.reader.key_id)
    kept = (*project.glob("data/**/*.json"), project / "dvc.lock", project / "params.yaml")
    assert [file for file in kept if any(secret in file.read_text() for secret in secrets)] == []
    doctor = call(project, "windtunnel", "doctor", code=None, **store.reader.environment())
    assert "s3://production/warehouse: 18 files; object store" in " ".join(doctor.stdout.split())
