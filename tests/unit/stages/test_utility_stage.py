"""Stage ``utility``: what masking leaves is certified, what it destroys is not, and nothing raw leaves the restricted zone."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from raw_samples import make_samples

from tasks.datasets import read_manifest, read_table
from tasks.errors import DatasetError
from tasks.params import Params
from tasks.records import UtilityReport
from tasks.stages import StageContext, load_stage
from tasks.stages.keys import load_stage_key
from tasks.stages.raw_rows import RawReader

GONE = {"class": "sensitive", "transform": "constant", "value": 0, "reason": "nobody may know"}
FUNCTION = """
def double(frame):
    print("raw", frame["strong"].iloc[0])
    return (frame["strong"] * 2).to_frame("doubled")
"""


def _run(context: StageContext) -> UtilityReport:
    load_stage("utility").run(context)
    return UtilityReport.from_json(context.paths.utility_report.read_bytes(), origin="test")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    """What models live on is kept; age and place become coarse."""
    return make_samples(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def report(kept: StageContext) -> UtilityReport:
    return _run(kept)


def test_a_policy_that_keeps_the_signal_is_certified(report: UtilityReport) -> None:
    """The panel has a ranking on raw rows, and masked rows rank it alike."""
    assert (report.outcome, report.reasons) == ("holds", ())
    assert report.correlation.spearman is not None and report.correlation.spearman > 0.9
    assert report.agreement.told_apart > report.agreement.pairs / 2
    assert "challenger" in report.models
    assert "boosting, no feature that masking changes" in report.models


def test_features_that_raw_rows_cannot_give_are_named(report: UtilityReport) -> None:
    """A share of a generalised value is none of raw rows; a decade's raw form is the date, which is a number of years."""
    assert set(report.taken_as_masked) == {"region"}


def test_distances_say_what_moved(report: UtilityReport) -> None:
    """Kept columns did not; dates and places did."""
    found = {f"{d.table}.{d.column}": d.distance for d in report.distances}
    assert (found["samples.strong"], found["samples.id"]) == (0.0, 0.0)
    assert found["samples.born"] and found["samples.city"]


@pytest.mark.slow
def test_the_same_data_gives_the_same_bytes(kept: StageContext, report: UtilityReport) -> None:
    """Rows, models and draws are seeded."""
    assert _run(kept) == report


def test_no_raw_value_and_no_row_leaves_the_restricted_zone(kept: StageContext, report: UtilityReport) -> None:
    """The report holds aggregates alone, and the private folder is gone."""
    text = kept.paths.utility_report.read_text()
    assert not any(word in text for word in ("Alton", "Bath", "r00", "vr0"))
    assert max(len(value) for value in json.loads(text).values() if isinstance(value, list)) < 30
    assert not kept.paths.raw_spill.exists()
    assert [path.name for path in kept.paths.utility_report.parent.iterdir()] == ["utility.json"]


def test_rows_are_matched_by_their_key(kept: StageContext) -> None:
    """Each masked row, wherever it lies, finds the raw row that it was made of."""
    paths = kept.paths
    snapshots, masked = (read_manifest(paths.data / name, made_by=name) for name in ("snapshots", "masked"))
    features = read_table(paths.features, read_manifest(paths.features, made_by="features"), "features")
    wanted = features.take(np.random.default_rng(3).permutation(features.num_rows)[:500])
    found = RawReader(kept, load_stage_key(kept), snapshots, masked).read(wanted).rows
    assert found.column("strong").equals(wanted.column("strong"))
    assert found.column("label").equals(wanted.column("label"))
    decades = np.floor(found.column("born").to_numpy() / 10) * 10
    assert np.mean(decades == wanted.column("born").to_numpy()) > 0.99
    assert {name[0] for name in found.column("city").to_pylist()} == {"A", "B"}


def test_a_row_without_a_raw_one_is_an_error(kept: StageContext) -> None:
    """A key that no raw row becomes."""
    snapshots, masked = (read_manifest(kept.paths.data / name, made_by=name) for name in ("snapshots", "masked"))
    features = read_table(kept.paths.features, read_manifest(kept.paths.features, made_by="features"), "features")
    foreign = features.slice(0, 1).set_column(0, "row_key", pa.array(["nobody"]))
    with pytest.raises(DatasetError, match="each masked row made of one raw row"):
        RawReader(kept, load_stage_key(kept), snapshots, masked).read(foreign)
    assert not kept.paths.raw_spill.exists()


@pytest.mark.slow
def test_a_policy_that_destroys_the_signal_is_not_certified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The main feature becomes a constant: what was best is no longer. The stage ends well."""
    report = _run(make_samples(tmp_path, {"strong": GONE, "medium": GONE}))
    assert report.outcome == "fails"
    assert report.reasons
    assert "FAILS" in capsys.readouterr().out


def test_a_masked_label_cannot_tell(kept: StageContext) -> None:
    """Raw and masked rows would have two targets."""
    noisy = {"class": "sensitive", "transform": "constant", "value": 1, "reason": "test"}
    tables = kept.params.masking.model_dump(by_alias=True)["tables"]
    masking = kept.params.masking.model_dump(by_alias=True) | {
        "tables": {name: {k: v for k, v in table.items() if v is not None} for name, table in tables.items()}
    }
    masking["tables"]["results"] = {"safe": ["known_utc"], "reason": "label", "label": noisy}
    params = Params.model_validate(kept.params.model_dump(by_alias=True, exclude_none=True) | {"masking": masking})
    report = _run(StageContext(kept.paths, params))
    assert (report.outcome, report.correlation.spearman) == ("cannot_tell", None)
    assert report.reasons[0].startswith("masking changes the label (constant")
