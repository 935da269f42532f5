"""`windtunnel mask`: what a privacy officer sees of a policy, and a masked sample."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from masking_policies import expected_token
from masking_project import MaskingProject

from flows.cli.root import windtunnel
from tasks.errors import DatasetError, MaskingError, MaskingKeyError
from tasks.params import load_params

UNDECLARED = {"sales.internal", "stock.item", "stock.listed_utc", "visits.seen_utc"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MaskingProject:
    """A small project, which is the current folder."""
    monkeypatch.delenv("WT_TEST_KEY", raising=False)
    made = MaskingProject(tmp_path, days=1)
    made.paths.graph.touch()
    monkeypatch.chdir(tmp_path)
    return made


def _call(*words: str) -> Result:
    return CliRunner().invoke(windtunnel, ["mask", *words])


def _error(*words: str) -> BaseException | None:
    return _call(*words).exception


def test_explain_names_every_column(project: MaskingProject) -> None:
    """Also what no policy names."""
    rows = json.loads(_call("explain", "--json").stdout)
    declared = {f"{t}.{c}" for t, table in load_params(project.paths.params).snapshot.tables.items() for c in table.columns}
    assert {f"{row['table']}.{row['column']}" for row in rows} == declared
    assert {f"{row['table']}.{row['column']}" for row in rows if row["column_class"] == "undeclared"} == UNDECLARED
    assert "4 of 15 columns are named by no policy" in _call("explain").stdout


def test_explain_one_column(project: MaskingProject) -> None:
    """Class, transform with its setting, domain and reason in one line."""
    (row,) = json.loads(_call("explain", "sales.buyer", "--json").stdout)
    assert (row["transform"], row["domain"], row["column_class"]) == ("token", "buyer", "identifier")
    assert "generalise keep_prefix=2" in _call("explain", "sales.zip").stdout
    assert isinstance(_error("explain", "sales.nothing"), MaskingError)


def test_explain_needs_no_key(project: MaskingProject) -> None:
    """A policy is no secret."""
    project.key_file.unlink()
    assert _call("explain").exit_code == 0


def test_preview_is_what_mask_writes(project: MaskingProject) -> None:
    """The first masked rows, tokens and all."""
    sample = json.loads(_call("preview", "sales", "--rows", "20", "--json").stdout)
    assert {row["sale"] for row in sample["rows"]} == {expected_token("sale", f"RAW-sale-0-{i}") for i in range(20)}
    assert [row["sale"] for row in sample["rows"]] == sorted(row["sale"] for row in sample["rows"])
    assert len(json.loads(_call("preview", "sales", "--json").stdout)["rows"]) == 5


def test_preview_shows_nothing_raw(project: MaskingProject) -> None:
    """Neither beside the masked values nor in their place."""
    for words in (("preview", "sales"), ("preview", "sales", "--json")):
        done = _call(*words)
        assert done.exit_code == 0
        assert "RAW" not in done.output


def test_preview_is_for_the_keys_holder(project: MaskingProject) -> None:
    """Who has no key sees nothing."""
    project.key_file.unlink()
    assert isinstance(_error("preview", "sales"), MaskingKeyError)


def test_preview_of_what_is_not_there(project: MaskingProject) -> None:
    """An unknown table, one that is dropped whole, and a project without a snapshot."""
    assert isinstance(_error("preview", "nothing"), MaskingError)
    assert isinstance(_error("preview", "stock"), MaskingError)
    (project.paths.snapshots / "manifest.json").unlink()
    assert isinstance(_error("preview", "sales"), DatasetError)


def test_rotate_and_bridge(project: MaskingProject) -> None:
    """In two commands, with what to do next; no key is printed."""
    rotated = _call("rotate")
    assert "masking-test-2.key" in rotated.stdout
    assert "git commit" in rotated.stdout
    assert (project.paths.root / "secrets/masking-test-2.key").read_text().strip() not in rotated.stdout
    bridged = json.loads(_call("bridge", "buyer", "--json").stdout)
    assert bridged["tokens"] == 5
    assert json.loads(_call("rotate", "--id", "named", "--json").stdout)["new_id"] == "named"
