"""Importing a large library without those that it would import too and that are not needed.

What belongs here: how modules are left out of one import. What does not: which library needs what (whoever imports it).
"""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def imported_without(names: Sequence[str]) -> Iterator[None]:
    """Meanwhile Python says of the modules ``names`` that they are not there; what was imported before stays as it is.

    They have to be ones that the library does without. Afterwards they can be imported. The collector is off meanwhile: it would
    walk some hundred thousand new objects again and again, a sixth of the import.
    """
    absent = [name for name in names if name not in sys.modules]
    is_collecting = gc.isenabled()
    gc.disable()
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment] # Python's own way to say that a module is not there
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
        if is_collecting:
            gc.enable()
