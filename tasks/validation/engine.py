"""Running a suite with Great Expectations, and taking nothing but counts out of it.

What belongs here: everything that knows Great Expectations, and the guards where it would let data through: no rows, a
column of nothing but NULLs, an expectation that raises. What does not: suites as files, and which data they are run on.
Great Expectations takes seconds to import, so it is imported when the first suite is run.
"""

import builtins
import functools
import logging
import re
import warnings
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from tasks.errors import ValidationError
from tasks.records import ExpectationOutcome, SuiteOutcome
from tasks.validation.lean_import import import_great_expectations
from tasks.validation.suites import Suite, SuiteExpectation

if TYPE_CHECKING:  # the stage starts without it where nothing has changed
    import pandas as pd

COLUMN_HAS_VALUES = "column_has_values"
"""Our own outcome, recorded for each column that holds no value in a period; ``tasks.validation.findings`` reads it."""

_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""The richest result that holds no failing value; SUMMARY and COMPLETE would write raw data into results."""

_SETTINGS_AT_MOST = 160
"""Characters of an expectation's settings that a reason repeats; a long set of values is in the suite."""

_ABOUT_ABSENCE = frozenset({"expect_column_values_to_be_null"})
"""Types that a column of NULLs may pass: the only ones that then have something to say."""


def engine_name() -> str:
    """Name and version of the engine, for the report; imports nothing."""
    return f"great_expectations {metadata.version('great_expectations')}"


def validate_table(suite: Suite, frame: "pd.DataFrame", *, table: str, period: str, k: int = 1) -> SuiteOutcome:
    """Run ``suite`` on all rows of ``frame`` (as of :func:`tasks.validation.frames.to_frame`); the result holds counts only.

    Beside what Great Expectations says, an expectation does not pass where it examined nothing: no rows, a column without
    values, a row condition that no row meets. One that raises has failed, and only its error's type is told. Each column
    without values adds an outcome ``column_has_values`` (a warning: a month may lack a column; see ``findings``).
    ``reuse_key`` is left empty. A count of values that do not hold is withheld where it, or all the others, are fewer than ``k``
    (None, and said in words). Raises :class:`~tasks.errors.ValidationError` where a suite's settings cannot be used.
    """
    rows = len(frame)
    if rows == 0:
        outcomes = [_failure(expectation, "no rows: nothing was examined") for expectation in suite.expectations]
    else:
        empty = [str(column) for column in frame.columns if not frame[column].notna().any()]
        results = _run(suite, frame)
        pairs = zip(suite.expectations, results, strict=True)
        outcomes = [_judge(expectation, result, rows, empty, k) for expectation, result in pairs]
        outcomes += [_without_values(column, rows) for column in empty]
    return SuiteOutcome(
        suite=suite.name,
        table=table,
        period=period,
        rows=rows,
        is_passed=rows > 0 and all(outcome.is_passed or outcome.severity != "critical" for outcome in outcomes),
        reuse_key="",
        expectations=tuple(outcomes),
    )


def _run(suite: Suite, frame: "pd.DataFrame") -> list[Any]:
    """Great Expectations' result of each expectation, in the suite's order; an exception where it let one through."""
    if not suite.expectations:  # of a portion whose columns are only looked at for values
        return []
    configurations = _configure(suite)
    try:
        found = _validate(frame, configurations)
    except Exception:  # one that crashes the engine must neither hide nor free the others
        found = []
        for configuration in configurations:
            try:
                found += _validate(frame, [configuration])
            except Exception as error:  # judged as a failure by _raised
                found.append((configuration["meta"]["position"], error))
    by_position = dict(found)
    return [by_position.get(position) for position in range(len(configurations))]


def _validate(frame: "pd.DataFrame", configurations: Sequence[dict[str, Any]]) -> list[tuple[int, Any]]:
    import great_expectations as gx

    suite = gx.ExpectationSuite(name="suite", expectations=list(configurations))
    with warnings.catch_warnings():
        # It compares two time columns by their bare values; both are in UTC (see frames), so no zone is lost.
        warnings.filterwarnings(
            "ignore", message="Series.values returning an ndarray that drops timezone", category=DeprecationWarning
        )
        batch = _batch_definition().get_batch({"dataframe": frame})
        results = batch.validate(suite, result_format=_COUNTS_ONLY).results
    # Results do not come in the suite's order: those that raised are put first.
    return [(int(result.expectation_config.meta["position"]), result) for result in results]


