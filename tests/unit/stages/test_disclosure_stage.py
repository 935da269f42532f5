"""Stage ``disclosure``: measures what the masked tables and the features tell together, and releases them or not."""

from pathlib import Path
from typing import Any

import pytest
from passed_reports import write_report
from small_masked import small_context, write_masked, write_split

from tasks.datasets import read_manifest
from tasks.errors import DatasetError, EvidenceError
from tasks.params.limits import LimitsParams
from tasks.records import DisclosureReport
from tasks.stages import StageContext, disclosure, features, train


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty trips of two cities, each of a length of its own, with their features and passed reports."""
    root = tmp_path_factory.mktemp("small")
    write_report(root, "masked", {"masked": write_masked(root).logical_hash})
    features.STAGE.run(small_context(root))
    write_report(root, "splits", {"splits/by_day": write_split(root).logical_hash})
    manifest = read_manifest(root / "data/features", made_by="features")
    write_report(root, "features", {"features": manifest.logical_hash})
    return root


def _context(root: Path, **limits: Any) -> StageContext:
    context = small_context(root)
    masking = context.params.masking.model_copy(update={"limits": LimitsParams(**limits)})
    return StageContext(context.paths, context.params.model_copy(update={"masking": masking}))


def _run(root: Path, **limits: Any) -> DisclosureReport:
    context = _context(root, **limits)
    disclosure.STAGE.run(context)
    return DisclosureReport.from_json(context.paths.disclosure_report.read_bytes(), origin="test")


def test_crowds_that_are_large_enough_are_released(root: Path) -> None:
    """Thirty trips of each city; what is not known to anybody tells nobody apart."""
    report = _run(root, quasi=("trips.city",))
    (view,) = report.views
    assert (report.is_released, view.people, view.smallest, view.below, view.exceeded) == (True, 60, 30, 0, ())
    assert view.highest == pytest.approx(1 / 30)
    assert [attack.attack for attack in view.attacks] == ["singling out", "inference"]
    assert view.proposal == ()
    train.STAGE.run(_context(root, quasi=("trips.city",)))


def test_a_column_that_singles_out_is_named_with_what_would_mend_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lengths to the last digit are each one's own; bands of them, or nothing of them, are not. The stage ends well."""
    report = _run(root, quasi=("trips.city", "trips.length"))
    (view,) = report.views
    assert not report.is_released
    assert view.exceeded == ("k: 100.00% of people stand in a crowd of fewer than 5 (limit: 0.00% of people)",)
    without = {column.column: column.below_without for column in view.columns}
    assert without == {"trips.city": 60, "trips.length": 0}
    proposed = {column.column: column for column in view.proposal}
    assert proposed["trips.city"].becomes == ""
    assert proposed["trips.length"].becomes != ""
    assert proposed["trips.length"].features == ("length",)
    assert proposed["trips.length"].quality == "not measured: too few labelled rows"
    assert "NOT RELEASED" in capsys.readouterr().out


def test_what_is_not_released_is_not_trained_on(root: Path) -> None:
    """The refusal names the limit, the columns and the proposal, and ends with exit code 2."""
    limits = {"quasi": ("trips.city", "trips.length")}
    _run(root, **limits)
    with pytest.raises(EvidenceError) as caught:
        train.STAGE.run(_context(root, **limits))
    assert caught.value.exit_code == 2
    told = str(caught.value)
    assert all(words in told for words in ("not released", "trips.length", "transform: generalise", "fewer than 5"))


def test_a_report_under_other_limits_releases_nothing(root: Path) -> None:
    """Who lowers k has to measure again."""
    _run(root, quasi=("trips.city",))
    with pytest.raises(EvidenceError, match="disclosure risk: limits"):
        train.STAGE.run(_context(root, quasi=("trips.city",), k=6))


def test_no_report_releases_nothing(root: Path) -> None:
    """Nor does one that cannot be read."""
    context = _context(root)
    _run(root)
    context.paths.disclosure_report.write_text("{")
    with pytest.raises(EvidenceError, match="disclosure risk"):
        train.STAGE.run(context)
    context.paths.disclosure_report.unlink()
    with pytest.raises(EvidenceError, match="disclosure risk"):
        train.STAGE.run(context)


def test_a_report_that_only_says_so_is_not_believed(root: Path) -> None:
    """Released, with a limit that does not hold."""
    report = _run(root, quasi=("trips.length",))
    context = _context(root, quasi=("trips.length",))
    context.paths.disclosure_report.write_text(report.model_copy(update={"is_released": True}).to_json())
    with pytest.raises(EvidenceError, match="is not released"):
        train.STAGE.run(context)


def test_few_people_are_no_count_in_the_report(root: Path) -> None:
    """Who stands below k is not counted where they are fewer than k themselves."""
    report = _run(root, quasi=("trips.length",), k=60)
    (view,) = report.views
    assert (view.smallest, view.highest, view.below) == (None, None, 60)


def test_the_same_data_gives_the_same_bytes(root: Path) -> None:
    """Attacks are drawn from the project's seed."""
    context = _context(root, quasi=("trips.city", "trips.length"))
    disclosure.STAGE.run(context)
    first = context.paths.disclosure_report.read_bytes()
    disclosure.STAGE.run(context)
    assert context.paths.disclosure_report.read_bytes() == first


def test_features_of_other_masked_tables_are_refused(tmp_path: Path) -> None:
    """They would be joined with rows that they were not made of."""
    write_report(tmp_path, "masked", {"masked": write_masked(tmp_path).logical_hash})
    features.STAGE.run(small_context(tmp_path))
    write_masked(tmp_path, days=4)
    with pytest.raises(DatasetError, match="features"):
        disclosure.STAGE.run(small_context(tmp_path))
