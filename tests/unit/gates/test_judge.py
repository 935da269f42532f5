"""From outcomes to one decision, one sentence and one record."""

from dataclasses import replace

import pytest
from evidence_records import comparison, difference, evaluation, gates, provenance, report, reports

from tasks.errors import ExitCode
from tasks.gates import decide, exit_code, judge
from tasks.params.judging import RiskParams
from tasks.records import ClassOutcome, ClassScores

PASS, FAIL = difference(0.01, 0.03), difference(-0.03, -0.02)
WIDE, NONE = difference(-0.1, 0.1), comparison(delta_interval=None, reason="9 clusters")


def on(found, origin):
    return found.model_copy(update={"slice_column": "origin", "slice_value": origin})


def verdict(*comparisons, criteria=None, found_reports=None, **changes):
    criteria = criteria or {"ranking": {"margin": 0.005}, "each": {"margin": 0.005, "slice": "origin"}}
    return judge(evaluation(*comparisons, **changes), found_reports or reports(), gates(**criteria), provenance())


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (PASS, PASS, "promote"),
        (PASS, WIDE, "inconclusive"),
        (WIDE, NONE, "not_judged"),
        (NONE, FAIL, "reject"),
        (WIDE, FAIL, "reject"),
        (PASS, NONE, "not_judged"),
    ],
)
def test_the_worst_critical_criterion_decides(first, second, expected):
    """A failure stands whatever else is unknown; then what is missing; then what is too wide."""
    assert verdict(first, on(second, "EWR")).decision == expected


def test_advisory_criteria_never_change_the_decision():
    """What is not critical is told, and decides nothing."""
    for found in (PASS, FAIL, WIDE, NONE):
        criteria = {"ranking": {"margin": 0.005}, "each": {"margin": 0.005, "slice": "origin", "critical": False}}
        assert verdict(PASS, on(found, "EWR"), criteria=criteria).decision == "promote"


def test_no_critical_outcome_is_not_judged():
    """Nothing that counts was examined: never a promotion."""
    assert decide(()) == "not_judged"


def test_exit_codes_are_those_that_release_flows_know():
    """0 promote, 1 reject, 2 could not judge, 3 inconclusive."""
    decisions = ("promote", "reject", "not_judged", "inconclusive")
    codes = (ExitCode.PROMOTE, ExitCode.REJECT, ExitCode.COULD_NOT_JUDGE, ExitCode.INCONCLUSIVE)
    assert tuple(exit_code(decision) for decision in decisions) == codes == (0, 1, 2, 3)


def test_missing_evaluation_is_a_verdict_too():
    """Without an evaluation the verdict is not judged, and says so."""
    found = judge(None, reports(), gates(), provenance())
    assert (found.decision, exit_code(found.decision), found.view) == ("not_judged", 2, {})
    assert found.reason == "NOT JUDGED: roc_auc overall could not be judged (there is no evaluation)"


@pytest.mark.parametrize(
    ("comparisons", "reason"),
    [
        ((PASS, on(PASS, "EWR")), "PROMOTE: better overall, all 2 critical criteria hold"),
        ((difference(-0.004, 0.004), on(PASS, "EWR")), "PROMOTE: no clear difference overall, all 2 critical criteria hold"),
        ((PASS, on(FAIL, "LGA")), "REJECT: better overall, clearly worse on origin=LGA (roc_auc -0.025, margin 0.005)"),
        ((FAIL, on(PASS, "LGA")), "REJECT: clearly worse overall (roc_auc -0.025, margin 0.005)"),
        ((PASS, on(NONE, "LGA")), "NOT JUDGED: better overall, roc_auc on origin=LGA could not be judged"),
        ((PASS, on(WIDE, "LGA")), "INCONCLUSIVE: better overall, too little to tell roc_auc on origin=LGA"),
    ],
)
def test_one_plain_sentence_says_what_decided(comparisons, reason):
    """The sentence begins with the decision, says how it went overall, then what decided."""
    assert verdict(*comparisons).reason.startswith(reason)


def test_sentence_tells_bounds_validation_and_advice():
    """A missed bound, a failed validation and an advisory failure each have their words."""
    bound = verdict(PASS, criteria={"ranking": {"bound": 0.9}}).reason
    assert bound == "REJECT: roc_auc overall below 0.9 (0.720)"
    criteria = {"v": {"evidence": "validation", "critical": True}, "ranking": {"margin": 0.005}}
    failed = verdict(PASS, criteria=criteria, found_reports=reports(splits=report("splits", is_passed=False))).reason
    assert failed == "REJECT: better overall, validation of splits failed (0 suites, 0 findings)"
    criteria = {"ranking": {"margin": 0.005}, "each": {"margin": 0.005, "slice": "origin", "critical": False}}
    advised = verdict(PASS, on(FAIL, "LGA"), criteria=criteria).reason
    assert advised.endswith("; not decisive: clearly worse on origin=LGA (roc_auc -0.025, margin 0.005)")


