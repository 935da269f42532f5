"""Files of a lake, opened ahead of who reads them: several round trips at once, in the order they are needed.

What belongs here: opening in threads, bounded. What does not: how a lake opens a file.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import BufferedIOBase
from types import TracebackType
from typing import Self

from tasks.sources.lake import Lake, LakeFile

THREADS = 4
_AHEAD = 8
"""Files that are open or being opened at once; small ones are in memory then."""


class ReadAhead:
    """The files of a plan, each opened before its turn comes; to be used as a context, which closes what was not taken."""

    def __init__(self, lake: Lake, plan: Iterable[LakeFile]) -> None:
        """Open the files of ``plan``, which will be asked for in this order, ahead of their turn."""
        self._lake = lake
        self._plan: Iterator[LakeFile] = iter(plan)
        self._opened: deque[tuple[LakeFile, Future[BufferedIOBase]]] = deque()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="read-ahead")

    def __enter__(self) -> Self:
        self._fill()
        return self

    def _fill(self) -> None:
        while len(self._opened) < _AHEAD and (file := next(self._plan, None)) is not None:
            self._opened.append((file, self._threads.submit(self._lake.open_file, file)))

    def open_file(self, file: LakeFile) -> BufferedIOBase:
        """``file``, the plan's next, as the lake opens it; raises what the lake raised."""
        planned, opened = self._opened.popleft()
        if planned != file:
            raise ValueError(f"{file.path} was asked for, and {planned.path} was planned")
        self._fill()
        return opened.result()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for _, opened in self._opened:
            opened.cancel()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for _, opened in self._opened:
            if not opened.cancelled() and opened.exception() is None:
                opened.result().close()
