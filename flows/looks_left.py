"""How many looks are left at a holdout, for commands that spend none.

What belongs here: finding the holdout of the last verdict, and which look would be next at a planned one. What does not: taking
looks (``tasks.stages.looking``), and what a verdict's own look cost (``flows.verdict_store``).
"""

from tasks.errors import WindtunnelError
from tasks.gates import later_confidence
from tasks.ledger import known_events, looks_at
from tasks.params import load_params
from tasks.paths import ProjectPaths, main_root
from tasks.records import GatePlan, LooksLeft, NextLook, Verdict
from tasks.stages.looking import HOLDOUT


def find_looks_left(paths: ProjectPaths) -> LooksLeft | None:
    """What is left at the holdout of the checkout's last verdict; None before the first, and where that cannot be read."""
    try:
        holdout = Verdict.from_json(paths.verdict.read_bytes(), origin=str(paths.verdict)).inputs.get(HOLDOUT)
        if holdout is None:
            return None
        events = known_events(ProjectPaths(main_root(paths.root)).events, paths.landed_events)
        budget = load_params(paths.params).gates.looks.budget
    except (WindtunnelError, OSError):  # another command tells what is wrong with these; this one spends nothing
        return None
    return LooksLeft(holdout=holdout, budget=budget, left=max(0, budget - len(looks_at(events, holdout))))


def find_next_look(paths: ProjectPaths, plan: GatePlan) -> NextLook:
    """Which look at the planned holdout another candidate would take; nothing is written.

    A holdout is known by its rows' times and labels, whatever its split and part are called. Before it was evaluated only a log
    without any look tells that the next one is the first; else it counts as a later one.

    Raises :class:`~tasks.errors.LedgerError` where the log is broken.
    """
    budget = load_params(paths.params).gates.looks.budget
    events = known_events(ProjectPaths(main_root(paths.root)).events, paths.landed_events)
    looks = [event.about for event in events if event.kind == "look"]
    at_part = {
        (about.get("candidate"), about.get("holdout"))
        for about in looks
        if (about.get("split"), about.get("part")) == (plan.split, plan.part)
    }
    taken = len(looks_at(events, plan.holdout)) if plan.holdout is not None else None if looks else 0
    is_first = taken == 0 or budget == 1
    return NextLook(
        number=None if taken is None else taken + 1,
        budget=budget,
        left=None if taken is None else max(0, budget - taken),
        taken_at_part=len(at_part),
        confidence=plan.confidence if is_first else later_confidence(plan.confidence, budget),
    )
