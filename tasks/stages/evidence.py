"""A passed validation report as the permission to use exactly the datasets that it examined.

What belongs here: holding a report against the datasets at hand. What does not: reading reports (``tasks.validation.require``).
No stage of its own: the stages that use data call it.
"""

from collections.abc import Mapping

from tasks.errors import EvidenceError
from tasks.stages import StageContext
from tasks.validation.require import require_passed


def require_examined(context: StageContext, subject: str, datasets: Mapping[str, str]) -> None:
    """Refuse to go on unless the report on ``subject`` passed and examined ``datasets`` (name -> logical hash) as they are.

    Raises :class:`~tasks.errors.EvidenceError`: a report on another state of a dataset says nothing of this one.
    """
    report = require_passed(context.paths.validation_report(subject))
    for name, logical_hash in datasets.items():
        examined = report.inputs.get(name)
        if examined != logical_hash:
            raise EvidenceError(
                f"validation of {subject}: {name}",
                found=f"a report on {examined[:12]}" if examined else f"a report that did not examine {name}",
                expected=f"a report on {logical_hash[:12]}, the dataset as it is",
                next_step=f"dvc repro validate_{subject}",
            )
