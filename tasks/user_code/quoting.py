"""What an error of somebody else's code says, without the values of rows that it may quote.

What belongs here: turning an exception into words that may be shown. What does not: raising one. scikit-learn and pandas quote
the value they stumble over, and a message ends up in terminals, logs and the workflow server: names that the project itself
declares stay, other quoted texts, lists, fractions and long numbers go.
"""

import re
import traceback
from collections.abc import Collection

_HIDDEN = "…"
_LONGEST = 300
_QUOTED = re.compile(r"""(?<!\w)(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|`([^`]*)`)(?!\w)""")
_LIST = re.compile(r"\[[^\[\]()]*\]|\{[^{}]*\}")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d+(?:[eE][-+]?\d+)?|\d{5,})(?![\w.])")


def quote_error(error: BaseException, *, file: str = "", known: Collection[str] = ()) -> str:
    """``line 12: ValueError: could not convert string to float: …``: the type of ``error`` and what it says, cleaned.

    ``known`` are names that may stand in it (parameters, features). ``file`` is the user's own, whose last line that the error
    came through is named.
    """
    text = _QUOTED.sub(lambda found: found[0] if (found[1] or found[2] or found[3]) in known else _HIDDEN, str(error))
    text = " ".join(_NUMBER.sub(_HIDDEN, _LIST.sub(f"[{_HIDDEN}]", text)).split())
    said = f": {text[:_LONGEST]}{_HIDDEN if len(text) > _LONGEST else ''}" if text else ""
    return f"{line_in_file(error, file)}{type(error).__name__}{said}"


def line_in_file(error: BaseException, file: str) -> str:
    """``line 12: ``, the last line of the user's ``file`` that ``error`` came through; empty where it came through none."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if isinstance(error, SyntaxError) and error.filename == file:
        lines.append(error.lineno)
    return f"line {lines[-1]}: " if lines else ""
