"""Verdicts and their receipts: finding them, writing and keeping them.

What belongs here: where verdicts lie, in a checkout or on a branch, and with what beside them. What does not: judging, whether one
may be acted upon (``flows.verdict_checks``), and Prefect, so that a release flow's ``gate --check`` answers at once.
"""

import getpass
import hashlib
import io
import shutil
import socket
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from flows.programs import call
from flows.worktrees import newest_refresh
from tasks.datasets import hash_file, write_atomically
from tasks.errors import GateError, WorktreeError
from tasks.gates import hash_params, make_receipt
from tasks.ledger import find_look, known_events
from tasks.params import Params, load_params
from tasks.paths import ProjectPaths, main_root
from tasks.records import Evaluation, LookTaken, Receipt, Verdict
from tasks.reporting import seal_page, show_looks, verdict_junit, verdict_markdown
from tasks.signing import SIGNERS_FILE, key_owner, parse_signers, signers_text
from tasks.stages.looking import CANDIDATE, HOLDOUT, pay_look
from tasks.stages.policies import hash_suites, judged_files

_ENVIRONMENT = ("windtunnel", "prefect", "dvc", "great-expectations", "scikit-learn", "pandas", "pyarrow", "duckdb")


EVIDENCE = "evidence"
"""Below a run's results: what its verdict was judged on, so that other criteria can be held against it later."""
_UNREAD = (":(exclude,glob)**/*.py", ":(exclude,glob)**/*.md", ":(exclude)*.lock")
"""What of a commit no parameter and no verdict names, and is most of it."""
HERE = "here"
"""The name under which a run in the project's own folder is kept."""
EARLIER = "earlier"
"""Where the evidence of such runs is kept once another verdict has taken their place."""


@dataclass(frozen=True)
class StoredVerdict:
    """A verdict as it lies somewhere, and what it is held against: what lies beside it, on its branch or in this checkout."""

    name: str
    content: bytes
    receipt: Receipt | None
    params: Params
    files: Mapping[str, str]
    """SHA-256 of the files beside it (pin, evaluation and reports), and of what its suites say, as a verdict's inputs name them."""
    envelope: bytes | None = None
    """The signed decision record; None where nobody signed."""
    checkout: ProjectPaths | None = None
    """Where datasets and models may lie beside it; None on a branch, of which only what Git holds is known."""

    @property
    def verdict(self) -> Verdict:
        """The verdict that the bytes hold."""
        return Verdict.from_json(self.content, origin=self.name)

    @property
    def look(self) -> LookTaken | None:
        """The look that its receipt names."""
        return self.receipt.look if self.receipt else None


def read_verdict(paths: ProjectPaths) -> Verdict:
    """The verdict in ``data/verdict.json``; raises :class:`~tasks.errors.GateError` where there is none."""
    if not paths.verdict.exists():
        raise GateError(str(paths.verdict), found="no verdict", expected="the verdict of a run", next_step="windtunnel run")
    return Verdict.from_json(paths.verdict.read_bytes(), origin=str(paths.verdict))


def receipt_path(paths: ProjectPaths, verdict: bytes) -> Path:
    """Where the receipt of a verdict lies: under the hash of the verdict's bytes."""
    return paths.receipts / f"{hashlib.sha256(verdict).hexdigest()}.json"


def envelope_path(paths: ProjectPaths, verdict: bytes) -> Path:
    """Where the signed decision record of a verdict lies: beside its receipt."""
    return receipt_path(paths, verdict).with_suffix(".dsse")


