"""No published figure rests on fewer than k people: what of an evaluation is withheld, in words.

What belongs here: counting the people behind figures, and taking figures away. What does not: the figures themselves. What is
withheld is named, never left out, and so is what it could be computed from: of a slice that is too small the next smallest goes
too, until those withheld are k people together, since the whole less the others would give them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc

from tasks.errors import EvaluationError
from tasks.evaluation.compare import MISSING
from tasks.records import ClassOutcome, ClassScores, Comparison

PERSON = "person"
"""The column of the predictions that says whose row it is, where the rows' table knows; otherwise each row is a person's."""
SEARCHED = "discover_"
"""What the columns of the predictions are called after that are searched for bad slices."""
Slice = tuple[str | None, str | None]


def count_people(predictions: pa.Table, columns: Sequence[str]) -> dict[Slice, int]:
    """The people of each value of ``slice_<column>``, and of all (None, None)."""
    person = _people_of(predictions)
    found: dict[Slice, int] = {(None, None): pc.count_distinct(person, mode="all").as_py()}
    for column in columns:
        values = _values_of(predictions, column)
        counted = pa.table({"value": values, "person": person}).group_by("value").aggregate([("person", "count_distinct")])
        found |= {(column, row["value"]): row["person_count_distinct"] for row in counted.to_pylist()}
    return found


def count_together(predictions: pa.Table, slices: Sequence[Slice]) -> int:
    """The people of ``slices``, all of one column, together: who has rows in two of them is one."""
    values = pa.array([value for _, value in slices], pa.string())
    is_theirs = pc.is_in(_values_of(predictions, str(slices[0][0])), value_set=values)
    return int(pc.count_distinct(_people_of(predictions).filter(is_theirs), mode="all").as_py())


def _people_of(predictions: pa.Table) -> pa.ChunkedArray:
    if PERSON in predictions.column_names:
        return predictions.column(PERSON)
    return pa.chunked_array([pa.array(range(predictions.num_rows), pa.int64())])


def _values_of(predictions: pa.Table, column: str) -> pa.ChunkedArray:
    return pc.fill_null(predictions.column(f"slice_{column}").cast(pa.string()), MISSING)


def require_enough_people(people: int, k: int) -> None:
    """Raise :class:`~tasks.errors.EvaluationError` where all that is judged is of fewer than ``k`` people."""
    if people < k:
        raise EvaluationError(
            "rows to judge",
            found=f"rows of fewer than {k} people",
            expected=f"at least {k}, on whom a published figure may rest",
            next_step="judge a larger part of the split; masking.limits.k in params.yaml says how many it takes",
        )


def withhold_slices(
    comparisons: Iterable[Comparison], people: Mapping[Slice, int], k: int, count_together: Callable[[Sequence[Slice]], int]
) -> tuple[Comparison, ...]:
    """``comparisons`` without the figures of slices of fewer than ``k`` people, and of those that would give them away.

    ``people`` as :func:`count_people` counts them; ``count_together`` counts those of several slices of a column, each once.
    """
    small = {key for key, count in people.items() if count < k}
    beside: set[Slice] = set()
    for _, held in groupby(sorted((key for key in people if key[0] is not None), key=str), key=lambda key: key[0]):
        rising = sorted(held, key=lambda key: (people[key], str(key)))
        hidden = [key for key in rising if key in small and people[key]]
        for key in rising:
            if hidden and key not in small and count_together(hidden) < k:
                beside.add(key)
                hidden.append(key)
    reasons = dict.fromkeys(beside, f"withheld: it would give away the figures of fewer than {k} people beside it")
    reasons |= dict.fromkeys(small, f"withheld: it would rest on fewer than {k} people")
    keyed = [((found.slice_column, found.slice_value), found) for found in comparisons]
    return tuple(withheld(found, reasons[key]) if key in reasons else _without_few(found, k) for key, found in keyed)


def withheld(found: Comparison, reason: str) -> Comparison:
    """``found`` without its figures, and why."""
    figures = (
        "champion",
        "challenger",
        "delta",
        "champion_interval",
        "challenger_interval",
        "delta_interval",
        "positives",
        "spread",
        "noise_floor",
    )
    return found.model_copy(update={**dict.fromkeys(figures), "rows": 0, "clusters": 0, "is_withheld": True, "reason": reason})


def _without_few(found: Comparison, k: int) -> Comparison:
    """``found`` without counts of a few: of its positives, or of all others; of rows that only one of the models gets right."""
    found = _without_few_discordant(found, k)
    positives = found.positives
    is_few = positives is not None and (0 < positives < k or 0 < found.rows - positives < k)
    if not is_few:
        return found
    reason = found.reason if not found.reason.startswith("undefined") else "undefined: nearly all rows are of one class"
    return found.model_copy(update={"positives": None, "reason": reason})


def _without_few_discordant(found: Comparison, k: int) -> Comparison:
    counts = found.spread.discordance if found.spread else None
    if found.spread is None or counts is None or not any(0 < count < k for count in (counts.only_champion, counts.only_challenger)):
        return found
    return found.model_copy(update={"spread": found.spread.model_copy(update={"discordance": None})})


def withhold_classes(classes: Sequence[ClassOutcome], k: int) -> tuple[ClassOutcome, ...]:
    """``classes`` without counts of 1 to k - 1 rows: of a class, and in the confusion matrix, nor what would give them away."""
    hidden = _hidden_places([found.rows for found in classes], k)
    return tuple(
        found.model_copy(
            update={
                **({"rows": None, "fraction": None} if place in hidden else {}),
                "champion": None if found.champion is None else _hide_few(found.champion, k, is_hidden=place in hidden),
                "challenger": _hide_few(found.challenger, k, is_hidden=place in hidden),
            }
        )
        for place, found in enumerate(classes)
    )


def _hidden_places(counts: Sequence[int | None], k: int) -> set[int]:
    """The places of counts from 1 to k - 1, and of the next larger ones until those that are hidden are k together."""
    hidden = {place for place, count in enumerate(counts) if count is not None and 0 < count < k}
    if not hidden:
        return hidden
    for place in sorted(set(range(len(counts))) - hidden, key=lambda place: (counts[place] or 0, place)):
        if len(hidden) > 1 and sum(counts[place] or 0 for place in hidden) >= k:
            break
        hidden.add(place)
    return hidden


def _hide_few(scores: ClassScores, k: int, *, is_hidden: bool) -> ClassScores:
    """A confusion row without its small cells; precision, recall and F1 would tell them, and go too."""
    places = set(range(len(scores.predicted))) if is_hidden else _hidden_places(scores.predicted, k)
    if not places:
        return scores
    kept = tuple(None if place in places else count for place, count in enumerate(scores.predicted))
    return ClassScores(precision=None, recall=None, f1=None, predicted=kept)
