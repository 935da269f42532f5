"""Functions of the user's own, found by import path or in a file of the project, and held to their hash.

What belongs here: finding a function. What does not: what it is given, and what it must give (the capabilities that call it).
"""

import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tasks.errors import WindtunnelError
from tasks.params.user_code import FunctionSource
from tasks.user_code.files import find_source, require_hash, run_source
from tasks.user_code.quoting import quote_error


def find_function(
    declared: FunctionSource, root: Path, where: str, expected: str, error: type[WindtunnelError]
) -> Callable[..., Any]:
    """The function that ``declared`` names, in the project at ``root``; ``where`` names it in errors, ``expected`` what it does.

    Raises ``error`` where it is not there, its file has another SHA-256, or it is no function.
    """
    section = where.rpartition(".")[0]
    if declared.file is not None:
        path = find_source(root, declared.file, declared.sha256, "file of functions", error)
        module: Any = run_source(path.read_bytes(), declared.file, "file of functions", error)
        found = getattr(module, declared.function, None)
    else:
        found = _import(f"{where}: {declared.function}", declared, error)
    if not callable(found):
        raise error(
            f"{where}: {declared.function}",
            found="nothing of that name" if found is None else f"a {type(found).__name__}",
            expected=expected,
            next_step=f"mend {section} in params.yaml, or define the function",
        )
    function: Callable[..., Any] = found
    return function


def _import(where: str, declared: FunctionSource, error: type[WindtunnelError]) -> Any:
    module, _, function = declared.function.rpartition(".")
    try:
        found = importlib.import_module(module)
    except Exception as raised:  # its own code runs, and may raise anything
        raise error(
            where,
            found=quote_error(raised, known=declared.function.split(".")),
            expected="a module that can be imported",
            next_step="install the package that defines it, or name a file of the project under `file`",
        ) from None
    value = getattr(found, function, None)
    source = sys.modules.get(getattr(value, "__module__", None) or module, found)
    try:
        content = Path(inspect.getfile(source)).read_bytes()
    except (OSError, TypeError):
        content = b""
    require_hash(where, hashlib.sha256(content).hexdigest(), declared.sha256, error)
    return value
