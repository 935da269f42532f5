"""The signed policy on the terminal, and its exit code.

What belongs here: words for what is signed and what was changed. What does not: deciding either.
"""

import click

from flows.cli.root import as_json
from flows.cli.tables import print_rows
from flows.policy_signing import PolicyView
from tasks.errors import ExitCode
from tasks.signing import Loosening

_OTHER_DATA = ("expectations", "masking.", "label.", "split.", "evaluation.split", "evaluation.part", "evaluation.weight", "seed")
"""Places whose change no stored evaluation can be judged by."""


def show_policy(view: PolicyView, *, is_json: bool) -> int:
    """Print what is signed and what is not; returns 0 where all of it is signed as it is, else 1."""
    if is_json:
        as_json(_values(view))
    else:
        _tell(view)
    return int(ExitCode.REJECT if view.standing.unsigned else ExitCode.PROMOTE)


def _values(view: PolicyView) -> dict[str, object]:
    state, force = view.standing.state, view.standing.state.in_force
    return {
        "is_signed": not view.standing.unsigned,
        "reason": view.standing.unsigned,
        "waits_for": state.problem,
        "version": state.carried or None,
        "policy": force.digest if force else None,
        "author": force.version.author if force else None,
        "signed_by": sorted(one.statement.principal for one in force.signatures) if force else [],
        "loosened": [_loosened(one) for one in state.loosenings],
        "may_sign": {line.principal: line.fingerprint for line in state.signers.lines},
        "changes": [change.model_dump(mode="json") for change in view.changes],
        "flips": [flip.model_dump(mode="json") for flip in view.flips],
        "judged_again": view.judged_again,
    }


def _loosened(one: Loosening) -> dict[str, object]:
    return {"by": sorted(one.authors), "since_version": one.before.number + 1, "where": sorted(one.places)}


def _tell(view: PolicyView) -> None:
    state, force = view.standing.state, view.standing.state.in_force
    if force is not None:
        names = ", ".join(sorted(one.statement.principal for one in force.signatures))
        click.echo(f"version {state.carried} ({force.digest[:12]}) is signed by {names}: {force.version.reason}")
        print_rows(("may sign", "key"), [(line.principal, line.fingerprint) for line in state.signers.lines])
    for one in state.loosenings:
        places = ", ".join(sorted(one.places))
        click.echo(f"loosened by {', '.join(sorted(one.authors))}; somebody else has to approve it: {places}")
    if view.changes:
        click.echo("")
        rows = [(c.where, c.was, c.now, c.direction, c.why) for c in view.changes]
        print_rows(("change", "was", "is", "direction", "why"), rows)
    if view.judged_again:
        click.echo(f"\n{len(view.flips)} of {view.judged_again} past verdicts would come out otherwise")
        for flip in view.flips:
            click.echo(f"  {flip.name}: {flip.was} becomes {flip.now} ({', '.join(flip.by)})")
    if any(change.where.startswith(_OTHER_DATA) and change.direction != "neutral" for change in view.changes):
        told = "a change of expectations, masking, label, split, rows or seed gives other reports and figures"
        click.echo(f"\n{told}, of which past evaluations say nothing")
    if state.problem:
        click.echo(f"\n{state.problem}")
    if view.standing.unsigned:
        who = ", by somebody who has not signed it yet" if state.pending else ""
        click.echo(f"\nnot signed as it is: {view.standing.unsigned}. Verdicts are rehearsals; next: windtunnel policy sign{who}")
    else:
        click.echo("\nsigned as it is")
