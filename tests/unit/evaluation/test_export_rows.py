"""Rows for a score file: the features of a part, and no label of a row that is judged."""

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from toy_evidence import PARTS, PER_DAY, make_params, toy_rows, write_reports, write_toy

from tasks.errors import EvaluationError
from tasks.export import export_rows

COLUMNS = ["row_key", "at_utc", *make_params().features.columns]


@pytest.fixture
def paths(tmp_path):
    made = write_toy(tmp_path / "project", toy_rows())
    write_reports(made)
    return made


def test_the_judged_part_is_written_without_its_labels(paths, tmp_path):
    """All of its rows, labelled or not."""
    export_rows(paths, make_params(), tmp_path / "rows.parquet")
    found = pq.read_table(tmp_path / "rows.parquet")
    assert (found.num_rows, found.column_names) == (PARTS["test"] * PER_DAY, COLUMNS)
    assert found["at_utc"].to_pylist() == sorted(found["at_utc"].to_pylist())


def test_training_rows_may_carry_their_labels(paths, tmp_path):
    """As CSV too, for a program that reads nothing else."""
    export_rows(paths, make_params(), tmp_path / "rows.csv", part="train", with_label=True)
    found = pyarrow.csv.read_csv(tmp_path / "rows.csv")
    assert (found.num_rows, found.column_names) == (PARTS["train"] * PER_DAY, [*COLUMNS, "label"])


@pytest.mark.parametrize(
    ("split", "part", "found"),
    [("by_time", "test", "rows of the judged part"), ("by_time", "not train", "rows of the judged part")],
)
def test_labels_of_judged_rows_are_refused(paths, tmp_path, split, part, found):
    """By whatever name; nothing is written."""
    with pytest.raises(EvaluationError) as caught:
        export_rows(paths, make_params(), tmp_path / "rows.parquet", split=split, part=part, with_label=True)
    assert found in caught.value.found
    assert not (tmp_path / "rows.parquet").exists()


def test_labels_of_a_test_part_are_refused_while_another_is_judged(paths, tmp_path):
    """What is spent cannot be had back."""
    params = make_params()
    params = params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"part": "validation"})})
    with pytest.raises(EvaluationError, match="labels of test"):
        export_rows(paths, params, tmp_path / "rows.parquet", part="test", with_label=True)


@pytest.mark.parametrize(("split", "part"), [("by_moon", None), ("by_time", "fold_1")])
def test_a_part_that_is_not_there_is_refused(paths, tmp_path, split, part):
    """With those that are."""
    with pytest.raises(EvaluationError) as caught:
        export_rows(paths, make_params(), tmp_path / "rows.parquet", split=split, part=part)
    assert "by_time" in caught.value.expected or "train, validation, test" in caught.value.expected
