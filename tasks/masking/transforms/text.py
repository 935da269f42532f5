"""Free text: spans that tell who somebody is are replaced by keyed tokens, the same for the same person wherever they are read.

What belongs here: which token a span gets. What does not: finding spans (``tasks.detection``), and which column is treated so
(``policy``). Whole columns at once, in batches that bound memory; only Presidio, where asked for, reads text by text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.detection import KINDS, PERSON, Cut, Mentions, are_surnames, cut_texts, find_spans, snake_case
from tasks.masking.keyed_hash import KeyedHash
from tasks.masking.tokens import plain_strings, tokenise, wrong_type
from tasks.masking.transforms.presidio import replace_by_presidio
from tasks.params.masking_rules import TextRule

PRESIDIO = "presidio"
TEXT_KINDS = (*KINDS[1:], PRESIDIO)
"""What spans have keys of their own for, where no named column speaks for them."""
WORDED = ("person", "email")
"""Kinds of columns whose single words are looked for too."""
_BATCH_BYTES = 32_000_000
_KINDS_BY_NAME = (
    ("email", ("mail",)),
    ("phone", ("phone", "mobile", "tel", "fax", "cell")),
    ("card", ("card",)),
    ("iban", ("iban", "account")),
    ("person", ("name", "first", "last", "given", "family")),
)
_GIVEN, _FAMILY = ("first", "given", "fore"), ("last", "sur", "family")


@dataclass(frozen=True)
class NamedColumn:
    """A column of the same rows whose values a text may mention, and the key of its tokens."""

    name: str
    values: pa.ChunkedArray
    keyed: KeyedHash

    @property
    def kind(self) -> str:
        """The kind that its column's name speaks for, or that name itself."""
        name = snake_case(self.name)
        return next((kind for kind, words in _KINDS_BY_NAME if any(word in name for word in words)), name or "value")

    @property
    def is_given(self) -> bool:
        """Whether it holds given names."""
        return any(word in snake_case(self.name) for word in _GIVEN)

    @property
    def is_family(self) -> bool:
        """Whether it holds surnames."""
        return any(word in snake_case(self.name) for word in _FAMILY)


def mask_text(
    column: pa.ChunkedArray, rule: TextRule, named: Sequence[NamedColumn], own: Mapping[str, KeyedHash], *, where: str
) -> pa.ChunkedArray:
    """Texts (string) with each span that tells who somebody is replaced by ``[kind-xxxxxxxx]``; NULL stays NULL.

    The eight digits are the first of the token that the span has in its domain: that of the column in ``named`` which speaks for
    its kind, or that of its kind in ``own``. A value of the same row's ``named`` columns is found whatever its case, accents,
    ending and normal form. Raises :class:`~tasks.errors.MaskingError` where the column or a named one cannot be read as text.
    """
    if pa.types.is_null(column.type):
        return pa.chunked_array([pa.nulls(len(column), pa.string())])
    texts = plain_strings(column)
    if not pa.types.is_string(texts.type):
        raise wrong_type(where, column.type, "text for the transform text", "choose a transform that fits the column")
    named = [NamedColumn(each.name, plain_strings(each.values), each.keyed) for each in named]
    masked = []
    for start, stop in _batches(texts):
        part = [NamedColumn(each.name, each.values.slice(start, stop - start), each.keyed) for each in named]
        masked.append(_mask_batch(texts.slice(start, stop - start).combine_chunks(), part, own, where))
    found = pa.chunked_array(masked, pa.string())
    return replace_by_presidio(found, own[PRESIDIO], where=where) if rule.detector == "presidio" else found


