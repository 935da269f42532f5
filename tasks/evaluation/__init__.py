"""Champion and challenger on identical rows: metrics, slices, and intervals from a cluster bootstrap."""

from tasks.evaluation.blocks import summarise_blocks
from tasks.evaluation.bootstrap import percentile_interval
from tasks.evaluation.compare import MISSING, compare, read_scores, score_columns
from tasks.evaluation.contest import Contender, Contest, count_draws, hold_contest, require_measurable
from tasks.evaluation.curves import calibration_csv, roc_csv
from tasks.evaluation.drift import measure_part_drift, read_drift_reference
from tasks.evaluation.evidence import Evidence, open_evidence, read_features, refuse_training_rows
from tasks.evaluation.foretelling import foretell
from tasks.evaluation.metrics import METRICS, metric_named
from tasks.evaluation.noise import Rescoring, score_again, score_refit
from tasks.evaluation.own_metrics import load_metrics
from tasks.evaluation.panel import replicate_figures
from tasks.evaluation.planted import plant_failures
from tasks.evaluation.rows import PartRows, read_clusters, read_part, read_places, read_slice_values
from tasks.evaluation.summary import evidence_hashes, headline_metrics, summarise

__all__ = [
    "METRICS",
    "MISSING",
    "Contender",
    "Contest",
    "Evidence",
    "PartRows",
    "Rescoring",
    "calibration_csv",
    "compare",
    "count_draws",
    "evidence_hashes",
    "foretell",
    "headline_metrics",
    "hold_contest",
    "load_metrics",
    "measure_part_drift",
    "metric_named",
    "open_evidence",
    "percentile_interval",
    "plant_failures",
    "read_clusters",
    "read_drift_reference",
    "read_features",
    "read_part",
    "read_places",
    "read_scores",
    "read_slice_values",
    "refuse_training_rows",
    "replicate_figures",
    "require_measurable",
    "roc_csv",
    "score_again",
    "score_columns",
    "score_refit",
    "summarise",
    "summarise_blocks",
]
