"""Champion and challenger on identical rows: metrics, slices, and intervals from a cluster bootstrap."""

from tasks.evaluation.compare import MISSING, compare

__all__ = ["MISSING", "compare"]
