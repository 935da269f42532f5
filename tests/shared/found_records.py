"""Records of what an evaluation finds beside its comparisons: slices that nobody declared, and drift."""

from typing import Any

from tasks.records import Comparison, Discovery, FeatureDrift, SuspectSlice


def make_search(*suspects: SuspectSlice, **changes: Any) -> Discovery:
    """A search that found ``suspects``."""
    asked = {"metric": "brier", "direction": "lower_is_better", "columns": ("tier",), "margin": 0.0, "min_rows": 20}
    return Discovery(**asked | {"searched": 40, "too_small": 3, "suspects": suspects} | changes)


def make_feature(name: str, psi: float | None, by_chance: float = 0.02, variance_ratio: float | None = None) -> FeatureDrift:
    """One feature's drift; where there is no ``psi``, for want of people."""
    known: dict[str, Any] = {"by_chance": by_chance, "reason": "", "variance_ratio": variance_ratio}
    known = known if psi is not None else {"by_chance": None, "reason": "fewer than 5 people"}
    return FeatureDrift(feature=name, bins=10, psi=psi, total_variation=psi, kolmogorov_smirnov=psi, **known)


class Judged:
    """What sums by block need to know of an evaluation."""

    def __init__(self, comparisons: tuple[Comparison, ...], task: str = "binary", suspect: str | None = None, **asked: Any) -> None:
        self.comparisons, self.task = comparisons, task
        self.folds_judged: None = None
        found = None if suspect is None else SuspectSlice(p_value=0.0, slice=suspect)
        self.discovery = None if found is None else make_search(found, searched=1, **asked)
