"""How many looks are left at the holdout of the last verdict, for commands that spend none.

What belongs here: finding that holdout. What does not: taking looks (``tasks.stages.looking``), and what a verdict's own look cost
(``flows.verdict_store``).
"""

from tasks.errors import WindtunnelError
from tasks.ledger import known_events, looks_at
from tasks.params import load_params
from tasks.paths import ProjectPaths, main_root
from tasks.records import LooksLeft, Verdict
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
