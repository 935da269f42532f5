"""A registry that answers too late: whoever asks it next is not given the answer to another question."""

import subprocess
import sys

import pytest

import tasks.registry.session
from tasks.errors import RegistryError
from tasks.registry import Registry

LATE = "import sys, time; sys.stdin.readline(); time.sleep(0.3); print('{}', flush=True); time.sleep(60)"


def test_after_a_timeout_nothing_is_answered_any_more(monkeypatch, tmp_path):
    """Its process is ended with the question it was silent on; the next question says so."""
    monkeypatch.setattr(tasks.registry.session, "_WAIT_SECONDS", 0.05)
    with subprocess.Popen([sys.executable, "-c", LATE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        registry = Registry(process)
        with pytest.raises(RegistryError, match=r"no answer within 0\.05 s"):
            registry.download("models:/late/1", tmp_path)
        assert process.returncode is not None
        with pytest.raises(RegistryError, match="its process has ended"):
            registry.read_alias("late", "champion")
        process.communicate()
