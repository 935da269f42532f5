"""The alias of the champion moves after the log says so, from where it is believed to stand, and a crash between is settled."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from alias_events import MODEL, OneAlias, desk_of, promotion, rolling_back

from flows.alias_moves import expected_origin, make_move, settle_cut_off
from tasks.errors import LedgerError, RegistryError
from tasks.ledger import read_log
from tasks.registry import read_championship


def steps(desk):
    """Kind and step of every event."""
    return [(event.kind, event.about["step"]) for event in read_log(desk.main.events).events]


def die_in(desk, move):
    """Make ``move`` in a process of its own that is killed by SIGKILL on the way."""
    child = os.fork()
    if child == 0:
        make_move(desk, move)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)


def fall_silent():
    raise RegistryError("registry", found="silence", expected="an answer", next_step="wait")


def test_the_log_is_written_before_the_alias_moves(tmp_path: Path) -> None:
    """When the registry is asked to move it, the log holds the move already."""
    alias = OneAlias()
    desk = desk_of(tmp_path, alias)
    seen = []
    alias.meanwhile = lambda: seen.extend(steps(desk))
    make_move(desk, promotion("1"))
    assert seen == [("promotion", "begun")]
    assert alias.version == "1"
    assert steps(desk) == [("promotion", "begun"), ("promotion", "done")]


def test_champions_follow_one_another_and_a_rollback_returns(tmp_path: Path) -> None:
    """After two promotions and a rollback the first is champion, and the second's verdict is known as rolled back."""
    alias = OneAlias()
    desk = desk_of(tmp_path, alias)
    make_move(desk, promotion("1"))
    make_move(desk, promotion("2", origin="1"))
    assert desk.read().previous.version == "1"
    make_move(desk, rolling_back("1", origin="2"))
    standing = desk.read()
    assert (alias.version, standing.champion.version, standing.previous) == ("1", "1", None)
    assert list(standing.rolled_back) == ["2" * 64]
    assert len(standing.moves) == 6


def test_a_champion_that_was_compared_with_nobody_stays_a_rubber_stamp(tmp_path: Path) -> None:
    """The log says it of each promotion; those of before it did are none."""
    desk = desk_of(tmp_path, OneAlias())
    make_move(desk, promotion("1"))
    assert not desk.read().champion.rubber_stamp
    stamped = promotion("2", origin="1")
    make_move(desk, replace(stamped, about={**stamped.about, "rubber_stamp": "true"}))
    assert desk.read().champion.rubber_stamp


def test_killed_before_the_flip_is_undone(tmp_path: Path) -> None:
    """kill -9 between log and alias: the champion is still the one before, and the next promotion goes through."""
    alias = OneAlias()
    desk = desk_of(tmp_path, alias)
    alias.meanwhile = kill_self
    die_in(desk, promotion("1"))
    assert desk.read().unfinished is not None
    standing = settle_cut_off(desk)
    assert standing.unfinished is None
    assert standing.champion is None
    alias.meanwhile = lambda: None
    make_move(desk, promotion("1"))
    assert desk.read().champion.version == "1"


def test_killed_after_the_flip_is_done(tmp_path: Path) -> None:
    """kill -9 after the alias moved: the next command finds it there and says that it is done."""
    alias = OneAlias()
    desk = desk_of(tmp_path, alias)
    alias.afterwards = kill_self
    die_in(desk, promotion("1"))
    alias.version = "1"  # the registry is a process of its own and was not killed
    assert settle_cut_off(desk).champion.version == "1"


def test_nothing_moves_while_a_move_is_unsettled(tmp_path: Path) -> None:
    """A second writer that did not settle is refused, whatever it holds."""
    alias = OneAlias()
    desk = desk_of(tmp_path, alias)
    alias.meanwhile = kill_self
    die_in(desk, promotion("1"))
    with pytest.raises(RegistryError, match="another move"):
        make_move(desk, promotion("2"))
    assert alias.version is None


