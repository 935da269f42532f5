"""What init proposes for a table is released under the limits that it proposes with it."""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import own_lakes
import pyarrow as pa
import pytest
import yaml

from tasks.disclosure import assess_view, join_people, known_columns
from tasks.founding import found_project
from tasks.masking import mask_table
from tasks.masking.keys import MaskingKey
from tasks.params import Params, load_params
from tasks.params.base import split_reference
from tasks.projects.roles import Wishes
from tasks.projects.survey import LakeTable, Reading
from tasks.records import ViewRisk

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
SHAPES: dict[str, tuple[Callable[[], pa.Table], str]] = {
    "breast_cancer": (own_lakes.breast_cancer, "benign"),
    "flights": (lambda: own_lakes.flights(2000), "is_late"),
    "people": (own_lakes.people, "churned"),
}


def _proposed(table: pa.Table, label: str, folder: Path, **wishes: object) -> Params:
    source = LakeTable("rows", tuple(table.column_names), lambda: Reading(table))
    founded = found_project(source, folder=folder, lake="/lake", wishes=Wishes(label, **wishes), k=5, now=NOW, s3={})
    (folder / "params.yaml").write_text(founded.files["params.yaml"])
    return load_params(folder / "params.yaml")


def _assess(table: pa.Table, params: Params) -> ViewRisk:
    wanted = [name for name in params.snapshot.tables["rows"].columns if name in table.column_names]
    masked = mask_table("rows", table.select(wanted), params.masking, MaskingKey("k1", b"k" * 32))
    published = {"rows": {column.name: str(column.type) for column in masked.schema}}
    links = {
        domain: [end for end in map(split_reference, references) if end[1] in published["rows"]]
        for domain, references in params.masking.domains.items()
    }
    limits = params.masking.limits
    known = known_columns(params.masking, published)
    view = join_people({"rows": masked}, links, person=limits.person, rows="rows", quasi=known, sensitive=[])[0]
    return assess_view(view, limits, seed=1, cost=lambda *_: ((), ""))


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_what_init_proposes_is_released(shape: str, tmp_path: Path) -> None:
    """Masked by its own rules, each table holds k in its own people; the gate asks for it."""
    make, label = SHAPES[shape]
    table = make()
    params = _proposed(table, label, tmp_path)
    assert _assess(table, params).exceeded == ()
    assert yaml.safe_load((tmp_path / "params.yaml").read_text())["gates"]["criteria"]["privacy"] == {
        "evidence": "disclosure",
        "critical": True,
    }


def test_a_quasi_identifier_that_is_kept_counts(tmp_path: Path) -> None:
    """What enough people share may stay as it is, and is measured all the same; one more person can change that."""
    table = own_lakes.people()
    params = _proposed(table, "churned", tmp_path)
    assert params.masking.limits.k == 5
    known = {column.column for column in known_columns(params.masking, {"rows": dict.fromkeys(table.column_names, "")})}
    kept = {split_reference(reference)[1] for reference in params.masking.limits.quasi}
    assert kept <= known
    assert known
