# ruff: noqa: RUF001 - minus signs and dashes are what readers see
"""The verdict as Markdown: the whole table, and nothing in a name that Markdown would act on."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verdict_stories import HOSTILE, make_outcome, make_verdict, story_inputs

from tasks.reporting import verdict_markdown
from tasks.reporting.markdown import escape_markdown


def test_table_has_a_line_per_criterion() -> None:
    """Criterion, champion, challenger, difference with interval, limit and status."""
    found = story_inputs("reject").provenance
    text = verdict_markdown(found.verdict, found.evaluation)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(found.verdict.criteria)
    assert text.startswith("## Reject: better overall, clearly worse on origin=LGA")
    assert (
        "| each_origin · origin=LGA | ROC AUC | 0.6214 | 0.5502 | −0.0712 (−0.0798 to −0.0626) "
        "| difference ≥ −0.02 | 17,871 | ✗ fail |"
    ) in lines


def test_what_was_judged_is_told_with_and_without_an_evaluation() -> None:
    """A gate on another branch has the verdict alone."""
    found = story_inputs("reject").provenance
    with_rows = "Judged: the model that the recipe gave here on 48,213 rows of by_time, part test, 2013-09-02 to 2013-10-30."
    assert with_rows in verdict_markdown(found.verdict, found.evaluation)
    assert "Judged: the model that the recipe gave here on by_time, part test." in verdict_markdown(found.verdict)


def test_intervals_are_told_with_what_they_were_drawn_by() -> None:
    """Method, confidence, replicates and seed; methods that draw nothing, and searches, have none."""
    drawn = make_outcome(method="expanded", confidence=0.95, replicates=2000, seed=5)
    exact = make_outcome(method="delong", confidence=0.9)
    search = make_outcome(method="student_t", confidence=0.95, replicates=500, seed=5, slices_searched=40)
    told = verdict_markdown(make_verdict(drawn, drawn, exact, search))
    assert "Intervals: expanded cluster bootstrap, 95 %; DeLong, 90 %; 2,000 replicates, seed 5." in told
    assert "Intervals:" not in verdict_markdown(make_verdict(search))


def test_missing_slices_and_rubber_stamp_are_told() -> None:
    """Neither hides behind a table."""
    assert "Slices without judged rows: origin=LGA, carrier=OO" in verdict_markdown(story_inputs("not_judged").provenance.verdict)
    assert "Rubber stamp" in verdict_markdown(story_inputs("rubber_stamp").provenance.verdict)


def test_hostile_names_stay_text() -> None:
    """No tag, no image, no link, no further column, no code span, no line break."""
    name = f"{HOSTILE}\n| x | ![a](http://evil.invalid) [b](c) **d**"
    outcome = make_outcome(name=f"each[{name}]", slice=f"carrier={name}", reason=name, status="fail")
    text = verdict_markdown(make_verdict(outcome, decision="reject", missing_slices=(name,)))
    row = next(line for line in text.splitlines() if line.startswith("| each"))
    assert "<" not in text
    assert "![" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert len(re.findall(r"(?<!\\)\|", row)) == 9


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_escaped_text_is_one_line_without_live_markup(text: str) -> None:
    """Whatever a name holds, each special character that remains is escaped."""
    escaped = escape_markdown(text)
    assert len(escaped.splitlines()) <= 1
    bare = re.sub(r"\\.", "", escaped)
    assert not set(bare) & set("`*[]|~$<")


@pytest.mark.parametrize("name", ["roc_auc", "each_carrier", "a_b_c1"])
def test_ordinary_names_stay_readable(name: str) -> None:
    """An underscore within a word is no emphasis and needs no backslash."""
    assert escape_markdown(name) == name
