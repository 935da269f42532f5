"""Spans of texts that tell who somebody is: numbers and addresses by their patterns, names by the lists and their neighbours.

What belongs here: cutting texts into words, numbers and what lies between, and which of these are personal. What does not: what
they are replaced by (``tasks.masking``). All of it runs on whole columns (Arrow, numpy), in time linear in their length: every
regular expression is bounded, and RE2's. A word of a script without spaces (Chinese, Japanese, Thai) is each of its characters.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.detection.patterns import find_patterns
from tasks.detection.people import fold_words, load_names

KINDS = ("", "email", "iban", "card", "number", "device", "phone", "person")
"""The kinds of spans; a span's kind is its place in this list, 0 for what is not personal."""
PERSON = KINDS.index("person")

_BREAK = "\ufdd0"
"""A code point that is no character (Unicode, chapter 23.7); texts that hold it lose it."""
_LETTER = r"(?:[^\P{L}\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]|[\p{M}\p{N}])"
_SPANS = "|".join(
    (
        r"\[[a-z0-9_]{1,40}-[0-9a-f]{8}\]",
        r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}",
        r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
        r"\b[2-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}\b|\b3[0-9]{3}[ -]?[0-9]{6}[ -]?[0-9]{4,5}\b",
        r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b|\b[A-Z]{2} ?(?:[0-9]{2} ?){3}[A-D]\b",
        r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b|\b[12] [0-9]{2} [0-9]{2} [0-9]{2}(?: [0-9]{3}){2} [0-9]{2}\b",
        r"\b[1-9][0-9](?: [0-9]{3}){3}\b|\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b",
        r"\b(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b|\b(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}\b",
        r"(?:\+|\b00)[0-9][0-9 ()/.-]{6,18}[0-9]\b|\([0-9]{3,5}\) ?[0-9]{3,8}(?:[ -][0-9]{3,5})?\b",
        r"\b[0-9]{3,5}[ /-][0-9]{3,4}[ -][0-9]{3,5}\b|\b[0-9]{3}\.[0-9]{3}\.[0-9]{4}\b|\b0[0-9]{2,5}[ /-][0-9]{4,8}\b",
        rf"{_LETTER}+(?:['\x{{2019}}-]{_LETTER}+)*",
        r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]",
    )
)
_KIND_OF_PATTERN = {
    "email": "email",
    "iban": "iban",
    "card": "card",
    "amex": "card",
    "ip": "device",
    "ip6": "device",
    "mac": "device",
    "phone": "phone",
    **dict.fromkeys(("ssn", "nino", "dni", "cpf", "pesel", "nir", "steuer_id", "nhs", "bsn"), "number"),
}
_TITLES = (
    "mr mrs ms miss mister dr prof sir lady herr frau hr fr mme mlle monsieur madame sr sra senor senora sig signora dhr "
    "mevr pan pani"
)
_STARTS = (
    "a an and at avec bitte by call called calls cher chere con contact customer das de dear der die el en for from "
    "fur guest hello hi i if in is la le los mail mit no note of on or our para passenger please por pour receipt "
    "she spoke tell thank thanks the their they this to und ve von we wheelchair when with y you your monday "
    "tuesday wednesday thursday friday saturday sunday january february march july september october november "
    "december he her his it per via"
)
"""Words that begin sentences, and so have a capital, beside a name."""


@dataclass(frozen=True)
class Cut:
    """Texts cut into pieces: in each text, what lies between (perhaps nothing) and spans take turns."""

    pieces: pa.ListArray
    """Of each text; joined, they are the text."""
    place: NDArray[np.int64]
    """Of each span, among all pieces."""
    text: NDArray[np.int64]
    """The text that each span stands in."""
    spans: pa.Array
    """The distinct spans."""
    code: NDArray[np.int64]
    """Of each span, among the distinct ones."""
    is_next: NDArray[np.bool_]
    """Whether no more than a space (and a full stop before it) lies between a span and the one after it."""


