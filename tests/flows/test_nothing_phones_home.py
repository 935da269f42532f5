"""Nothing leaves this machine: every connection that is not to it is refused and recorded, and there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_project import environment, make_small_project

pytestmark = [pytest.mark.slow, pytest.mark.faults]
GUARD = Path(__file__).parent / "loopback_only"
COMMANDS = "windtunnel run; windtunnel up --port 0; windtunnel data refresh; windtunnel try examples/calibrated.py; windtunnel down"
ISOLATED = """
sent() {{ awk '$1 == "outside:" {{print $11}}' /proc/net/dev >> {counts}; }}
set -e
ip link set lo up
ip link add outside type veth peer name beyond
for name in outside beyond; do echo 1 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; ip link set $name up; done
ip address add 10.99.99.1/24 dev outside
ip route add default via 10.99.99.2
ip neighbour add 10.99.99.2 lladdr 02:00:00:00:00:02 dev outside nud permanent
set +e
sent
{command}
sent
env -u PYTHONPATH python -c "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'.', ('192.0.2.1', 9))"
sent
"""


def test_guard_refuses_and_records(tmp_path: Path) -> None:
    """The guard itself works: a name that is not here and an address that is not here are both caught."""
    log = tmp_path / "log"
    source = """
import socket
for address in ("example.invalid", "192.0.2.1"):
    try:
        socket.create_connection((address, 80), 1)
    except OSError:
        pass
"""
    subprocess.run(
        [sys.executable, "-c", source], env={**os.environ, "PYTHONPATH": str(GUARD), "CONNECTIONS_LOG": str(log)}, check=True
    )
    assert "example.invalid" in log.read_text()
    assert "192.0.2.1" in log.read_text()


def _can_isolate() -> bool:
    return os.geteuid() == 0 and shutil.which("unshare") is not None and shutil.which("ip") is not None


def test_run_server_and_worker_stay_on_this_machine(tmp_path: Path) -> None:
    """A run, `up`, a refresh, a trial and `down`: no Python process so much as looks up another host; and in a network of its
    own, where every packet to elsewhere is counted, native code included, the count stays still.
    """
    is_isolated = _can_isolate()
    assert is_isolated or not os.environ.get("CI"), "CI has root, unshare and ip"
    project = make_small_project(tmp_path / "project")
    log, counts = tmp_path / "connections", tmp_path / "counts"
    env = environment(PYTHONPATH=str(GUARD), CONNECTIONS_LOG=str(log))
    shell = ["unshare", "--net", "sh", "-c", ISOLATED.format(counts=counts, command=COMMANDS)]
    done = subprocess.run(
        shell if is_isolated else ["sh", "-c", COMMANDS], cwd=project, env=env, capture_output=True, text=True, check=False
    )
    assert (project / "data/verdict.json").exists(), done.stderr
    assert "landed" in done.stdout, done.stderr
    assert not log.exists(), log.read_text()
    if not is_isolated:
        pytest.skip("no Python process looked elsewhere; counting packets needs root, unshare (util-linux) and ip (iproute2)")
    before, after, with_one_sent = map(int, counts.read_text().split())
    assert after == before, done.stderr
    assert with_one_sent == after + 1, "the counter does not count"
