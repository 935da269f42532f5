"""The verdict as JUnit XML: parses, and is green only where the verdict promotes."""

import xml.etree.ElementTree as ET

import pytest
from verdict_stories import HOSTILE, STORIES, make_outcome, make_verdict, story_verdict

from tasks.records import Verdict
from tasks.reporting import verdict_junit


def _suite(verdict: Verdict) -> ET.Element:
    suite = ET.fromstring(verdict_junit(verdict)).find("testsuite")
    assert suite is not None
    return suite


def _kinds(verdict: Verdict) -> list[str]:
    cases = _suite(verdict).findall("testcase")
    return [next((child.tag for child in case if child.tag != "system-out"), "passed") for case in cases]


def test_one_case_for_the_decision_and_one_per_outcome() -> None:
    """Counts in the suite's attributes are those of its cases."""
    verdict = story_verdict("reject")
    suite = _suite(verdict)
    kinds = _kinds(verdict)
    assert suite.get("tests") == str(len(verdict.criteria) + 1) == str(len(kinds))
    assert suite.get("failures") == str(kinds.count("failure")) == "2"
    assert suite.get("skipped") == str(kinds.count("skipped"))


@pytest.mark.parametrize(
    ("status", "is_critical", "expected"),
    [
        ("pass", True, "passed"),
        ("fail", True, "failure"),
        ("not_judged", True, "error"),
        ("inconclusive", True, "error"),
        ("pass", False, "passed"),
        ("fail", False, "skipped"),
        ("not_judged", False, "skipped"),
        ("inconclusive", False, "skipped"),
    ],
)
def test_outcome_becomes_a_test_result(status: str, is_critical: bool, expected: str) -> None:
    """Critical ones fail or err; an advisory one neither stops a build nor counts as passed."""
    outcome = make_outcome(status=status, is_critical=is_critical)
    assert _kinds(make_verdict(outcome))[1] == expected


@pytest.mark.parametrize(
    ("decision", "expected"), [("promote", "passed"), ("reject", "failure"), ("inconclusive", "error"), ("not_judged", "error")]
)
def test_decision_is_green_only_for_promote(decision: str, expected: str) -> None:
    """Also where no single criterion is red, as without any."""
    assert _kinds(make_verdict(decision=decision)) == [expected]


def test_hostile_names_parse() -> None:
    """Markup, quotes and characters that XML may not hold do not break the document."""
    name = f"{HOSTILE}\x00\x1b\uffff"
    outcome = make_outcome(name=name, slice=f"carrier={name}", reason=name, status="fail")
    suite = _suite(make_verdict(outcome, decision="reject"))
    case = suite.findall("testcase")[1]
    assert "<script>" in (case.get("name") or "")
    assert "\x00" not in (case.get("name") or "")


@pytest.mark.parametrize("story", STORIES)
def test_bytes_are_the_same_each_time(story: str) -> None:
    """No time, host or duration."""
    assert verdict_junit(story_verdict(story)) == verdict_junit(story_verdict(story))
    assert "time" not in _suite(story_verdict(story)).attrib


def test_a_rubber_stamp_is_a_property_and_stands_in_the_decision() -> None:
    """A promotion on bounds alone is green, and says what it is."""
    suite = _suite(story_verdict("rubber_stamp"))
    assert {"name": "rubber_stamp", "value": "true"} in [found.attrib for found in suite.findall("properties/property")]
    told = suite.find("testcase[@name='decision']/system-out")
    assert told is not None
    assert "Promote (rubber stamp)" in (told.text or "")
