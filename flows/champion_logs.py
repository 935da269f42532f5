"""Every event log that this checkout knows: the project's, those that landed, and those on the branches ``champions/*``.

What belongs here: finding and reading them, for whoever has no log of his own. What does not: moving those branches
(``flows.champion_branches``), and what the events mean (``tasks.registry``).
"""

import io
from pathlib import Path

from flows.champion_branches import CHAMPIONS, CURRENT
from flows.programs import call, git
from tasks.errors import LedgerError
from tasks.ledger import read_chain, read_content
from tasks.paths import ProjectPaths, main_root
from tasks.records import Event

FETCH = f"git fetch origin '+refs/heads/{CHAMPIONS}*:refs/remotes/origin/{CHAMPIONS}*'"
"""What brings a clone all that is known of champions."""


def logs_everywhere(root: Path) -> dict[str, tuple[Event, ...]]:
    """The events of each log by its file or ref, without those logs that another one goes on from, the longest first.

    Raises :class:`~tasks.errors.LedgerError` where one cannot be read: what it says is not known then.
    """
    main, here = ProjectPaths(main_root(root)), ProjectPaths(root)
    files = {".windtunnel/events.jsonl": main.events, "data/events.jsonl": here.landed_events}
    if main.root.resolve() != root.resolve():
        files[str(main.landed_events)] = main.landed_events
    contents = {name: content for name, file in files.items() if (content := read_content(file))}
    contents |= _contents_of(root, champion_refs(root))
    kept: dict[str, bytes] = {}
    for name, content in sorted(contents.items(), key=lambda item: -len(item[1])):
        if not any(longer.startswith(content) for longer in kept.values()):
            kept[name] = content
    return {name: _events_of(name, content) for name, content in kept.items()}


def events_everywhere(root: Path) -> tuple[Event, ...]:
    """The events of all logs (:func:`logs_everywhere`), each once, in no order.

    Whoever releases from a clone has no log of his own, and the branch that he releases was landed before its model was promoted.
    """
    return tuple({event.hash: event for events in logs_everywhere(root).values() for event in events}.values())


def champion_refs(root: Path, branch: str = f"{CHAMPIONS}*") -> tuple[str, ...]:
    """The refs of champions' branches, or of ``branch``, here and fetched; none where there is no git repository."""
    if not _is_in_git(root):
        return ()
    return tuple(git(root, "for-each-ref", "--format=%(refname)", f"refs/heads/{branch}", f"refs/remotes/*/{branch}").split())


def unknown_note(root: Path) -> str:
    """That nothing is known here of rollbacks elsewhere, as no branch of a champion was fetched; empty where that is no question.

    A project that has promoted nothing yet has no such branch either: so this is said, and nothing is refused for it.
    """
    if not _is_in_git(root) or not git(root, "remote") or champion_refs(root):
        return ""
    return f"no branch {CHAMPIONS}* is here: whether its model was rolled back elsewhere is not known. To know it: {FETCH}"


def _is_in_git(root: Path) -> bool:
    return any((folder / ".git").exists() for folder in (root.resolve(), *root.resolve().parents))


def _contents_of(root: Path, refs: tuple[str, ...]) -> dict[str, bytes]:
    """The log on each ref, read by one process. A champion that was kept before there was any log has none."""
    if not refs:
        return {}
    asked = "".join(f"{ref}:data/events.jsonl\n" for ref in refs)
    said, found = io.BytesIO(call(["git", "cat-file", "--batch"], root, given=asked.encode())), {}
    for ref in refs:
        head = said.readline()
        if not head.endswith(b" missing\n"):
            found[ref] = said.read(int(head.split()[-1]))
            said.read(1)
        elif ref.endswith(f"/{CURRENT}"):
            raise _unreadable(ref, "no event log (data/events.jsonl)")
    return found


def _events_of(name: str, content: bytes) -> tuple[Event, ...]:
    try:
        return read_chain(content, origin=name).events
    except LedgerError as error:
        if not name.startswith("refs/"):
            raise
        raise _unreadable(name, f"a broken event log ({error.thing}: {error.found})") from None


def _unreadable(ref: str, found: str) -> LedgerError:
    return LedgerError(
        ref,
        found=found,
        expected="the event log as it stood after a champion's move",
        next_step=f"find out who wrote it; `git update-ref -d {ref}` drops it here, and `{FETCH}` fetches what origin has",
    )
