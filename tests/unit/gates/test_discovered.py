"""The criterion on slices that nobody declared: what it fails on, what leaves it undecided, and its self-test."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from evidence_records import evaluation, reports
from found_records import make_search

from tasks.errors import ParameterError
from tasks.evaluation import plant_failures
from tasks.gates import judge_criteria
from tasks.gates.bad_evidence import SelfTestEvidence
from tasks.gates.selftest import asked_by, hold_self_test
from tasks.gates.wording import explain
from tasks.params import load_params
from tasks.params.judging import EvaluationParams, GatesParams
from tasks.records import SuspectSlice

GATES = GatesParams(max_age_days=7, criteria={"found": {"discovered": "brier", "critical": True}})
BAD = SuspectSlice(p_value=1e-6, slice="shop=a & tier=x", rows=400, clusters=30, champion=0.1, challenger=0.2, delta=0.1)


def search(*suspects, **changes):
    return make_search(*suspects, **{"columns": ("shop", "tier"), "min_rows": 100} | changes)


def judged(found, **changes):
    (outcome,) = judge_criteria(evaluation(discovery=found, **changes), reports(), GATES)
    return outcome


def test_a_slice_that_is_shown_to_be_worse_fails_and_is_named():
    """With how many were looked at; the verdict's sentence tells it."""
    outcome = judged(search(BAD))
    assert (outcome.status, outcome.slices_searched) == ("fail", 40)
    assert "shop=a & tier=x (+0.1000 on 400 rows)" in outcome.reason
    assert "40 slices searched (3 more too small to tell)" in outcome.reason
    assert "shop=a & tier=x" in explain("reject", [outcome], is_rubber_stamp=False)


@pytest.mark.parametrize(("suspects", "status"), [((), "pass"), ((BAD,), "fail")])
def test_a_search_names_its_method_replicates_and_seed(suspects, status):
    """In the outcome's fields, and in its reason, which every rendering shows."""
    outcome = judged(search(*suspects, replicates=500))
    assert (outcome.status, outcome.method, outcome.replicates, outcome.seed) == (status, "student_t", 500, 5)
    assert (outcome.n, outcome.confidence) == (10_000, 0.95)
    assert outcome.reason.endswith("each by Student's t of 500 replicates (seed 5)")


def test_a_search_of_before_that_was_kept_is_told_as_it_was():
    """So that a verdict on it holds; it decides the same."""
    old, new = judged(search(BAD)), judged(search(BAD, replicates=500))
    assert (old.status, old.method, old.seed) == (new.status, None, None) == ("fail", None, None)
    assert new.reason.startswith(old.reason)


def test_a_search_of_no_slice_says_how_many_rows_would_do():
    """Of all judged ones, and the days that they take; or why no number is told."""
    outcome = judged(search(searched=0, replicates=500, rows_for_one=25_000))
    assert (outcome.status, outcome.rows_to_decide, outcome.days_to_decide) == ("inconclusive", 25_000, 50)
    assert "about 15,000 more rows would decide (about 30 more days at today's rate)" in outcome.reason
    silent = judged(search(searched=0, replicates=500))
    assert (silent.status, silent.rows_to_decide) == ("inconclusive", None)
    assert "how many rows would do is not told: the largest slice is of too few people" in silent.reason


def test_a_withheld_slice_fails_too_and_is_counted():
    """Who cannot be told of still counts."""
    outcome = judged(search(SuspectSlice(p_value=1e-6)))
    assert outcome.status == "fail"
    assert "1 slices, 1 of them withheld" in outcome.reason


@pytest.mark.parametrize(("p_values", "searched", "expected"), [((0.001,), 25, "fail"), ((0.001,), 26, "pass"), ((), 25, "pass")])
def test_all_that_were_looked_at_are_corrected_for(p_values, searched, expected):
    """One in a thousand is 2.5 % over twenty-five, and no longer over twenty-six."""
    outcome = judged(search(*(BAD.model_copy(update={"p_value": p}) for p in p_values), searched=searched))
    assert outcome.status == expected


def test_holm_goes_on_after_the_first():
    """The second of two is judged among one fewer."""
    pair = [BAD.model_copy(update={"p_value": p, "slice": name}) for p, name in ((1e-6, "one"), (0.00064, "two"))]
    assert "two" in judged(search(*pair, searched=40)).reason


