"""Which confusions of classes a page lists."""

from tasks.records import ClassOutcome, ClassScores
from tasks.reporting.classes import MOST_CONFUSIONS, MOST_IN_MATRIX, confusions_of, matrix_of


def _classes(count: int, *, has_champion: bool = True) -> tuple[ClassOutcome, ...]:
    """Of class i, j - i rows are taken for each later class j, and ten for itself."""

    def scores(place: int, times: int) -> ClassScores:
        predicted = tuple(10 if other == place else times * max(0, other - place) for other in range(count))
        return ClassScores(precision=0.5, recall=0.5, f1=0.5, predicted=predicted)

    return tuple(
        ClassOutcome(
            name=f"c{place:02}",
            rows=10,
            fraction=1 / count,
            is_rare=False,
            champion=scores(place, 2) if has_champion else None,
            challenger=scores(place, 1),
        )
        for place in range(count)
    )


def test_few_classes_are_shown_whole() -> None:
    """Labels down, predictions across, the champion beside; what is right lies on the diagonal."""
    matrix = matrix_of(_classes(3))
    assert [[cell.challenger for cell in row] for row in matrix] == [[10, 1, 2], [0, 10, 1], [0, 0, 10]]
    assert [[cell.champion for cell in row] for row in matrix] == [[10, 2, 4], [0, 10, 2], [0, 0, 10]]
    assert [[cell.is_right for cell in row] for row in matrix] == [[a == b for b in range(3)] for a in range(3)]
    assert confusions_of(_classes(3)) == ()


def test_of_many_classes_the_commonest_confusions_are_listed() -> None:
    """A matrix of hundreds of cells would not be read."""
    classes = _classes(MOST_IN_MATRIX + 1)
    found = confusions_of(classes)
    assert matrix_of(classes) == ()
    assert len(found) == MOST_CONFUSIONS
    assert (found[0].label, found[0].predicted, found[0].challenger, found[0].champion) == ("c00", "c12", 12, 24)
    assert [c.challenger for c in found] == sorted((c.challenger for c in found), reverse=True)


def test_without_a_champion_its_counts_are_missing_not_zero() -> None:
    """A model that is not there has confused nothing, and no count says otherwise."""
    assert {cell.champion for row in matrix_of(_classes(2, has_champion=False)) for cell in row} == {None}
    assert {c.champion for c in confusions_of(_classes(20, has_champion=False))} == {None}
