"""Metrics of the user's own: measured and resampled as any other, and refused where they cannot be."""

import numpy as np
import pytest
from sample_rows import CLASSES, class_rows, params, rows

from tasks.datasets import hash_file
from tasks.errors import EvaluationError
from tasks.evaluation import METRICS, compare, load_metrics
from tasks.evaluation.metrics import metrics_asked
from tasks.params.judging import UserMetric

BRIER = "import numpy as np\ndef own(label, score, weight): return np.average((score - label) ** 2, weights=weight)"


def declare(folder, source, direction="lower_is_better"):
    (folder / "metric.py").write_text(source)
    return UserMetric(function="own", file="metric.py", sha256=hash_file(folder / "metric.py"), direction=direction)


def measure(folder, source, table=None, metrics=("mine",), **options):
    declared = {"mine": declare(folder, source)}
    task, classes = options.pop("task", "binary"), options.pop("classes", ())
    asked = params(metrics, 100, **options).model_copy(update={"functions": declared})
    return compare(rows() if table is None else table, asked, 3, task, classes, own=load_metrics(declared, folder))


def refusal(folder, source, **options):
    with pytest.raises(EvaluationError, match=r"mine|metric\.py") as caught:
        measure(folder, source, **options)
    return f"{caught.value.found} / {caught.value.expected}"


@pytest.mark.parametrize("cluster", ["day", "row"])
def test_it_is_resampled_as_the_metric_that_it_is(tmp_path, cluster):
    """Brier's score by hand has the figures, intervals and slices of Brier's score, of weighted rows too."""
    table = rows(300).append_column("weight", [np.random.default_rng(5).gamma(2, 1, 300)])
    found = measure(tmp_path, BRIER, table, ("brier", "mine"), slices=("origin",), cluster=cluster)
    for known, own in zip(found[::2], found[1::2], strict=True):
        assert (known.metric, own.metric, own.direction) == ("brier", "mine", known.direction)
        figures = [(c.champion, c.delta, c.delta_interval.low, c.challenger_interval.high) for c in (known, own)]
        assert figures[0] == pytest.approx(figures[1], rel=1e-9)


def test_of_several_classes_it_is_given_a_column_each(tmp_path):
    """And the place of the class as its label."""
    source = "import numpy as np\ndef own(label, score, weight): return np.average(score.argmax(axis=1) == label, weights=weight)"
    known, own = measure(tmp_path, source, class_rows(), ("accuracy", "mine"), task="multiclass", classes=CLASSES)
    assert own.challenger == pytest.approx(known.challenger)


def test_one_that_does_not_count_weights_is_refused(tmp_path):
    """Its interval would be of nothing: a cluster that is drawn twice would count once."""
    source = "def own(label, score, weight): return float(((score - label) ** 2).mean())"
    assert "rows of weight 2" in refusal(tmp_path, source)


def test_one_that_differs_from_call_to_call_is_refused(tmp_path):
    """Nobody could verify it."""
    source = "import random\ndef own(label, score, weight): return random.random()"
    assert "another number when it was called again" in refusal(tmp_path, source)


FAULTS = {
    "raises": ("def own(label, score, weight): raise ValueError(f'bad row {score[0]!r}')", "line 1: ValueError: bad row"),
    "ends the program": ("def own(label, score, weight): raise SystemExit(0)", "line 1: SystemExit"),
    "another signature": ("def own(label, score): return 0.0", "TypeError"),
    "writes": ("def own(label, score, weight): weight[0] = 1.0", "line 1: ValueError"),
    "no number": ("def own(label, score, weight): return 'good'", "ValueError"),
    "no function": ("own = 7", "a int"),
    "does not run": ("def own(:", "line 1: SyntaxError"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_clear_error(tmp_path, fault):
    """With the line of the user's file, and no value of a row."""
    source, told = FAULTS[fault]
    found = refusal(tmp_path, source)
    assert told in found
    assert str(rows()["challenger_score"][0].as_py()) not in found


def test_what_is_not_finite_is_no_figure(tmp_path):
    """Undefined, as of any other metric; never a pass."""
    [found] = measure(tmp_path, "def own(label, score, weight): return float('inf')")
    assert (found.challenger, found.delta) == (None, None)
    assert found.reason == "undefined: its function gives no finite number"


def test_a_name_that_is_a_metric_already_is_refused():
    """Nobody could tell which one was judged."""
    declared = UserMetric(function="a.b", sha256="0", direction="lower_is_better")
    asked = params().model_copy(update={"functions": {"brier": declared}})
    with pytest.raises(EvaluationError, match="the metric brier is there already"):
        metrics_asked(asked)
    assert "brier" in METRICS["binary"]
