"""A verdict as Markdown, for a pull request, a chat or the workflow server's page.

What belongs here: Markdown and its escaping. What does not: which figures are shown (``rows``) and how they look (``figures``).
"""

import re

from tasks.records import Evaluation, LookTaken, Verdict
from tasks.reporting.figures import NONE, format_count, format_day
from tasks.reporting.looks import RUBBER_STAMP, later_sentence, looks_sentence, standing_sentence
from tasks.reporting.narrative import EVIDENCE_WORDS, headline
from tasks.reporting.risk import risk_rows
from tasks.reporting.rows import DECISION_WORDS, VerdictRow, intervals_text, verdict_table

_HEAD = ("Criterion", "Metric", "Champion", "Challenger", "Difference (interval)", "Limit", "Rows", "Status")
_SPECIAL = re.compile(r"([\\`*\[\]|~$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z]))")
"""What begins markup within a line; ``(``, ``+``, ``#`` and ``!`` do so only after one of these or at a line's start."""
_SYMBOLS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "not judged": NONE}


def verdict_markdown(
    verdict: Verdict, evaluation: Evaluation | None = None, *, look: LookTaken | None = None, rolled_back: str = ""
) -> str:
    """The decision, the table of criteria (criterion, champion, challenger, difference with interval, limit, status) and what
    was judged; with ``evaluation`` also on how many rows of which days, with ``look`` how many looks are left; ``rolled_back``
    says that its champion was.

    Names are escaped, so that none becomes a link, an image, a tag or a column; a bare address stays an address that everyone
    can read.
    """
    word, reason = headline(verdict)
    turned = standing_sentence(verdict, look)
    if turned:  # whoever reads one line reads the decision that stands
        word = DECISION_WORDS[verdict.standing(look)]
        reason = f"{turned} At a first look: {reason}"
    if rolled_back:
        word, reason = "Rolled back", f"{rolled_back} Before that: {word}: {reason}"
    lines = [f"## {word}: {escape_markdown(reason)}", ""]
    lines += [_line(_HEAD), _line([":--", ":--", "--:", "--:", "--:", ":--", "--:", ":--"])]
    lines += [_line(_cells(row)) for row in verdict_table(verdict)]
    reasons = [f"- {escape_markdown(row.name)}: {escape_markdown(row.reason)}" for row in verdict_table(verdict) if _is_told(row)]
    lines += ["", *reasons, ""] if reasons else [""]
    if verdict.missing_slices:
        lines += [f"Slices without judged rows: {', '.join(escape_markdown(name) for name in verdict.missing_slices)}", ""]
    if verdict.rubber_stamp:
        lines += [RUBBER_STAMP, ""]
    lines.append(_judged(verdict, evaluation))
    lines += ["", escape_markdown(later_sentence(verdict))] if later_sentence(verdict) else []
    lines += ["", looks_sentence(look)] if look else []
    lines += ["", *(f"- {row.name}: {escape_markdown(row.text)}" for row in risk_rows(verdict.risk))]
    return "\n".join(lines) + "\n"


def _cells(row: VerdictRow) -> list[str]:
    cells = (row.name, row.metric, row.champion, row.challenger, row.change, row.limit, row.rows)
    plain = row.status.removesuffix(" (not critical)")
    return [*(escape_markdown(cell) for cell in cells), f"{_SYMBOLS[plain]} {row.status}"]


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _is_told(row: VerdictRow) -> bool:
    return bool(row.reason) and (row.is_told_by_reason or not row.status.startswith("pass"))


def _judged(verdict: Verdict, evaluation: Evaluation | None) -> str:
    views = ", ".join(f"{role} {view}" for role, view in sorted(verdict.view.items()))
    what = "fitted model"
    if verdict.judged == "recipe":
        what = "recipe, by one fit for each fold," if verdict.folds else "model that the recipe gave here"
    where = escape_markdown(f"{verdict.split}, part {verdict.part}")
    if evaluation is not None:
        period = f"{format_day(evaluation.from_utc)} to {format_day(evaluation.to_utc)}"
        where = f"{format_count(evaluation.rows)} rows of {where}, {period}"
    intervals = f" Intervals: {intervals_text(verdict)}." if intervals_text(verdict) else ""
    evidence = f"Evidence: {EVIDENCE_WORDS[verdict.evidence_level]}. Views: {escape_markdown(views)}."
    return f"Judged: the {what} on {where}. {evidence}{intervals}"


def escape_markdown(text: str) -> str:
    """``text`` as one line of plain text in Markdown: no markup, no table column, no HTML tag."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\1", text)