def write_receipt(paths: ProjectPaths, earlier: ProjectPaths, now: datetime) -> Path:
    """Write who judged, where and when, and return the receipt's path.

    A verdict that was judged before, here or in the checkout ``earlier``, keeps its receipt: a verdict does not get younger
    by being found again. Raises :class:`~tasks.errors.GateError` where it is of other parameters than lie here.
    """
    content, params = paths.verdict.read_bytes(), load_params(paths.params)
    verdict = Verdict.from_json(content, origin=str(paths.verdict))
    if verdict.params_hash != hash_params(params):
        raise GateError(
            str(paths.verdict),
            found="judged by other parameters than params.yaml holds now",
            expected="a verdict of this params.yaml: it was edited since",
            next_step="windtunnel run",
        )
    look = _pay(paths, params, verdict)
    path, former = receipt_path(paths, content), receipt_path(earlier, content)
    if not path.exists() and former.exists():
        write_atomically(path, former.read_bytes())
    if not path.exists():
        receipt = make_receipt(
            content,
            actor=getpass.getuser(),
            host=socket.gethostname(),
            environment={name: version(name) for name in _ENVIRONMENT},
            now=now,
            max_age_days=params.gates.max_age_days,
            look=look,
        )
        write_atomically(path, receipt.to_json().encode())
    return path


def _pay(paths: ProjectPaths, params: Params, verdict: Verdict) -> LookTaken | None:
    """The look that the verdict cost; taken now where its figures came from a cache, and nobody here has paid for them."""
    if HOLDOUT not in verdict.inputs:
        return None
    return pay_look(paths, params, candidate=verdict.inputs.get(CANDIDATE), holdout=verdict.inputs[HOLDOUT])


def find_looks(paths: ProjectPaths, verdict: Verdict, receipt: Receipt | None) -> LookTaken | None:
    """The look that ``verdict`` cost and how many are left by now; what its receipt says, where no log here knows of it.

    Which look it was stays what the receipt says: by that the decision stands.
    """
    look = receipt.look if receipt else None
    holdout, candidate = (verdict.inputs.get(name) for name in (HOLDOUT, CANDIDATE))
    if holdout is None or candidate is None:
        return look
    budget = look.budget if look else load_params(paths.params).gates.looks.budget
    events = known_events(ProjectPaths(main_root(paths.root)).events, paths.landed_events)
    found = find_look(events, candidate, holdout, budget)
    return look.model_copy(update={"left": found.left}) if look and found else found or look


def newest_verdict(root: Path) -> StoredVerdict | None:
    """The verdict of the newest refresh, or the checkout's own before the first; None before any."""
    if newest_refresh(root) is None and not ProjectPaths(root).verdict.exists():
        return None
    return find_verdict(root, "newest")


