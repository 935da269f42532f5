"""Transforms of one column, each from Arrow to Arrow, by family.

What belongs here: what each transform does to values. What does not: which column gets which (``tasks.masking.policy``), and
tokens (``tasks.masking.tokens``). NULL stays NULL throughout. ``where`` is table.column, for errors, which never show a value.
No transform looks at another row, but those that say so: a row's result is the same in any batch, on any engine.
"""

from tasks.masking.transforms.constants import REDACTED, constant, redact
from tasks.masking.transforms.dates import date_part, shift_days
from tasks.masking.transforms.encryption import decrypt, encrypt
from tasks.masking.transforms.fakes import fake
from tasks.masking.transforms.generalisation import generalise
from tasks.masking.transforms.noise import add_noise
from tasks.masking.transforms.numbers import bucket, clip, round_to
from tasks.masking.transforms.shuffling import shuffle
from tasks.masking.transforms.text import TEXT_KINDS, NamedColumn, mask_text

__all__ = [
    "REDACTED",
    "TEXT_KINDS",
    "NamedColumn",
    "add_noise",
    "bucket",
    "clip",
    "constant",
    "date_part",
    "decrypt",
    "encrypt",
    "fake",
    "generalise",
    "mask_text",
    "redact",
    "round_to",
    "shift_days",
    "shuffle",
]
