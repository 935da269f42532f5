"""The record that all others are: frozen, with one stable JSON form.

What belongs here: the base, its JSON, and the words that several records share. What does not: any noun of its own. Times are UTC
and written as RFC 3339 with ``Z``; hashes are lower-case hexadecimal SHA-256.
"""

import json
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.errors import DatasetError

View = Literal["raw", "masked"]
Direction = Literal["higher_is_better", "lower_is_better"]


class Record(BaseModel):
    """A frozen record; its JSON has sorted keys, so that equal records are equal bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null", protected_namespaces=())

    def to_json(self) -> str:
        """The record as indented JSON with sorted keys and a final newline; NaN and infinities become null."""
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, origin: str) -> Self:
        """Read a record; ``origin`` names the file in the error. Raises :class:`~tasks.errors.DatasetError`."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise DatasetError(
                origin,
                found=f"{where}: {first['msg']}",
                expected=f"a {cls.__name__} record of this version",
                next_step="make it again with `dvc repro`; if it was edited by hand, restore it",
            ) from None
