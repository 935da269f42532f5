"""Evidence, made up: an evaluation with one comparison unless said otherwise, passed reports, one criterion."""

from tasks.gates import SUBJECTS, Provenance
from tasks.params.judging import GatesParams
from tasks.records import Comparison, Evaluation, ExpectationOutcome, Finding, Interval, ModelCard, SuiteOutcome, ValidationReport

EXAMINED = {
    "raw": "snapshots",
    "masked": "masked",
    "splits": "splits/by_time",
    "features": "features",
    "predictions": "predictions",
}
"""Subject of a validation report -> the dataset that it is of."""


def interval(low, high):
    return Interval(low=low, high=high, confidence=0.95)


def comparison(**changes):
    """ROC AUC on 10,000 rows of 20 days, over no noise; the challenger is better by 0.02 (0.01 to 0.03)."""
    fields = {
        "metric": "roc_auc",
        "direction": "higher_is_better",
        "slice_column": None,
        "slice_value": None,
        "rows": 10_000,
        "positives": 2_000,
        "clusters": 20,
        "champion": 0.70,
        "challenger": 0.72,
        "delta": 0.02,
        "champion_interval": interval(0.69, 0.71),
        "challenger_interval": interval(0.71, 0.73),
        "delta_interval": interval(0.01, 0.03),
        "reason": "",
        "noise_floor": 0.0,
    }
    return Comparison(**fields | changes)


def difference(low, high, **changes):
    """A comparison whose difference lies in the middle of ``low`` to ``high``."""
    middle = (low + high) / 2
    return comparison(delta=middle, challenger=0.7 + middle, delta_interval=interval(low, high), **changes)


def card(role, **changes):
    fields = {
        "role": role,
        "name": role,
        "basis": "recipe" if role == "challenger" else "logged_scores",
        "estimator": "a.model",
        "parameters": "{}",
        "view": "masked" if role == "challenger" else "raw",
        "split": None,
        "part": None,
        "rows": None,
        "features": (),
        "seed": 7 if role == "challenger" else None,
        "logical_hash": None,
    }
    return ModelCard(**fields | changes)


def evaluation(*comparisons, **changes):
    fields = {
        "split": "by_time",
        "part": "test",
        "rows": 10_000,
        "days": 20,
        "unlabelled_rows": 0,
        "unscored_rows": 0,
        "from_utc": "2013-09-01T00:00:00Z",
        "to_utc": "2013-09-20T23:00:00Z",
        "champion": card("champion"),
        "challenger": card("challenger"),
        "judged": "recipe",
        "interval_method": "cluster_bootstrap",
        "cluster": "day",
        "replicates": 2000,
        "confidence": 0.95,
        "seeds": {"evaluation": 5},
        "comparisons": comparisons or (comparison(),),
        "missing_slices": (),
        "inputs": dict.fromkeys(EXAMINED.values(), "f" * 64),
    }
    return Evaluation(**fields | changes)


def report(subject, **changes):
    outcome = ExpectationOutcome(
        expectation="e", column=None, severity="critical", is_passed=True, element_count=1, unexpected_count=0, reason=""
    )
    suite = SuiteOutcome(suite="s", table="t", period="all", rows=1, is_passed=True, reuse_key="", expectations=(outcome,))
    inputs = {EXAMINED[subject]: "f" * 64}
    fields = {"subject": subject, "is_passed": True, "engine": "x", "inputs": inputs, "suites": (suite,), "findings": ()}
    return ValidationReport(**fields | changes)


def finding():
    return Finding(kind="leak", name="by_time", is_blocking=True, found="3 rows", expected="none")


def reports(**changes):
    return {subject: report(subject) for subject in SUBJECTS} | changes


def gates(**criteria):
    """Criteria by name; ``metric`` (roc_auc), ``min_rows`` (1,000), ``critical`` (true) and ``method`` need not be given.

    The method is the one whose interval is the comparison's own, so that a test can set it.
    """
    default = {"metric": "roc_auc", "min_rows": 1000, "critical": True, "method": "cluster_bootstrap"}
    full = {name: c if "evidence" in c else default | c for name, c in (criteria or {"ranking": {"margin": 0.005}}).items()}
    return GatesParams(max_age_days=7, criteria=full)


def provenance():
    return Provenance(split="by_time", part="test", params_hash="p" * 64, inputs={"pin": "a" * 64}, seeds={"root": 1})
