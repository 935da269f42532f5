"""Gate, approval, promotion: from the Prefect UI, without a worker that waits for people."""

from datetime import datetime, timezone
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from flows.approval import approvals_of, hash_verdict, record_approval, require_actionable, require_promotable
from flows.comparison import comparison_notes, require_comparable
from flows.event_log import live_log
from flows.programs import enter_project
from flows.promotion import Moved, confirm, promote, rollback
from flows.registration import needed_to_register, require_registrable
from flows.rolled_back import require_not_rolled_back, told_rollback
from flows.verdict_store import find_looks, find_verdict
from flows.verdicts import announce
from flows.verification import checkout_of_verdict
from tasks.errors import GateError, RegistryError, SigningError, WindtunnelError
from tasks.ledger import known_events
from tasks.paths import ProjectPaths, main_root
from tasks.records import SignedStatement
from tasks.reporting import escape_markdown, looks_sentence, notes_on

_WAIT_SECONDS = 7 * 24 * 3600
"""For an approval; a verdict is seldom fresh for longer."""


class SignedApproval(RunInput):
    """What the form asks for: a signature, never a name that anybody can type."""

    approval: str = Field(
        description="What `windtunnel approve VERDICT --key KEY --reason TEXT --print` printed, within five minutes."
    )


@flow(name="promote_model", persist_result=False)
def promote_model(verdict: str = "newest", refit_on_raw: bool = False) -> str:
    """Promote the model of ``verdict`` once somebody else has approved it; returns the version that is champion then.

    Suspended, and no worker's any more, until the form is given a signed approval, and once more where a policy that two people
    loosened takes two; a verdict that was approved before goes on at once. Rolled back where the registry does not hand over what
    was promoted.

    Args:
        verdict: A branch such as `data/2013-11-01`, `newest`, or a path to the checkout's verdict.json.
        refit_on_raw: Promote the recipe, fitted again on raw rows and held against its verdict, in place of the judged model.
    """
    root = enter_project()
    digest = check_verdict(str(root), verdict, refit_on_raw)
    while lacking := find_lacking(str(root), verdict):
        asked = _asked(verdict, digest, f"{told_of(str(root), verdict)}\n\nSo far: {escape_markdown(lacking)}.", refit_on_raw)
        # A run begins again from the top with each answer: what is asked for next has a name of its own.
        number = count_approvals(str(root), digest)
        form = SignedApproval.with_initial_data(asked)
        given = suspend_flow_run(wait_for_input=form, timeout=_WAIT_SECONDS, key=f"approval-{digest}-{number}")
        take_approval(str(root), verdict, given.approval)
        check_verdict(str(root), verdict, refit_on_raw)
    moved = move_champion(str(root), verdict, refit_on_raw)
    if moved.is_own:
        announce("champion.promoted", "champion", version=moved.champion.version, verdict=digest)
    confirm_champion(str(root), moved)
    return moved.champion.version


@task(name="check verdict", persist_result=False)
def check_verdict(root: str, verdict: str, is_refit: bool) -> str:
    """The hash of a verdict that is whole, fresh, signed and promotes, over the champion that stands, and has a model that can.

    So nobody is asked in vain.
    """
    stored = find_verdict(Path(root), verdict)
    require_actionable(Path(root), stored, _now())
    require_comparable(Path(root), stored)
    only = needed_to_register(is_refit=is_refit)
    with checkout_of_verdict(Path(root), stored.name, worktree="ask", only=only) as tree:
        require_registrable(tree, stored, is_refit=is_refit)
    return hash_verdict(stored)


@task(name="read verdict", persist_result=False)
def told_of(root: str, verdict: str) -> str:
    """What an approver has to know: the reason, a rollback, whether anything was compared, and which look it was."""
    stored = find_verdict(Path(root), verdict)
    look = find_looks(ProjectPaths(Path(root)), stored.verdict, stored.receipt)
    rolled_back = told_rollback(Path(root), stored)
    notes = (*((rolled_back,) if rolled_back else ()), *notes_on(stored.verdict), *comparison_notes(Path(root), stored))
    return "\n\n".join(escape_markdown(line) for line in (stored.verdict.reason, *notes, looks_sentence(look)))


@task(name="look for approvals", persist_result=False)
def find_lacking(root: str, verdict: str) -> str:
    """What the verdict's approvals lack, of those who may give them, and after its champion was rolled back; empty: nothing."""
    stored = find_verdict(Path(root), verdict)
    try:
        require_promotable(Path(root), stored, _now())
        require_not_rolled_back(Path(root), stored, _now())
    except (GateError, SigningError) as error:
        get_run_logger().info("%s: %s", error.thing, error.found)
        return error.found
    return ""


@task(name="count approvals", persist_result=False)
def count_approvals(root: str, digest: str) -> int:
    """How many approvals of the verdict are in the log by now, whether they count or not."""
    paths = ProjectPaths(main_root(Path(root)))
    return len(approvals_of(known_events(live_log(paths), paths.landed_events), digest))


@task(name="take approval", persist_result=False)
def take_approval(root: str, verdict: str, given: str) -> None:
    """Write the approval that the form was given into the event log, where its signature is good and counts."""
    signed = SignedStatement.from_json(given, origin="the approval of the form")
    event = record_approval(Path(root), verdict, signed, _now())
    get_run_logger().info("approved by %s", event.about["principal"])


@task(name="promote", persist_result=False)
def move_champion(root: str, verdict: str, is_refit: bool) -> Moved:
    """Verify, register and promote; the champion, and whether it was made by this."""
    moved = promote(Path(root), verdict, _now(), is_refit=is_refit)
    get_run_logger().info("version %s is champion, kept on %s", moved.champion.version, moved.champion.branch)
    if moved.untold:
        get_run_logger().warning(moved.untold)
    return moved


@task(name="confirm champion", persist_result=False)
def confirm_champion(root: str, made: Moved) -> None:
    """Fetch the champion as production does; where that fails, fail, and return to the one before what this run promoted.

    A champion that stood before this run, or that another one made since, stays: one failed download is no reason to demote it.
    """
    try:
        confirm(Path(root), made.champion.version, made.champion.event)
    except RegistryError as error:
        if not made.is_own:
            raise
        try:
            moved = rollback(Path(root), f"not handed over after promotion: {error.found}", only_event=made.champion.event)
        except WindtunnelError as second:
            raise RegistryError(
                error.thing,
                found=f"{error.found}; and it could not be rolled back: {second.found}",
                expected=error.expected,
                next_step=second.next_step,
            ) from None
        announce("champion.rolled_back", "champion", version=moved.champion.version, reason=error.found)
        raise


def _asked(verdict: str, digest: str, told: str, is_refit: bool) -> str:
    """What the form says; ``told`` of the verdict."""
    what = "recipe champion, fitted again on raw rows" if is_refit else "model champion"
    return (
        f"May the verdict `{verdict}` ({digest[:12]}) make its {what}?\n\n{told}\n\nRead its report; then sign, in the "
        f"project's checkout:\n\n    windtunnel approve {verdict} --key KEY --reason TEXT --print\n\n"
        "and paste what it prints, within five minutes."
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)
