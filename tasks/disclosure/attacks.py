"""Attacks that are carried out, each beside the same attack on people who were never in the data.

What belongs here: singling out, linkage and inference, their success, and how much of it is owed to a person's being in the data.
What does not: the measures that need no attack (``risk``). The idea of the control is that of Anonymeter (Giomi, Boenisch,
Wehmeyer and Tasnádi 2023, PoPETs 2023(2)); the three risks are those of the Article 29 Working Party's Opinion 05/2014.

A tenth of the people is held back at random, and attackers see the others only. Their success on targets who are among the
others is what they get out of the data; their success on those held back is what anybody gets out of knowing how people are.
The difference, as a share of what was left to win, is the excess.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.disclosure.crowds import Floats, Ints, encode, encode_in_order, form_crowds

TARGETS = 2000
"""Targets of each attack, and of its control; an interval is then some two points wide at most."""
_HELD_BACK = 10
_BINS = 10
_Z = 1.959964
"""For intervals of 95 %."""


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Attack:
    """What one attack came to; ``column`` is the sensitive one that it infers."""

    name: str
    column: str | None
    targets: int
    hits: int
    control_targets: int
    control_hits: int

    @property
    def success(self) -> Rate:
        """The share of targets in the data on whom it succeeded."""
        return wilson(self.hits, self.targets)

    @property
    def control(self) -> Rate:
        """The same on people who are not in the data."""
        return wilson(self.control_hits, self.control_targets)

    @property
    def excess(self) -> Rate:
        """How much of what was left to win the data gave: (success - control) / (1 - control)."""
        return excess_of(self.success, self.control)


def run_attacks(people: pa.Table, quasi: Sequence[str], sensitive: Sequence[str], seed: int) -> tuple[Attack, ...]:
    """Attack ``people`` (one row each) by their ``quasi`` columns; the same ``seed`` gives the same outcome.

    Singling out: the attacker knows all of a target's quasi-identifiers, and succeeds where exactly one person in the data has
    them. Linkage: the attacker has two lists, one with half of the columns and one with the other, finds a person in the data
    with a target's values of the first, and picks from the second list whoever has that person's; needs two columns. Inference:
    the attacker says what most people in the data with the target's quasi-identifiers have (numbers: their tenth). Fewer than
    20 people are not attacked: the outcome would be chance.
    """
    count = people.num_rows
    if count < 2 * _HELD_BACK or not quasi:
        return ()
    random = np.random.default_rng(seed)
    order = random.permutation(count)
    control, released = np.sort(order[: count // _HELD_BACK]), np.sort(order[count // _HELD_BACK :])
    targets = tuple(random.choice(group, min(TARGETS, len(control)), replace=False) for group in (released, control))
    alike = form_crowds(people, quasi).ids
    found = [_single_out(alike, released, targets)]
    if len(quasi) > 1:
        halves = (form_crowds(people, quasi[::2]).ids, form_crowds(people, quasi[1::2]).ids)
        found.append(_link(halves, released, targets, random))
    return (*found, *(_infer(name, people.column(name), alike, released, targets) for name in sensitive))


def _outcome(name: str, column: str | None, hits: Sequence[np.ndarray]) -> Attack:
    inside, outside = hits
    return Attack(name, column, len(inside), int(inside.sum()), len(outside), int(outside.sum()))


def _single_out(alike: Ints, released: Ints, targets: Sequence[Ints]) -> Attack:
    counts = np.bincount(alike[released], minlength=int(alike.max()) + 1)
    return _outcome("singling out", None, [counts[alike[chosen]] == 1 for chosen in targets])


def _link(halves: tuple[Ints, Ints], released: Ints, targets: Sequence[Ints], random: np.random.Generator) -> Attack:
    first, second = halves
    ordered = released[np.argsort(first[released], kind="stable")]
    counts = np.bincount(first[ordered], minlength=int(first.max()) + 1)
    starts = np.cumsum(counts) - counts
    hits = []
    for chosen in targets:
        known = first[chosen]
        place = starts[known] + (random.random(len(chosen)) * counts[known]).astype(np.int64)
        bridge = ordered[np.minimum(place, len(ordered) - 1)]
        listed = np.bincount(second[chosen], minlength=int(second.max()) + 1)
        is_chosen = random.random(len(chosen)) * listed[second[chosen]] < 1
        hits.append((counts[known] > 0) & (second[bridge] == second[chosen]) & is_chosen)
    return _outcome("linkage", None, hits)


def _infer(name: str, column: pa.ChunkedArray, alike: Ints, released: Ints, targets: Sequence[Ints]) -> Attack:
    values = _as_guessed(column, released)
    span = int(values.max()) + 1
    pairs, rows = np.unique(alike[released] * span + values[released], return_counts=True)
    crowd, value = pairs // span, pairs % span
    # The most frequent value of each crowd; of equally frequent ones the first, so that nothing hangs on order.
    order = np.lexsort((value, -rows, crowd))
    is_first = np.append(True, np.diff(crowd[order]) > 0)
    overall = int(np.bincount(values[released]).argmax())
    guesses = np.full(int(alike.max()) + 1, overall, np.int64)
    guesses[crowd[order][is_first]] = value[order][is_first]
    return _outcome("inference", name, [guesses[alike[chosen]] == values[chosen] for chosen in targets])


def _as_guessed(column: pa.ChunkedArray, released: Ints) -> Ints:
    """What an attacker has to say to be right: the value, or the tenth of a number that has more than ten."""
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind)):
        return encode(column)[0]
    codes, count = encode_in_order(column)
    if count <= _BINS:
        return codes
    edges = np.unique(np.quantile(codes[released], np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.searchsorted(edges, codes, "left").astype(np.int64)


def wilson(hits: int, attempts: int) -> Rate:
    """The share with its score interval (Wilson 1927, JASA 22)."""
    share, squared = hits / attempts, _Z**2
    middle = (share + squared / (2 * attempts)) / (1 + squared / attempts)
    half = _Z / (1 + squared / attempts) * math.sqrt(share * (1 - share) / attempts + squared / (4 * attempts**2))
    return Rate(share, max(0.0, middle - half), min(1.0, middle + half))


def excess_of(success: Rate, control: Rate) -> Rate:
    """(success - control) / (1 - control), 0 where the control leaves nothing to win.

    The interval is that of the difference by hybrid scores (Newcombe 1998, Statistics in Medicine 17, method 10), on the same
    scale.
    """
    left = 1 - control.value
    if left <= 0:
        return Rate(0.0, 0.0, 0.0)
    difference = success.value - control.value
    low = difference - math.hypot(success.value - success.low, control.high - control.value)
    high = difference + math.hypot(success.high - success.value, control.value - control.low)
    scaled: Floats = np.clip(np.array([difference, low, high]) / left, -1, 1)
    return Rate(*(float(value) for value in scaled))