def keep_results(paths: ProjectPaths, main: ProjectPaths, name: str, look: LookTaken | None) -> Path:
    """Copy verdict and reports to the main checkout's ``.windtunnel/results/<name>``, where they outlive a worktree.

    The copies say how many looks at the holdout are left and who signed, which no output of a stage may: it would differ from run
    to run.
    """
    target = main.results / name
    if name == HERE:
        _keep_evidence(target, main.results / EARLIER, paths.verdict)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(paths.reports, target)
    shutil.copy2(paths.verdict, target / paths.verdict.name)
    signed = envelope_path(paths, paths.verdict.read_bytes())
    envelope = signed.read_bytes() if signed.exists() else None
    if envelope is not None:
        write_atomically(target / "verdict.dsse", envelope)
    for source in (
        paths.evaluation_report,
        paths.disclosure_report,
        paths.utility_report,
        *paths.validation_reports.glob("*.json"),
        *paths.evidence.glob("*.json"),
    ):
        if source.is_file():
            copy = target / EVIDENCE / source.relative_to(paths.root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    verdict = read_verdict(paths)
    evaluation = Evaluation.from_json(paths.evaluation_report.read_bytes(), origin=str(paths.evaluation_report))
    page = show_looks((target / paths.report_page.name).read_text(), verdict, look)
    if envelope is not None:
        owner = key_owner(envelope, parse_signers(signers_text(paths.policies), origin=SIGNERS_FILE))
        page = seal_page(page, envelope, owner.principal if owner else None)
    write_atomically(target / paths.report_page.name, page.encode())
    write_atomically(target / paths.report_markdown.name, verdict_markdown(verdict, evaluation, look=look).encode())
    write_atomically(target / paths.report_junit.name, verdict_junit(verdict, look).encode())
    return target


def _keep_evidence(former: Path, earlier: Path, verdict: Path) -> None:
    """Keep what the ``former`` verdict was judged on: a run that was turned down lies on no branch, and may flip like any other."""
    was = former / verdict.name
    if was.is_file() and (former / EVIDENCE).is_dir() and was.read_bytes() != verdict.read_bytes():
        kept = earlier / hashlib.sha256(was.read_bytes()).hexdigest()[:12] / EVIDENCE
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(former / EVIDENCE, kept)


def published_page(paths: ProjectPaths) -> Path:
    """The page of the checkout's own verdict: as it was published, where that was of these bytes, or as its stage drew it."""
    copy = paths.results / HERE
    is_same = (copy / paths.verdict.name).exists() and paths.verdict.exists()
    if is_same and (copy / paths.verdict.name).read_bytes() == paths.verdict.read_bytes():
        return copy / paths.report_page.name
    return paths.report_page


def find_verdict(root: Path, name: str) -> StoredVerdict:
    """A verdict from a branch (``data/2013-11-01``), ``newest`` (refresh, or the checkout's own before the first), or a path.

    Raises :class:`~tasks.errors.GateError` where there is none.
    """
    paths = ProjectPaths(root)
    branch = newest_refresh(root) if name == "newest" else name
    path = paths.verdict if branch is None else root / branch
    if path.is_file():
        return _of_file(paths, path)
    try:
        content = _show(root, f"{branch}:data/verdict.json")
        params, files = _of_commit(root, str(branch))
    except WorktreeError:
        raise GateError(
            f"verdict {name!r}",
            found="no such file, and no branch that holds a verdict",
            expected="a path to a verdict.json, a branch such as data/2013-11-01, or newest",
            next_step="windtunnel run, or git branch --list 'data/*'",
        ) from None
    where = receipt_path(paths, content).relative_to(root).as_posix()
    receipt_bytes = _show_if_there(root, f"{branch}:{where}")
    receipt = Receipt.from_json(receipt_bytes, origin=where) if receipt_bytes is not None else None
    envelope = receipt_path(paths, content).with_suffix(".dsse").relative_to(root).as_posix()
    return StoredVerdict(str(branch), content, receipt, params, files, _show_if_there(root, f"{branch}:{envelope}"))


def _of_commit(root: Path, branch: str) -> tuple[Params, dict[str, str]]:
    """The parameters of a branch, and the hashes of what else lies there, from Git alone: no data, and no worktree."""
    with tempfile.TemporaryDirectory(prefix="windtunnel-") as folder:
        with tarfile.open(fileobj=io.BytesIO(call(["git", "archive", branch, "--", ".", *_UNREAD], root))) as archive:
            archive.extractall(folder, filter="data")
        tree = ProjectPaths(Path(folder))
        return load_params(tree.params), hash_beside(tree)


def _show_if_there(root: Path, what: str) -> bytes | None:
    try:
        return _show(root, what)
    except WorktreeError:
        return None


def _show(root: Path, what: str) -> bytes:
    return call(["git", "show", what], root)


def _of_file(paths: ProjectPaths, path: Path) -> StoredVerdict:
    content = path.read_bytes()
    where = receipt_path(paths, content)
    receipt = Receipt.from_json(where.read_bytes(), origin=str(where)) if where.exists() else None
    signed = envelope_path(paths, content)
    envelope = signed.read_bytes() if signed.exists() else None
    return StoredVerdict(str(path), content, receipt, load_params(paths.params), hash_beside(paths), envelope, paths)


def hash_beside(paths: ProjectPaths) -> dict[str, str]:
    """The hashes of files and suites that lie in a checkout, as a verdict's inputs name them."""
    return {name: hash_file(path) for name, path in judged_files(paths).items() if path.is_file()} | hash_suites(paths)
