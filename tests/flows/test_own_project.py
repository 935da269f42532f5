"""A project of one's own, made by `windtunnel init`, runs to a verdict on the installed package; also from a wheel."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import own_lakes
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from server_api import Api
from small_project import call, copy_checkout, environment

from flows.params_edit import edit_params
from tasks.datasets import hash_file

pytestmark = [pytest.mark.slow, pytest.mark.whole]
FOLDS = {"kind": "kfold", "k": 3, "unit": "tailnum", "salt": "v1", "why": "spread over draws"}
NOT_OURS = "raise RuntimeError('this module is the user\\'s, and nobody asked for it')\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with no settings."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def _init(folder: Path, lake: Path, label: str, home: Path, *options: str) -> dict:
    done = call(
        folder.parent,
        *("windtunnel", "init", "--into", str(folder), "--lake", str(lake), "--label", label, "--json", *options),
        HOME=str(home),
        XDG_CONFIG_HOME="",
    )
    return json.loads(done.stdout)


def _verdict(folder: Path) -> dict:
    return json.loads((folder / "data/verdict.json").read_text())


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on flights with times, an entity and a score, with folds beside the splits that were guessed, after a run.

    Its home lies beside it. Files of the user's are called like ours.
    """
    base = tmp_path_factory.mktemp("late")
    (base / "home").mkdir()
    lake = own_lakes.write_lake(base / "lake", flights=own_lakes.flights(3000))
    folder = base / "late"
    told = _init(folder, lake, "is_late", base / "home")
    assert told["guessed"]["entity"].startswith("tailnum")
    assert (Path(told["masking_key"]).stat().st_mode & 0o777) == 0o600
    assert not (folder / "tasks").exists()
    for name in ("tasks.py", "flows.py"):
        (folder / name).write_text(NOT_OURS)
    edit_params(folder / "params.yaml", {"splits.folds": FOLDS})
    call(folder, "windtunnel", "upgrade", HOME=str(base / "home"))
    done = call(folder, "windtunnel", "run", code=None, HOME=str(base / "home"))
    assert done.returncode in (0, 1, 3), done.stderr
    return folder


@pytest.fixture
def copied(late: Path, tmp_path: Path) -> Path:
    """A copy of that project."""
    return Path(shutil.copytree(late, tmp_path / "late", symlinks=True))


def test_times_entity_and_score_end_in_a_verdict(late: Path) -> None:
    """Files of the user's that are called like ours harm nothing; run again, and by DVC, nothing is left to do."""
    verdict = _verdict(late)
    assert verdict["rubber_stamp"] is False
    assert {one["name"] for one in verdict["criteria"]} >= {"validation", "quality", "calibration"}
    assert "up to date" in call(late, "dvc", "repro", HOME=str(late.parent / "home")).stdout
    assert "nothing to do" in call(late, "windtunnel", "upgrade").stdout


def _judge(folder: Path, late: Path, changes: dict[str, Any]) -> tuple[dict[str, Any], str, str]:
    """The verdict under changed parameters, the page, and what the terminal said."""
    edit_params(folder / "params.yaml", changes)
    done = call(folder, "windtunnel", "run", code=None, HOME=str(late.parent / "home"))
    assert done.returncode in (0, 1, 3), done.stderr
    return _verdict(folder), (folder / "data/reports/report.html").read_text(), done.stdout


def test_scores_that_were_brought_are_judged_on_all_folds(copied: Path, late: Path) -> None:
    """From rows that were exported to a verdict that says who computed the scores, and what was only said of folds."""
    call(copied, "windtunnel", "data", "export-rows", "--split", "folds", "--part", "all folds", "--out", "rows.parquet")
    rows = pq.read_table(copied / "rows.parquet")
    assert set(rows["_fold"].to_pylist()) == {"fold_1", "fold_2", "fold_3"}
    scores = np.random.default_rng(0).random(rows.num_rows)
    pq.write_table(pa.table({"row_key": rows["row_key"], "score": scores}), copied / "scores.parquet")
    challenger = {"score_file": "scores.parquet", "sha256": hash_file(copied / "scores.parquet"), "view": "masked"}
    judged = {"evaluation.split": "folds", "evaluation.part": "all folds"}
    verdict, page, said = _judge(copied, late, {"models.challenger": challenger, **judged})
    assert verdict["evidence_level"] == "scores_brought_along"
    assert verdict["folds"] == {"count": 3, "draws": 1, "kept_model": "none"}
    assert next(one["n"] for one in verdict["criteria"] if one["name"] == "quality") == rows.num_rows
    assert "scores brought along, computed unseen" in said
    for told in ("Scores brought along", "Each fold by itself", "was not seen", "fold_3"):
        assert told in page


