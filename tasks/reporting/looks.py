"""How many looks at the holdout are left, and what a later one changed, in words and on a page that was drawn without them.

What belongs here: these sentences, and putting them onto a page. What does not: counting looks (``tasks.ledger``), and what stands
after one (:meth:`tasks.records.Verdict.standing`).

A stage's outputs are the same on every run, and how many looks are left is not: a page is drawn with an empty place for it, which
whoever publishes the page fills.
"""

from markupsafe import escape

from tasks.errors import ReportError
from tasks.records import LaterLooks, LooksLeft, LookTaken, Verdict
from tasks.reporting.figures import format_count
from tasks.reporting.rows import DECISION_WORDS

RUBBER_STAMP = "Rubber stamp: there is no champion, so nothing was compared."
_NAMED = 3
_PLACE = '<span id="looks"></span>'


def looks_sentence(look: LookTaken | None) -> str:
    """Which look a verdict cost and how many are left, as one sentence."""
    if look is None:
        return "Looks at this holdout: nothing was measured on it, none was spent."
    left = f"{format_count(look.left)} of {format_count(look.budget)} left"
    return f"Looks at this holdout: {left} (this candidate's was number {format_count(look.number)})."


def left_sentence(left: LooksLeft | None) -> str:
    """How many looks the holdout of the last verdict has left, as one sentence for a command that spends none."""
    if left is None:
        return "Looks at the holdout: not known before a run; this spent none."
    told = f"Looks at the holdout of the last verdict: {format_count(left.left)} of {format_count(left.budget)} left"
    return f"{told}; this spent none."


def notes_on(verdict: Verdict) -> tuple[str, ...]:
    """What whoever approves or promotes has to know beside the decision; empty where there is nothing."""
    return (RUBBER_STAMP,) * verdict.rubber_stamp


def standing_sentence(verdict: Verdict, look: LookTaken | None) -> str:
    """What stands where a later look turned the decision, and what would decide; empty where the verdict's own decision stands."""
    standing = verdict.standing(look)
    if look is None or standing == verdict.decision:
        return ""
    which = f"Look {format_count(look.number)} of {format_count(look.budget)} at this holdout"
    word, was = DECISION_WORDS[standing].lower(), DECISION_WORDS[verdict.decision].lower()
    later = verdict.later_looks
    if later is None:
        unsaid = "it does not say what it comes to at a later one: windtunnel run judges again"
        return f"{which}: {word} ({was} at a first look); {unsaid}."
    told = f"{which}, judged at {_percent(later.confidence)}: {word} ({was} at a first look)"
    rows = _rows_that_decide(verdict, later) if standing == "inconclusive" else ""
    more = f"about {rows} would decide, or a refreshed holdout" if rows else "a refreshed holdout gives first looks again"
    return f"{told}; {more}."


def _rows_that_decide(verdict: Verdict, later: LaterLooks) -> str:
    """The rows that the decision waits for, all rows before those of slices; empty where no number of rows would decide.

    The decision is that of critical criteria: rows that would decide an advisory one change nothing of it.
    """
    critical = {outcome.name: outcome.slice for outcome in verdict.criteria if outcome.is_critical}
    most: dict[str | None, int] = {}
    for outcome in later.outcomes:
        if outcome.name not in critical or outcome.status == "pass":
            continue
        if outcome.rows_to_decide is None:
            return ""
        where = critical[outcome.name]
        most[where] = max(most.get(where, 0), outcome.rows_to_decide)
    widest = sorted(most.items(), key=lambda item: (item[0] is not None, -item[1], item[0] or ""))
    told = [f"{format_count(rows)} rows" + (f" of {where}" if where is not None else "") for where, rows in widest]
    told[_NAMED:] = [f"those of {format_count(len(told) - _NAMED)} more"] if len(told) > _NAMED else []
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def later_sentence(verdict: Verdict) -> str:
    """What the verdict comes to at a later look, whatever look it cost; empty where it does not say."""
    later = verdict.later_looks
    if later is None:
        return ""
    names = ", ".join(outcome.name for outcome in later.outcomes[:_NAMED])
    more = f" and {format_count(len(later.outcomes) - _NAMED)} more" if len(later.outcomes) > _NAMED else ""
    others = f"; other than at the first: {names}{more}" if names else ""
    strict = f"where the candidate is not the first on this holdout it is judged at {_percent(later.confidence)}"
    return f"This is the decision at a first look; {strict}: {DECISION_WORDS[later.decision].lower()}{others}."


def _percent(confidence: float) -> str:
    return f"{100 * confidence:.5g} %"


def show_looks(page: str, verdict: Verdict, look: LookTaken | None) -> str:
    """The page with the looks in their place. Raises :class:`~tasks.errors.ReportError` where it has none, or several."""
    if page.count(_PLACE) != 1:
        raise ReportError(
            "report.html",
            found=f"{page.count(_PLACE)} places for the looks at the holdout",
            expected="one",
            next_step="dvc repro -f report",
        )
    shown = "no look spent" if look is None else f"{look.left} of {look.budget} looks left"
    turned = standing_sentence(verdict, look)
    warned = f'. <strong id="standing-look">{escape(turned)}</strong>' if turned else ""
    return page.replace(_PLACE, f'<span id="looks" title="{escape(looks_sentence(look))}">· {shown}{warned}</span>')
