"""Superiority: what it takes to be called better, and what many claims at once cost."""

from types import SimpleNamespace

import numpy as np
import pytest
from evidence_records import card, comparison, difference, evaluation, gates, interval, provenance, reports
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.datasets import MANIFEST, write_atomically
from tasks.evaluation.spread import tails_of
from tasks.gates import comparisons, decision, judge, judge_criteria
from tasks.gates.bounds import judge_better
from tasks.gates.selftest import SelfTest
from tasks.gates.superiority import holm_errors, p_value
from tasks.records import Interval, Replicates, Spread
from tasks.verification import figures

TAILS = tails_of(20_000)
SHARES = st.lists(st.floats(1e-6, 1), min_size=1, max_size=12)


def claim(delta, error=0.005, **changes):
    """A comparison of many clusters whose difference is normal with this standard error."""
    quantiles = tuple(map(float, delta + error * stats.norm.ppf(TAILS)))
    kept = Spread(challenger=None, delta=Replicates(quantiles=quantiles, below=0.5, acceleration=0.0), relative=None)
    reach = 1.959964 * error
    return difference(delta - reach, delta + reach, **{"spread": kept, "clusters": 100_000} | changes)


def judged(*comparisons, criterion=None, **changes):
    criteria = gates(c={"better_by": 0, **(criterion or {})})
    return judge_criteria(evaluation(*comparisons, tails=TAILS, **changes), reports(), criteria)


@pytest.mark.parametrize(
    ("delta", "error", "expected"),
    [
        (0.01, 0.005, "pass"),
        (0.009, 0.005, "inconclusive"),
        (-0.01, 0.005, "fail"),
        (0.0, 0.0, "fail"),
        (-0.009, 0.005, "inconclusive"),
    ],
)
def test_better_means_more_than_equal(delta, error, expected):
    """1.96 standard errors above zero, or below it; the champion against itself is a failure."""
    (outcome,) = judged(claim(delta, error))
    assert (outcome.status, outcome.test, outcome.method) == (expected, "superiority", "expanded")


def test_the_limit_itself_is_no_pass():
    """An interval that begins at zero is undecided, one that ends there is a failure."""
    outcomes = [judge_better(delta, interval(*sorted((0.0, 2 * delta))), "higher_is_better", 0.0, 100) for delta in (0.01, -0.01)]
    assert [outcome.status for outcome in outcomes] == ["inconclusive", "fail"]


def test_better_follows_the_metrics_direction():
    """Of a loss, less is better."""
    (outcome,) = judged(claim(-0.015, direction="lower_is_better"))
    assert outcome.status == "pass"


def test_better_by_more_than_a_threshold():
    """0.01 to 0.03 is better, by 0.005 too, by 0.02 nobody knows, by 0.035 it is not."""
    statuses = [judged(claim(0.02), criterion={"better_by": by})[0].status for by in (0, 0.005, 0.02, 0.035)]
    assert statuses == ["pass", "pass", "inconclusive", "fail"]


def test_claims_of_few_clusters_are_read_further_out():
    """Ten clusters: Student's t of nine and the root of 10/9 (Hesterberg), not the normal's."""
    (outcome,) = judged(claim(0.03, clusters=10))
    reach = stats.t.ppf(0.975, 9) * np.sqrt(10 / 9) * 0.005
    assert outcome.interval.low == pytest.approx(0.03 - reach, rel=1e-6)


def test_one_claim_is_not_corrected():
    """A single claim is judged at its own confidence, and its p-value is the normal's."""
    (outcome,) = judged(claim(0.011))
    assert (outcome.status, outcome.claims, outcome.interval.confidence) == ("pass", 1, pytest.approx(0.95))
    assert outcome.p_value == pytest.approx(stats.norm.sf(2.2), rel=0.05)


def test_many_claims_are_corrected_together_over_slices_and_criteria():
    """2.2 standard errors are enough alone, and not among four; 3 are, and the next is judged among the three that are left."""
    slices = [
        claim(delta, slice_column="o", slice_value=name) for name, delta in (("a", 0.015), ("b", 0.011), ("c", 0.0), ("d", 0.0))
    ]
    outcomes = judged(*slices, criterion={"slice": "o"})
    assert [o.status for o in outcomes] == ["pass", "inconclusive", "inconclusive", "inconclusive"]
    assert {o.claims for o in outcomes} == {4}
    assert outcomes[0].interval.confidence == pytest.approx(1 - 0.05 / 4)
    assert outcomes[1].interval.confidence == pytest.approx(1 - 0.05 / 3)
    assert "4 claims to be better, corrected together (Holm)" in outcomes[1].reason


