"""What nobody hopes for, under every transform at once: masked as documented, or refused in words that show no value."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from masking_policies import KEY, policy, rule
from pydantic import TypeAdapter, ValidationError

from tasks.errors import MaskingError
from tasks.masking import MaskingKey, mask_table, policy_hash, treat_columns
from tasks.params.masking import MaskingParams, TablePolicy
from tasks.params.masking_rules import ColumnRule

RULES: dict[str, dict[str, Any]] = {
    "redact": {},
    "constant": {"value": "x"},
    "token": {},
    "encrypt": {"alphabet": "alphanumeric", "keep": " "},
    "encrypt digits": {"digits": 9},
    "fake": {"list": "town"},
    "date_shift": {"per": "id", "max_days": 30},
    "date_part": {"part": "month"},
    "generalise": {"keep_prefix": 2},
    "generalise width": {"width": 5},
    "generalise to": {"to": "decade"},
    "bucket": {"edges": [0, 10]},
    "round": {"step": 10},
    "clip": {"low": 0, "high": 10},
    "noise": {"per": "id", "scale": 1.0},
    "shuffle": {"per": "id"},
}
SECRET_TEXT = "Zx9Qw7Kp"


def _mask(name: str, values: pa.Array) -> pa.ChunkedArray:
    rules = policy({"a": rule(name.split(maxsplit=1)[0], **RULES[name])})
    table = pa.table({"id": pa.array(range(len(values)), pa.int64()), "a": values})
    return mask_table("t", table, rules, KEY).column("a")


def _not_utf8(*texts: bytes) -> pa.Array:
    """Strings as a careless writer leaves them in Parquet: Arrow does not look at their bytes when it reads them."""
    return pa.Array.from_buffers(pa.string(), len(texts), pa.array(texts, pa.binary()).buffers())


TEXTS = {
    "a lone surrogate": _not_utf8(SECRET_TEXT.encode() + b"\xed\xa0\x80", b"other12"),
    "cut UTF-8": _not_utf8(SECRET_TEXT.encode() + b"\xc3", b"other12"),
    "a NUL byte": pa.array([SECRET_TEXT + "\0x", "other12"]),
    "one megabyte": pa.array([SECRET_TEXT * 131_072, "other12"]),
    "empty beside NULL": pa.array(["", None]),
    "right to left and emoji": pa.array(["\u202e\U0001f468\u200d\U0001f469" + SECRET_TEXT, "other12"]),
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("what", TEXTS)
def test_strange_texts(name: str, what: str) -> None:
    """A cell for each row, NULL where NULL was, or an error that shows nothing; never a crash, nor the text itself."""
    values = TEXTS[what]
    try:
        masked = _mask(name, values)
    except MaskingError as error:
        assert SECRET_TEXT not in str(error)
        assert "t.a" in error.thing
        return
    assert len(masked) == len(values)
    if name != "shuffle":
        assert masked.is_valid().to_pylist() == values.is_valid().to_pylist()
        assert all(SECRET_TEXT.encode() not in bytes(str(cell), "utf-8") for cell in masked.to_pylist())


@pytest.mark.parametrize("name", ["token", "encrypt", "fake", "generalise"])
@pytest.mark.parametrize("what", ["a lone surrogate", "cut UTF-8"])
def test_text_that_is_no_utf8_stops_the_run(name: str, what: str) -> None:
    """Whatever reads the text cannot: nothing is passed on unread."""
    with pytest.raises(MaskingError, match=r"t\.a"):
        _mask(name, TEXTS[what])


@pytest.mark.parametrize("what", TEXTS)
def test_strange_free_texts(what: str) -> None:
    """What cannot be read stops the run; of the rest each cell stays a text, and an address in it is found."""
    rules = policy({"a": rule("text", "free_text")})
    values = TEXTS[what]
    table = pa.table({"id": pa.array(range(len(values)), pa.int64()), "a": values})
    if "surrogate" in what or "UTF-8" in what:
        with pytest.raises(MaskingError, match=r"t\.a"):
            mask_table("t", table, rules, KEY)
        return
    mailed = pc.binary_join_element_wise(values, "anna@example.org", " ")
    masked = mask_table("t", table.set_column(1, "a", mailed), rules, KEY).column("a")
    assert masked.is_valid().to_pylist() == values.is_valid().to_pylist()
    assert all("anna" not in cell and "[email-" in cell for cell in masked.to_pylist() if cell is not None)


@pytest.mark.parametrize("number", [1.7e308, -1.7e308, 5e-324, float("inf"), float("-inf")])
def test_floats_at_the_end_of_their_type(number: float) -> None:
    """Nothing is made infinite that was not, infinities stay, and nobody is warned."""
    rules = policy({"a": rule("round", step=0.1), "b": rule("noise", per="id", scale=0.001, relative=True)})
    masked = mask_table("t", pa.table({"id": [1], "a": [number], "b": [number]}), rules, KEY)
    assert masked["a"][0].as_py() == (number if abs(number) > 1 else 0)
    assert masked["b"][0].as_py() == pytest.approx(number, rel=0.01)


def test_empty_text_is_no_null() -> None:
    """An empty text is a value: it has a token, a fake and a redaction; NULL has none."""
    for name in ("redact", "token", "fake", "constant"):
        empty, missing = _mask(name, pa.array(["", None])).to_pylist()
        assert empty
        assert missing is None
    for name in ("encrypt", "generalise"):
        assert _mask(name, pa.array(["", None])).to_pylist() == ["", None]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("rows", [0, 3])
def test_columns_of_only_null(name: str, rows: int) -> None:
    """Of Arrow's null type or of their own: as many NULLs."""
    for kind in (pa.null(), pa.string(), pa.int64(), pa.date32()):
        try:
            masked = _mask(name, pa.nulls(rows, kind))
        except MaskingError as error:
            assert kind != pa.null()
            assert error.found == f"type {kind}"
        else:
            assert (len(masked), masked.null_count) == (rows, rows)


