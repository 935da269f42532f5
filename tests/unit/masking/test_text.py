"""The transform ``text``: people in texts become tokens, the same wherever they are read."""

import builtins
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masking_policies import KEY, OTHER_KEY, expected_token, policy, rule

from tasks.errors import MaskingError
from tasks.masking import mask_table
from tasks.masking.policy import policy_hash, treat_columns
from tasks.masking.transforms import presidio
from tasks.params.masking import MaskingParams

NOTE = rule("text", "free_text", names_in=["name", "email"])
POLICY = policy({"note": NOTE, "name": rule("drop", "identifier"), "email": rule("token", "identifier")})


def _mask(
    notes: list[str | None], params: MaskingParams = POLICY, key: object = KEY, **columns: list[str | None]
) -> list[str | None]:
    values = {"name": [None] * len(notes), "email": [None] * len(notes)} | columns
    table = pa.table({"note": pa.array(notes, pa.string()), **{name: pa.array(v, pa.string()) for name, v in values.items()}})
    return mask_table("t", table, params, key).column("note").to_pylist()


def _person(name: str) -> str:
    return f"[person-{expected_token('t.name', name)[:8]}]"


def test_golden() -> None:
    """The token's digits are those of the token in the column's own domain."""
    assert _mask(["Wheelchair for Zzyx Qwort."], name=["Zzyx Qwort"]) == [f"Wheelchair for {_person('Zzyx Qwort')}."]


def test_text_and_column_agree() -> None:
    """A mentioned address reads as the masked column of addresses does."""
    table = pa.table({"note": ["mail JO@X.org now"], "name": ["Jo"], "email": ["jo@x.org"]})
    masked = mask_table("t", table, POLICY, KEY)
    token = masked.column("email")[0].as_py()
    assert masked.column("note").to_pylist() == [f"mail [email-{token[:8]}] now"]


def test_a_person_reads_the_same_in_anybodys_text() -> None:
    """In the own row by the column, in another row by the lists, in capitals by either."""
    found = _mask(["Anna Schmidt", "with Anna Schmidt", "ANNA SCHMIDT"], name=["Anna Schmidt", "Olga Ng", None])
    assert found == [_person("Anna Schmidt"), f"with {_person('Anna Schmidt')}", _person("Anna Schmidt")]


def test_domains_join_texts_across_tables() -> None:
    """Two tables whose columns share a domain give one token for one person."""
    both = MaskingParams.model_validate(
        {
            "key": {"env": "NO", "file": "k", "id": "test-1"},
            "domains": {"person": ["a.name", "b.customer_name"]},
            "tables": {
                "a": {"reason": "x", "note": rule("text", "free_text", names_in=["name"])},
                "b": {"reason": "x", "note": rule("text", "free_text", names_in=["customer_name"])},
            },
        }
    )
    a = mask_table("a", pa.table({"note": ["Zzyx"], "name": ["Zzyx"]}), both, KEY).column("note").to_pylist()
    b = mask_table("b", pa.table({"note": ["ask Zzyx!"], "customer_name": ["Zzyx"]}), both, KEY).column("note").to_pylist()
    assert b == [f"ask {a[0]}!"]


def test_given_names_and_surnames_of_their_own_columns() -> None:
    """Each word in the domain of the column that has it."""
    params = policy({"note": rule("text", "free_text", names_in=["first_name", "last_name"])})
    table = pa.table({"note": ["Anna Zzyx", "Anna or Schmidt"], "first_name": ["Anna", "Olga"], "last_name": ["Zzyx", "Ng"]})
    given, family = (expected_token(f"t.{column}", name)[:8] for column, name in (("first_name", "Anna"), ("last_name", "Schmidt")))
    masked = mask_table("t", table, params, KEY).column("note").to_pylist()
    assert masked[0].startswith(f"[person-{given}] [person-")
    assert masked[1] == f"[person-{given}] or [person-{family}]"


