"""The commands of README.md do what it says: each is run, in order, on a small real production."""

import re
import shutil
from pathlib import Path

import pytest
from small_project import ROOT, call

pytestmark = pytest.mark.slow
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\| `\.venv/bin/(windtunnel [^`]+)` \|", README, re.M)
VERDICTS = (0, 1, 2, 3)
CODES = {"try": VERDICTS, "run": VERDICTS, "gate": VERDICTS, "up": (0,), "data": (0,)}


def test_the_next_six_things_are_there() -> None:
    """README lists six commands to try next, and the two that it begins with."""
    assert len(COMMANDS) == 6
    assert "\nmake demo\n" in README
    assert "\nmake test\n" in README


@pytest.mark.whole
def test_every_command_of_the_readme_works(finished: Path, tmp_path: Path) -> None:
    """Run one after the other in one project, as a reader would; a verdict's exit code is a verdict's."""
    project = Path(shutil.copytree(finished, tmp_path / "project", symlinks=True))
    try:
        for command in COMMANDS:
            done = call(project, *command.split(), code=None)
            assert done.returncode in CODES[command.split()[1]], f"{command}: {done.stderr}"
            assert not done.stderr.startswith("error:"), f"{command}: {done.stderr}"
    finally:
        call(project, "windtunnel", "down")


def test_the_sample_shows_what_a_run_prints(finished: Path) -> None:
    """The stages and criteria in README's sample are those of the pipeline and of params.yaml."""
    sample = README.split("```")[5] if README.count("```") > 5 else ""
    graph, params = (finished / "dvc.yaml").read_text(), (ROOT / "params.yaml").read_text()
    stages = re.findall(r"^  (\w+) +done", sample, re.M)
    criteria = re.findall(r"^(\w+)(?: ·.*?)? {2,}(?:\u2013|ROC AUC|Log loss)", sample, re.M)
    assert stages
    assert [stage for stage in stages if f"\n  {stage}:\n" not in graph] == []
    assert criteria
    assert [criterion for criterion in criteria if f"\n    {criterion}: {{" not in params] == []
