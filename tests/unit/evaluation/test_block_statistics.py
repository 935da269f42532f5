"""What a page is given beside plain sums: counts of classes and decisions, and variances; none is of fewer than k people."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from found_records import Judged
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.evaluation import compare, summarise_blocks
from tasks.evaluation.confusions import OF_CLASSES, alike_pairs, pair_table, pairs_of
from tasks.evaluation.disclosing import withhold_crossing
from tasks.evaluation.formulas import why_unsummed
from tasks.evaluation.multiclass import METRICS, metric_of_class
from tasks.evaluation.sample import Sample
from tasks.params.judging import EvaluationParams
from tasks.records import BlockEvidence

SEED, K = 5, 5
CLASSES = ("a", "b", "c")
SEARCH = {"columns": ("tier",), "metric": "accuracy", "min_rows": 10}


def _sample(rows: int = 300) -> Sample:
    random = np.random.default_rng(2)
    return Sample(random.integers(0, 3, rows).astype(np.float64), random.dirichlet((1, 1, 1), rows))


def _evidence(
    rows: pa.Table, method: str, *, cluster: str = "row", columns: tuple[str | None, ...] = (None,), suspect: str = ""
) -> BlockEvidence:
    """Where ``suspect`` is given, the search named this slice of ``discover_tier``."""
    metric = {"mcnemar": "accuracy", "delong": "roc_auc"}[method]
    interval = {"method": "cluster_bootstrap", "cluster": cluster, "replicates": 100, "confidence": 0.9}
    slices = [name.removeprefix("slice_") for name in rows.column_names if name.startswith("slice_")]
    told = {"split": "s", "part": "test", "metrics": (metric,), "slices": slices, "interval": interval}
    if suspect:
        told["discover"] = SEARCH
    params = EvaluationParams.model_validate(told)
    compared = withhold_crossing(rows, compare(rows, params, SEED), slices, K, has_folds=False)
    judged = Judged(compared, suspect=suspect or None, **SEARCH, direction="higher_is_better")
    asked = {(metric, column) for column in columns}
    methods = {(method, column) for column in columns}
    return summarise_blocks(rows, params, judged, asked, classes=(), draws=1, k=K, methods=methods)  # type: ignore[arg-type]


def _decided(counts: tuple[int, int, int, int], columns: dict[str, list[str]]) -> pa.Table:
    """Rows that both models decide rightly, only the champion, only the challenger, neither: so many of each, half positive."""
    kind = np.repeat(np.arange(4), counts)
    label = np.arange(len(kind)) % 2
    told = {"label": label.astype(np.int8), "cluster": [str(place) for place in range(len(kind))]}
    for role, right in (("champion", (0, 1)), ("challenger", (0, 2))):
        told[f"{role}_score"] = np.where(np.isin(kind, right) == (label == 1), 0.9, 0.1)
    return pa.table(told | columns)


@pytest.mark.parametrize("name", [*OF_CLASSES, "precision[a]", "recall[b]", "f1[c]"])
def test_tables_sum_what_a_metric_is_made_of(name: str) -> None:
    """The page's formula of the columns' sums is the metric of the rows."""
    sample = _sample()
    metric = METRICS[name] if name in METRICS else metric_of_class(name, CLASSES)
    found = pair_table(name, CLASSES)
    assert found is not None
    formula, table = found
    sums = table[pairs_of(sample)].sum(axis=0)
    if formula == "mcc_of_classes":
        right, labels, hits = sums[0], sums[1:4], sums[4:]
        rows = labels.sum()
        made = (right * rows - labels @ hits) / np.sqrt((rows**2 - hits @ hits) * (rows**2 - labels @ labels))
    else:
        made = np.mean(sums[: len(sums) // 2] / sums[len(sums) // 2 :])
    assert metric.statistics is not None
    wanted = metric.value(np.asarray(metric.statistics(sample).sum(axis=0)).reshape(1, -1))[0]
    assert made == pytest.approx(wanted, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from([*OF_CLASSES, "precision[a]", "recall[b]", "f1[c]"]), min_size=1, max_size=4))
def test_cells_are_what_no_published_count_tells_apart(names: set[str]) -> None:
    """Every column of every metric that is asked is a union of whole cells, and no two cells count alike in all."""
    tables = [found[1] for name in sorted(names) if (found := pair_table(name, CLASSES)) is not None]
    cells, count = alike_pairs(tables, 3)
    joined = np.hstack(tables)
    for cell in range(count):
        assert len(np.unique(joined[cells == cell], axis=0)) == 1
    rising = joined[[np.flatnonzero(cells == cell)[0] for cell in range(count)]]
    assert all(not np.array_equal(one, other) for one, other in pairwise(rising))


@pytest.mark.parametrize(("counts", "is_told"), [((40, 7, 9, 8), True), ((40, 4, 9, 8), False), ((40, 0, 9, 8), True)])
def test_counts_of_decisions_are_of_k_people_or_nobody(counts: tuple[int, int, int, int], is_told: bool) -> None:
    """Four counts that make McNemar's interval, or none of them."""
    evidence = _evidence(_decided(counts, {}), "mcnemar")
    assert [figure.sums["both"][0].unpack().tolist() for figure in evidence.figures] == [list(counts)] * is_told


