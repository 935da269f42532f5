"""What an attacker who knows people's quasi-identifiers can do: k-anonymity, uniqueness, prosecutor and average risk.

What belongs here: the measures, as functions of crowds and sensitive values. What does not: which columns an attacker knows
(``columns``), attacks that are carried out (``attacks``), and limits.

Sources: k-anonymity: Sweeney (2002), Int. J. Uncertainty 10(5). Prosecutor and average risk: El Emam and Dankar (2008), JAMIA
15(5). l-diversity: Machanavajjhala, Kifer, Gehrke and Venkitasubramaniam (2007), ACM TKDD 1(1). t-closeness: Li, Li and
Venkatasubramanian (2007), ICDE.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.disclosure.crowds import Crowds, Floats, Ints, encode, encode_in_order


@dataclass(frozen=True)
class Risk:
    """How well people hide among those who are like them; ``rows`` are people where rows are counted as people."""

    rows: int
    crowds: int
    smallest: int
    """k: the people in the smallest crowd."""
    rows_below: int
    """Rows in crowds of fewer than the limit's k people."""
    unique_rows: int
    """Rows whose person stands alone."""
    highest: float
    """Prosecutor risk: the chance to find the person who is easiest to find, 1 / k."""
    average: float
    """The mean over rows of 1 / people in the crowd: the share of people that an attacker who always guesses would find."""

    @property
    def below(self) -> float:
        """The share of rows in crowds below the limit's k."""
        return self.rows_below / self.rows


@dataclass(frozen=True)
class Diversity:
    """How much crowds give away of one sensitive column, although nobody in them can be told apart."""

    distinct: int
    """Distinct l-diversity: the fewest different values in a crowd."""
    entropy: float
    """Entropy l-diversity: the least exp(entropy) of a crowd's values; equals ``distinct`` where all are equally frequent."""
    closeness: float
    """t-closeness: the largest distance of a crowd's values from everybody's, 0 to 1."""
    is_ordered: bool
    """Whether that is the ordered earth mover's distance (numbers, times), or the total variation distance."""


def measure_risk(crowds: Crowds, k: int, owners: Ints | None = None) -> Risk:
    """The risk under ``crowds``; ``k`` people is the least crowd that counts as safe.

    ``owners`` (from 0, one for each row) says whose row it is, where rows are to be counted as people: a person is as easy to
    find as the smallest of the crowds that their rows stand in. None: each row counts by itself.
    """
    of = crowds.of_row
    if owners is not None:
        of = np.full(int(owners.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(of, owners, crowds.of_row)
    return Risk(
        rows=len(of),
        crowds=len(crowds.rows),
        smallest=int(of.min()),
        rows_below=int((of < k).sum()),
        unique_rows=int((of == 1).sum()),
        highest=float(1 / of.min()),
        average=float((1 / of).mean()),
    )


def measure_diversity(crowds: Crowds, sensitive: pa.ChunkedArray) -> Diversity:
    """The diversity of ``sensitive`` within ``crowds``; numbers and times are ordered, all else is not. NULL is a value."""
    kind = sensitive.type
    is_ordered = bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind))
    codes, count = encode_in_order(sensitive) if is_ordered else encode(sensitive)
    pairs, rows = np.unique(crowds.ids * count + codes, return_counts=True)
    crowd, value = pairs // count, pairs % count
    share = rows / crowds.rows[crowd]
    whole = np.bincount(codes, minlength=count) / len(codes)
    entropy = -np.bincount(crowd, weights=share * np.log(share), minlength=len(crowds.rows))
    distance = _moved if is_ordered else _varied
    return Diversity(
        distinct=int(np.bincount(crowd).min()),
        entropy=float(np.exp(entropy.min())),
        closeness=float(distance(crowd, value, share, whole).max()),
        is_ordered=is_ordered,
    )


def _varied(crowd: Ints, value: Ints, share: Floats, whole: Floats) -> Floats:
    """Total variation: half of the summed differences, which is what the crowd's more frequent values have too much."""
    return np.bincount(crowd, weights=np.maximum(share - whole[value], 0)).astype(np.float64)


def _moved(crowd: Ints, value: Ints, share: Floats, whole: Floats) -> Floats:
    """Ordered earth mover's distance: sum over values i of \\|F_crowd(i) - F(i)\\| / (m - 1).

    A crowd's own F is a step function: between two of its values it stands still while F rises, so that each step's sum is had
    from running totals of F, and the place where F crosses it. ``crowd`` and ``value`` are sorted.
    """
    count = len(whole)
    if count == 1:
        return np.zeros(int(crowd[-1]) + 1)
    overall = np.cumsum(whole)
    totals = np.append(0.0, np.cumsum(overall))
    is_first = np.append(True, crowd[1:] != crowd[:-1])
    running = np.cumsum(share)
    before = np.where(is_first, running - share, 0.0)
    reached = running - np.maximum.accumulate(before)
    ends = np.append(np.where(is_first[1:], count - 1, value[1:]), count - 1)
    crossing = np.clip(np.searchsorted(overall, reached, "right"), value, ends)
    moved = reached * (crossing - value) - (totals[crossing] - totals[value])
    moved += (totals[ends] - totals[crossing]) - reached * (ends - crossing)
    moved += np.where(is_first, totals[value], 0.0)
    found: Floats = np.bincount(crowd, weights=moved) / (count - 1)
    return np.maximum(found, 0.0)