def test_an_alias_that_somebody_else_moved_is_refused_and_named(tmp_path: Path) -> None:
    """Changed between the look and the flip: nothing moves, the log says undone, the error says where it stands."""
    alias = OneAlias()
    desk = desk_of(tmp_path, alias)
    make_move(desk, promotion("1"))
    alias.meanwhile = lambda: setattr(alias, "version", "7")
    with pytest.raises(RegistryError, match=r"version 7, of the verdict eeeeeeeeeeee; somebody else moved it"):
        make_move(desk, promotion("2", origin="1"))
    assert alias.version == "7"
    assert desk.read().champion.version == "1"
    assert steps(desk)[-1] == ("promotion", "undone")


def test_an_alias_elsewhere_than_the_log_says_has_to_be_taken_over(tmp_path: Path) -> None:
    """Only whoever names the version at which it stands goes on from there."""
    desk = desk_of(tmp_path, OneAlias("7"))
    with pytest.raises(RegistryError, match="--from 7"):
        expected_origin(desk, desk.read(), None)
    with pytest.raises(RegistryError, match="--from 7"):
        expected_origin(desk, desk.read(), "6")
    assert expected_origin(desk, desk.read(), "7") == "7"


def test_a_registry_that_falls_silent_leaves_what_the_next_command_settles(tmp_path: Path, monkeypatch) -> None:
    """It does not answer the move, nor where the alias stands: the log stays at begun; later it is undone."""
    alias = OneAlias()
    desk = desk_of(tmp_path, alias)
    alias.meanwhile = fall_silent
    with monkeypatch.context() as silent:
        silent.setattr(alias, "read_alias", lambda *_: fall_silent())
        with pytest.raises(RegistryError, match="silence"):
            make_move(desk, promotion("1"))
    assert steps(desk) == [("promotion", "begun")]
    assert settle_cut_off(desk).champion is None
    assert steps(desk)[-1] == ("promotion", "undone")


def test_an_answer_that_never_came_counts_where_the_alias_moved(tmp_path: Path) -> None:
    """The flip was made and its answer was lost: it is looked up, and done."""
    alias = OneAlias()
    desk = desk_of(tmp_path, alias)
    alias.afterwards = fall_silent
    assert make_move(desk, promotion("1")).flip_ms is None
    assert desk.read().champion.version == "1"


def test_a_fresh_clone_goes_on_from_the_log_that_came_with_it(tmp_path: Path) -> None:
    """Champions are those of the landed log where there is no live one, and the next move is chained to it."""
    first, clone = tmp_path / "first", tmp_path / "clone"
    make_move(desk_of(first, OneAlias()), promotion("1"))
    landed = desk_of(clone, OneAlias("1"))
    landed.main.landed_events.parent.mkdir(parents=True)
    landed.main.landed_events.write_bytes(desk_of(first, OneAlias()).main.events.read_bytes())
    assert landed.read().champion.version == "1"
    make_move(landed, promotion("2", origin="1"))
    assert landed.read().previous.version == "1"
    assert len(steps(landed)) == 4


def test_a_move_that_follows_from_nothing_is_refused(tmp_path: Path) -> None:
    """A log whose events of moves contradict one another names no champion."""
    desk = desk_of(tmp_path, OneAlias())
    make_move(desk, promotion("1"))
    begun, done = read_log(desk.main.events).events
    with pytest.raises(LedgerError, match="does not follow"):
        read_championship([done], MODEL)
    with pytest.raises(LedgerError, match="does not follow"):
        read_championship([begun, begun], MODEL)


def test_a_champion_whose_alias_is_taken_back_is_not_before_itself(tmp_path: Path) -> None:
    """Promoted, moved away by somebody else, and promoted again from there: one champion, and nothing to roll back to."""
    alias = OneAlias()
    desk = desk_of(tmp_path, alias)
    make_move(desk, promotion("1"))
    alias.version = "7"
    make_move(desk, promotion("1", origin="7"))
    standing = desk.read()
    assert (alias.version, standing.champion.version, standing.previous) == ("1", "1", None)


def test_moves_of_another_model_do_not_count(tmp_path: Path) -> None:
    """Each registered model has champions of its own."""
    desk = desk_of(tmp_path, OneAlias())
    make_move(desk, promotion("1"))
    assert read_championship(read_log(desk.main.events).events, "other").champion is None
