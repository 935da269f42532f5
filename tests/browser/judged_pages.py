"""What a page that judges itself made of its verdict."""

from typing import Any

from playwright.sync_api import Page

from tasks.reporting import ReportInputs

READ = """judged.then(found => found && {
  state: found.sealed.state, text: found.sealed.text, isSame: found.again.isSame,
  shown: found.seen.differing, count: found.seen.count,
  outcomes: found.again.outcomes.map(({level, why, status, apart, isSame}) => ({level, why, status, apart, isSame})),
})"""
LINE = "#judge-line"
NOW = "2026-01-04T00:00:00Z"
"""What a browser's clock shows, unless a test says otherwise; verdicts are signed as of three days before."""


def outcomes(page: Page, inputs: ReportInputs) -> dict[str, Any]:
    """By the criterion's name what the page made of it."""
    found = page.evaluate(READ)
    return dict(zip((outcome.name for outcome in inputs.provenance.verdict.criteria), found["outcomes"], strict=True))
