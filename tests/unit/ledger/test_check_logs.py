"""Whether an event log holds is told for each that is there, and none is never a pass."""

from datetime import datetime, timezone

import pytest

from tasks.ledger import check_anchors, check_logs, read_chain
from tasks.ledger.chain import Chain, Draft, bytes_after
from tasks.records import LookTaken, Receipt, Verification

NOW = datetime(2013, 11, 1, tzinfo=timezone.utc)
LOG = bytes_after(Chain(()), Draft("look", {"candidate": "c", "holdout": "h"}), actor="ada", now=NOW)[1]


@pytest.mark.parametrize(
    ("logs", "status", "told"),
    [
        ({"here": LOG, "landed": None}, "holds", "1 events in one chain"),
        ({"here": LOG, "landed": LOG.replace(b"ada", b"eve")}, "does_not_hold", "changed after it was written"),
        ({"here": LOG[:-20]}, "does_not_hold", "cut off in the middle"),
        ({"here": LOG[:-1]}, "does_not_hold", "cut off in the middle"),
        ({"here": b"\x00\xff"}, "does_not_hold", "cut off in the middle"),
        ({"here": b""}, "not_checked", "empty"),
        ({"here": None, "landed": None}, "not_checked", "looked for here, landed"),
    ],
)
def test_log_is_checked(logs, status, told):
    """Whole, edited, cut off, empty, and none at all."""
    found = Verification(checks=check_logs(logs))
    assert found.outcome == status
    assert told in " ".join(check.reason for check in found.checks)


def test_nothing_checked_is_not_a_pass():
    """A verification without a check has shown nothing."""
    assert Verification(checks=()).outcome == "not_checked"


def receipt(event):
    look = LookTaken(candidate="c", holdout="h", number=1, budget=30, left=29, event=event) if event else None
    about = {"verdict_hash": "v", "decision": "promote", "actor": "ada", "host": "h", "environment": {}}
    return Receipt(**about, created_utc="2013-11-01T00:00:00Z", expires_utc="2013-11-08T00:00:00Z", look=look)


def test_look_that_was_cut_off_the_log_is_found():
    """A log without its last lines is a whole chain; the receipt of what was judged knows better."""
    events = read_chain(LOG, origin="log").events
    assert check_anchors({"r": receipt(events[0].hash)}, events).status == "holds"
    found = check_anchors({"r": receipt("a" * 64)}, events)
    assert (found.status, "1 of 1 receipts" in found.reason) == ("does_not_hold", True)


def test_look_is_not_called_lost_where_no_log_came_along():
    """A clone of a branch without one: nobody cut anything, and nothing was held against it."""
    found = check_anchors({"r": receipt("a" * 64)}, ())
    assert (found.status, "without data/events.jsonl" in found.reason) == ("not_checked", True)


def test_receipts_without_looks_anchor_nothing():
    """Nothing was held against the log, and that is no pass."""
    assert check_anchors({"r": receipt(None)}, ()).status == "not_checked"
