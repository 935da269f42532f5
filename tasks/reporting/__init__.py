"""Reporting: a verdict and everything it rests on, as a page, as Markdown, as JUnit XML, and as rows for a terminal.

Pure: records in, text out. The page is one file that works offline, and without scripts; every figure is formatted in one place.
Where scripts may run, its own one judges it again.
"""

from tasks.reporting.chain import Provenance
from tasks.reporting.curves import CalibrationBin, RocPoint, read_calibration, read_roc
from tasks.reporting.junit import verdict_junit
from tasks.reporting.looks import (
    RUBBER_STAMP,
    later_sentence,
    left_sentence,
    looks_sentence,
    notes_on,
    show_looks,
    standing_sentence,
)
from tasks.reporting.markdown import escape_markdown, verdict_markdown
from tasks.reporting.page import ReportInputs, render_report
from tasks.reporting.rolledback import rollback_sentence, show_rollback
from tasks.reporting.rows import VerdictRow, verdict_table
from tasks.reporting.selfjudging import seal_page

__all__ = [
    "RUBBER_STAMP",
    "CalibrationBin",
    "Provenance",
    "ReportInputs",
    "RocPoint",
    "VerdictRow",
    "escape_markdown",
    "later_sentence",
    "left_sentence",
    "looks_sentence",
    "notes_on",
    "read_calibration",
    "read_roc",
    "render_report",
    "rollback_sentence",
    "seal_page",
    "show_looks",
    "show_rollback",
    "standing_sentence",
    "verdict_junit",
    "verdict_markdown",
    "verdict_table",
]
