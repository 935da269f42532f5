"""Sums by block: they make the very replicates of the comparison, and none is of fewer than k people."""

import numpy as np
import pyarrow as pa
import pytest
from found_records import Judged
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.evaluation import blocks as module
from tasks.evaluation import compare, summarise_blocks
from tasks.evaluation.bootstrap import cluster_weights, percentile_interval
from tasks.params.judging import EvaluationParams
from tasks.records import BlockEvidence, BlockFigure, Evaluation, PackedNumbers

SEED, K = 41, 5


def _params(metrics: tuple[str, ...], cluster: str = "day") -> EvaluationParams:
    interval = {"method": "cluster_bootstrap", "cluster": cluster, "replicates": 200, "confidence": 0.9}
    told = {"split": "s", "part": "test", "metrics": metrics, "slices": ("origin",), "interval": interval}
    return EvaluationParams.model_validate(told)


def _rows(days: int = 20, per_day: int = 60, *, shares: tuple[float, ...] = (0.6, 0.4), weighted: bool = False) -> pa.Table:
    random = np.random.default_rng(3)
    count = days * per_day
    truth = random.normal(size=count)
    columns = {
        "label": (truth + random.normal(size=count) > 0).astype(np.int8),
        "cluster": [f"day{place % days:03d}" for place in range(count)],
        "slice_origin": random.choice(["A", "B", "C"][: len(shares)], count, p=shares),
        "champion_score": 1 / (1 + np.exp(-truth - random.normal(size=count))).round(2),
        "challenger_score": 1 / (1 + np.exp(-truth)),
    }
    return pa.table(columns | ({"weight": random.uniform(0.5, 2, count)} if weighted else {}))


def _blocks(rows: pa.Table, *asked: tuple[str, str | None], cluster: str = "day", k: int = K) -> tuple[BlockEvidence, Judged]:
    params = _params(tuple(dict.fromkeys(metric for metric, _ in asked)), cluster)
    judged = Judged(compare(rows, params, SEED), "binary")
    told: Evaluation = judged  # type: ignore[assignment]
    return summarise_blocks(rows, params, told, set(asked), classes=(), draws=1, k=k), judged


def _area(figure: BlockFigure, role: str, weights: np.ndarray) -> np.ndarray:
    """The area under each weighting, as a page makes it from the sums alone."""
    size = len(figure.members)
    counts = figure.sums[role][0].unpack().reshape(size, 2)
    pairs = np.zeros((size, size))
    pairs[np.triu_indices(size)] = figure.pairs[role][0].unpack()
    won = ((weights @ pairs) * weights).sum(axis=1) / 2
    return won / ((weights @ counts[:, 0]) * (weights @ counts[:, 1]))


@pytest.mark.parametrize("weighted", [False, True])
def test_area_blocks_make_the_same_interval(weighted: bool) -> None:
    """All replicates of the difference again, to the last digits, of weighted rows too."""
    evidence, judged = _blocks(_rows(weighted=weighted), ("roc_auc", None))
    (figure,) = evidence.figures
    assert set(figure.members) == {1}
    weights = np.concatenate(list(cluster_weights(figure.clusters, 200, SEED)))
    interval, _ = percentile_interval(_area(figure, "challenger", weights) - _area(figure, "champion", weights), 0.9)
    assert interval is not None
    wanted = judged.comparisons[0].delta_interval
    assert wanted is not None
    assert (interval.low, interval.high) == pytest.approx((wanted.low, wanted.high), rel=1e-10)


@settings(max_examples=20, deadline=None)
@given(st.integers(12, 60), st.integers(2, 12), st.sampled_from([(0.6, 0.4), (0.55, 0.4, 0.05)]))
def test_no_sum_is_of_fewer_than_k_people(per_day: int, k: int, shares: tuple[float, ...]) -> None:
    """Neither a class of a block, nor what is left of the whole when the published slices are taken off."""
    evidence, _ = _blocks(_rows(per_day=per_day, shares=shares), ("roc_auc", None), ("roc_auc", "origin"), k=k)
    by_slice = {figure.slice: figure.sums["challenger"][0].unpack().reshape(-1, 2) for figure in evidence.figures}
    for counts in by_slice.values():
        assert not ((counts > 0) & (counts < k)).any()
    slices = [figure for figure in evidence.figures if figure.slice is not None]
    overall = next((figure for figure in evidence.figures if figure.slice is None), None)
    if slices and overall is not None and set(overall.members) == {1}:
        starts = np.cumsum(slices[0].members) - slices[0].members
        left = np.add.reduceat(by_slice[None], starts, axis=0) - sum(by_slice[figure.slice] for figure in slices)
        assert not ((left > 0) & (left < k)).any()


def test_slices_of_a_column_are_merged_alike() -> None:
    """A slice that stayed finer than another would give its small blocks away."""
    rows = _rows(per_day=40)
    evidence, _ = _blocks(rows, ("roc_auc", "origin"), k=5)
    assert {len(set(figure.members)) > 1 for figure in evidence.figures} == {True}
    assert len({figure.members for figure in evidence.figures}) == 1
    assert {sum(figure.members) for figure in evidence.figures} == {20}


@pytest.mark.parametrize(
    "asked",
    [
        (("recall@0.4", None), ("recall", None)),
        (("recall@0.4", None), ("recall", "origin")),
        (("recall", None), ("recall@0.4", "origin")),
    ],
)
def test_rows_between_two_thresholds_are_of_k_people_in_whichever_column(asked: tuple[tuple[str, str | None], ...]) -> None:
    """One positive a day lies between the thresholds: the whole at one less its slices at the other would be that row."""
    rows = _with_one_positive_a_day_at(0.45)
    assert not _blocks(rows, *asked)[0].figures
    alone = [_blocks(rows, one)[0].figures for one in asked]
    assert all(alone)


