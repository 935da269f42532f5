"""Mentions: the values of a row's own columns, found in the text of the same row in whatever way they are written there.

What belongs here: holding the spans of texts against values, row by row, without a loop over rows. What does not: what else is
personal in a text (``spans``). Case, accents, normal form, "ae" for "\u00e4", a hyphenated half and up to two letters of an ending
make no difference; digits are compared without what stands between them.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.detection.people import fold_words
from tasks.detection.spans import Cut

_SHORTEST_WORD, _SHORTEST_STEM = 2, 4
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]"
_PARTICLES = (
    "al am and as at com da das de del den der di die do dos du el en for he in info is it la le les los mail mr "
    "mrs ms net of on or org the to und van von we www"
)
"""Parts of names and addresses that are also among the most frequent words of texts: they count with a capital only."""


class Mentions:
    """The spans of texts in the forms in which they can mention a value."""

    def __init__(self, cut: Cut) -> None:
        forms = _forms(cut.spans)
        self._cut = cut
        self._every = pa.concat_arrays(forms).unique()
        is_particle = pc.is_in(forms[0], value_set=pa.array(_PARTICLES.split()))
        is_capital = pc.match_substring_regex(cut.spans, r"^\p{Lu}")
        self._counts = np.asarray(pc.or_(pc.invert(is_particle), is_capital).to_numpy(zero_copy_only=False), np.bool_)
        first, *others = (pc.index_in(form, value_set=self._every).to_numpy().astype(np.int64)[cut.code] for form in forms)
        different = [np.flatnonzero(code != first) for code in others]
        self._places = np.concatenate([np.arange(len(first)), *different])
        """Of spans, each once and once more for each form that is not the first."""
        self._codes = np.concatenate([first, *(code[rows] for code, rows in zip(others, different, strict=True))])

    def match(self, values: pa.Array, *, is_worded: bool) -> tuple[NDArray[np.int64], pa.Array]:
        """For each span the place of the value that it mentions, or -1, and the distinct values.

        ``values`` has one value (or NULL) for each text; ``is_worded``: their single words count too, as those of names do.
        """
        encoded = values.dictionary_encode()
        own = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)[self._cut.text]
        owner, words = _words_of(encoded.dictionary.cast(pa.string()), is_worded)
        codes = pc.index_in(words, value_set=self._every)
        is_there = np.asarray(codes.is_valid().to_numpy(zero_copy_only=False), np.bool_)
        # Of a value and a word, one number. Arrow's hash set: numpy's isin sorts all numbers for each form, 50 times as long.
        pairs = pa.array(owner[is_there] * len(self._every) + codes.drop_null().to_numpy().astype(np.int64))
        sought = own[self._places] * len(self._every) + self._codes
        found = pc.is_in(pa.array(sought), value_set=pairs).to_numpy(zero_copy_only=False)
        is_mentioned = np.zeros(len(own), np.bool_)
        is_mentioned[self._places[found]] = True
        return np.where(is_mentioned & (own >= 0) & self._counts[self._cut.code], own, -1), encoded.dictionary


def _fold(values: pa.Array) -> pa.Array:
    """Values as they are compared; a value with digits loses what stands between them, unless it is an address."""
    folded = fold_words(values)
    for pair, letter in (("ae", "a"), ("oe", "o"), ("ue", "u")):
        folded = pc.replace_substring(folded, pair, letter)
    is_number = pc.match_substring_regex(folded, r"\A[^@]*[0-9][^@]*\z")
    return pc.if_else(is_number, pc.replace_substring_regex(folded, r"[^\p{L}\p{N}]", ""), folded)


def _words_of(values: pa.Array, is_worded: bool) -> tuple[NDArray[np.int64], pa.Array]:
    """What of each value is looked for: the place of the value, and the word."""
    whole = _fold(values)
    places = np.arange(len(values))
    if not is_worded:
        return places, whole
    spaced = pc.replace_substring_regex(whole, _UNSPACED, r" \0 ")
    lists = pc.split_pattern_regex(pc.replace_substring_regex(spaced, "[0-9_]", " "), r"[^\p{L}\p{M}]+")
    words = lists.flatten()
    owner = np.repeat(places, np.diff(np.asarray(lists.offsets.to_numpy())))
    is_long = pc.or_(pc.greater_equal(pc.utf8_length(words), _SHORTEST_WORD), pc.match_substring_regex(words, rf"^{_UNSPACED}$"))
    kept = np.asarray(is_long.to_numpy(zero_copy_only=False), np.bool_)
    return np.concatenate([places, owner[kept]]), pa.concat_arrays([whole, words.filter(is_long)])


def _forms(spans: pa.Array) -> tuple[pa.Array, ...]:
    """What a span may stand for: itself, without an ending, or a half of it."""
    folded = _fold(spans)
    length = pc.utf8_length(folded)
    stems = [
        pc.if_else(pc.greater_equal(length, _SHORTEST_STEM + cut), pc.utf8_slice_codeunits(folded, 0, stop=-cut), folded)
        for cut in (1, 2)
    ]
    halves = [pc.replace_substring_regex(folded, half, "") for half in ("-.*$", "^.*-")]
    return folded, *stems, *halves
