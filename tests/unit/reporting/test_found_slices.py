"""Slices that nobody declared on the page: those that may be told, how many may not, and the criterion on them."""

from dataclasses import replace

from verdict_stories import story_inputs

from tasks.params.judging import DiscoveredCriterion, DiscoverParams
from tasks.records import CriterionOutcome, Discovery, SuspectSlice
from tasks.reporting import render_report

ASKED = DiscoverParams(columns=("origin", "carrier"), metric="brier", min_rows=500)
FOUND = Discovery(
    metric="brier",
    direction="lower_is_better",
    columns=ASKED.columns,
    margin=0.0,
    min_rows=500,
    searched=41,
    too_small=7,
    suspects=(
        SuspectSlice(
            p_value=2e-7, slice="origin=JFK & carrier=<b>9E", rows=812, clusters=58, champion=0.16, challenger=0.21, delta=0.05
        ),
        SuspectSlice(p_value=0.01),
    ),
)


def test_found_slices_stand_on_the_page_with_their_criterion() -> None:
    """By name where it may be told, as text; withheld ones are counted; the criterion has no figure, and says why."""
    inputs = story_inputs("reject")
    verdict, evaluation = inputs.provenance.verdict, inputs.provenance.evaluation
    outcome = CriterionOutcome.model_validate(
        verdict.criteria[0].model_dump()
        | {"name": "found", "metric": "discovered[brier]", "status": "fail", "reason": "worse on a pair", "slices_searched": 41}
    )
    judged = verdict.model_copy(update={"criteria": (*verdict.criteria, outcome)})
    found = replace(inputs.provenance, verdict=judged, evaluation=evaluation.model_copy(update={"discovery": FOUND}))
    criteria = inputs.params.gates.criteria | {"found": DiscoveredCriterion(discovered="brier", critical=True)}
    params = inputs.params.model_copy(
        update={
            "gates": inputs.params.gates.model_copy(update={"criteria": criteria}),
            "evaluation": inputs.params.evaluation.model_copy(update={"discover": ASKED}),
        }
    )
    page = render_report(replace(inputs, provenance=found, params=params))
    assert "origin=JFK &amp; carrier=&lt;b&gt;9E" in page
    assert "1 more are withheld" in page
    assert "values of origin, carrier and their pairs" in page
    assert "worse on a pair" in page
