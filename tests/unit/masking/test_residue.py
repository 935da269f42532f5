"""The search of masked tables: what was declared safe and is not, what a rule leaves, and what somebody answers for."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from masking_policies import policy, rule
from masking_project import MaskingProject

from tasks.errors import MaskingError
from tasks.masking import ResidueSearch
from tasks.params.masking import MaskingParams
from tasks.records import PersonalDataFinding, PrivacyReport

NAMES = [
    f"{first} {last}" for first in ("Anna", "Ivan", "Pedro", "Mehmet", "Olga") for last in ("Schmidt", "Novak", "Souza", "Garcia")
]


def _search(folder: Path, params: MaskingParams, *tables: pa.Table) -> tuple[PersonalDataFinding, ...]:
    places = {}
    for number, table in enumerate(tables):
        pq.write_table(table, folder / f"{number}.parquet")
        places[f"{number}.parquet"] = f"key {number} {params.model_dump_json()}"
    return ResidueSearch(params, folder, folder / "residue.json").search({"t": places})


def test_a_safe_column_of_names_is_refused(tmp_path: Path) -> None:
    """With the evidence and what to do, and without a value; what was masked of the table is gone."""
    with pytest.raises(MaskingError) as caught:
        _search(tmp_path, policy(safe=("who", "plan")), pa.table({"who": NAMES, "plan": ["basic"] * 20}))
    told = str(caught.value)
    assert caught.value.exit_code == 2
    for wanted in (
        "t.who",
        "100 % of its distinct values are names of people",
        "masking.tables.t.accepted",
        "masking.tables.t.who",
    ):
        assert wanted in told
    assert not [value for name in NAMES for value in name.split() if value in told]
    assert "plan" not in told
    assert not list(tmp_path.glob("*.parquet"))


def test_an_accepted_finding_is_reported_with_its_reason(tmp_path: Path) -> None:
    """It is no skip: the column is looked at, and the finding stays to be read."""
    params = policy({"accepted": {"who": "authors of published books"}}, safe=("who",))
    found = _search(tmp_path, params, pa.table({"who": NAMES}))
    assert [(f.column, f.kind, f.status, f.reason) for f in found] == [("who", "names", "accepted", "authors of published books")]


def test_what_was_accepted_in_vain_is_said(tmp_path: Path) -> None:
    """An exception that nothing needs any more should not be left standing unseen."""
    found = _search(
        tmp_path, policy({"accepted": {"who": "authors of published books"}}, safe=("who",)), pa.table({"who": ["a", "b"]})
    )
    assert [(f.evidence, f.status) for f in found] == [("nothing was found", "accepted")]


def test_what_a_rule_leaves_is_found(tmp_path: Path) -> None:
    """A prefix so long that e-mail addresses stay whole is no masking; a token, which looks unique, is."""
    params = policy({"mail": rule("generalise", keep_prefix=60), "id": rule("token", "identifier")})
    table = pa.table({"mail": ["jo@example.org"] * 3, "id": ["123e4567-e89b-12d3-a456-426614174000", "jo@example.org", None]})
    with pytest.raises(MaskingError, match=r"t\.mail") as caught:
        _search(tmp_path, params, table)
    assert "t.id" not in str(caught.value)


def test_only_new_partitions_are_opened(tmp_path: Path) -> None:
    """What was seen of the others is remembered, and counts."""
    params = policy(safe=("code",))
    first = _search(tmp_path, params, pa.table({"code": ["a", "b"]}), pa.table({"code": ["c"]}))
    (tmp_path / "0.parquet").write_bytes(b"not Parquet")
    keys = {f"{number}.parquet": f"key {number} {params.model_dump_json()}" for number in range(2)}
    search = ResidueSearch(params, tmp_path, tmp_path / "residue.json")
    assert search.search({"t": keys}) == first
    assert search.examined == ["t.code"]


@pytest.mark.parametrize("content", ["", "[]", '{"key": {"code": {"unknown": 1}}}', '{"key": 1}'])
def test_a_memory_of_another_version_is_not_believed(tmp_path: Path, content: str) -> None:
    """All is looked at again."""
    (tmp_path / "residue.json").write_text(content)
    pq.write_table(pa.table({"code": ["jo@example.org"]}), tmp_path / "0.parquet")
    with pytest.raises(MaskingError):
        ResidueSearch(policy(safe=("code",)), tmp_path, tmp_path / "residue.json").search({"t": {"0.parquet": "key"}})


def test_only_kept_columns_can_be_accepted() -> None:
    """An exception for a column that is dropped, or for one of no such name, is a mistake; so is one without a reason."""
    with pytest.raises(ValueError, match="neither safe nor under a rule"):
        policy({"accepted": {"b": "a reason that is long enough"}}, safe=("a",))
    with pytest.raises(ValueError, match="at least 10"):
        policy({"accepted": {"a": "because"}}, safe=("a",))


def test_a_column_called_accepted_can_have_a_rule() -> None:
    """The key's name takes no column's rule away."""
    assert policy({"accepted": rule("redact")}).tables["t"].columns["accepted"].transform == "redact"


def test_stage_refuses_and_then_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No masked dataset while a safe column holds e-mail addresses; and with a rule there is one."""
    monkeypatch.delenv("WT_TEST_KEY", raising=False)
    project = MaskingProject(tmp_path)
    sales = project.content["masking"]["tables"]["sales"]
    treatment = sales.pop("mail")
    sales["safe"].append("mail")
    project.write_params()
    with pytest.raises(MaskingError, match=r"sales\.mail: 100 % of its distinct values look like e-mail addresses"):
        project.mask()
    assert not (project.paths.masked / "manifest.json").exists()
    assert not list(project.paths.masked.glob("sales/**/*.parquet"))
    sales["safe"].remove("mail")
    sales["mail"] = treatment
    project.write_params()
    project.mask()
    report = PrivacyReport.from_json(project.paths.privacy_report.read_bytes(), origin="privacy.json")
    assert report.examined == ("sales.amount", "sales.is_returned", "sales.sold_utc", "sales.zip")
    assert report.findings == ()
    assert "RAW" not in json.dumps(json.loads(project.paths.residue_evidence.read_text()))