def _with_one_positive_a_day_at(score: float) -> pa.Table:
    """Days of 60 rows, far from any threshold but for the first of each day."""
    place = np.arange(20 * 60)
    within, first = place // 20, place < 20
    label = (within % 4 < 2) | first
    scores = np.where(first, score, np.where(within % 2 == 0, 0.9, 0.1))
    return pa.table(
        {
            "label": label.astype(np.int8),
            "cluster": [f"day{day:03d}" for day in place % 20],
            "slice_origin": np.where(within < 28, "A", "B"),
            "champion_score": scores,
            "challenger_score": scores,
        }
    )


def test_one_person_counts_once() -> None:
    """Sixty rows a day of one person each are of one person, however many they are."""
    rows = _rows()
    same = rows.append_column("person", rows.column("cluster"))
    assert not _blocks(same, ("brier", None))[0].figures
    assert _blocks(rows, ("brier", None))[0].figures


@pytest.mark.parametrize(
    ("rows", "asked", "cluster", "why"),
    [
        (_rows(), ("roc_auc", None), "row", "each row is a cluster of its own"),
        (_rows(days=9), ("roc_auc", None), "day", "9 clusters are too few"),
        (_rows(), ("pr_auc", None), "day", "a ratio at every score"),
        (_rows(per_day=8), ("roc_auc", None), "day", "fewer than 5 people"),
    ],
)
def test_what_is_not_published_is_named(rows: pa.Table, asked: tuple[str, str | None], cluster: str, why: str) -> None:
    """With the reason, so that a page can say what it cannot judge."""
    evidence, _ = _blocks(rows, asked, cluster=cluster)
    assert not evidence.figures
    assert why in evidence.unpublished[0].reason


def test_withheld_slices_stay_withheld() -> None:
    """A slice without figures has no blocks either."""
    rows = _rows()
    params = _params(("brier",))
    hidden = tuple(found.model_copy(update={"is_withheld": found.slice_value == "A"}) for found in compare(rows, params, SEED))
    told: Evaluation = Judged(hidden, "binary")  # type: ignore[assignment]
    evidence = summarise_blocks(rows, params, told, {("brier", "origin")}, classes=(), draws=1, k=K)
    assert "origin=A" not in {figure.slice for figure in evidence.figures}
    assert {left.slice: left.reason for left in evidence.unpublished}["origin=A"].startswith("its figures are withheld")


def _beside(rows: pa.Table, columns: tuple[str, ...], suspect: str | None = None) -> BlockEvidence:
    """Sums by day of all rows and of ``columns``, where the search named the slice ``suspect``."""
    interval = {"method": "cluster_bootstrap", "cluster": "day", "replicates": 200, "confidence": 0.9}
    search = {"columns": ("tier",), "metric": "brier", "min_rows": 20}
    told = {"split": "s", "part": "test", "metrics": ("brier",), "slices": columns, "interval": interval, "discover": search}
    params = EvaluationParams.model_validate(told)
    judged = Judged(compare(rows, params, SEED), suspect=suspect, **search)
    asked = {("brier", None), *(("brier", column) for column in columns)}
    return summarise_blocks(rows, params, judged, asked, classes=(), draws=1, k=K)  # type: ignore[arg-type]


def test_sums_by_day_beside_a_slice_that_was_found_leave_nobody_alone() -> None:
    """Ten whole days and a row of the eleventh: with sums by day this row would be told. Half of each day tells of none."""
    rows, place = _rows(), np.arange(20 * 60)
    odd = rows.append_column("discover_tier", [np.where((place % 20 < 10) | (place == 10), "x", "y")])
    even = rows.append_column("discover_tier", [np.where(place % 40 < 20, "x", "y")])
    assert {figure.slice for figure in _beside(even, (), "tier=x").figures} == {None}
    left = _beside(odd, (), "tier=x")
    assert not left.figures
    assert "beside other figures its blocks would give away" in left.unpublished[0].reason


def test_sums_by_day_of_columns_that_nest_are_of_one_of_them() -> None:
    """On each day the second column lacks three rows of the first's value: their sums differ by the three."""
    rows, within = _rows(), np.arange(20 * 60) // 20
    nested = rows.set_column(rows.column_names.index("slice_origin"), "slice_origin", [np.where(within < 30, "A", "B")])
    nested = nested.append_column("slice_zone", [np.where(within < 27, "C", np.where(within < 33, "D", "E"))])
    assert {figure.slice for figure in _beside(nested, ("origin", "zone")).figures} == {None, "origin=A", "origin=B"}
    assert {figure.slice for figure in _beside(nested, ("zone",)).figures} == {None, "zone=C", "zone=D", "zone=E"}


def test_what_would_make_the_page_large_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows come first; what no longer fits is named."""
    monkeypatch.setattr(module, "MOST_BYTES", 3_000)
    evidence, _ = _blocks(_rows(), ("brier", None), ("roc_auc", None))
    assert [figure.metric for figure in evidence.figures] == ["brier"]
    assert "larger by more than 3 kB" in evidence.unpublished[0].reason


@given(st.lists(st.one_of(st.integers(-(2**31) + 1, 2**31 - 1), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_packing_loses_nothing(values: list[float]) -> None:
    """Whole numbers in 4 bytes, all others in 8."""
    numbers = np.array(values, np.float64)
    assert PackedNumbers.pack(numbers).unpack().tolist() == numbers.tolist()