@pytest.mark.parametrize(
    ("found", "expected"),
    [(None, "not_judged"), (search(searched=0), "inconclusive"), (search(SuspectSlice(p_value=float("nan"))), "not_judged")],
)
def test_no_search_never_passes(found, expected):
    """Not made, of no slice, or of no number."""
    assert judged(found).status == expected


@pytest.mark.parametrize(("suspects", "expected"), [((), "not_judged"), ((BAD,), "fail")])
def test_slices_without_a_figure_of_the_challenger_never_pass(suspects, expected):
    """It may be worst there; harm that is shown elsewhere still fails. So it is where nothing else was measured."""
    outcome = judged(search(*suspects, undefined=2))
    assert outcome.status == expected
    assert suspects or "no brier on 2 slices where the champion has one" in outcome.reason
    assert judged(search(searched=0, undefined=1)).status == "not_judged"


def test_without_a_champion_there_is_nothing_to_be_worse_than():
    """And no evaluation is no pass."""
    assert judged(search(), champion=None).status == "not_judged"
    assert judge_criteria(None, reports(), GATES)[0].status == "not_judged"


def _planted():
    random = np.random.default_rng(3)
    count = 1500
    labels = random.integers(0, 2, count).astype(float)
    scores = {f"{role}_score": np.clip(labels * 0.3 + random.random(count) * 0.7, 0, 1) for role in ("champion", "challenger")}
    columns = {"discover_shop": random.choice(["a", "b"], count), "discover_tier": random.choice(["x", "y"], count)}
    rows = pa.table({"label": labels, **scores, "cluster": [f"d{n % 30:02}" for n in range(count)], **columns})
    asked = {"columns": ("shop", "tier"), "metric": "brier", "min_rows": 100}
    interval = {"method": "cluster_bootstrap", "cluster": "day", "replicates": 100, "confidence": 0.95}
    params = EvaluationParams(split="s", part="test", metrics=("brier",), interval=interval, discover=asked)
    judged_evaluation = evaluation(discovery=search())
    return judged_evaluation, plant_failures(
        rows, judged_evaluation, asked_by(GATES, params), classes=(), draws=1, seed=1, replicates=100, gaps={}
    )


def test_a_slice_that_is_made_worse_is_found():
    """The self-test makes the largest pair worse, and the search must find it."""
    found, planted = _planted()
    result = hold_self_test(SelfTestEvidence(found, reports(), None, ()), GATES, planted)
    assert not [flaw for flaw in result.flaws if flaw.startswith("found ")]
    assert {"a slice made worse", "a search that nobody made", "a search of no slice"} <= set(result.planted)
    assert judge_criteria(planted["a slice made worse"], reports(), GATES)[0].status == "fail"


def test_a_search_that_finds_nothing_voids():
    """Planted, and overlooked: the criterion cannot fail."""
    found, planted = _planted()
    blind = planted | {"a slice made worse": found}
    result = hold_self_test(SelfTestEvidence(found, reports(), None, ()), GATES, blind)
    assert result.flaws == ("found does not find a slice made worse",)


@pytest.mark.parametrize(
    ("criterion", "search", "message"),
    [
        ({"discovered": "roc_auc"}, {}, "'roc_auc' is not evaluation.discover.metric"),
        ({"discovered": "brier"}, None, "'brier' is not evaluation.discover.metric"),
        ({"discovered": "brier", "confidence": 0.8}, {}, "a search is judged at 0.9 or more"),
        ({"discovered": "brier"}, {"metric": "f1"}, "'f1' is not in evaluation.metrics"),
        ({"discovered": "brier"}, {"columns": ["origin", "origin"]}, "name each column once"),
        ({"discovered": "brier"}, {"columns": ["nowhere"]}, "no such column"),
    ],
    ids=str,
)
def test_a_search_that_cannot_be_judged_is_refused(criterion, search, message, tmp_path):
    """Before anything runs."""
    content = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
    if search is not None:
        content["evaluation"]["discover"] = {"columns": ["origin", "carrier"], "metric": "brier", "min_rows": 500, **search}
    content["gates"]["criteria"]["found"] = {**criterion, "critical": True}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ParameterError, match=message):
        load_params(tmp_path / "params.yaml")
