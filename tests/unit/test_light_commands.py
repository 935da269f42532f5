"""Commands that only look import nothing that only fitting, validating, drawing or serving needs: they answer at once."""

import subprocess
import sys

import pytest

_HEAVY = ("dvc", "duckdb", "fastapi", "great_expectations", "jinja2", "mlflow", "pandas", "prefect", "scipy", "skops", "sklearn")
_PROBE = "import sys; {}; print(*(name for name in {!r} if name in sys.modules))"


def imported(code: str, names: tuple[str, ...]) -> list[str]:
    """Which of ``names`` a process of its own has imported after ``code``; this one has imported too much already."""
    done = subprocess.run([sys.executable, "-c", _PROBE.format(code, names)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()


def test_help_imports_no_library_of_the_pipeline() -> None:
    """Not even what reads parameters and records."""
    code = "from flows.cli.root import windtunnel; windtunnel.main(['--help'], standalone_mode=False)"
    assert imported(code, (*_HEAVY, "numpy", "pyarrow", "pydantic", "yaml")) == []


@pytest.mark.parametrize("module", ["flows.cli.render", "flows.registry_office", "flows.promotion"])
def test_looking_and_promoting_import_nothing_heavy(module: str) -> None:
    """`gate --check` and `approve`, `champion`, and `promote` and `rollback` before they verify; MLflow has its own process."""
    assert imported(f"import {module}", _HEAVY) == []


def test_the_process_that_asks_mlflow_waits_for_mlflow_only() -> None:
    """Its own modules are read while the verdict is verified too."""
    assert imported("import tasks.registry.process", (*_HEAVY, "numpy", "pyarrow")) == []


def test_hashes_are_verified_without_the_libraries_of_models() -> None:
    """Models are held against their hashes as bytes; whoever scores them loads them."""
    assert imported("import tasks.verification.hashes", ("pandas", "prefect", "scipy", "skops", "sklearn", "mlflow")) == []
