"""Founding a project on tables of seven shapes: what is guessed, masked and excluded, and that the parameters load."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import own_lakes
import pyarrow as pa
import pytest
import yaml

from tasks.errors import ProjectError, WindtunnelError
from tasks.founding import Founded, found_project
from tasks.params import load_params
from tasks.projects.roles import Wishes
from tasks.projects.survey import LakeTable, Reading, choose_table
from tasks.projects.targets import guess_positive
from tasks.validation.suites import SuiteFolder

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def found(table: pa.Table, label: str, folder: Path = Path("/tmp/own"), k: int = 5, **wishes: object) -> Founded:
    """The project on ``table``, called ``rows``."""
    source = LakeTable("rows", tuple(table.column_names), lambda: Reading(table))
    return found_project(source, folder=folder, lake="/lake", wishes=Wishes(label, **wishes), k=k, now=NOW, s3={})


SHAPES: dict[str, tuple[Callable[[], pa.Table], str]] = {
    "breast_cancer": (own_lakes.breast_cancer, "benign"),
    "iris": (own_lakes.iris, "species"),
    "wine": (own_lakes.wine, "cultivar"),
    "digits": (own_lakes.digits, "digit"),
    "diabetes": (own_lakes.diabetes, "progress"),
    "flights": (lambda: own_lakes.flights(2000), "is_late"),
    "people": (own_lakes.people, "churned"),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_files_that_load(shape: str, tmp_path: Path) -> None:
    """Parameters that the grammar takes, in DVC too, and a suite of each dataset that can be used."""
    make, label = SHAPES[shape]
    founded = found(make(), label)
    for path, content in founded.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    params = load_params(tmp_path / "params.yaml")
    from dvc.utils.serialize import load_yaml

    assert load_yaml(str(tmp_path / "params.yaml")) == yaml.safe_load((tmp_path / "params.yaml").read_text())
    columns = params.snapshot.tables["rows"].columns
    assert SuiteFolder(tmp_path / "expectations/raw").load({"rows": columns})["rows"].unasked_columns == ()
    kept = [column for column in columns if column not in founded.policy.dropped]
    assert SuiteFolder(tmp_path / "expectations/masked").load({"rows": kept})["rows"].unasked_columns == ()
    assert SuiteFolder(tmp_path / "expectations/features").load({"features": None})
    assert SuiteFolder(tmp_path / "expectations/predictions").load({"predictions": None})
    assert SuiteFolder(tmp_path / "expectations/splits").load({"assignments": None})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "task"),
    [
        ("breast_cancer", "binary"),
        ("iris", "multiclass"),
        ("wine", "multiclass"),
        ("digits", "multiclass"),
        ("diabetes", "regression"),
    ],
)
def test_task_is_guessed_from_the_label(shape: str, task: str) -> None:
    """Two values, a few classes, a number."""
    make, label = SHAPES[shape]
    assert found(make(), label).roles.task == task


@pytest.mark.parametrize(
    ("values", "positive", "why"),
    [
        (["ja", "nein", "ja"], "ja", "means yes"),
        (["benign", "malignant"], "malignant", "watched for"),
        (["x", "z", "z"], "x", "rarer"),
    ],
)
def test_the_value_that_counts_as_positive_is_said_with_its_reason(values: list[str], positive: str, why: str) -> None:
    """A yes in some languages, an event, or the rarer one."""
    reasons: dict[str, str] = {}
    assert guess_positive(_with_label(values), "y", reasons) == positive
    assert why in reasons["positive"]


@pytest.mark.slow
def test_flights_have_everything() -> None:
    """Times, entity, key and score are found, and the delay that gives the label away is no feature."""
    founded = found(own_lakes.flights(2000), "is_late")
    roles = founded.roles
    assert (roles.time, roles.known, roles.entity, roles.key) == ("scheduled", "arrived", "tailnum", ("flight_id",))
    assert (roles.score, roles.positive) == ("production_score", 1)
    assert "AUC" in founded.excluded["arr_delay"]
    assert not {"arr_delay", "production_score", "flight_id", "tailnum"} & set(founded.proposal.features)
    assert list(founded.proposal.params["splits"]) == ["by_time", "by_entity"]


def test_what_a_table_lacks_is_left_out_visibly() -> None:
    """Without time and entity rows are parted by their class, keyed by their place, and it is said."""
    founded = found(own_lakes.breast_cancer(), "benign")
    assert founded.roles.key == ("lake_row",)
    assert founded.roles.time == "lake_file_utc"
    assert list(founded.proposal.params["splits"]) == ["by_row"]
    assert [line for line in founded.left_out if "no split by time" in line]
    assert [line for line in founded.left_out if "no split by entity" in line]
    assert "rubber_stamp" in founded.roles.reasons["production score"]


def test_people_are_masked() -> None:
    """Names, addresses and notes go, the customer's number becomes a token, places and birth dates lose detail."""
    founded = found(own_lakes.people(), "churned")
    assert set(founded.policy.dropped) >= {"full_name", "contact", "reachable_at", "remark"}
    assert founded.policy.domains == {"customer_no": "customer_no"}
    assert founded.generalisation.below == 0
    assert "born_on" not in founded.policy.safe
    assert "closing_code" in founded.excluded