def test_one_person_decided_often_counts_once() -> None:
    """Seven rows of one person are of one."""
    counts = (40, 7, 9, 8)
    people = [str(place) for place in range(40)] + ["x"] * 7 + [f"y{place}" for place in range(17)]
    rows = _decided(counts, {"person": people})
    assert not _evidence(rows, "mcnemar").figures


def test_what_slices_leave_of_the_whole_is_told_of_nobody_either() -> None:
    """A slice in which only the champion is right about three rows is left out, and so is the other, which would give them away."""
    counts = (40, 13, 20, 20)
    kinds = np.repeat(np.arange(4), counts)
    within = np.concatenate([np.arange(count) for count in counts])
    origin = np.where((kinds == 1) & (within < 3) | (kinds != 1) & (within < 10), "A", "B").tolist()
    rows = _decided(counts, {"slice_origin": origin})
    assert {figure.slice for figure in _evidence(rows, "mcnemar", columns=(None, "origin")).figures} == {None}


def test_counts_of_columns_that_nest_are_of_one_of_them() -> None:
    """Values of two columns that differ by eight rows, of which only the challenger decides three rightly."""
    counts = (60, 20, 23, 20)
    kinds = np.repeat(np.arange(4), counts)
    within = np.concatenate([np.arange(count) for count in counts])
    origin = np.where(within < 10, "A", "B")
    moved = (kinds == 2) & (within >= 10) & (within < 13) | (kinds == 0) & (within >= 10) & (within < 15)
    zone = np.where(moved, "A", origin)
    rows = _decided(counts, {"slice_origin": origin.tolist(), "slice_zone": zone.tolist()})
    shown = {figure.slice for figure in _evidence(rows, "mcnemar", columns=(None, "origin", "zone")).figures}
    assert shown == {None, "origin=A", "origin=B"}


@pytest.mark.parametrize(("others", "is_told"), [(3, False), (20, True)])
def test_counts_beside_a_slice_that_was_found_leave_nobody_alone(others: int, is_told: bool) -> None:
    """The search named all rows that only the challenger decides rightly, and some more: beside their count the others are told."""
    counts = (60, 20, 23, 20)
    kinds = np.repeat(np.arange(4), counts)
    within = np.concatenate([np.arange(count) for count in counts])
    tier = np.where((kinds == 2) | (kinds == 0) & (within < others), "x", "y").tolist()
    rows = _decided(counts, {"discover_tier": tier})
    assert bool(_evidence(rows, "mcnemar", suspect="tier=x").figures) == is_told
    assert _evidence(rows, "mcnemar").figures


def test_a_slice_that_was_found_and_may_not_be_told_leaves_no_counts() -> None:
    """A search of another release named a slice of two people: nothing is added to it."""
    counts = (60, 20, 23, 20)
    rows = _decided(
        counts, {"discover_tier": ["x"] * 10 + ["y"] * 113, "person": ["a"] * 5 + ["b"] * 5 + [str(n) for n in range(113)]}
    )
    assert _evidence(rows, "mcnemar").figures
    assert not _evidence(rows, "mcnemar", suspect="tier=x").figures


def test_pairs_won_in_all_are_there_where_a_variance_is_asked() -> None:
    """For DeLong's interval of days, and not for replicates."""
    random = np.random.default_rng(4)
    truth = random.normal(size=1200)
    rows = pa.table(
        {
            "label": (truth + random.normal(size=1200) > 0).astype(np.int8),
            "cluster": [f"day{place % 20:02d}" for place in range(1200)],
            "challenger_score": 1 / (1 + np.exp(-truth)),
        }
    )
    (figure,) = _evidence(rows, "delong", cluster="day").figures
    pairs = np.zeros((20, 20))
    pairs[np.triu_indices(20)] = figure.pairs["challenger"][0].unpack()
    assert figure.wins["challenger"][0].unpack().sum() == pairs.sum()
    (single,) = _evidence(rows, "delong").figures
    assert (single.formula, single.members, single.wins, len(single.numbers)) == ("area_variances", (1,), {}, 1)


@pytest.mark.parametrize(
    ("name", "task", "own", "why"),
    [
        ("pr_auc", "binary", {}, "a ratio at every score"),
        ("median_ae", "regression", {}, "a median is a place"),
        ("profit", "binary", {"profit": 1}, "the project's own code"),
        ("accuracy", "multiclass", {}, "more classes than"),
    ],
)
def test_each_metric_without_sums_has_its_reason(name: str, task: str, own: dict[str, object], why: str) -> None:
    """What a reader is told in place of a figure."""
    assert why in why_unsummed(name, task, own)  # type: ignore[arg-type]
