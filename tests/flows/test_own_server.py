"""A project of one's own behind the workflow server: refreshed, and challengers judged, by the worker that `up` starts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import own_lakes
import pyarrow.csv as pacsv
import pytest
from server_api import Api
from small_project import call

pytestmark = [pytest.mark.slow, pytest.mark.faults]
NOT_OURS = "raise RuntimeError('this module is the user\\'s, and nobody asked for it')\n"
CHALLENGER = "from sklearn.linear_model import LogisticRegression\n\nestimator = LogisticRegression()\n"


@dataclass(frozen=True)
class Served:
    """A project whose server is up."""

    folder: Path
    home: Path
    api: Api

    def call(self, *command: str) -> str:
        return call(self.folder, *command, HOME=str(self.home)).stdout

    def finish(self, deployment: str, **parameters: Any) -> None:
        """Run a deployment to its end, which is a good one."""
        run = self.api.start(deployment, **parameters)
        assert self.api.finish(run) == "Completed", self.api.log(run)

    def branches(self, pattern: str) -> set[str]:
        return set(self.call("git", "for-each-ref", "--format=%(refname:short)", f"refs/heads/{pattern}").split())

    def verdict(self, branch: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.call("git", "show", f"{branch}:data/verdict.json"))
        return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Flowers of three kinds, with modules of the user's that are called like ours, in Git too; not run yet."""
    base = tmp_path_factory.mktemp("own")
    home, folder = base / "home", base / "flowers"
    home.mkdir()
    lake = own_lakes.write_lake(base / "lake", iris=own_lakes.iris())
    call(base, "windtunnel", "init", "--into", str(folder), "--lake", str(lake), "--label", "species", HOME=str(home))
    for name in ("tasks.py", "flows.py"):
        (folder / name).write_text(NOT_OURS)
    call(folder, "git", "add", "tasks.py", "flows.py")
    call(folder, "git", "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "-q", "-m", "mine")
    try:
        told = call(folder, "windtunnel", "up", "--port", "0", "--json", HOME=str(home)).stdout
        yield Served(folder, home, Api(json.loads(told)["api"]))
    finally:
        call(folder, "windtunnel", "down", HOME=str(home))


@pytest.fixture(scope="module")
def refreshed(served: Served) -> str:
    """The branch of a refresh."""
    served.finish("refresh_data", reason="the first")
    (branch,) = served.branches("data")
    return branch


def test_a_refresh_lands_with_its_verdict(served: Served, refreshed: str) -> None:
    """The whole pipeline in a worktree of the project's; the checkout is left alone, and the page can be read."""
    assert served.verdict(refreshed)["rubber_stamp"] is True
    assert (served.folder / ".windtunnel/results" / refreshed / "report.html").exists()
    assert not (served.folder / "data/verdict.json").exists()


def test_a_file_is_judged_on_the_newest_data(served: Served, refreshed: str) -> None:
    """It is committed beside its verdict, which says that it was fitted here."""
    (served.folder / "mine.py").write_text(CHALLENGER)
    served.finish("evaluate_candidate", challenger="mine.py", reason="a file")
    (branch,) = served.branches("candidates/mine-*")
    assert served.verdict(branch)["evidence_level"] == "refitted_here"
    assert served.verdict(branch)["inputs"]["features"] == served.verdict(refreshed)["inputs"]["features"]
    assert served.call("git", "show", f"{branch}:challengers/mine.py") == CHALLENGER


def test_scores_are_judged_on_the_newest_data(served: Served, refreshed: str) -> None:
    """Written for the rows that the refresh brought; kept beside Git, and said to be brought along."""
    served.call("windtunnel", "data", "export-rows", "--newest", "--out", "rows.csv")
    rows = pacsv.read_csv(served.folder / "rows.csv")
    chances = np.random.default_rng(0).dirichlet(np.ones(3), rows.num_rows)
    table = rows.select(["row_key"])
    for name, column in zip(("setosa", "versicolor", "virginica"), chances.T, strict=True):
        table = table.append_column(f"score_{name}", [column])
    pacsv.write_csv(table, served.folder / "scores.csv")
    served.finish("evaluate_candidate", challenger="scores.csv", reason="scores")
    (branch,) = served.branches("candidates/scores-*")
    assert served.verdict(branch)["evidence_level"] == "scores_brought_along"
    page = (served.folder / ".windtunnel/results" / branch / "report.html").read_text()
    assert "Scores brought along" in page
    assert "scores.csv" not in served.call("git", "ls-tree", "-r", "--name-only", branch)