def test_no_value_of_a_person_stands_in_any_file() -> None:
    """Names, e-mail addresses, numbers, notes: none of them in parameters, suites or README."""
    table = own_lakes.people(300)
    text = "\n".join(found(table, "churned").files.values())
    for column in ("customer_no", "full_name", "contact", "reachable_at", "remark"):
        assert not [value for value in table.column(column).to_pylist() if value in text]


def test_the_key_is_another_for_each_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among the user's settings, and never one that is there already."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    first = found(own_lakes.iris(), "species").key
    assert first == tmp_path / "settings/windtunnel/keys/own.key"
    first.parent.mkdir(parents=True)
    first.touch()
    assert found(own_lakes.iris(), "species").key.name == "own-2.key"


def _with_label(values: list[object]) -> pa.Table:
    return pa.table({"x": list(range(len(values))), "w": [number % 7 for number in range(len(values))], "y": values})


@pytest.mark.parametrize(
    ("table", "wishes", "said"),
    [
        (_with_label([1] * 50), {}, "one value only"),
        (_with_label([None] * 50), {}, "no value"),
        (_with_label([float("nan")] * 50), {}, "no value"),
        (_with_label([f"class {number}" for number in range(10_000)]), {}, "10,000 distinct values"),
        (_with_label([1]), {}, "one value only"),
        (_with_label([1] * 5 + [0] * 45), {}, "5 rows of the second most frequent"),
        (_with_label([*(number * 1.5 for number in range(99)), float("inf")]), {}, "1 rows whose label is infinite"),
        (_with_label([f"class {number % 9_973}" for number in range(19_000)]), {}, "9,973 distinct values"),
        (_with_label([0, 1] * 50), {"entity": "x"}, "a value of its own in each"),
        (_with_label([0, 1] * 50), {"time": "x"}, "values of type"),
        (_with_label([0, 1] * 50), {"entity": "z"}, "no such column"),
        (_with_label([0, 1] * 50), {"key": ("y",)}, "2 distinct values"),
        (_with_label([0, 1] * 50), {"score": "x"}, "outside 0 to 1"),
        (_with_label(["a", "b"] * 50), {"task": "regression"}, "values of type string"),
        (_with_label([1, 2, 3] * 50), {"task": "binary"}, "3 distinct values"),
        (pa.table({"x": pa.array([], pa.int64()), "y": pa.array([], pa.int64())}), {}, "no rows"),
    ],
)
def test_what_cannot_be_judged_is_refused(table: pa.Table, wishes: dict, said: str) -> None:
    """Each with what was found, before anything is written."""
    with pytest.raises(ProjectError) as caught:
        found(table, "y", **wishes)
    assert said in caught.value.found


def _at(moment: datetime, rows: int = 200) -> list[datetime]:
    return [moment + timedelta(hours=6 * row) for row in range(rows)]


def test_times_in_the_future_are_said() -> None:
    """A year that was meant to be another, or milliseconds taken for seconds: a person should look."""
    table = pa.table({"at": _at(NOW - timedelta(days=40)), "w": [row % 7 for row in range(200)], "y": [0, 1] * 100})
    assert "39 of 200 rows lie in the future by at" in found(table, "y").roles.reasons["look at"]


def test_rows_that_are_all_known_later_are_refused() -> None:
    """Nothing would be copied; where some are, it is said."""
    table = pa.table({"at": _at(NOW - timedelta(days=90)), "recorded_at": _at(NOW + timedelta(days=1)), "y": [0, 1] * 100})
    with pytest.raises(ProjectError) as caught:
        found(table, "y")
    assert "every one of 200 rows becomes known only after" in caught.value.found
    some = table.set_column(1, "recorded_at", pa.array(_at(NOW - timedelta(days=45))))
    some = some.append_column("w", pa.array([row % 7 for row in range(200)]))
    assert "rows become known (recorded_at) only in the future" in found(some, "y").roles.reasons["look at"]


