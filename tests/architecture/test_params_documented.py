"""docs/params.md says of params.yaml what the models in tasks/params do: every key, its default, its values, its errors."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
import yaml
from pydantic.fields import FieldInfo

from tasks.errors import ParameterError
from tasks.evaluation import METRICS
from tasks.params import Params, load_params
from tasks.params.base import Section
from tasks.params.masking import TablePolicy

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/params.md").read_text()
ROWS = [
    (key, kind, default, meaning)
    for key, kind, default, meaning in re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TEXT, re.M)
]
DOCUMENTED = {re.sub("<[a-z]+>", "<>", key): (kind, default, meaning) for key, kind, default, meaning in ROWS}


def _alternatives(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows, without ``Annotated`` and unions around them."""
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _alternatives(part)
    else:
        yield annotation


def _keys(model: type[Section], prefix: str = "") -> Iterator[tuple[str, FieldInfo, Any]]:
    """Every leaf below ``model`` as (key with ``<>`` for names that users choose, field, type)."""
    for name, field in model.model_fields.items():
        is_flat = model is TablePolicy and name == "columns"  # in the file, rules stand beside `safe` and `reason`
        key = prefix if is_flat else f"{prefix}{field.alias or name}."
        for kind in _alternatives(field.annotation):
            if get_origin(kind) is dict and any(_is_section(value) for value in _alternatives(get_args(kind)[1])):
                for value in _alternatives(get_args(kind)[1]):
                    yield from _keys(value, f"{key}<>.")
            elif _is_section(kind):
                yield from _keys(kind, key)
            elif key == "masking.domains.":
                yield "masking.domains.<>", field, kind
            elif kind is not type(None):
                yield key.removesuffix("."), field, kind


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


KEYS = list(_keys(Params))


def test_every_key_is_documented_and_every_documented_key_exists() -> None:
    """No field of a section is left out, and none is made up."""
    assert set(DOCUMENTED) == {key for key, _, _ in KEYS}


def test_no_key_is_documented_twice() -> None:
    """Two rows on one key could contradict each other."""
    assert len(ROWS) == len(DOCUMENTED)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "none" if value is None else json.dumps(value)


@pytest.mark.parametrize("key", sorted({key for key, _, _ in KEYS}))
def test_documented_default_is_the_fields(key: str) -> None:
    """What is called required has no default, and every default is the one that is used."""
    documented = {default.strip().strip("`") for default in DOCUMENTED[key][1].split(" or ")}
    assert documented == {_default(field) for name, field, _ in KEYS if name == key}


def test_closed_sets_of_values_are_listed() -> None:
    """Each value that a key may take stands in its row."""
    wanted = [(key, str(value)) for key, _, kind in KEYS if get_origin(kind) is Literal for value in get_args(kind)]
    assert [(key, value) for key, value in wanted if f"`{value}`" not in " ".join(DOCUMENTED[key])] == []


@pytest.mark.parametrize("task", METRICS)
def test_metrics_of_each_task_are_listed_with_their_direction(task: str) -> None:
    """Each metric stands in its task's row, and those of which less is better are marked."""
    [listed] = re.findall(rf"^\| `{task}` \| (`.*) \|$", TEXT, re.M)
    for name, metric in METRICS[task].items():
        assert (f"`{name}` ↓" if metric.direction == "lower_is_better" else f"`{name}`") in listed


def _set(dotted: str, value: object) -> Callable[[dict[str, Any]], object]:
    *parents, last = dotted.split(".")

    def change(content: dict[str, Any]) -> None:
        for name in parents:
            content = content[name]
        content[last] = value

    return change


