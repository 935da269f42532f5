"""A backtest on the terminal.

What belongs here: words for decisions of the past, and the table over margins. What does not: deciding.
"""

from collections.abc import Iterator

import click

from flows.cli.root import as_json
from flows.cli.tables import print_rows
from tasks.records import Backtest, BacktestDecision, LooksLeft
from tasks.reporting import left_sentence

DECISIONS = ("judged", "candidate", "rows", "judged, difference", "decision", "then in", "difference", "it was")
MARGINS = ("margins", "bad passed", "bad blocked", "good passed", "good blocked", "of these undecided")
_NAMED = 3
CANDIDATES = {
    "challenger": "the challenger",
    "swapped": "the champion, against it",
    "refit": "a refit, against the last fit",
    "stale": "the last fit, against the refit",
}


def show_backtest(found: Backtest, looks: LooksLeft | None, *, is_json: bool) -> None:
    """Print every decision, then what other margins would have done."""
    if is_json:
        as_json(found.model_dump(mode="json") | {"looks_left": looks.left if looks else None})
        return
    click.echo(f"by {found.period}, on {', '.join(found.parts)} of {found.split}; differences in {found.metric}\n")
    print_rows(DECISIONS, decision_rows(found))
    click.echo()
    print_rows(MARGINS, margin_rows(found))
    unknown = found.margins[0].unknown if found.margins else 0
    left = f" {unknown:,} decisions are in no column: what came of them, nobody knows." if unknown else ""
    click.echo(
        f"\nBad: a critical limit was broken by the figures of the next {found.period}.{left} {found.note}\n{left_sentence(looks)}"
    )


def decision_rows(found: Backtest) -> Iterator[tuple[str, ...]]:
    """A row for each decision, in the order of time."""
    for one in found.decisions:
        word = {True: "good", False: "bad", None: "unknown"}[one.is_good]
        yield (
            one.judged,
            CANDIDATES[one.candidate],
            f"{one.judged_rows:,}",
            _signed(one.judged_delta),
            _decision(one),
            one.live,
            _signed(one.live_delta),
            word,
        )


def margin_rows(found: Backtest) -> Iterator[tuple[str, ...]]:
    """A row for each width of margins; those of params.yaml are named."""
    for one in found.margins:
        name = "as in params.yaml" if one.scale == 1 else f"{one.scale:g} times as wide" if one.scale else "none"
        counts = (one.bad_passed, one.bad_blocked, one.good_passed, one.good_blocked, one.good_undecided)
        yield (name, *(str(count) for count in counts))


def _decision(one: BacktestDecision) -> str:
    word = one.decision.replace("_", " ")
    if one.decision == "promote":
        return word
    more = f" and {len(one.stopped_by) - _NAMED} more" if len(one.stopped_by) > _NAMED else ""
    return f"{word} ({', '.join(one.stopped_by[:_NAMED])}{more})"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"
