"""Whether the event log holds: the one of this checkout, and the one that came with a verdict.

What belongs here: what is asked of logs as bytes. What does not: reading files, and what else of a verdict is verified.
"""

from collections.abc import Iterable, Mapping

from tasks.errors import LedgerError
from tasks.ledger.chain import read_chain
from tasks.records import Check, Event, Receipt

NO_LOG = "no event log"


def check_logs(logs: Mapping[str, bytes | None]) -> tuple[Check, ...]:
    """One check for each of ``logs`` (name -> content; None: not there), or one that there is none.

    A log whose last line was cut off does not hold until the next event accounts for it.
    """
    there = {name: content for name, content in logs.items() if content is not None}
    if not there:
        return (Check(what=NO_LOG, status="not_checked", reason=f"looked for {', '.join(logs)}"),)
    return tuple(_check_log(name, content) for name, content in there.items())


def check_anchors(receipts: Mapping[str, Receipt], events: Iterable[Event]) -> Check:
    """Whether each look that one of ``receipts`` (by name) names is in the log: a chain that was cut at its end is still whole."""
    known = {event.hash for event in events}
    looks = {name: receipt.look.event for name, receipt in receipts.items() if receipt.look is not None}
    lost = [name for name, event in looks.items() if event not in known]
    if lost and not known:
        told = f"{len(lost)} that receipts name, and there is no log: the branch came without data/events.jsonl"
        return Check(what="looks in the log", status="not_checked", reason=told)
    if lost:
        told = f"{len(lost)} of {len(looks)} receipts name a look that no log here holds: {', '.join(lost[:3])}"
        return Check(what="looks in the log", status="does_not_hold", reason=f"{told}; the log was cut, or written anew")
    if not looks:
        return Check(what="looks in the log", status="not_checked", reason="no receipt here names a look")
    return Check(what="looks in the log", status="holds", reason=f"each of {len(looks)} that receipts name")


def _check_log(name: str, content: bytes) -> Check:
    what = f"event log {name}"
    try:
        chain = read_chain(content, origin=name)
    except LedgerError as error:
        return Check(what=what, status="does_not_hold", reason=f"{error.thing}: {error.found}")
    if chain.torn or chain.is_end_missing:
        told = f"cut off in the middle of a line after event {len(chain.events)}; the next event accounts for it"
        return Check(what=what, status="does_not_hold", reason=told)
    if not chain.events:
        return Check(what=what, status="not_checked", reason="it is empty")
    recovered = sum(event.kind == "recovered" for event in chain.events)
    more = f", {recovered} after a write that was cut off" if recovered else ""
    return Check(what=what, status="holds", reason=f"{len(chain.events)} events in one chain to {chain.head[:12]}{more}")
