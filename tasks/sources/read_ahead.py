"""Work on the files of a plan, begun ahead of who needs it: several round trips at once, results in the plan's order.

What belongs here: threads, and how much is under way at once. What does not: what is done with a file.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

THREADS = 4
_AHEAD = 8
_AHEAD_BYTES = 128 << 20
"""Of the files that are under way or waiting to be taken, unless it is a single one."""
_LEAVE_SECONDS = 2.0
"""How long threads are waited for that nobody needs any more; a silent store would keep them for minutes."""


class Sized(Protocol):
    """A file, and how large it is."""

    @property
    def bytes(self) -> int:
        """Its size."""
        ...


_File = TypeVar("_File", bound=Sized)
_Result = TypeVar("_Result")


class Threads:
    """A few threads that call what they are given, in its order.

    Unlike those of ``concurrent.futures`` they never keep a process from ending: a stopped run is over within seconds, also
    while a store is silent. So nothing may be given to them that has to be finished.
    """

    def __init__(self, count: int, name: str) -> None:
        """Start ``count`` threads called ``name``."""
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while (call := self._queue.get()) is not None:
            call()

    def submit(self, call: Callable[[], _Result]) -> Future[_Result]:
        """What ``call`` will give or raise."""
        future: Future[_Result] = Future()
        self._queue.put(partial(_fulfil, future, call))
        return future

    def leave(self) -> None:
        """Take no more, and wait for what is under way, but not for long."""
        for _ in self._threads:
            self._queue.put(None)
        until = time.monotonic() + _LEAVE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))


def _fulfil(future: Future[_Result], call: Callable[[], _Result]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # it is raised where the result is taken
        future.set_exception(error)


class ReadAhead(Generic[_File, _Result]):
    """What ``work`` makes of each file of a plan, begun before its turn comes; to be used as a context."""

    def __init__(
        self, work: Callable[[_File], _Result], plan: Iterable[_File], drop: Callable[[_Result], None] = lambda _: None
    ) -> None:
        """Begin to ``work`` on the files of ``plan``, which will be taken in this order; ``drop`` closes what was not taken."""
        self._work = work
        self._plan: Iterator[_File] = iter(plan)
        self._drop = drop
        self._next = next(self._plan, None)
        self._begun: deque[tuple[_File, Future[_Result]]] = deque()
        self._begun_bytes = 0
        self._threads = Threads(THREADS, "read-ahead")

    def __enter__(self) -> Self:
        self._fill()
        return self

    def _fill(self) -> None:
        while (file := self._next) is not None and len(self._begun) < _AHEAD:
            if self._begun and self._begun_bytes + file.bytes > _AHEAD_BYTES:
                return
            self._begun.append((file, self._threads.submit(partial(self._work, file))))
            self._begun_bytes += file.bytes
            self._next = next(self._plan, None)

    def take(self, file: _File) -> _Result:
        """What was made of ``file``, the plan's next; raises what the work on it raised."""
        planned, begun = self._begun.popleft()
        if planned != file:
            raise ValueError(f"{file} was asked for, and {planned} was planned")
        self._begun_bytes -= file.bytes
        self._fill()
        return begun.result()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for _, begun in self._begun:
            begun.cancel()
        self._threads.leave()
        for _, begun in self._begun:
            if begun.done() and not begun.cancelled() and begun.exception() is None:
                self._drop(begun.result())
