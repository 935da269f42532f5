"""Sets of rows and what adding and subtracting them leaves, against trying every few people."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.evaluation.combining import may_leave_few

COLUMNS = st.lists(st.lists(st.integers(0, 3), min_size=11, max_size=11), min_size=1, max_size=3)


def _told(columns, owners=None):
    """By row of one person each, or of ``owners``, the atoms that ``columns`` cut, and the columns by atom."""
    codes = np.array(columns)
    _, first, atom = np.unique(codes, axis=1, return_index=True, return_inverse=True)
    cells = np.unique(np.stack([atom.ravel(), np.arange(codes.shape[1]) if owners is None else owners]), axis=1)
    return [codes[place][first] for place in range(len(columns))], (cells[0], cells[1])


def _leaves_few(columns, people, k):
    """Every group of fewer than k people: whether the sets, seen from all other rows alone, are more dependent than they were."""
    sets = np.array([np.ones(len(people)), *(np.array(own) == value for own in columns for value in range(1, max(own) + 1))])
    whole = np.linalg.matrix_rank(sets)
    groups = chain.from_iterable(combinations(np.unique(people), size) for size in range(1, k))
    return any(np.linalg.matrix_rank(sets[:, ~np.isin(people, group)]) < whole for group in groups)


@settings(max_examples=150, deadline=None)
@given(COLUMNS)
def test_what_is_allowed_leaves_nobody_or_enough(columns):
    """Rows of one person each: no two people or fewer are left by any sum or difference."""
    if not may_leave_few(*_told(columns), 3):
        assert not _leaves_few(columns, np.arange(11), 3)


@settings(max_examples=60, deadline=None)
@given(COLUMNS, st.lists(st.integers(0, 6), min_size=11, max_size=11))
def test_people_with_rows_in_several_sets_count_once(columns, owners):
    """The same of people who have rows in several atoms."""
    if not may_leave_few(*_told(columns, owners), 3):
        assert not _leaves_few(columns, np.array(owners), 3)


def test_what_is_safe_is_mostly_allowed():
    """Of random pairs of columns that leave nobody, nine in ten are allowed: the rule refuses little for want of knowing."""
    random, safe, allowed = np.random.default_rng(2), 0, 0
    for _ in range(50):
        columns = [random.integers(1, 4, 24).tolist() for _ in range(2)]
        if not _leaves_few(columns, np.arange(24), 3):
            safe += 1
            allowed += not may_leave_few(*_told(columns), 3)
    assert safe > 30
    assert allowed >= 0.9 * safe


@pytest.mark.parametrize(("inside", "expected"), [(37, True), (35, False), (40, False)])
def test_a_set_within_another_leaves_the_rest(inside, expected):
    """Forty rows, of which so many are a set of their own: three are too few, five are enough, none is nobody."""
    outer, inner = np.repeat([1, 2], [40, 60]), np.repeat([1, 0], [inside, 100 - inside])
    assert may_leave_few(*_told([outer, inner]), 5) is expected


def test_thin_sets_that_cross_many_others_are_allowed():
    """Thirty rows over ten sets, three in each: no atom of it is of five people, and it is."""
    region = np.repeat(np.arange(1, 11), 20)
    thin = (np.arange(200) % 20 < 3).astype(int)
    assert not may_leave_few(*_told([region, thin]), 5)


def test_beyond_what_can_be_looked_at_it_is_taken_that_there_are_few():
    """Nobody waits for a space of thousands of dimensions."""
    assert may_leave_few(*_told([np.arange(1, 1602)]), 2)
