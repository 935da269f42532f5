"""A verdict may be acted upon while it is whole, has its receipt, and is not too old."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from evidence_records import evaluation, gates, provenance, reports

from tasks.errors import ExitCode, GateError
from tasks.gates import check_verdict, judge, make_receipt
from tasks.records import LookTaken

NOW = datetime(2013, 11, 1, 3, tzinfo=timezone.utc)
VERDICT = judge(evaluation(), reports(), gates(), provenance()).to_json().encode()


def receipt(verdict=VERDICT, **changes):
    made = make_receipt(verdict, actor="ada", host="tunnel", environment={"windtunnel": "0.1"}, now=NOW, max_age_days=7)
    return made.model_copy(update=changes)


def test_receipt_says_who_where_and_when():
    """Actor, host, environment and times lie in the receipt; the verdict has none of them."""
    made = receipt()
    assert (made.actor, made.host, made.environment, made.decision) == ("ada", "tunnel", {"windtunnel": "0.1"}, "promote")
    assert (made.created_utc, made.expires_utc) == ("2013-11-01T03:00:00Z", "2013-11-08T03:00:00Z")
    assert b"ada" not in VERDICT


def test_whole_verdict_with_receipt_gives_its_decision():
    """Until it expires, from bytes or text."""
    assert check_verdict(VERDICT, receipt(), NOW) == "promote"
    assert check_verdict(VERDICT.decode(), receipt(), NOW + timedelta(days=6, hours=23)) == "promote"


@pytest.mark.parametrize(
    ("verdict", "found", "now", "message"),
    [
        (VERDICT, None, NOW, "no receipt"),
        (VERDICT, receipt(), NOW + timedelta(days=7), "expired at 2013-11-08T03:00:00Z"),
        (VERDICT, receipt(), NOW - timedelta(hours=1), "made in the future"),
        (VERDICT, receipt(expires_utc="soon"), NOW, "cannot be read"),
        (VERDICT, receipt(expires_utc="2013-11-08T03:00:00"), NOW, "cannot be read"),
        (VERDICT, receipt(decision="reject"), NOW, "contradict"),
        (VERDICT + b" ", receipt(), NOW, "differ from those"),
        (VERDICT[:200], receipt(), NOW, "verdict"),
        (b"", receipt(), NOW, "verdict"),
    ],
)
def test_missing_old_changed_or_broken_is_exit_code_2(verdict, found, now, message):
    """Whatever is wrong, the answer is an error that could not judge, never a decision."""
    with pytest.raises(GateError, match=message) as error:
        check_verdict(verdict, found, now)
    assert error.value.exit_code == ExitCode.COULD_NOT_JUDGE


def test_a_decision_that_its_criteria_contradict_is_refused():
    """A verdict edited by hand and given a new receipt is still not a promotion."""
    content = json.loads(judge(evaluation(), {}, gates(v={"evidence": "validation", "critical": True}), provenance()).to_json())
    edited = (json.dumps(content | {"decision": "promote"}, indent=1, sort_keys=True) + "\n").encode()
    with pytest.raises(GateError, match="contradict"):
        check_verdict(edited, receipt(edited), NOW)


MEASURED = judge(
    evaluation(inputs=evaluation().inputs | {"holdout": "h" * 64, "models/challenger": "c" * 64}), reports(), gates(), provenance()
)
OF_BEFORE = MEASURED.model_copy(update={"later_looks": None})
MEASURED_BYTES = MEASURED.to_json().encode()


def look(**changes):
    return LookTaken(
        **({"candidate": "c" * 64, "holdout": "h" * 64, "number": 1, "budget": 30, "left": 29, "event": "e"} | changes)
    )


def test_verdict_on_a_first_look_gives_its_decision():
    """The first candidate on a holdout is judged as the criteria say."""
    assert check_verdict(MEASURED_BYTES, receipt(MEASURED_BYTES, look=look()), NOW) == "promote"


def test_a_verdict_of_before_decides_nothing_at_a_later_look():
    """It does not say what it comes to then; at a first look it stays what it was."""
    content = OF_BEFORE.to_json().encode()
    assert check_verdict(content, receipt(content, look=look()), NOW) == "promote"
    assert check_verdict(content, receipt(content, look=look(number=30)), NOW) == "inconclusive"


@pytest.mark.parametrize("change", [{"decision": "promote"}, {"outcomes": ()}, {"budget": 1000}])
def test_a_later_decision_that_its_outcomes_contradict_is_refused(change):
    """Edited by hand, and given a new receipt: neither the decision nor the budget that it was judged for."""
    assert MEASURED.later_looks.decision == "not_judged"  # these figures keep no replicates to be read further out
    edited = MEASURED.model_copy(update={"later_looks": MEASURED.later_looks.model_copy(update=change)}).to_json().encode()
    with pytest.raises(GateError, match=r"contradict|budget"):
        check_verdict(edited, receipt(edited, look=look(number=2)), NOW)


@pytest.mark.parametrize(
    "taken",
    [None, look(candidate="d" * 64), look(holdout="i" * 64), look(number=31)],
    ids=["none", "candidate", "holdout", "beyond"],
)
def test_verdict_whose_look_nobody_paid_for_is_refused(taken):
    """No look, another candidate's, another holdout's, or one beyond the budget: nobody may act upon it."""
    with pytest.raises(GateError, match="look") as raised:
        check_verdict(MEASURED_BYTES, receipt(MEASURED_BYTES, look=taken), NOW)
    assert raised.value.exit_code == ExitCode.COULD_NOT_JUDGE
