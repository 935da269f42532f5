"""Lists of made-up values that come with the package.

What belongs here: the lists, put together from ``fakes_v1.json``, whose words were chosen for this purpose. What does not: which
entry a value gets (``transforms.fakes``). An entry's place is part of every fake ever given out: the file is never edited, and its
hash is held below; other words come under other names, in another file.
"""

import hashlib
import json
from functools import cache
from itertools import product
from pathlib import Path

from tasks.errors import MaskingError

_WORDS = Path(__file__).with_name("fakes_v1.json")
_SHA256 = "85bf8a6c2ef0f56af8db91c3beafc7b7f9459c681669f4ed65bd900383778356"


@cache
def list_entries(name: str) -> tuple[str, ...]:
    """The entries of the list ``name``, in their order. Raises :class:`~tasks.errors.MaskingError` where its words were changed."""
    words = _read_words()
    given, family = words["given"], words["family"]
    # example.com belongs to nobody (RFC 2606): no mail to it reaches a person.
    lists = {
        "given_name": lambda: given,
        "family_name": lambda: family,
        "full_name": lambda: [" ".join(names) for names in product(given, family)],
        "email": lambda: [f"{one}.{other}{n}@example.com".lower() for one, other, n in product(given, family, range(10))],
        "town": lambda: ["".join(parts) for parts in product(words["town_begins"], words["town_ends"])],
        "street": lambda: ["".join(parts) for parts in product(words["streets"], words["street_kinds"])],
        "company": lambda: [" ".join(parts) for parts in product(family, words["trades"])],
    }
    return tuple(lists[name]())


@cache
def _read_words() -> dict[str, list[str]]:
    content = _WORDS.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != _SHA256:
        raise MaskingError(
            f"lists of fakes ({_WORDS.name})",
            found=f"sha256 {found}",
            expected=f"sha256 {_SHA256}: other words would give other fakes",
            next_step="install the package again",
        )
    words: dict[str, list[str]] = json.loads(content)
    return words
