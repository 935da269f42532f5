"""Classes of the label as a reader looks at them: how many rows, how well told, and what they are taken for.

What belongs here: choosing what is listed. What does not: counting (``tasks.evaluation``), and markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.records import ClassOutcome

MOST_IN_MATRIX = 12
"""Classes up to which the whole confusion matrix is shown; of more, the commonest confusions."""
MOST_CONFUSIONS = 20


@dataclass(frozen=True)
class Cell:
    """Rows of one class that were predicted to be of another, or of the same, by each model; None: withheld."""

    challenger: int | None
    champion: int | None
    is_right: bool


@dataclass(frozen=True)
class Confusion:
    """Rows of ``label`` that the models took for ``predicted``; None: withheld."""

    label: str
    predicted: str
    challenger: int | None
    champion: int | None


def matrix_of(classes: Sequence[ClassOutcome]) -> tuple[tuple[Cell, ...], ...]:
    """The confusion matrix, labels down and predictions across; empty where there are too many classes, or none."""
    if len(classes) > MOST_IN_MATRIX:
        return ()
    return tuple(tuple(_cell(found, place, other) for other in range(len(classes))) for place, found in enumerate(classes))


def _cell(found: ClassOutcome, place: int, other: int) -> Cell:
    champion = found.champion.predicted[other] if found.champion is not None else None
    return Cell(challenger=found.challenger.predicted[other], champion=champion, is_right=place == other)


def confusions_of(classes: Sequence[ClassOutcome]) -> tuple[Confusion, ...]:
    """What the challenger confuses most, where there are too many classes for a matrix; the commonest first."""
    if len(classes) <= MOST_IN_MATRIX:
        return ()
    found = [
        Confusion(
            label=label.name,
            predicted=predicted.name,
            challenger=label.challenger.predicted[place],
            champion=label.champion.predicted[place] if label.champion is not None else None,
        )
        for label in classes
        for place, predicted in enumerate(classes)
        if label is not predicted and label.challenger.predicted[place] != 0
    ]
    return tuple(sorted(found, key=lambda c: (-(c.challenger or 0), c.label, c.predicted))[:MOST_CONFUSIONS])
