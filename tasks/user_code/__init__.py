"""Code and files that belong to the user: found, held to their hash, run, and quoted without the values of rows.

What belongs here: what is the same for a challenger's file and for a function that computes features. What does not: what
such code must define, and what it is given.
"""

from tasks.user_code.files import find_source, names_in, require_hash, run_source
from tasks.user_code.frames import as_frame
from tasks.user_code.functions import find_function
from tasks.user_code.quoting import quote_error

__all__ = ["as_frame", "find_function", "find_source", "names_in", "quote_error", "require_hash", "run_source"]
