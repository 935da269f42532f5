"""The event log is a chain: no line can be changed, moved or lost unseen, and a write that was cut off has a defined outcome."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import LedgerError
from tasks.ledger.chain import Chain, Draft, bytes_after, next_event, read_chain

NOW = datetime(2013, 11, 1, 3, tzinfo=timezone.utc)


def log_of(count):
    """The bytes of a log of ``count`` looks, a minute apart."""
    content = b""
    for number in range(count):
        draft = Draft("look", {"candidate": f"{number:064x}", "holdout": "h" * 64})
        content += bytes_after(read_chain(content, origin="log"), draft, actor="ada", now=NOW + timedelta(minutes=number))[1]
    return content


LOG = log_of(4)
MORE = Draft("change", {"what": "a margin"})


def test_events_come_back_as_they_were_written():
    """Numbers, kinds and what they are about; each holds the hash of the one before."""
    chain = read_chain(LOG, origin="log")
    assert [event.number for event in chain.events] == [1, 2, 3, 4]
    assert [event.previous for event in chain.events[1:]] == [event.hash for event in chain.events[:-1]]
    assert chain.events[2].about["candidate"] == f"{2:064x}"
    assert chain.torn == b""


def test_empty_log_is_an_empty_chain():
    """Nothing has happened yet."""
    assert read_chain(b"", origin="log") == Chain(())


@settings(deadline=None)
@given(st.integers(0, len(LOG)))
def test_log_cut_off_anywhere_keeps_what_was_whole_and_goes_on(cut):
    """At any byte: the whole events before it stand, the next write accounts for the rest, and the log is whole again."""
    chain = read_chain(LOG[:cut], origin="log")
    assert chain.events == read_chain(LOG, origin="log").events[: len(chain.events)]
    assert len(chain.events) in (LOG[:cut].count(b"\n"), LOG[:cut].count(b"\n") + chain.is_end_missing)
    event, added = bytes_after(chain, MORE, actor="ada", now=NOW + timedelta(hours=1))
    after = read_chain(LOG[:cut] + added, origin="log")
    assert after.events[-1] == event
    assert after.torn == b""
    kinds = [found.kind for found in after.events[len(chain.events) :]]
    assert kinds == (["recovered", "change"] if chain.torn else ["change"])


@settings(deadline=None)
@given(st.integers(1, len(LOG) - 1), st.data())
def test_recovery_that_is_cut_off_too_is_recovered(cut, data):
    """A second crash, while the first one was being accounted for."""
    _, added = bytes_after(read_chain(LOG[:cut], origin="log"), MORE, actor="ada", now=NOW + timedelta(hours=1))
    again = LOG[:cut] + added[: data.draw(st.integers(0, len(added)))]
    chain = read_chain(again, origin="log")
    event, added = bytes_after(chain, MORE, actor="ada", now=NOW + timedelta(hours=2))
    assert read_chain(again + added, origin="log").events == (
        *chain.events,
        *read_chain(again + added, origin="log").events[len(chain.events) : -1],
        event,
    )
    assert read_chain(again + added, origin="log").torn == b""


@settings(deadline=None)
@given(st.integers(0, len(LOG) - 1), st.integers(0, 255))
def test_changed_byte_is_found(place, value):
    """A log with another byte is refused, or counts as cut off there, never read as whole."""
    changed = LOG[:place] + bytes([value]) + LOG[place + 1 :]
    if changed == LOG:
        return
    try:
        chain = read_chain(changed, origin="log")
    except LedgerError:
        return
    assert chain.torn or chain.is_end_missing


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_an_outcome(content):
    """Bytes that nobody wrote here are no events; they are told as cut off, and nothing else is raised."""
    chain = read_chain(content, origin="log")
    assert chain.events == ()
    assert chain.torn == content


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (b"".join(LOG.splitlines(keepends=True)[1:]), "taken out, put in or moved"),
        (b"".join(LOG.splitlines(keepends=True)[i] for i in (0, 2, 1, 3)), "taken out, put in or moved"),
        (b"".join(LOG.splitlines(keepends=True)[i] for i in (0, 1, 1, 2)), "taken out, put in or moved"),
        (LOG.replace(b'"ada"', b'"bob"', 1), "changed after it was written"),
        (LOG.splitlines(keepends=True)[0] + b"a note\n" + b"".join(LOG.splitlines(keepends=True)[1:]), "no recovery accounts for"),
    ],
)
def test_broken_chain_is_refused_at_its_line(broken, told):
    """A line taken out, moved, doubled, edited or put in."""
    with pytest.raises(LedgerError) as raised:
        read_chain(broken, origin="events.jsonl")
    assert told in raised.value.found
    assert "events.jsonl, line " in raised.value.thing


def test_rewritten_hash_breaks_the_next_event():
    """Editing an event and making its hash again is found at the one after it."""
    chain = read_chain(LOG, origin="log")
    forged = next_event(Chain(chain.events[:1]), Draft("look", {"candidate": "mine"}), actor="eve", now=NOW + timedelta(minutes=1))
    lines = LOG.splitlines(keepends=True)
    lines[1] = json.dumps(forged.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode() + b"\n"
    with pytest.raises(LedgerError, match="line 3"):
        read_chain(b"".join(lines), origin="log")


def test_clock_that_went_back_is_refused():
    """An event before the last one would make the log's times mean nothing."""
    with pytest.raises(LedgerError, match="clock"):
        next_event(read_chain(LOG, origin="log"), MORE, actor="ada", now=NOW - timedelta(hours=1))


def test_small_skew_keeps_times_in_order():
    """Two machines' clocks may differ by minutes: the later event gets the time of the one before it."""
    chain = read_chain(LOG, origin="log")
    event = next_event(chain, MORE, actor="ada", now=NOW + timedelta(minutes=1))
    assert event.at_utc == chain.events[-1].at_utc
