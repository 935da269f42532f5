"""The parameters of a new project, from roles, classes and figures.

What belongs here: params.yaml as plain values, section by section. What does not: guessing (``roles``, ``classes``), and
writing it down (``files``). Strategies that need what the table lacks are left out, and named.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.detection import snake_case
from tasks.params.features import RESERVED
from tasks.projects.joins import Join
from tasks.projects.judgement import Contrast, propose_judgement
from tasks.projects.ladders import varies
from tasks.projects.policy import Policy
from tasks.projects.profile import ColumnProfile
from tasks.projects.roles import FILE_TIME, ROW, Roles

_PARTS = {"train": 0.7, "validation": 0.15, "test": 0.15}
_FEW_ROWS = 2000
_FEATURES_AT_MOST = 500
_MOST_JOINED = 100
"""Distinct values above which a column that joins is none of categories too."""
_MOST_SLICES = 2
_MOST_SLICE_VALUES = 8
_FEWEST_SLICE_ROWS = 400
"""Rows per value of a slice below which its part of the test rows would tell nothing."""


@dataclass(frozen=True)
class Findings:
    """All that is known of the table when its project is proposed."""

    table: str
    profiles: Mapping[str, ColumnProfile]
    roles: Roles
    policy: Policy
    excluded: Mapping[str, str]
    """Columns that are no features, and why: they give the label away, or are known only after."""
    contrast: Contrast
    boundaries: tuple[str, str] | None = None
    """The days at whose start train and validation end; None where there is no time, or too few days."""
    days: int = 0
    joins: tuple[Join, ...] = ()
    """The other tables that rows look something up in."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """How the table's files are read, beside its columns: path, format, csv, types."""


@dataclass(frozen=True)
class Setting:
    """What the user, the clock and the machine decide."""

    lake: str
    name: str
    as_of_utc: datetime
    key_file: str
    s3: Mapping[str, str] = field(default_factory=dict)
    k: int = 5
    """The fewest people that may share what is known of one."""


@dataclass(frozen=True)
class Proposal:
    """params.yaml as plain values, and what was left out with the reason."""

    params: dict[str, Any]
    features: dict[str, dict[str, Any]]
    left_out: tuple[str, ...]


def propose_project(findings: Findings, setting: Setting) -> Proposal:
    """The parameters of a project on one table."""
    features, without = _features(findings)
    splits, left_out = _splits(findings)
    slices = _slices(findings)
    split = next(iter(splits))
    judged = propose_judgement(findings.roles, findings.contrast, split=split, slices=slices, days=findings.days)
    params = {
        "schema_version": 1,
        "seed": 1,
        "snapshot": _snapshot(findings, setting),
        "masking": _masking(findings, setting),
        "label": _label(findings),
        "splits": splits,
        "features": {"rows": findings.table, "at": {"column": findings.roles.time, "minus_minutes": 0}, "columns": features},
        "models": _models(findings, split),
        **judged,
        "refresh": {"cron": "0 3 * * *", "keep": 14, "push": False},
    }
    return Proposal(params, features, (*without, *left_out))


def _snapshot(findings: Findings, setting: Setting) -> dict[str, Any]:
    roles = findings.roles
    columns = list(findings.profiles)
    late = [name for name in columns if name == roles.label or name in findings.excluded]
    source = dict(findings.source)
    if "types" in source:
        source["types"] = {column: kind for column, kind in source["types"].items() if column in findings.profiles}
    table = {"key": list(roles.key), "time": roles.time, "known": roles.known, "columns": columns, "late": late, **source}
    s3 = {"s3": dict(setting.s3)} if setting.s3 else {}
    return {
        "lake": setting.lake,
        **s3,
        "as_of_utc": setting.as_of_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "purpose": f"rehearse models of {roles.label}",
        "tables": {findings.table: table, **{join.table: join.snapshot() for join in findings.joins}},
    }


def _masking(findings: Findings, setting: Setting) -> dict[str, Any]:
    policies = {findings.table: findings.policy, **{join.table: join.policy for join in findings.joins}}
    domains: dict[str, list[str]] = {}
    for name, policy in policies.items():
        for column, domain in policy.domains.items():
            domains.setdefault(domain, []).append(f"{name}.{column}")
    key = {"env": "WINDTUNNEL_MASKING_KEY", "file": setting.key_file, "id": f"{setting.name}-1"}
    tables = {name: _table_masking(policy) for name, policy in policies.items()}
    limits: dict[str, Any] = {"k": setting.k}
    if findings.roles.entity in findings.policy.domains:
        limits["person"] = findings.policy.domains[findings.roles.entity]
    # What the search could keep as it is counts all the same.
    quasi = [f"{name}.{column}" for name, policy in policies.items() for column in policy.kept_quasi]
    limits |= {"quasi": quasi} if quasi else {}
    utility = {"rows": 10_000, "min_rank_correlation": 0.8, "min_agreement": 0.8}
    return {"key": key, "domains": domains, "tables": tables, "limits": limits, "utility": utility}


def _table_masking(policy: Policy) -> dict[str, Any]:
    reason = "proposed by windtunnel init; the classes and their evidence are in README.md"
    table: dict[str, Any] = {"safe": list(policy.safe), "reason": reason}
    # A column may be called like a key of the policy itself.
    return table | ({"columns": policy.rules} if {"safe", "reason", "columns"} & set(policy.rules) else policy.rules)


def _label(findings: Findings) -> dict[str, Any]:
    roles = findings.roles
    label: dict[str, Any] = {"table": findings.table, "column": roles.label, "known": roles.known, "task": roles.task}
    return label | ({"positive": roles.positive} if roles.task == "binary" else {})


