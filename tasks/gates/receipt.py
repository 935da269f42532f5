"""Receipts: who judged, where and when; and whether a verdict may be acted upon now.

What belongs here: making a receipt, and holding a verdict against it. What does not: writing files, and reading the clock,
which is passed in. A verdict carries nothing that differs from run to run, so it does not know its own age: its receipt does.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from tasks.errors import DatasetError, GateError
from tasks.gates.decision import decide
from tasks.gates.later import is_told
from tasks.records import Decision, LookTaken, Receipt, Verdict

_CLOCK_SKEW = timedelta(minutes=5)
"""How far two machines' clocks may differ before a receipt counts as made in the future."""
_JUDGE_AGAIN = "windtunnel run judges again and writes a receipt"


def make_receipt(
    verdict: bytes,
    *,
    actor: str,
    host: str,
    environment: Mapping[str, str],
    now: datetime,
    max_age_days: int,
    look: LookTaken | None = None,
) -> Receipt:
    """The receipt of the verdict with these bytes, good from ``now`` (with a zone) for ``max_age_days`` days.

    ``look`` is what measuring the challenger on the holdout cost.

    Raises :class:`~tasks.errors.GateError` where the bytes are no verdict.
    """
    return Receipt(
        verdict_hash=hashlib.sha256(verdict).hexdigest(),
        decision=_read(verdict).decision,
        actor=actor,
        host=host,
        environment=dict(environment),
        created_utc=_text(now),
        expires_utc=_text(now + timedelta(days=max_age_days)),
        look=look,
    )


def check_verdict(verdict: bytes | str, receipt: Receipt | None, now: datetime) -> Decision:
    """The decision that stands of a verdict that is whole, is the one its ``receipt`` was made for, and has not expired at ``now``.

    At another look than the first it may be weaker than the verdict's own (:meth:`~tasks.records.Verdict.standing`).

    Raises :class:`~tasks.errors.GateError` (exit code 2) in every other case.
    """
    found, receipt = check_receipt(verdict.encode() if isinstance(verdict, str) else verdict, receipt)
    created, expires = _moment(receipt.created_utc), _moment(receipt.expires_utc)
    if now >= expires:
        raise GateError(
            "verdict",
            found=f"one that expired at {receipt.expires_utc}",
            expected="one that is not older than gates.max_age_days",
            next_step="judge newer data: windtunnel data refresh",
        )
    if now < created - _CLOCK_SKEW:
        raise _refused(f"a receipt made in the future, at {receipt.created_utc}", "a receipt made by now")
    return found.standing(receipt.look)


def check_receipt(content: bytes, receipt: Receipt | None) -> tuple[Verdict, Receipt]:
    """The verdict and the receipt that was made for it, whatever the time; a verdict stays what it was after it has expired.

    Raises :class:`~tasks.errors.GateError` where they are not of one another, or contradict themselves.
    """
    found = _read(content)
    if receipt is None:
        raise _refused("no receipt", "the receipt that was written when it was judged")
    if receipt.verdict_hash != hashlib.sha256(content).hexdigest():
        raise _refused("bytes that differ from those its receipt was made for", "the verdict as it was judged")
    if receipt.decision != found.decision or decide(found.criteria) != found.decision:
        raise _refused(f"the decision {found.decision}, which its criteria or its receipt contradict", "one decision")
    later = found.later_looks
    if later is not None and not is_told(found.criteria, later, decide):
        raise _refused(f"the decision {later.decision} at a later look, which its outcomes contradict", "one decision")
    _require_look(found, receipt.look)
    return found, receipt


def _require_look(verdict: Verdict, look: LookTaken | None) -> None:
    """Refuse a verdict of figures that nobody paid for, or that were paid for another pair of candidate and holdout."""
    if "holdout" not in verdict.inputs:  # nothing was measured; such a verdict promotes nobody
        return
    pair = (verdict.inputs.get("models/challenger"), verdict.inputs["holdout"])
    if look is None or (look.candidate, look.holdout) != pair:
        raise _refused("a receipt without the look at the holdout that it cost", "the look of this candidate at this holdout")
    if look.number > look.budget:
        raise _refused(f"look {look.number} at a holdout that takes {look.budget}", "a look within gates.looks.budget")
    if verdict.later_looks is not None and look.budget != verdict.later_looks.budget:
        raise _refused(f"a look of {look.budget}, and later ones judged for {verdict.later_looks.budget}", "one gates.looks.budget")


def _read(content: bytes) -> Verdict:
    try:
        return Verdict.from_json(content, origin="verdict")
    except DatasetError as error:
        raise GateError("verdict", found=error.found, expected=error.expected, next_step=_JUDGE_AGAIN) from None


def _refused(found: str, expected: str) -> GateError:
    return GateError("verdict", found=found, expected=expected, next_step=_JUDGE_AGAIN)


def _text(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _refused("a receipt whose times cannot be read", "RFC 3339 times with a zone")
    return moment
