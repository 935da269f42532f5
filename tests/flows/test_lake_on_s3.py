"""The whole way with a lake on S3: pin and snapshot by the real commands, against a store that enforces policies."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fault_proxy import silence, spoil
from processes import processes_in, wait_until
from s3_server import Store, serve
from small_project import call, copy_checkout, environment

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


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Path:
    """A project with the demo's tables, of made-up rows, in a local folder and in a bucket."""
    folder = tmp_path_factory.mktemp("s3") / "project"
    copy_checkout(folder)
    git = ("git", "-c", "user.name=Test", "-c", "user.email=test@localhost")
    call(folder, "git", "init", "-q", "-b", "main")
    call(folder, "git", "add", "-A")
    call(folder, *git, "commit", "-q", "-m", "a project")
    for name, table in load_params(folder / "params.yaml").snapshot.tables.items():
        for day in (29, 30, 31):
            _write_day(folder / "lake" / name / f"day={day}" / "part-0.parquet", table, day)
    store.upload(folder / "lake", store.bucket("production"), "warehouse")
    return folder


def _use(project: Path, endpoint: str) -> None:
    """Look at the bucket, by way of ``endpoint``."""
    lake = {"snapshot.lake": "s3://production/warehouse", "snapshot.s3": {"endpoint": endpoint}}
    edit_params(project / "params.yaml", lake)


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
    edit_params(project / "params.yaml", {"snapshot.lake": "lake"})
    local, _ = _copied(project)
    _use(project, store.endpoint)
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


@pytest.fixture(scope="module")
def pin(project: Path, store: Store) -> bytes:
    """The pin of the bucket."""
    _use(project, store.endpoint)
    call(project, "windtunnel", "pin", **store.reader.environment())
    return (project / "data/pin.json").read_bytes()


@dataclass(frozen=True)
class Stop:
    """What is stopped, while which of its calls has no answer, and how."""

    command: tuple[str, ...]
    unanswered: str
    number: signal.Signals


def _take_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell lets what it runs in the background ignore it, and so its children


@pytest.mark.parametrize(
    "stop",
    [
        Stop(("python", "-m", "tasks", "snapshot"), ".parquet", signal.SIGTERM),
        Stop(("dvc", "repro", "snapshot"), ".parquet", signal.SIGINT),
        Stop(("windtunnel", "pin"), ".parquet", signal.SIGINT),
        Stop(("windtunnel", "pin"), "versions", signal.SIGTERM),
    ],
    ids=lambda stop: f"{stop.command[0]}-{stop.number.name}",
)
def test_stopped_while_the_store_is_silent(project: Path, store: Store, pin: bytes, stop: Stop, tmp_path: Path) -> None:
    """Ctrl-C, which the whole process group gets, and SIGTERM end it within seconds; nothing lives on, nothing looks whole."""
    is_pin = stop.command[-1] == "pin"
    shutil.rmtree(project / "data/snapshots", ignore_errors=True)
    (project / "data/pin.json").unlink(missing_ok=True)
    if not is_pin:
        (project / "data/pin.json").write_bytes(pin)
    with spoil(store.endpoint) as silent:
        silent.part, silent.plan = stop.unanswered, [silence(600)] * 1000
        _use(project, silent.endpoint)
        with (tmp_path / "said").open("w") as stream:
            env = environment(**store.reader.environment())
            process = subprocess.Popen(
                stop.command,
                cwd=project,
                env=env,
                stdout=stream,
                stderr=stream,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_take_ctrl_c,  # noqa: PLW1509 - only one call
            )
        wait_until("the store was asked", lambda: silent.seen)
        os.killpg(process.pid, stop.number)
        process.wait(timeout=60)  # a busy machine takes its time; unstopped it would take three minutes
    said = (tmp_path / "said").read_text()
    if stop.command[0] == "dvc":
        assert process.returncode != 0
    else:
        assert process.returncode == 130
        assert "stopped" in said
    assert "Traceback" not in said
    assert processes_in(project) == {}
    assert not (project / "data/snapshots/manifest.json").exists()
    assert (project / "data/pin.json").exists() != is_pin