def _features(findings: Findings) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The features by name, and a sentence for each column that is none and has no role."""
    roles, policy = findings.roles, findings.policy
    has_role = roles.by_column()
    found: dict[str, dict[str, Any]] = {}
    without: list[str] = []
    beyond: list[str] = []
    joined = {join.by for join in findings.joins}
    for name, profile in findings.profiles.items():
        if name in has_role or name in policy.dropped or name in findings.excluded:
            continue
        if name in joined and profile.distinct > _MOST_JOINED:
            without.append(f"{name} is no feature: it finds rows of another table, and has {profile.distinct_words} values")
            continue
        if profile.distinct < 2:
            without.append(f"{name} is no feature: one value only")
        elif profile.is_date and name not in policy.rules:
            without.append(f"{name} is no feature: a time as such")
        elif profile.is_date and not varies(profile, policy.rules[name]):
            without.append(f"{name} is no feature: one value only after masking")
        elif len(found) < _FEATURES_AT_MOST:
            found[_feature_name(name, found)] = {"take": f"{findings.table}.{name}"}
        else:
            beyond.append(name)
    for join in findings.joins:
        found |= {name: feature for name, feature in join.features().items() if name not in found}
    if beyond:
        without.append(f"{len(beyond):,} columns from {beyond[0]} on are no features: {_FEATURES_AT_MOST} are proposed at most")
    if roles.has_time:
        parts = ["weekday", "month"] if findings.profiles[roles.time].kind == "date" else ["hour", "weekday", "month"]
        for part in parts:
            found[_feature_name(part, found)] = {"part": part, "of": f"{findings.table}.{roles.time}"}
    return found, without


def _feature_name(column: str, taken: Mapping[str, object]) -> str:
    plain = snake_case(column)
    base = plain if plain[:1].isalpha() and plain not in RESERVED else f"f_{plain}"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _splits(findings: Findings) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The splits that the table allows, the one to judge on first, and what was left out."""
    roles = findings.roles
    splits: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    if findings.boundaries:
        train, validation = findings.boundaries
        why = "mirrors a release, which is judged on days after its training"
        boundaries = {"train": train, "validation": validation}
        splits["by_time"] = {"kind": "time", "column": roles.time, "boundaries": boundaries, "why": why}
    else:
        why = "its rows lie on too few days" if roles.has_time else "no column says when a row happened"
        left_out.append(f"no split by time: {why}")
    if roles.entity:
        why = f"no {roles.entity} stands in two parts"
        splits["by_entity"] = {"kind": "keyed_hash", "unit": roles.entity, "salt": "v1", "parts": dict(_PARTS), "why": why}
    else:
        left_out.append("no split by entity: no column names something that recurs")
    if not splits:
        splits["by_row"] = _by_row(findings)
    return splits, left_out


def _by_row(findings: Findings) -> dict[str, Any]:
    roles = findings.roles
    label = findings.profiles[roles.label]
    if roles.task != "regression" and (label.is_text or label.is_integer or label.kind == "bool"):
        why = "rows are independent; each class has its share in each part"
        return {"kind": "stratified", "by": roles.label, "salt": "v1", "parts": dict(_PARTS), "why": why}
    why = "rows are independent; growth moves none that was there"
    return {"kind": "keyed_hash", "unit": roles.key[0], "salt": "v1", "parts": dict(_PARTS), "why": why}


def _slices(findings: Findings) -> tuple[str, ...]:
    """Columns by whose few values the challenger is judged too: people's groups first."""
    roles, policy = findings.roles, findings.policy

    def is_slice(name: str) -> bool:
        profile = findings.profiles[name]
        fits = 2 <= profile.distinct <= _MOST_SLICE_VALUES and (profile.is_text or profile.is_integer or profile.kind == "bool")
        is_plain = name in policy.safe and name not in roles.by_column() and name not in findings.excluded
        is_even = profile.rows >= profile.distinct * _FEWEST_SLICE_ROWS and profile.second >= _FEWEST_SLICE_ROWS
        return fits and is_plain and is_even

    people = [name for name in findings.profiles if is_slice(name) and snake_case(name) in ("sex", "gender", "race", "ethnicity")]
    others = [name for name in findings.profiles if is_slice(name) and name not in people]
    return tuple((*people, *others)[:_MOST_SLICES])


def _models(findings: Findings, split: str) -> dict[str, Any]:
    roles = findings.roles
    challenger = {**_estimator(findings), "split": split, "part": "train"}
    if not roles.score:
        return {"challenger": challenger}
    champion = {"scores": f"{findings.table}.{roles.score}"}
    if roles.version:
        champion["version"] = f"{findings.table}.{roles.version}"
    return {"champion": champion, "challenger": challenger}


def _estimator(findings: Findings) -> dict[str, Any]:
    """An honest first challenger: boosting where there are rows to learn from, else a linear model."""
    is_small = findings.contrast.rows < _FEW_ROWS
    if findings.roles.task == "regression":
        if is_small:
            return {"estimator": "sklearn.linear_model.Ridge", "parameters": {"alpha": 1.0}}
        return {
            "estimator": "sklearn.ensemble.HistGradientBoostingRegressor",
            "parameters": {"max_iter": 200, "learning_rate": 0.06},
        }
    if is_small:
        return {"estimator": "sklearn.linear_model.LogisticRegression", "parameters": {"max_iter": 1000}}
    rounds = max(30, math.ceil(200 / max(1, findings.contrast.classes - 1)))
    return {
        "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
        "parameters": {"max_iter": rounds, "learning_rate": 0.06},
    }


def needed_columns(roles: Roles) -> Sequence[str]:
    """Columns that no file holds and the project needs all the same."""
    return [name for name in dict.fromkeys([*roles.key, roles.time, roles.known]) if name in (ROW, FILE_TIME)]
