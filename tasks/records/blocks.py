"""What a page needs to judge again: sums over blocks of rows, of which intervals are made by weighing whole blocks.

What belongs here: their form, small enough for a page. What does not: taking the sums (``tasks.evaluation``), and what a reader's
browser makes of them (``tasks.reporting``).
"""

import base64
from typing import TYPE_CHECKING, Literal, Self

from tasks.records.base import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WIDEST = 2**31 - 1
_STORED = {"int32": "<i4", "float64": "<f8"}


class PackedNumbers(Record):
    """Numbers in the order of their rows, little-endian, as base64: whole numbers in 4 bytes, others in 8."""

    kind: Literal["int32", "float64"]
    data: str

    @classmethod
    def pack(cls, values: "NDArray[np.float64]") -> Self:
        """Pack ``values``, losing nothing."""
        import numpy as np  # here, since every command imports the records

        is_whole = bool(np.all(values == np.rint(values)) and np.all(np.abs(values) <= _WIDEST))
        kind: Literal["int32", "float64"] = "int32" if is_whole else "float64"
        return cls(kind=kind, data=base64.b64encode(values.astype(_STORED[kind]).tobytes()).decode())

    def unpack(self) -> "NDArray[np.float64]":
        """The numbers in one row."""
        import numpy as np

        return np.frombuffer(base64.b64decode(self.data), _STORED[self.kind]).astype(np.float64)


class BlockFigure(Record):
    """One metric on all rows or one slice, by block: what its value is made of under any weighting of the blocks."""

    metric: str
    slice: str | None
    """``column=value``; None: all rows."""
    formula: str
    """How the sums of the blocks make the metric; ``area``: from pairs of blocks, the mean over classes. Of methods that resample
    nothing: ``decisions`` (right by both models, only the champion, only the challenger, neither) and ``area_variances``."""
    numbers: tuple[float, ...]
    """Those in the formula: beta's square, the costs of a false positive and of a false negative, or the variances of both areas
    (the challenger's first) and their covariance."""
    rows: int
    clusters: int
    """As many are drawn in a replicate."""
    members: tuple[int, ...]
    """How many clusters, in their order, each block is made of; a block weighs as much as they do on average."""
    columns: int
    """Sums per block."""
    sums: dict[str, tuple[PackedNumbers, ...]]
    """By role, one for each draw of folds (the metric is the mean over them): blocks x columns. Of an ``area`` the columns are the
    weights of positives and of negatives, class by class where there are several; of ``decisions`` the four counts, of ``both``."""
    pairs: dict[str, tuple[PackedNumbers, ...]] = {}
    """Of an ``area``: twice the pairs that each two blocks win over one another, ties counting half, for each block and those
    after it; class after class."""
    wins: dict[str, tuple[PackedNumbers, ...]] = {}
    """Of an ``area`` whose variance is asked for: twice the pairs that each block's positives win in all."""


class Unpublished(Record):
    """A metric on all rows or one slice of which a page holds no blocks, and why."""

    metric: str
    slice: str | None
    reason: str


class BlockEvidence(Record):
    """The blocks of everything that criteria ask of metrics, as far as they may be shown."""

    figures: tuple[BlockFigure, ...]
    unpublished: tuple[Unpublished, ...]
    cluster: str
    """What a cluster is: ``day``, ``row``, or an entity's column."""
    confidence: float
    """Of the intervals that are percentiles of the replicates themselves."""
    k: int
    """No sum is of fewer people."""
    has_weights: bool
