"""How many looks at the holdout are left, in words, and on a page that was drawn without them.

What belongs here: the one sentence, and putting it onto a page. What does not: counting looks (``tasks.ledger``).

A stage's outputs are the same on every run, and how many looks are left is not: a page is drawn with an empty place for it, which
whoever publishes the page fills.
"""

from tasks.errors import ReportError
from tasks.records import LookTaken
from tasks.reporting.figures import format_count

_PLACE = '<span id="looks"></span>'


def looks_sentence(look: LookTaken | None) -> str:
    """Which look a verdict cost and how many are left, as one sentence."""
    if look is None:
        return "Looks at this holdout: nothing was measured on it, none was spent."
    left = f"{format_count(look.left)} of {format_count(look.budget)} left"
    return f"Looks at this holdout: {left} (this candidate's was number {format_count(look.number)})."


def show_looks(page: str, look: LookTaken | None) -> str:
    """The page with the looks in their place. Raises :class:`~tasks.errors.ReportError` where it has none, or several."""
    if page.count(_PLACE) != 1:
        raise ReportError(
            "report.html",
            found=f"{page.count(_PLACE)} places for the looks at the holdout",
            expected="one",
            next_step="dvc repro -f report",
        )
    shown = "no look spent" if look is None else f"{look.left} of {look.budget} looks left"
    return page.replace(_PLACE, f'<span id="looks" title="{looks_sentence(look)}">· {shown}</span>')
