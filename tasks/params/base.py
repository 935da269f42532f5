"""The base of all parameter sections, what a hash of them is of, and references of the form ``table.column``."""

import unicodedata
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializationInfo, SerializerFunctionWrapHandler, WrapSerializer

_SPELLED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "œ": "oe", "ł": "l", "đ": "d"}
)


class Section(BaseModel):
    """A frozen part of ``params.yaml`` that refuses keys it does not know, and numbers that are none.

    YAML knows ``.inf`` and ``.nan``: a margin without end could not fail.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, populate_by_name=True, allow_inf_nan=False)


_STATED = "stated"
"""Tells a field that it is written down for a hash."""


def _as_pairs(value: dict[str, Any], write: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
    written = write(value)
    return list(written.items()) if info.context == _STATED else written


IN_ORDER = WrapSerializer(_as_pairs)
"""Marks a mapping whose order changes what comes out, as that of features does for a model that draws some of them."""

EDITION = 1
"""Of defaults and meanings: a release that changes one of them raises it (decision 0041)."""


def stated(section: Section, exclude: set[str] | None = None) -> dict[str, Any]:
    """What ``section`` says, as a hash or a signature is of it: the edition, and every value that is not its default.

    A key that a later release adds is at its default in all that was written before, and changes nothing here. A default that is
    changed raises the edition, and so changes everything: what is left out would mean another value. A mapping is marked
    :data:`IN_ORDER` where its order says something, and is a list of pairs here: a hash sorts the names of any other.
    """
    said = section.model_dump(mode="json", exclude_defaults=True, exclude=exclude, context=_STATED)
    return {"edition": EDITION, "values": said}


def spell_plainly(text: str) -> str:
    """``text`` in lower case with letters of the English alphabet for accented ones, where names hold no others."""
    spelled = unicodedata.normalize("NFC", text).lower().translate(_SPELLED)
    return "".join(letter for letter in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(letter))


def split_reference(reference: str) -> tuple[str, str]:
    """Split ``"table.column"`` into its two names; raises ``ValueError`` where it is not of that form."""
    table, dot, column = reference.partition(".")
    if not (table and dot and column):
        raise ValueError(f"{reference!r} is not of the form table.column")
    return table, column