def _configure(suite: Suite) -> list[dict[str, Any]]:
    """The suite in Great Expectations' form; built one by one, for a suite drops what it cannot build without a word."""
    _batch_definition()
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    configurations: list[dict[str, Any]] = [
        {"type": e.kind, "kwargs": dict(e.kwargs), "severity": e.severity, "meta": {"position": position}}
        for position, e in enumerate(suite.expectations)
    ]
    for expectation, configuration in zip(suite.expectations, configurations, strict=True):
        try:
            ExpectationConfiguration(**configuration).to_domain_obj()
        except Exception as error:  # several unrelated classes, for settings it refuses
            raise ValidationError(
                f"suite {suite.name}: {expectation.kind}({', '.join(expectation.columns)})",
                found=" ".join(str(error).split()),
                expected="settings that Great Expectations accepts for this type",
                next_step="mend the suite's file under expectations/",
            ) from None
    return configurations


@functools.cache
def _batch_definition() -> Any:
    """One in-memory context for the process; it writes no project, draws no progress bar and reports to no one."""
    import_great_expectations()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # It logs what its expectations raise, with values of rows in the message.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


def _judge(expectation: SuiteExpectation, result: Any, rows: int, empty: Sequence[str], k: int) -> ExpectationOutcome:
    absent = [column for column in expectation.columns if column in empty]
    if absent and expectation.kind not in _ABOUT_ABSENCE:
        return _failure(expectation, f"{absent[0]} holds no value: nothing was examined", rows, None)
    raised = _raised(result)
    if raised:
        return _failure(expectation, f"could not be computed ({raised})", rows, None)
    counts = result.result or {}
    elements, unexpected = counts.get("element_count", rows), counts.get("unexpected_count")
    examined = elements - counts.get("missing_count", 0)
    if examined <= 0:
        return _failure(expectation, "no row was examined", elements, unexpected)
    is_withheld = unexpected is not None and (0 < unexpected < k or 0 < examined - unexpected < k)
    counted = None if is_withheld else unexpected
    if not result.success:
        told = f"{unexpected} of {examined} values" if unexpected is not None else f"a figure over {rows} rows"
        if is_withheld and unexpected is not None:
            told = f"{'fewer' if unexpected < k else 'all but fewer'} than {k} of {examined} values"
        why = f"; {expectation.why}" if expectation.why else ""
        return _failure(expectation, f"{told} outside what is expected{_settings(expectation)}{why}", elements, counted)
    return _outcome(expectation, "", elements, counted, is_passed=True)


def _settings(expectation: SuiteExpectation) -> str:
    told = ", ".join(
        f"{k}={v}" for k, v in expectation.kwargs.items() if k not in ("column", "column_A", "column_B", "column_list")
    )
    if not told:
        return ""
    return f" ({told})" if len(told) <= _SETTINGS_AT_MOST else f" ({told[:_SETTINGS_AT_MOST]} ...)"


def _raised(result: Any) -> str:
    """The type of the error that kept an expectation from being computed, or empty; never its text, which may quote a row."""
    if result is None:
        return "no result"
    if isinstance(result, Exception):
        return type(result).__name__
    info = result.exception_info or {}
    told = [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, dict)]
    raised = [part for part in told if part.get("raised_exception")]
    if not raised:
        return ""
    names = re.findall(r"^(?:\w+\.)*(\w+)(?::|$)", str(raised[0].get("exception_traceback")), re.MULTILINE)
    known = [name for name in names if _is_builtin_error(name)]
    return known[0] if known else "an error inside Great Expectations"


def _is_builtin_error(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, Exception)


def _without_values(column: str, rows: int) -> ExpectationOutcome:
    return ExpectationOutcome(
        expectation=COLUMN_HAS_VALUES,
        column=column,
        severity="warning",
        is_passed=False,
        element_count=rows,
        unexpected_count=rows,
        reason="every value is NULL",
    )


def _failure(
    expectation: SuiteExpectation, reason: str, elements: int | None = 0, unexpected: int | None = None
) -> ExpectationOutcome:
    return _outcome(expectation, reason, elements, unexpected, is_passed=False)


def _outcome(
    expectation: SuiteExpectation, reason: str, elements: int | None, unexpected: int | None, *, is_passed: bool
) -> ExpectationOutcome:
    return ExpectationOutcome(
        expectation=expectation.kind,
        column=", ".join(expectation.columns) or None,
        severity=expectation.severity,
        is_passed=is_passed,
        element_count=elements,
        unexpected_count=unexpected,
        reason=reason,
    )
