"""That the champion of a verdict was rolled back, in words, and on a page that was drawn before.

What belongs here: this sentence, and putting it onto a page. What does not: finding a rollback (``tasks.registry``), and what it
means for a release (``flows.rolled_back``).
"""

import re

from markupsafe import escape

from tasks.errors import ReportError
from tasks.records import RolledBack

_PLACE = re.compile(r'(<span id="looks".*?</span>)(<strong id="rolled-back">.*?</strong>)?', re.DOTALL)


def rollback_sentence(found: RolledBack | None) -> str:
    """Who rolled it back, when and why, as one sentence; empty where nobody did."""
    if found is None:
        return ""
    when = f"{found.at_utc[:10]} {found.at_utc[11:16]} UTC"
    why = " ".join(found.reason.split()).rstrip(".") or "no reason given"
    return f"Its model was promoted as version {found.version} and rolled back on {when} by {found.actor}: {why}."


def show_rollback(page: str, told: str) -> str:
    """The page with the sentence ``told`` beside its looks, or without any where that is empty.

    Raises :class:`~tasks.errors.ReportError` where it has no place for it, or several.
    """
    if len(_PLACE.findall(page)) != 1:
        raise ReportError(
            "report.html",
            found=f"{len(_PLACE.findall(page))} places for what became of its verdict",
            expected="one",
            next_step="windtunnel run draws it anew",
        )
    said = f'<strong id="rolled-back">Rolled back. {escape(told)}</strong>' if told else ""
    return _PLACE.sub(lambda match: match[1] + said, page)
