# ruff: noqa: RUF001 - minus signs and dashes are what readers see
"""The table that page, Markdown and terminal share, and which of its rows decided."""

import pytest
from verdict_stories import make_outcome, make_verdict, story_verdict

from tasks.records import Interval
from tasks.reporting import verdict_table
from tasks.reporting.rows import decisive_criteria


def test_one_row_per_outcome_in_the_verdicts_order() -> None:
    """Nothing is left out or moved."""
    verdict = story_verdict("reject")
    rows = verdict_table(verdict)
    assert [row.metric for row in rows[:3]] == ["–", "ROC AUC", "Log loss"]
    assert len(rows) == len(verdict.criteria) == 24


def test_a_slices_row_names_criterion_and_slice() -> None:
    """The criterion's name is that of params.yaml, without the slice that the gate adds."""
    row = verdict_table(make_verdict(make_outcome(name="each_carrier[AA]", slice="carrier=AA")))[0]
    assert (row.criterion, row.slice, row.name) == ("each_carrier", "carrier=AA", "each_carrier · carrier=AA")


def test_figures_limit_and_status_are_text() -> None:
    """A renderer formats nothing."""
    row = verdict_table(make_verdict(make_outcome(is_critical=False, status="fail")))[0]
    assert (row.champion, row.challenger, row.change) == ("0.7300", "0.7400", "+0.0100 (+0.0020 to +0.0180)")
    assert (row.limit, row.rows, row.status) == ("difference ≥ −0.005", "10,000", "fail (not critical)")


def test_a_near_miss_is_not_rounded_onto_its_limit() -> None:
    """−0.00502 against −0.005 shows its fifth digit."""
    interval = Interval(low=-0.00502, high=-0.001, confidence=0.95)
    row = verdict_table(make_verdict(make_outcome(interval=interval)))[0]
    assert row.interval == "−0.00502 to −0.00100"


def test_missing_figures_are_dashes() -> None:
    """A criterion that was not judged has no zeros."""
    outcome = make_outcome(challenger=None, champion=None, delta=None, interval=None, n=None, status="not_judged")
    row = verdict_table(make_verdict(outcome))[0]
    assert (row.champion, row.challenger, row.change, row.rows) == ("–", "–", "–", "–")
    assert row.status == "not judged"


def _names(verdict: object, indices: tuple[int, ...]) -> list[tuple[str, str | None]]:
    return [(verdict.criteria[i].name, verdict.criteria[i].slice) for i in indices]  # type: ignore[attr-defined]


def test_a_rejection_shows_what_failed_before_what_is_fine() -> None:
    """Better overall, clearly worse on one slice: the slice comes first, the overall figures are its context."""
    verdict = story_verdict("reject")
    names = _names(verdict, decisive_criteria(verdict))
    assert names[0] == ("each_origin[LGA]", "origin=LGA")
    assert ("ranking", None) in names
    assert ("calibration", None) in names


def test_an_advisory_failure_is_shown_even_where_it_does_not_decide() -> None:
    """A promotion does not hide the one slice that got worse."""
    advisory = make_outcome(name="each[x]", slice="a=x", is_critical=False, status="fail")
    verdict = make_verdict(*[make_outcome(name=f"c{i}") for i in range(9)], advisory)
    assert 9 in decisive_criteria(verdict)


def test_critical_criteria_come_before_advisory_ones() -> None:
    """What decided was critical; an advisory criterion of the same status is not given as the reason."""
    advisory = make_outcome(name="a", is_critical=False, status="inconclusive")
    critical = make_outcome(name="b", status="inconclusive")
    assert decisive_criteria(make_verdict(advisory, critical, decision="inconclusive"))[0] == 1


@pytest.mark.parametrize("direction", ["higher_is_better", "lower_is_better"])
def test_the_worst_failure_comes_first(direction: str) -> None:
    """Furthest beyond its own margin, in the metric's direction."""
    sign = 1 if direction == "lower_is_better" else -1

    def failing(name: str, size: float) -> object:
        ends = sorted((sign * (size - 0.01), sign * (size + 0.01)))
        interval = Interval(low=ends[0], high=ends[1], confidence=0.95)
        return make_outcome(name=name, direction=direction, delta=sign * size, interval=interval, status="fail")

    verdict = make_verdict(failing("mild", 0.03), failing("grave", 0.2), decision="reject")  # type: ignore[arg-type]
    assert decisive_criteria(verdict) == (1, 0)


@pytest.mark.parametrize("story", ["reject", "promote", "inconclusive", "not_judged", "rubber_stamp", "failed_validation"])
def test_few_criteria_decide(story: str) -> None:
    """Each decision shows at least one and at most five, none of them twice."""
    chosen = decisive_criteria(story_verdict(story))
    assert 1 <= len(chosen) <= 5
    assert len(set(chosen)) == len(chosen)


def test_no_criteria_show_none() -> None:
    """A verdict without criteria is drawn, not refused."""
    assert decisive_criteria(make_verdict(decision="not_judged")) == ()
