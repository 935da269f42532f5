"""A verdict as JUnit XML, for a CI system's test page.

What belongs here: the mapping from outcomes to test results. What does not: the exit code (``windtunnel gate --check``).

The mapping, so that no CI shows green for what does not promote:

- a first test case, ``decision``, passes for ``promote`` only (at a later look at the holdout: where it stands then); ``reject``
  is a failure, anything else an error;
- a critical outcome passes, or is a failure (``fail``), or an error (``inconclusive``, ``not_judged``): an error says that
  the question has no answer yet;
- an outcome that is not critical and did not pass is ``skipped`` with its status in the message: it cannot stop a promotion,
  so it must not turn a promoting build red, and it is never shown as passed.
"""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tasks.records import CriterionOutcome, LookTaken, Verdict
from tasks.reporting.looks import standing_sentence
from tasks.reporting.narrative import headline
from tasks.reporting.rows import DECISION_WORDS, STATUS_WORDS, VerdictRow, verdict_table

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def verdict_junit(verdict: Verdict, look: LookTaken | None = None, rolled_back: str = "") -> str:
    """JUnit XML: one test case for the decision, then one per outcome; without times, host or clock.

    With ``look`` the decision is the one that stands after it, and the properties say how many looks at the holdout are left.
    ``rolled_back`` says that its champion was: such a decision is an error.
    """
    word, reason = headline(verdict)
    standing, turned = verdict.standing(look), standing_sentence(verdict, look)
    if turned:
        word, reason = DECISION_WORDS[standing], f"{turned} At a first look: {reason}"
    if rolled_back:
        standing, word, reason = "not_judged", "Rolled back", f"{rolled_back} Before that: {word}: {reason}"
    suite = Element("testsuite", name="windtunnel gate")
    properties = SubElement(suite, "properties")
    facts = [
        ("decision", standing),
        ("decision_at_first_look", verdict.decision),
        ("rubber_stamp", str(verdict.rubber_stamp).lower()),
        ("rehearsal", str(verdict.rehearsal).lower()),
        ("policy_hash", verdict.policy_hash),
    ]
    facts += [("looks_left", str(look.left)), ("looks_budget", str(look.budget))] if look else []
    for name, value in (*facts, *sorted(verdict.inputs.items())):
        SubElement(properties, "property", name=_clean(name), value=_clean(value))
    decision = SubElement(suite, "testcase", classname="windtunnel", name="decision")
    if standing != "promote":
        kind = "failure" if standing == "reject" else "error"
        SubElement(decision, kind, type=standing, message=_clean(f"{word}: {reason}"))
    else:
        SubElement(decision, "system-out").text = _clean(f"{word}: {reason}")
    for outcome, row in zip(verdict.criteria, verdict_table(verdict), strict=True):
        _add_case(suite, outcome, row)
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    root = Element("testsuites")
    root.append(suite)
    indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _add_case(suite: Element, outcome: CriterionOutcome, row: VerdictRow) -> None:
    case = SubElement(suite, "testcase", classname=_clean(f"windtunnel.{row.criterion}"), name=_clean(row.name))
    figures = f"{row.metric}: champion {row.champion}, challenger {row.challenger}, difference {row.change}, limit {row.limit}"
    if outcome.status != "pass":
        kind = "skipped" if not outcome.is_critical else "failure" if outcome.status == "fail" else "error"
        message = f"{STATUS_WORDS[outcome.status]}{'' if outcome.is_critical else ' (not critical)'}: {outcome.reason}"
        SubElement(case, kind, type=outcome.status, message=_clean(message)).text = _clean(figures)
    else:
        SubElement(case, "system-out").text = _clean(figures)


def _clean(text: str) -> str:
    """``text`` without the control characters that no XML document may hold."""
    return _NOT_XML.sub("\ufffd", text)