def test_a_claim_that_the_replicates_cannot_show_is_not_judged():
    """Among 700 claims no replicate lies far enough out, and more of them are asked for."""
    slices = [claim(0.03, slice_column="o", slice_value=str(number)) for number in range(700)]
    outcomes = judged(*slices, criterion={"slice": "o"})
    assert {o.status for o in outcomes} == {"not_judged"}
    assert "draw more" in outcomes[0].reason


def test_without_champion_nothing_is_better():
    """A first model makes no claim: its bound is judged, or nothing is."""
    first = comparison(champion=None, delta=None, champion_interval=None, delta_interval=None)
    assert judged(first, champion=None)[0].status == "not_judged"
    (outcome,) = judged(first, champion=None, criterion={"bound": 0.65})
    assert (outcome.status, outcome.better_by, outcome.test) == ("pass", None, None)


def test_a_verdict_of_before_floors_were_asked_for_does_not_hold(tmp_path, monkeypatch):
    """It is read, and verified by the rules at hand: what it promoted comes to another decision, and the place is named."""
    found = evaluation(claim(0.03, noise_floor=None), tails=TAILS, **SCORES_ALONE)

    def judged_now(_=None):
        return judge(found, reports(), gates(c={"better_by": 0}), provenance())

    with monkeypatch.context() as then:
        then.setattr(comparisons, "hold_against_noise", lambda outcome, *_: outcome)
        then.setattr(decision, "hold_self_test", lambda *_: SelfTest(("zero rows",), ()))
        old = judged_now()
    assert old.decision == "promote"
    write_atomically(tmp_path / MANIFEST, b"")
    monkeypatch.setattr(figures, "judge_project", judged_now)
    context = SimpleNamespace(paths=SimpleNamespace(predictions=tmp_path))
    check = figures._check_verdict(context, old.to_json().encode())
    assert check.status == "does_not_hold"
    assert check.reason.startswith("it says promote, and its evidence comes to inconclusive; it differs in criteria/0/reason")


@given(SHARES)
def test_holm_rejects_as_its_definition_does(p_values):
    """Against the definition: the sorted p-values, the k-th against error / (m - k + 1), until one does not hold."""
    errors = holm_errors(p_values, [0.05] * len(p_values))
    held = [p <= error for p, error in zip(p_values, errors, strict=True)]
    expected, order = [False] * len(p_values), np.argsort(p_values, kind="stable")
    for step, place in enumerate(order):
        if p_values[place] > 0.05 / (len(p_values) - step):
            break
        expected[place] = True
    assert held == expected


@given(SHARES, st.floats(1e-6, 1))
def test_a_further_claim_never_helps_the_others(p_values, another):
    """Asking more can only make each claim harder."""
    alone = holm_errors(p_values, [0.05] * len(p_values))
    beside = holm_errors([*p_values, another], [0.05] * (len(p_values) + 1))
    assert all(more <= less for more, less in zip(beside, alone, strict=False))


def test_p_value_is_where_the_interval_turns():
    """Of a normal difference it is the normal's tail; of none, 1."""

    def read(confidence):
        return Interval(low=0.02 - 0.01 * stats.norm.ppf((1 + confidence) / 2), high=1.0, confidence=confidence)

    assert p_value(read, "higher_is_better", 0.0) == pytest.approx(stats.norm.sf(2), rel=1e-4)
    assert p_value(read, "higher_is_better", 0.5) == 1.0
    assert p_value(lambda _: None, "higher_is_better", 0.0) == 1.0


@pytest.mark.parametrize(("low", "expected"), [(-0.0099, "pass"), (-0.0101, "inconclusive")])
def test_a_relative_margin_is_a_share_of_the_champions_figure(low, expected):
    """Two hundredths of 0.5; the outcome holds the interval and the margin in the metric's unit."""
    quantiles = tuple(np.linspace(low / 0.5, 0.02, len(TAILS)))
    kept = Spread(challenger=None, delta=None, relative=Replicates(quantiles=quantiles, below=0.5, acceleration=0.0))
    found = comparison(champion=0.5, challenger=0.505, delta=0.005, spread=kept)
    criterion = {"relative_margin": 0.02, "confidence": 1 - 2 * TAILS[0]}
    (outcome,) = judge_criteria(evaluation(found, tails=TAILS), reports(), gates(c={**criterion, "bound": 0.1}))
    # The bound has no interval at this confidence, so that it is asked apart.
    assert outcome.status == "not_judged"
    whole = found.model_copy(update={"spread": kept.model_copy(update={"challenger": kept.relative})})
    (outcome,) = judge_criteria(evaluation(whole, tails=TAILS), reports(), gates(c=criterion))
    assert (outcome.status, outcome.margin, outcome.relative_margin) == (expected, pytest.approx(0.01), 0.02)
    assert outcome.interval.low == pytest.approx(low)