VALUES = st.one_of(
    st.lists(st.none() | st.text(max_size=8), max_size=5).map(lambda v: pa.array(v, pa.string())),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=5).map(lambda v: pa.array(v, pa.int64())),
    st.lists(st.none() | st.integers(0, 2**64 - 1), max_size=5).map(lambda v: pa.array(v, pa.uint64())),
    st.lists(st.none() | st.floats(), max_size=5).map(lambda v: pa.array(v, pa.float64())),
    st.lists(st.none() | st.dates(), max_size=5).map(lambda v: pa.array(v, pa.date32())),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=5).map(
        lambda v: pa.array(v, pa.int64()).cast(pa.timestamp("us", "UTC"))
    ),
    st.lists(st.none() | st.booleans(), max_size=5).map(lambda v: pa.array(v, pa.bool_())),
    st.lists(st.none() | st.binary(max_size=5), max_size=5).map(lambda v: pa.array(v, pa.binary())),
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(RULES)), VALUES)
def test_any_value_is_masked_or_refused(name: str, values: pa.Array) -> None:
    """Whatever the type: a valid column of as many cells, the same again, or an error of ours."""
    try:
        masked = _mask(name, values)
    except MaskingError as error:
        assert error.next_step
        return
    masked.validate(full=True)
    assert len(masked) == len(values)
    assert masked.null_count >= values.null_count
    assert masked.equals(_mask(name, values)) or pa.types.is_floating(masked.type)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_master_key_of_another_length_is_refused(length: int) -> None:
    """32 bytes, whoever makes it."""
    with pytest.raises(ValueError, match="32 bytes"):
        MaskingKey("x", bytes(length))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["quasi", "safe", "id", "digits"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
SETTINGS = sorted(
    {name for kind in RULES.values() for name in kind} | {"class", "reason", "low", "high", "domain", "luhn", "labels"}
)
TRANSFORMS = sorted({name.split()[0] for name in RULES} | {"keep", "drop", "suppress", ""})


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TRANSFORMS), st.dictionaries(st.sampled_from(SETTINGS), JSON, max_size=4), st.booleans())
def test_any_rule_is_understood_or_refused(transform: str, told: dict, is_plausible: bool) -> None:
    """No rule of any shape is a crash; what is understood says all of its settings in its words."""
    known = next((dict(kind) for name, kind in RULES.items() if name.split()[0] == transform), {})
    raw = {"class": "quasi", "transform": transform, **(known if is_plausible else {}), **told}
    try:
        found = TypeAdapter(ColumnRule).validate_python(raw)
    except ValidationError:
        return
    again: Any = TypeAdapter(ColumnRule).validate_python(found.model_dump(by_alias=True))
    assert again == found


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(["safe", "reason", "suppress", "a", "A", "b"]), JSON | st.just(rule("redact")), max_size=4),
    st.dictionaries(st.sampled_from(["x", "t.a", "T"]), JSON | st.just(["t.b"]), max_size=2),
)
def test_any_policy_is_understood_or_refused(table: dict, domains: dict) -> None:
    """Undeclared columns go in each that is understood, and no two names in it differ only by case."""
    raw = {"key": {"env": "E", "file": "f", "id": "k"}, "domains": domains, "tables": {"t": {"reason": "public", **table}}}
    try:
        found = MaskingParams.model_validate(raw)
    except ValidationError:
        return
    names = (*found.tables["t"].safe, *found.tables["t"].columns)
    assert len({name.casefold() for name in names}) == len(names)
    assert all(treatment.is_dropped for treatment in treat_columns(found, "t", ["nobody named this"]))


