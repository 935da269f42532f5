"""Presidio's analyzer beside the built-in detector, where a policy asks for it (the extra ``text``); it works offline.

What belongs here: its spans, and their tokens. What does not: what the built-in detector finds, which has been replaced before.
Presidio reads one text after the other, in Python: a loop over distinct texts cannot be avoided.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import pyarrow as pa

from tasks.errors import MaskingError
from tasks.masking.keyed_hash import KeyedHash
from tasks.masking.tokens import tokenise

_MOST_CHARACTERS = 100_000
"""Characters of a text that Presidio reads at once; a longer one is read in pieces."""


def replace_by_presidio(column: pa.ChunkedArray, keyed: KeyedHash, *, where: str) -> pa.ChunkedArray:
    """``column`` (string) with each span that Presidio finds replaced by a token of its kind, under the key ``keyed``.

    Raises :class:`~tasks.errors.MaskingError` where the extra is not installed.
    """
    analyze = _load(where)
    encoded = column.combine_chunks().dictionary_encode()
    texts = [_replace(text, analyze, keyed, where) for text in encoded.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string()).take(encoded.indices)])


def _replace(text: str, analyze: Callable[[str], list[Any]], keyed: KeyedHash, where: str) -> str:
    pieces: list[str] = []
    for start in range(0, len(text), _MOST_CHARACTERS):
        part, done = text[start : start + _MOST_CHARACTERS], 0
        for span in sorted(analyze(part), key=lambda found: (found.start, -found.end)):
            word = part[span.start : span.end]
            if span.start < done or "[" in word or "]" in word:
                continue  # within a span that was replaced, or a token
            kind = span.entity_type.lower()
            token = tokenise(pa.chunked_array([[word]]), keyed, where=where)[0].as_py()
            pieces += [part[done : span.start], f"[{kind}-{token[:8]}]"]
            done = span.end
        pieces.append(part[done:])
    return "".join(pieces)


@cache
def _load(where: str) -> Callable[[str], list[Any]]:
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError:
        raise MaskingError(
            f"masking {where}: detector presidio",
            found="presidio-analyzer is not installed",
            expected="the extra `text`",
            next_step="pip install 'windtunnel[text]', or leave `detector` out of the rule",
        ) from None

    class Blank(SpacyNlpEngine):  # type: ignore[misc]
        """A pipeline without a model: nothing is downloaded, and no names are found but by patterns."""

        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    engine = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])
    return lambda text: list(engine.analyze(text=text, language="en"))
