"""No two test modules share a name: pytest would import one of them, and leave the other's tests out."""

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_each_test_module_has_a_name_of_its_own() -> None:
    """Across all folders, for none of them is a package."""
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert len(names) > 100
    assert [name for name, count in names.items() if count > 1] == []
