"""Whether an event log holds is told for each that is there, and none is never a pass."""

from datetime import datetime, timezone

import pytest

from tasks.ledger import check_logs
from tasks.ledger.chain import Chain, Draft, bytes_after
from tasks.records import Verification

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
