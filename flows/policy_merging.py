"""Merging rival versions of the policy: two branches that each signed the same number.

What belongs here: fetching the other branch's versions, and writing the version that follows both. What does not: whose signatures
that takes (``tasks.signing``), and Git's own merge of files.
"""

import shutil
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from flows.policy_flips import find_flips
from flows.policy_signing import (
    PolicyView,
    cannot,
    changes_to,
    next_version,
    require_person,
    require_whole,
    seal_version,
    taken_up,
)
from flows.programs import call, git
from tasks.datasets import write_atomically
from tasks.errors import WorktreeError
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.signing import RIVALS, PolicyState, SignedVersion, Signers, judge_chain, read_versions
from tasks.stages.policies import judging, stand_by

_KEPT = "kept"
"""The folder in the temporary one for what is to lie beside the version: its number has a name of its own in ``policies/``."""


def merge_policy(root: Path, branch: str, *, key: Path, reason: str, now: datetime) -> PolicyView:
    """Sign the policy as it stands in the checkout at ``root`` as the version that follows its own newest and that of ``branch``.

    Returns what then stands, and what was changed of each. It is in force once the people of both have signed as each asks: a
    second one by ``windtunnel policy sign``. Raises :class:`~tasks.errors.SigningError` where the two are no rivals, one does not
    hold, or the key is of nobody who may sign on both.
    """
    paths = ProjectPaths(root)
    params = load_params(paths.params)
    standing = stand_by(paths, params, now)
    state = standing.state
    require_whole(state)
    if state.in_force is None:
        raise cannot("no signed version here", "one that rivals another", "windtunnel policy sign")
    with tempfile.TemporaryDirectory(prefix="windtunnel-policy-") as name:
        folder = Path(name)
        _fetch(root, branch, folder)
        theirs = judge_chain(read_versions(folder), judging(paths, params, now))
        line, head = _rival_line(state, theirs, branch)
        signer = require_person(_on_both(state.signers, theirs.signers), key, now)
        wanted = next_version(paths, state, params, author=signer.principal, reason=reason)
        took_up = taken_up(wanted, (state, theirs)) - {signer.principal}
        wanted = wanted.model_copy(update={"merges": (head,), "took_up": tuple(sorted(took_up))})
        flips = find_flips(root, state.in_force.version, wanted)
        before = PolicyView(standing, changes_to(wanted, (state, theirs)), *flips)
        _keep(folder, line, folder / _KEPT / RIVALS / head)
        content = wanted.to_json().encode()
        return seal_version(
            before, paths, params, wanted, content, signer=signer, key=key, reason=reason, now=now, beside=folder / _KEPT
        )


def _fetch(root: Path, branch: str, folder: Path) -> None:
    """Write ``policies/`` of ``branch`` into ``folder``."""
    try:
        commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{branch}^{{commit}}")
        names = git(root, "ls-tree", "-r", "-z", "--name-only", commit, "--", "policies/").split("\0")
        for name in filter(None, names):
            write_atomically(folder / Path(name).relative_to("policies"), call(["git", "show", f"{commit}:./{name}"], root))
    except WorktreeError:
        raise cannot(f"no branch {branch!r} here", "the branch that the other version was signed on", "git fetch") from None


def _rival_line(state: PolicyState, theirs: PolicyState, branch: str) -> tuple[tuple[SignedVersion, ...], str]:
    """The versions of the other branch from where both part, and the hash of the newest."""
    if theirs.is_broken or theirs.in_force is None:
        told = theirs.problem or "nobody has signed one"
        raise cannot(f"policies/ of {branch} that does not hold: {told}", "signed versions", "restore them on that branch")
    if theirs.in_force.digest in state.known:
        raise cannot(f"version {theirs.carried} of {branch}, which is part of this policy", "a rival", "windtunnel policy show")
    here = state.in_force
    if here is not None and here.digest in theirs.known:
        told = f"version {theirs.carried} of {branch}, which follows version {state.carried} here"
        raise cannot(told, "a rival of it", f"git checkout {branch} -- policies")
    common = _common(state.versions[: state.carried], theirs.versions[: theirs.carried])
    return theirs.versions[common : theirs.carried], theirs.in_force.digest


def _common(ours: Sequence[SignedVersion], theirs: Sequence[SignedVersion]) -> int:
    """How many versions both begin with: a line is judged from there, also where an earlier merge took in some of it."""
    pairs = zip(ours, theirs, strict=False)
    return next((place for place, (mine, other) in enumerate(pairs) if mine.digest != other.digest), min(len(ours), len(theirs)))


def _on_both(ours: Signers, theirs: Signers) -> Signers:
    """Those of ours whose key is the same person's on the other branch."""
    named = {(line.fingerprint, line.principal) for line in theirs.lines}
    return Signers(tuple(line for line in ours.lines if (line.fingerprint, line.principal) in named), ours.banned)


def _keep(folder: Path, line: tuple[SignedVersion, ...], target: Path) -> None:
    """Copy the files of ``line``, and of the lines that these merged, from ``folder``."""
    for signed in line:
        for file in folder.glob(f"{signed.version.number:04d}.*json"):
            write_atomically(target / file.name, file.read_bytes())
        for digest in signed.version.merges:
            shutil.copytree(folder / RIVALS / digest, target / RIVALS / digest)