def test_many_reasons_are_counted_not_listed():
    """Three are named, the rest is a number."""
    slices = [on(FAIL, name) for name in "ABCDE"]
    assert verdict(PASS, *slices).reason.endswith("and 2 more")


def test_first_model_is_visibly_rubber_stamped():
    """Without a champion the verdict says so, in the record and in the sentence."""
    first = comparison(champion=None, delta=None, champion_interval=None, delta_interval=None)
    found = verdict(first, champion=None, criteria={"ranking": {"margin": 0.005, "bound": 0.65}})
    assert (found.decision, found.rubber_stamp, found.view) == ("promote", True, {"challenger": "masked"})
    assert found.reason.startswith("PROMOTE (rubber stamp: there is no champion to compare with)")
    assert not verdict(PASS, on(PASS, "EWR")).rubber_stamp


def test_first_model_with_a_margin_alone_is_not_judged():
    """A critical criterion that needs a champion has no answer without one: exit code 2, never a promotion."""
    first = comparison(champion=None, delta=None, champion_interval=None, delta_interval=None)
    found = verdict(first, champion=None, criteria={"ranking": {"margin": 0.005}})
    assert (found.decision, found.rubber_stamp) == ("not_judged", True)


def test_rare_classes_are_named_in_the_sentence():
    """Whatever is decided, little is known of a class with few rows."""
    scores = ClassScores(precision=None, recall=0.5, f1=None, predicted=(1, 1))
    kinds = [("frost", 12, True), ("sun", 9_988, False)]
    classes = tuple(
        ClassOutcome(name=n, rows=rows, fraction=rows / 1e4, is_rare=rare, champion=None, challenger=scores)
        for n, rows, rare in kinds
    )
    said = "; little is known of a class with few rows: frost (12 rows)"
    assert verdict(PASS, on(PASS, "EWR"), classes=classes).reason.endswith(said)


def test_a_class_whose_count_is_withheld_is_named_without_it():
    """Fewer than k people: its name may be said, and no figure."""
    scores = ClassScores(precision=None, recall=None, f1=None, predicted=(None,))
    few = ClassOutcome(name="snow", rows=None, fraction=None, is_rare=True, champion=None, challenger=scores)
    reason = verdict(PASS, on(PASS, "EWR"), classes=(few,)).reason
    assert reason.endswith("; little is known of a class with few rows: snow (few rows)")


def test_verdict_carries_where_it_comes_from():
    """Views, level of evidence, hashes and seeds of everything that it rests on."""
    found = verdict(PASS, on(PASS, "EWR"), missing_slices=("carrier=AA",))
    assert found.view == {"champion": "raw", "challenger": "masked"}
    assert (found.judged, found.evidence_level) == ("recipe", "refitted_here")
    assert found.inputs == {**evaluation().inputs, "pin": "a" * 64}
    assert found.seeds == {"root": 1, "evaluation": 5, "challenger": 7}
    assert found.missing_slices == ("carrier=AA",)


def test_policy_hash_follows_the_criteria():
    """Another margin is another policy; the same criteria are the same policy."""
    hashes = [verdict(PASS, criteria={"ranking": {"margin": margin}}).policy_hash for margin in (0.005, 0.005, 0.006)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_equal_evidence_gives_equal_bytes():
    """A verdict holds no clock and no order of chance."""
    first, second = (verdict(PASS, on(WIDE, "EWR")).to_json() for _ in range(2))
    assert first == second


def test_a_rehearsal_is_visible():
    """What nobody has signed says so, in the record and in the sentence, whatever is decided."""
    unsigned = replace(provenance(), is_rehearsal=True)
    found = judge(evaluation(PASS), reports(), gates(), unsigned)
    assert found.rehearsal
    assert found.reason.endswith("; a rehearsal: nobody has signed masking policy and criteria as they are")
    assert not verdict(PASS).rehearsal


def test_a_verdict_holds_what_the_owner_states():
    """Bound to it, and judged by nothing."""
    stated = {"owner": "Jane Doe", "limits": ("no winter",)}
    silent = gates()
    telling = silent.model_copy(update={"risk": RiskParams(**stated)})
    first, second = (judge(evaluation(), reports(), asked, provenance()) for asked in (silent, telling))
    assert (second.risk.owner, second.risk.limits, second.risk.tier) == ("Jane Doe", ("no winter",), None)
    assert (first.decision, first.criteria) == (second.decision, second.criteria)
    assert first.policy_hash != second.policy_hash
