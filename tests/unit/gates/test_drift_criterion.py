"""A criterion on drift: what passes, what fails, and what nobody can tell."""

import pytest
from evidence_records import comparison, evaluation, gates, provenance, reports

from tasks.gates import SUBJECTS, judge, judge_criteria
from tasks.gates.bad_evidence import SelfTestEvidence
from tasks.gates.selftest import hold_self_test
from tasks.params.judging import GatesParams
from tasks.records import Drift, FeatureDrift


def feature(name, psi, by_chance=0.02):
    reason = "" if psi is not None else "its bins would rest on fewer than 5 people"
    return FeatureDrift(
        feature=name,
        bins=10,
        psi=psi,
        total_variation=psi,
        kolmogorov_smirnov=psi,
        by_chance=None if psi is None else by_chance,
        reason=reason,
    )


def drifted(*features, rows=5000):
    return Drift(reference="train", reference_rows=9000, rows=rows, features=features)


ASKED = {"drift": "psi", "most": 0.2, "min_rows": 1000, "critical": True}


def asked(**changes):
    criterion = ASKED | changes
    return GatesParams.model_validate({"max_age_days": 7, "criteria": {"stable": criterion}})


def outcome(drift, **changes):
    (found,) = judge_criteria(evaluation(comparison(), drift=drift), {}, asked(**changes))
    return found


@pytest.mark.parametrize(
    ("psi", "expected"), [(0.0, "pass"), (0.2, "pass"), (0.21, "inconclusive"), (0.23, "fail"), (None, "inconclusive")]
)
def test_beyond_the_limit_by_more_than_chance_fails(psi, expected):
    """The worst feature decides, and is named."""
    found = outcome(drifted(feature("steady", 0.01), feature("delay", psi)))
    assert found.status == expected
    assert ("delay" if psi is None or psi > 0.01 else "steady") in found.reason


def test_only_features_that_are_asked_count():
    """Another one may have moved as far as it likes; one that was not measured is no pass."""
    both = drifted(feature("steady", 0.01), feature("delay", 0.9))
    assert outcome(both, features=["steady"]).status == "pass"
    assert outcome(both, features=["steady", "gone"]).status == "not_judged"


def test_what_was_not_measured_is_not_judged_and_few_rows_are_inconclusive():
    """Nothing examined is never a pass."""
    assert outcome(None).status == outcome(drifted()).status == "not_judged"
    assert outcome(drifted(feature("steady", 0.0), rows=999)).status == "inconclusive"
    (none,) = judge_criteria(None, {}, asked())
    assert (none.status, none.reason) == ("not_judged", "there is no evaluation")


def test_shifted_columns_are_planted_before_each_judgement():
    """All of them and one alone; a criterion on drift notices, and the verdict lists what was planted."""
    found = evaluation(comparison(), drift=drifted(feature("steady", 0.01), feature("delay", 0.05)))
    criteria = {"stable": {"drift": "psi", "most": 0.2, "min_rows": 1000, "critical": True}}
    both = gates(ranking={"margin": 1.0}).model_copy(update={"criteria": asked().criteria | gates(ranking={"bound": 0.0}).criteria})
    assert set(both.criteria) == {*criteria, "ranking"}
    verdict = judge(found, reports(), both, provenance())
    assert {"shifted columns", "one shifted column", "drift that nobody measured"} <= set(verdict.self_test)
    assert [one.status for one in verdict.criteria if one.name == "stable"] == ["pass"]
    assert not [one for one in verdict.criteria if one.name == "self_test" and "stable" in one.reason]


@pytest.mark.parametrize(("most", "is_flawed"), [(15.0, False), (25.0, True)])
def test_a_limit_that_no_drift_could_exceed_voids(most, is_flawed):
    """Of 5,000 rows against 9,000, all of them where the reference has none have an index of 19.01: more there cannot be."""
    gates_of = GatesParams.model_validate({"max_age_days": 7, "criteria": {"stable": dict(ASKED, most=most)}})
    held = hold_self_test(
        SelfTestEvidence(evaluation(comparison(), drift=drifted(feature("delay", 0.05))), reports(), None, SUBJECTS), gates_of, None
    )
    assert held.flaws == (("stable passes columns that went missing",) if is_flawed else ())
