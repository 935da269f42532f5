"""Importing Great Expectations without the libraries that a suite on a dataframe never needs.

What belongs here: which libraries those are, and how they are left out of one import. What does not: anything that is done with
Great Expectations (``tasks.validation.engine``). Each stage that validates is a process of its own, so that this import is most
of what validating small data costs; without SQL, clouds and charts it takes half of the time.
"""

import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from tasks.importing import imported_without

_ABSENT = ("sqlalchemy", "boto3", "google", "azure", "pyspark", "snowflake")
"""Great Expectations' own optional libraries: it does without them where Python says that they are not there."""

_LATER = ("altair", "scipy.stats")
"""What it imports at its start for two or three expectations and their charts; read when one of them first uses it."""


class _Later(ModuleType):
    """Stands for a module until something of it is used, and hands on whatever that is."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python's own machinery asks of any module; no use of this one
            raise AttributeError(name)
        _forget(self)
        return getattr(importlib.import_module(self.__name__), name)


def import_great_expectations() -> None:
    """Import it without telemetry, without what suites on dataframes never need, and without two harmless warnings of Python 3.11.

    What this process has imported before stays as it is, and whatever is left out here can be imported afterwards.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings(), imported_without(_ABSENT), _stood_for():
        warnings.filterwarnings("ignore", message="module 'sre_(constants|parse)' is deprecated", category=DeprecationWarning)
        import great_expectations  # noqa: F401 - for its modules


@contextmanager
def _stood_for() -> Iterator[None]:
    """Meanwhile the modules of :data:`_LATER` are stood for; then all is as before."""
    later = {name: _Later(name) for name in _LATER if name not in sys.modules}
    sys.modules.update(later)
    for module in later.values():
        package, _, name = module.__name__.rpartition(".")
        if package:  # `from scipy import stats` asks the package
            setattr(importlib.import_module(package), name, module)
    try:
        yield
    finally:
        for module in later.values():
            _forget(module)


def _forget(module: _Later) -> None:
    """Let Python find the real one from now on, unless it is there already."""
    package, _, name = module.__name__.rpartition(".")
    if sys.modules.get(module.__name__) is module:
        del sys.modules[module.__name__]
        if package:
            delattr(sys.modules[package], name)
