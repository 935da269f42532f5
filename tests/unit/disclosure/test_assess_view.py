"""Limits: which do not hold, in words; and figures of too few people, which are not told."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.disclosure import KnownColumn, assess_view, join_people, measure_loss, publishable
from tasks.params.limits import LimitsParams
from tasks.records import ViewRisk

ROWS = 1000


def _assess(table: pa.Table, sensitive: tuple[str, ...] = (), **limits: object) -> ViewRisk:
    names = [name for name in table.column_names if name not in sensitive]
    view = join_people(
        {"people": table},
        {},
        person=None,
        rows="people",
        quasi=[KnownColumn("people", name) for name in names],
        sensitive=[KnownColumn("people", name) for name in sensitive],
    )[0]
    return assess_view(view, LimitsParams(**limits), seed=1, cost=lambda *_: ((), "not asked"))


def _sexes() -> pa.Array:
    return pa.array(["f", "m"] * (ROWS // 2))


def test_one_person_below_k_is_too_many_by_default() -> None:
    """And neither counted nor told by the share."""
    table = pa.table({"age": [99] + [30] * (ROWS - 1)})
    found = _assess(table)
    assert found.exceeded == ("k: fewer than 5 people stand in a crowd of fewer than 5 (limit: 0.00% of people)",)
    assert (found.below, found.unique, found.smallest) == (None, None, None)


def test_a_share_below_k_may_be_allowed() -> None:
    """Stated in the policy, for whoever reads it."""
    assert _assess(pa.table({"age": [99] + [30] * (ROWS - 1)}), below=0.01).exceeded == ()


def test_a_crowd_of_one_illness_exceeds_diversity_and_closeness() -> None:
    """Nobody is singled out, and everybody's illness is known all the same."""
    table = pa.table({"sex": _sexes(), "illness": ["flu", "cold"] * (ROWS // 2)})
    assert _assess(table, ("illness",)).exceeded == ()
    found = _assess(table, ("illness",), diversity=2, closeness=0.3, excess=0.2).exceeded
    assert found == (
        "diversity: a crowd has 1.00 values of people.illness (least: 2)",
        "closeness: a crowd's people.illness lies 0.50 from everybody's (most: 0.3)",
    )


def test_an_attack_that_gains_too_much_exceeds_its_limit() -> None:
    """Ages to the day single everybody out; what would be learnt of others anyway counts for nothing."""
    found = _assess(pa.table({"days": list(range(ROWS))}), below=0.99999, excess=0.2).exceeded
    assert "excess: singling out gains 100.0% over its control (most: 20.0%)" in found


def test_a_limit_on_attacks_that_could_not_be_made_does_not_hold() -> None:
    """Not measured is not below the limit."""
    assert _assess(pa.table({"age": [30] * 10}), excess=0.2).exceeded[0].startswith("excess: nobody was attacked")


def test_fewer_people_than_k_hide_nobody() -> None:
    """Not even where nothing is known of them."""
    assert _assess(pa.table({"age": [30] * 4})).exceeded == ("k: fewer than 5 people in all",)


@pytest.mark.parametrize(("count", "told"), [(0, 0), (1, None), (4, None), (5, 5), (95, 95), (96, None), (100, 100)])
def test_counts_of_few_or_of_all_but_few_are_withheld(count: int, told: int | None) -> None:
    """Of a hundred, with k = 5: nobody and everybody may be told."""
    assert publishable(count, 100, 5) == told


def test_the_proposal_drops_no_more_than_it_must() -> None:
    """The number that is everybody's own goes into bands; the sex stays."""
    found = _assess(pa.table({"sex": _sexes(), "metres": list(range(ROWS))}))
    becomes = {column.column: column.becomes for column in found.proposal}
    assert becomes["people.sex"] == ""
    assert becomes["people.metres"].startswith("transform: generalise, width: ")


def test_the_cost_of_a_lost_column_is_measured() -> None:
    """A label that hangs on one number cannot be told without it."""
    rng = np.random.default_rng(1)
    metres, other = rng.random(ROWS), rng.random(ROWS)
    before = pa.table({"metres": metres, "other": other})
    after = pa.table({"metres": np.zeros(ROWS), "other": other})
    label = pa.chunked_array([pa.array((metres > 0.5).astype(np.int8))])
    loss = measure_loss(before, after, label, "binary", 1)
    assert loss is not None
    assert (loss.metric, loss.before > 0.95, 0.4 < loss.after < 0.6) == ("ROC AUC", True, True)
    assert measure_loss(before.slice(0, 100), after.slice(0, 100), label.slice(0, 100), "binary", 1) is None


def test_rare_combinations_may_be_suppressed_instead() -> None:
    """Twelve people of two rare towns lose it, in place of all who have one."""
    table = pa.table({"town": ["x"] * 4 + ["y"] * 4 + ["z"] * 4 + ["Wien"] * 600 + ["Graz"] * 388})
    found = _assess(table)
    assert found.suppression == (
        "masking.tables.people.suppress: {columns: [town], k: 5}, which takes these columns from 1.20% of people"
    )
    assert [column.becomes for column in found.proposal] == ["transform: drop"]


def test_too_few_to_hide_among_each_other_are_not_suppressed() -> None:
    """Three people without a town would be known by that."""
    assert _assess(pa.table({"town": ["x"] * 3 + ["Wien"] * 997})).suppression == ""
