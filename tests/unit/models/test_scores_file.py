"""Scores that somebody brings: every judged row once, numbers that are scores, or a refusal with counts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tasks.errors import ModelError
from tasks.models.scores import beside, count_draws, join_scores, look_up_scores, read_scores_file

WANTED = pa.chunked_array([[f"k{number}" for number in range(10)]])
KEYS = [f"k{number}" for number in reversed(range(10))]


def rows(**changes) -> pa.Table:
    return pa.table({"row_key": KEYS, "score": np.linspace(0, 1, 10)} | changes)


def read(folder: Path, table: pa.Table, *, suffix="parquet", task="binary", classes=(), key=("id",)) -> pa.Table:
    path = folder / f"scores.{suffix}"
    pq.write_table(table, path) if suffix == "parquet" else pa.csv.write_csv(table, path)
    return read_scores_file(path, WANTED, key, task=task, classes=classes, what="score file scores")


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_scores_come_in_the_order_of_the_rows_that_were_asked_for(tmp_path, suffix):
    """Whatever the order in the file."""
    found = read(tmp_path, rows(), suffix=suffix)
    assert found.column("row_key").to_pylist() == WANTED.to_pylist()
    assert found.column("score").to_pylist() == pytest.approx(list(np.linspace(1, 0, 10)))


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_rows_may_be_known_by_the_key_columns_of_the_masked_rows(tmp_path, suffix):
    """A composite key is put together as Windtunnel does; digits stay the text that they are."""
    table = pa.table({"shop": ["01", "02"], "order": ["7", "8|x"], "score": [0.25, 0.5]})
    path = tmp_path / f"s.{suffix}"
    pq.write_table(table, path) if suffix == "parquet" else pa.csv.write_csv(table, path)
    wanted = pa.chunked_array([["02|8\\|x", "01|7"]])
    found = read_scores_file(path, wanted, ("shop", "order"), task="binary", classes=(), what="s")
    assert found.column("score").to_pylist() == [0.5, 0.25]


def test_each_class_has_a_column(tmp_path):
    """Columns are found by the names of classes."""
    table = pa.table({"row_key": KEYS, "score_b": [0.75] * 10, "score_a": [0.25] * 10})
    found = read(tmp_path, table, task="multiclass", classes=("a", "b"))
    assert look_up_scores(found, WANTED.slice(0, 2), task="multiclass", classes=("a", "b")).tolist() == [[0.25, 0.75]] * 2


def test_a_predicted_number_may_be_any(tmp_path):
    """Only probabilities end at 1."""
    assert read(tmp_path, rows(score=np.arange(10.0) * -7), task="regression").column("score")[0].as_py() == -63


FAULTS = {
    "missing": (rows().slice(3), "3 rows missing, 0 that were not asked for, 0 repeated, of 7"),
    "extra": (rows(row_key=["x", *KEYS[1:]]), "1 rows missing, 1 that were not asked for, 0 repeated, of 10"),
    "duplicate": (pa.concat_tables([rows(), rows().slice(0, 2)]), "0 rows missing, 0 that were not asked for, 2 repeated, of 12"),
    "no rows": (rows().slice(0, 0), "10 rows missing"),
    "NaN": (rows(score=[float("nan"), *[0.5] * 9]), "1 rows with a score that is missing, NaN or infinite"),
    "NULL": (rows(score=pa.array([None, None, *[0.5] * 8])), "2 rows with a score that is missing, NaN or infinite"),
    "infinite": (rows(score=[float("inf"), *[0.5] * 9]), "1 rows with a score that is missing, NaN or infinite"),
    "no probability": (rows(score=[1.5, -0.1, *[0.5] * 8]), "2 rows with a score outside of 0 to 1"),
    "text": (rows(score=["high"] * 10), "the column score of type string"),
    "no score": (rows().drop_columns(["score"]), "no column score among 1"),
    "no key": (rows().drop_columns(["row_key"]), "key column id: no such column"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_with_counts(tmp_path, fault):
    """Nothing is filled in, left out or taken twice."""
    table, found = FAULTS[fault]
    with pytest.raises(ModelError, match="score file scores") as caught:
        read(tmp_path, table)
    assert found in caught.value.found
    assert "k3" not in str(caught.value)


def test_probabilities_that_do_not_sum_to_one_are_refused(tmp_path):
    """Of several classes, each row is of one."""
    table = pa.table({"row_key": KEYS, "score_a": [0.5] * 10, "score_b": [0.6, *[0.5] * 9]})
    with pytest.raises(ModelError) as caught:
        read(tmp_path, table, task="multiclass", classes=("a", "b"))
    assert "1 rows whose probabilities do not sum to 1" in caught.value.found


@pytest.mark.parametrize(
    "content", [b"", b"PAR1 and nothing of it", b"\xff\xfe\x00row_key", b"row_key,score\nk1,0.5,7\n", b"\x00" * 50]
)
def test_a_file_that_is_no_table_is_refused_without_its_words(tmp_path, content):
    """Neither Parquet nor CSV, whatever it is."""
    path = tmp_path / "scores"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="nonsense"):
        read_scores_file(path, WANTED, ("id",), task="binary", classes=(), what="nonsense")


def test_a_row_without_a_stored_score_is_refused(tmp_path):
    """Scores of another part, or of an earlier day, do not stand in."""
    with pytest.raises(ModelError, match="stored scores") as caught:
        look_up_scores(read(tmp_path, rows()), pa.chunked_array([["k1", "new"]]), task="binary", classes=())
    assert caught.value.found == "no scores for 1 rows"


def test_scores_of_folds_are_joined_by_class() -> None:
    """A class that the model of one fold does not know has no chance there; a further draw's columns are its own."""
    first = (pa.chunked_array([["b", "a"]]), ("x", "y"), np.array([[0.3, 0.7], [1.0, 0.0]]))
    second = (pa.chunked_array([["c"]]), ("x", "z"), np.array([[0.6, 0.4]]))
    found = join_scores([first, second], task="multiclass", draw=2)
    assert found.to_pydict() == {
        "row_key": ["a", "b", "c"],
        "r2_score_x": [1.0, 0.3, 0.6],
        "r2_score_y": [0.0, 0.7, 0.0],
        "r2_score_z": [0.0, 0.0, 0.4],
    }


def test_draws_lie_beside_one_another() -> None:
    """Each row once, with a score of each draw; draws of other rows are refused."""
    keys, scores = pa.chunked_array([["b", "a"]]), np.array([0.1, 0.2])
    draws = [join_scores([(keys, (), scores * draw)], task="binary", draw=draw) for draw in (1, 2)]
    both = beside(draws)
    assert count_draws(both) == 2
    assert both.to_pydict() == {"row_key": ["a", "b"], "score": [0.2, 0.1], "r2_score": [0.4, 0.2]}
    assert look_up_scores(both, pa.chunked_array([["b"]]), task="binary", classes=(), draw=2).tolist() == [0.2]
    with pytest.raises(ModelError, match="two draws of folds"):
        beside([draws[0], draws[1].slice(1)])