def cut_texts(texts: pa.Array) -> Cut:
    """Cut ``texts`` (strings, without NULL)."""
    clean = pc.utf8_normalize(pc.replace_substring(texts, _BREAK, ""), form="NFC")
    marked = pc.replace_substring_regex(clean, _SPANS, rf"{_BREAK}\0{_BREAK}")
    pieces = pc.split_pattern(marked, _BREAK)
    flat, starts = pieces.flatten(), np.asarray(pieces.offsets.to_numpy(), np.int64)
    counts = np.diff(starts)
    text_of = np.repeat(np.arange(len(texts)), counts)
    place = np.flatnonzero((np.arange(len(flat)) - (starts[:-1] - starts[0])[text_of]) % 2 == 1)
    encoded = flat.take(pa.array(place)).dictionary_encode()
    between = pc.is_in(flat.take(pa.array(place + 1)), value_set=pa.array(["", " ", ". ", "  "]))
    is_next = np.asarray(between.to_numpy(zero_copy_only=False), np.bool_)
    text = text_of[place]
    is_next[:-1] &= text[:-1] == text[1:]
    is_next[-1:] = False
    return Cut(pieces, place, text, encoded.dictionary, encoded.indices.to_numpy().astype(np.int64), is_next)


def find_spans(cut: Cut, known: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """The kind of each span of ``cut``; ``known`` marks spans that are known to name a person from elsewhere."""
    kinds = _kinds_of_patterns(cut.spans)[cut.code]
    is_person = _find_people(cut, np.zeros(len(cut.code), np.bool_) if known is None else known)
    return np.where((kinds == 0) & is_person, np.uint8(PERSON), kinds)


def _kinds_of_patterns(spans: pa.Array) -> NDArray[np.uint8]:
    kinds = np.zeros(len(spans), np.uint8)
    places = np.flatnonzero(_flags(pc.match_substring_regex(spans, "[0-9@]")))
    found = find_patterns(spans.take(pa.array(places)))
    for name, kind in _KIND_OF_PATTERN.items():
        kinds[places[found.has(name)]] = KINDS.index(kind)
    return kinds


def _find_people(cut: Cut, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    names = load_names()
    folded = fold_words(pc.replace_substring_regex(cut.spans, r"['\x{2019}]s$", ""))
    parts = (folded, *(pc.replace_substring_regex(folded, half, "") for half in ("-.*$", "^.*-")))

    def among(*lists: pa.Array, without: pa.Array | None = None) -> NDArray[np.bool_]:
        found = np.zeros(len(folded), np.bool_)
        for part in parts:
            listed = np.logical_or.reduce([_flags(pc.is_in(part, value_set=words)) for words in lists])
            found |= listed & ~_flags(pc.is_in(part, value_set=without)) if without is not None else listed
        return np.asarray(found[cut.code])

    is_capital = _flags(pc.match_substring_regex(cut.spans, r"^[\p{Lu}\p{Lo}][^0-9@\[]*$"))[cut.code]
    is_given, is_surname = among(names.given), among(names.surnames)
    is_listed, is_clear = is_given | is_surname, among(names.given, names.surnames, without=names.ambiguous)
    is_title, is_start = among(pa.array(_TITLES.split())), among(pa.array(_STARTS.split()))
    after = cut.is_next
    person = known | (is_clear & is_capital)
    both = is_listed & _next(is_listed) & after
    pair = both & ((is_capital & _next(is_capital)) | is_clear | _next(is_clear))
    person |= pair | _last(pair)
    titled = _last(is_title & after) & is_capital & ~is_start
    person |= titled
    # A name that is on no list stands beside one that is, as a rule.
    follows = _last(person & (is_given | known | titled) & after) & is_capital & ~is_start
    leads = _next(person & is_surname) & after & is_capital & ~is_start & ~is_title
    return np.asarray(person | follows | leads)


def _next(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of each span, the flag of the one after it."""
    return np.append(flags[1:], False)


def _last(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of each span, the flag of the one before it."""
    return np.append(False, flags[:-1])


def _flags(column: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), np.bool_)
