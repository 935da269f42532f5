"""What the privacy report says of each column, and when a policy is refused."""

import pytest
from masking_policies import KEY, SECRET, SHIFT, policy, rule

from tasks.errors import MaskingError
from tasks.masking import column_treatments, make_privacy_report, policy_hash, require_keys_survive, treat_columns
from tasks.params.snapshot import TableParams


def _table(*columns: str, key: tuple[str, ...] = ("id",)) -> TableParams:
    return TableParams(key=key, time=columns[-1], known=columns[-1], columns=columns)


RULES = policy(
    {
        "person": rule("token", "identifier", reason="told apart only"),
        "mail": rule("drop", "identifier", reason="not needed"),
        "note": rule("redact", "free_text"),
        "day": SHIFT,
        "zip": rule("generalise", keep_prefix=2),
        "income": rule("generalise", "sensitive", width=1000),
    },
    domains={"trip": ["t.id", "u.id"]},
    safe=("at",),
)
TABLES = {"u": _table("id", "at"), "t": _table("id", "person", "mail", "note", "day", "zip", "income", "extra", "at")}


def test_every_declared_column_is_listed() -> None:
    """In order of table and declaration, each with class, transform, domain and reason."""
    listed = [(t.table, t.column, t.column_class, t.transform, t.domain) for t in column_treatments(RULES, TABLES)]
    assert listed == [
        ("t", "id", "identifier", "token", "trip"),
        ("t", "person", "identifier", "token", "t.person"),
        ("t", "mail", "identifier", "drop", None),
        ("t", "note", "free_text", "redact", None),
        ("t", "day", "quasi", "date_shift per=person max_days=30", None),
        ("t", "zip", "quasi", "generalise keep_prefix=2", None),
        ("t", "income", "sensitive", "generalise width=1000.0", None),
        ("t", "extra", "undeclared", "drop", None),
        ("t", "at", "safe", "kept", None),
        ("u", "id", "identifier", "token", "trip"),
        ("u", "at", "undeclared", "drop", None),
    ]


def test_reasons_are_the_policys() -> None:
    """A rule's own reason, the table's for safe columns, and a plain word where nobody gave one."""
    reasons = {f"{t.table}.{t.column}": t.reason for t in column_treatments(RULES, TABLES)}
    assert (reasons["t.person"], reasons["t.at"], reasons["t.extra"]) == ("told apart only", "public", "no policy names it")
    assert "trip" in reasons["t.id"]


def test_report_names_what_was_dropped_and_what_data_it_still_is() -> None:
    """Undeclared columns by name; masked data is personal data, with the source of that; no key."""
    report = make_privacy_report(RULES, TABLES, KEY, {"t": 3}, joins=(), searched=(), findings=(), facts={})
    assert report.undeclared == ("t.extra", "u.at")
    assert (report.key_id, report.key_fingerprint, report.rows) == ("test-1", KEY.fingerprint, {"t": 3})
    assert "still personal data" in report.statement
    assert "recital 26" in report.statement
    assert SECRET.hex() not in report.to_json()


def test_policy_hash_follows_what_a_partition_owes_to_it() -> None:
    """Settings and domains count; reasons, dropped columns and classes do not."""

    def hashed(columns: dict, **more: object) -> str:
        return policy_hash(treat_columns(policy(columns, **more), "t", ("id", "a", "b")))

    base = hashed({"a": rule("generalise", keep_prefix=2)}, domains={"x": ["t.id"]})
    assert hashed({"a": rule("generalise", keep_prefix=2, reason="new"), "b": rule("drop")}, domains={"x": ["t.id"]}) == base
    others = {
        hashed({"a": rule("generalise", keep_prefix=3)}, domains={"x": ["t.id"]}),
        hashed({"a": rule("generalise", keep_prefix=2)}, domains={"y": ["t.id"]}),
        hashed({"a": rule("generalise", keep_prefix=2)}, safe=("id",)),
        hashed({"a": rule("token")}, domains={"x": ["t.id"]}),
        hashed({"a": rule("date_shift", per="b", max_days=3)}, domains={"x": ["t.id"]}),
        hashed({"a": rule("date_shift", per="b", max_days=3)}, domains={"x": ["t.id", "t.b"]}),
    }
    assert len(others - {base}) == 6


@pytest.mark.parametrize("key_rule", [None, rule("drop"), rule("redact"), rule("generalise", keep_prefix=2), SHIFT])
def test_key_that_does_not_survive_is_refused(key_rule: dict | None) -> None:
    """Rows without their key cannot be told apart; the message proposes the domain."""
    rules = policy({"id": key_rule} if key_rule else {}, safe=("at",))
    with pytest.raises(MaskingError, match=r"t\.id") as caught:
        require_keys_survive(rules, {"t": _table("id", "person", "at")})
    assert "masking.domains.id: [t.id]" in caught.value.next_step


@pytest.mark.parametrize("kept", [{"safe": ("id", "at")}, {"domains": {"trip": ["t.id"]}}, {"columns": {"id": rule("token")}}])
def test_key_that_survives_is_accepted(kept: dict) -> None:
    """Kept as it is, or as a token, of a shared domain or its own."""
    require_keys_survive(policy(**{"safe": ("at",), **kept}), {"t": _table("id", "at")})


def test_table_that_is_dropped_whole_needs_no_key() -> None:
    """Nothing of it leaves, so nothing has to be told apart."""
    require_keys_survive(policy(), {"u": _table("id", "at")})


def test_own_domain_cannot_be_a_declared_one() -> None:
    """A column's own tokens never join with a declared domain, however it is named."""
    rules = policy({"c": rule("token")}, domains={"t_c": ["t.id"], "c": ["u.id"]})
    (own,) = treat_columns(rules, "t", ["c"])
    assert own.domain not in rules.domains
