"""Utility certificates as the stage ``utility`` leaves them."""

from pathlib import Path
from typing import Any

from tasks.records import Agreement, ColumnDistance, Interval, RankCorrelation, UtilityReport


def utility_report(inputs: dict[str, str], outcome: str = "holds", **changes: Any) -> UtilityReport:
    """A certificate on ``inputs``; one that does not hold says why, with figures below the bounds."""
    value, same = {"holds": (0.98, 0.97), "fails": (0.1, 0.4), "cannot_tell": (0.9, 0.9)}[outcome]
    low = value - 0.05 if outcome == "holds" else value - 0.4
    found = Interval(low=low, high=min(1.0, value + 0.05), confidence=0.95)
    reasons = {
        "holds": (),
        "fails": ("rank correlation 0.10 (-0.30 to 0.15), at least 0.8 wanted",),
        "cannot_tell": ("too wide to tell: rank correlation 0.90 (0.50 to 0.95), at least 0.8 wanted",),
    }[outcome]
    distances = (
        ("birth_date", "generalise to=decade", "Wasserstein", 0.35, ""),
        ("email", "token", "frequency profile", None, "withheld: fewer than 5 values make it"),
    )
    fields: dict[str, Any] = {
        "outcome": outcome,
        "reasons": reasons,
        "metric": "roc_auc",
        "models": ("linear", "boosting", "forest", "tree"),
        "left_out": {"champion": "it is no recipe, and so cannot be fitted again on raw rows"},
        "taken_as_masked": {"passenger_local_share": "the value that it looks for is one of masked rows alone"},
        "fitted_rows": 10_000,
        "judged_rows": 10_000,
        "clusters": 60,
        "split": "by_time",
        "part": "test",
        "correlation": RankCorrelation(spearman=value, spearman_interval=found, kendall=value, kendall_interval=found),
        "agreement": Agreement(pairs=66, told_apart=43, same_order=same, decisions=86, rule="margin 0.005", same=same, reversed=0),
        "distances": tuple(
            ColumnDistance(
                table="bookings",
                column=column,
                treatment=treatment,
                measure=measure,
                distance=distance,
                nulls_before=0.0,
                nulls_after=0.0,
                reason=reason,
            )
            for column, treatment, measure, distance, reason in distances
        ),
        "bounds": {"min_rank_correlation": 0.8, "min_agreement": 0.8},
        "inputs": inputs,
        "statement": "This certificate is of these rows, features and models alone.",
    }
    return UtilityReport(**(fields | changes))


def write_utility(root: Path, inputs: dict[str, str], outcome: str = "holds", **changes: Any) -> None:
    """``data/utility/utility.json`` below ``root``."""
    path = root / "data/utility/utility.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(utility_report(inputs, outcome, **changes).to_json())
