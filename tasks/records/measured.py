"""What a stage measured of a candidate beside its figures on the judged rows: latency, robustness, resources, and what comes later.

What belongs here: named measures with intervals, and what they were measured on. What does not: any one kind's own measuring, and
limits (``gates.criteria``). A stage writes one record as ``data/evidence/<kind>.json``; the gate reads whatever lies there.
"""

from typing import Annotated, Literal

from pydantic import Field

from tasks.records.base import Record

EvidenceKind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=50)]
"""The kind's name, which is its file's too."""


class Measure(Record):
    """One measured number; None is one that is no number (JSON knows neither NaN nor infinities), and is never judged."""

    value: float | None
    low: float | None
    """The interval's lower end, at the evidence's confidence; the value itself where it is exact."""
    high: float | None
    count: int = Field(ge=0)
    """How many requests, rows, trials the number rests on; 1 for what is read off."""
    unit: str = Field(max_length=40)
    """As it is shown beside the number; empty for a number without one."""


class MeasuredEvidence(Record):
    """What one stage measured of one candidate."""

    schema_version: Literal[1] = 1
    kind: EvidenceKind
    inputs: dict[str, str]
    """Logical hashes of what it was measured on, named as a verdict's inputs are: ``models/challenger``, or ``predictions`` where
    the challenger is no model; and, as ``params/<stage>``, of the parameters that each stage before it was run with."""
    confidence: float | None = Field(gt=0.5, lt=1)
    """Two-sided, of all intervals; None where every measure is exact."""
    measures: dict[str, Measure]
