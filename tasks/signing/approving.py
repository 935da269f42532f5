"""Who may approve what is judged by a policy, and what a set of approvers leaves open.

What belongs here: each loosening takes a person whose change it is not, and who did not judge. What does not: whose change a
loosening is (``authorship``), and where approvals lie (``flows.approval``).
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from tasks.errors import GateError, SigningError
from tasks.signing.authorship import Loosening
from tasks.signing.chain import PolicyState
from tasks.signing.signers import Signer, require_signer


def unapproved(state: PolicyState, approvers: Sequence[str]) -> tuple[Loosening, ...]:
    """Those loosenings that none of the approvers can have approved, since each of them is one of its authors."""
    return tuple(loosening for loosening in state.loosenings if loosening.authors.issuperset(approvers))


def told_unapproved(state: PolicyState, judge: Signer, approvers: Sequence[str], now: datetime) -> str:
    """What the ``approvers`` leave open, and who may still approve that at ``now``; empty where nothing is open."""
    told = [
        f"{_told(loosening)}, which {' or '.join(sorted(_may_approve(state, judge, loosening, now))) or 'nobody'} may still approve"
        for loosening in unapproved(state, approvers)
    ]
    return f"approved by {', '.join(sorted(approvers))}, but not {'; nor '.join(told)}" if told else ""


def require_approvable(state: PolicyState, judge: Signer, thing: str, now: datetime) -> None:
    """Refuse a verdict, called ``thing``, that nobody is left to approve, and name the way out.

    So nobody is asked in vain. Raises :class:`~tasks.errors.GateError`.
    """
    stuck = next((each for each in state.loosenings if not _may_approve(state, judge, each, now)), None)
    if stuck is None:
        return
    if state.names_of(judge) & _people(state, now) - stuck.authors:
        next_step = (
            "let a machine's key or a third person's sign it: take its .dsse out of .windtunnel/receipts, and with "
            "WINDTUNNEL_SIGNING_KEY naming that key: windtunnel run"
        )
    else:
        next_step = "take in somebody more who may sign, or make it as strict as it was: windtunnel policy sign"
    raise GateError(
        thing,
        found=f"nobody who may approve {_told(stuck)}; {judge.principal} signed the verdict",
        expected="a person who neither signed the verdict nor made that change",
        next_step=next_step,
    )


def _told(loosening: Loosening) -> str:
    return f"what {' and '.join(sorted(loosening.authors))} loosened ({', '.join(sorted(loosening.places))})"


def _may_approve(state: PolicyState, judge: Signer, loosening: Loosening, now: datetime) -> frozenset[str]:
    return _people(state, now) - loosening.authors - state.names_of(judge)


def _people(state: PolicyState, now: datetime) -> frozenset[str]:
    """The people with a key that is good at ``now``."""
    found = set()
    for line in state.signers.lines:
        with suppress(SigningError):
            found.add(require_signer(state.signers, line.fingerprint, now).principal)
    return state.signers.people & found
