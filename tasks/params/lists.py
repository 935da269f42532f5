"""Lists of fakes that a user brings: a text file, one entry a line, held to the hash that ``params.yaml`` names.

What belongs here: reading such a file. What does not: what is picked from it (``tasks.masking``).
"""

import hashlib
import unicodedata
from pathlib import Path

from tasks.errors import ParameterError


def read_list(root: Path, name: str, sha256: str) -> tuple[str, ...]:
    """The entries of the file ``name`` below ``root``: UTF-8, one on each line, in normal form C, each once, two at least.

    Raises :class:`~tasks.errors.ParameterError` where it is missing, is not the file that was hashed, or is no such list.
    """
    path, expected = root / name, "a text file in UTF-8 with two entries or more, one a line, none twice"
    try:
        content = path.read_bytes()
    except OSError as error:
        found = f"not readable: {error.strerror}"
        raise ParameterError(f"list of fakes {name}", found=found, expected=expected, next_step=f"restore {name}") from None
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise ParameterError(
            f"list of fakes {name}",
            found=f"sha256 {actual}",
            expected=f"sha256 {sha256}, as params.yaml says: other entries would give other fakes",
            next_step=f"restore {name}, or write its new hash into params.yaml under masking.tables",
        )
    try:
        entries = tuple(unicodedata.normalize("NFC", line) for line in content.decode().splitlines())
    except UnicodeDecodeError:
        entries = ()
    blank = sum(not entry.strip() for entry in entries)
    if len(entries) < 2 or blank or len(set(entries)) < len(entries):
        twice = len(entries) - len(set(entries))
        found = f"{len(entries):,} entries that can be read, {blank:,} of them blank, {twice:,} there already"
        raise ParameterError(f"list of fakes {name}", found=found, expected=expected, next_step=f"mend {name}, and its hash")
    return entries
