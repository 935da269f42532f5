"""docs/your-own-data.md does what it says: its lake is written, its commands are run, its output is what they print."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_cells import run_notebook
from small_project import ROOT, call

PAGE = (ROOT / "docs/your-own-data.md").read_text()
PYTHON, PRINTED, VERDICT = (
    re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.M | re.S)[place] for kind, place in (("python", 0), ("text", 0), ("text", 1))
)
INIT = re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)[0].split()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with no settings."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def _follow(folder: Path, home: Path) -> str:
    """The walk as far as the project; returns what `windtunnel init` printed."""
    subprocess.run([sys.executable, "-c", PYTHON], cwd=folder, check=True)
    return call(folder, *INIT, HOME=str(home), XDG_CONFIG_HOME="").stdout


@pytest.mark.slow
def test_init_prints_what_the_page_shows(tmp_path: Path, home: Path) -> None:
    """Line by line; only the home folder is another."""
    printed = _follow(tmp_path, home).replace(str(home), "~").strip().splitlines()
    assert printed == PRINTED.strip().splitlines()


@pytest.mark.slow
@pytest.mark.whole
def test_run_ends_as_the_page_shows(tmp_path: Path, home: Path) -> None:
    """The same criteria and the same decision; then the notebook reads the run."""
    _follow(tmp_path, home)
    folder = tmp_path / "churn"
    done = call(folder, "windtunnel", "run", code=None, HOME=str(home))
    shown, printed = (re.findall(r"^(?!report)[a-zA-Z_]\S*", text, re.M) for text in (VERDICT, done.stdout))
    assert shown == printed
    left = run_notebook("read_a_run.ipynb", folder)
    assert len(left["predictions"]) == left["comparisons"]["rows"].max()
    assert {"all rows", "sex"} <= set(left["slices"]["slice_column"])
    assert left["roc_curves"]._repr_svg_().count("<polyline") == 2
