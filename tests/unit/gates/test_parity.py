"""Fairness: the gap of a metric between slices, and what leaves it without a pass."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from evidence_records import comparison, evaluation, reports
from scipy import stats

from tasks.errors import ParameterError
from tasks.evaluation import plant_failures
from tasks.evaluation.compare import compare
from tasks.evaluation.spread import tails_of
from tasks.gates import SUBJECTS, judge_criteria, plan_self_test
from tasks.gates.bad_evidence import SelfTestEvidence
from tasks.gates.selftest import hold_self_test
from tasks.params import load_params
from tasks.params.judging import EvaluationParams, GatesParams
from tasks.records import Replicates, Spread

TAILS = tails_of(20_000)
CRITERION = {"parity": "recall", "slice": "sex", "gap": 0.1, "min_rows": 500, "critical": True}


def slice_of(name, recall, error=0.01, **changes):
    """A slice whose recall is normal with this standard error."""
    quantiles = tuple(map(float, stats.norm(recall or 0, error).ppf(TAILS)))
    kept = Spread(challenger=Replicates(quantiles=quantiles, below=0.5, acceleration=0.0), delta=None, relative=None)
    fields = {"metric": "recall", "slice_column": "sex", "slice_value": name, "rows": 1000, "challenger": recall, "spread": kept}
    return comparison(**fields | changes)


def judged(*slices, criterion=None, **changes):
    criteria = GatesParams(max_age_days=1, criteria={"fair": {**CRITERION, **(criterion or {})}})
    (outcome,) = judge_criteria(evaluation(*slices, tails=TAILS, **changes), reports(), criteria)
    return outcome


@pytest.mark.parametrize(("worst", "expected"), [(0.78, "pass"), (0.72, "inconclusive"), (0.55, "fail")])
def test_the_whole_interval_of_the_gap_must_hold_the_limit(worst, expected):
    """Between 0.8 and the worst of three slices; the middle one plays no part in the figure."""
    outcome = judged(slice_of("a", 0.8), slice_of("b", worst), slice_of("c", 0.79))
    assert (outcome.status, outcome.challenger) == (expected, pytest.approx(0.8 - worst))
    assert (outcome.metric, outcome.bound, outcome.n) == ("parity[recall by sex]", 0.1, 3000)
    assert "between b and a" in outcome.reason


def test_the_ends_are_those_of_half_the_error_and_of_all_slices():
    """Above: each at half of 2.5 %; below: 2.5 % over six."""
    outcome = judged(slice_of("a", 0.9), slice_of("b", 0.6), slice_of("c", 0.8))
    reach = 2 * 0.01 * (20 / 19) ** 0.5  # expanded: Student's t of twenty clusters
    assert outcome.interval.high == pytest.approx(0.3 + reach * stats.t(19).isf(0.0125), rel=1e-3)
    assert outcome.interval.low == pytest.approx(0.3 - reach * stats.t(19).isf(0.025 / 6), rel=1e-2)


def test_an_undecided_gap_says_how_many_rows_would_decide():
    """Of all slices together, and the days that they take."""
    outcome = judged(slice_of("a", 0.8), slice_of("b", 0.74))
    assert outcome.status == "inconclusive"
    assert outcome.rows_to_decide > 2000
    assert outcome.days_to_decide >= 20


@pytest.mark.parametrize(
    ("slices", "changes", "expected", "reason"),
    [
        ([], {}, "not_judged", "0 slices"),
        ([slice_of("a", 0.8)], {}, "not_judged", "parity needs two"),
        ([slice_of("a", 0.8), slice_of("b", None)], {}, "not_judged", "no recall of b"),
        ([slice_of("a", 0.8), slice_of("b", float("nan"))], {}, "not_judged", "no recall of b"),
        ([slice_of("a", 0.8), slice_of("b", 0.8, spread=None)], {}, "not_judged", "no interval of recall"),
        ([slice_of("a", 0.8), slice_of("b", 0.8)], {"missing_slices": ("sex=c",)}, "not_judged", "no row of sex=c"),
        ([slice_of("a", 0.8), slice_of("b", 0.8, rows=499)], {}, "inconclusive", "fewer than 500 rows: b (1 more)"),
        ([slice_of("a", 0.8), slice_of("b", None, rows=0, is_withheld=True)], {}, "inconclusive", "withheld: b"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_slice_that_nobody_knows_leaves_no_pass(slices, changes, expected, reason):
    """It could be the one that is worst off."""
    slices = [one.model_copy(update={"challenger_interval": None}) if one.spread is None else one for one in slices]
    outcome = judged(comparison(), *slices, **changes)
    assert outcome.status == expected
    assert reason in outcome.reason


@pytest.mark.parametrize(
    ("slices", "rows", "days", "words"),
    [
        ([slice_of("a", 0.8), slice_of("b", 0.74)], 7_250, 73, "more rows would decide"),
        (
            [slice_of("a", 0.8), slice_of("b", 0.8, rows=400)],
            1_750,
            25,
            "b (100 more); about 350 more rows would decide (about 5 more",
        ),
        ([slice_of("a", 0.8), slice_of("b", 0.74, rows=499)], 5_430, 73, "b (1 more); about"),
        ([slice_of("a", 0.8), slice_of("b", 0.7)], None, None, "lies on the limit, so that no number of rows can be named"),
        (
            [slice_of("a", 0.8), slice_of("b", 0.8, rows=9), slice_of("c", None, rows=0, is_withheld=True)],
            *(
                None,
                None,
                "withheld: c; fewer than 500 rows: b (491 more); how many rows would decide is not told: it would tell of few",
            ),
        ),
    ],
    ids=["too wide", "too few rows", "both", "on the limit", "withheld"],
)
def test_an_undecided_gap_names_rows_and_days_or_says_why_not(slices, rows, days, words):
    """Of all slices together: where the least of each, and where the interval's width, would decide."""
    outcome = judged(*slices)
    assert outcome.status == "inconclusive"
    assert words in outcome.reason
    if rows is None:
        assert (outcome.rows_to_decide, outcome.days_to_decide) == (None, None)
    else:
        assert outcome.rows_to_decide == pytest.approx(rows, rel=0.02)
        assert outcome.days_to_decide == pytest.approx(days, rel=0.03)


