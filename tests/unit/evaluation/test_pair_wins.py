"""Pairs won between clusters, against counting every pair."""

import numpy as np
import pytest

from tasks.evaluation.pairs import ClassRows, count_wins


def _counted(labels, scores, clusters, weights, count):
    """Every pair looked at."""
    won = np.zeros((count, count))
    ours, theirs = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    points = np.sign(scores[ours][:, None] - scores[theirs][None, :]) / 2 + 0.5
    points *= weights[ours][:, None] * weights[theirs][None, :]
    np.add.at(won, (clusters[ours][:, None], clusters[theirs][None, :]), points)
    return won


def _rows(labels, scores, clusters, weights, of):
    order = np.argsort(scores[labels == of], kind="stable")
    own = [values[labels == of][order] for values in (scores, clusters, weights)]
    return ClassRows(own[0], own[1], own[2])


@pytest.mark.parametrize("values", [1, 2, 9, 60, 10**6], ids=lambda n: f"{n} distinct scores")
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_as_many_pairs_as_there_are(values, share):
    """Whether ties are wider than a block, narrower, or none; whichever class is the rarer."""
    random = np.random.default_rng(values)
    for count in (1, 7, 150):
        labels = (random.random(900) < share).astype(float)
        scores = random.integers(0, values, 900).astype(float) + labels * (values > 9)
        clusters, weights = random.integers(0, count, 900), random.integers(1, 4, 900).astype(float)
        won = count_wins(*(_rows(labels, scores, clusters, weights, of) for of in (1, 0)), count)
        assert np.allclose(won, _counted(labels, scores, clusters, weights, count))


def test_without_weights_each_pair_counts_once(monkeypatch):
    """Whole numbers and halves, in whatever pieces the blocks are taken."""
    random = np.random.default_rng(5)
    labels, scores = random.integers(0, 2, 700).astype(float), random.integers(0, 80, 700) / 7
    clusters, ones = random.integers(0, 30, 700), np.ones(700)
    monkeypatch.setattr("tasks.evaluation.pairs._CELLS", 60)
    own, beaten = (_rows(labels, scores, clusters, ones, of) for of in (1, 0))
    won = count_wins(ClassRows(own.scores, own.clusters, None), ClassRows(beaten.scores, beaten.clusters, None), 30)
    assert np.array_equal(won, _counted(labels, scores, clusters, ones, 30))


def test_a_class_without_rows_wins_and_loses_nothing():
    """Not an error: the area is undefined, which the caller says."""
    none, some = ClassRows(np.empty(0), np.empty(0, int), None), ClassRows(np.arange(5.0), np.arange(5), None)
    assert not count_wins(none, some, 5).any()
    assert not count_wins(some, none, 5).any()