def _delete(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda content: content.pop(name)


BOUND = {"metric": "roc_auc", "min_rows": 1, "critical": True}
HASH_SPLIT = {"kind": "keyed_hash", "unit": "tailnum", "salt": "v1", "why": "x"}
TIME_SPLIT = {"kind": "time", "column": "scheduled_utc", "why": "x"}
RECIPE = {"split": "by_time", "part": "train"}
FUNCTION = {"function": "f", "file": "f.py", "sha256": "0", "takes": ["hour"], "gives": {"x": "number"}}
SHIFT = {"class": "quasi", "transform": "date_shift", "max_days": 3}
DROP = {"class": "quasi", "transform": "drop"}
QUASI = {"class": "quasi", "transform": "generalise"}
BUCKET = {"class": "quasi", "transform": "bucket", "edges": [18, 65]}
ENCRYPT = {"class": "identifier", "transform": "encrypt"}
FAKE = {"class": "identifier", "transform": "fake"}
NOISE = {"class": "sensitive", "transform": "noise", "per": "booking_id", "scale": 1}
CLIP = {"class": "quasi", "transform": "clip"}
FOLDS = {"kind": "kfold", "k": 3, "salt": "v1", "why": "x"}
FOREST = {"estimator": "sklearn.ensemble.RandomForestClassifier", "split": "folds", "part": "fold_1"}


def _all_folds(challenger: dict[str, Any]) -> Callable[[dict[str, Any]], object]:
    """All folds judged, and a challenger that cannot be."""

    def change(content: dict[str, Any]) -> None:
        content["splits"]["folds"] = FOLDS
        content["evaluation"] |= {"split": "folds", "part": "all folds"}
        content["models"]["challenger"] = challenger

    return change


def _drift_of_folds(content: dict[str, Any]) -> None:
    """All folds judged, and a criterion on drift."""
    _all_folds({**FOREST, "part": "other folds"})(content)
    content["gates"]["criteria"]["drift"] = {"drift": "psi", "most": 0.2, "min_rows": 1, "critical": False}


def _mcnemar(test: dict[str, float], cluster: str) -> Callable[[dict[str, Any]], None]:
    """A criterion on accuracy by McNemar, with rows clustered so."""

    def change(content: dict[str, Any]) -> None:
        content["evaluation"]["metrics"].append("accuracy")
        content["evaluation"]["interval"]["cluster"] = cluster
        content["gates"]["criteria"]["idle"] = {**BOUND, "metric": "accuracy", "method": "mcnemar", **test}

    return change


def _weighted(content: dict[str, Any]) -> None:
    content["features"]["columns"]["sample_weight"] = {"take": "flights.distance"}
    content["models"]["challenger"]["weight"] = "distance"


MISTAKES: dict[str, Callable[[dict[str, Any]], object]] = {
    "Extra inputs are not permitted": _set("refresh.often", True),
    "Field required": _delete("seed"),
    "Input should be a valid integer, unable to parse string as an integer": _set("refresh.keep", "many"),
    "as_of_utc needs a zone, for example 2013-10-31T00:00:00Z": _set("snapshot.as_of_utc", "2013-10-31T00:00:00"),
    "an endpoint is http:// or https://, a host and perhaps a port": _set("snapshot.s3", {"endpoint": "localhost:9000"}),
    "is not in columns": _set("snapshot.tables.flights.late", ["gate"]),
    "two names are equal, or differ only by case": _set(
        "snapshot.tables.planes.columns", ["tailnum", "listed_utc", "Seats", "seats", "year_built"]
    ),
    "a plain path relative to the lake, for example raw/sales/*.csv": _set("snapshot.tables.flights.path", "../other"),
    "no encoding is called 'utf-9'": _set("snapshot.tables.flights.csv", {"encoding": "utf-9"}),
    "one ASCII character that ends no line": _set("snapshot.tables.flights.csv", {"delimiter": "\n"}),
    "delimiter: it must differ from quote and from decimal": _set("snapshot.tables.flights.csv", {"decimal": ","}),
    "is no column of a file; its type is fixed": lambda content: content["snapshot"]["tables"]["flights"].update(
        columns=[*content["snapshot"]["tables"]["flights"]["columns"], "lake_row"], types={"lake_row": "string"}
    ),
    "no such column in snapshot.tables.bookings.columns": _set(
        "masking.tables.bookings.iban", {"class": "quasi", "transform": "drop"}
    ),
    "no such table in snapshot.tables": _set("masking.tables.crews", {"safe": [], "reason": "x"}),
    "both safe and under a rule": _set("masking.tables.bookings.booked_utc", DROP),
    "is in flight and in booking": _set("masking.domains.booking", ["bookings.booking_id", "bookings.flight_id"]),
    "a column has one treatment": _set("masking.tables.bookings.safe", ["booking_id"]),
    "date_shift would move the table's time or known column": lambda content: content["masking"]["tables"]["bookings"].update(
        safe=["loyalty_tier"], booked_utc={**SHIFT, "per": "loyalty_no"}
    ),
    "date_shift needs another column in": _set("masking.tables.bookings.birth_date", {**SHIFT, "per": "birth_date"}),
    "generalise needs exactly one of keep_prefix, to, width": _set("masking.tables.bookings.birth_date", QUASI),
    "differ only by case": lambda content: content["masking"]["tables"]["bookings"].update(Email=DROP),
    "loyalty_tier.keep.reason": lambda content: content["masking"]["tables"]["bookings"].update(
        safe=["booked_utc"], loyalty_tier={"class": "safe", "transform": "keep"}
    ),
    "encrypt needs an alphabet for texts, or digits for whole numbers": _set("masking.tables.bookings.email", ENCRYPT),
    "encrypt: keep and luhn go with an alphabet": _set("masking.tables.bookings.email", {**ENCRYPT, "digits": 9, "keep": "-"}),
    "encrypt: alphabet has two characters or more, none of them twice, and none of keep": _set(
        "masking.tables.bookings.email", {**ENCRYPT, "alphabet": "lower", "keep": "a"}
    ),
    "encrypt: alphabet and keep have no characters that combine with others": _set(
        "masking.tables.bookings.email", {**ENCRYPT, "alphabet": "e\u0301"}
    ),
    "encrypt: luhn goes with alphabet: digits": _set(
        "masking.tables.bookings.email", {**ENCRYPT, "alphabet": "lower", "luhn": True}
    ),
    "a domain has one algorithm with one setting": _set(
        "masking.tables.bookings.email", {**ENCRYPT, "alphabet": "lower", "domain": "passenger"}
    ),
    "fake needs a list by its name, or a file of yours": _set("masking.tables.bookings.email", FAKE),
    "fake: file and sha256 go together": _set("masking.tables.bookings.email", {**FAKE, "file": "lists/towns.txt"}),
    "fake: file is a plain path relative to the project": _set(
        "masking.tables.bookings.email", {**FAKE, "file": "../towns.txt", "sha256": "0"}
    ),
    "list of fakes lists/towns.txt": _set("masking.tables.bookings.email", {**FAKE, "file": "lists/towns.txt", "sha256": "0"}),
    "noise: low must be below high": _set("masking.tables.bookings.email", {**NOISE, "low": 2, "high": 1}),
    "does not leave; name columns that do": _set("masking.tables.bookings.suppress", {"columns": ["email"], "k": 5}),
    "splits and labels need all rows of this table": _set(
        "masking.tables.flights.suppress", {"columns": ["carrier"], "k": 5, "what": "rows"}
    ),
    "is of the table's key, time or known; rows need it": _set(
        "masking.tables.bookings.suppress", {"columns": ["booked_utc"], "k": 5}
    ),
    "edges: each must be above the one before": _set("masking.tables.bookings.birth_date", {**BUCKET, "edges": [65, 18]}),
    "labels: one for each band, which is one more than there are edges": _set(
        "masking.tables.bookings.birth_date", {**BUCKET, "labels": ["minor", "adult"]}
    ),
    "clip needs low, high or both": _set("masking.tables.bookings.birth_date", CLIP),
    "clip: low must be below high": _set("masking.tables.bookings.birth_date", {**CLIP, "low": 1, "high": 1}),
    "limits.person: no such domain 'ghost' in masking.domains": _set("masking.limits", {"person": "ghost"}),
    "masking.limits.quasi: no such column 'bookings.iban' in snapshot.tables": _set("masking.limits", {"quasi": ["bookings.iban"]}),
    "a domain's name is lower-case letters, digits and underscores": _set("masking.domains.Crew/1", []),
    "no such column 'flights.gate' in snapshot.tables": _set("features.columns.gate", {"take": "flights.gate"}),
    "is not of the form table.column": _set("models.champion", {"scores": "score", "version": "predictions.model_version"}),
    "shares must be positive and sum to 1": _set("splits.by_aircraft", {**HASH_SPLIT, "parts": {"train": 0.5, "test": 0.4}}),
    "name train, and validation if wanted; test is what follows the last boundary": _set(
        "splits.by_time", {**TIME_SPLIT, "boundaries": {"validation": "2013-08-01"}}
    ),
    "unit and by: name two columns": _set(
        "splits.by_aircraft",
        {"kind": "stratified", "by": "tailnum", "unit": "tailnum", "salt": "v", "why": "x", "parts": {"train": 0.5, "test": 0.5}},
    ),
    "no part 'dev'; split 'by_time' has train, validation, test": _set("models.challenger.part", ["train", "dev"]),
    "is no single part, and one is judged at a time": _set("evaluation.part", "not train"),
    "validation must end after train": _set(
        "splits.by_time", {**TIME_SPLIT, "boundaries": {"train": "2013-09-01", "validation": "2013-08-01"}}
    ),
    "name exactly one of take, part, latest, mean, count, share": _set(
        "features.columns.both", {"take": "flights.carrier", "count": "bookings", "by": ["flight_id"]}
    ),
    "a feature's name is lower-case letters, digits, underscores": _set("features.columns.label", {"take": "flights.carrier"}),
    "function: give an import path such as package.module.name, or the file that defines it": _set(
        "features.functions", {"mine": {**FUNCTION, "file": None}}
    ),
    "function: with a file it is the name that the file defines": _set(
        "features.functions", {"mine": {**FUNCTION, "function": "a.b"}}
    ),
    "is not in features.columns": _set("features.functions", {"mine": {**FUNCTION, "takes": ["gate"]}}),
    "is there already": _set("features.functions", {"mine": {**FUNCTION, "gives": {"hour": "number"}}}),
    "no such split 'by_moon'": _set("evaluation.split", "by_moon"),
    "name scores and version, or model and view, or a recipe": _set("models.champion", {"version": "predictions.model_version"}),
    "scores and version must lie in one table": _set(
        "models.champion", {"scores": "predictions.score", "version": "flights.carrier"}
    ),
    "has no positive value; remove it": _set("label.task", "regression"),
    "a multiclass label needs a column per class": lambda content: content["label"].update(task="multiclass", positive=None),
    "label has one column of scores, table.column": _set(
        "models.champion.scores", {"on time": "predictions.score", "late": "predictions.score"}
    ),
    "name an estimator or a file, a model and its view, a score_file and its view, or a command": _set(
        "models.challenger", {"part": "train"}
    ),
    "command: its arguments must name {out}, and {score} or {score_csv}": _set(
        "models.challenger", {**RECIPE, "command": ["fit", "{out}"]}
    ),
    "files: two have one name, and all are laid into one folder": _set(
        "models.challenger", {**RECIPE, "command": ["fit", "{score}", "{out}"], "files": {"a/x": "0", "b/x": "1"}}
    ),
    "needs a split of kind kfold": _set("evaluation.part", "all folds"),
    "where all folds are judged, it is fitted on split": _all_folds(FOREST),
    "goes with evaluation.part 'all folds'": _set("models.challenger.part", "other folds"),
    "a stored model cannot be judged out of fold": _all_folds({"model": "m.skops", "sha256": "0", "view": "masked"}),
    "and becomes known later than its row": _set(
        "splits.late", {"kind": "stratified", "by": "is_late", "salt": "v1", "parts": {"train": 0.8, "test": 0.2}, "why": "x"}
    ),
    "a feature is called sample_weight already, as the weights are": _weighted,
    "name exactly one of estimator and file": _set("models.challenger", RECIPE),
    "file and sha256 go together": _set("models.challenger", {**RECIPE, "file": "a.py"}),
    "name bound, margin, relative_margin or better_by: a criterion that cannot fail judges nothing": _set(
        "gates.criteria.idle", BOUND
    ),
    "name one of margin, relative_margin and better_by": _set("gates.criteria.idle", {**BOUND, "margin": 0.1, "better_by": 0}),
    "delong is of the metric roc_auc; take expanded": _set(
        "gates.criteria.idle", {**BOUND, "metric": "brier", "margin": 0.1, "method": "delong"}
    ),
    "delong knows no weights": lambda content: (
        content["evaluation"].update(weight="distance"),
        content["gates"]["criteria"].update(idle={**BOUND, "margin": 0.1, "method": "delong"}),
    ),
    "mcnemar takes rows to be independent; evaluation.interval.cluster must be row": _mcnemar({"margin": 0.1}, "day"),
    "mcnemar compares decisions; name margin or better_by": _mcnemar({"bound": 0.1}, "row"),
    "no replicate lies so far out; evaluation.interval.replicates must be": _set(
        "gates.criteria.idle", {**BOUND, "margin": 0.1, "confidence": 0.9999}
    ),
    "needs evaluation.costs, with false_positive and false_negative": _set("evaluation.metrics", ["roc_auc", "cost@0.2"]),
    "costs: one must be above 0, or no decision could ever be wrong": _set(
        "evaluation.costs", {"false_positive": 0, "false_negative": 0}
    ),
    "it is not in evaluation.metrics, and nothing would be measured by it": _set(
        "evaluation.functions", {"net": {"function": "f", "file": "f.py", "sha256": "0", "direction": "lower_is_better"}}
    ),
    "a metric's name is lower-case letters, digits, underscores": _set(
        "evaluation.functions", {"Net": {"function": "f", "file": "f.py", "sha256": "0", "direction": "lower_is_better"}}
    ),
    "where all folds are judged there are no other rows to compare with": _drift_of_folds,
    "features: no such feature 'gate'": _set(
        "gates.criteria.drift", {"drift": "psi", "most": 0.2, "features": ["gate"], "min_rows": 1, "critical": False}
    ),
    "is not in evaluation.slices": _set("gates.criteria.by_dest", {**BOUND, "margin": 0.1, "slice": "dest"}),
    "is not in evaluation.metrics": _set("gates.criteria.precision", {**BOUND, "margin": 0.1, "metric": "pr_auc"}),
    "at least one must be critical, or nothing could ever be rejected": _set(
        "gates.criteria", {"ranking": {**BOUND, "margin": 0.1, "critical": False}}
    ),
}
REFUSED = re.findall(r"^\| [^|]+ \| `([^`]+)` \|$", TEXT.split("## What is refused")[1], re.M)


def test_every_documented_mistake_is_tried() -> None:
    """The table of mistakes and the tests of them are the same."""
    assert sorted(REFUSED) == sorted([*MISTAKES, "the key 'seed' stands twice"])


@pytest.mark.parametrize("message", MISTAKES)
def test_mistake_is_refused_in_the_documented_words(message: str, tmp_path: Path) -> None:
    """Each mistake of the table, made in the demo's own parameters, ends in its message and exit code 2."""
    content = copy.deepcopy(yaml.safe_load((ROOT / "params.yaml").read_text()))
    MISTAKES[message](content)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(ParameterError) as caught:
        load_params(path)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_key_given_twice_is_refused_in_the_documented_words(tmp_path: Path) -> None:
    """YAML would keep the last of two thresholds without a word."""
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text() + "\nseed: 1\n")
    with pytest.raises(ParameterError, match="the key 'seed' stands twice"):
        load_params(path)
