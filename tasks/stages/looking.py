"""The look that measuring a candidate on a holdout costs: taken before anything is measured.

What belongs here: wiring evidence and event log. What does not: what a look costs (``tasks.ledger``). No stage of its own:
``evaluate`` calls it, and whoever publishes a verdict.
"""

import getpass
from datetime import datetime, timezone

import pyarrow as pa

from tasks.datasets import logical_hash
from tasks.errors import GateError
from tasks.ledger import take_look
from tasks.params import Params
from tasks.paths import ProjectPaths, main_root
from tasks.records import LookTaken

HOLDOUT, CANDIDATE = "holdout", "models/challenger"
"""The names under which an evaluation's inputs hold the two hashes of a look."""


def hash_holdout(facts: pa.Table) -> str:
    """The logical hash of the judged part: times and labels of its rows, in any order.

    Row keys are left out, so that a new masking key gives no new looks at the same rows.
    """
    return logical_hash(facts.select(["time_utc", "label"]), ("time_utc", "label"))


def pay_look(paths: ProjectPaths, params: Params, *, candidate: str | None, holdout: str) -> LookTaken:
    """Take the look of ``candidate`` at ``holdout``, or find it among those that were taken.

    Raises :class:`~tasks.errors.GateError` where the budget is used up, or the candidate has no hash to be known by.
    """
    if not candidate:
        raise GateError("the challenger", found="no hash", expected="the hash of a stored model", next_step="dvc repro -f train")
    return take_look(
        ProjectPaths(main_root(paths.root)).events,
        paths.landed_events,
        candidate=candidate,
        holdout=holdout,
        budget=params.gates.looks.budget,
        about={"split": params.evaluation.split, "part": params.evaluation.part},
        actor=getpass.getuser(),
        clock=lambda: datetime.now(timezone.utc),
    )
