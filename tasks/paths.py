"""Every path of a project, in one place; imports nothing of the project.

What belongs here: where things lie. What does not: reading or writing them.
"""

from dataclasses import dataclass
from pathlib import Path

CANARY_FILE = "canary.parquet"
"""The marker row that is planted in each table's folder of the snapshot; no manifest lists it."""


@dataclass(frozen=True)
class ProjectPaths:
    """The paths of the project whose ``params.yaml`` lies in ``root``."""

    root: Path

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def graph(self) -> Path:
        return self.root / "dvc.yaml"

    @property
    def lock(self) -> Path:
        return self.root / "dvc.lock"

    @property
    def requirements(self) -> Path:
        return self.root / "requirements.lock"

    @property
    def version_lock(self) -> Path:
        """In a user's project: the version of the installed package that it runs on. A clone, which holds the code, has none."""
        return self.root / "windtunnel.lock"

    @property
    def environment_lock(self) -> Path:
        """The file that fixes what results are computed with."""
        return self.version_lock if self.version_lock.is_file() else self.requirements

    @property
    def expectations(self) -> Path:
        return self.root / "expectations"

    @property
    def policies(self) -> Path:
        """Who may sign, and what they have signed: in Git."""
        return self.root / "policies"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def pin(self) -> Path:
        return self.data / "pin.json"

    @property
    def snapshots(self) -> Path:
        """Restricted zone: may hold raw personal data, mode 0700."""
        return self.data / "snapshots"

    @property
    def masked(self) -> Path:
        return self.data / "masked"

    @property
    def privacy_report(self) -> Path:
        return self.masked / "privacy.json"

    @property
    def residue_evidence(self) -> Path:
        return self.masked / "residue.json"

    @property
    def splits(self) -> Path:
        return self.data / "splits"

    def split(self, name: str) -> Path:
        return self.splits / name

    @property
    def features(self) -> Path:
        return self.data / "features"

    @property
    def disclosure_report(self) -> Path:
        return self.data / "disclosure" / "disclosure.json"

    @property
    def utility_report(self) -> Path:
        return self.data / "utility" / "utility.json"

    @property
    def evidence(self) -> Path:
        """What stages measured of the challenger, one file for each kind."""
        return self.data / "evidence"

    def evidence_of(self, kind: str) -> Path:
        return self.evidence / f"{kind}.json"

    @property
    def models(self) -> Path:
        return self.data / "models"

    @property
    def predictions(self) -> Path:
        return self.data / "predictions"

    @property
    def validation_reports(self) -> Path:
        return self.data / "validation"

    def validation_report(self, subject: str) -> Path:
        return self.validation_reports / f"{subject}.json"

    @property
    def evaluation(self) -> Path:
        return self.data / "evaluation"

    @property
    def evaluation_report(self) -> Path:
        return self.evaluation / "evaluation.json"

    @property
    def metrics(self) -> Path:
        return self.evaluation / "metrics.json"

    @property
    def roc_curve(self) -> Path:
        return self.evaluation / "roc.csv"

    @property
    def calibration_curve(self) -> Path:
        return self.evaluation / "calibration.csv"

    @property
    def verdict(self) -> Path:
        return self.data / "verdict.json"

    @property
    def landed_events(self) -> Path:
        """The event log as it stood when a run landed: committed beside its verdict, so that a clone has it."""
        return self.data / "events.jsonl"

    @property
    def reports(self) -> Path:
        return self.data / "reports"

    @property
    def report_page(self) -> Path:
        return self.reports / "report.html"

    @property
    def report_markdown(self) -> Path:
        return self.reports / "verdict.md"

    @property
    def report_junit(self) -> Path:
        return self.reports / "verdict.junit.xml"

    @property
    def state(self) -> Path:
        """Git-ignored local state: demo lake, keys, server, worktrees, receipts."""
        return self.root / ".windtunnel"

    @property
    def spill(self) -> Path:
        """Where a stage keeps what does not fit into memory, until it ends: masked rows at most."""
        return self.state / "spill"

    @property
    def raw_spill(self) -> Path:
        """Restricted zone: where features of raw rows lie that do not fit into memory, until the stage ends; mode 0700."""
        return self.state / "raw-spill"

    @property
    def raw_models(self) -> Path:
        """Restricted zone: models on their way into the registry or out of it, which may hold raw values; mode 0700."""
        return self.state / "raw-models"

    @property
    def spark_spill(self) -> Path:
        """Restricted zone: where Spark on this machine spills, encrypted, until the stage ends."""
        return self.state / "spark"

    @property
    def receipts(self) -> Path:
        """Who judged what, where and when; outside DVC, because clock and actor differ from run to run."""
        return self.state / "receipts"

    @property
    def events(self) -> Path:
        """The one event log of a project: of its main checkout (:func:`main_root`), whatever worktree writes to it."""
        return self.state / "events.jsonl"

    @property
    def key_registry(self) -> Path:
        """Which masking key each key id has named: ids and fingerprints, no key."""
        return self.state / "keys.json"

    @property
    def rotations(self) -> Path:
        """Which key came after which, and where their files lie: ids, fingerprints and paths, no key."""
        return self.state / "rotations.json"

    @property
    def raw_keys(self) -> Path:
        """Restricted zone: the raw keys of each partition, counted, so that an unchanged one need not be read again; mode 0700."""
        return self.state / "raw-keys"

    @property
    def canary_seed(self) -> Path:
        """Restricted zone: what the values of marker rows are derived from, mode 0600."""
        return self.state / "canary.seed"

    @property
    def bridges(self) -> Path:
        """Restricted zone: tables of old tokens and new ones, mode 0700; nothing of it is ever shared."""
        return self.state / "bridges"

    @property
    def results(self) -> Path:
        """Verdicts and reports of runs in worktrees, which are removed."""
        return self.state / "results"

    @property
    def own_registry(self) -> Path:
        """The model registry of a project that names no other: an MLflow database, and its files beside it."""
        return self.state / "mlflow" / "mlflow.db"

    @property
    def worktrees(self) -> Path:
        return self.state / "worktrees"

    @property
    def remotes(self) -> Path:
        return self.state / "remotes"

    @property
    def server(self) -> Path:
        return self.state / "server"


def main_root(root: Path) -> Path:
    """The project's folder in the main checkout where ``root`` lies in a linked git worktree; otherwise ``root`` itself.

    What git does not track (the demo lake, the masking key, remotes) exists once, in the main checkout; a refresh runs in a
    worktree. A worktree's ``.git`` is a file that names its git directory, whose ``commondir`` names the main one; a
    submodule's has no ``commondir``. No subprocess, since every stage asks.
    """
    start = root.resolve()
    for folder in (start, *start.parents):
        marker = folder / ".git"
        if marker.is_dir():
            return root
        if marker.is_file():
            git_dir = folder / marker.read_text().removeprefix("gitdir:").strip()
            common = git_dir / "commondir"
            if not common.is_file():
                return root
            main_git = (git_dir / common.read_text().strip()).resolve()
            return main_git.parent / start.relative_to(folder) if main_git.name == ".git" else root
    return root


def make_private(folder: Path) -> None:
    """Make ``folder`` and let only its owner in (mode 0700): what lies below it may be raw personal data, or a key."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
