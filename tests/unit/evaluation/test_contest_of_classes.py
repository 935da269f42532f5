"""Classes and numbers: which columns are judged, what classes are known, and what the record says of them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from toy_evidence import log_of, make_card, make_params, replaced, toy_rows, write_toy

from tasks.errors import EvaluationError
from tasks.evaluation import Contender, calibration_csv, hold_contest, open_evidence, read_part, roc_csv, summarise

PARTS = ("train", "validation", "test")
CLASSES = ("high", "low", "middle")
LABEL = {"table": "results", "column": "returned", "known": "known_utc"}
LOGGED = {"scores": {name: f"log.{name}" for name in ("low", "middle", "high")}, "version": "log.version"}


def class_rows():
    """The toy's rows, labelled by strength."""
    rows = toy_rows()
    names = np.array(["low", "middle", "high"])[np.digitize(rows["strength"].to_numpy(), [-0.5, 1.0])]
    return replaced(rows, "label", pa.chunked_array([names]))


def chances(strength):
    """Probabilities of high, low and middle, in that order."""
    raised = np.exp(np.column_stack([2 * strength - 1, -2 * strength - 1, 0 * strength]))
    return raised / raised.sum(axis=1, keepdims=True)


def challenger(classes=CLASSES):
    card = make_card("by_time").model_copy(update={"classes": classes})
    places = [CLASSES.index(name) for name in classes]

    def score(features):
        found = chances(features["strength"].to_numpy())[:, places]
        return found / found.sum(axis=1, keepdims=True)

    return Contender(card, score)


def params_of(task, metrics, champion=None, **changes):
    models = {"champion": champion, "challenger": make_params().models.challenger.model_dump()}
    gates = {"max_age_days": 7, "criteria": {"validation": {"evidence": "validation", "critical": True}}}
    snapshot = make_params().snapshot.model_dump(mode="json")
    snapshot["tables"]["log"]["columns"] += ["low", "middle", "high"]
    return make_params(label=LABEL | {"task": task}, metrics=metrics, models=models, gates=gates, snapshot=snapshot, **changes)


def hold(root, rows, params, champion=None, *, contender=None, log=None):
    evidence = open_evidence(write_toy(root, rows, log=log), "by_time", PARTS)
    return hold_contest(read_part(evidence, params, "test"), champion, contender or challenger(), params.label.task)


def record(found, params):
    return summarise(found, params, split="by_time", part="test", known_slices={}, inputs={"pin": "p"}, seed=3)


def class_log(rows):
    """The champion's log with a column for each class."""
    found = log_of(rows).drop_columns(["score"])
    for place, name in enumerate(CLASSES):
        found = found.append_column(name, pa.array(chances(0.5 * rows["strength"].to_numpy())[:, place]))
    return found


def test_logged_scores_per_class_are_judged_in_the_order_of_the_classes(tmp_path):
    """Whatever the order in params.yaml, column k is the k-th of the sorted classes, for both roles."""
    rows, params = class_rows(), params_of("multiclass", ["log_loss", "recall[high]"], LOGGED)
    found = hold(tmp_path, rows, params, params.models.champion, log=class_log(rows))
    assert found.classes == CLASSES
    names = [name for name in found.predictions.column_names if "_score_" in name]
    assert names == [f"{role}_score_{k}" for role in ("champion", "challenger") for k in range(3)]
    expected = class_log(rows).filter(pc.equal(rows["part"], "test")).sort_by("order_id")
    assert found.predictions["champion_score_0"].equals(expected["high"])
    assert [c.metric for c in record(found, params).comparisons[:2]] == ["log_loss", "recall[high]"]
    assert record(found, params).comparisons[0].delta < 0


def test_a_class_without_a_logged_score_leaves_its_rows_out(tmp_path):
    """A row is judged where the champion scored every class."""
    rows, params = class_rows(), params_of("multiclass", ["accuracy"], LOGGED)
    log = class_log(rows)
    log = replaced(log, "low", pc.if_else(pc.equal(rows["shop"], "north"), None, log["low"]))
    found = hold(tmp_path, rows, params, params.models.champion, log=log)
    assert 0 < found.unscored_rows == 240 - found.predictions.num_rows


def test_classes_that_the_training_never_saw_are_refused_by_name(tmp_path):
    """A model cannot be right on a class that it does not know."""
    rows, params = class_rows(), params_of("multiclass", ["accuracy"])
    with pytest.raises(EvaluationError, match=r"(?s)challenger c.*of classes that it does not know: high.*stratified"):
        hold(tmp_path, rows, params, contender=challenger(("low", "middle")))


def test_a_class_that_is_not_judged_has_no_chance_to_count(tmp_path):
    """A class of the training without a judged row stays a column; its figures are undefined, the others are not."""
    rows = class_rows()
    rows = replaced(rows, "label", pc.if_else(pc.equal(rows["label"], "high"), "middle", rows["label"]))
    params = params_of("multiclass", ["accuracy", "roc_auc_ovr", "recall[high]"])
    accuracy, auc, recall = (c for c in record(hold(tmp_path, rows, params), params).comparisons if c.slice_column is None)
    assert accuracy.challenger_interval is not None
    assert auc.challenger_interval is not None
    assert (recall.challenger, recall.reason) == (None, "undefined: no row is of the class")


