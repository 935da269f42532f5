"""A whole project on a small but real production: five weeks of real flights, its own git and DVC repository."""

import os
import shutil
import subprocess
import sys
from datetime import date, datetime, timezone
from pathlib import Path

from key_search import forms_of_keys
from sign_demo_policy import sign_demo_policy

from flows.params_edit import edit_params
from tasks.demo import DemoPeriod, build_lake, write_demo_key
from tasks.demo.key import DEMO_KEY_HEX
from tasks.models import dump_model

ROOT = Path(__file__).resolve().parents[2]
PERIOD = DemoPeriod(first_day=date(2013, 1, 1), trained_until=date(2013, 1, 15))
AS_OF = datetime(2013, 2, 9, tzinfo=timezone.utc)
SEED = 20130101
DEMO_KEY_FORMS = forms_of_keys(bytes.fromhex(DEMO_KEY_HEX), ("flight", "aircraft", "passenger", "booking"))
"""The key of such a project, and what its policy derives of it."""
CHANGES = {
    "snapshot.as_of_utc": "2013-02-09T00:00:00Z",
    "splits.by_time.boundaries": {"train": "2013-01-25", "validation": "2013-02-01"},
    "models.challenger.parameters": {"max_iter": 30},
    "evaluation.interval.replicates": 200,
    "gates.criteria.ranking.min_rows": 500,
    "gates.criteria.calibration.min_rows": 500,
    "gates.criteria.each_origin.min_rows": 200,
    # A week of days to judge on is too few to resample, so that the certificate cannot tell.
    "gates.criteria.utility.critical": False,
    "masking.utility.rows": 1000,
}


def environment(**extra: str) -> dict[str, str]:
    """The environment of a user without a git identity, a Prefect server or a masking key of his own."""
    dropped = ("PREFECT_", "WINDTUNNEL_", "GIT_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    scripts = str(Path(sys.executable).parent)
    return {
        **kept,
        "PATH": f"{scripts}{os.pathsep}{kept['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **extra,
    }


def call(folder: Path, *command: str, code: int | None = 0, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the project; ``code`` is the exit code that is expected, None for any."""
    done = subprocess.run(
        command, cwd=folder, env=environment(**extra), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert code is None or done.returncode == code, f"{command} gave {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def copy_checkout(folder: Path) -> None:
    """What git knows of this checkout, as it lies here, as a repository of one commit."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for name in filter(None, names):
        source, target = ROOT / name, folder / name
        if source.is_file() and name not in ("dvc.lock", "data/pin.json"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def make_small_project(folder: Path) -> Path:
    """The project in ``folder`` with its lake and key; nothing has been run yet."""
    copy_checkout(folder)
    params = (folder / "params.yaml").read_text()
    text = "\n".join(line for line in params.splitlines() if "each_carrier" not in line) + "\n"
    (folder / "params.yaml").write_text(text)
    edit_params(folder / "params.yaml", CHANGES)
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@localhost"]
    sign_demo_policy(folder)
    call(folder, "git", "init", "-q", "-b", "main")
    call(folder, "git", "add", "-A")
    call(folder, *git, "commit", "-q", "-m", "a project")
    build_lake(folder / ".windtunnel/demo-lake", AS_OF, seed=SEED, save_model=dump_model, period=PERIOD)
    write_demo_key(folder / ".windtunnel/masking.key")
    return folder