def test_null_and_empty_stay() -> None:
    """A missing text is no text; a column of only NULL is one."""
    assert _mask([None, "", " "]) == [None, "", " "]
    table = pa.table({"note": pa.nulls(2), "name": ["a", "b"], "email": ["a", "b"]})
    assert mask_table("t", table, POLICY, KEY).column("note").to_pylist() == [None, None]
    assert mask_table("t", table.slice(0, 0), POLICY, KEY).num_rows == 0


def test_values_that_are_no_texts_are_compared_as_such() -> None:
    """A number of a customer in the note."""
    params = policy({"note": rule("text", "free_text", names_in=["customer_no"])})
    table = pa.table({"note": ["about 1234567", "about 7654321"], "customer_no": [1234567, 1]})
    masked = mask_table("t", table, params, KEY).column("note").to_pylist()
    assert masked == [f"about [customer_no-{expected_token('t.customer_no', '1234567')[:8]}]", "about 7654321"]


def test_another_key_gives_other_tokens() -> None:
    """Nobody without the key can make the table of who is who."""
    assert _mask(["Anna"]) != _mask(["Anna"], key=OTHER_KEY)


@pytest.mark.slow
def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row's text is the same whatever rows come with it."""
    notes = [f"Anna {word} Schmidt{place}" for place, word in enumerate(("and", "or", "") * 20)]
    whole = _mask(notes)
    monkeypatch.setattr("tasks.masking.transforms.text._BATCH_BYTES", 50)
    assert _mask(notes) == whole == [text for note in notes for text in _mask([note])]


@pytest.mark.slow
@given(st.text(max_size=40), st.text(max_size=12))
@settings(max_examples=40, deadline=None)
def test_any_text_is_masked_and_the_own_name_is_gone(text: str, around: str) -> None:
    """Whatever stands around it but letters, digits and marks; and masking what is masked changes nothing."""
    (once,) = _mask([f"{text} Zzyxwq {around}"], name=["Zzyxwq"])
    assert "zzyxwq" not in once.lower()
    assert _mask([once], name=["Zzyxwq"]) == [once]


def test_a_named_column_must_be_there() -> None:
    """Without it the own name could not be found; and a number is no text."""
    with pytest.raises(MaskingError, match="text per email"):
        mask_table("t", pa.table({"note": ["x"], "name": ["x"]}), POLICY, KEY)
    with pytest.raises(MaskingError, match="text for the transform text"):
        mask_table("t", pa.table({"note": [1], "name": ["x"], "email": ["x"]}), POLICY, KEY)


def test_only_free_text_is_treated_so() -> None:
    """The class and the transform belong together."""
    with pytest.raises(ValueError, match="free_text"):
        policy({"note": rule("text", "quasi")})


def test_domains_of_named_columns_are_part_of_the_policy() -> None:
    """Another domain is another token, so that partitions are masked anew."""
    shared = MaskingParams.model_validate(
        POLICY.model_dump(by_alias=True) | {"domains": {"who": ["t.name"]}} | {"tables": {"t": {"reason": "x", "note": NOTE}}}
    )
    assert policy_hash(treat_columns(POLICY, "t", ("note",))) != policy_hash(treat_columns(shared, "t", ("note",)))


def test_presidio_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra to install."""
    real = builtins.__import__

    def without(name: str, *arguments: object, **named: object) -> object:
        if name.startswith(("presidio", "spacy")):
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    presidio._load.cache_clear()
    with pytest.raises(MaskingError) as caught:
        _mask(["x"], policy({"note": NOTE | {"detector": "presidio"}}))
    assert "windtunnel[text]" in str(caught.value)
    presidio._load.cache_clear()


@pytest.mark.presidio
def test_presidio_finds_more() -> None:
    """What only it knows is replaced, what was replaced stays; the same in each row."""
    pytest.importorskip("presidio_analyzer")
    found = _mask(["Anna has wallet 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ", None], policy({"note": NOTE | {"detector": "presidio"}}))
    assert found[1] is None
    assert re.fullmatch(r"\[person-[0-9a-f]{8}\] has wallet \[crypto-[0-9a-f]{8}\]", found[0])
