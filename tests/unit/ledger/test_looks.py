"""Each candidate that is measured on a holdout costs a look; when none is left, nothing more is measured."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import GateError, LedgerError
from tasks.ledger import find_look, known_events, looks_at, read_log, take_look
from tasks.ledger.chain import Chain, Draft, bytes_after, read_chain

NOW = datetime(2013, 11, 1, tzinfo=timezone.utc)


def log_of(*pairs):
    """A log of looks, each a pair of candidate and holdout, a minute apart."""
    content = b""
    for minute, (candidate, holdout) in enumerate(pairs):
        draft = Draft("look", {"candidate": candidate, "holdout": holdout})
        content += bytes_after(read_chain(content, origin="log"), draft, actor="ada", now=NOW + timedelta(minutes=minute))[1]
    return content


def take(folder, candidate, holdout="h", budget=2):
    return take_look(
        folder / "events.jsonl",
        folder / "landed.jsonl",
        candidate=candidate,
        holdout=holdout,
        budget=budget,
        about={"split": "by_time"},
        actor="ada",
        clock=lambda: NOW,
    )


def test_new_candidate_costs_a_look(tmp_path):
    """Numbered in order, with what is left, under the hash of its event."""
    first, second = take(tmp_path, "a"), take(tmp_path, "b")
    assert [(look.number, look.left, look.budget) for look in (first, second)] == [(1, 1, 2), (2, 0, 2)]
    assert second.event == read_log(tmp_path / "events.jsonl").head


def test_same_pair_again_is_free(tmp_path):
    """A rerun tells nothing new; it keeps its number."""
    take(tmp_path, "a")
    take(tmp_path, "b")
    assert take(tmp_path, "a").number == 1
    assert len(read_log(tmp_path / "events.jsonl").events) == 2


def test_budget_that_is_used_up_refuses_and_writes_nothing(tmp_path):
    """Exit code 2, and the next step is a refresh."""
    take(tmp_path, "a")
    take(tmp_path, "b")
    with pytest.raises(GateError, match="data refresh") as raised:
        take(tmp_path, "c")
    assert raised.value.exit_code == 2
    assert "2 candidates" in raised.value.found
    assert len(read_log(tmp_path / "events.jsonl").events) == 2


def test_another_holdout_has_a_budget_of_its_own(tmp_path):
    """What was spent on the rows before the refresh does not count against the rows after it."""
    take(tmp_path, "a")
    take(tmp_path, "b")
    assert take(tmp_path, "c", holdout="refreshed").left == 1


def test_project_without_a_log_goes_on_from_the_one_that_landed(tmp_path):
    """A fresh clone does not begin with a full budget."""
    (tmp_path / "landed.jsonl").write_bytes(log_of(("a", "h"), ("b", "h")))
    with pytest.raises(GateError, match="looks at holdout"):
        take(tmp_path, "c")
    assert take(tmp_path, "a").number == 1
    assert take(tmp_path, "c", budget=3).number == 3
    assert [event.number for event in read_log(tmp_path / "events.jsonl").events] == [1, 2, 3]


def test_looks_of_another_machine_count(tmp_path):
    """Two machines have a log each: what landed on one counts on the other."""
    take(tmp_path, "a", budget=3)
    (tmp_path / "landed.jsonl").write_bytes(log_of(("b", "h")))
    assert take(tmp_path, "c", budget=3).left == 0
    assert take(tmp_path, "b", budget=3).left == 0
    with pytest.raises(GateError):
        take(tmp_path, "d", budget=3)


def test_broken_logs_give_no_look(tmp_path):
    """Neither a landed log that was edited, nor one's own."""
    (tmp_path / "landed.jsonl").write_bytes(log_of(("a", "h")).replace(b"ada", b"eve"))
    with pytest.raises(LedgerError):
        take(tmp_path, "c")
    (tmp_path / "landed.jsonl").unlink()
    (tmp_path / "events.jsonl").write_bytes(log_of(("a", "h")).replace(b"ada", b"eve"))
    with pytest.raises(LedgerError):
        take(tmp_path, "c")


def test_other_kinds_of_events_are_no_looks(tmp_path):
    """An approval of a candidate on a holdout spends nothing."""
    content = bytes_after(Chain(()), Draft("approval", {"candidate": "a", "holdout": "h"}), actor="ada", now=NOW)[1]
    assert looks_at(read_chain(content, origin="log").events, "h") == ()
    assert find_look(read_chain(content, origin="log").events, "a", "h", 3) is None
    (tmp_path / "landed.jsonl").write_bytes(content)
    assert len(known_events(tmp_path / "events.jsonl", tmp_path / "landed.jsonl")) == 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("gh")), max_size=12), st.integers(1, 5))
def test_as_many_are_left_as_the_budget_less_the_candidates(pairs, budget):
    """Whatever the order, and however often the same pair."""
    events = read_chain(log_of(*pairs), origin="log").events
    for candidate, holdout in pairs:
        look = find_look(events, candidate, holdout, budget)
        assert look is not None
        assert look.left == max(0, budget - len({c for c, h in pairs if h == holdout}))
        assert 1 <= look.number <= len({c for c, h in pairs if h == holdout})
