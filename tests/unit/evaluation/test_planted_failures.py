"""Challengers that nobody should promote, measured as any other: they come out as bad as they are."""

import pyarrow as pa
import pytest
from toy_evidence import make_params, toy_rows, train_toy, write_reports, write_toy

from tasks.datasets import read_manifest, read_table
from tasks.evaluation import plant_failures
from tasks.evaluation.compare import compare
from tasks.params.judging import EvaluationParams
from tasks.records import Evaluation
from tasks.stages import StageContext, load_stage


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Stored predictions of the toy, and what was measured on them."""
    paths, params = write_toy(tmp_path_factory.mktemp("toy"), toy_rows()), make_params()
    train_toy(paths, params)
    write_reports(paths, params)
    load_stage("evaluate").run(StageContext(paths, params))
    rows = read_table(paths.predictions, read_manifest(paths.predictions, made_by="evaluate"), "predictions")
    return rows, Evaluation.from_json(paths.evaluation_report.read_bytes(), origin="test"), params.evaluation


def figures(found, name, metric="roc_auc"):
    return next(c for c in found[name].comparisons if c.metric == metric and c.slice_column is None)


def test_wrecks_know_nothing_or_the_opposite(measured):
    """Shuffled and constant scores rank as chance does, swapped ones worse; the champion is as it was."""
    rows, evaluation, params = measured
    found = plant_failures(rows, evaluation, params, classes=(), draws=1, seed=1, replicates=100, gaps={})
    was = next(c for c in evaluation.comparisons if c.metric == "roc_auc" and c.slice_column is None)
    assert figures(found, "labels shuffled").challenger == pytest.approx(0.5, abs=0.1)
    assert figures(found, "constant scores").challenger == 0.5
    assert figures(found, "swapped columns").challenger == pytest.approx(1 - was.challenger)
    assert {figures(found, name).champion for name in found} == {was.champion}
    assert figures(found, "champion as challenger").delta == 0


def test_wrecks_lie_over_no_noise(measured):
    """A floor that nobody measured would stop each claim to be better, also one that cannot fail by itself."""
    rows, evaluation, params = measured
    found = plant_failures(rows, evaluation, params, classes=(), draws=1, seed=1, replicates=100, gaps={})
    assert {comparison.noise_floor for one in found.values() for comparison in one.comparisons} == {0.0}


def test_same_seed_plants_the_same(measured):
    """A verdict does not hang on chance."""
    rows, evaluation, params = measured
    first, second = (
        plant_failures(rows, evaluation, params, classes=(), draws=1, seed=1, replicates=100, gaps={}) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks_have_wrecks_too(measured, task):
    """Classes are told wrongly where their columns are swapped; numbers are mirrored."""
    _, evaluation, params = measured
    own = {"multiclass": ("accuracy", "macro_f1"), "regression": ("rmse", "mae")}[task]
    asked = EvaluationParams(**(params.model_dump() | {"metrics": own, "slices": ()}))
    count, classes = 300, ("a", "b", "c") if task == "multiclass" else ()
    scores = {
        f"{role}_score{suffix}": pa.array([0.8 if row % 3 == k else 0.1 for row in range(count)])
        for role in ("champion", "challenger")
        for k, suffix in enumerate([f"_{k}" for k in range(3)] if classes else [""])
    }
    labels = (
        pa.array([classes[row % 3] for row in range(count)])
        if classes
        else pa.array([0.8 if r % 3 == 0 else 0.1 for r in range(count)])
    )
    facts = {
        "row_key": [f"r{row}" for row in range(count)],
        "part": ["test"] * count,
        "cluster": [f"c{row % 20}" for row in range(count)],
    }
    rows = pa.table({**facts, "label": labels, **scores})
    as_task = evaluation.model_copy(update={"task": task, "comparisons": compare(rows, asked, 1, task, classes)})
    found = plant_failures(rows, as_task, asked, classes=classes, draws=1, seed=1, replicates=100, gaps={})
    for name in ("labels shuffled", "constant scores", "swapped columns"):
        for metric in own:
            planted, was = figures(found, name, metric), next(c for c in as_task.comparisons if c.metric == metric)
            worse = planted.challenger < was.challenger if task == "multiclass" else planted.challenger > was.challenger
            assert worse, (name, metric)


def test_the_largest_slice_of_a_column_is_made_worse(measured):
    """As wrong as a challenger can be on it, and as good as before on the others: the gap that a parity criterion has to see."""
    rows, evaluation, params = measured
    column = params.slices[0]
    found = plant_failures(rows, evaluation, params, classes=(), draws=1, seed=1, replicates=100, gaps={column: ("roc_auc",)})
    worse = [c for c in found[f"the largest slice of {column} made worse"].comparisons if c.slice_column == column]
    largest = max(worse, key=lambda c: c.rows)
    assert largest.challenger == 0
    was = {c.slice_value: c.challenger for c in evaluation.comparisons if c.metric == "roc_auc" and c.slice_column == column}
    assert all(c.challenger == was[c.slice_value] for c in worse if c is not largest)
