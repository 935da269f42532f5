"""Expectation suites of a new project, drafted from what the data shows, with slack for what it may show tomorrow.

What belongs here: suites in Great Expectations' JSON, for each dataset of the pipeline. What does not: running them
(``tasks.validation``). A suite is committed and read by many: values stand in it only of columns that masking keeps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from tasks.projects.policy import Policy
from tasks.projects.profile import ColumnProfile
from tasks.projects.roles import Roles

_TOKEN = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"  # noqa: S105 - the form of a token
_ONLY_TOKENS = "only tokens may leave the restricted zone; anything else is a value that was not masked"
_NEEDED = "the row is of no use without it"
_SEEN = "as the data showed when the project was made; mend it when the world changes"
_FEW_VALUES = 12
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

Suite = dict[str, Any]


def _expect(kind: str, why: str, *, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity, "meta": {"why": why}}


def _suite(name: str, about: str, expectations: Sequence[dict[str, Any]]) -> Suite:
    return {"name": name, "expectations": list(expectations), "meta": {"about": about}}


@dataclass(frozen=True)
class Known:
    """What suites are drafted from; ``values`` holds the distinct values of columns of few, where masking keeps them."""

    table: str
    profiles: Mapping[str, ColumnProfile]
    key: Sequence[str]
    times: Sequence[str]
    """The columns that say when a row happened and when it became known."""
    policy: Policy
    values: Mapping[str, Sequence[Any]]

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns without which a row is of no use."""
        return (*self.key, *self.times)


def draft_suites(
    known: Known, roles: Roles, features: Mapping[str, Mapping[str, Any]], others: Sequence[Known] = ()
) -> dict[str, Suite]:
    """Path below ``expectations/`` -> suite; ``others`` are the tables that rows of ``known`` look something up in."""
    tables = (known, *others)
    return {
        **{f"raw/{table.table}.json": _raw(table) for table in tables},
        **{f"masked/{table.table}.json": _masked(table) for table in tables},
        "splits/assignments.json": _assignments(),
        "features/features.json": _features(known, roles, features),
        "predictions/predictions.json": _predictions(roles),
    }


def few_values(profile: ColumnProfile, policy: Policy) -> bool:
    """Whether a suite may list the column's values: few, and kept by masking anyway."""
    return profile.name in policy.safe and 0 < profile.distinct <= _FEW_VALUES and (profile.is_text or profile.is_integer)


def _rows() -> dict[str, Any]:
    return _expect("table_row_count_to_be_between", "a month without rows was not delivered", min_value=1)


def _columns(names: Sequence[str], why: str) -> dict[str, Any]:
    return _expect("table_columns_to_match_set", why, column_set=list(names), exact_match=True)


def _filled(name: str, profile: ColumnProfile | None, is_needed: bool) -> list[dict[str, Any]]:
    if is_needed:
        return [_expect("column_values_to_not_be_null", _NEEDED, column=name)]
    if profile is None or not profile.rows:
        return []
    share = profile.filled / profile.rows
    if share < 0.5:
        return []
    return [
        _expect(
            "column_values_to_not_be_null",
            _SEEN,
            severity="warning",
            column=name,
            mostly=0.99 if share == 1 else round(share * 0.8, 2),
        )
    ]


def _raw(known: Known) -> Suite:
    found = [_rows(), _columns(list(known.profiles), "declared columns only"), *_unique(known.key)]
    for name, profile in known.profiles.items():
        found += _filled(name, profile, name in known.needed)
        found += _values(name, known)
    about = "Raw snapshot: what the pipeline may rely on in the lake. Counts only; no value enters a result."
    return _suite(f"raw.{known.table}", about, found)


def _masked(known: Known) -> Suite:
    policy = known.policy
    kept = [name for name in known.profiles if name not in policy.dropped]
    found = [_rows(), _columns(kept, "no column that the policy does not keep"), *_unique(known.key)]
    for name in kept:
        found += _filled(name, None, name in known.needed)
        if name in policy.domains or policy.rules.get(name, {}).get("transform") == "token":
            found.append(_expect("column_values_to_match_regex", _ONLY_TOKENS, column=name, regex=_TOKEN))
        elif name in policy.safe:
            found += _values(name, known)
            if known.profiles[name].is_text:
                why = "an at sign is an e-mail address that got past masking"
                found.append(_expect("column_values_to_not_match_regex", why, column=name, regex="@"))
    about = "Masked table: what may leave the restricted zone, and that nothing else does."
    return _suite(f"masked.{known.table}", about, found)