FIT = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
train, score = pq.read_table(sys.argv[1]), pq.read_table(sys.argv[2])
share = sum(train["label"].to_pylist()) / train.num_rows
pq.write_table(pa.table({"row_key": score["row_key"], "score": [share] * score.num_rows}), sys.argv[3])
"""


def test_a_command_is_judged(copied: Path, late: Path) -> None:
    """A program of the user's, run by the stage, to a verdict that says that it was scored here and fitted unseen."""
    (copied / "fit.py").write_text(FIT)
    challenger = {
        "command": [sys.executable, "fit.py", "{train}", "{score}", "{out}"],
        "files": {"fit.py": hash_file(copied / "fit.py")},
        "split": "by_time",
        "part": "train",
    }
    verdict, page, said = _judge(copied, late, {"models.challenger": challenger})
    assert verdict["evidence_level"] == "scored_here"
    assert next(one["challenger"] for one in verdict["criteria"] if one["name"] == "quality") == 0.5
    assert "scored here, fitted unseen" in said
    assert "It was scored here on stored data, fitted unseen" in page


def test_without_time_entity_or_score_the_verdict_is_a_rubber_stamp(tmp_path: Path, home: Path) -> None:
    """Three kinds of wine, in JSON lines; the first model meets bounds and nothing else."""
    lake = tmp_path / "lake"
    lake.mkdir()
    own_lakes.wine().to_pandas().to_json(lake / "wines.jsonl", orient="records", lines=True)
    folder = tmp_path / "wines"
    _init(folder, lake, "cultivar", home)
    call(folder, "windtunnel", "run", code=None, HOME=str(home))
    verdict = _verdict(folder)
    assert verdict["rubber_stamp"] is True
    assert verdict["decision"] in ("promote", "reject", "inconclusive")


