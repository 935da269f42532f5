"""Validation: expectations in, report out.

Suites are Great Expectations JSON under ``expectations/<subject>/<table>.json``; a report says, in counts only, which
expectation held in which month, and what was found beside the suites. Great Expectations takes seconds to import, so it is
imported by ``tasks.validation.engine`` at the first suite that is run, and never by importing this package.
"""

from tasks.validation.require import has_passed, list_failures, require_passed

__all__ = ["has_passed", "list_failures", "require_passed"]
