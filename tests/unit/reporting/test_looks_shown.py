"""Every output says how many looks at the holdout are left."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from verdict_stories import story_inputs, story_verdict

from tasks.errors import ReportError
from tasks.records import LaterLooks, LaterOutcome, LooksLeft, LookTaken
from tasks.reporting import (
    later_sentence,
    left_sentence,
    looks_sentence,
    render_report,
    show_looks,
    standing_sentence,
    verdict_junit,
    verdict_markdown,
)

LOOK = LookTaken(candidate="c", holdout="h", number=3, budget=30, left=27, event="e")
UNDECIDED = LaterOutcome(name="ranking", status="inconclusive", reason="", rows_to_decide=None, days_to_decide=None)
LATER = LaterLooks(budget=30, confidence=0.99914, decision="inconclusive", reason="", outcomes=(UNDECIDED,))
REFRESH = "a refreshed holdout gives first looks again."


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


def test_page_says_both_decisions():
    """What it comes to at a later look, with the criteria; and once it is published at one, what stands, at the top."""
    inputs = story_inputs("promote")
    verdict = inputs.provenance.verdict.model_copy(update={"later_looks": LATER})
    page = render_report(replace(inputs, provenance=replace(inputs.provenance, verdict=verdict)))
    assert later_sentence(verdict) in page
    assert later_sentence(verdict).endswith("it is judged at 99.914 %: inconclusive; other than at the first: ranking.")
    told = standing_sentence(verdict, LOOK)
    assert told == "Look 3 of 30 at this holdout, judged at 99.914 %: inconclusive (promote at a first look); " + REFRESH
    assert f'<strong id="standing-look">{told}</strong>' in show_looks(page, verdict, LOOK)
    assert "standing-look" not in show_looks(page, verdict, LOOK.model_copy(update={"number": 1}))


def _waiting(**rows):
    """The sentence where these criteria are inconclusive at a later look; each decided by so many rows."""
    verdict = story_verdict("promote")
    advisory = verdict.criteria[0].model_copy(update={"name": "advisory", "is_critical": False})
    slices = [
        verdict.criteria[0].model_copy(update={"name": f"each[{value}]", "slice": f"origin={value}", "is_critical": True})
        for value in ("EWR", "JFK", "LGA")
    ]
    all_rows = verdict.criteria[0].model_copy(update={"name": "ranking", "slice": None, "is_critical": True})
    outcomes = tuple(
        UNDECIDED.model_copy(update={"name": name if name in ("ranking", "advisory") else f"each[{name}]", "rows_to_decide": count})
        for name, count in rows.items()
    )
    later = LATER.model_copy(update={"outcomes": outcomes})
    told = verdict.model_copy(update={"criteria": (all_rows, advisory, *slices), "later_looks": later})
    return standing_sentence(told, LOOK).partition("; ")[2]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ({"ranking": 20000}, "about 20,000 rows would decide, or a refreshed holdout."),
        ({"ranking": 20000, "advisory": 90000}, "about 20,000 rows would decide, or a refreshed holdout."),
        ({"ranking": 20000, "advisory": None}, "about 20,000 rows would decide, or a refreshed holdout."),
        ({"JFK": 3000}, "about 3,000 rows of origin=JFK would decide, or a refreshed holdout."),
        (
            {"JFK": 3000, "LGA": 5000, "ranking": 2000},
            "about 2,000 rows, 5,000 rows of origin=LGA and 3,000 rows of origin=JFK would decide, or a refreshed holdout.",
        ),
        (
            {"JFK": 3000, "LGA": 5000, "ranking": 2000, "EWR": 1000},
            "about 2,000 rows, 5,000 rows of origin=LGA, 3,000 rows of origin=JFK and those of 1 more would decide, "
            "or a refreshed holdout.",
        ),
        ({"JFK": None, "ranking": 2000}, REFRESH),
    ],
    ids=str,
)
def test_rows_that_would_decide_are_the_decisions_own(rows, told):
    """Of critical criteria alone, and a slice's rows are the slice's; where one would never be decided no rows are named."""
    assert _waiting(**rows) == told


def test_commands_that_spend_no_look_say_how_many_are_left():
    """Or that nobody knows before a run."""
    assert "27 of 30 left" in left_sentence(LooksLeft(holdout="h", budget=30, left=27))
    assert "not known" in left_sentence(None)


def test_markdown_and_junit_say_it():
    """As a sentence, and as properties of the suite."""
    assert looks_sentence(LOOK) in verdict_markdown(story_verdict("promote"), look=LOOK)
    suite = ET.fromstring(verdict_junit(story_verdict("promote"), LOOK)).find("testsuite")
    properties = {found.get("name"): found.get("value") for found in suite.iter("property")}
    assert (properties["looks_left"], properties["looks_budget"]) == ("27", "30")
