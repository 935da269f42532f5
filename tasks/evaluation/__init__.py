"""Champion and challenger on identical rows: metrics, slices, and intervals from a cluster bootstrap."""

from tasks.evaluation.compare import MISSING, compare
from tasks.evaluation.contest import Contender, Contest, count_draws, hold_contest, require_measurable
from tasks.evaluation.curves import calibration_csv, roc_csv
from tasks.evaluation.evidence import Evidence, open_evidence, read_features, refuse_training_rows
from tasks.evaluation.metrics import METRICS
from tasks.evaluation.planted import plant_failures
from tasks.evaluation.rows import PartRows, read_part, read_slice_values
from tasks.evaluation.summary import evidence_hashes, headline_metrics, summarise

__all__ = [
    "METRICS",
    "MISSING",
    "Contender",
    "Contest",
    "Evidence",
    "PartRows",
    "calibration_csv",
    "compare",
    "count_draws",
    "evidence_hashes",
    "headline_metrics",
    "hold_contest",
    "open_evidence",
    "plant_failures",
    "read_features",
    "read_part",
    "read_slice_values",
    "refuse_training_rows",
    "require_measurable",
    "roc_csv",
    "summarise",
]
