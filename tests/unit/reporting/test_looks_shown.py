"""Every output says how many looks at the holdout are left."""

import xml.etree.ElementTree as ET

import pytest
from verdict_stories import story_inputs, story_verdict

from tasks.errors import ReportError
from tasks.records import LookTaken
from tasks.reporting import looks_sentence, render_report, show_looks, verdict_junit, verdict_markdown

LOOK = LookTaken(candidate="c", holdout="h", number=3, budget=30, left=27, event="e")


def test_sentence_says_how_many_are_left():
    """And which one this candidate's was; nothing measured is told as such."""
    assert looks_sentence(LOOK) == "Looks at this holdout: 27 of 30 left (this candidate's was number 3)."
    assert "none was spent" in looks_sentence(None)


def test_page_has_one_place_for_it():
    """Filled when it is published; the page that the stage draws has none, and is the same on every run."""
    page = render_report(story_inputs("promote"))
    assert "looks left" not in page
    assert "27 of 30 looks left" in show_looks(page, story_verdict("promote"), LOOK)
    assert "no look spent" in show_looks(page, story_verdict("promote"), None)


def test_page_without_that_place_is_refused():
    """A page of another version, or one that was published before."""
    page = show_looks(render_report(story_inputs("promote")), story_verdict("promote"), LOOK)
    with pytest.raises(ReportError, match="0 places"):
        show_looks(page, story_verdict("promote"), LOOK)


def test_markdown_and_junit_say_it():
    """As a sentence, and as properties of the suite."""
    assert looks_sentence(LOOK) in verdict_markdown(story_verdict("promote"), look=LOOK)
    suite = ET.fromstring(verdict_junit(story_verdict("promote"), LOOK)).find("testsuite")
    properties = {found.get("name"): found.get("value") for found in suite.iter("property")}
    assert (properties["looks_left"], properties["looks_budget"]) == ("27", "30")