def test_rare_classes_and_few_rows_are_said_before_a_run() -> None:
    """Of one class three rows, and of sixty rows nine to test on."""
    reasons = found(_with_label(["a"] * 30 + ["b"] * 27 + ["c"] * 3), "y").roles.reasons
    assert "1 of 3 classes have fewer than 10 rows" in reasons["look at"]
    assert "60 labelled rows leave fewer than 10 to test on" in reasons["look at"]


def test_labels_that_are_missing_are_counted() -> None:
    """NaN is no label; the others are judged."""
    founded = found(_with_label([0.0, 1.0, float("nan")] * 50), "y")
    assert "50 of 150 rows have none" in founded.roles.reasons["task"]
    assert founded.roles.positive == 1


def test_names_that_stand_twice_or_differ_by_case_are_left_out() -> None:
    """SQL could not tell them apart; the first of those that differ by case alone counts."""
    numbers = pa.array([number % 7 for number in range(100)])
    table = pa.Table.from_arrays(
        [numbers, numbers, numbers, numbers, pa.array([0, 1] * 50)],
        names=["a", "A", "b", "b", "y"],
    )
    founded = found(table, "y")
    assert founded.proposal.params["snapshot"]["tables"]["rows"]["columns"][:2] == ["a", "y"]
    assert [line for line in founded.left_out if line.startswith("A: ")]
    assert [line for line in founded.left_out if line.startswith("b: ")]


def test_a_label_that_stands_twice_is_refused() -> None:
    """Which of the two is meant cannot be asked."""
    table = pa.Table.from_arrays([pa.array([0, 1] * 50), pa.array([0, 1] * 50)], names=["y", "y"])
    with pytest.raises(ProjectError, match="--label y"):
        found(table, "y")


def test_columns_of_other_types_and_without_values_are_left_out() -> None:
    """Lists cannot be copied; what holds nothing would block validation."""
    table = pa.table({"l": [[1]] * 100, "n": pa.nulls(100, pa.float64()), "x": range(100), "y": [0, 1] * 50})
    founded = found(table, "y")
    assert {line.split(":")[0] for line in founded.left_out} >= {"l", "n"}


def test_a_column_may_be_called_like_a_key_of_the_policy(tmp_path: Path) -> None:
    """The parameters load, and its rule is its own."""
    notes = [f"they said number {number} was too much for them" for number in range(100)]
    founded = found(pa.table({"reason": notes, "w": [number % 7 for number in range(100)], "y": [0, 1] * 50}), "y")
    (tmp_path / "params.yaml").write_text(founded.files["params.yaml"])
    assert load_params(tmp_path / "params.yaml").masking.tables["rows"].columns["reason"].transform == "drop"


