"""The base of all parameter sections, and references of the form ``table.column``."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen part of ``params.yaml`` that refuses keys it does not know, and numbers that are none.

    YAML knows ``.inf`` and ``.nan``: a margin without end could not fail.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, populate_by_name=True, allow_inf_nan=False)


def split_reference(reference: str) -> tuple[str, str]:
    """Split ``"table.column"`` into its two names; raises ``ValueError`` where it is not of that form."""
    table, dot, column = reference.partition(".")
    if not (table and dot and column):
        raise ValueError(f"{reference!r} is not of the form table.column")
    return table, column