def test_scores_that_do_not_sum_to_one_are_refused(tmp_path):
    """Logged scores that are no probabilities are told with a count."""
    rows, params = class_rows(), params_of("multiclass", ["accuracy"], LOGGED)
    log = replaced(class_log(rows), "low", pa.chunked_array([np.zeros(rows.num_rows)]))
    with pytest.raises(EvaluationError, match=r"(?s)champion \(logged in .*240 rows that do not sum to 1, of 240 rows"):
        hold(tmp_path, rows, params, params.models.champion, log=log)


def test_a_metric_of_no_class_is_refused(tmp_path):
    """A class in evaluation.metrics that the label does not have is a typing error."""
    rows, params = class_rows(), params_of("multiclass", ["f1[hihg]"])
    with pytest.raises(EvaluationError, match="no class 'hihg' among the 3 classes"):
        record(hold(tmp_path, rows, params), params)


def test_the_record_counts_classes_and_their_confusion(tmp_path):
    """Rows, share and confusion of each class, precision, recall and F1 of each model, and which class is rare."""
    rows, params = class_rows(), params_of("multiclass", ["accuracy"], LOGGED)
    found = hold(tmp_path, rows, params, params.models.champion, log=class_log(rows))
    classes = record(found, params).classes
    labels = found.predictions["label"].to_pylist()
    assert [(c.name, c.rows) for c in classes] == [(name, labels.count(name)) for name in CLASSES]
    assert sum(c.fraction for c in classes) == pytest.approx(1)
    assert [c.is_rare for c in classes] == [c.rows < 30 for c in classes]
    for of in classes:
        assert sum(of.challenger.predicted) == sum(of.champion.predicted) == of.rows
        assert of.challenger.recall == of.challenger.predicted[CLASSES.index(of.name)] / of.rows


@pytest.mark.slow
def test_shares_of_classes_follow_the_weights(tmp_path):
    """Prevalence is by weight, rows are counted."""
    rows = toy_rows()
    rows = rows.append_column("weight", pc.add(pc.multiply(rows["label"].cast(pa.float64()), 3.0), 1.0))
    params = make_params(weight="weight")
    evidence = open_evidence(write_toy(tmp_path, rows), "by_time", PARTS)
    scorer = Contender(make_card("by_time"), lambda features: np.full(len(features), 0.5))
    found = hold_contest(read_part(evidence, params, "test"), params.models.champion, scorer)
    judged = summarise(found, params, split="by_time", part="test", known_slices={}, inputs={}, seed=1)
    none, some = judged.classes
    assert (none.name, some.name, judged.weight) == ("0", "1", "weight")
    assert some.fraction == pytest.approx(4 * some.rows / (4 * some.rows + none.rows))


def _numbers(root):
    rows = toy_rows()
    rows = replaced(rows, "label", pa.chunked_array([10 * rows["strength"].to_numpy() + 100]))
    rows = replaced(rows, "score", pa.chunked_array([rows["label"].to_numpy() + 5]))
    params = params_of("regression", ["mae", "bias"], {"scores": "log.score", "version": "log.version"})
    guess = Contender(make_card("by_time"), lambda features: 9 * features["strength"].to_numpy() + 100)
    return hold(root, rows, params, params.models.champion, contender=guess), params


@pytest.mark.slow
def test_numbers_are_compared_in_their_unit(tmp_path):
    """A champion that is always 5 too high has an error and a bias of 5; residuals are told by size of prediction."""
    found, params = _numbers(tmp_path)
    judged = record(found, params)
    mae, bias = judged.comparisons[:2]
    assert (mae.champion, bias.champion) == (pytest.approx(5), pytest.approx(5))
    assert mae.positives is None
    assert mae.challenger < 1
    assert judged.classes == ()
    assert {role: len(bins) for role, bins in judged.residuals.items()} == {"champion": 10, "challenger": 10}
    assert all(b.median == pytest.approx(-5) for b in judged.residuals["champion"])
    assert sum(b.rows for b in judged.residuals["challenger"]) == 240


def test_constant_numbers_cannot_be_judged(tmp_path):
    """All labels alike: no metric of a regression says anything."""
    rows = replaced(toy_rows(), "label", pa.chunked_array([np.full(800, 3.5)]))
    params = params_of("regression", ["mae"])
    guess = Contender(make_card("by_time"), lambda features: np.zeros(len(features)))
    with pytest.raises(EvaluationError, match="240 rows with a label and both scores and all of them alike"):
        hold(tmp_path, rows, params, contender=guess)


@pytest.mark.parametrize("make", ["classes", "numbers"])
def test_curves_of_each_task_have_the_same_columns(tmp_path, make):
    """``dvc plots`` draws the same two files whatever the task."""
    if make == "numbers":
        found, _ = _numbers(tmp_path)
    else:
        found = hold(tmp_path, class_rows(), params_of("multiclass", ["accuracy"]))
    roc = roc_csv(found.predictions, found.task, found.classes).splitlines()
    bins = calibration_csv(found.predictions, found.task, found.classes).splitlines()
    assert roc[0] == "model,false_positive_rate,true_positive_rate"
    points = [[float(cell) for cell in line.split(",")[1:]] for line in roc[1:] if line.startswith("challenger")]
    assert (points[0][0], points[-1]) == (0, [1, 1])
    assert points == sorted(points)
    assert bins[0] == "model,predicted,observed,rows"
    assert sum(int(line.split(",")[3]) for line in bins[1:] if line.startswith("challenger")) == 240
