"""The one event log: looks, approvals, promotions and changes, each chained to the one before by its hash.

What belongs here: the chain, the file that holds it, and what looks at a holdout cost. What does not: who may approve or promote.
"""

from tasks.ledger.chain import Chain, Draft, next_event, read_chain
from tasks.ledger.checking import check_anchors, check_logs
from tasks.ledger.log import append_event, read_content, read_log
from tasks.ledger.looks import find_look, known_events, looks_at, take_look

__all__ = [
    "Chain",
    "Draft",
    "append_event",
    "check_anchors",
    "check_logs",
    "find_look",
    "known_events",
    "looks_at",
    "next_event",
    "read_chain",
    "read_content",
    "read_log",
    "take_look",
]