def test_an_id_that_recurs_is_an_entity_and_a_code_is_none() -> None:
    """Two rows for each of a study's patients: `id` names them; `site_id` has a few values only, and is a category."""
    rows = 4000
    table = pa.table(
        {
            "site_id": [row % 7 for row in range(rows)],
            "id": [row // 2 for row in range(rows)],
            "x": [row * 37 % 101 for row in range(rows)],
            "status": [row * 13 % 5 < 2 for row in range(rows)],
        }
    )
    assert found(table, "status").roles.entity == "id"
    assert found(table.drop_columns(["id"]), "status").roles.entity is None


def test_entities_are_counted_and_not_estimated() -> None:
    """Their number is what a newcomer holds the guess against."""
    numbers = range(6000)
    columns = {"customer_id": [n * 7 % 1500 for n in numbers], "x": [n % 11 for n in numbers], "y": [n % 7 < 3 for n in numbers]}
    assert "it recurs: 1,500 of them in 6,000 rows" in found(pa.table(columns), "y").roles.reasons["entity"]


def test_an_entity_of_which_one_has_most_rows_is_none() -> None:
    """A company that nine in ten rows lack would put them all into one part; it is said."""
    rows = 1000
    company = ["none" if row % 10 else f"company {row}" for row in range(rows)]
    table = pa.table({"company": company, "x": [row * 37 % 101 for row in range(rows)], "y": [row % 5 < 2 for row in range(rows)]})
    roles = found(table, "y").roles
    assert roles.entity is None
    assert "company is none, since one value" in roles.reasons["entity"]


def test_parts_of_a_time_are_pointed_at() -> None:
    """Year, month and day in columns of their own are no time yet."""
    rows = range(200)
    table = pa.table({"year": [2000 + r % 9 for r in rows], "month": [1 + r % 12 for r in rows], "y": [r % 5 < 2 for r in rows]})
    assert "year, month hold parts of one" in found(table, "y").roles.reasons["time"]


@pytest.mark.slow
def test_columns_beyond_the_most_features_are_counted() -> None:
    """A table of a thousand measurements: the first 500 are features, and it is said."""
    table = pa.table({f"m{n}": [(row + n) % 7 for row in range(60)] for n in range(520)} | {"y": [0, 1] * 30})
    founded = found(table, "y")
    assert len(founded.proposal.features) == 500
    assert [line for line in founded.left_out if line.startswith("20 columns from m500 on are no features")]


def test_a_column_of_nearly_one_value_is_no_slice() -> None:
    """Its other rows would be withheld, or too few to tell anything."""
    numbers = range(4000)
    columns = {"x": numbers, "rare": [n % 100 == 0 for n in numbers], "even": [n % 3 == 0 for n in numbers]}
    founded = found(pa.table({**columns, "y": [n % 7 < 3 for n in numbers]}), "y")
    assert founded.proposal.params["evaluation"]["slices"] == ["even"]


@pytest.mark.parametrize(("days", "is_feature"), [(60, False), (600, True)])
def test_a_day_of_which_masking_leaves_one_year_is_no_feature(days: int, is_feature: bool) -> None:
    """The folders of a lake say which day; kept to the year, the days of two months are one value."""
    moments = [datetime(2024, 1, 1, tzinfo=timezone.utc) + timedelta(days=number * days / 1200) for number in range(1200)]
    columns = {"at": moments, "day": [moment.date() for moment in moments], "x": range(1200)}
    founded = found(pa.table({**columns, "y": [number % 7 < 3 for number in range(1200)]}), "y")
    assert ("day" in founded.proposal.features) == is_feature
    assert ("day is no feature: one value only after masking" in founded.left_out) != is_feature


def test_a_strong_feature_is_kept_and_said() -> None:
    """A tumour's perimeter tells malignant from benign almost alone, as honest measurements do: it is named, not taken away."""
    founded = found(own_lakes.breast_cancer(), "benign")
    assert founded.excluded == {}
    assert "alone tells the label with an AUC of" in founded.roles.reasons["look at"]


def test_a_date_will_do_for_a_time() -> None:
    """Parts are made of it, but no hour; when a row was known is when its file appeared."""
    days = [datetime(2025, 1, 1).date() + timedelta(days=number // 3) for number in range(300)]
    founded = found(pa.table({"day": days, "w": [number % 7 for number in range(300)], "y": [0, 1] * 150}), "y")
    assert (founded.roles.time, founded.roles.known) == ("day", "lake_file_utc")
    assert list(founded.proposal.params["splits"]) == ["by_time"]
    assert {"weekday", "month"} <= set(founded.proposal.features)
    assert "hour" not in founded.proposal.features


def test_a_table_with_nothing_to_learn_from_is_refused() -> None:
    """The label alone is no data."""
    with pytest.raises(ProjectError) as caught:
        found(pa.table({"y": [0, 1] * 50}), "y")
    assert "learn from" in caught.value.found


def test_what_became_of_each_column_is_said_where_none_is_left() -> None:
    """Names that stand twice, people's names, and a copy of the label, each by name."""
    rows = 400
    names = [
        f"{first} {last}" for first in ("Anna", "Ben", "Clara", "David") for last in ("Smith", "Jones", "Brown", "Clark", "Hall")
    ]
    values = [pa.array([int(number % 3 == 0) for number in range(rows)])] * 3
    table = pa.Table.from_arrays([*values, pa.array(names * (rows // 20)), values[0]], ["a", "a", "copy", "name", "y"])
    with pytest.raises(ProjectError) as caught:
        found(table, "y")
    assert "a: left out: it stands more than once" in caught.value.found
    assert "name: dropped by masking (100% of its distinct values are names of people" in caught.value.found
    assert "copy: gives the label away" in caught.value.found


def _tables(**columns: tuple[str, ...]) -> list[LakeTable]:
    return [LakeTable(name, names, lambda: Reading(pa.table({}))) for name, names in columns.items()]


def test_the_table_that_holds_the_label_is_found() -> None:
    """By the exact name first, by another case then."""
    tables = _tables(a=("Label",), b=("label", "x"), c=("y",))
    assert choose_table(tables, None, "label").name == "b"
    assert choose_table(tables, None, "Y").name == "c"
    assert choose_table(tables, "a", "label").name == "a"


@pytest.mark.parametrize(("wanted", "label"), [(None, "z"), (None, "x"), ("q", "x")])
def test_a_label_of_no_table_or_of_several_is_refused(wanted: str | None, label: str) -> None:
    """The tables are named."""
    with pytest.raises(WindtunnelError, match="--"):
        choose_table(_tables(a=("x",), b=("x",)), wanted, label)