def test_a_relative_margin_to_a_figure_at_zero_is_not_judged():
    """A share of nothing is nothing: the evaluation keeps no relative replicates, and no margin is made up."""
    kept = Spread(challenger=None, delta=None, relative=None)
    found = comparison(champion=-0.1, challenger=0.1, delta=0.2, spread=kept)
    (outcome,) = judge_criteria(evaluation(found, tails=TAILS), reports(), gates(c={"relative_margin": 0.02}))
    assert outcome.status == "not_judged"
    assert "not above zero in every replicate" in outcome.reason


def test_each_criterion_has_its_own_confidence_and_says_its_method():
    """A stricter confidence widens the interval; the verdict names confidence, method and replicates."""
    kept = claim(0.011).spread.model_copy(update={"challenger": claim(0.72).spread.delta})
    found = claim(0.011).model_copy(update={"spread": kept, "challenger_interval": interval(0.71, 0.73)})
    wide, narrow = (
        judge_criteria(evaluation(found, tails=TAILS), reports(), gates(c={"margin": 0.005, "confidence": c}))[0]
        for c in (0.99, 0.8)
    )
    assert wide.interval.low < narrow.interval.low
    assert (wide.confidence, wide.method, wide.replicates, wide.test) == (0.99, "cluster_bootstrap", 2000, "non_inferiority")


@pytest.mark.parametrize(("floor", "expected"), [(0.005, "pass"), (0.01, "inconclusive"), (0.02, "inconclusive")])
def test_a_difference_within_the_noise_floor_is_no_improvement(floor, expected):
    """However narrow its interval: a model differs as much from itself."""
    (outcome,) = judged(claim(0.01, 0.001, noise_floor=floor))
    assert (outcome.status, outcome.noise_floor, outcome.rows_to_decide) == (expected, floor, None)
    words = {0.005: "noise floor 0.0050"}
    assert words.get(floor, "within the noise floor: difference +0.0100") in outcome.reason
    assert "more rows" not in outcome.reason


SCORES_ALONE = {"challenger": card("challenger", basis="score_file")}
"""What is known of both models is a column of scores."""


@pytest.mark.parametrize("floor", [None, float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("delta", "expected", "words"),
    [
        (0.03, "inconclusive", "no noise floor is known, so that no difference is called an improvement (difference +0.0300"),
        (0.009, "inconclusive", "nor would more rows let it pass, since no noise floor is known"),
        (-0.009, "inconclusive", "more rows would decide"),
        (-0.03, "fail", "not better: difference -0.0300"),
    ],
)
def test_where_no_noise_floor_is_known_nothing_is_better(floor, delta, expected, words):
    """However clear the difference; what is shown to be worse still fails, and rows are named where they would show that."""
    (outcome,) = judged(claim(delta, noise_floor=floor), **SCORES_ALONE)
    assert (outcome.status, outcome.noise_floor) == (expected, None)
    assert words in outcome.reason
    assert (outcome.rows_to_decide is None) is (delta != -0.009)


@pytest.mark.parametrize("floor", [None, 0.01])
@pytest.mark.parametrize(("delta", "is_waiting"), [(-0.009, False), (0.009, True)])
def test_of_a_loss_less_is_ahead(floor, delta, is_waiting):
    """Rows are named where they would show that it is worse, and none where no number of them would let it pass."""
    (outcome,) = judged(claim(delta, noise_floor=floor, direction="lower_is_better"), **SCORES_ALONE)
    assert (outcome.status, outcome.rows_to_decide is not None) == ("inconclusive", is_waiting)


@pytest.mark.parametrize(("floor", "rows", "is_waiting"), [(0.0, 10_000, True), (0.02, 10_000, False), (0.02, 10, False)])
def test_an_undecided_claim_within_the_floor_waits_for_no_rows(floor, rows, is_waiting):
    """At any number of them it would be within the noise floor, were the difference what it is today."""
    (outcome,) = judged(claim(0.009, noise_floor=floor, rows=rows))
    assert (outcome.status, outcome.rows_to_decide is not None) == ("inconclusive", is_waiting)
    assert ("nor would more rows let it pass, since that is within the noise floor" in outcome.reason) is not is_waiting
    assert ("more rows would decide" in outcome.reason) is is_waiting


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            SCORES_ALONE,
            "each side is known only by a column of scores, and nothing can be fitted again here; give the recipe of one",
        ),
        ({"challenger": card("challenger", basis="command")}, "or ask for a margin (non-inferiority)"),
        ({}, "no model was fitted or scored again here, as windtunnel run does"),
    ],
)
def test_the_outcome_says_why_no_floor_is_known_and_what_to_do(changes, words):
    """Scores alone need a recipe beside them; a trial of a recipe needs a run."""
    (outcome,) = judged(claim(0.03, noise_floor=None), **changes)
    assert words in outcome.reason


