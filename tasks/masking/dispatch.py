"""One column of a table under its treatment: which transform is called, under which derived key, with which columns beside it.

What belongs here: from a treatment to a transform. What does not: the transforms (``transforms``, ``tokens``), and the table as
a whole (``table``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from tasks.errors import MaskingError
from tasks.masking.keyed_hash import Keys
from tasks.masking.policy import KEPT, Treatment
from tasks.masking.tokens import day_offsets, keyed_numbers, tokenise
from tasks.masking.transforms import (
    TEXT_KINDS,
    NamedColumn,
    add_noise,
    bucket,
    clip,
    constant,
    date_part,
    encrypt,
    fake,
    generalise,
    mask_text,
    redact,
    round_to,
    shift_days,
    shuffle,
)
from tasks.params.masking_rules import (
    BucketRule,
    ClipRule,
    ColumnRule,
    ConstantRule,
    DatePartRule,
    DateShiftRule,
    EncryptRule,
    FakeRule,
    GeneraliseRule,
    NoiseRule,
    RedactRule,
    RoundRule,
    ShuffleRule,
    TextRule,
)

_SHIFT_PURPOSE, _CIPHER_PURPOSE, _FAKE_PURPOSE, _NOISE_PURPOSE = "date_shift/", "ff1/", "fake/", "noise/"
_TEXT_PURPOSE = "text/"
"""Each keeps its key apart from that of the domain's tokens: no domain's name has a slash."""
_SHUFFLE_PURPOSES = ("shuffle/from/", "shuffle/to/")


@dataclass(frozen=True)
class Cells:
    """One column of a table, with what it is to become."""

    table_name: str
    table: pa.Table
    treatment: Treatment
    key: Keys

    @property
    def where(self) -> str:
        """table.column, for errors."""
        return f"{self.table_name}.{self.treatment.column}"

    @property
    def column(self) -> pa.ChunkedArray:
        """The raw values."""
        return self.table.column(self.treatment.column)

    def mask(self) -> pa.ChunkedArray:
        """The masked values. Raises :class:`~tasks.errors.MaskingError` on what the transform cannot read; never lets it pass."""
        try:
            return self._mask()
        except pa.ArrowInvalid:
            # Arrow's own message may show the value; most often it is text whose bytes are no UTF-8.
            raise MaskingError(
                f"masking {self.where}: {self.treatment.words}",
                found="a value that cannot be read, such as text whose bytes are no UTF-8 (a lone surrogate?)",
                expected="values that are what the column's type says",
                next_step=f"mend {self.where} in the lake, or drop the column under masking.tables in params.yaml",
            ) from None

    def _mask(self) -> pa.ChunkedArray:
        rule, domain = self.treatment.rule, self.treatment.domain
        match rule:
            case DateShiftRule():
                keyed = self.key.derive(f"{_SHIFT_PURPOSE}{domain}")
                days = day_offsets(self._beside(rule.per), keyed, rule.max_days, where=f"{self.table_name}.{rule.per}")
                masked = shift_days(self.column, days, where=self.where)
            case EncryptRule():
                masked = encrypt(self.column, rule, self.key.derive_cipher(f"{_CIPHER_PURPOSE}{domain}"), where=self.where)
            case FakeRule():
                masked = fake(self.column, rule, self.key.derive(f"{_FAKE_PURPOSE}{domain}"), where=self.where)
            case NoiseRule():
                masked = add_noise(self.column, rule, self._rows(rule.per, _NOISE_PURPOSE), where=self.where)
            case ShuffleRule():
                sources, targets = (self._rows(rule.per, purpose) for purpose in _SHUFFLE_PURPOSES)
                within = [self._beside(name) for name in rule.within]
                masked = shuffle(self.column, sources, targets, within, where=self.where)
            case TextRule():
                own = {kind: self.key.derive(f"{_TEXT_PURPOSE}{kind}") for kind in TEXT_KINDS}
                masked = mask_text(self.column, rule, self._named(rule), own, where=self.where)
            case _ if self.treatment.transform == KEPT:
                masked = self.column
            case _ if domain is not None:
                masked = tokenise(self.column, self.key.derive(domain), where=self.where)
            case _:
                masked = _mask_without_key(self.column, rule, self.where)
        return masked

    def fake_numbers(self) -> pa.ChunkedArray:
        """For a faked column, the keyed number (uint64) of each value, of which the list's entry is picked."""
        return keyed_numbers({self.where: self.column}, self.key.derive(f"{_FAKE_PURPOSE}{self.treatment.domain}"))

    def _rows(self, names: Sequence[str], purpose: str) -> pa.ChunkedArray:
        """A keyed number for each row, by the columns ``names``, under a key of this column's own."""
        columns = {f"{self.table_name}.{name}": self._beside(name) for name in names}
        return keyed_numbers(columns, self.key.derive(f"{purpose}{self.where}"))

    def _named(self, rule: TextRule) -> list[NamedColumn]:
        """The columns that a text may mention, each with the key of its domain."""
        domains = (self.treatment.domain or "").split("\n")
        return [
            NamedColumn(name, self._beside(name), self.key.derive(domain))
            for name, domain in zip(rule.names_in, domains, strict=False)
        ]

    def _beside(self, name: str) -> pa.ChunkedArray:
        """The column ``name``, which the transform reads beside its own."""
        if name not in self.table.column_names:
            raise MaskingError(
                f"masking {self.where}: {self.treatment.transform} per {name}",
                found=f"columns {', '.join(self.table.column_names)}",
                expected=f"the column {name} beside it",
                next_step=f"read {name} with it, or choose another transform under masking.tables in params.yaml",
            )
        return self.table.column(name)


def _mask_without_key(column: pa.ChunkedArray, rule: ColumnRule | None, where: str) -> pa.ChunkedArray:
    match rule:
        case RedactRule():
            masked = redact(column)
        case ConstantRule():
            masked = constant(column, rule)
        case GeneraliseRule():
            masked = generalise(column, rule, where=where)
        case BucketRule():
            masked = bucket(column, rule, where=where)
        case RoundRule():
            masked = round_to(column, rule, where=where)
        case ClipRule():
            masked = clip(column, rule, where=where)
        case DatePartRule():
            masked = date_part(column, rule.part, where=where)
        case _:
            raise AssertionError(f"{where}: no transform")
    return masked
