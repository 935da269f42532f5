"""The event log on disk: written by many at once, and by processes that are killed."""

import os
import signal
import subprocess
import sys
from datetime import datetime, timezone

import pytest

from tasks.errors import LedgerError
from tasks.ledger import Draft, append_event, read_log

NOW = datetime(2013, 11, 1, 3, tzinfo=timezone.utc)
WRITER = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from tasks.ledger import Draft, append_event
path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    draft = Draft("change", {"number": str(number)})
    append_event(path, lambda _: draft, actor=name, clock=lambda: datetime.now(timezone.utc))
    print(number, flush=True)
"""


def writer(path, name, count):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(count)], stdout=subprocess.PIPE)


def append(path, **about):
    return append_event(path, lambda _: Draft("change", about), actor="ada", clock=lambda: NOW)


def test_what_was_appended_is_read(tmp_path):
    """In order; the file is its owner's alone."""
    path = tmp_path / "state" / "events.jsonl"
    append(path, what="one")
    append(path, what="two")
    assert [event.about["what"] for event in read_log(path).events] == ["one", "two"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_file_is_no_event(tmp_path):
    """A log that nobody has written to yet."""
    assert read_log(tmp_path / "events.jsonl").events == ()


def test_deciding_against_it_writes_nothing(tmp_path):
    """What decides under the lock may find that nothing has to be written."""
    path = tmp_path / "events.jsonl"
    append(path, what="one")
    before = path.read_bytes()
    assert append_event(path, lambda _: None, actor="ada", clock=lambda: NOW) is None
    assert path.read_bytes() == before


def test_refusing_writes_nothing(tmp_path):
    """What decides under the lock may refuse: the log stays as it was."""
    path = tmp_path / "events.jsonl"
    append(path, what="one")
    before = path.read_bytes()

    def refuse(chain):
        raise LedgerError("budget", found="none left", expected="some", next_step="wait")

    with pytest.raises(LedgerError):
        append_event(path, refuse, actor="ada", clock=lambda: NOW)
    assert path.read_bytes() == before


def test_line_cut_off_is_accounted_for(tmp_path):
    """The next write names what it found, and nothing is cut away."""
    path = tmp_path / "events.jsonl"
    append(path, what="one")
    append(path, what="two")
    torn = path.read_bytes()[:-40]
    path.write_bytes(torn)
    append(path, what="three")
    assert path.read_bytes().startswith(torn)
    assert [event.kind for event in read_log(path).events] == ["change", "recovered", "change"]


def test_broken_chain_takes_no_event(tmp_path):
    """A log that was edited is not written to: what follows would lend it weight."""
    path = tmp_path / "events.jsonl"
    append(path, what="one")
    path.write_bytes(path.read_bytes().replace(b"ada", b"bob"))
    with pytest.raises(LedgerError, match="changed after"):
        append(path, what="two")


def test_link_in_its_place_is_refused(tmp_path):
    """A link could lead the log's writes anywhere."""
    (tmp_path / "events.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LedgerError, match="cannot be read"):
        append(tmp_path / "events.jsonl", what="one")
    with pytest.raises(LedgerError, match="cannot be read"):
        read_log(tmp_path / "events.jsonl")


def test_full_disk_is_told(tmp_path, monkeypatch):
    """A disk that takes half of the line: an error, and the half is accounted for when there is room again."""
    path = tmp_path / "events.jsonl"
    append(path, what="one")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[: len(data) // 2]))
    with pytest.raises(LedgerError, match="disk"):
        append(path, what="two")
    monkeypatch.undo()
    append(path, what="three")
    assert [event.kind for event in read_log(path).events] == ["change", "recovered", "change"]


@pytest.mark.slow
def test_concurrent_writers_make_one_chain(tmp_path):
    """Each event of each writer once, in the order in which that writer wrote them."""
    path = tmp_path / "events.jsonl"
    writers = [writer(path, name, 15) for name in ("ada", "bob")]
    assert [process.communicate(timeout=60) and process.returncode for process in writers] == [0, 0]
    events = read_log(path).events
    assert len(events) == 30
    for name in ("ada", "bob"):
        assert [int(event.about["number"]) for event in events if event.actor == name] == list(range(15))


@pytest.mark.slow
@pytest.mark.faults
def test_killed_writers_lose_nothing_that_was_told(tmp_path):
    """`kill -9` at any moment: every event that a writer was told of is there, and the chain goes on."""
    path = tmp_path / "events.jsonl"
    for round_ in range(2):
        process = writer(path, f"w{round_}", 100_000)
        told = [int(process.stdout.readline()) for _ in range(5 + 17 * round_)]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.communicate(timeout=60)[0].split(b"\n")[:-1]]
        append_event(path, lambda _: Draft("change", {"what": "after"}), actor="ada", clock=lambda: datetime.now(timezone.utc))
        written = [int(event.about["number"]) for event in read_log(path).events if event.actor == f"w{round_}"]
        assert written[: len(told)] == told
        assert len(written) <= len(told) + 1