@pytest.mark.parametrize("names", [("Mail", "mail"), ("stra\u00dfe", "STRASSE"), ("a", "A")])
def test_names_that_differ_only_by_case_are_refused(names: tuple[str, str]) -> None:
    """In a table's rules, in its safe columns, and between the two."""
    one, other = names
    for columns in ({one: rule("drop"), other: rule("drop")}, {"safe": [one], other: rule("drop")}, {"safe": [one, other]}):
        with pytest.raises(ValidationError, match="differ only by case"):
            TablePolicy.model_validate({"reason": "public", **columns})


def test_policy_hash_covers_every_setting() -> None:
    """Two rules that differ in any setting have different hashes, so that no partition of the one passes for the other's."""
    every = {
        "constant": [{"value": v} for v in ("", "true", True, 1, 1.0, "1", False, 0)],
        "encrypt": [
            *({"alphabet": "digits", **more} for more in ({}, {"keep": "-"}, {"luhn": True}, {"domain": "x"}, {"keep": "- "})),
            {"alphabet": "lower"},
            {"digits": 9},
            {"digits": 10},
        ],
        "fake": [
            *({"list": "town", **more} for more in ({}, {"unique": True}, {"domain": "x"})),
            {"list": "email"},
            {"file": "x", "sha256": "0"},
            {"file": "x", "sha256": "1"},
        ],
        "date_part": [{"part": "month"}, {"part": "year"}],
        "bucket": [{"edges": [1]}, {"edges": [1, 2]}, {"edges": [1], "labels": ["a", "b"]}, {"edges": [1], "labels": ["a", "c"]}],
        "round": [{"step": 1}, {"step": 2}],
        "clip": [{"low": 0}, {"high": 0}, {"low": 0, "high": 1}],
        "noise": [
            {"per": "id", "scale": 1, **more}
            for more in (
                {},
                {"per": ["id", "b"]},
                {"scale": 2},
                {"relative": True},
                {"distribution": "laplace"},
                {"low": 0},
                {"high": 0},
            )
        ],
        "shuffle": [{"per": "id"}, {"per": "b"}, {"per": "id", "within": ["b"]}],
    }
    rules = [rule(transform, **setting) for transform, kinds in every.items() for setting in kinds]
    hashes = [policy_hash(treat_columns(policy({"a": one}), "t", ["a"])) for one in rules]
    assert len(set(hashes)) == len(rules)
    suppressions = [{"columns": ["a"], "k": 2, **more} for more in ({}, {"k": 3}, {"per": "id"}, {"what": "rows"})]
    found = set()
    for suppression in suppressions:
        made = policy({"a": rule("redact"), "suppress": suppression})
        found.add(policy_hash(treat_columns(made, "t", ["a"]), made.tables["t"].suppress))
    assert len(found) == len(suppressions)
