"""Claims to be better, relative margins and parity as a reader sees them."""

import pytest
from verdict_stories import PARAMS, story_inputs

from tasks.params.judging import GatesParams
from tasks.records import CriterionOutcome, Interval
from tasks.reporting import verdict_markdown
from tasks.reporting.figures import change_edge, format_limit
from tasks.reporting.narrative import action_of
from tasks.reporting.page import thresholds_of


@pytest.fixture(scope="module")
def rejected():
    """A verdict's inputs, and the outcome in them that compares ROC AUC on all rows."""
    inputs = story_inputs("promote")
    verdict = inputs.provenance.verdict
    return inputs, verdict, next(o for o in verdict.criteria if o.is_compared and o.slice is None)


def asked(outcome: CriterionOutcome, **changes: object) -> CriterionOutcome:
    return outcome.model_copy(update={"bound": None, "margin": None, **changes})


@pytest.mark.parametrize(
    ("changes", "limit", "edge"),
    [
        ({"better_by": 0.0}, "difference > 0", 0.0),
        ({"better_by": 0.01}, "difference > +0.01", 0.01),
        ({"better_by": 0.01, "direction": "lower_is_better"}, "difference < \N{MINUS SIGN}0.01", -0.01),
        ({"margin": 0.0062, "relative_margin": 0.01}, "difference ≥ \N{MINUS SIGN}0.0062 (1 % of the champion's)", -0.0062),
        ({"better_by": 0.0, "bound": 0.6}, "≥ 0.6 and difference > 0", 0.0),
    ],
    ids=str,
)
def test_the_limit_says_what_is_asked_of_the_difference(rejected, changes, limit, edge):
    """Better is strict, a relative margin names its share."""
    outcome = asked(rejected[2], **changes)
    assert (format_limit(outcome), change_edge(outcome)) == (limit, edge)


def test_a_claim_that_failed_says_what_was_asked(rejected):
    """The next step names the difference, and that better was asked."""
    inputs, verdict, outcome = rejected
    interval = Interval(low=-0.02, high=-0.001, confidence=0.95)
    failed = asked(outcome, better_by=0.0, delta=-0.01, interval=interval, status="fail", reason="not better", test="superiority")
    changed = verdict.model_copy(update={"decision": "reject", "criteria": (failed,)})
    told = action_of(changed, inputs.provenance.evaluation, 7).text
    assert "ROC AUC differs by \N{MINUS SIGN}0.0100 from the champion's, better is asked." in told
    assert "difference > 0" in verdict_markdown(changed)


def test_a_claim_without_a_noise_floor_names_what_it_takes(rejected):
    """More rows would change nothing: a recipe, or a margin instead."""
    inputs, verdict, outcome = rejected
    told = {"better_by": 0.0, "margin": None, "noise_floor": None, "rows_to_decide": None, "test": "superiority"}
    waiting = outcome.model_copy(update={**told, "status": "inconclusive", "reason": "no noise floor is known: ..."})
    changed = verdict.model_copy(update={"decision": "inconclusive", "criteria": (waiting,)})
    action = action_of(changed, inputs.provenance.evaluation, 7)
    assert "Name a recipe of one model, so that a refit measures the noise floor" in action.text
    assert action.command == "windtunnel run"


def test_a_withheld_slice_names_more_rows_or_fewer_slices(rejected):
    """Nobody says how many more; the limit is not what is wrong."""
    inputs, verdict, outcome = rejected
    told = {"challenger": None, "n": None, "rows_to_decide": None, "reason": "withheld: it would rest on fewer than 5 people"}
    waiting = outcome.model_copy(update={**told, "status": "inconclusive", "is_critical": True})
    changed = verdict.model_copy(update={"decision": "inconclusive", "criteria": (waiting,)})
    action = action_of(changed, inputs.provenance.evaluation, 7)
    assert action.text.startswith("Judge more rows, or merge slices: ")
    assert action.command == "windtunnel data refresh"


def test_thresholds_name_every_kind_of_test():
    """As declared: a share of the champion's figure, a claim, a gap between slices."""
    common = {"min_rows": 1, "critical": True}
    criteria = {
        "relative": {"metric": "roc_auc", "relative_margin": 0.01, **common},
        "better": {"metric": "roc_auc", "better_by": 0.002, **common},
        "fair": {"parity": "roc_auc", "slice": "origin", "gap": 0.1, **common},
    }
    gates = GatesParams.model_validate({"max_age_days": 1, "criteria": criteria})
    relative, better, fair = thresholds_of(PARAMS.model_copy(update={"gates": gates}))
    assert (relative.margin, better.margin) == ("1 % of the champion's", "better by > 0.002")
    assert (fair.what, fair.slice, fair.bound) == ("parity of ROC AUC", "between the values of origin", "0.1")
