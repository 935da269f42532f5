"""The joined view: what tables tell of people together, which none of them tells alone."""

import datetime

import pyarrow as pa
import pytest

from tasks.disclosure import KnownColumn, form_crowds, join_people, measure_risk
from tasks.disclosure.view import PeopleView
from tasks.errors import DisclosureError
from tasks.params.masking_rules import DateShiftRule

LINKS = {"person": [("customers", "id"), ("orders", "customer")], "shop": [("orders", "shop"), ("shops", "shop")]}
CUSTOMERS = pa.table({"id": ["a", "b", "c", "d"], "sex": ["f", "f", "m", "m"]})
ORDERS = pa.table({"customer": ["a", "a", "b", "c", "d", None], "shop": ["x", "x", "y", "x", "x", "y"], "zip": [1, 1, 1, 2, 2, 9]})
SHOPS = pa.table({"shop": ["x", "y"], "town": ["Linz", "Graz"]})
ALL = {"customers": CUSTOMERS, "orders": ORDERS, "shops": SHOPS}


def _view(*columns: str, sources: dict = ALL, person: str | None = "person", sensitive: tuple = ()) -> PeopleView:
    known = [KnownColumn(*name.split(".")) for name in columns]
    told = [KnownColumn(*name.split(".")) for name in sensitive]
    return join_people(sources, LINKS, person=person, rows="orders", quasi=known, sensitive=told)[0]


def _smallest(view: PeopleView) -> int:
    crowds = form_crowds(view.people, [column.name for column in view.quasi], view.person)
    return measure_risk(crowds, 2, view.owners).smallest


@pytest.mark.slow
def test_tables_that_are_safe_alone_may_not_be_so_together() -> None:
    """By sex and by postcode each has a companion, by the town of the shop too; by all of them two stand alone."""
    assert _smallest(_view("customers.sex")) == 2
    assert _smallest(_view("orders.zip")) == 2
    assert _smallest(_view("customers.sex", "orders.zip", "shops.town")) == 1


def test_a_row_that_is_nobodys_counts_for_nobody() -> None:
    """The order without customer has a postcode of its own, and singles nobody out."""
    assert _view("orders.zip").people.num_rows == 4


def test_rows_are_people_where_no_domain_names_them() -> None:
    """Then the order without customer stands alone."""
    view = _view("orders.zip", person=None)
    assert (view.people.num_rows, _smallest(view)) == (6, 1)


def test_a_person_with_several_values_can_be_found_by_each() -> None:
    """Of a, who ordered from two postcodes, one is shared with nobody: it is enough to know that one."""
    orders = ORDERS.set_column(2, "zip", pa.array([1, 7, 1, 2, 2, 9]))
    view = _view("orders.zip", sources={**ALL, "orders": orders})
    risk = measure_risk(form_crowds(view.people, ["orders.zip"], view.person), 2, view.owners)
    assert (risk.rows, view.people.num_rows, view.one_row_each.num_rows) == (4, 5, 4)
    assert (risk.smallest, risk.rows_below) == (1, 1)


def test_the_same_value_in_many_rows_is_one() -> None:
    """Who orders often is no crowd."""
    assert _view("orders.zip").people.num_rows == 4


def test_a_table_that_joins_nobody_is_looked_at_alone() -> None:
    """It is never left out: its rows are taken to be people."""
    lonely = {**ALL, "letters": pa.table({"age": [1, 1, 2]})}
    views = join_people(lonely, LINKS, person="person", rows="orders", quasi=[KnownColumn("letters", "age")], sensitive=[])
    assert [view.people.num_rows for view in views] == [4, 3]
    assert _smallest(views[1]) == 1


def test_nobody_is_named() -> None:
    """A domain that masking left in no table is an error, not a view without people."""
    with pytest.raises(DisclosureError, match=r"masking\.limits\.person: ghosts"):
        _view("orders.zip", person="ghosts")


def test_sensitive_values_come_along() -> None:
    """Each person has one: the middle of theirs."""
    view = _view("customers.sex", sensitive=("orders.zip",))
    assert view.people.column("orders.zip").to_pylist() == [1, 1, 2, 2]


def _shifted(dates: list[tuple[str, datetime.date, datetime.date]], max_days: int) -> PeopleView:
    rule = DateShiftRule.model_validate({"class": "quasi", "transform": "date_shift", "per": "id", "max_days": max_days})
    names, first, last = zip(*dates, strict=True)
    table = pa.table({"id": names, "born": pa.array(first), "died": pa.array(last)})
    known = [KnownColumn("people", "born", rule), KnownColumn("people", "died", rule)]
    return join_people({"people": table}, {"p": [("people", "id")]}, person="p", rows="people", quasi=known, sensitive=[])[0]


def test_shifted_dates_hide_in_bands_but_not_the_days_between_them() -> None:
    """Two births a month apart look alike under a shift of 60 days; lives of other lengths do not."""
    day, later = datetime.date(1970, 1, 10), datetime.date(1970, 2, 8)
    years = datetime.timedelta(days=20_000)
    alike = _shifted([("a", day, day + years), ("b", later, later + years)], 60)
    assert _smallest(alike) == 2
    other = _shifted([("a", day, day + years), ("b", later, later + years + datetime.timedelta(days=1))], 60)
    assert _smallest(other) == 1
