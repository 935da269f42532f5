"""A passed report as the permission to use exactly the datasets that it examined.

What belongs here: holding a report against the datasets at hand. What does not: judging data (``tasks.validation``,
``tasks.disclosure``). No stage of its own: the stages that use data call it.
"""

from collections.abc import Mapping

from tasks.datasets import hash_mapping
from tasks.errors import DatasetError, EvidenceError
from tasks.records import DisclosureReport
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


def require_released(context: StageContext, datasets: Mapping[str, str]) -> None:
    """Refuse to go on unless the disclosure report released ``datasets`` (name -> logical hash) under today's limits.

    Raises :class:`~tasks.errors.EvidenceError` naming the limits that do not hold, the columns, and the proposal. What the
    report claims is not believed: it is derived again from its parts.
    """
    path, again = context.paths.disclosure_report, "dvc repro disclosure"
    try:
        report = DisclosureReport.from_json(path.read_bytes(), origin=path.name)
    except (OSError, DatasetError):
        raise EvidenceError(
            "disclosure risk", found="no report that can be read", expected="a report that releases the data", next_step=again
        ) from None
    limits = context.params.masking.limits.model_dump(mode="json")
    examined = {**report.inputs, "limits": hash_mapping(report.model_dump(mode="json")["limits"])}
    for name, wanted in {**datasets, "limits": hash_mapping(limits)}.items():
        if examined.get(name) != wanted:
            raise EvidenceError(
                f"disclosure risk: {name}",
                found="a report on another state of it",
                expected="a report on it as it is",
                next_step=again,
            )
    exceeded = [f"{view.who}: {reason}" for view in report.views for reason in view.exceeded]
    if exceeded or not report.is_released or not report.views:
        columns = dict.fromkeys(c.column for view in report.views for c in view.columns)
        proposed = [f"{c.column}: {{{c.becomes}}}" for view in report.views for c in view.proposal if c.becomes]
        proposed += [f"or {view.suppression}" for view in report.views if view.suppression]
        raise EvidenceError(
            "disclosure risk: the masked data is not released",
            found="; ".join(exceeded) or "a report that does not say why",
            expected=f"every limit of masking.limits to hold over {', '.join(columns) or 'what is published'}",
            next_step=f"in masking.tables of params.yaml: {'; '.join(proposed)}; or see {again} and docs/masking.md"
            if proposed
            else f"give away less of people under masking.tables in params.yaml (docs/masking.md), then {again}",
        )
