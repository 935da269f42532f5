"""The stage ``train`` on small features: what it writes, and refuses."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from disclosure_reports import write_disclosure
from passed_reports import write_report
from small_masked import CHALLENGER, small_context, write_masked, write_split

from tasks.datasets import read_manifest
from tasks.errors import DatasetError, EvidenceError, ModelError
from tasks.models import read_model
from tasks.records import MeasuredEvidence
from tasks.stages import features, train

REFIT = ["refit.json", "refit.parquet"]
BOTH = ["challenger.json", "challenger.skops", "champion.json", "champion.skops", *REFIT]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with features of three days, a split, and passed reports on both."""
    _make(tmp_path)
    return tmp_path


def _make(root: Path, days: int = 3, split_days: int | None = None, **split: Any) -> None:
    write_report(root, "masked", {"masked": write_masked(root, days=days).logical_hash})
    features.STAGE.run(small_context(root))
    made = write_split(root, days=split_days or days, **split)
    write_report(root, "splits", {"splits/by_day": made.logical_hash})
    manifest = read_manifest(root / "data/features", made_by="features")
    write_report(root, "features", {"features": manifest.logical_hash})
    write_disclosure(root, {"features": manifest.logical_hash})


def _files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((root / "data/models").iterdir())}


def test_a_champion_of_logged_scores_needs_no_model(root: Path):
    """Only the challenger is fitted, on the labelled rows of its part."""
    train.STAGE.run(small_context(root))
    assert list(_files(root)) == ["challenger.json", "challenger.skops", *REFIT]
    _, card = read_model(root / "data/models", "challenger")
    assert (card.split, card.part, card.rows, card.view, card.features) == (
        "by_day",
        "train",
        40,
        "masked",
        ("city", "length", "rain"),
    )


def test_what_the_challenger_takes_is_evidence_of_it(root: Path):
    """Exact, of its very hash, and the same to the byte in a second run."""
    train.STAGE.run(small_context(root))
    path = root / "data/evidence/resources.json"
    found = MeasuredEvidence.from_json(path.read_bytes(), origin="test")
    _, card = read_model(root / "data/models", "challenger")
    assert found.inputs == {**card.made_with, "models/challenger": card.logical_hash}
    assert {name: (m.low, m.value, m.high, m.count) for name, m in found.measures.items() if name != "model_bytes"} == {
        "features": (3, 3, 3, 1),
        "fitted_rows": (40, 40, 40, 1),
    }
    assert (found.measures["model_bytes"].value or 0) > (root / "data/models/challenger.skops").stat().st_size
    before = path.read_bytes()
    train.STAGE.run(small_context(root))
    assert path.read_bytes() == before


def test_the_same_inputs_give_the_same_bytes(root: Path):
    """Model and card are equal to the byte in a second run."""
    train.STAGE.run(small_context(root))
    before = _files(root)
    train.STAGE.run(small_context(root))
    assert _files(root) == before


def test_a_champion_that_is_a_recipe_is_fitted_too(root: Path):
    """On the same rows and the same view; equal recipes are equal models."""
    train.STAGE.run(small_context(root, champion=CHALLENGER))
    files = _files(root)
    assert list(files) == BOTH
    assert files["champion.skops"] == files["challenger.skops"]
    _, card = read_model(root / "data/models", "champion")
    assert (card.role, card.basis) == ("champion", "recipe")


def test_a_stored_champion_is_taken_over(root: Path):
    """It is scored as it is: basis and view say so, and who made it is not claimed."""
    train.STAGE.run(small_context(root))
    archive = _files(root)["challenger.skops"]
    (root / "production.skops").write_bytes(archive)
    champion = {"model": "production.skops", "sha256": hashlib.sha256(archive).hexdigest(), "view": "masked"}
    train.STAGE.run(small_context(root, champion=champion))
    _, card = read_model(root / "data/models", "champion")
    assert (card.name, card.basis, card.view, card.rows, card.seed) == ("production", "stored_model", "masked", None, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"view": "raw"}, "log its scores"), ({"sha256": "0" * 64}, "hash"), ({"model": "gone"}, "no such file")],
)
def test_a_stored_champion_that_cannot_be_scored_here_is_refused(root: Path, change, message):
    """The raw view, another file than the named one, or none."""
    train.STAGE.run(small_context(root))
    archive = _files(root)["challenger.skops"]
    (root / "production.skops").write_bytes(archive)
    champion = {"model": "production.skops", "sha256": hashlib.sha256(archive).hexdigest(), "view": "masked"} | change
    with pytest.raises(ModelError, match=message):
        train.STAGE.run(small_context(root, champion=champion))


def test_a_failure_leaves_no_model_of_before(root: Path):
    """After a challenger that cannot be fitted nobody takes the last one for it."""
    train.STAGE.run(small_context(root))
    broken = {**CHALLENGER, "parameters": {"learning_rate": -1.0}}
    with pytest.raises(ModelError):
        train.STAGE.run(small_context(root, challenger=broken))
    assert _files(root) == {}


def test_a_champions_recipe_on_another_split_is_refused(root: Path):
    """Two recipes are compared on the same rows, or not at all."""
    with pytest.raises(ModelError, match="split"):
        train.STAGE.run(small_context(root, champion={**CHALLENGER, "split": "by_city"}))


@pytest.mark.parametrize("subject", ["features", "splits"])
def test_a_report_on_other_data_is_no_permission(root: Path, subject):
    """Features or a split that changed after they were validated are not trained on."""
    path = root / f"data/validation/{subject}.json"
    report = json.loads(path.read_text())
    report["inputs"] = dict.fromkeys(report["inputs"], "0" * 64)
    path.write_text(json.dumps(report))
    with pytest.raises(EvidenceError, match=subject):
        train.STAGE.run(small_context(root))


def test_no_report_is_no_permission(root: Path):
    """A missing report denies."""
    (root / "data/validation/splits.json").unlink()
    with pytest.raises(EvidenceError, match="splits"):
        train.STAGE.run(small_context(root))


@pytest.mark.parametrize("made", [{"days": 1, "split_days": 2}, {"snapshots": "9" * 64}], ids=["rows", "provenance"])
def test_a_split_of_another_snapshot_is_refused(tmp_path: Path, made):
    """Rows of the split without features, or provenance that differs."""
    _make(tmp_path, **made)
    with pytest.raises(DatasetError):
        train.STAGE.run(small_context(tmp_path))
