"""Work ahead of and behind the reader: in order, bounded, and nothing that keeps a stopped run alive."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

import tasks.sources.read_ahead as module
from tasks.sources.read_ahead import ReadAhead
from tasks.sources.write_behind import WriteBehind


@dataclass(frozen=True)
class _File:
    number: int
    bytes: int = 1


def test_results_come_in_the_plans_order() -> None:
    """Whichever is done first."""
    later = threading.Event()

    def work(file: _File) -> int:
        if file.number == 0:
            later.wait(30)
        else:
            later.set()
        return file.number

    plan = [_File(number) for number in range(20)]
    with ReadAhead(work, plan) as ahead:
        assert [ahead.take(file) for file in plan] == list(range(20))


@pytest.mark.parametrize(("bytes_each", "begun"), [(1, 8), (50 << 20, 2), (1 << 30, 1)])
def test_what_is_under_way_is_bounded(bytes_each: int, begun: int) -> None:
    """By number and by bytes; one file alone may be larger."""
    plan = [_File(number, bytes_each) for number in range(30)]
    dropped: list[int] = []
    with ReadAhead(lambda file: file.number, plan, dropped.append) as ahead:
        assert ahead.take(plan[0]) == 0
    assert sorted(dropped) == list(range(1, begun + 1))


def test_error_is_raised_where_the_file_is_taken() -> None:
    """Not before: the files ahead of it are whole."""

    def work(file: _File) -> int:
        if file.number == 1:
            raise FileNotFoundError("gone")
        return file.number

    plan = [_File(number) for number in range(3)]
    with ReadAhead(work, plan) as ahead:
        assert ahead.take(plan[0]) == 0
        with pytest.raises(FileNotFoundError):
            ahead.take(plan[1])


def test_silent_store_does_not_keep_who_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The block ends although a thread is still waiting; what was not begun never is."""
    monkeypatch.setattr(module, "_LEAVE_SECONDS", 0.01)
    asked, answer, begun = threading.Event(), threading.Event(), []

    def work(file: _File) -> None:
        begun.append(file.number)
        asked.set()
        answer.wait()

    def stop() -> None:
        with ReadAhead(work, [_File(number) for number in range(8)]):
            asked.wait(30)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    waiting = [thread for thread in threading.enumerate() if thread.name == "read-ahead"]
    assert waiting
    assert all(thread.daemon for thread in waiting)
    answer.set()
    for thread in waiting:
        thread.join(30)
    assert len(begun) <= module.THREADS


def _fail(word: str) -> None:
    raise ValueError(word)


def test_behind_all_is_done_when_the_block_ends() -> None:
    """In whatever order."""
    done: list[int] = []
    with WriteBehind() as behind:
        for number in range(20):
            behind.submit(partial(done.append, number))
    assert sorted(done) == list(range(20))


@pytest.mark.parametrize("calls", [[partial(_fail, "first"), partial(_fail, "second")], [partial(_fail, "first")] + [int] * 9])
def test_behind_the_earliest_error_is_raised(calls: list[Callable[[], object]]) -> None:
    """At the latest when the block ends: nothing fails in silence."""
    with pytest.raises(ValueError, match="first"), WriteBehind() as behind:
        for call in calls:
            behind.submit(call)
