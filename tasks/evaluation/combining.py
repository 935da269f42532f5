"""Whether adding and subtracting sets of rows can leave fewer than k people.

What belongs here: linear combinations of sets, by atom (the rows that lie in the same sets). What does not: which sets are told
(``disclosing``).

A combination that rests on fewer than k people rests on small atoms alone. All that do are a space, as a linear code is one; its
least weight is asked. The lower bound is Zimmermann's (1996; Grassl 2006, in Discovering Mathematics with Magma): people are cut
into groups without a common member. Of a group that determines a combination, one that is no row of the generator that is
systematic there has two people at least; of a group that leaves one dimension open, one. Where the rows have k people, and the
bounds of the groups come to k together, no combination has fewer. Where they do not, nobody knows, and it is taken that there is
one.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.sample import Floats, Ints

_MOST_SETS = 1_500
_MOST_SMALL_ATOMS = 3_000
"""Beyond these nobody looks, and it is taken that there is one: the space of combinations takes their square."""
_NOTHING = 1e-8
_ZERO = 1e-6


def may_leave_few(columns: Sequence[Ints], owners: tuple[Ints, Ints], k: int) -> bool:
    """Whether a combination of all rows and of the sets of ``columns`` may rest on fewer than ``k`` people, and not on nobody.

    ``columns`` number by atom the set that holds it, from 1; 0 where none does. ``owners``: atoms and people, of each atom each
    of its people once, by rising atom.
    """
    atoms, people = owners
    is_small = np.bincount(atoms, minlength=int(atoms.max(initial=0)) + 1) < k
    if not is_small.any():
        return False
    members = _members(columns, len(is_small))
    if members.shape[0] > _MOST_SETS or np.count_nonzero(is_small) > _MOST_SMALL_ATOMS:
        return True
    small = np.flatnonzero(is_small)
    for part, basis in _parts(_combinations(members, is_small)):
        held = np.isin(atoms, small[part])
        if _has_few(basis[:, np.searchsorted(small[part], atoms[held])], people[held], k):
            return True
    return False


def _members(columns: Sequence[Ints], atoms: int) -> Any:
    """Sets x atoms, sparse: 1 where the set holds the atom; the first set is all rows."""
    from scipy.sparse import csr_array

    offsets = np.cumsum([1, *(int(codes.max(initial=0)) for codes in columns)])
    held = [np.flatnonzero(codes) for codes in columns]
    sets = [codes[at] - 1 + offset for codes, at, offset in zip(columns, held, offsets, strict=False)]
    places = np.concatenate([np.zeros(atoms, np.intp), *sets]), np.concatenate([np.arange(atoms), *held])
    return csr_array((np.ones(len(places[0])), places), shape=(int(offsets[-1]), atoms))


def _combinations(members: Any, is_small: NDArray[np.bool_]) -> Floats:
    """An orthonormal basis (rows) of what combinations of sets come to on the small atoms, of those that are 0 on all others."""
    large = members[:, ~is_small]
    sizes, vectors = np.linalg.eigh((large @ large.T).toarray())
    vanishing = vectors[:, sizes <= _NOTHING * max(1.0, float(sizes[-1]))]
    _, weights, basis = np.linalg.svd((members[:, is_small].T @ vanishing).T, full_matrices=False)
    found: Floats = basis[weights > _ZERO]
    return found


def _parts(space: Floats) -> Iterator[tuple[Ints, Floats]]:
    """The parts without a common atom that ``space`` (an orthonormal basis) falls into: their atoms, and a basis of each."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    projection = space.T @ space
    is_touched = np.diag(projection) > _NOTHING
    count, part = connected_components(csr_array(np.abs(projection) > _NOTHING), directed=False)
    for number in range(count):
        atoms = np.flatnonzero((part == number) & is_touched)
        if len(atoms):
            sizes, vectors = np.linalg.eigh(projection[np.ix_(atoms, atoms)])
            yield atoms, vectors[:, sizes > 0.5].T


def _has_few(basis: Floats, people: Ints, k: int) -> bool:
    """Whether a combination of the rows of ``basis`` (by person and atom) may have fewer than ``k`` people."""
    dimension, count = basis.shape
    if len(np.unique(people)) < count:  # with people in several atoms, groups of people are no groups of columns
        return dimension > 1 or len(np.unique(people)) < k
    left, bound = np.arange(count), 0
    while bound < k:
        group = _independent(basis, left, np.zeros((dimension, 0)))
        is_open = len(group) < dimension
        if len(group) < dimension - 1 or not len(left):
            return True
        beside = _independent(basis, np.arange(count), basis[:, group])[: int(is_open)]
        systematic = np.linalg.solve(basis[:, [*group, *beside]], basis)
        if np.count_nonzero(np.abs(systematic) > _ZERO, axis=1).min() < k:
            return True
        left, bound = np.setdiff1d(left, group), bound + 2 - is_open
    return False


def _independent(basis: Floats, of: Ints, held: Floats) -> Ints:
    """Those of the columns ``of`` that, one after the other, are furthest from what is ``held`` and taken before."""
    from scipy.linalg import qr

    own = basis[:, of]
    if held.shape[1]:
        span, _ = np.linalg.qr(held)
        own = own - span @ (span.T @ own)
    _, triangle, order = qr(own, mode="economic", pivoting=True)
    found: Ints = of[order[: np.count_nonzero(np.abs(np.diag(triangle)) > _ZERO)]]
    return found
