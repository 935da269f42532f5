"""Names of people: the lists as they are, and what is held against them."""

import pyarrow as pa
import pytest

from tasks.detection import are_named, load_names, people
from tasks.errors import DatasetError


@pytest.mark.parametrize(
    "value",
    [
        "Anna",
        "anna schmidt",
        "SCHMIDT, ANNA",
        "Müller",
        "Jose\u0301",
        "Jean-Pierre",
        "O'Neill",
        "O\u2019Neill",
        "Rose Brown",
        "Иванов Сергей",
        "محمد",
        "Nguyễn",
    ],
)
def test_names_are_found(value: str) -> None:
    """In any case and normal form, in many languages; everyday words where two of them stand together."""
    assert are_named(pa.array([value]))[0]


@pytest.mark.parametrize(
    "value", ["", " ", "Rose", "Brown", "New York", "Paris", "JFK", "Delta Air Lines Inc.", "gold", "12", "Anna 2"]
)
def test_other_words_are_none(value: str) -> None:
    """Colours, places, codes, and names among other things."""
    assert not are_named(pa.array([value]))[0]


def test_lists_are_of_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that was changed without the code is refused."""
    assert load_names().version == "names/v1"
    assert min(len(load_names().given), len(load_names().surnames)) > 1000
    monkeypatch.setattr(people, "NAMES_SHA256", "0" * 64)
    load_names.cache_clear()
    with pytest.raises(DatasetError, match="install the package again"):
        load_names()
    load_names.cache_clear()