def _unique(key: Sequence[str]) -> list[dict[str, Any]]:
    why = "each key once: a key that stands twice multiplies rows in joins"
    if len(key) == 1:
        return [_expect("column_values_to_be_unique", why, column=key[0])]
    return [_expect("compound_columns_to_be_unique", why, column_list=list(key))]


def _values(name: str, known: Known) -> list[dict[str, Any]]:
    """What a kept column's values may be: a set where they are few, a range with slack where they are numbers or times."""
    profile = known.profiles[name]
    if name not in known.policy.safe:
        return []
    if name in known.values:
        return [_expect("column_values_to_be_in_set", _SEEN, severity="warning", column=name, value_set=list(known.values[name]))]
    if profile.low is None or profile.high is None:
        return []
    if profile.is_time:
        why = "a time outside these years is a wrong unit, a wrong zone or a filler"
        low, high = _year(profile.low, -2), _year(profile.high, 20)
        return [_expect("column_values_to_be_between", why, column=name, min_value=low, max_value=high)]
    if not profile.is_number:
        return []
    slack = profile.high - profile.low or abs(profile.high) or 1.0
    lowest = _plain(0.0 if profile.low >= 0 else profile.low - slack, profile)
    highest = _plain(profile.high + slack, profile)
    return [_expect("column_values_to_be_between", _SEEN, severity="warning", column=name, min_value=lowest, max_value=highest)]


def _plain(value: float, profile: ColumnProfile) -> float:
    return int(value) if profile.is_integer else float(f"{value:.4g}")


def _year(microseconds: float, years: int) -> str:
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return f"{min(max(moment.year + years, 1700), 2250)}-01-01T00:00:00Z"


def _assignments() -> Suite:
    parts = "parts that training and evaluation know"
    return _suite(
        "splits.assignments",
        "Assignments of each split: one masked row key, one part.",
        [
            _rows(),
            _columns(["row_key", "part"], "a split publishes row keys and parts, nothing else"),
            _expect("column_values_to_not_be_null", _NEEDED, column="row_key"),
            _expect("column_values_to_not_be_null", _NEEDED, column="part"),
            _expect("column_values_to_be_unique", "a row in two parts is a leak", column="row_key"),
            _expect("column_values_to_match_regex", _ONLY_TOKENS, column="row_key", regex=_TOKEN),
            _expect(
                "column_values_to_match_regex",
                parts,
                column="part",
                regex=r"^(?:train|validation|test|embargo|(?:r\d+_)?fold_\d+)$",
            ),
        ],
    )


def _features(known: Known, roles: Roles, features: Mapping[str, Mapping[str, Any]]) -> Suite:
    found = [
        _rows(),
        _expect("column_values_to_not_be_null", _NEEDED, column="row_key"),
        _expect("column_values_to_not_be_null", _NEEDED, column="at_utc"),
        _expect("column_values_to_be_unique", "one row per key, or it is judged twice", column="row_key"),
    ]
    if roles.task == "binary":
        found.append(_expect("column_values_to_be_in_set", "yes or no", column="label", value_set=[0, 1]))
    for name, feature in features.items():
        if "take" in feature:
            column = str(feature["take"]).partition(".")[2]
            if known.profiles[column].kind != "bool":
                found += [_named(expectation, name) for expectation in _values(column, known)]
        elif "part" in feature:
            low, high = {"hour": (0, 23), "weekday": (0, 6), "month": (1, 12)}[str(feature["part"])]
            found.append(_expect("column_values_to_be_between", "a part of a time", column=name, min_value=low, max_value=high))
    return _suite("features.features", "Features and label of each row, at the moment of its prediction.", found)


def _named(expectation: dict[str, Any], name: str) -> dict[str, Any]:
    return {**expectation, "kwargs": {**expectation["kwargs"], "column": name}}


def _predictions(roles: Roles) -> Suite:
    found = [
        _rows(),
        _expect("column_values_to_not_be_null", _NEEDED, column="row_key"),
        _expect("column_values_to_not_be_null", _NEEDED, column="label"),
        _expect("column_values_to_be_unique", "one row per key, or it counts twice", column="row_key"),
    ]
    if roles.task == "binary":
        found.append(_expect("column_values_to_be_in_set", "yes or no", column="label", value_set=[0, 1]))
    if roles.task in ("binary", "regression"):
        found.append(_expect("column_values_to_not_be_null", "each row is judged by it", column="challenger_score"))
    if roles.task == "binary":
        why = "a probability"
        found.append(_expect("column_values_to_be_between", why, column="challenger_score", min_value=0, max_value=1))
        if roles.score:
            found.append(_expect("column_values_to_be_between", why, column="champion_score", min_value=0, max_value=1))
    return _suite("predictions.predictions", "Stored predictions, on identical rows.", found)
