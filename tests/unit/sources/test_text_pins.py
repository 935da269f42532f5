"""Pins of text, taken over and made anew: types come from all values that are there, and from none that are gone."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_lake import TextLake

from tasks.errors import LakeError

_VALUES = ["1", "2.5", "2013-01-01", ""]


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([*_VALUES, None])), min_size=1, max_size=5))
def test_pin_step_by_step_equals_pin_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str | None]]
) -> None:
    """Whatever comes, changes and goes: the same pin, or the same refusal."""
    lake = TextLake(tmp_path_factory.mktemp("lake"))
    lake.write("t/first.csv", "id,x\n1,1\n")
    params = lake.params(["id", "x"])
    pin = lake.pin(params)
    for number, (file, value) in enumerate(steps):
        path = lake.root / "t" / f"{file}.csv"
        if value is None:
            path.unlink(missing_ok=True)
        else:
            lake.write(f"t/{file}.csv", "id,x\n" + f"{number},{value}\n" * (number + 1))
        try:
            scratch = lake.pin(params)
        except LakeError as error:
            with pytest.raises(LakeError) as caught:
                lake.pin(params, pin)
            assert str(caught.value) == str(error)
            return
        pin = lake.pin(params, pin)
        assert pin == scratch


def test_new_file_costs_what_is_new(tmp_path: Path) -> None:
    """Files that are still there are not opened again, and still bind the type."""
    lake = TextLake(tmp_path)
    lake.write("t/1.csv", "id,x\n1,1.5\n")
    params = lake.params(["id", "x"])
    first = lake.pin(params)
    lake.write("t/2.csv", "id,x\n2,2\n")
    opened: list[str] = []
    open_file = lake.lake.open_file
    lake.lake.open_file = lambda file: opened.append(file.path) or open_file(file)  # type: ignore[method-assign]
    assert lake.pin(params, first).tables["t"].columns["x"] == "double"
    assert opened == ["t/2.csv"]


def test_types_of_two_files_that_differ_name_both(tmp_path: Path) -> None:
    """Numbers here and words there are a mistake until the column is declared to be text."""
    lake = TextLake(tmp_path)
    lake.write("t/1.csv", "id,x\n1,1\n")
    lake.write("t/2.csv", "id,x\n2,a\n")
    with pytest.raises(LakeError, match="column x") as caught:
        lake.pin(lake.params(["id", "x"]))
    assert "t/2.csv" in caught.value.found
    assert "t/1.csv" in caught.value.expected
    assert lake.rows(["id", "x"], types={"x": "string"}).column("x").to_pylist() == ["1", "a"]


def test_declared_types_need_no_look_at_the_values(tmp_path: Path) -> None:
    """The pin takes them as they are declared; a value that does not fit stops the snapshot."""
    lake = TextLake(tmp_path)
    lake.write("t.csv", "id,x\n1,a\n")
    params = lake.params(["id", "x"], types={"id": "int64", "x": "int64"})
    pin = lake.pin(params)
    assert pin.tables["t"].columns["x"] == "int64"
    with pytest.raises(LakeError, match=r"t\.csv: column x"):
        lake.copy(params, pin)
    assert not (lake.out / "manifest.json").exists()
