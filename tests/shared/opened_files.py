"""Which files a step opens, as the kernel tells: shared by the tests that show that nothing unchanged is opened."""

import ctypes
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def opened_files(*folders: Path) -> Iterator[set[Path]]:
    """The files below ``folders`` that anything opened meanwhile, Python or native code: as the kernel's inotify tells."""
    in_open, in_isdir, nonblocking = 0x20, 0x40000000, os.O_NONBLOCK
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.inotify_init1(nonblocking)
    watched: Mapping[int, Path] = {
        libc.inotify_add_watch(queue, os.fsencode(folder), in_open): folder
        for top in folders
        for folder in (top, *(path for path in top.rglob("*") if path.is_dir()))
    }
    assert queue >= 0 and min(watched) >= 0, os.strerror(ctypes.get_errno())
    found: set[Path] = set()
    try:
        yield found
        while events := _read_queue(queue):
            while events:
                watch, mask, _, length = struct.unpack_from("iIII", events)
                name = events[16 : 16 + length].rstrip(b"\0")
                if not mask & in_isdir:
                    found.add(watched[watch] / os.fsdecode(name))
                events = events[16 + length :]
    finally:
        os.close(queue)


def _read_queue(queue: int) -> bytes:
    try:
        return os.read(queue, 1 << 20)
    except BlockingIOError:
        return b""
