"""Work that is finished behind who hands it in: partitions are packed and hashed while the next rows are read.

What belongs here: threads whose work must be done before the block ends, and how much of it may wait. What does not: what the
work is.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

_THREADS = 2
_WAITING = 3
"""Calls that are under way or wait, each of which holds a partition's rows."""


class WriteBehind:
    """Calls that are carried out in the background; to be used as a context, which ends when all are done."""

    def __init__(self) -> None:
        """Nothing is under way yet."""
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="write-behind")
        self._waiting: deque[Future[object]] = deque()

    def __enter__(self) -> Self:
        return self

    def submit(self, call: Callable[[], object]) -> None:
        """Carry out ``call`` soon; raises what an earlier call raised."""
        while len(self._waiting) >= _WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._threads.submit(call))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            while self._waiting and kind is None:
                self._waiting.popleft().result()
        finally:
            self._threads.shutdown(wait=True, cancel_futures=True)
