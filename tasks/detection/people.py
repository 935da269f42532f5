"""Names of people: lists written by hand, of common given names and surnames in many languages, and who is on them.

What belongs here: the lists (``names.json``), and how a word is held against them. What does not: what follows for a column
(``findings``) or a text (``spans``). A name that is also an everyday word, a colour or a place ("Rose", "Brown", "Paris") is
ambiguous: it counts only beside another name. The lists are for finding what was overlooked; who is not on them is not found.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.errors import DatasetError

_FILE = Path(__file__).with_name("names.json")
NAMES_SHA256 = "a0ae16e2d53d724ed4a4127bd266931bcb2e0e0d4cf38176906773db8ffa6f7c"
"""Of the file of lists: other lists are other code, under which nothing made before is reused."""
_WORD = r"\A\p{L}[\p{L}\p{M}'`\x{2019}\x{2bc}\x{b4}]*\z"


@dataclass(frozen=True)
class Names:
    """The lists, in the form of :func:`fold_words`."""

    version: str
    given: pa.Array
    surnames: pa.Array
    ambiguous: pa.Array


@cache
def load_names() -> Names:
    """The lists. Raises :class:`~tasks.errors.DatasetError` where the file is not the one that this code was made with."""
    content = _FILE.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != NAMES_SHA256:
        raise DatasetError(
            str(_FILE), found=f"SHA-256 {found[:12]}...", expected=f"{NAMES_SHA256[:12]}...", next_step="install the package again"
        )
    lists = json.loads(content)

    def words(key: str) -> pa.Array:
        return fold_words(pa.array([word for line in lists[key] for word in line.split()], pa.string())).unique()

    return Names(lists["version"], words("given"), words("surnames"), words("ambiguous"))


def fold_words(words: pa.Array) -> pa.Array:
    """Words as they are compared: lower case, without accents (normal form KD without marks) and apostrophes."""
    plain = pc.replace_substring_regex(pc.utf8_normalize(words, form="NFKD"), r"[\p{M}'`\x{2019}\x{2bc}\x{b4}]", "")
    return pc.replace_substring(pc.replace_substring(pc.utf8_lower(plain), "ß", "ss"), "ł", "l")


def are_named(values: pa.Array) -> NDArray[np.bool_]:
    """Which of ``values`` (strings, without NULL) are names of people: one to four words, and nothing else, one of them on a list.

    A value of one word counts only where that is no everyday word.
    """
    names = load_names()
    words_of = pc.split_pattern_regex(pc.utf8_trim_whitespace(values), r"[ ,.\x{2010}-]+")
    counts = pc.list_value_length(words_of).to_numpy(zero_copy_only=False)
    words = pc.list_flatten(words_of)
    folded = fold_words(words)
    is_word = _of(pc.match_substring_regex(words, _WORD))
    is_listed = _of(pc.or_(pc.is_in(folded, value_set=names.given), pc.is_in(folded, value_set=names.surnames)))
    is_clear = is_listed & ~_of(pc.is_in(folded, value_set=names.ambiguous))
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.intp)
    if not len(words):
        return np.zeros(len(values), np.bool_)
    all_words = np.logical_and.reduceat(is_word | (_of(pc.binary_length(words)) == 0), starts)
    clear = np.logical_or.reduceat(is_clear, starts)
    both = np.add.reduceat(is_listed.astype(np.int64), starts) > 1
    return np.asarray(all_words & (counts <= 4) & (clear | both))


def are_surnames(words: pa.Array) -> NDArray[np.bool_]:
    """Which of ``words`` (strings, without NULL) are surnames by the lists, and no given names."""
    names, folded = load_names(), fold_words(words)
    return _of(pc.is_in(folded, value_set=names.surnames)) & ~_of(pc.is_in(folded, value_set=names.given))


def _of(column: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(zero_copy_only=False))
