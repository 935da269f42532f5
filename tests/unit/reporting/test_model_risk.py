"""What a model's owner states is in the verdict, on the page and in Markdown; what is not stated is seen."""

from dataclasses import replace

import pytest
from verdict_stories import story_inputs

from tasks.params.judging import GatesParams
from tasks.records import RiskStatement
from tasks.reporting import render_report, verdict_markdown
from tasks.reporting.risk import NOT_STATED, risk_rows

STATED = RiskStatement(
    owner="Jane <Doe>", tier="2", intended_use="staffing", not_for="passengers", limits=("no winter", "three airports")
)


def stated(**changes):
    inputs = story_inputs("promote")
    verdict = inputs.provenance.verdict.model_copy(update={"risk": STATED.model_copy(update=changes)})
    return replace(inputs, provenance=replace(inputs.provenance, verdict=verdict))


def test_nothing_stated_is_five_gaps():
    """Each is named; none is left out."""
    rows = risk_rows(RiskStatement())
    assert [row.name for row in rows] == ["Owner", "Risk tier", "Intended use", "Not for", "Known limits"]
    assert all(row.is_gap and row.text == NOT_STATED for row in rows)


@pytest.mark.parametrize("name", ["owner", "tier", "intended_use", "not_for"])
def test_one_gap_is_seen_on_page_and_in_markdown(name):
    """The others are told in the owner's words."""
    inputs = stated(**{name: None})
    page, text = render_report(inputs), verdict_markdown(inputs.provenance.verdict)
    section = page[page.index('<section id="risk">') :].partition("</section>")[0]
    assert (section.count(NOT_STATED), text.count(NOT_STATED)) == (1, 1)
    assert "no winter; three airports" in section
    assert "no winter; three airports" in text


def test_an_owners_words_are_text_and_no_markup():
    """A name may hold anything."""
    page = render_report(stated())
    section = page[page.index('<section id="risk">') :].partition("</section>")[0]
    assert "Jane &lt;Doe&gt;" in section
    assert NOT_STATED not in section


@pytest.mark.parametrize("risk", [{"owner": ""}, {"limits": [""]}, {"colour": "red"}])
def test_empty_words_and_other_keys_are_refused(risk):
    """An empty statement would hide a gap."""
    criteria = {"ranking": {"metric": "roc_auc", "margin": 0.1, "min_rows": 1, "critical": True}}
    with pytest.raises(ValueError, match="risk"):
        GatesParams.model_validate({"max_age_days": 1, "criteria": criteria, "risk": risk})
