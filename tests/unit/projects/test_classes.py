"""Classes of columns: by their values, their names, their shape; sensitive where nothing speaks for them."""

import pyarrow as pa
import pytest
from own_lakes import people

from tasks.projects.classes import class_columns
from tasks.projects.profile import profile_table


def _class(values: list[object], name: str = "c") -> str:
    return class_columns(profile_table(pa.table({name: values})), {})[name].column_class


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("full_name", "identifier"),
        ("contact", "identifier"),
        ("reachable_at", "identifier"),
        ("born_on", "quasi"),
        ("zip", "quasi"),
        ("sex", "quasi"),
        ("remark", "free_text"),
        ("contacts", "safe"),
        ("plan", "safe"),
        ("monthly_fee", "safe"),
    ],
)
def test_columns_of_people(column: str, expected: str) -> None:
    """Names, addresses and numbers by their form, whatever the column is called."""
    assert class_columns(profile_table(people(1000)), {})[column].column_class == expected


def test_texts_of_many_values_are_sensitive_by_default() -> None:
    """Nothing speaks for them; that is enough."""
    assert _class([f"w{number % 300}" for number in range(1000)]) == "sensitive"


def test_nearly_unique_texts_are_identifiers() -> None:
    """Whatever they are called."""
    assert _class([f"w{number}" for number in range(1000)]) == "identifier"


def test_names_of_things_that_recur_become_tokens() -> None:
    """Breeds, species and airlines look like people by their shape; a column that is called a person's name is one all the same."""
    words = ["Red", "Black", "White", "Grey", "Golden", "Little"]
    breeds = [f"{a} {b}{c}" for a in words for b in ("Hound", "Finch", "Setter") for c in ("", "a", "i")]
    assert _class(breeds * 20) == "sensitive"
    assert _class(breeds * 20, "customer_name") == "identifier"
    assert _class(breeds * 2) == "identifier"


@pytest.mark.parametrize("name", ["in_reply_to_user_id_str", "customer_no", "subjectID", "Patient.Number"])
def test_numbers_of_people_are_identifiers(name: str) -> None:
    """However often they recur, and though they are numbers."""
    assert _class([number % 400 for number in range(1000)], name) == "identifier"


def test_some_mail_addresses_are_enough() -> None:
    """A text in which one value in twenty is an e-mail address is not safe, however few values it has."""
    values = ["front desk", *(f"team {letter}" for letter in "abcdefghijklmnopqr"), "jo@example.org"] * 20
    assert _class(values) == "sensitive"


def test_sentences_are_free_text() -> None:
    """By the number of words."""
    assert _class([f"the customer called {number} times about the bill" for number in range(200)]) == "free_text"


def test_the_column_that_the_model_learns_is_kept() -> None:
    """Roles go before classes."""
    found = class_columns(profile_table(pa.table({"income": list(range(300))})), {"income": "label"})["income"]
    assert (found.column_class, found.is_needed) == ("safe", True)


def test_evidence_shows_no_value() -> None:
    """Not of any column of people."""
    table = people(300)
    classed = class_columns(profile_table(table), {})
    told = " ".join(found.evidence for found in classed.values())
    for name in ("full_name", "contact", "reachable_at", "zip", "remark"):
        assert not [value for value in table.column(name).unique().to_pylist() if value in told]
