"""Which way a change of the masking policy goes.

What belongs here: the order of treatments, from kept as it is to dropped, and what else of the policy has an order. What does not:
criteria and signers (``loosening``).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from tasks.params.masking import MaskingParams
from tasks.records import PolicyChange
from tasks.signing.ordering import Goes, change, leaves, ordered

_DROPPED, _REPLACED, _CHANGED, _KEPT = 3, 2, 1, 0
"""Of a column: it does not leave; nothing of its values does; something of them does; they leave as they are."""
_RANKS = {"drop": _DROPPED, "redact": _REPLACED, "constant": _REPLACED, "keep": _KEPT}
_MULTIPLES = ("width", "step")
"""Settings of which a whole multiple is coarser."""
_NO_KEY = {"env": "-", "file": "-", "id": "-"}


def masking_changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[PolicyChange]:
    """Each difference between two masking policies (as signed: without key and engine), and which way it goes."""
    was, now = _filled(was), _filled(now)
    before, after = _treatments(was), _treatments(now)
    for column in sorted({*before, *after}):
        yield from _column_changes(column, before.get(column, {"transform": "drop"}), after.get(column, {"transform": "drop"}))
    tables = {*was.get("tables", {}), *now.get("tables", {})}
    for table in sorted(tables):
        yield from _table_changes(table, *(side.get("tables", {}).get(table, {}) for side in (was, now)))
    outer = [leaves({"masking": {k: v for k, v in side.items() if k not in ("tables", "domains")}}) for side in (was, now)]
    for where in sorted({*outer[0], *outer[1]}):
        old, new = outer[0].get(where), outer[1].get(where)
        if old == new:
            continue
        if where == "masking.limits.quasi" and set(old or ()) < set(new or ()):
            yield change(where, old, new, "tightening", "an attacker is taken to know more")
        else:
            yield ordered(where, old, new)


def _filled(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    """The policy with defaults filled in; what today's grammar does not know stays as it is."""
    try:
        found = MaskingParams.model_validate({**policy, "key": _NO_KEY}).model_dump(mode="json")
    except ValidationError:
        return policy
    return {name: value for name, value in found.items() if name not in ("key", "engine", "spark")}


def _treatments(policy: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """``table.column`` -> its rule; a token of a domain and a safe column are rules too. What is not there is dropped."""
    found = {
        reference: {"transform": "token", "domain": domain}
        for domain, references in policy.get("domains", {}).items()
        for reference in references
    }
    for name, table in policy.get("tables", {}).items():
        found |= {f"{name}.{column}": {"transform": "keep"} for column in table.get("safe", ())}
        found |= {f"{name}.{column}": dict(rule) for column, rule in table.get("columns", {}).items()}
    return found


def _column_changes(column: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[PolicyChange]:
    table, _, name = column.partition(".")
    where = f"masking.tables.{table}.columns.{name}"
    before, after = (_RANKS.get(rule["transform"], _CHANGED) for rule in (was, now))
    if before != after:
        goes: Goes = "tightening" if after > before else "loosening"
        yield change(where, was["transform"], now["transform"], goes, "how much of the column leaves")
    elif before in (_DROPPED, _KEPT):
        if was != now:
            yield change(where, was["transform"], now["transform"], "neutral", "other words for the same treatment")
    elif was["transform"] != now["transform"]:
        yield change(
            where, was["transform"], now["transform"], "loosening", "neither is the stricter one, so it counts as loosening"
        )
    else:
        for setting in sorted({*was, *now}):
            old, new = was.get(setting), now.get(setting)
            if old != new:
                yield _setting_change(f"{where}.{setting}", setting, old, new)


def _setting_change(where: str, setting: str, old: Any, new: Any) -> PolicyChange:
    if setting in _MULTIPLES and old and new and new % old == 0:
        return change(where, old, new, "tightening", "coarser: a whole multiple")
    return ordered(where, old, new)


def _table_changes(table: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[PolicyChange]:
    """A table's reason, its accepted findings and its suppression; columns are compared on their own."""
    where = f"masking.tables.{table}"
    if was.get("reason") != now.get("reason") and was and now:
        yield ordered(f"{where}.reason", was.get("reason"), now.get("reason"))
    accepted, accepts = was.get("accepted") or {}, now.get("accepted") or {}
    for column in sorted({*accepted, *accepts}):
        if accepted.get(column) != accepts.get(column):
            goes: Goes = "loosening" if column not in accepted else "tightening" if column not in accepts else "neutral"
            told = (accepted.get(column), accepts.get(column))
            yield change(f"{where}.accepted.{column}", *told, goes, "findings of personal data that may stay")
    rare, rarer = was.get("suppress"), now.get("suppress")
    if rare is None or rarer is None:
        if rare != rarer:
            yield change(f"{where}.suppress", rare, rarer, "tightening" if rare is None else "loosening", "rare combinations")
        return
    for name in sorted({*rare, *rarer}):
        if rare.get(name) != rarer.get(name):
            yield ordered(f"{where}.suppress.{name}", rare.get(name), rarer.get(name))
