"""What stages measured of the challenger, as it lies in ``data/evidence``.

What belongs here: reading it, and which kinds criteria ask for. What does not: measuring, and judging (``tasks.gates``).
"""

from tasks.params.judging import GatesParams, MeasuredCriterion
from tasks.paths import ProjectPaths
from tasks.records import MeasuredEvidence


def measured_kinds(gates: GatesParams) -> tuple[str, ...]:
    """The kinds of evidence that a criterion asks for, each once."""
    asked = (criterion for criterion in gates.criteria.values() if isinstance(criterion, MeasuredCriterion))
    return tuple(sorted({criterion.measured for criterion in asked}))


def read_measured(paths: ProjectPaths, gates: GatesParams) -> dict[str, MeasuredEvidence]:
    """By kind the evidence that lies there and that a criterion asks for; what is missing is not in it.

    Raises :class:`~tasks.errors.DatasetError` where a file is no such record.
    """
    files = {kind: paths.evidence_of(kind) for kind in measured_kinds(gates)}
    return {
        kind: MeasuredEvidence.from_json(path.read_bytes(), origin=path.relative_to(paths.root).as_posix())
        for kind, path in files.items()
        if path.is_file()
    }