def test_a_slice_on_which_the_refit_has_no_figure_is_no_better():
    """Of the others the floor is known; this one says that it is the refit that lacks a figure."""
    slices = [claim(0.05, slice_column="o", slice_value=name, noise_floor=floor) for name, floor in (("a", 0.0), ("b", None))]
    known, lacking = judged(*slices, criterion={"slice": "o"})
    assert (known.status, lacking.status) == ("pass", "inconclusive")
    assert "the model that was fitted again has no figure here" in lacking.reason


def test_too_few_rows_do_not_hide_that_no_floor_is_known():
    """Waiting for the least that is judged would decide nothing."""
    (outcome,) = judged(claim(0.05, noise_floor=None, rows=10), **SCORES_ALONE)
    assert (outcome.status, outcome.rows_to_decide) == ("inconclusive", None)
    assert "10 rows, 990 fewer than the least that is judged; no noise floor is known" in outcome.reason


def test_no_sentence_says_better_where_no_floor_is_known():
    """Neither of a margin that holds, nor of a claim that would; worse is said all the same."""

    def told(delta, **criterion):
        found = evaluation(claim(delta, noise_floor=None), tails=TAILS, **SCORES_ALONE)
        return judge(found, reports(), gates(c=criterion), provenance()).reason

    assert told(0.03, margin=0.01) == (
        "PROMOTE: no worse overall (no noise floor is known, so that it is not called better), the critical criterion holds"
    )
    assert told(0.03, better_by=0).startswith("INCONCLUSIVE: no worse overall (no noise floor is known")
    assert "roc_auc overall is called no better: no noise floor is known, and it takes a recipe of one side" in told(
        0.03, better_by=0
    )
    assert "slightly worse overall" in told(-0.03, margin=0.1)


def test_a_claim_that_passes_without_a_floor_voids_the_verdict(monkeypatch):
    """Planted before each judgement; a rule that let it through is named, whatever the evidence at hand."""
    found = evaluation(claim(0.03), tails=TAILS)
    sound = judge(found, reports(), gates(c={"better_by": 0}), provenance())
    assert (sound.decision, "an unknown noise floor" in sound.self_test) == ("promote", True)
    monkeypatch.setattr(comparisons, "hold_against_noise", lambda outcome, *_: outcome)
    void = judge(found, reports(), gates(c={"better_by": 0}), provenance())
    assert void.decision == "not_judged"
    assert "c passes an unknown noise floor" in void.reason


def test_the_noise_floor_is_none_of_a_margin():
    """A model that is as good as the champion need not differ from it; nor is it called better overall within the floor."""
    found = evaluation(claim(0.01, 0.001, noise_floor=0.02), tails=TAILS)
    verdict = judge(found, reports(), gates(c={"margin": 0.01}), provenance())
    (outcome,) = (outcome for outcome in verdict.criteria if outcome.metric)
    assert (outcome.status, outcome.noise_floor) == ("pass", 0.02)
    assert "no clear difference overall" in verdict.reason
    far = evaluation(claim(0.03, 0.001, noise_floor=0.02), tails=TAILS)
    assert "better overall" in judge(far, reports(), gates(c={"margin": 0.01}), provenance()).reason


def test_a_verdict_says_that_a_difference_is_noise():
    """In the one sentence, and as a failure that is planted before each judgement."""
    found = evaluation(claim(0.01, 0.001, noise_floor=0.02), tails=TAILS)
    verdict = judge(found, reports(), gates(c={"better_by": 0}), provenance())
    assert "roc_auc overall differs no more than a model does from itself" in verdict.reason
    assert "a difference within the noise floor" in verdict.self_test
