"""What a stored model takes, read off what is kept: evidence of the kind ``resources``.

What belongs here: numbers that are the same on every machine. What does not: durations and memory, which are measured where a model
serves, and limits (``gates.criteria``).
"""

from tasks.models.canonical import read_entries
from tasks.records import Measure, MeasuredEvidence, ModelCard

RESOURCES = "resources"


def measure_resources(card: ModelCard, archive: bytes | None) -> MeasuredEvidence:
    """What the model of ``card`` takes; without an ``archive`` there is no model, and nothing is measured.

    ``model_bytes``: of what is in the archive (:func:`~tasks.models.store.dump_model`), as it is unpacked: how far it is compressed
    differs from one zlib to the next. ``features``: how many are to be computed for a row. ``fitted_rows``: how many it was
    fitted on.
    """
    inputs = {**card.made_with, **({} if card.logical_hash is None else {f"models/{card.role}": card.logical_hash})}
    measures: dict[str, Measure] = {}
    if archive is not None:
        measures["model_bytes"] = _exact(sum(len(content) for content in read_entries(archive).values()), "bytes")
        measures["features"] = _exact(len(card.features), "features")
        if card.rows is not None:
            measures["fitted_rows"] = _exact(card.rows, "rows")
    return MeasuredEvidence(kind=RESOURCES, inputs=inputs, confidence=None, measures=measures)


def _exact(value: int, unit: str) -> Measure:
    return Measure(value=value, low=value, high=value, count=1, unit=unit)
