"""The stage: reads what the graph says, writes the folder whole, and refuses what is missing or broken."""

from collections.abc import Callable
from pathlib import Path

import pytest
from verdict_stories import PARAMS, sha, story_inputs

from tasks.datasets import MANIFEST
from tasks.errors import DatasetError, ReportError
from tasks.paths import ProjectPaths
from tasks.reporting import ReportInputs
from tasks.stages import StageContext, load_stage


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    """A project that holds the stage's inputs and nothing else."""
    return write_inputs(tmp_path, story_inputs("reject"))


def write_inputs(root: Path, inputs: ReportInputs) -> StageContext:
    paths, found = ProjectPaths(root), inputs.provenance
    files = {
        paths.pin: found.pin.to_json(),
        paths.verdict: found.verdict.to_json(),
        paths.evaluation_report: found.evaluation.to_json(),
        paths.disclosure_report: inputs.disclosure.to_json(),
        paths.utility_report: inputs.utility.to_json(),
        paths.masked / "privacy.json": found.privacy.to_json(),
        paths.masked / MANIFEST: found.masked.to_json(),
        paths.features / MANIFEST: found.features.to_json(),
        paths.split("by_time") / "metadata.json": found.split.to_json(),
        paths.models / "challenger.json": found.challenger.to_json(),
        paths.predictions / MANIFEST: found.masked.model_copy(update={"dataset": "predictions"}).to_json(),
        paths.roc_curve: "model,false_positive_rate,true_positive_rate\nchallenger,0,0\nchallenger,1,1\n",
        paths.calibration_curve: "model,predicted,observed,rows\nchallenger,0.2,0.25,100\n",
        **{paths.validation_report(r.subject): r.to_json() for r in inputs.validations},
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return StageContext(paths, PARAMS)


def run(context: StageContext) -> dict[str, bytes]:
    load_stage("report").run(context)
    return {path.name: path.read_bytes() for path in context.paths.reports.iterdir()}


def test_page_markdown_and_junit_are_written(context: StageContext, capsys: pytest.CaptureFixture[str]) -> None:
    """The three files, and one line on what was drawn."""
    written = run(context)
    assert sorted(written) == ["report.html", "verdict.junit.xml", "verdict.md"]
    assert b"Reject:" in written["report.html"]
    assert written["verdict.md"].startswith(b"## Reject: ")
    assert capsys.readouterr().out == "report: reject, data/reports/report.html\n"


def test_a_second_run_writes_the_same_bytes(context: StageContext) -> None:
    """Nothing of the machine or the moment is in them, nor the project's path."""
    written = run(context)
    assert run(context) == written
    assert not [name for name, content in written.items() if str(context.paths.root).encode() in content]


def test_what_another_version_left_is_removed(context: StageContext) -> None:
    """A stale file beside the page would look like part of this run."""
    stale = context.paths.reports / "old" / "report.html"
    stale.parent.mkdir(parents=True)
    stale.write_text("an old page")
    load_stage("report").run(context)
    assert not stale.exists()


def test_each_input_is_needed(tmp_path: Path) -> None:
    """Without any one of the files that it reads there is no page, and the error names the file and what makes it."""
    inputs = story_inputs("reject")
    for name in load_stage("report").reads(StageContext(ProjectPaths(tmp_path), PARAMS)):
        context = write_inputs(tmp_path, inputs)
        path = tmp_path / name
        (path / "metadata.json" if path.is_dir() else path).unlink()
        with pytest.raises((ReportError, DatasetError)) as caught:
            run(context)
        assert Path(name).parent.name in str(caught.value)
        assert caught.value.next_step.startswith(("dvc repro", "windtunnel pin"))
        assert not context.paths.reports.exists()


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("verdict.json", lambda text: text[: len(text) // 2]),
        ("verdict.json", lambda text: text.replace(b'"decision"', b'"decided"')),
        ("masked/privacy.json", lambda text: b"{}"),
        ("evaluation/roc.csv", lambda text: b"\xff\xfe"),
        ("evaluation/calibration.csv", lambda text: text + b"challenger,2,0.5,10\n"),
        ("validation/raw.json", lambda text: text.replace(b'"passed"', b"").replace(b"true", b"false", 1)),
        ("pin.json", lambda text: text.replace(b"2013-10-31", b"2013-11-01")),
    ],
)
def test_broken_input_is_refused(context: StageContext, name: str, spoil: Callable[[bytes], bytes]) -> None:
    """Cut off, of another version, not text, out of range, or of another run: no page."""
    path = context.paths.data / name
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises((ReportError, DatasetError)):
        run(context)
    assert not context.paths.reports.exists()


def test_a_page_that_is_refused_leaves_the_last_one(context: StageContext) -> None:
    """The last whole page stays until a new one is whole."""
    before = run(context)
    context.paths.verdict.write_text("{}")
    with pytest.raises(DatasetError):
        load_stage("report").run(context)
    assert {path.name: path.read_bytes() for path in context.paths.reports.iterdir()} == before


def test_the_verdicts_own_hash_is_its_files(context: StageContext) -> None:
    """The hash on the page is the one that a receipt is filed under."""
    page = run(context)["report.html"].decode()
    assert sha(context.paths.verdict.read_text()) in page
