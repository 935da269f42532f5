"""What each cheat does to the predictions: what it says it does, for every task, and the same for the same seed."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.adversary import open_sheet, plan_cheats, worsen

ROWS = 400
NAMES = {
    "reruns until lucky",
    "another holdout until lucky",
    "choice of seed",
    "choice of slice",
    "label leak, by a feature",
    "label leak, from elsewhere",
    "score shift",
    "dropped hard rows",
    "stale champion",
    "duplicate rows, all",
    "duplicate rows, the best ones",
}


def sheet(task="binary", *, champion=True, draws=1):
    """Predictions of a task: the challenger is right on average, the champion less so."""
    random = np.random.default_rng(0)
    classes = ("ant", "bee", "cat") if task == "multiclass" else ()
    labels = random.integers(0, 3 if classes else 2, ROWS)
    columns = {"row_key": [f"k{number}" for number in range(ROWS)], "cluster": [f"c{number % 20}" for number in range(ROWS)]}
    columns["label"] = [classes[label] for label in labels] if classes else labels.astype(float)
    columns["slice_shop"] = [("north", "south", None)[number % 3] for number in range(ROWS)]
    for draw in range(1, draws + 1):
        for role, pull in (("champion", 1.0), ("challenger", 2.0)):
            name = role if draw == 1 else f"r{draw}_{role}"
            strength = random.normal(size=(ROWS, 3 if classes else 1))
            strength[np.arange(ROWS), labels if classes else 0] += pull if classes else pull * (2 * labels - 1)
            odds = np.exp(strength)
            found = odds / odds.sum(axis=1, keepdims=True) if classes else odds / (1 + odds)
            if champion or role == "challenger":
                columns |= {f"{name}_score_{k}" if classes else f"{name}_score": found[:, k] for k in range(found.shape[1])}
    names = {"multiclass": lambda role: tuple(f"{role}_score_{k}" for k in range(3))}
    return open_sheet(pa.table(columns), task, classes, names.get(task, lambda role: (f"{role}_score",)), draws)


def cheats(found, **changes):
    return {cheat.name: cheat for cheat in plan_cheats(found, **{"bad_share": 0.5, "looks": 3} | changes)}


def attempted(found, name, place=-1, seed=1):
    return cheats(found)[name].attempts[place][1](found, np.random.default_rng(seed))


def test_there_is_every_cheat():
    """Those that the documents name."""
    assert set(cheats(sheet())) == NAMES


def test_the_document_names_every_cheat_once_in_each_table():
    """What is done, and how far it got through ours and other gates' rules."""
    lines = (Path(__file__).parents[3] / "docs" / "gate-fool.md").read_text().splitlines()
    named = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert sorted(name for name in named if name in NAMES) == sorted([*NAMES, *NAMES])


def test_no_champion_can_be_stale_where_there_is_none():
    """A first model is not held against anything."""
    assert set(cheats(sheet(champion=False))) == NAMES - {"stale champion"}


def test_reruns_are_as_many_as_there_are_looks():
    """The budget is the adversary's too."""
    assert [cost for cost, _ in cheats(sheet(), looks=7)["reruns until lucky"].attempts] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_attempt_gives_predictions_of_the_task(task, name):
    """The same columns, at least one row, no score that is none, and the same again for the same seed."""
    found = sheet(task)
    for place in range(len(cheats(found)[name].attempts)):
        again, cheated = attempted(found, name, place), attempted(found, name, place)
        assert cheated.rows.column_names == found.rows.column_names
        assert cheated.count
        scores = np.concatenate([cheated.scores(names) for names in cheated.challenger])
        assert np.isfinite(scores).all()
        if task != "regression":
            assert ((scores >= 0) & (scores <= 1)).all()
        assert cheated.rows.equals(again.rows)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_bad_model_is_worse_where_it_was_made_so(task):
    """More worthless scores, more loss; the champion is as it was."""
    found = sheet(task)
    losses = [
        worsen(found, found.challenger, share, np.random.default_rng(1)).losses(found.challenger).mean() for share in (0.1, 0.5, 1)
    ]
    assert found.losses(found.challenger).mean() < losses[0] < losses[1] < losses[2]
    worse = worsen(found, found.challenger, 1.0, np.random.default_rng(1))
    assert np.array_equal(worse.losses(found.champion), found.losses(found.champion))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_whoever_knows_every_label_is_hardly_wrong(task):
    """The scores are the label's."""
    assert attempted(sheet(task), "label leak, from elsewhere").losses(sheet(task).challenger).max() < 0.03


def test_hard_rows_are_those_that_are_left_out():
    """What is left is easier, and a fifth is gone."""
    found = sheet()
    left = attempted(found, "dropped hard rows")
    assert left.count == ROWS * 0.8
    assert left.losses(left.challenger).max() <= np.sort(found.losses(found.challenger))[left.count]


def test_a_slice_is_chosen_from_the_largest_on():
    """Each value of each slice column, rows without one too."""
    found = sheet()
    costs = [cost for cost, _ in cheats(found)["choice of slice"].attempts]
    assert costs == sorted(costs)
    kept = [
        attempt(found, np.random.default_rng(1)).rows.column("slice_shop").unique().to_pylist()
        for _, attempt in cheats(found)["choice of slice"].attempts
    ]
    assert sorted(kept, key=str) == [["north"], ["south"], [None]]


def test_a_shift_leaves_the_ranking():
    """Every score is higher, in the same order."""
    found = sheet()
    before, after = found.scores(found.challenger[0])[:, 0], attempted(found, "score shift").scores(found.challenger[0])[:, 0]
    assert (after > before).all()
    assert np.array_equal(np.argsort(before), np.argsort(after))


def test_favourable_rows_are_those_where_it_beats_the_champion():
    """What stands twice is what it does best on."""
    found = sheet()
    doubled = attempted(found, "duplicate rows, the best ones", place=0)
    twice = doubled.kept(np.arange(ROWS, doubled.count))
    gains = twice.losses(found.champion) - twice.losses(found.challenger)
    assert (gains >= np.quantile(found.losses(found.champion) - found.losses(found.challenger), 0.98)).all()


def test_each_draw_of_folds_is_cheated_alike():
    """A verdict over all folds has scores of several draws."""
    found = sheet(draws=2)
    assert found.challenger == (("challenger_score",), ("r2_challenger_score",))
    known = attempted(found, "label leak, from elsewhere")
    assert np.array_equal(known.scores(found.challenger[0]), known.scores(found.challenger[1]))
