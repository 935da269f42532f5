"""Champion and challenger on identical rows: metrics, slices, and intervals from a cluster bootstrap."""

from tasks.evaluation.compare import MISSING, compare
from tasks.evaluation.contest import Contender, Contest, headline_metrics, hold_contest, summarise
from tasks.evaluation.curves import calibration_csv, roc_csv
from tasks.evaluation.evidence import Evidence, PartRows, open_evidence, read_part, read_slice_values, refuse_training_rows
from tasks.evaluation.metrics import METRICS, metric_named

__all__ = [
    "METRICS",
    "MISSING",
    "Contender",
    "Contest",
    "Evidence",
    "PartRows",
    "calibration_csv",
    "compare",
    "headline_metrics",
    "hold_contest",
    "metric_named",
    "open_evidence",
    "read_part",
    "read_slice_values",
    "refuse_training_rows",
    "roc_csv",
    "summarise",
]
