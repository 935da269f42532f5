"""Great Expectations is imported without what a suite on a dataframe never needs, and whoever needs it afterwards has it."""

import subprocess
import sys

import pytest

_PROBE = """
import sys, types
import pyarrow as pa
from tasks.validation.engine import validate_table
from tasks.validation.frames import to_frame
from tasks.validation.suites import Suite, SuiteExpectation

own = sys.modules["azure"] = types.ModuleType("azure")
expectation = SuiteExpectation("expect_column_values_to_be_between", {"column": "n", "min_value": 0}, "critical", "")
suite = Suite("s", "", (expectation,))
print(validate_table(suite, to_frame(pa.table({"n": [1, 2, -3]})), table="t", period="p").expectations[0].unexpected_count)
print([name for name in ("sqlalchemy", "boto3", "google", "altair", "scipy.stats") if name in sys.modules])
print(sys.modules["azure"] is own)
import scipy
print("stats" in vars(scipy))
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as module
print(round(float(module.stats.entropy([0.5, 0.5])), 4), sys.modules["scipy.stats"] is scipy.stats)
"""


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What a process of its own says, which has validated and nothing else; this one has imported too much already."""
    done = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_validating_reads_no_sql_no_cloud_and_no_chart_library(said: list[str]) -> None:
    """A suite runs, and none of them was read for it, nor is taken for missing afterwards."""
    assert said[:2] == ["1", "[]"]


def test_what_was_imported_before_stays(said: list[str]) -> None:
    """A module that the process has is not taken from it, and no stand-in is left in a package."""
    assert said[2:4] == ["True", "False"]


def test_an_expectation_that_needs_statistics_has_them(said: list[str]) -> None:
    """What stands for the module hands on the real one, and Python knows that one from then on."""
    assert said[4] == "0.6931 True"
