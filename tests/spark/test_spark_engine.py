"""Masking on Apache Spark: the same bytes as in one process, from threads, and from two workers of a cluster."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from small_project import call

from flows.params_edit import edit_params
from tasks.datasets import DatasetWriter, read_manifest, read_partition
from tasks.demo import DEMO_KEY_HEX
from tasks.records import Manifest, ValidationReport

pytestmark = pytest.mark.spark

SMALL = {"spark.executor.memory": "512m", "spark.executor.cores": "1"}


@pytest.fixture(scope="module")
def here(demo: Path) -> Manifest:
    """The whole demo masked in one process."""
    return _mask(_copy(demo, demo.parent / "here"))


def _copy(demo: Path, folder: Path) -> Path:
    shutil.copytree(demo, folder, symlinks=True)
    return folder


def _on_spark(folder: Path, master: str, **settings: str) -> Path:
    edit_params(folder / "params.yaml", {"masking.engine": "spark", "masking.spark": {"master": master, "settings": settings}})
    return folder


def _mask(folder: Path, **env: str) -> Manifest:
    call(folder, sys.executable, "-m", "tasks", "mask", **env)
    return read_manifest(folder / "data/masked", made_by="mask")


def _bytes(manifest: Manifest) -> dict[str, str]:
    return {partition.path: partition.sha256 for table in manifest.tables.values() for partition in table.partitions}


def test_threads_of_spark_give_the_same_bytes(demo: Path, here: Manifest, tmp_path: Path) -> None:
    """Every partition of the whole demo, byte for byte, and so the logical hash; the privacy report too."""
    folder = _on_spark(_copy(demo, tmp_path / "p"), "local[2]")
    there = _mask(folder)
    assert there.logical_hash == here.logical_hash
    assert _bytes(there) == _bytes(here)
    report = "data/masked/privacy.json"
    assert (folder / report).read_bytes() == (demo.parent / "here" / report).read_bytes()


def test_a_cluster_gives_the_same_bytes_and_a_refresh_sends_one_partition(
    demo: Path, here: Manifest, cluster: str, tmp_path: Path
) -> None:
    """A master and two workers; then one day changes, and one partition is masked anew."""
    folder = _on_spark(_copy(demo, tmp_path / "p"), cluster, **SMALL)
    there = _mask(folder)
    assert _bytes(there) == _bytes(here)
    changed = _change_a_partition(folder)
    done = call(folder, sys.executable, "-m", "tasks", "mask")
    assert "mask: 1 partitions written" in done.stdout
    after = _bytes(read_manifest(folder / "data/masked", made_by="mask"))
    assert {path for path, sha in after.items() if sha != _bytes(here)[path]} == {changed}


def test_the_key_is_nowhere_on_the_cluster(demo: Path, cluster: str, tmp_path: Path) -> None:
    """Neither in the environment or arguments of Java and of the workers, nor in what Spark logs and leaves."""
    folder = _on_spark(
        _copy(demo, tmp_path / "p"), cluster, **SMALL, **{"spark.eventLog.enabled": "true", "spark.eventLog.dir": str(tmp_path)}
    )
    (folder / ".windtunnel/masking.key").unlink()
    env = {**os.environ, "WINDTUNNEL_MASKING_KEY": DEMO_KEY_HEX}
    words = tmp_path / "said.txt"
    with words.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tasks", "mask"], cwd=folder, env=env, stdout=stream, stderr=subprocess.STDOUT
        )
    found, seen = _watch(process, DEMO_KEY_HEX)
    said = words.read_bytes()
    assert process.returncode == 0, said
    assert seen, "no Java of the driver was seen"
    assert found == []
    logs = [path for path in tmp_path.rglob("*") if path.is_file() and path != words and folder not in path.parents]
    assert logs
    secret = bytes.fromhex(DEMO_KEY_HEX)
    assert [path for path in logs if DEMO_KEY_HEX.encode() in path.read_bytes() or secret in path.read_bytes()] == []
    assert DEMO_KEY_HEX.encode() not in said
    assert not [path for path in (folder / ".windtunnel/spark").rglob("*") if path.is_file()]


def _watch(process: subprocess.Popen[bytes], secret: str) -> tuple[list[str], bool]:
    """Children of ``process`` whose environment or arguments hold ``secret``, and whether one of them was Java."""
    found: list[str] = []
    seen = False
    while process.poll() is None:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words, variables = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            if int(entry.name) in (process.pid, os.getpid()):
                continue
            is_ours = b"windtunnel mask" in words or b"pyspark" in words
            seen = seen or (is_ours and b"java" in words)
            if secret.encode() in words or (is_ours and secret.encode() in variables):
                found.append(words.decode(errors="replace"))
    return found, seen


def test_dead_master_is_one_clear_error(demo: Path, tmp_path: Path) -> None:
    """Nothing listens: an error with the master's name and a next step, exit code 2, and no half-made dataset."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    folder = _on_spark(_copy(demo, tmp_path / "p"), f"spark://127.0.0.1:{port}")
    done = call(folder, sys.executable, "-m", "tasks", "mask", code=2)
    assert f"the Spark master spark://127.0.0.1:{port}" in done.stderr
    assert "next:" in done.stderr
    assert not (folder / "data/masked/manifest.json").exists()


def test_error_on_a_worker_is_the_error_here(demo: Path, tmp_path: Path) -> None:
    """A type that does not fit its transform: the same words as in one process, and no value."""
    folder = _on_spark(_copy(demo, tmp_path / "p"), "local[1]")
    edit_params(
        folder / "params.yaml", {"masking.tables.bookings.birth_date": {"class": "quasi", "transform": "generalise", "width": 2}}
    )
    # The masking policy says what raw data is validated for: it is examined again, as DVC would.
    call(folder, sys.executable, "-m", "tasks", "validate", "raw")
    there = call(folder, sys.executable, "-m", "tasks", "mask", code=2).stderr
    edit_params(folder / "params.yaml", {"masking.engine": "local"})
    local = call(folder, sys.executable, "-m", "tasks", "mask", code=2).stderr
    assert "masking bookings.birth_date" in local
    assert local.strip() in there


def _change_a_partition(folder: Path) -> str:
    """One partition of the snapshot less its last row, with a report that it passed; its path."""
    snapshots = folder / "data/snapshots"
    manifest = read_manifest(snapshots, made_by="snapshot")
    path = manifest.tables["bookings"].partitions[3].path
    with DatasetWriter(snapshots, "snapshots", mode=0o700) as writer:
        for table in manifest.tables.values():
            for partition in table.partitions:
                if partition.path == path:
                    rows = read_partition(snapshots, partition)
                    writer.write(path, "changed", rows.slice(0, len(rows) - 1), table.key)
                else:
                    assert writer.keep(partition.path, partition.reuse_key)
        after = writer.finish(manifest.about)
    report = folder / "data/validation/raw.json"
    examined = ValidationReport.from_json(report.read_bytes(), origin=str(report)).inputs["snapshots"]
    report.write_text(report.read_text().replace(examined, after.logical_hash))
    return path