def _batches(texts: pa.ChunkedArray) -> list[tuple[int, int]]:
    """Ranges of rows whose texts are some megabytes together; a text that is larger has one for itself."""
    if not len(texts):
        return []
    ends = np.cumsum(pc.fill_null(pc.binary_length(texts), 0).to_numpy().astype(np.int64))
    cuts = np.flatnonzero(np.diff(ends // _BATCH_BYTES)) + 1
    return list(zip([0, *cuts.tolist()], [*cuts.tolist(), len(texts)], strict=True))


def _mask_batch(column: pa.Array, named: Sequence[NamedColumn], own: Mapping[str, KeyedHash], where: str) -> pa.Array:
    rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    if not len(rows):
        return column
    cut = cut_texts(column.take(pa.array(rows)))
    tokens = [pa.array([""])]
    token = np.zeros(len(cut.code), np.int64)  # of each span: 0 for none, or the place of its token among all
    known = np.zeros(len(cut.code), np.bool_)
    mentions = Mentions(cut)
    for each in named:
        values = each.values.combine_chunks().take(pa.array(rows))
        found, distinct = mentions.match(values, is_worded=each.kind in WORDED)
        token = np.where((token == 0) & (found >= 0), found + sum(map(len, tokens)), token)
        known |= (found >= 0) & (each.kind == "person")
        tokens.append(_write(each.kind, distinct, each.keyed, f"{where} names_in {each.name}"))
    is_glued = _after(token) & (token == np.append(0, token[:-1])) & np.append(False, cut.is_next[:-1])
    kinds = np.where(token == 0, find_spans(cut, known), 0)
    for kind in np.unique(kinds[kinds > 0]).tolist():
        spans = np.flatnonzero(kinds == kind)
        words = _canonical(cut.spans.take(pa.array(cut.code[spans])), KINDS[kind])
        if kind == PERSON and _has_whole_names(named):
            follows = np.append(False, (np.diff(spans) == 1) & cut.is_next[spans[:-1]])
            is_glued[spans] = follows
            words, code = _join_runs(words, follows)
        else:
            encoded = words.dictionary_encode()
            words, code = encoded.dictionary, encoded.indices.to_numpy()
        token[spans] = code + sum(map(len, tokens))
        tokens.append(_write_kind(KINDS[kind], words, named, own, where))
    found = _rebuild(cut, token, is_glued, pa.concat_arrays(tokens))
    if len(rows) == len(column):
        return found
    places = np.full(len(column), -1, np.int64)
    places[rows] = np.arange(len(rows))
    return found.take(pa.array(places, mask=places < 0))


def _after(token: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which spans have a token and are not the first."""
    has_token = token > 0
    has_token[:1] = False
    return has_token


def _canonical(words: pa.Array, kind: str) -> pa.Array:
    """Words in the form in which they get their token: names as they are written in a column of names, addresses in lower case."""
    if kind == "email":
        return pc.utf8_lower(words)
    if kind != "person":
        return words
    is_plain = pc.or_(pc.utf8_is_upper(words), pc.utf8_is_lower(words))
    return pc.replace_substring_regex(pc.if_else(is_plain, pc.utf8_title(words), words), r"['\x{2019}]s$", "")


def _join_runs(words: pa.Array, follows: NDArray[np.bool_]) -> tuple[pa.Array, NDArray[np.int64]]:
    """The distinct names of several words each, and the name that each word is part of."""
    starts = np.append(np.flatnonzero(~follows), len(words)).astype(np.int32)
    names = pc.binary_join(pa.ListArray.from_arrays(pa.array(starts), words), " ").dictionary_encode()
    return names.dictionary, names.indices.to_numpy().astype(np.int64)[np.cumsum(~follows) - 1]


def _has_whole_names(named: Sequence[NamedColumn]) -> bool:
    """Whether names get one token as a whole: where a column holds whole names, or none holds names."""
    people = [each for each in named if each.kind == "person"]
    return not people or any(not each.is_given and not each.is_family for each in people)


def _write_kind(kind: str, words: pa.Array, named: Sequence[NamedColumn], own: Mapping[str, KeyedHash], where: str) -> pa.Array:
    """The tokens of ``words``, in the domain of the named column that speaks for them, or else in that of their kind."""
    speaking = [each for each in named if each.kind == kind]
    if not speaking:
        return _write(kind, words, own[kind], where)
    if kind != "person" or _has_whole_names(named):
        whole = next((each for each in speaking if not each.is_given and not each.is_family), speaking[0])
        return _write(kind, words, whole.keyed, where)
    given = next((each for each in speaking if each.is_given), speaking[0])
    family = next((each for each in speaking if each.is_family), given)
    return pc.if_else(
        pa.array(are_surnames(words)), _write(kind, words, family.keyed, where), _write(kind, words, given.keyed, where)
    )


def _write(kind: str, words: pa.Array, keyed: KeyedHash, where: str) -> pa.Array:
    digits = pc.utf8_slice_codeunits(tokenise(pa.chunked_array([words]), keyed, where=where), 0, 8).combine_chunks()
    return pc.binary_join_element_wise(f"[{kind}-", digits, "]", "")


def _rebuild(cut: Cut, token: NDArray[np.int64], is_glued: NDArray[np.bool_], tokens: pa.Array) -> pa.Array:
    """The texts with the tokens in place; of spans that share one token with the span before, nothing is left."""
    flat, starts = cut.pieces.flatten(), np.asarray(cut.pieces.offsets.to_numpy())
    which = np.zeros(len(flat), np.int64)
    which[cut.place] = np.where(is_glued, 0, token)
    is_replaced = np.zeros(len(flat), np.bool_)
    is_replaced[cut.place] = token > 0
    is_replaced[cut.place[is_glued] - 1] = True  # what lies between them
    pieces = pc.if_else(pa.array(is_replaced), tokens.take(pa.array(which)), flat)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(starts - starts[0], pa.int32()), pieces), "")
