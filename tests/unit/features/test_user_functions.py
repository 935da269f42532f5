"""A user's own features: given declared features of one partition, row by row, and nothing else."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.datasets import hash_file
from tasks.errors import FeatureError
from tasks.features import add_user_features, load_functions
from tasks.params.features import UserFunction

ROWS = 30
TABLE = pa.table(
    {
        "row_key": [f"k{number}" for number in range(ROWS)],
        "label": pa.array([number % 2 for number in range(ROWS)], pa.int8()),
        "size": pa.array([None, *np.linspace(1, 3, ROWS - 1)], pa.float64()),
        "city": pa.array([None, *["here", "there"] * 14, "RAW-city"]),
    }
)
GIVES = {"double": "number", "shout": "text"}
GOOD = """
def own(frame):
    assert list(frame.columns) == ["size", "city"]
    found = frame[["size"]].rename(columns={"size": "double"}) * 2
    found["shout"] = frame["city"].str.upper()
    frame["size"] = 0.0
    return found
"""


def add(folder: Path, source: str, *, gives=GIVES) -> pa.Table:
    (folder / "own.py").write_text(source)
    declared = UserFunction(function="own", file="own.py", sha256=hash_file(folder / "own.py"), takes=("size", "city"), gives=gives)
    return add_user_features(TABLE, load_functions({"mine": declared}, folder))


def refusal(folder: Path, source: str, **options) -> str:
    with pytest.raises(FeatureError, match=r"features\.functions\.mine: own|own\.py") as caught:
        add(folder, source, **options)
    assert "RAW" not in str(caught.value)
    return caught.value.found


def test_columns_are_added_row_by_row_and_what_is_missing_stays_missing(tmp_path):
    """It sees the features that it takes, no label and no key; what it changes in its frame reaches nobody."""
    found = add(tmp_path, GOOD)
    assert found.column_names == [*TABLE.column_names, "double", "shout"]
    assert found["double"].to_pylist()[:2] == [None, 2.0]
    assert found["shout"].to_pylist()[:3] == [None, "HERE", "THERE"]
    assert found["size"].equals(TABLE["size"])
    assert (found.schema.field("double").type, found.schema.field("shout").type) == (pa.float64(), pa.string())


@pytest.mark.parametrize(
    "body", ["{'double': frame['size'] * 2}", "frame['size'] * 2", "frame.assign(double=frame['size'] * 2)[['double']]"]
)
def test_a_mapping_a_series_or_a_frame_is_taken(tmp_path, body):
    """Whatever is at hand."""
    found = add(tmp_path, f"def own(frame): return {body}", gives={"double": "number"})
    assert found["double"].to_pylist()[-1] == 6.0


LOOKS_BESIDE = ["frame['size'] - frame['size'].mean()", "frame['size'].shift(-1)", "frame['size'].rank()", "frame['size'].cumsum()"]


@pytest.mark.parametrize("body", LOOKS_BESIDE)
def test_a_value_that_rests_on_the_rows_beside_is_refused(tmp_path, body):
    """They may be of later moments; a mean over earlier rows is a declared feature."""
    found = refusal(tmp_path, f"def own(frame): return {body}", gives={"double": "number"})
    assert found == "double: other values of a row when other rows are beside it"


def test_a_value_that_differs_from_call_to_call_is_refused(tmp_path):
    """A run from scratch must give what this one gives."""
    source = "import random\ndef own(frame): return frame['size'] + random.random()"
    assert refusal(tmp_path, source, gives={"double": "number"}) == "double: other values when it was called again"


FAULTS = {
    "raises": ("def own(frame): return frame['city'].iloc[-1:].astype(float)", "line 1: ValueError"),
    "ends the program": ("def own(frame): raise SystemExit(0)", "line 1: SystemExit"),
    "other columns": ("def own(frame): return frame", "columns size, city"),
    "no frame": ("def own(frame): return 7", "a int"),
    "fewer rows": ("def own(frame): return frame.head(3).rename(columns={'size': 'double', 'city': 'shout'})", "3 rows for 30"),
    "another order": ("def own(frame): return frame[::-1].rename(columns={'size': 'double', 'city': 'shout'})", "30 rows for 30"),
    "text for number": (
        "def own(frame): return frame.rename(columns={'city': 'double', 'size': 'shout'})",
        "double: values that are no number",
    ),
    "infinite": (
        "def own(frame): return frame.rename(columns={'city': 'shout', 'size': 'double'}).assign(double=float('inf'))",
        "30 infinite",
    ),
    "no function": ("own = 7", "a int"),
    "not there": ("other = 7", "nothing of that name"),
    "does not run": ("def own(:", "line 1: SyntaxError"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_clear_error(tmp_path, fault):
    """With the line of the user's file, and no value of a row."""
    source, found = FAULTS[fault]
    assert found in refusal(tmp_path, source)


def test_a_file_with_another_hash_is_refused(tmp_path):
    """What runs is what params.yaml names."""
    (tmp_path / "own.py").write_text(GOOD)
    declared = UserFunction(function="own", file="own.py", sha256="0" * 64, takes=("size",), gives=GIVES)
    with pytest.raises(FeatureError, match=r"own\.py"):
        load_functions({"mine": declared}, tmp_path)


def test_a_function_of_an_installed_package_is_found_by_import_path(tmp_path, monkeypatch):
    """Bound by the hash of the file that defines it."""
    (tmp_path / "own_features_package.py").write_text(GOOD)
    monkeypatch.syspath_prepend(tmp_path)
    sha256 = hash_file(tmp_path / "own_features_package.py")
    path = "own_features_package.own"
    declared = UserFunction(function=path, sha256=sha256, takes=("size", "city"), gives=GIVES)
    assert add_user_features(TABLE, load_functions({"mine": declared}, tmp_path)).num_columns == 6
    for wrong in (declared.model_copy(update={"sha256": "0" * 64}), declared.model_copy(update={"function": "no_such.thing"})):
        with pytest.raises(FeatureError, match=r"features\.functions\.mine"):
            load_functions({"mine": wrong}, tmp_path)
