"""The whole pipeline on a small real production: one path, whoever calls it."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from small_project import call, make_small_project

from tasks.records import Manifest, Verdict

pytestmark = pytest.mark.slow
CODES = {"promote": 0, "reject": 1, "not_judged": 2, "inconclusive": 3}


def _hashes(data: Path) -> dict[str, str]:
    return {
        path.parent.relative_to(data).as_posix(): Manifest.from_json(path.read_bytes(), origin=str(path)).logical_hash
        for path in sorted(data.rglob("manifest.json"))
    }


def _decision(folder: Path) -> str:
    return Verdict.from_json((folder / "data/verdict.json").read_bytes(), origin="verdict").decision


def test_run_ends_in_a_verdict_and_its_exit_code(project: Path) -> None:
    """The exit code is the verdict's, the table and the report's path are printed; run again, nothing runs."""
    done = call(project, "windtunnel", "run", code=CODES[_decision(project)])
    assert "report.html" in done.stdout
    assert "ranking" in done.stdout
    assert done.stderr.count("up to date") == 16, done.stderr


def test_dvc_repro_finds_nothing_to_do_after_a_run(project: Path) -> None:
    """What the flow left is what DVC calls up to date."""
    assert "Data and pipelines are up to date" in call(project, "dvc", "repro").stdout
    assert "up to date" in call(project, "dvc", "status").stdout


def test_flow_and_dvc_repro_leave_the_same_lock(finished: Path, tmp_path: Path) -> None:
    """A twin project run by `dvc repro` has the same dvc.lock and the same data."""
    twin = make_small_project(tmp_path / "twin")
    shutil.copy2(finished / "params.yaml", twin / "params.yaml")
    call(twin, "windtunnel", "pin")
    call(twin, "dvc", "repro")
    assert yaml.safe_load((twin / "dvc.lock").read_text()) == yaml.safe_load((finished / "dvc.lock").read_text())
    assert _hashes(twin / "data") == _hashes(finished / "data")


def test_every_file_under_data_belongs_to_one_stage(project: Path) -> None:
    """Beside the pin, every file lies in an output of dvc.yaml."""
    outputs = [
        out["path"] for stage in yaml.safe_load((project / "dvc.lock").read_text())["stages"].values() for out in stage["outs"]
    ]
    files = [path.relative_to(project).as_posix() for path in (project / "data").rglob("*") if path.is_file()]
    owned = {file: [out for out in outputs if file == out or file.startswith(f"{out}/")] for file in files}
    assert [file for file, owners in owned.items() if len(owners) != 1] == ["data/pin.json"] or sorted(
        file for file, owners in owned.items() if len(owners) != 1
    ) == ["data/.gitignore", "data/pin.json"]


def test_dvc_shows_metrics_plots_and_differences(project: Path) -> None:
    """`dvc metrics show`, `dvc plots show` and `dvc diff` work on what the pipeline writes."""
    metrics = json.loads(call(project, "dvc", "metrics", "show", "--json").stdout)
    shown = metrics[""]["data"]["data/evaluation/metrics.json"]["data"]
    assert 0.5 < shown["roc_auc"]["challenger"] < 1
    call(project, "dvc", "plots", "show", "--json")
    assert "data/snapshots" in call(project, "dvc", "diff", "--targets", "data/snapshots").stdout


def test_gate_check_is_the_verdict_and_writes_what_ci_reads(project: Path) -> None:
    """`gate --check` gives the exit code; Markdown and JUnit are written."""
    code = CODES[_decision(project)]
    call(project, "windtunnel", "gate", "--check", "--md", "v.md", "--junit", "v.xml", code=code)
    assert "ranking" in (project / "v.md").read_text()
    assert "<testsuite" in (project / "v.xml").read_text()
    assert "29 of 30 left" in (project / "v.md").read_text()
    assert 'name="looks_left" value="29"' in (project / "v.xml").read_text()
    assert json.loads(call(project, "windtunnel", "gate", "--json").stdout)["decision"] == _decision(project)


def test_edited_verdict_is_refused(project: Path) -> None:
    """A verdict without a receipt of its own bytes could not be judged: exit code 2. It held before, and does not hold now."""
    path = project / "data/verdict.json"
    assert "DOES NOT HOLD" not in call(project, "windtunnel", "verify", code=0).stdout
    path.write_text(path.read_text().replace('"decision": "', '"decision":  "'))
    assert "receipt" in call(project, "windtunnel", "gate", "--check", code=2).stderr
    assert "receipt" in call(project, "windtunnel", "verify", "--level", "hashes", code=1).stdout


def test_try_judges_on_validation_and_writes_nothing(project: Path) -> None:
    """A trial reads no row of the test part and leaves data/ as it was."""
    before = {path: path.stat().st_mtime_ns for path in (project / "data").rglob("*")}
    done = call(project, "windtunnel", "try", "examples/calibrated.py", code=None)
    assert done.returncode in CODES.values()
    assert "ranking" in done.stdout, done.stderr
    assert {path: path.stat().st_mtime_ns for path in (project / "data").rglob("*")} == before


@pytest.mark.whole
def test_refresh_lands_as_a_commit_and_leaves_the_checkout_alone(project: Path) -> None:
    """The next day arrives on data/<date>, with parameters, pin and dvc.lock; nothing in the checkout changes."""
    before = _hashes(project / "data")
    status = call(project, "git", "status", "--porcelain").stdout
    call(project, "windtunnel", "data", "refresh")
    assert call(project, "git", "branch", "--list", "data/*").stdout.split() == ["data/2013-02-10"]
    landed = call(project, "git", "ls-tree", "-r", "--name-only", "data/2013-02-10").stdout.split()
    assert {"params.yaml", "data/pin.json", "dvc.lock", "data/verdict.json"} <= set(landed)
    assert "2013-02-10T00:00:00Z" in call(project, "git", "show", "data/2013-02-10:params.yaml").stdout
    assert call(project, "git", "status", "--porcelain").stdout == status
    assert _hashes(project / "data") == before
    assert call(project, "git", "worktree", "list").stdout.count("\n") == 1


@pytest.mark.whole
def test_refresh_equals_a_run_from_scratch(project: Path, tmp_path: Path) -> None:
    """By logical hash, whatever was reused; and what landed can be pulled from the remotes by a clone."""
    call(project, "windtunnel", "data", "refresh")
    scratch = make_small_project(tmp_path / "scratch")
    shutil.rmtree(scratch / ".windtunnel/demo-lake")
    shutil.copytree(project / ".windtunnel/demo-lake", scratch / ".windtunnel/demo-lake")
    (scratch / "params.yaml").write_text(call(project, "git", "show", "data/2013-02-10:params.yaml").stdout)
    call(scratch, "windtunnel", "run", code=None)
    fresh = tmp_path / "fresh"
    call(tmp_path, "git", "clone", "-q", str(project), str(fresh))
    call(fresh, "dvc", "remote", "modify", "--local", "shared", "url", str(project / ".windtunnel/remotes/shared"))
    verified = json.loads(call(fresh, "windtunnel", "verify", "origin/data/2013-02-10", "--json").stdout)
    assert verified["outcome"] == "holds", verified
    assert {"verdict", "predictions of the models", "looks in the log"} <= {check["what"] for check in verified["checks"]}
    clone = tmp_path / "clone"
    call(tmp_path, "git", "clone", "-q", "-b", "data/2013-02-10", str(project), str(clone))
    for remote in ("restricted", "shared"):
        call(clone, "dvc", "remote", "modify", "--local", remote, "url", str(project / ".windtunnel/remotes" / remote))
        call(clone, "dvc", "pull", "-q", "-r", remote, "--allow-missing", code=None)
    assert _hashes(clone / "data") == _hashes(scratch / "data")
    assert (clone / "data/verdict.json").read_text() == (scratch / "data/verdict.json").read_text()


@pytest.mark.whole
def test_candidate_runs_in_a_worktree_of_its_own(project: Path) -> None:
    """`run --challenger` judges the file on the test part, keeps the results, and does not touch the checkout."""
    before = _hashes(project / "data")
    done = call(project, "windtunnel", "run", "--challenger", "examples/calibrated.py", code=None)
    assert done.returncode in CODES.values(), done.stderr
    (branch,) = call(project, "git", "branch", "--format", "%(refname:short)", "--list", "candidates/*").stdout.split()
    assert (project / ".windtunnel/results" / branch / "report.html").exists()
    assert "challengers/calibrated.py" in call(project, "git", "show", f"{branch}:params.yaml").stdout
    assert _hashes(project / "data") == before