def test_people_are_masked_before_anything_is_shared(tmp_path: Path, home: Path) -> None:
    """From CSV with semicolons: no name, address, number or note in any file that may be shared, and k holds."""
    table = own_lakes.people(1500)
    lake = tmp_path / "lake"
    lake.mkdir()
    table.to_pandas().to_csv(lake / "customers.csv", sep=";", index=False)
    folder = tmp_path / "churn"
    told = _init(folder, lake, "churned", home)
    assert told["k_anonymity"]["rows_below"] == 0
    call(folder, "windtunnel", "pin", HOME=str(home))
    call(folder, "dvc", "repro", "features", "split", HOME=str(home))
    shared = [path for path in (folder / "data").rglob("*") if path.is_file() and "snapshots" not in path.parts]
    assert [path for path in shared if path.suffix == ".parquet"]
    content = b"\n".join(path.read_bytes() for path in shared)
    for column in ("customer_no", "full_name", "contact", "reachable_at", "remark"):
        assert not [value for value in table.column(column).to_pylist()[:300] if value.encode() in content]


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path, home: Path) -> None:
    """Exit code 2; nothing in it is touched, and no key is left behind."""
    lake = own_lakes.write_lake(tmp_path / "lake", iris=own_lakes.iris())
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    done = call(
        tmp_path, *("windtunnel", "init", "--into", "mine", "--lake", str(lake), "--label", "species"), code=2, HOME=str(home)
    )
    assert "not empty" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]
    assert not (home / ".config").exists()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment into which a wheel of this checkout was installed, with our libraries beside."""
    base = tmp_path_factory.mktemp("wheel")
    copy_checkout(base / "source")
    build = "import setuptools.build_meta as b; print(b.build_wheel('..'))"
    subprocess.run([sys.executable, "-W", "ignore", "-c", build], cwd=base / "source", check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(base / "venv")], check=True)
    (site,) = (base / "venv").glob("lib/python*/site-packages")
    (wheel,) = base.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    ours = Path(pytest.__file__).parents[1]
    (site / "libraries.pth").write_text(f"{ours}\n")  # its own .pth files, and with them the checkout, are not followed
    scripts = base / "venv" / "bin"
    for name in ("windtunnel", "dvc", "prefect"):
        text = (Path(sys.executable).parent / name).read_text().splitlines()
        (scripts / name).write_text("\n".join([f"#!{scripts / 'python'}", *text[1:]]) + "\n")
        (scripts / name).chmod(0o755)
    return scripts


def test_a_wheel_is_enough(installed: Path, tmp_path: Path, home: Path) -> None:
    """Away from any checkout: init, pin and the first stages; graph, lock and templates are in the wheel."""
    lake = own_lakes.write_lake(tmp_path / "lake", iris=own_lakes.iris())
    path = f"{installed}{os.pathsep}{os.environ['PATH']}"
    kept = {**environment(HOME=str(home)), "PATH": path}

    def run(folder: Path, *words: str) -> str:
        done = subprocess.run(words, cwd=folder, env=kept, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    windtunnel, dvc = str(installed / "windtunnel"), str(installed / "dvc")
    code = "import tasks, sys; print(tasks.__file__)"
    assert str(installed.parent) in run(tmp_path, str(installed / "python"), "-c", code)
    run(tmp_path, windtunnel, "init", "--into", "flowers", "--lake", str(lake), "--label", "species")
    folder = tmp_path / "flowers"
    here = yaml.safe_load((folder / "windtunnel.lock").read_text())
    from tasks.projects.version_lock import installed_version

    assert here["code"] == installed_version().code, "the code's hash depends on where it lies"
    run(folder, windtunnel, "pin")
    run(folder, dvc, "repro", "snapshot")
    assert (folder / "data/snapshots/manifest.json").exists()
    (folder / "windtunnel.lock").write_text(json.dumps({**here, "code": "0" * 64}))
    done = subprocess.run([dvc, "repro", "snapshot"], cwd=folder, env=kept, capture_output=True, text=True, check=False)
    assert "windtunnel upgrade" in done.stderr + done.stdout
    run(folder, windtunnel, "upgrade")
    run(folder, dvc, "repro", "snapshot")


def test_a_worker_runs_our_flows(tmp_path: Path, home: Path) -> None:
    """Prefect puts the current folder first on the module path; a `flows.py` of the user's is not taken for ours."""
    lake = own_lakes.write_lake(tmp_path / "lake", iris=own_lakes.iris())
    folder = tmp_path / "flowers"
    _init(folder, lake, "species", home)
    for name in ("tasks.py", "flows.py"):
        (folder / name).write_text(NOT_OURS)
    try:
        api = Api(json.loads(call(folder, "windtunnel", "up", "--port", "0", "--json", HOME=str(home)).stdout)["api"])
        run = api.start("release_gate")
        assert api.finish(run) == "Failed"
        message = api.run(run)["state"]["message"]
    finally:
        call(folder, "windtunnel", "down", HOME=str(home))
    assert "GateError" in message


def test_upgrade_shows_what_it_changes(tmp_path: Path, home: Path) -> None:
    """A project of an older version: dry, nothing is written; then the files that follow the version are."""
    lake = own_lakes.write_lake(tmp_path / "lake", iris=own_lakes.iris())
    folder = tmp_path / "flowers"
    _init(folder, lake, "species", home)
    lock = json.loads((folder / "windtunnel.lock").read_text())
    (folder / "windtunnel.lock").write_text(json.dumps({**lock, "windtunnel": "0.0.1"}))
    before = shutil.copytree(folder, tmp_path / "before")
    assert '"0.0.1"' in call(folder, "windtunnel", "upgrade", "--dry-run").stdout
    assert (folder / "windtunnel.lock").read_text() == (before / "windtunnel.lock").read_text()
    call(folder, "windtunnel", "upgrade")
    assert json.loads((folder / "windtunnel.lock").read_text()) == lock
    assert (folder / "params.yaml").read_text() == (before / "params.yaml").read_text()
