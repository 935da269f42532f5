"""What the tests of the Spark engine share: a master and two workers on loopback, and the demo up to its snapshot."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import wait_until
from s3_server import free_port
from small_project import call, copy_checkout

from tasks.demo import build_lake, write_demo_key
from tasks.models import dump_model
from tasks.params import load_params


@pytest.fixture(scope="session", autouse=True)
def _has_spark() -> None:
    """Spark and Java; in CI both must be there."""
    if os.environ.get("CI"):
        return
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed: make install-extras")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed (Debian: apt-get install openjdk-17-jre-headless)")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a standalone master with two workers of one core each, each a process of its own."""
    import pyspark

    home = Path(pyspark.__file__).parent
    folder, port = tmp_path_factory.mktemp("cluster"), free_port()
    url = f"spark://127.0.0.1:{port}"
    place = ["--host", "127.0.0.1", "--webui-port", "0"]
    commands = [[*place, "--port", str(port)]]
    commands += [[*place, "--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"work-{n}"), url] for n in (1, 2)]
    env = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1"}
    processes = []
    try:
        for number, command in enumerate(commands):
            role = "master.Master" if number == 0 else "worker.Worker"
            start = [str(home / "bin/spark-class"), f"org.apache.spark.deploy.{role}", *command]
            with (folder / f"{number}.log").open("w") as log:
                processes.append(subprocess.Popen(start, env=env, stdout=log, stderr=log))
        wait_until("both workers are registered", lambda: (folder / "0.log").read_text().count("Registering worker") == 2)
        yield url
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole demo, pinned, its snapshot taken and validated; nothing is masked."""
    folder = tmp_path_factory.mktemp("demo") / "project"
    copy_checkout(folder)
    call(folder, "git", "init", "-q", "-b", "main")
    params = load_params(folder / "params.yaml")
    build_lake(folder / ".windtunnel/demo-lake", params.snapshot.as_of_utc, seed=params.seed, save_model=dump_model)
    write_demo_key(folder / ".windtunnel/masking.key")
    call(folder, "windtunnel", "pin")
    for stage in (["snapshot"], ["validate", "raw"]):
        call(folder, sys.executable, "-m", "tasks", *stage)
    return folder
