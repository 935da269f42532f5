"""What a past verdict was judged on, as a run's results keep it: passed reports, and one comparison per metric of the demo."""

from tasks.gates import SUBJECTS
from tasks.paths import ProjectPaths
from tasks.records import Comparison, Evaluation, ExpectationOutcome, Interval, ModelCard, SuiteOutcome, ValidationReport

DATASETS = {
    "raw": "snapshots",
    "masked": "masked",
    "splits": "splits/by_time",
    "features": "features",
    "predictions": "predictions",
}


def _card(role):
    fields = dict.fromkeys(("split", "part", "rows", "seed", "logical_hash"))
    return ModelCard(
        **fields, role=role, name=role, basis="recipe", estimator="a.model", parameters="{}", view="masked", features=()
    )


def _comparison(delta):
    low, high = delta
    middle = (low + high) / 2
    at = {name: Interval(low=0.69 + shift, high=0.71 + shift, confidence=0.95) for name, shift in (("was", 0), ("now", middle))}
    return Comparison(
        metric="roc_auc",
        direction="higher_is_better",
        slice_column=None,
        slice_value=None,
        rows=10_000,
        positives=2_000,
        clusters=20,
        champion=0.70,
        challenger=0.70 + middle,
        delta=middle,
        champion_interval=at["was"],
        challenger_interval=at["now"],
        delta_interval=Interval(low=low, high=high, confidence=0.95),
        reason="",
    )


def store_evidence(results, delta):
    """Write it below ``results``; ``delta`` is the interval of the difference in ROC AUC."""
    paths = ProjectPaths(results / "evidence")
    evaluation = Evaluation(
        split="by_time",
        part="test",
        rows=10_000,
        days=20,
        unlabelled_rows=0,
        unscored_rows=0,
        from_utc="2013-09-01T00:00:00Z",
        to_utc="2013-09-20T23:00:00Z",
        champion=_card("champion"),
        challenger=_card("challenger"),
        judged="recipe",
        interval_method="cluster_bootstrap",
        cluster="day",
        replicates=2000,
        confidence=0.95,
        seeds={},
        comparisons=(_comparison(delta),),
        missing_slices=(),
        inputs=dict.fromkeys(DATASETS.values(), "f" * 64),
    )
    paths.evaluation_report.parent.mkdir(parents=True)
    paths.evaluation_report.write_text(evaluation.to_json())
    paths.validation_reports.mkdir()
    outcome = ExpectationOutcome(
        expectation="e", column=None, severity="critical", is_passed=True, element_count=1, unexpected_count=0, reason=""
    )
    suite = SuiteOutcome(suite="s", table="t", period="all", rows=1, is_passed=True, reuse_key="", expectations=(outcome,))
    for subject in SUBJECTS:
        inputs = {DATASETS[subject]: "f" * 64}
        report = ValidationReport(subject=subject, is_passed=True, engine="x", inputs=inputs, suites=(suite,), findings=())
        paths.validation_report(subject).write_text(report.to_json())
