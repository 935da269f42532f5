"""Which way a change of the expectations goes.

What belongs here: what differs between two versions of the suites, and which settings of an expectation have an order. What does
not: running suites, and the masking policy and criteria (``masking_order``, ``loosening``).

Expectations are compared as sets, by type, columns and row condition: their order asks nothing. A change of anything that has no
order counts as a loosening; so does whatever cannot be matched, since the old expectation is gone.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tasks.records import PolicyChange
from tasks.signing.ordering import Goes, change, ordered

EXPECTATIONS = "expectations"
"""The name of the section that holds the suites, by path below the folder of the same name."""
Expectation = Mapping[str, Any]

_SUBJECT = ("column", "column_A", "column_B", "column_list", "row_condition", "condition_parser", "ignore_row_if")
"""What an expectation is about: with another one of these it is another expectation."""
_SEVERITIES = ("info", "warning", "critical")
_DEFAULTS = {"mostly": 1, "strict_min": False, "strict_max": False, "or_equal": False, "exact_match": True}
"""What Great Expectations takes where a suite says nothing."""
_FEWER_IS_STRICTER = (
    "expect_column_values_to_be_in_set",
    "expect_column_distinct_values_to_be_in_set",
    "expect_column_most_common_value_to_be_in_set",
)
_MORE_IS_STRICTER = ("expect_column_values_to_not_be_in_set", "expect_column_distinct_values_to_contain_set")
_NAMED = 3
_TOLD_AT_MOST = 120
"""Characters of an expectation's settings that a reader is told; all of them are in the suite."""


def suite_changes(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Iterator[PolicyChange]:
    """Each difference between two versions of the suites, {path below ``expectations/``: content}, and which way it goes.

    None stands for a version of before suites were signed.
    """
    if was is None or now is None:
        if was is not now:
            goes: Goes = "tightening" if was is None else "loosening"
            yield change(EXPECTATIONS, _told_section(was), _told_section(now), goes, "the suites as a part of what is signed")
        return
    for path in sorted({*was, *now}):
        where = f"{EXPECTATIONS}/{path}"
        if path not in now:
            yield change(where, _told_suite(was[path]), "not there", "loosening", "a suite was taken away")
        elif path not in was:
            yield change(where, "not there", _told_suite(now[path]), "tightening", "one more suite")
        elif was[path] != now[path]:
            yield from _changes_of(where, was[path], now[path])


def _changes_of(where: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[PolicyChange]:
    before, after = _grouped(was["expectations"]), _grouped(now["expectations"])
    found: list[PolicyChange] = []
    for place in sorted({*before, *after}):
        found += _pair(f"{where} {place}", before.get(place, []), after.get(place, []))
    yield from found
    if not found:
        yield change(where, "the words", "other words or order", "neutral", "the same expectations")


def _grouped(expectations: Sequence[Expectation]) -> dict[str, list[Expectation]]:
    """The expectations by what they are about, as a reader is told it."""
    found: dict[str, list[Expectation]] = {}
    for expectation in expectations:
        subject = [expectation["kwargs"][name] for name in _SUBJECT if name in expectation["kwargs"]]
        told = ", ".join(value if isinstance(value, str) else _canonical(value) for value in subject)
        found.setdefault(f"{expectation['type']}({told})", []).append(expectation)
    return found


def _pair(where: str, was: list[Expectation], now: list[Expectation]) -> Iterator[PolicyChange]:
    """The changes among expectations about one thing: those that ask the same are left out, and one is compared with one."""
    asked = [_canonical(_asks(each)) for each in was]
    gone, new = list(was), []
    for each in now:
        asks = _canonical(_asks(each))
        if asks in asked:
            del gone[asked.index(asks)]
            asked.remove(asks)
        else:
            new.append(each)
    if len(gone) == len(new) == 1:
        yield from _expectation_changes(where, _asks(gone[0]), _asks(new[0]))
        return
    for each in gone:
        yield change(where, _told(each), "not asked", "loosening", "an expectation was taken away")
    for each in new:
        yield change(where, "not asked", _told(each), "tightening", "one more expectation")


def _asks(expectation: Expectation) -> dict[str, Any]:
    """All that an expectation demands, what it does not say filled in; no words. Null for a default that holds turns it off."""
    said = {name: value for name, value in expectation["kwargs"].items() if value is not None or _DEFAULTS.get(name)}
    return {**_DEFAULTS, **said, "severity": expectation["severity"], "type": expectation["type"]}


def _expectation_changes(where: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[PolicyChange]:
    for name in sorted({*was, *now}):
        old, new, place = was.get(name), now.get(name), f"{where}.{name}"
        if _canonical(old) == _canonical(new):
            continue
        if name == "severity":
            is_more = _SEVERITIES.index(str(new)) > _SEVERITIES.index(str(old))
            yield change(place, old, new, "tightening" if is_more else "loosening", "what a failure of it does")
        elif name in ("value_set", "column_set") and isinstance(old, list) and isinstance(new, list):
            yield _set_change(place, str(was["type"]), old, new)
        else:
            yield ordered(place, old, new)


def _set_change(where: str, kind: str, was: list[Any], now: list[Any]) -> PolicyChange:
    """A set of values that may be there, must not, or must; of one that has to be met, and of none at all, nothing is stricter."""
    old, new = ({_canonical(value) for value in side} for side in (was, now))
    gone, come = sorted(old - new), sorted(new - old)
    is_fewer, is_more = bool(new and gone) and not come, bool(old and come) and not gone
    is_stricter = (kind in _FEWER_IS_STRICTER and is_fewer) or (kind in _MORE_IS_STRICTER and is_more)
    told = (_told_values(old, gone), _told_values(new, come))
    return change(where, *told, "tightening" if is_stricter else "loosening", "the set of values")


def _told_values(values: Collection[str], own: Sequence[str]) -> str:
    """How many values, and of those that the other side has not the first few."""
    if not own:
        return f"{len(values)} values"
    more = f" and {len(own) - _NAMED} more" if len(own) > _NAMED else ""
    return f"{len(values)} values, with {', '.join(own[:_NAMED])}{more}"


def _told(expectation: Expectation) -> str:
    settings = _canonical({name: value for name, value in expectation["kwargs"].items() if name not in _SUBJECT})
    told = settings if len(settings) <= _TOLD_AT_MOST else f"{settings[:_TOLD_AT_MOST]} ..."
    return f"{expectation['severity']} {told}"


def _told_suite(suite: Mapping[str, Any]) -> str:
    return f"{len(suite['expectations'])} expectations"


def _told_section(suites: Mapping[str, Any] | None) -> str:
    return "not signed" if suites is None else f"{len(suites)} suites signed"


def _canonical(value: Any) -> str:
    """Equal texts for equal JSON; 1, 1.0 and true are three things."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
