"""What the small projects share whose raw snapshot has passed: the stages ``mask`` and ``split`` start from it."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.records import ExpectationOutcome, SuiteOutcome, ValidationReport
from tasks.stages import StageContext

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
MOMENT = pa.timestamp("us", "UTC")
SNAPSHOT_ABOUT = {"pin": "p", "as_of_utc": "2024-06-01T00:00:00Z", "purpose": "test", "view": "raw"}


def raw_project_params(tables: dict[str, Any], key_file: str, score: str, version: str) -> dict[str, Any]:
    """Parameters with ``tables`` in the snapshot and the sections that these stages read past; the caller adds the others."""
    return {
        "schema_version": 1,
        "seed": 1,
        "snapshot": {"lake": "lake", "as_of_utc": SNAPSHOT_ABOUT["as_of_utc"], "purpose": "test", "tables": tables},
        "masking": {"key": {"env": "WT_TEST_KEY", "file": key_file, "id": "test-1"}},
        "models": {
            "champion": {"scores": score, "version": version},
            "challenger": {"estimator": "sklearn.dummy.DummyClassifier", "split": "by_time", "part": "train"},
        },
        "evaluation": {
            "split": "by_time",
            "part": "test",
            "metrics": ["roc_auc"],
            "interval": {"method": "cluster_bootstrap", "cluster": "day", "replicates": 100, "confidence": 0.95},
        },
        "gates": {"max_age_days": 7, "criteria": {"validation": {"evidence": "validation", "critical": True}}},
    }


class RawProject:
    """A project in ``root`` with the parameters ``content``, which a test may change."""

    def __init__(self, root: Path, content: dict[str, Any]) -> None:
        self.paths = ProjectPaths(root)
        (root / "tasks/stages").mkdir(parents=True)  # as in a clone, which has no version lock
        self.content = yaml.safe_load(yaml.safe_dump(content))

    def write_params(self) -> None:
        self.paths.params.write_text(yaml.safe_dump(self.content))

    @property
    def context(self) -> StageContext:
        return StageContext(self.paths, load_params(self.paths.params))

    def report(self, *, is_passed: bool, examined: str) -> None:
        """Write the validation report of the raw data."""
        outcome = ExpectationOutcome(
            expectation="e", column="c", severity="critical", is_passed=is_passed, element_count=1, unexpected_count=0, reason=""
        )
        suite = SuiteOutcome(suite="s", table="t", period="all", rows=1, is_passed=is_passed, reuse_key="", expectations=(outcome,))
        report = ValidationReport(
            subject="raw", is_passed=is_passed, engine="e", inputs={"snapshots": examined}, suites=(suite,), findings=()
        )
        path = self.paths.validation_report("raw")
        path.parent.mkdir(exist_ok=True)
        path.write_text(report.to_json())