def test_a_gap_names_method_replicates_and_seed():
    """As every outcome that rests on draws; DeLong draws nothing."""
    pair = [slice_of("a", 0.8), slice_of("b", 0.78)]
    outcome = judged(*pair)
    assert (outcome.method, outcome.replicates, outcome.seed) == ("expanded", 2000, 5)
    areas = [one.model_copy(update={"metric": "roc_auc"}) for one in pair]
    without = judged(*areas, criterion={"parity": "roc_auc", "method": "delong"})
    assert (without.method, without.replicates, without.seed) == ("delong", None, None)


def test_without_evaluation_there_is_no_parity():
    """Missing evidence is not judged."""
    criteria = GatesParams(max_age_days=1, criteria={"fair": CRITERION})
    assert judge_criteria(None, reports(), criteria)[0].status == "not_judged"


def test_a_gap_at_the_limit_passes_as_rarely_as_is_said():
    """Of 4,000 draws of eight slices whose largest gap is the limit, at most 2.5 % pass; of equal ones so few show a gap."""
    random, half, each = np.random.default_rng(5), stats.norm.isf(0.0125), stats.norm.isf(0.025 / 16)
    means = np.array([0.8, 0.7, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75])
    drawn = means + 0.02 * random.normal(size=(4000, 8))
    upper = (drawn + 0.02 * half).max(axis=1) - (drawn - 0.02 * half).min(axis=1)
    assert (upper <= 0.1).mean() <= 0.025
    equal = 0.75 + 0.02 * random.normal(size=(4000, 8))
    lower = (equal - 0.02 * each).max(axis=1) - (equal + 0.02 * each).min(axis=1)
    assert (lower > 0).mean() <= 0.025


def test_a_coin_is_as_fair_to_all():
    """A challenger without skill may hold a gap, and that is no flaw."""
    fair = evaluation(slice_of("a", 0.8), slice_of("b", 0.79), tails=TAILS)
    gates = GatesParams(max_age_days=1, criteria={"fair": CRITERION})
    found = hold_self_test(SelfTestEvidence(fair, reports(), None, SUBJECTS), gates, {"constant scores": fair})
    assert found.flaws == ()


@pytest.mark.parametrize(("gap", "flaws"), [(0.3, []), (1.0, ["fair does not find the largest slice of sex made worse"])])
def test_a_gap_that_nothing_could_exceed_voids(gap, flaws):
    """A slice whose every decision is wrong has a recall of 0, and the widest gap that there can be; measured, not made up."""
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 1200).astype(float)
    scores = np.clip(0.2 + 0.6 * labels + random.normal(0, 0.2, 1200), 0, 1)
    days = [f"d{day:02}" for day in np.arange(1200) % 30]
    rows = pa.table(
        {"label": labels, "champion_score": scores, "challenger_score": scores, "cluster": days, "slice_sex": ["f", "m", "m"] * 400}
    )
    gates = GatesParams(max_age_days=1, criteria={"fair": {**CRITERION, "gap": gap, "min_rows": 100}})
    asked = {"split": "s", "part": "test", "metrics": ("recall", "brier"), "slices": ("sex",)}
    resampled = {"method": "cluster_bootstrap", "cluster": "day", "replicates": 200, "confidence": 0.9}
    params = EvaluationParams.model_validate(asked | {"interval": resampled})
    found = evaluation(*compare(rows, params, 1), tails=tails_of(200), replicates=200, confidence=0.9)
    plan = plan_self_test(gates, params, found)
    about = {"replicates": plan.replicates, "gaps": plan.gaps}
    planted = plant_failures(rows, found, plan.params, classes=(), draws=1, seed=1, **about)
    held = hold_self_test(SelfTestEvidence(found, reports(), None, SUBJECTS), gates, planted).flaws
    assert plan.gaps == {"sex": ("recall",)}
    assert [flaw for flaw in held if flaw.startswith("fair ")] == flaws


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parity": "f1"}, "'f1' is not in evaluation.metrics"),
        ({"slice": "dest"}, "'dest' is not in evaluation.slices"),
        ({"gap": 0}, "greater than 0"),
        ({"parity": "brier", "method": "delong"}, "delong is of the metric roc_auc"),
        ({"method": "mcnemar"}, "mcnemar is of the metric accuracy"),
        ({"confidence": 0.9995}, "evaluation.interval.replicates must be"),
    ],
    ids=str,
)
def test_parity_of_what_is_not_measured_is_refused(change, message, tmp_path):
    """Before anything runs."""
    content = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text())
    content["gates"]["criteria"]["fair"] = {**CRITERION, "parity": "roc_auc", "slice": "origin", **change}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ParameterError, match=message):
        load_params(tmp_path / "params.yaml")
