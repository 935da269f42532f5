"""The stage ``train`` on challengers that are not fitted by a recipe: a stored model, brought scores, a command; and on parts."""

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from disclosure_reports import write_disclosure
from passed_reports import write_report
from sklearn.ensemble import HistGradientBoostingClassifier
from small_masked import CHALLENGER, small_context, write_masked, write_split

from tasks.datasets import hash_file, read_manifest, read_table
from tasks.errors import ModelError
from tasks.models import dump_model, open_model
from tasks.records import MeasuredEvidence, ModelCard
from tasks.stages import features, train

COMMAND = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
train, score = pq.read_table(sys.argv[1]), pq.read_table(sys.argv[2])
pq.write_table(pa.table({"row_key": score["row_key"], "score": [train.num_rows / 100] * score.num_rows}), sys.argv[3])
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with features of three days, of which the last is judged, and passed reports."""
    write_report(tmp_path, "masked", {"masked": write_masked(tmp_path).logical_hash})
    features.STAGE.run(small_context(tmp_path))
    write_report(tmp_path, "splits", {"splits/by_day": write_split(tmp_path).logical_hash})
    manifest = read_manifest(tmp_path / "data/features", made_by="features")
    write_report(tmp_path, "features", {"features": manifest.logical_hash})
    write_disclosure(tmp_path, {"features": manifest.logical_hash})
    return tmp_path


def make(root: Path, challenger: dict[str, Any]) -> ModelCard:
    train.STAGE.run(small_context(root, challenger=challenger))
    return open_model(root / "data/models", "challenger").card


def judged(root: Path) -> pa.Table:
    """The rows of the last day."""
    folder = root / "data/features"
    return read_table(folder, read_manifest(folder, made_by="features"), "features").slice(40)


def score_file(root: Path, table: pa.Table, view: str = "masked") -> dict[str, Any]:
    pq.write_table(table, root / "mine.parquet")
    return {"score_file": "mine.parquet", "sha256": hash_file(root / "mine.parquet"), "view": view}


def test_brought_scores_are_kept_as_they_were_brought(root: Path):
    """One score for each row of the judged part; the card says that nothing was computed here."""
    rows = judged(root)
    card = make(root, score_file(root, pa.table({"row_key": rows["row_key"], "score": np.linspace(0, 1, 20)}), "raw"))
    assert (card.basis, card.view, card.split, card.features, card.name) == ("score_file", "raw", None, (), "mine")
    found = open_model(root / "data/models", "challenger").score(rows.slice(3, 2), "binary")
    assert found.tolist() == pytest.approx([3 / 19, 4 / 19])
    assert sorted(path.name for path in (root / "data/models").iterdir()) == ["challenger.json", "challenger.parquet"]
    measured = MeasuredEvidence.from_json((root / "data/evidence/resources.json").read_bytes(), origin="test")
    assert (measured.inputs["models/challenger"], measured.measures) == (card.logical_hash, {})


def test_scores_of_other_rows_are_refused(root: Path):
    """The test part is what wants scores."""
    rows = judged(root)
    challenger = score_file(root, pa.table({"row_key": rows["row_key"].slice(5), "score": [0.5] * 15}))
    with pytest.raises(ModelError, match=r"score file mine\.parquet") as caught:
        make(root, challenger)
    assert caught.value.found == "5 rows missing, 0 that were not asked for, 0 repeated, of 15"


def test_a_file_that_changed_is_refused(root: Path):
    """The scores that are judged are those that params.yaml names."""
    challenger = score_file(root, pa.table({"row_key": judged(root)["row_key"], "score": [0.5] * 20}))
    with pytest.raises(ModelError, match=r"as params\.yaml says"):
        make(root, {**challenger, "sha256": "0" * 64})


def test_a_stored_model_challenges_too(root: Path):
    """It is scored here; which rows it was fitted on, nobody can know."""
    make(root, CHALLENGER)
    archive = dump_model(open_model(root / "data/models", "challenger").model)
    (root / "mine.skops").write_bytes(archive)
    card = make(root, {"model": "mine.skops", "sha256": hashlib.sha256(archive).hexdigest(), "view": "masked"})
    assert (card.role, card.basis, card.name, card.split) == ("challenger", "stored_model", "mine", None)


def test_a_stored_model_of_other_features_is_refused_before_anything_is_judged(root: Path):
    """It is tried on some rows."""
    model = HistGradientBoostingClassifier(max_iter=2).fit(np.random.default_rng(1).normal(size=(50, 2)), [0, 1] * 25)
    (root / "mine.skops").write_bytes(dump_model(model))
    with pytest.raises(ModelError, match="model HistGradientBoosting"):
        make(root, {"model": "mine.skops", "sha256": hash_file(root / "mine.skops"), "view": "masked"})


def test_a_command_is_given_labelled_rows_of_its_part(root: Path):
    """Forty rows of two days to learn from, twenty to score."""
    (root / "fit.py").write_text(COMMAND)
    challenger = {
        "command": [sys.executable, "fit.py", "{train}", "{score}", "{out}"],
        "files": {"fit.py": hash_file(root / "fit.py")},
        "split": "by_day",
        "part": "train",
    }
    card = make(root, challenger)
    assert (card.basis, card.split, card.part, card.rows, card.name) == ("command", "by_day", "train", 40, "fit")
    assert set(open_model(root / "data/models", "challenger").score(judged(root), "binary").tolist()) == {0.4}


def test_a_recipe_may_be_fitted_on_all_but_a_part(root: Path):
    """The card names the parts that it comes down to."""
    assert make(root, {**CHALLENGER, "part": "not test"}).parts == ("train",)


def test_another_kind_of_challenger_leaves_nothing_of_the_last(root: Path):
    """A model beside scores would leave it open which is judged."""
    make(root, score_file(root, pa.table({"row_key": judged(root)["row_key"], "score": [0.5] * 20})))
    make(root, CHALLENGER)
    kept = ["challenger.json", "challenger.skops", "refit.json", "refit.parquet"]
    assert sorted(path.name for path in (root / "data/models").iterdir()) == kept


def test_stored_scores_that_were_changed_are_refused(root: Path):
    """What is judged is what the card tells of."""
    make(root, score_file(root, pa.table({"row_key": judged(root)["row_key"], "score": [0.5] * 20})))
    path = root / "data/models/challenger.parquet"
    pq.write_table(pq.read_table(path).set_column(1, "score", pa.array([0.9] * 20)), path)
    with pytest.raises(ModelError, match="challenger in") as caught:
        open_model(root / "data/models", "challenger")
    assert caught.value.found == "other scores than its card tells of"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("b'nonsense\\n'", "no column score among 1"),
        ("bytes(range(256)) * 9", "a file that cannot be read (ArrowInvalid)"),
        ("b'row_key,score\\nx,0.5\\n'", "20 rows missing, 1 that were not asked for, 0 repeated, of 1"),
    ],
)
def test_a_command_that_writes_nonsense_is_one_clear_error(root: Path, written: str, found: str):
    """Nothing of it is kept."""
    (root / "fit.py").write_text(f"import sys; open(sys.argv[1], 'wb').write({written})")
    command = [sys.executable, "fit.py", "{out}", "{score}"]
    files = {"fit.py": hash_file(root / "fit.py")}
    with pytest.raises(ModelError, match="scores of the command") as caught:
        make(root, {"command": command, "files": files, "split": "by_day", "part": "train"})
    assert caught.value.found == found
    assert list((root / "data/models").glob("challenger*")) == []
