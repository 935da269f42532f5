"""The demo's suites: each passes on a table that conforms, and each expectation of each fails on a table that does not."""

import dataclasses
import json

import pandas as pd
import pytest
from validation_tables import CONFORMING, ROOT, mutate

from tasks.validation.engine import validate_table
from tasks.validation.frames import to_frame
from tasks.validation.suites import Suite, SuiteFolder

FILES = sorted(path.relative_to(ROOT / "expectations").with_suffix("").as_posix() for path in ROOT.glob("expectations/*/*.json"))


def _load(name: str) -> tuple[Suite, pd.DataFrame]:
    table, (subject, stem) = CONFORMING[name](), name.split("/")
    return SuiteFolder(ROOT / "expectations" / subject).load({stem: table.column_names})[stem], to_frame(table)


def _every_expectation() -> list[tuple[str, int]]:
    return [(name, position) for name in FILES for position in range(len(_load(name)[0].expectations))]


def test_every_suite_has_a_conforming_table() -> None:
    """No suite under expectations/ is left out of these tests."""
    assert sorted(CONFORMING) == FILES


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_conforming_table_passes(name: str) -> None:
    """Not one expectation, critical or not, fails on a table that conforms."""
    suite, frame = _load(name)
    outcome = validate_table(suite, frame, table=name, period="all")
    assert [e for e in outcome.expectations if not e.is_passed] == []
    assert outcome.is_passed


@pytest.mark.parametrize(("name", "position"), _every_expectation())
def test_mutated_table_fails(name: str, position: int) -> None:
    """Each expectation notices the fault that it is there for; a critical one fails the suite."""
    suite, frame = _load(name)
    expectation = suite.expectations[position]
    alone = dataclasses.replace(suite, expectations=(expectation,))
    outcome = validate_table(alone, mutate(frame, expectation.kind, dict(expectation.kwargs)), table=name, period="all")
    assert not outcome.expectations[0].is_passed
    assert outcome.is_passed == (expectation.severity != "critical")
    assert "could not be computed" not in outcome.expectations[0].reason


@pytest.mark.parametrize("name", FILES)
def test_every_expectation_says_why(name: str) -> None:
    """A reader of a failed report learns what the expectation protects."""
    content = json.loads((ROOT / "expectations" / f"{name}.json").read_text())
    assert all(entry["meta"]["why"] for entry in content["expectations"])
